package local

import "hoalu/internal/guarded"

// guarded runs what meets the bytes of events in a goroutine of the store's own, where nobody above would catch a panic. One is a fault of
// ours on a part of the store: it becomes that part's error, told like a disk's.
func (s *Store) guarded(what string, f func() error) error { return guarded.Do(s.log, what, f) }
