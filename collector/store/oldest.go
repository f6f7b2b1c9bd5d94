package store

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"hoalu/ecs"
	"hoalu/ecs/query"
)

const (
	askAgain   = 5 * time.Minute // how long the answer of a search for a system counts
	maxSystems = 200_000
)

// Oldest says when the oldest event of each system was received. For a system whose events are not filed by day yet the store is searched,
// at most once in five minutes: a search a system and round would be dear. Safe for concurrent use.
type Oldest struct {
	store Store

	mu    sync.Mutex
	at    map[string]int64
	asked map[string]time.Time
}

// NewOldest asks s.
func NewOldest(s Store) *Oldest { return &Oldest{store: s} }

// Round reads the figures of the store once; what it gives answers for each system: Unix ms, 0 where no event is kept. An error says that
// it could not be told, and is not remembered.
func (o *Oldest) Round(ctx context.Context) (func(system string) (int64, error), error) {
	usage, _, err := o.store.Usage(ctx) // what it could not count is found out by search
	if err != nil {
		return nil, fmt.Errorf("read what is kept: %w", err)
	}
	filed := map[string]int64{}
	for _, u := range usage {
		if u.Day == "" {
			continue // not filed by day yet
		}
		d, err := time.Parse(time.DateOnly, u.Day)
		if err != nil {
			return nil, fmt.Errorf("read what is kept: %w", err)
		}
		if at := d.UnixMilli(); filed[u.System] == 0 || at < filed[u.System] {
			filed[u.System] = at
		}
	}
	return func(system string) (int64, error) {
		if at := filed[system]; at != 0 {
			return at, nil
		}
		return o.search(ctx, system)
	}, nil
}

func (o *Oldest) search(ctx context.Context, system string) (int64, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.at == nil || len(o.asked) > maxSystems {
		o.at, o.asked = map[string]int64{}, map[string]time.Time{}
	}
	if time.Since(o.asked[system]) < askAgain {
		return o.at[system], nil
	}
	at, err := Edge(ctx, o.store, query.Search{Query: query.Term{Field: ecs.SystemID, Value: system}, Ascending: true})
	if err != nil {
		return 0, fmt.Errorf("look for the oldest event of %s: %w", system, err)
	}
	o.at[system], o.asked[system] = at, time.Now()
	return at, nil
}

// Searcher is a Store as far as Edge needs one.
type Searcher interface {
	Search(ctx context.Context, s query.Search) (query.Result, error)
}

// Edge is when the first event of a search was received (Unix ms), 0 where there is none. An answer that is not of everything (a file that
// cannot be read) is an error: an event that was not seen might come before, or be the only one.
func Edge(ctx context.Context, s Searcher, q query.Search) (int64, error) {
	q.Limit, q.CountCap = 1, 1
	r, err := s.Search(ctx, q)
	if err != nil {
		return 0, err
	}
	if len(r.Partial) > 0 {
		return 0, fmt.Errorf("not all could be read: %s", strings.Join(r.Partial[:min(3, len(r.Partial))], "; "))
	}
	if len(r.Events) == 0 {
		return 0, nil
	}
	return r.Events[0].Created, nil
}

// LastOfHost is when the newest event of a host since a time (Unix ms) was received, 0 where there is none.
func LastOfHost(ctx context.Context, s Searcher, host string, since int64) (int64, error) {
	at, err := Edge(ctx, s, query.Search{From: since,
		Query: query.Or{query.Term{Field: ecs.HostName, Value: host}, query.Term{Field: ecs.ObserverName, Value: host}}})
	if err != nil {
		return 0, fmt.Errorf("look for host %s: %w", host, err)
	}
	return at, nil
}
