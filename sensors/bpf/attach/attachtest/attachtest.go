// Package attachtest is what the tests of all probes need.
package attachtest

import (
	"errors"
	"testing"

	"hoalu/internal/needed"
	"hoalu/sensors/bpf/attach"
)

// Ready waits until a probe has attached. One that ended instead (done gives the error of its Run) fails the test, or is missing with the
// reason where this kernel cannot run it.
func Ready(t *testing.T, ready <-chan struct{}, done <-chan error) {
	t.Helper()
	select {
	case <-ready:
	case err := <-done:
		var u *attach.Unavailable
		if errors.As(err, &u) {
			needed.Missing(t, "%s %s", u.Why, u.Do)
		}
		t.Fatal(err)
	}
}
