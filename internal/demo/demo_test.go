package demo

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"hoalu/ecs/wire"
	"hoalu/soc"
)

// player has the sample sources of the recording, all but the named ones.
func player(t *testing.T, without ...string) (*Player, *[]wire.Frame) {
	t.Helper()
	list, err := recorded()
	if err != nil {
		t.Fatal(err)
	}
	var sources []soc.Source
	seen := map[string]bool{}
	for _, name := range without {
		seen[name] = true
	}
	for _, l := range list {
		if !seen[l.Source] {
			seen[l.Source] = true
			sources = append(sources, soc.Source{ID: "NG-" + l.Source, Name: l.Source, Demo: true})
		}
	}
	sources = append(sources, soc.Source{ID: "NG-real", Name: "real"})
	var got []wire.Frame
	return &Player{Sources: func() []soc.Source { return sources }, Log: slog.New(slog.DiscardHandler),
		Put: func(_ context.Context, _ string, frames []wire.Frame) error {
			got = append(got, frames...)
			return nil
		}}, &got
}

func TestLoad(t *testing.T) {
	p, got := player(t)
	now := time.Date(2026, 11, 30, 3, 0, 0, 0, time.UTC)
	n, err := p.Load(context.Background(), now)
	if err != nil || n != len(*got) || n < 500 {
		t.Fatalf("Load = %d, %v; %d frames put", n, err, len(*got))
	}
	for _, f := range *got {
		if strings.Contains(string(f.Data), "{{") {
			t.Fatalf("a time is missing in %s", f.Data)
		}
	}
	p, _ = player(t, "mau-dvc-web")
	if _, err := p.Load(context.Background(), now); err == nil || !strings.Contains(err.Error(), "mau-dvc-web") {
		t.Errorf("without one of its sources: %v, want an error that names it", err)
	}
}

// TestStaysAlive: within a minute each source with ordinary work has spoken once, with the time of now; nothing of an attack is played
// again; and two systems stay silent, so that this state can be seen too.
func TestStaysAlive(t *testing.T) {
	p, _ := player(t)
	now := time.Date(2026, 11, 30, 3, 0, 0, 0, time.UTC)
	spoke := map[string]int{}
	for i := range turns {
		frames, err := p.ordinary(now.Add(time.Duration(i) * every))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range frames {
			spoke[f.Source]++
			for _, bad := range []string{"203.0.113.77", "Failed password", "198.51.100.47", "x9-ham", "UNION", "vssadmin", "cccd="} {
				if strings.Contains(string(f.Data), bad) {
					t.Errorf("part of an attack is played again: %s", f.Data)
				}
			}
		}
	}
	silent := 0
	for _, s := range p.Sources() {
		switch n := spoke[s.ID]; {
		case n == 0 && (strings.Contains(s.Name, "tiepdan") || strings.Contains(s.Name, "congchung")):
			silent++
		case s.Demo && n != 1:
			t.Errorf("%s spoke %d times within a minute, want once", s.Name, n)
		case !s.Demo && n != 0:
			t.Errorf("%s is no sample source and spoke", s.Name)
		}
	}
	if silent != 4 {
		t.Errorf("%d sources are silent, want the four of two systems", silent)
	}
	p.Sources = func() []soc.Source { return []soc.Source{{ID: "NG-0001", Name: "mau-dvc-web"}} }
	if frames, err := p.ordinary(now); err != nil || len(frames) != 0 {
		t.Errorf("without sample sources: %d frames, %v", len(frames), err)
	}
}
