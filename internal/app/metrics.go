package app

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"hoalu/collector"
	"hoalu/collector/queue"
	"hoalu/detections"
)

// metrics serves /metrics: what each part already counts, read when asked.
func (a *App) metrics() http.Handler {
	return promhttp.HandlerFor(a.registry(), promhttp.HandlerOpts{})
}

func (a *App) registry() *prometheus.Registry {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), scraper{a})
	reg.MustRegister(append(a.hub.Collectors(), a.sensorBook)...)
	return reg
}

// figures are what the parts say of themselves in one scrape; each is asked once.
type figures struct {
	queue  queue.State
	intake collector.Stats
	rules  detections.Stats
}

// metric is one of the appliance's own figures. of gives its value; false leaves it out of a scrape in which it could not be told.
type metric struct {
	name, help string
	kind       prometheus.ValueType
	of         func(a *App, f *figures) (float64, bool)
}

func (m metric) desc() *prometheus.Desc { return prometheus.NewDesc("hoalu_"+m.name, m.help, nil, nil) }

// sum adds up the counts of all reasons.
func sum(by map[string]uint64) (n float64) {
	for _, x := range by {
		n += float64(x)
	}
	return n
}

// appMetrics are all of them. What only grows is a counter and ends in _total.
var appMetrics = []metric{
	{"queue_last_sequence", "Sequence of the newest batch in the queue.", prometheus.GaugeValue,
		func(a *App, f *figures) (float64, bool) { return float64(f.queue.Last), true }},
	{"queue_bytes", "Bytes the queue holds; absent while they cannot be read.", prometheus.GaugeValue,
		func(a *App, f *figures) (float64, bool) {
			size, err := a.queueSize()
			return float64(size.Bytes), err == nil
		}},
	{"queue_free_bytes", "Free bytes of the queue's disk.", prometheus.GaugeValue,
		func(a *App, f *figures) (float64, bool) { return float64(f.queue.Free), f.queue.Free > 0 }},
	{"queue_appended_total", "Batches made durable since the start.", prometheus.CounterValue,
		func(a *App, f *figures) (float64, bool) { return float64(f.queue.Appended), true }},
	{"queue_refused_total", "Appends refused for space, fullness or a restart.", prometheus.CounterValue,
		func(a *App, f *figures) (float64, bool) { return float64(f.queue.Refused), true }},
	{"queue_holes_total", "Sequences found missing though never purged.", prometheus.CounterValue,
		func(a *App, f *figures) (float64, bool) { return float64(f.queue.Holes), true }},
	{"queue_restarts_total", "Restarts of the embedded queue server after it stopped taking writes.", prometheus.CounterValue,
		func(a *App, f *figures) (float64, bool) { return float64(f.queue.Restarts), true }},
	{"field_names_refused_total", "Values kept under hoalu.overflow because their source had used up its share of new field names.",
		prometheus.CounterValue, func(a *App, f *figures) (float64, bool) {
			return float64(a.pipeline.NamesRefused()), true
		}},
	{"intake_frames_total", "Frames made durable since the start.", prometheus.CounterValue,
		func(a *App, f *figures) (float64, bool) { return float64(f.intake.Frames), true }},
	{"intake_resent_total", "Frames of sensor batches that were there already.", prometheus.CounterValue,
		func(a *App, f *figures) (float64, bool) { return float64(f.intake.Resent), true }},
	{"intake_rejected_total", "Frames refused at intake, for any reason; the ledger names each.", prometheus.CounterValue,
		func(a *App, f *figures) (float64, bool) { return sum(f.intake.Rejected), true }},
	{"intake_dropped_total", "Frames that senders or intake dropped, for any reason; the ledger names each.", prometheus.CounterValue,
		func(a *App, f *figures) (float64, bool) { return sum(f.intake.Dropped), true }},
	{"intake_waiting_bytes", "Bytes of frames waiting in memory.", prometheus.GaugeValue,
		func(a *App, f *figures) (float64, bool) { return float64(f.intake.Waiting), true }},
	{"store_position", "Last sequence sealed in the event store.", prometheus.GaugeValue,
		func(a *App, f *figures) (float64, bool) { return float64(a.store.Position()), true }},
	{"ledger_position", "Last sequence the ledger has counted durably.", prometheus.GaugeValue,
		func(a *App, f *figures) (float64, bool) { return float64(a.ledger.Position()), true }},
	{"store_rebuilt_files", "Files of the event store whose list had to be made anew at this start; 0: it was good.", prometheus.GaugeValue,
		func(a *App, f *figures) (float64, bool) {
			if a.rebuilt == nil {
				return 0, true
			}
			return float64(a.rebuilt.Files + a.rebuilt.SetAside), true
		}},
	{"detect_position", "Last sequence detection has processed.", prometheus.GaugeValue,
		func(a *App, f *figures) (float64, bool) { return float64(a.detector.Detected()), true }},
	{"events_per_second", "Events decoded, over the last ten seconds.", prometheus.GaugeValue,
		func(a *App, f *figures) (float64, bool) { return a.rate.PerSecond(), true }},
	{"rules_loaded", "Rules and correlations that run.", prometheus.GaugeValue,
		func(a *App, f *figures) (float64, bool) { return float64(len(a.engine.Rules())), true }},
	{"rules_refused", "Rule documents that were not loaded.", prometheus.GaugeValue,
		func(a *App, f *figures) (float64, bool) { return float64(len(a.engine.Refused())), true }},
	{"rule_faults_total", "Events that some rule failed on since the rules were loaded; /readyz names the rule.", prometheus.CounterValue,
		func(a *App, f *figures) (float64, bool) { return float64(f.rules.Faults), true }},
	{"correlation_groups_given_up_total", "Groups of correlations that were given up for want of room.", prometheus.CounterValue,
		func(a *App, f *figures) (float64, bool) { return float64(f.rules.Evicted), true }},
}

// scraper collects appMetrics.
type scraper struct{ a *App }

// Describe names them.
func (s scraper) Describe(out chan<- *prometheus.Desc) {
	for _, m := range appMetrics {
		out <- m.desc()
	}
}

// Collect asks each part once.
func (s scraper) Collect(out chan<- prometheus.Metric) {
	f := figures{queue: s.a.queue.State(), intake: s.a.intake.Stats(), rules: s.a.engine.Stats()}
	for _, m := range appMetrics {
		if v, known := m.of(s.a, &f); known {
			out <- prometheus.MustNewConstMetric(m.desc(), m.kind, v)
		}
	}
}
