package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"hoalu/soc"
)

// resolved remembers to which systems the events of each source resolved, when last, which technical layers they prove and which
// kinds of log they are. It is kept in a file: a source that is silent since a restart must still count for its system.
type resolved struct {
	path string

	mu      sync.Mutex
	pairs   map[resolvedKey]*resolvedPair
	changed bool
}

type resolvedKey struct{ source, system string }

type resolvedPair struct {
	Source string   `json:"source"`
	System string   `json:"system"`
	Last   int64    `json:"last"` // receipt of the newest such event
	Layers []string `json:"layers,omitempty"`

	Kinds map[string]int64 `json:"kinds,omitempty"` // kind of log → receipt of its newest event
}

const (
	maxResolved = 100_000
	// forgetAfter is how long a source counts for a system it has no binding to without an event of it: a host that moved away.
	forgetAfter = 7 * 24 * time.Hour
	keepEvery   = 10 * time.Second
)

func openResolved(path string) (*resolved, error) {
	r := &resolved{path: path, pairs: map[resolvedKey]*resolvedPair{}}
	raw, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read systems of sources: %w", err)
	}
	var list []*resolvedPair
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("read systems of sources: %s: %w; delete it, it is learnt again", path, err)
	}
	for _, p := range list {
		r.pairs[resolvedKey{p.Source, p.System}] = p
	}
	return r, nil
}

// seen notes an event of source that resolved to system at a receipt time; layer "" proves none.
func (r *resolved) seen(source, system, layer string, kinds kindSet, at int64) {
	if source == "" || system == "" || system == soc.Unassigned {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	k := resolvedKey{source, system}
	p := r.pairs[k]
	if p == nil {
		if len(r.pairs) >= maxResolved {
			return
		}
		p = &resolvedPair{Source: source, System: system}
		r.pairs[k] = p
	}
	if at > p.Last {
		p.Last, r.changed = at, true
	}
	for i, name := range kindNames {
		if kinds&(1<<i) != 0 && at > p.Kinds[name] {
			if p.Kinds == nil {
				p.Kinds = map[string]int64{}
			}
			p.Kinds[name], r.changed = at, true
		}
	}
	if layer != "" && !slices.Contains(p.Layers, layer) {
		p.Layers, r.changed = append(p.Layers, layer), true
		slices.Sort(p.Layers)
	}
}

// systems are those a source counts for without a binding.
func (r *resolved) systems(source string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for k := range r.pairs {
		if k.source == source {
			out = append(out, k.system)
		}
	}
	slices.Sort(out)
	return out
}

func (r *resolved) last(source, system string) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.pairs[resolvedKey{source, system}]; p != nil {
		return p.Last
	}
	return 0
}

func (r *resolved) layers(source, system string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.pairs[resolvedKey{source, system}]; p != nil {
		return slices.Clone(p.Layers)
	}
	return nil
}

func (r *resolved) kinds(source, system string) map[string]int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.pairs[resolvedKey{source, system}]; p != nil {
		return maps.Clone(p.Kinds)
	}
	return nil
}

// forget leaves out pairs nothing was heard of for long.
func (r *resolved) forget(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for k, p := range r.pairs {
		if p.Last < now.Add(-forgetAfter).UnixMilli() {
			delete(r.pairs, k)
			r.changed = true
		}
	}
}

func (r *resolved) keep() error {
	r.mu.Lock()
	if !r.changed {
		r.mu.Unlock()
		return nil
	}
	list := make([]resolvedPair, 0, len(r.pairs))
	for _, p := range r.pairs {
		x := *p
		x.Layers, x.Kinds = slices.Clone(p.Layers), maps.Clone(p.Kinds)
		list = append(list, x)
	}
	r.changed = false
	r.mu.Unlock()
	raw, err := json.Marshal(list)
	if err == nil {
		err = replaceFile(r.path, raw)
	}
	if err != nil {
		r.mu.Lock()
		r.changed = true
		r.mu.Unlock()
		return fmt.Errorf("keep systems of sources: %w", err)
	}
	return nil
}

// resolvedLoop keeps the file until ctx ends.
func (a *App) resolvedLoop(ctx context.Context) error {
	tick := time.NewTicker(keepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return a.resolved.keep()
		case now := <-tick.C:
			a.resolved.forget(now)
			if err := a.resolved.keep(); err != nil {
				a.log.Error("keep systems of sources", "error", err)
			}
		}
	}
}
