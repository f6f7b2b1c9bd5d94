package health

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"hoalu/ecs"
	"hoalu/ecs/wire"
	"hoalu/soc"
)

// Emit writes a Note through intake; it does not block: notes wait in a bounded list while the queue is down.
func (m *Monitor) Emit(n Note) {
	m.mu.Lock()
	if len(m.notes) < maxNotes {
		m.serial++
		n.serial = m.serial
		m.notes = append(m.notes, n)
		m.stamps = append(m.stamps, m.cfg.Now().UnixMilli())
	} else {
		m.lost++
	}
	m.mu.Unlock()
	select {
	case m.wake <- struct{}{}:
	default:
	}
	level := slog.LevelInfo
	if n.Action == Alive {
		level = slog.LevelDebug
	}
	m.log.Log(context.Background(), level, "note", "event.action", n.Action, "source.id", n.Source, "message", n.Message)
}

// Imbalance emits a ledger row that does not balance; ledger.Config.OnImbalance fits it.
func (m *Monitor) Imbalance(r soc.LedgerRow) {
	num := func(n int64) string { return strconv.FormatInt(n, 10) }
	at := time.UnixMilli(r.Minute).UTC().Format(time.RFC3339)
	m.Emit(Note{Action: LedgerImbalance, Source: r.Source, Level: "error",
		Message: fmt.Sprintf("ledger of source %s at %s is off by %d: received %d, stored %d", r.Source, at, r.Difference(), r.Received,
			r.Stored),
		Values: map[string]string{"minute": at, "difference": num(r.Difference()), "received": num(r.Received), "stored": num(r.Stored),
			"quarantined": num(r.Quarantined), "rejected": num(r.Rejected), "duplicate": num(r.Duplicate), "dropped": num(r.Dropped)}})
}

// NamesSpent emits that a source has used up its share of new field names; pipeline.Pipeline.NamesSpent fits it.
func (m *Monitor) NamesSpent(source string) {
	m.Emit(Note{Action: SourceNames, Source: source, Level: "warning", Values: map[string]string{"names": strconv.Itoa(ecs.MaxShare)},
		Message: fmt.Sprintf("source %s has used more than %d new field names; further ones are kept under hoalu.overflow", source,
			ecs.MaxShare)})
}

// putNotes puts notes in order until ctx ends.
func (m *Monitor) putNotes(ctx context.Context) {
	for {
		m.mu.Lock()
		notes, stamps, lost := m.notes, m.stamps, m.lost
		m.mu.Unlock()
		if len(notes) > 0 {
			frames := make([]wire.Frame, len(notes))
			for i, n := range notes {
				frames[i] = m.frame(n, stamps[i])
			}
			err := m.cfg.Put(ctx, Listener, frames)
			if err == nil {
				m.mu.Lock()
				m.notes, m.stamps = slices.Clone(m.notes[len(notes):]), slices.Clone(m.stamps[len(notes):])
				m.lost -= lost
				m.mu.Unlock()
				if lost > 0 {
					m.log.Error("notes were given up: too many waited for the queue", "count", lost)
				}
				continue
			}
			if ctx.Err() == nil {
				m.log.Error("put notes", "error.message", err.Error())
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(2 * time.Second):
			}
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-m.wake:
		}
	}
}

// document renders a Note; see the package's documentation.
func (n Note) document(at int64) []byte {
	about := map[string]string{}
	for k, v := range n.Values {
		about[k] = v
	}
	if n.Source != "" {
		about["source"] = n.Source
	}
	if n.System != "" {
		about["system"] = n.System
	}
	data, err := json.Marshal(map[string]any{
		"@timestamp": time.UnixMilli(at).UTC().Format("2006-01-02T15:04:05.000Z"), "message": n.Message,
		"log":   map[string]string{"level": cmp.Or(n.Level, "info")},
		"event": map[string]any{"kind": "event", "module": "hoalu", "dataset": "hoalu.health", "action": n.Action},
		"hoalu": map[string]any{"about": about},
		"sigma": map[string]any{"logsource": map[string]string{"product": "hoalu", "service": "health"}},
	})
	if err != nil { // maps of text always have JSON
		return []byte("{}")
	}
	return data
}

func (m *Monitor) save(ctx context.Context) error {
	if m.cfg.State == nil {
		return nil
	}
	m.mu.Lock()
	data, err := json.Marshal(learnt{1, m.sources})
	m.mu.Unlock()
	if err != nil {
		return err
	}
	return m.cfg.State.Keep(ctx, data)
}
