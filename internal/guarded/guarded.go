// Package guarded keeps the process alive where one piece of a loop's work meets a fault of ours.
//
// Contract: what a loop of a part does to data that came from outside (rows, events, facts) runs in Do, one piece at a time, so that the
// piece fails like one that the disk refuses: told, tried again, the other pieces done. Every part may use it.
package guarded

import (
	"fmt"
	"log/slog"
	"runtime/debug"
)

// Do runs f and gives its error. A panic of f is logged with its stack and given as an error that names the work; unguarded it would end
// the process, which would meet the same data again after each start. f releases what it locks with defer.
func Do(log *slog.Logger, work string, f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			log.Error("a part panicked", "work", work, "error", v, "error.stack_trace", string(debug.Stack()))
			err = fmt.Errorf("a fault of ours in the %s: %v", work, v)
		}
	}()
	return f()
}
