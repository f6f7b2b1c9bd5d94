package triage_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"hoalu/soc"
	"hoalu/state"
	"hoalu/triage"
)

// TestKill9 kills a process that applies one batch after another at several moments; what it had applied must be exactly what its
// position says, and the next process goes on from there.
func TestKill9(t *testing.T) {
	ctx := context.Background()
	if path := os.Getenv("HOALU_TEST_KILL"); path != "" { // the process that is killed
		db, err := state.Open(ctx, state.Config{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		s := triage.New(db, triage.Config{}, slog.New(slog.DiscardHandler))
		at, err := s.Position(ctx, "detect")
		if err != nil {
			t.Fatal(err)
		}
		for seq := at.Seq; ; seq++ { // its last batch again, as a reader that is not sure would
			if seq == 0 {
				continue
			}
			var fs []triage.Firing
			for i := range 5 {
				fs = append(fs, firing("r", fmt.Sprintf("h%d", i%2), fmt.Sprintf("e%d-%d", seq, i), 0))
			}
			if _, err := s.Apply(ctx, triage.Position{Reader: "detect", Epoch: "e1", Seq: seq}, fs, []byte(fmt.Sprint(seq))); err != nil {
				t.Fatal(err)
			}
			fmt.Println("applied", seq)
		}
	}
	path := filepath.Join(t.TempDir(), "state.db")
	var last uint64
	for round, lines := range []int{1, 7, 20, 3} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKill9$")
		cmd.Env = append(os.Environ(), "HOALU_TEST_KILL="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var told uint64
		for scan := bufio.NewScanner(out); lines > 0 && scan.Scan(); lines-- {
			if n, err := fmt.Sscanf(scan.Text(), "applied %d", &told); n != 1 {
				t.Fatalf("the process said %q: %v", scan.Text(), err)
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was killed
		db, err := state.Open(ctx, state.Config{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		s := triage.New(db, triage.Config{}, slog.New(slog.DiscardHandler))
		at, err := s.Position(ctx, "detect")
		if err != nil {
			t.Fatal(err)
		}
		if at.Seq < told || at.Seq < last || string(at.Snapshot) != fmt.Sprint(at.Seq) {
			t.Errorf("round %d: position %d with snapshot %q, but %d was acknowledged", round, at.Seq, at.Snapshot, told)
		}
		p, err := s.List(ctx, soc.Scope{All: true}, triage.Query{Sort: "number"})
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Items) != 2 || p.Items[0].Count != int64(at.Seq)*3 || p.Items[1].Count != int64(at.Seq)*2 {
			t.Errorf("round %d: %d alerts with %d and %d hits, want %d and %d", round, len(p.Items), p.Items[0].Count, p.Items[1].Count, at.Seq*3,
				at.Seq*2)
		}
		last = at.Seq
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
