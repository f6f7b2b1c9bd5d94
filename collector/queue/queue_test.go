package queue

import (
	"errors"
	"go/build"
	"testing"
)

func TestReached(t *testing.T) {
	s := State{Epochs: []Epoch{{"one", 0}, {"two", 10}, {"three", 12}}}
	for _, c := range []struct {
		epoch     string
		seq, want uint64
	}{
		{"three", 40, 40}, {"two", 12, 12}, {"one", 7, 7},
		{"one", 15, 10}, {"two", 15, 12}, // read in what was lost with the restore: those sequences are other batches now
		{"another", 9, 0}, {"", 9, 0},
	} {
		if got := s.Reached(c.epoch, c.seq); got != c.want {
			t.Errorf("Reached(%q, %d) = %d, want %d", c.epoch, c.seq, got, c.want)
		}
	}
	if s.Epoch() != "three" || (State{}).Epoch() != "" {
		t.Error("Epoch is not the newest one's name")
	}
}

func TestPurgedErrorIsPurged(t *testing.T) {
	if err := error(&PurgedError{}); !errors.Is(err, ErrPurged) || errors.Is(err, ErrHole) {
		t.Errorf("%v: want ErrPurged alone", err)
	}
	if err := error(&PurgedError{Hole: true}); !errors.Is(err, ErrPurged) || !errors.Is(err, ErrHole) {
		t.Errorf("%v: want ErrPurged and ErrHole", err)
	}
}

// TestNoServerBehindTheErrors: who only branches on an error of the queue, or uses it as a Stream, brings in neither the NATS server
// nor its client.
func TestNoServerBehindTheErrors(t *testing.T) {
	pkg, err := build.ImportDir(".", 0)
	if err != nil || len(pkg.Imports) == 0 {
		t.Fatal(pkg, err)
	}
	for _, imp := range pkg.Imports {
		switch imp {
		case "context", "errors", "fmt", "hoalu/ecs/wire", "hoalu/internal/wording":
		default:
			t.Errorf("package queue imports %s", imp)
		}
	}
}
