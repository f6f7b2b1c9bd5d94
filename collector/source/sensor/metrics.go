package sensor

import (
	"maps"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
)

var (
	recordsDesc = prometheus.NewDesc("hoalu_sensor_records_total",
		"What a sensor accounted for since the start: seen = sent + dropped + filtered + what waits with it.", []string{"sensor", "what"}, nil)
	filteredDesc = prometheus.NewDesc("hoalu_sensor_filtered_total",
		"What a sensor left out by its policy since the start, by class; own_traffic are packets of the appliance's own connections.",
		[]string{"sensor", "class"}, nil)
)

// Describe names the metrics of a Book.
func (b *Book) Describe(out chan<- *prometheus.Desc) {
	out <- recordsDesc
	out <- filteredDesc
}

// Collect gives the accounts of every sensor that has told some: enrolled ones, so their number has a bound.
func (b *Book) Collect(out chan<- prometheus.Metric) {
	b.mu.Lock()
	sensors := slices.Sorted(maps.Keys(b.by))
	b.mu.Unlock()
	for _, id := range sensors {
		a := b.Of(id)
		for what, n := range map[string]int64{"seen": a.Seen, "sent": a.Sent, "dropped": a.Dropped, "filtered": a.Filtered} {
			out <- prometheus.MustNewConstMetric(recordsDesc, prometheus.CounterValue, float64(n), id, what)
		}
		for class, n := range a.LeftOut {
			out <- prometheus.MustNewConstMetric(filteredDesc, prometheus.CounterValue, float64(n), id, class)
		}
	}
}
