package evidence

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	randv2 "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"hoalu/internal/needed"
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
			_, err := Record(ctx, tx, soc.Deed{Actor: soc.Actor{ID: "a1", Name: "Trực ban 1"}, Action: "alert.close",
				Object: fmt.Sprintf("CB-%d", i), Details: map[string]string{"b": "2", "a": "1"}})
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

// provesAll checks that every audit row is in the log at its number under the newest head, and the head covers all.
func provesAll(t *testing.T, l *Log) {
	t.Helper()
	ctx := context.Background()
	deeds, err := After(ctx, l.db.Read(), 0, 100_000)
	if err != nil {
		t.Fatal(err)
	}
	h, err := l.Head(ctx)
	if err != nil || h.Size != uint64(len(deeds)) {
		t.Fatalf("Head() = %+v, %v; want %d entries", h, err, len(deeds))
	}
	for _, d := range deeds {
		data, err := leaf(d)
		if err != nil {
			t.Fatal(err)
		}
		path, err := l.Proof(ctx, d.Number, h)
		if err != nil {
			t.Fatal(err)
		}
		if err := verifyInclusion(data, d.Number, path, h); err != nil {
			t.Fatalf("audit row %d is not entry %d of the log: %v", d.Number, d.Number-1, err)
		}
	}
}

