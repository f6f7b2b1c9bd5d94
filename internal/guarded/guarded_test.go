package guarded

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
)

// TestDo: an error passes as it is; a panic becomes one that names the work, and the log holds where it was.
func TestDo(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil))
	want := errors.New("no space")
	if err := Do(log, "sealing", func() error { return want }); err != want || out.Len() != 0 {
		t.Errorf("an error came back as %v, logged %q", err, out.String())
	}
	err := Do(log, "sealing", func() error { panic("odd row") })
	if err == nil || err.Error() != "a fault of ours in the sealing: odd row" {
		t.Errorf("a panic came back as %v", err)
	}
	if !strings.Contains(out.String(), "guarded_test.go") {
		t.Errorf("the log does not say where it was: %q", out.String())
	}
}
