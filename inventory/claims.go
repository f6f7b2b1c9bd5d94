package inventory

import (
	"cmp"
	"slices"
	"sync"

	"hoalu/soc"
)

// claimed remembers which systems the events of a source named without the right to: a person then confirms the source or looks for
// who forges. It is of this run only, bounded, and starts anew when full: what goes on is claimed again at once.
type claimed struct {
	mu sync.Mutex
	by map[string][]soc.Claim // source → the newest claim on each system
}

const (
	maxClaimants = 10_000
	maxClaims    = 8 // of one source
)

// Claim notes that an event of a source named a host of a system it does not count for; at is its receipt, Unix ms.
func (s *Store) Claim(source, system string, at int64) {
	c := &s.claims
	c.mu.Lock()
	defer c.mu.Unlock()
	list := c.by[source]
	if i := slices.IndexFunc(list, func(x soc.Claim) bool { return x.System == system }); i >= 0 {
		list[i].Last = max(list[i].Last, at)
		list[i].Events++
		return
	}
	if c.by == nil || len(c.by) >= maxClaimants {
		c.by = map[string][]soc.Claim{}
		list = nil
	}
	if len(list) >= maxClaims {
		oldest := slices.MinFunc(list, func(a, b soc.Claim) int { return cmp.Compare(a.Last, b.Last) })
		list = slices.DeleteFunc(list, func(x soc.Claim) bool { return x.System == oldest.System })
	}
	c.by[source] = append(list, soc.Claim{System: system, Last: at, Events: 1})
}

// Claims are the systems that a source's events named without the right to, newest first.
func (s *Store) Claims(source string) []soc.Claim {
	s.claims.mu.Lock()
	out := slices.Clone(s.claims.by[source])
	s.claims.mu.Unlock()
	slices.SortFunc(out, func(a, b soc.Claim) int { return cmp.Compare(b.Last, a.Last) })
	return out
}
