package needed

import (
	"fmt"
	"runtime"
	"testing"
)

// said keeps what a test is told; like testing.T, Fatal and Skip do not return.
type said struct {
	testing.TB
	fatal, skip string
}

func (s *said) Helper() {}
func (s *said) Fatal(args ...any) {
	s.fatal = fmt.Sprint(args...)
	runtime.Goexit()
}
func (s *said) Skip(args ...any) {
	s.skip = fmt.Sprint(args...)
	runtime.Goexit()
}

// TestMissingFailsInCI: in CI what cannot run is a failure, elsewhere it is left out; both say why.
func TestMissingFailsInCI(t *testing.T) {
	for _, tt := range []struct{ ci, fatal, skip string }{
		{"", "", "not run: no rsyslogd (test/peers/install.sh)"},
		{"true", "cannot run here, and in CI it must: no rsyslogd (test/peers/install.sh)", ""},
	} {
		t.Setenv("CI", tt.ci)
		var s said
		done := make(chan struct{})
		go func() {
			defer close(done)
			Missing(&s, "no %s (test/peers/install.sh)", "rsyslogd")
			t.Error("a test goes on without what it needs")
		}()
		<-done
		if s.fatal != tt.fatal || s.skip != tt.skip {
			t.Errorf("CI=%q: fatal %q, skip %q; want %q, %q", tt.ci, s.fatal, s.skip, tt.fatal, tt.skip)
		}
	}
}
