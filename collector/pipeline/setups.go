package pipeline

import "sync"

// maxSetups is how many revisions' Setups are kept: readers that are behind go through old revisions in order.
const maxSetups = 64

// Setups keeps what decoding depends on, by revision: making one reads the inventory and the decoders of that time. Safe for concurrent
// use.
type Setups struct {
	make func(revision uint64) Setup

	mu   sync.Mutex
	by   map[uint64]Setup
	keys []uint64 // oldest first
}

// NewSetups keeps what make gives for a revision.
func NewSetups(make func(revision uint64) Setup) *Setups {
	return &Setups{make: make, by: map[uint64]Setup{}}
}

// At is the Setup of a revision.
func (s *Setups) At(revision uint64) Setup {
	s.mu.Lock()
	defer s.mu.Unlock()
	if kept, ok := s.by[revision]; ok {
		return kept
	}
	made := s.make(revision)
	s.by[revision] = made
	s.keys = append(s.keys, revision)
	if len(s.keys) > maxSetups {
		delete(s.by, s.keys[0])
		s.keys = s.keys[1:]
	}
	return made
}
