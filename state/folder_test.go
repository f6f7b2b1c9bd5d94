package state

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestStartWaitsForAStop: a start while another appliance is still stopping waits for it instead of being refused.
func TestStartWaitsForAStop(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	held, err := lockFolder(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(300*time.Millisecond, func() { held.Close() })
	next, err := lockFolder(context.Background(), dir)
	if err != nil {
		t.Fatalf("lockFolder while another lets go = %v", err)
	}
	defer next.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if again, err := lockFolder(ctx, dir); err == nil {
		again.Close()
		t.Error("two hold the same data folder")
	}
}

func TestDataFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mine, other, fresh := filepath.Join(dir, "mine"), filepath.Join(dir, "other"), filepath.Join(dir, "a", "b")
	for _, d := range []string{mine, other} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	os.WriteFile(filepath.Join(mine, "state.db"), nil, 0o600)
	os.WriteFile(filepath.Join(other, "letter.txt"), nil, 0o600)
	for d, want := range map[string]string{mine: "", fresh: "", other: "give an empty one with --data", "": "--data"} {
		err := openFolder(d)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("openFolder(%q) = %v, want %q", d, err, want)
		}
		if st, _ := os.Stat(d); want == "" && st.Mode().Perm() != 0o700 {
			t.Errorf("%s has mode %v, want 0700", d, st.Mode())
		}
	}
}
