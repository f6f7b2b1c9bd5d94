package pipeline

import (
	"testing"
	"time"
)

// TestSetupsAreBounded: the Setup of a revision is made once while it is kept, and no more than so many are kept.
func TestSetupsAreBounded(t *testing.T) {
	t.Parallel()
	made := map[uint64]int{}
	s := NewSetups(func(revision uint64) Setup {
		made[revision]++
		return Setup{Retention: func(int) time.Duration { return time.Duration(revision) }}
	})
	for range 2 {
		for r := range uint64(maxSetups) {
			if got := s.At(r).Retention(0); got != time.Duration(r) || made[r] != 1 {
				t.Fatalf("revision %d: the Setup of %d, made %d times", r, got, made[r])
			}
		}
	}
	s.At(maxSetups)
	s.At(0)
	if made[0] != 2 || made[2] != 1 || len(s.by) != maxSetups || len(s.keys) != maxSetups {
		t.Errorf("made %d and %d times, %d and %d kept; want the oldest made anew and %d kept", made[0], made[2], len(s.by), len(s.keys),
			maxSetups)
	}
}
