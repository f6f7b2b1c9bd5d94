package local

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"

	"hoalu/collector/store"
)

// Sealing: what is in memory becomes a first-level segment.

// startSeal freezes the active memtable and writes it in the background; s.mu is held and nothing is sealing.
func (s *Store) startSeal() {
	m := s.active
	m.number = s.next
	s.next++
	s.sealing, s.active = m, newMemtable()
	s.startWrite()
}

// startWrite writes s.sealing in the background; s.mu is held.
func (s *Store) startWrite() {
	m, done := s.sealing, make(chan struct{})
	s.writing = done
	s.writers.Add(1)
	go func() {
		defer s.writers.Done()
		var seg *l0
		err := s.guarded("sealing", func() (err error) { seg, err = s.write(m); return err })
		s.mu.Lock()
		s.sealErr = err
		if err == nil {
			s.level0 = append(s.level0[:len(s.level0):len(s.level0)], seg)
			s.sealing = nil
			if m.epoch == s.epoch {
				s.position = seg.Last
			}
		}
		s.mu.Unlock()
		if err == nil { // the next segment is not written before this one is told: whoever counts takes them in order
			s.cfg.Hooks.OnSeal(store.Segment{ID: seg.id, First: seg.First, Last: seg.Last, Outcomes: seg.Outcomes})
		} else {
			s.log.Error("events stay in memory: seal failed", "error", err)
		}
		s.mu.Lock()
		s.writing = nil
		s.mu.Unlock()
		close(done)
	}()
}

// write makes the first-level segment of m. It may be repeated: the name is the same.
func (s *Store) write(m *memtable) (*l0, error) {
	data, err := encodeL0(l0Footer{Epoch: m.epoch, First: m.first, Last: m.last, Outcomes: m.list()}, m.events)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(s.cfg.Dir, "l0")
	name := fmt.Sprintf("%010d-%d-%d.hle", m.number, m.first, m.last)
	var seg *l0
	err = writeFile(dir, name, data, s.cfg.step, func(path string) (err error) {
		seg, err = verifyL0(path)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("write first-level segment: %w", noSpace(err))
	}
	seg.path, seg.id = filepath.Join(dir, name), strings.TrimSuffix(name, ".hle")
	return seg, nil
}

func noSpace(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", store.ErrNoSpace, err)
	}
	return err
}

// rotate waits until the active memtable has room, or until everything is sealed when all is set. A failed seal is tried again once.
func (s *Store) rotate(ctx context.Context, all bool) error {
	for {
		s.mu.Lock()
		if s.writing == nil {
			switch {
			case s.sealing != nil:
				s.startWrite()
			case all && s.active.any, s.full(s.active):
				s.startSeal()
				if !all {
					s.mu.Unlock()
					return nil
				}
			default:
				s.mu.Unlock()
				return nil
			}
		}
		done := s.writing
		s.mu.Unlock()
		select {
		case <-done:
		case <-ctx.Done():
			return ctx.Err()
		}
		s.mu.Lock()
		err, failed := s.sealErr, s.sealing != nil && s.writing == nil
		s.mu.Unlock()
		if failed && err != nil {
			return err
		}
	}
}

// Seal writes what is in memory now; Position is then the last sequence appended.
func (s *Store) Seal(ctx context.Context) error { return s.rotate(ctx, true) }
