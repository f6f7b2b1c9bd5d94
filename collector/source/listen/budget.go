package listen

import (
	"context"
	"sync"
)

// Budget bounds a sum that many share, such as bytes in memory, and what one address has of it.
type Budget struct {
	total, share int64

	mu        sync.Mutex
	used      int64
	addresses map[string]int64
}

// NewBudget lets all have total together, and one address share of it.
func NewBudget(total, share int64) *Budget {
	return &Budget{total: total, share: share, addresses: map[string]int64{}}
}

// Take takes n for an address, or nothing and says false: there is not so much left, for all or for it.
func (b *Budget) Take(address string, n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.used+n > b.total || b.addresses[address]+n > b.share {
		return false
	}
	b.used += n
	b.addresses[address] += n
	return true
}

// Give gives back n of what the address took.
func (b *Budget) Give(address string, n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= n
	if b.addresses[address] -= n; b.addresses[address] <= 0 {
		delete(b.addresses, address)
	}
}

// Used is what is taken now.
func (b *Budget) Used() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used
}

// Slots are places for work that costs memory: so many for all, so many for one sender.
type Slots struct {
	all   chan struct{}
	share int

	mu   sync.Mutex
	held map[string]int
}

// NewSlots makes total places, share of them for one sender.
func NewSlots(total, share int) *Slots {
	return &Slots{all: make(chan struct{}, total), share: share, held: map[string]int{}}
}

// Take waits for a place until ctx ends. A sender that has its share gets none at once: its own work is what it would wait for.
// The returned func gives the place back.
func (s *Slots) Take(ctx context.Context, sender string) (free func(), ok bool) {
	s.mu.Lock()
	if s.held[sender] >= s.share {
		s.mu.Unlock()
		return nil, false
	}
	s.held[sender]++
	s.mu.Unlock()
	leave := func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.held[sender]--; s.held[sender] == 0 {
			delete(s.held, sender)
		}
	}
	select {
	case s.all <- struct{}{}:
		return func() { <-s.all; leave() }, true
	case <-ctx.Done():
		leave()
		return nil, false
	}
}
