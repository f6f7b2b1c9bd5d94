package decoders

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hoalu/ecs"
)

// TestArchive: a set that was decoded with comes back after the decoders were changed, and decodes as it did.
func TestArchive(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "decoders")
	first, err := extra(t, ownApp)
	if err != nil {
		t.Fatal(err)
	}
	a, err := OpenArchive(dir, first)
	if err != nil || a.Number() != 1 {
		t.Fatalf("OpenArchive: number %d, %v", a.Number(), err)
	}
	if a, err = OpenArchive(dir, first); err != nil || a.Number() != 1 {
		t.Fatalf("the same set again: number %d, %v", a.Number(), err)
	}
	second, err := extra(t, strings.ReplaceAll(ownApp, "event.module: hoso", "event.module: moi"))
	if err != nil {
		t.Fatal(err)
	}
	if a, err = OpenArchive(dir, second); err != nil || a.Number() != 2 {
		t.Fatalf("another set: number %d, %v", a.Number(), err)
	}
	for n, want := range map[uint64]string{0: "moi", 1: "hoso", 2: "moi"} {
		s, err := a.Set(n)
		if err != nil {
			t.Fatalf("Set(%d): %v", n, err)
		}
		e, err := s.Decoder().Decode("own.app", []byte("<38>Mar  2 09:00:01 web01 hoso[7]: login ok for an from 10.0.0.1"), received, nil)
		if err != nil || e.Text(ecs.EventModule) != want {
			t.Errorf("Set(%d) decodes event.module %q, %v, want %q", n, e.Text(ecs.EventModule), err, want)
		}
	}
	if s, err := a.Set(7); err == nil || s != second {
		t.Errorf("Set of a number that is not kept: %v; want an error and the present set", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "1.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if a, err = OpenArchive(dir, second); err != nil {
		t.Fatal(err)
	}
	if s, err := a.Set(1); err == nil || s != second {
		t.Errorf("Set of a broken file: %v; want an error and the present set", err)
	}
}

// TestArchivePrograms: what took a program over does so in a set that was kept, too, and a set of before programs stood in definitions
// reads them as the running build does.
func TestArchivePrograms(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "decoders")
	const line = "<86>Mar  2 09:00:01 web01 su[7]: moe becomes root"
	const su = "<86>Mar  2 09:00:01 web01 su-l[7]: Successful su for root by moe"
	first, err := extra(t, strings.Replace(ownPrograms, "own.hosod", "an.app", 1)) // before linux.su by name
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenArchive(dir, first); err != nil {
		t.Fatal(err)
	}
	plain, err := New()
	if err != nil {
		t.Fatal(err)
	}
	a, err := OpenArchive(dir, plain)
	if err != nil || a.Number() != 2 {
		t.Fatalf("another set: number %d, %v", a.Number(), err)
	}
	action := func(n uint64, line string) string {
		s, err := a.Set(n)
		if err != nil {
			t.Fatalf("Set(%d): %v", n, err)
		}
		e, err := s.Decoder().Decode("", []byte(line), received, nil)
		if err != nil {
			t.Fatal(err)
		}
		return e.Text(ecs.EventAction)
	}
	if got := action(1, line); got != "own_su" {
		t.Errorf("the kept set decodes event.action %q, want own_su", got)
	}
	if got := action(1, su) + action(2, line); got != "su" {
		t.Errorf("the other program and the present set decode %q, want su and nothing", got)
	}
	if err := os.WriteFile(filepath.Join(dir, "1.json"), []byte(`{"digest":"x","files":{}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if a, err = OpenArchive(dir, plain); err != nil {
		t.Fatal(err)
	}
	if got := action(1, su); got != "su" {
		t.Errorf("a set of before decodes event.action %q, want su", got)
	}
}
