package evidence

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"database/sql"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hoalu/soc"
	"hoalu/state"
)

func logRig(t *testing.T) (context.Context, *state.DB, *ecdsa.PrivateKey, LogConfig) {
	t.Helper()
	ctx := context.Background()
	dir := t.TempDir()
	db, err := state.Open(ctx, state.Config{Path: filepath.Join(dir, "state.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return ctx, db, key, LogConfig{Dir: filepath.Join(dir, "log"), Interval: 200 * time.Millisecond}
}

func recordN(t *testing.T, ctx context.Context, db *state.DB, n int) {
	t.Helper()
	for i := range n {
		err := db.Tx(ctx, func(tx *sql.Tx) error {
			_, err := Record(ctx, tx, soc.Deed{Actor: soc.Actor{ID: "a1", Name: "Trực ban 1"}, Action: "alert.close", Object: fmt.Sprintf("CB-%d", i), Details: map[string]string{"b": "2", "a": "1"}})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestLogGoesOnAfterRestart: each row is in the log once, at its number, whatever was appended before the stop.
func TestLogGoesOnAfterRestart(t *testing.T) {
	ctx, db, key, cfg := logRig(t)
	for round := range 3 {
		l, err := OpenLog(ctx, cfg, db, key, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		recordN(t, ctx, db, 5)
		if err := l.Append(ctx); err != nil {
			t.Fatal(err)
		}
		if err := l.Append(ctx); err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		h, err := l.Head(ctx)
		if err != nil || h.Size != uint64(5*(round+1)) {
			t.Fatalf("round %d: head %+v, %v; want %d entries", round, h, err, 5*(round+1))
		}
	}
}

func TestPackTellsWhatWasAltered(t *testing.T) {
	ctx, db, key, cfg := logRig(t)
	l, err := OpenLog(ctx, cfg, db, key, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	recordN(t, ctx, db, 6)
	if err := l.Append(ctx); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	deeds, err := After(ctx, db.Read(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	records := []PackRecord{{"alert", "CB-2026-000001", soc.Alert{Number: "CB-2026-000001", Title: map[string]string{"vi": "Dò mật khẩu"}}}, {"posture", "L3-OPS-MON-01@1", soc.Finding{Control: "L3-OPS-MON-01", State: soc.Met}}}
	var pack bytes.Buffer
	if err := l.WritePack(ctx, &pack, Header{System: "HT-001", Name: "Cổng dịch vụ công", From: 1, To: 2}, records, deeds, key); err != nil {
		t.Fatal(err)
	}
	good := pack.Bytes()
	v := VerifyPack(bytes.NewReader(good), "")
	if !v.Good || v.Counts["deed"] != 6 || v.Counts["alert"] != 1 || v.Header.System != "HT-001" {
		t.Fatalf("untouched pack: %+v", v)
	}
	if x := VerifyPack(bytes.NewReader(good), strings.Repeat("0", 64)); x.Good {
		t.Error("a pack under another key was accepted")
	}

	// no flipped byte goes unseen
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1
		if VerifyPack(bytes.NewReader(bad), v.KeyID).Good {
			t.Fatalf("byte %d of %d flipped: not found", i, len(good))
		}
	}
	// nor a cut end
	for _, n := range []int{1, 2, 100, len(good) / 2, len(good) - 1} {
		if VerifyPack(bytes.NewReader(good[:len(good)-n]), v.KeyID).Good {
			t.Errorf("%d bytes cut off: not found", n)
		}
	}
	lines := bytes.SplitAfter(good, []byte("\n"))
	rebuild := func(order ...int) []byte {
		var b bytes.Buffer
		for _, i := range order {
			b.Write(lines[i])
		}
		return b.Bytes()
	}
	all := func(skip ...int) []int {
		var out []int
	next:
		for i := range lines {
			for _, s := range skip {
				if i == s {
					continue next
				}
			}
			out = append(out, i)
		}
		return out
	}
	swapped := all()
	swapped[4], swapped[5] = swapped[5], swapped[4]
	altered := bytes.Replace(good, []byte("Dò mật khẩu"), []byte("Dò mật khẫu"), 1)
	alteredDeed := bytes.Replace(good, []byte(`"Object":"CB-2"`), []byte(`"Object":"CB-9"`), 1)
	for _, tt := range []struct {
		name string
		pack []byte
		want string
	}{
		{"alert altered", altered, "alert CB-2026-000001 was altered (line 2)"},
		{"deed altered", alteredDeed, "deed 3 was altered"},
		{"deed dropped", rebuild(all(5)...), "deed 3 was dropped"},
		{"alert dropped", rebuild(all(1)...), "alert CB-2026-000001 was dropped"},
		{"deeds swapped", rebuild(swapped...), "the order was changed"},
		{"line added", append(append(bytes.Clone(lines[0]), lines[1]...), good[len(lines[0]):]...), "was added"},
	} {
		x := VerifyPack(bytes.NewReader(tt.pack), v.KeyID)
		if x.Good || !strings.Contains(strings.Join(x.Findings, "\n"), tt.want) {
			t.Errorf("%s: %q does not say %q", tt.name, x.Findings, tt.want)
		}
	}
}
