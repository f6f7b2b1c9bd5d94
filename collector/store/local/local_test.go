package local

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"hoalu/collector/store"
	"hoalu/collector/store/storetest"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func open(t *testing.T, cfg Config) *Store {
	t.Helper()
	s, err := Open(cfg, quiet())
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// TestStore runs the suite with small segments and files, so that everything is cut and merged often.
func TestStore(t *testing.T) {
	for name, cfg := range map[string]Config{
		"small": {SealEvents: 170, FileRows: 400},
		"large": {SealAge: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) storetest.Opened {
				cfg := cfg
				cfg.Dir = t.TempDir()
				s := open(t, cfg)
				o := storetest.Opened{Store: s}
				compact := false
				o.Settle = func(ctx context.Context) error {
					if err := s.Seal(ctx); err != nil {
						return err
					}
					if compact = !compact; compact {
						return nil
					}
					return s.Compact(ctx)
				}
				o.Reopen = func() store.Store {
					if err := s.Close(); err != nil {
						t.Fatalf("Close: %v", err)
					}
					s = open(t, cfg)
					return s
				}
				return o
			})
		})
	}
}
