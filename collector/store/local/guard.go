package local

import (
	"fmt"
	"runtime/debug"
)

// guarded runs what meets the bytes of events in a goroutine of the store's own, where nobody above would catch a panic. One is a fault of
// ours on a part of the store: it becomes that part's error, told like a disk's, instead of the end of the process, which would meet the
// same events again after its start.
func (s *Store) guarded(what string, f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			s.log.Error("the event store panicked", "work", what, "error", v, "stack", string(debug.Stack()))
			err = fmt.Errorf("a fault of ours in the %s: %v", what, v)
		}
	}()
	return f()
}
