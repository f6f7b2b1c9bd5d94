package local

import (
	"errors"
	"os"
	"path/filepath"

	"hoalu/ecs"
)

// Views: a search looks at one state of the store, and what was replaced is unlinked when the last such search ends.

// generation counts the searches that use a state of the store; its garbage is unlinked when it and all before it are done.
type generation struct {
	refs    int
	garbage []string
}

// view is one state of the store, held by a search.
type view struct {
	gen     *generation
	mems    []memView
	level0  []*l0
	files   []*file
	damaged []string
}

type memView struct {
	events   []*ecs.Event
	min, max int64
}

func (s *Store) view() *view {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.viewLocked()
}

func (s *Store) viewLocked() *view {
	v := &view{gen: s.gens[len(s.gens)-1], level0: s.level0, files: s.files, damaged: append([]string(nil), s.damaged...)}
	v.gen.refs++
	for _, m := range []*memtable{s.sealing, s.active} {
		if m != nil && len(m.events) > 0 {
			v.mems = append(v.mems, memView{m.events, m.min, m.max})
		}
	}
	return v
}

func (s *Store) release(v *view) {
	s.mu.Lock()
	v.gen.refs--
	garbage := s.sweepLocked()
	s.mu.Unlock()
	s.remove(garbage)
}

// retire lets paths be removed once no search started before now is left; s.mu is held.
func (s *Store) retireLocked(paths []string) []string {
	last := s.gens[len(s.gens)-1]
	last.garbage = append(last.garbage, paths...)
	s.gens = append(s.gens, &generation{})
	return s.sweepLocked()
}

func (s *Store) sweepLocked() []string {
	var out []string
	for len(s.gens) > 1 && s.gens[0].refs == 0 {
		out = append(out, s.gens[0].garbage...)
		s.gens = s.gens[1:]
	}
	return out
}

func (s *Store) remove(paths []string) {
	for _, p := range paths {
		s.cache.drop(p)
		if s.cfg.step("remove "+filepath.Base(p)) != nil {
			continue
		}
		if err := os.Remove(p); err != nil && !errors.Is(err, os.ErrNotExist) {
			s.log.Warn("cannot remove a replaced file; the next compaction tries again", "file.path", p, "error", err)
		}
	}
}
