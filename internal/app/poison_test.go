package app

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"hoalu/collector/pipeline"
	"hoalu/ecs"
	"hoalu/ecs/query"
	"hoalu/ecs/wire"
	"hoalu/privacy"
	"hoalu/soc"
)

// troubled is the vault's MAC in trouble: it fails (a panic) on one number, and answers nothing while it is down.
type troubled struct {
	privacy.MAC
	poison string
	down   atomic.Bool
}

var errVaultDown = errors.New("the vault does not answer")

func (m *troubled) ComputeMAC(data []byte) ([]byte, error) {
	if m.down.Load() {
		return nil, errVaultDown
	}
	if bytes.Contains(data, []byte(m.poison)) {
		panic("a fault of ours")
	}
	return m.MAC.ComputeMAC(data)
}

// TestPoisonThroughTheChain: a frame that the protection fails on lies sealed in quarantine and nowhere else, its neighbours are
// stored; while the vault is down nothing is stored and nothing lost, /readyz names the reason, and afterwards everything is there.
func TestPoisonThroughTheChain(t *testing.T) {
	t.Parallel()
	const poison = "037095001234"
	r := &rig{T: t, dir: t.TempDir(), cfg: testConfig()}
	mac := &troubled{poison: poison}
	ctx, cancel := context.WithCancel(context.Background())
	o := r.options()
	ready := make(chan struct{})
	o.Ready = func(string, string) { close(ready) }
	a, err := New(ctx, o)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	if mac.MAC, err = a.vault.MAC(ctx, "pseudonym"); err != nil {
		t.Fatal(err)
	}
	if a.protector, err = privacy.New(privacy.Config{MAC: mac, Groups: []string{"province"}}); err != nil {
		t.Fatal(err)
	}
	r.App, r.stop, r.done = a, cancel, make(chan error, 1)
	go func() { r.done <- a.Run(ctx) }()
	<-ready
	t.Cleanup(func() {
		if r.stop != nil {
			r.end()
		}
	})
	put := func(text string) {
		t.Helper()
		frame := wire.Frame{Peer: "192.0.2.7", Format: wire.FormatSyslog, Data: []byte("<13>1 2026-11-30T01:02:03Z web01 app 77 - - " + text)}
		if err := r.put(soc.SourceSyslog)(ctx, "syslog.tcp", []wire.Frame{frame}); err != nil {
			t.Fatal(err)
		}
	}
	part := func(name string) soc.Part {
		for _, p := range (machinePart{a}).Parts(ctx) {
			if p.Name == name {
				return p
			}
		}
		t.Fatalf("/readyz has no part %s", name)
		return soc.Part{}
	}
	put("tra cứu CCCD 036301012345")
	put("tra cứu CCCD " + poison)
	put("tra cứu CCCD 038301012345")
	r.eventually("both neighbours", func() bool { return r.count(host) == 2 })
	page, err := a.quarantine.List(pipeline.QuarantineFilter{})
	if err != nil || page.Total != 1 || page.Items[0].Reason != pipeline.ReasonProtector {
		t.Fatalf("quarantine: %+v, %v", page, err)
	}
	if _, frame, _, err := a.quarantine.Get(page.Items[0].ID); err != nil || !strings.Contains(string(frame.Data), poison) {
		t.Errorf("the frame in quarantine: %q, %v", frame.Data, err)
	}
	if p := part("pipeline"); !p.Ready {
		t.Errorf("/readyz after one bad frame: %+v", p)
	}

	mac.down.Store(true)
	put("tra cứu CCCD 040301012345")
	put("không có số nào")
	r.eventually("/readyz names the vault", func() bool {
		p := part("pipeline")
		return !p.Ready && strings.Contains(p.Reason, errVaultDown.Error())
	})
	if n := r.count(host); n != 2 {
		t.Errorf("%d events while the vault is down, want the 2 from before", n)
	}
	mac.down.Store(false)
	r.eventually("what waited", func() bool { return r.count(host) == 4 && part("pipeline").Ready })
	if n := r.count(query.Term{Field: ecs.Message, Value: "tra cứu CCCD " + poison}); n != 0 {
		t.Errorf("%d events hold the number", n)
	}
	r.end()
	err = filepath.WalkDir(filepath.Join(r.dir, "d", "events"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if bytes.Contains(data, []byte(poison)) {
			t.Errorf("%s holds the number", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