// TestFullDiskLosesNoPlace: the disk fills at every step of a batch, in turn; once there is room, each row is in the log at its number,
// without a restart.
func TestFullDiskLosesNoPlace(t *testing.T) {
	if os.Getuid() != 0 {
		needed.Missing(t, "mounting a small tmpfs needs root")
	}
	ctx, db, key, cfg := logRig(t)
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=24m"); err != nil {
		needed.Missing(t, "a small tmpfs cannot be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) })
	cfg.Dir = filepath.Join(disk, "log")
	l, err := OpenLog(ctx, cfg, db, key, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ballast, err := os.Create(filepath.Join(disk, "ballast"))
	if err != nil {
		t.Fatal(err)
	}
	defer ballast.Close()
	page := make([]byte, 4096)
	failed := 0
	for room := range 24 { // pages left free: none, enough for the bundle alone, for a tile too …
		recordN(t, ctx, db, 300) // more than a batch
		if _, err := ballast.Seek(0, io.SeekEnd); err != nil {
			t.Fatal(err)
		}
		for {
			if _, err := ballast.Write(page); err != nil {
				break
			}
		}
		st, err := ballast.Stat()
		if err != nil {
			t.Fatal(err)
		}
		if err := ballast.Truncate(max(0, st.Size()&^4095-int64(room)*4096)); err != nil {
			t.Fatal(err)
		}
		err = l.Append(ctx)
		if err != nil {
			failed++
			if ready := l.Taking(); ready == nil || !errors.Is(err, syscall.ENOSPC) && !strings.Contains(err.Error(), syscall.ENOSPC.Error()) {
				t.Errorf("%d pages left: %v, Taking() = %v; want both to say that the disk is full", room, err, ready)
			}
		}
		recordN(t, ctx, db, 1) // while the disk is full, too: rows wait in the table
		if err := ballast.Truncate(0); err != nil {
			t.Fatal(err)
		}
		if err := l.Append(ctx); err != nil {
			t.Fatalf("%d pages were left, then there was room: %v", room, err)
		}
		if err := l.Taking(); err != nil {
			t.Errorf("Ready() = %v after rows went in", err)
		}
	}
	if failed < 3 {
		t.Errorf("the disk was full in %d of 24 rounds only: the test does not test", failed)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	provesAll(t, l)
	// Nothing of the failed writes stays behind once they are old.
	old := time.Now().Add(-time.Hour)
	left := func(age bool) (n int) {
		err := filepath.WalkDir(cfg.Dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && len(d.Name()) > 3 && strings.Trim(d.Name(), "0123456789") == "" {
				n++
				if age {
					err = os.Chtimes(path, old, old)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if left(true) == 0 {
		t.Error("no write was cut: the test does not test")
	}
	l.sweep()
	if n := left(false); n > 0 {
		t.Errorf("%d files of failed writes stay", n)
	}
	provesAll(t, l)
}

// TestKilledAppender: a process that records and appends is killed at any instant, again and again; each row is in the log at its number.
func TestKilledAppender(t *testing.T) {
	if dir := os.Getenv("EVIDENCE_APPENDER"); dir != "" {
		appendForever(t, dir)
	}
	dir := t.TempDir()
	ctx := context.Background()
	for round := range 6 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilledAppender$")
		cmd.Env = append(os.Environ(), "EVIDENCE_APPENDER="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for i := 0; i < 3+2*round && lines.Scan(); i++ { // a line a batch; the kill comes somewhere in the next
		}
		time.Sleep(time.Duration(randv2.IntN(30)) * time.Millisecond) // any instant, not a wait for anything
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err == nil {
			t.Fatal("the appender ended by itself")
		}
		db, l := openKilled(t, dir)
		if err := l.Append(ctx); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		provesAll(t, l)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func openKilled(t *testing.T, dir string) (*state.DB, *Log) {
	t.Helper()
	ctx := context.Background()
	db, err := state.Open(ctx, state.Config{Path: filepath.Join(dir, "state.db")})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "key")
	der, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		var k *ecdsa.PrivateKey
		if k, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			t.Fatal(err)
		}
		if der, err = x509.MarshalECPrivateKey(k); err != nil {
			t.Fatal(err)
		}
		err = os.WriteFile(file, der, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.ParseECPrivateKey(der)
	if err != nil {
		t.Fatal(err)
	}
	l, err := OpenLog(ctx, LogConfig{Dir: filepath.Join(dir, "log"), Interval: 100 * time.Millisecond}, db, key, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return db, l
}

func appendForever(t *testing.T, dir string) {
	db, l := openKilled(t, dir)
	for n := 1; ; n = n%70 + 13 {
		recordN(t, context.Background(), db, n)
		if err := l.Append(context.Background()); err != nil {
			t.Fatal(err)
		}
		fmt.Println(n)
	}
}

// TestLogOfAnotherTime: rows that are not those the log holds are not put behind them; the log stays as it is and says why.
func TestLogOfAnotherTime(t *testing.T) {
	ctx, db, key, cfg := logRig(t)
	l, err := OpenLog(ctx, cfg, db, key, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	recordN(t, ctx, db, 5)
	if err := l.Append(ctx); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := db.Tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.Exec("UPDATE audit SET object = 'CB-other' WHERE number = 5")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if l, err = OpenLog(ctx, cfg, db, key, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	recordN(t, ctx, db, 1)
	if err := l.Append(ctx); err == nil || !strings.Contains(err.Error(), "audit row 5 is not what the evidence log holds") ||
		l.Taking() == nil {
		t.Errorf("Append() = %v, Taking() = %v; want both to name row 5", err, l.Taking())
	}
	if n, err := l.reader.NextIndex(ctx); err != nil || n != 5 {
		t.Errorf("the log holds %d entries, %v; want 5", n, err)
	}
	// A database with fewer rows than the log has entries is refused at once.
	if err := db.Tx(ctx, func(tx *sql.Tx) error { _, err := tx.Exec("DELETE FROM audit WHERE number > 3"); return err }); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenLog(ctx, cfg, db, key, slog.New(slog.DiscardHandler)); err == nil ||
		!strings.Contains(err.Error(), "restore both from one backup") {
		t.Errorf("OpenLog over fewer rows = %v", err)
	}
}

// TestHeadAfterAClockThatRanAhead: a head signed by a clock a week ahead does not keep the next one waiting for a week.
func TestHeadAfterAClockThatRanAhead(t *testing.T) {
	ctx, db, key, cfg := logRig(t)
	l, err := OpenLog(ctx, cfg, db, key, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	ahead := time.Now().Add(7 * 24 * time.Hour)
	if err := os.Chtimes(filepath.Join(cfg.Dir, "checkpoint"), ahead, ahead); err != nil {
		t.Fatal(err)
	}
	if l, err = OpenLog(ctx, cfg, db, key, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	recordN(t, ctx, db, 3)
	if err := l.Append(ctx); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	provesAll(t, l)
}

// TestLeafStaysAsItIs: heads that are signed commit to these bytes, so a change of soc.Deed must not change those of rows that exist.
func TestLeafStaysAsItIs(t *testing.T) {
	got, err := leaf(soc.Deed{Number: 7, Time: 1763769600000,
		Actor:  soc.Actor{ID: "a1", Name: "Trực ban 1", Unit: "DV-001", Roles: []soc.Role{soc.Analyst}, Address: "10.0.0.9"},
		Action: "alert.close", Object: "CB-2026-000001", Before: "aa", After: "bb", Result: Done, Reason: "quét <thử>",
		Details: map[string]string{"b": "2", "a": "1"}})
	want := `{"Number":7,"Time":1763769600000,"Actor":{"ID":"a1","Name":"Trực ban 1","Roles":["analyst"],"Unit":"DV-001","Address":"10.0.0.9"},"Action":"alert.close",` +
		`"Object":"CB-2026-000001","Before":"aa","After":"bb","Result":"done","Reason":"quét \u003cthử\u003e","Details":{"a":"1","b":"2"}}`
	if err != nil || string(got) != want {
		t.Errorf("leaf() = %s, %v\nwant     %s", got, err, want)
	}
}

// TestDeedTheLogCannotTake: it is refused when it is recorded, because behind the table it would hold up all rows after it.
func TestDeedTheLogCannotTake(t *testing.T) {
	ctx, db, _, _ := logRig(t)
	err := db.Tx(ctx, func(tx *sql.Tx) error {
		_, err := Record(ctx, tx, soc.Deed{Actor: soc.Actor{ID: "a1"}, Action: "alert.close", Reason: strings.Repeat("x", 1<<16)})
		return err
	})
	if n, _ := Last(ctx, db.Read()); err == nil || !strings.Contains(err.Error(), "shorten") || n != 0 {
		t.Errorf("Record of 64 KB = %v, %d rows; want it refused", err, n)
	}
}
