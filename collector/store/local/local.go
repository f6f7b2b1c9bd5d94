package local

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"hoalu/collector/store"
)

// Config says where events live and when they are sealed and compacted. Zero values take the defaults.
type Config struct {
	Dir           string        // the events/ folder
	SealEvents    int           // seal a first-level segment at so many events (16,384)
	SealBytes     int           // or so many bytes in memory (32 MB)
	SealAge       time.Duration // or this long after its first event (60 s)
	CompactEvery  time.Duration // file first-level segments by system and day this often (1 h)
	CompactEvents int64         // or when they hold so many events (1 M)
	RetainEvery   time.Duration // apply Retention this often (1 h)
	Workers       int           // goroutines of one search (GOMAXPROCS)

	Retention store.Policy // nil keeps everything
	// OnSeal is called after each seal, and on Open for each first-level segment that is still there (segment ids are
	// unique, so the ledger takes each once).
	OnSeal func(segment string, first, last uint64, outcomes []store.Outcome)
	Now    func() time.Time // tests; nil is time.Now
}

// Open opens or makes the store in cfg.Dir.
func Open(cfg Config, log *slog.Logger) (*Store, error) { return nil, errors.ErrUnsupported }

// Store implements store.Store on Parquet segments.
type Store struct{}

// Compact files the first-level segments by system and day now and merges small files.
func (s *Store) Compact(ctx context.Context) error { return errors.ErrUnsupported }
