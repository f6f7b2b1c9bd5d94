package evidence

import (
	"context"
	"crypto"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestBacklogUnderSteadyLoad: a head that is always one entry behind, as while a row comes each second, is not late; one that stands
// still is, from the entry it does not cover on.
func TestBacklogUnderSteadyLoad(t *testing.T) {
	var b backlog
	now := time.Unix(1_790_000_000, 0)
	for i := range uint64(600) { // ten minutes, a row a second, looked at between row and head
		if d := b.waited(now.Add(time.Duration(i)*time.Second), i+1, i); d > 2*time.Second {
			t.Fatalf("second %d: waited %s with a head that follows one behind", i, d)
		}
	}
	now = now.Add(600 * time.Second)
	for i := range uint64(20) { // the head stands still while rows come
		d := b.waited(now.Add(time.Duration(i)*time.Second), 600+i, 599)
		if late := d > 15*time.Second; late != (i >= 15) { // it did not cover row 600, seen at second 599
			t.Fatalf("second %d of a head that stands still: waited %s", i, d)
		}
	}
	if d := b.waited(now.Add(21*time.Second), 620, 620); d != 0 {
		t.Errorf("waited %s with everything signed", d)
	}
}

// broken is a signer whose vault is away.
type broken struct {
	crypto.Signer
	away bool
}

func (b *broken) Sign(r io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
	if b.away {
		return nil, errors.New("vault: connection refused")
	}
	return b.Signer.Sign(r, digest, o)
}

// TestUnsignedNamesTheCause: a head that does not come is told with why, and free space is not blamed for the vault.
func TestUnsignedNamesTheCause(t *testing.T) {
	_, db, key, cfg := logRig(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	signer := &broken{Signer: key}
	l, err := OpenLog(ctx, cfg, db, signer, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	recordN(t, ctx, db, 1)
	if err := l.Append(ctx); err != nil {
		t.Fatal(err)
	}
	if err := l.settle(ctx); err != nil {
		t.Fatal(err)
	}
	signer.away = true
	recordN(t, ctx, db, 1)
	if err := l.Append(ctx); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); l.verifier.failed() == nil; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("nothing was signed")
		}
	}
	l.behind = backlog{mark: 2, since: time.Now().Add(-time.Minute)}
	if err := l.signed(ctx); err == nil || !strings.Contains(err.Error(), "connection refused") || strings.Contains(err.Error(), "space") {
		t.Errorf("signed() = %v, want the vault as the cause", err)
	}
}

// TestTroubleOfTheHeadStays: what a look at the head found is said until the next look finds otherwise, also after an Append that had
// nothing to do; and a log whose end cannot be read is no log that takes rows.
func TestTroubleOfTheHeadStays(t *testing.T) {
	for _, c := range []struct {
		file string // of the log, emptied
	}{{"checkpoint"}, {".state/treeState"}} {
		t.Run(c.file, func(t *testing.T) {
			ctx, db, key, cfg := logRig(t)
			l, err := OpenLog(ctx, cfg, db, key, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			defer l.close()
			recordN(t, ctx, db, 2)
			if err := errors.Join(l.Append(ctx), l.settle(ctx), l.signed(ctx), l.Taking()); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(cfg.Dir, c.file)
			whole, err := os.ReadFile(file)
			if err == nil {
				err = os.WriteFile(file, nil, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := l.signed(ctx); err == nil || l.Taking() == nil {
				t.Fatalf("signed() = %v, Taking() = %v; want both to say what is wrong", err, l.Taking())
			}
			if err := l.Append(ctx); err == nil && l.Taking() == nil {
				t.Error("Taking() = nil after an Append that had nothing to do")
			}
			if err := os.WriteFile(file, whole, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(l.Append(ctx), l.signed(ctx), l.Taking()); err != nil {
				t.Errorf("with the file back: %v", err)
			}
		})
	}
}

// TestLastingTroubleIsLoggedOnce: a fault that lasts for hours does not fill the log of the service.
func TestLastingTroubleIsLoggedOnce(t *testing.T) {
	var out strings.Builder
	l := &Log{log: slog.New(slog.NewTextHandler(&out, nil))}
	for _, err := range []error{errors.New("a"), errors.New("a"), errors.New("a"), errors.New("b"), nil, nil} {
		l.tell(err)
	}
	if got := out.String(); strings.Count(got, "do not get into") != 2 || strings.Count(got, "takes rows again") != 1 {
		t.Errorf("logged\n%s\nwant each fault once, and its end once", got)
	}
}
