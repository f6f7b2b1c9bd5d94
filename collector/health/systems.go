package health

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"hoalu/soc"
	"hoalu/state"
)

// Systems remembers to which systems the events of each source resolved, when last, which technical layers they prove and which
// kinds of log they are. It is kept in the state database: a source that is silent since a restart must still count for its system.
// Safe for concurrent use.
type Systems struct {
	doc   *state.Document
	log   *slog.Logger
	proof *proof

	mu      sync.Mutex
	pairs   map[pair]*proven
	changed bool
}

type pair struct{ source, system string }

// proven is what the events of a source proved for a system.
type proven struct {
	Source string   `json:"source"`
	System string   `json:"system"`
	Last   int64    `json:"last"` // receipt of the newest such event
	Layers []string `json:"layers,omitempty"`

	Kinds map[string]int64 `json:"kinds,omitempty"` // kind of log → receipt of its newest event
}

const (
	maxPairs = 100_000
	// forgetAfter is how long a source counts for a system it has no binding to without an event of it: a host that moved away.
	forgetAfter = 7 * 24 * time.Hour
)

// OpenSystems reads what doc holds.
func OpenSystems(ctx context.Context, doc *state.Document, log *slog.Logger) (*Systems, error) {
	what, err := readProof(proofFile)
	if err != nil {
		return nil, err
	}
	s := &Systems{doc: doc, log: log.With("component", "collector/health"), proof: what, pairs: map[pair]*proven{}}
	raw, err := doc.Load(ctx)
	if err != nil || raw == nil {
		return s, err
	}
	var list []*proven
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("read systems of sources: %w", err)
	}
	for _, p := range list {
		if p != nil {
			s.pairs[pair{p.Source, p.System}] = p
		}
	}
	return s, nil
}

// Run keeps what was learnt every minute, and once more when ctx ends.
func (s *Systems) Run(ctx context.Context) error {
	tick := time.NewTicker(saveEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastSave)
			defer cancel()
			return s.keep(last)
		case now := <-tick.C:
			s.forget(now)
			if err := s.keep(ctx); err != nil && ctx.Err() == nil {
				s.log.Error("keep systems of sources", "error.message", err.Error())
			}
		}
	}
}

// seen notes an event of source that resolved to system at a receipt time (Unix ms), with the layer it proves ("" none) and its kinds of
// log.
func (s *Systems) seen(source, system, layer string, kinds kindSet, at int64) {
	if source == "" || system == "" || system == soc.Unassigned {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	k := pair{source, system}
	p := s.pairs[k]
	if p == nil {
		if len(s.pairs) >= maxPairs {
			return
		}
		p = &proven{Source: source, System: system}
		s.pairs[k] = p
	}
	if at > p.Last {
		p.Last, s.changed = at, true
	}
	for i, name := range kindNames {
		if kinds&(1<<i) != 0 && at > p.Kinds[name] {
			if p.Kinds == nil {
				p.Kinds = map[string]int64{}
			}
			p.Kinds[name], s.changed = at, true
		}
	}
	if layer != "" && !slices.Contains(p.Layers, layer) {
		p.Layers, s.changed = append(p.Layers, layer), true
		slices.Sort(p.Layers)
	}
}

// Of lists the systems a source counts for without a binding.
func (s *Systems) Of(source string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for k := range s.pairs {
		if k.source == source {
			out = append(out, k.system)
		}
	}
	slices.Sort(out)
	return out
}

// Last is the receipt of the newest event of source that resolved to system (Unix ms); 0 none.
func (s *Systems) Last(source, system string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.pairs[pair{source, system}]; p != nil {
		return p.Last
	}
	return 0
}

// Layers are those the events of source proved for system.
func (s *Systems) Layers(source, system string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.pairs[pair{source, system}]; p != nil {
		return slices.Clone(p.Layers)
	}
	return nil
}

// Kinds says of each kind of log (soc.Log…) when source last kept it for system: receipt of its newest event.
func (s *Systems) Kinds(source, system string) map[string]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.pairs[pair{source, system}]; p != nil {
		return maps.Clone(p.Kinds)
	}
	return nil
}

// forget leaves out pairs nothing was heard of for long.
func (s *Systems) forget(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, p := range s.pairs {
		if p.Last < now.Add(-forgetAfter).UnixMilli() {
			delete(s.pairs, k)
			s.changed = true
		}
	}
}

func (s *Systems) keep(ctx context.Context) error {
	s.mu.Lock()
	if !s.changed {
		s.mu.Unlock()
		return nil
	}
	list := make([]proven, 0, len(s.pairs))
	for _, p := range s.pairs {
		x := *p
		x.Layers, x.Kinds = slices.Clone(p.Layers), maps.Clone(p.Kinds)
		list = append(list, x)
	}
	s.changed = false
	s.mu.Unlock()
	raw, err := json.Marshal(list)
	if err == nil {
		err = s.doc.Keep(ctx, raw)
	}
	if err != nil {
		s.mu.Lock()
		s.changed = true
		s.mu.Unlock()
		return fmt.Errorf("keep systems of sources: %w", err)
	}
	return nil
}
