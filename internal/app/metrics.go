package app

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics serves /metrics: what each part already counts, read when asked.
func (a *App) metrics() http.Handler {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	gauge := func(name, help string, fn func() float64) {
		reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "hoalu", Name: name, Help: help}, fn))
	}
	for _, c := range a.hub.Collectors() {
		reg.MustRegister(c)
	}
	gauge("queue_last_sequence", "Sequence of the newest batch in the queue.", func() float64 { return float64(a.queue.Last()) })
	gauge("queue_bytes", "Bytes the queue holds.", func() float64 { return float64(a.queue.State().Bytes) })
	gauge("queue_refused_total", "Appends refused for space, fullness or a restart.", func() float64 { return float64(a.queue.State().Refused) })
	gauge("queue_holes_total", "Sequences found missing though never purged.", func() float64 { return float64(a.queue.State().Holes) })
	reg.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Namespace: "hoalu", Name: "field_names_refused_total", Help: "Values kept under hoalu.overflow because their source had used up its share of new field names."}, func() float64 { return float64(a.pipeline.NamesRefused()) }))
	gauge("intake_frames_total", "Frames made durable since the start.", func() float64 { return float64(a.intake.Stats().Frames) })
	gauge("intake_waiting_bytes", "Bytes of frames waiting in memory.", func() float64 { return float64(a.intake.Stats().Waiting) })
	gauge("store_position", "Last sequence sealed in the event store.", func() float64 { return float64(a.store.Position()) })
	gauge("store_rebuilt_files", "Files of the event store whose list had to be made anew at this start; 0: it was good.", func() float64 {
		if a.rebuilt == nil {
			return 0
		}
		return float64(a.rebuilt.Files + a.rebuilt.SetAside)
	})
	gauge("detect_position", "Last sequence detection has processed.", func() float64 { return float64(a.detected.Load()) })
	gauge("events_per_second", "Events decoded, over the last ten seconds.", a.rate.perSecond)
	gauge("rules_loaded", "Rules and correlations that run.", func() float64 { return float64(len(a.engine.Rules())) })
	gauge("rule_faults", "Events that some rule failed on since the rules were loaded; /readyz names the rule.", func() float64 { return float64(a.engine.Stats().Faults) })
	gauge("rules_refused", "Rule documents that were not loaded.", func() float64 { return float64(len(a.engine.Refused())) })
	return promhttp.HandlerFor(reg, promhttp.HandlerOpts{})
}
