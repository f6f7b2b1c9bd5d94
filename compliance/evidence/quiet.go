package evidence

import (
	"context"
	"log/slog"
	"sync"

	"k8s.io/klog/v2"
)

// tessera writes through klog, one logger for the process. What it tells is either no news or what Ready says in the product's own
// words, so it goes where the product's log goes, for who looks for the details.
var routeKlog sync.Once

func quietKlog(log *slog.Logger) {
	routeKlog.Do(func() { klog.SetSlogLogger(slog.New(debugOnly{log.With("library", "tessera").Handler()})) })
}

// debugOnly hands records on at level debug.
type debugOnly struct{ slog.Handler }

func (h debugOnly) Enabled(ctx context.Context, _ slog.Level) bool {
	return h.Handler.Enabled(ctx, slog.LevelDebug)
}

func (h debugOnly) Handle(ctx context.Context, r slog.Record) error {
	r.Level = slog.LevelDebug
	return h.Handler.Handle(ctx, r)
}

func (h debugOnly) WithAttrs(a []slog.Attr) slog.Handler { return debugOnly{h.Handler.WithAttrs(a)} }
func (h debugOnly) WithGroup(n string) slog.Handler      { return debugOnly{h.Handler.WithGroup(n)} }
