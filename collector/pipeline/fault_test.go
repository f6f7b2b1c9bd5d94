package pipeline

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"hoalu/collector/decoders"
	"hoalu/ecs"
	"hoalu/ecs/wire"
)

// poisoned fails (panics) on what holds its word, in the step it stands for.
type poisoned struct {
	bindings
	inResolve, inProtect bool
	down                 *atomic.Bool // Protect answers with an error
}

var errDown = errors.New("the vault does not answer")

func (p poisoned) Resolve(sensor, source, peer, host string, ips []netip.Addr) Place {
	if p.inResolve && host == "poison" {
		panic("resolver met a poison")
	}
	return p.bindings.Resolve(sensor, source, peer, host, ips)
}

func (p poisoned) Protect(e *ecs.Event) error {
	if p.down != nil && p.down.Load() {
		return errDown
	}
	if p.inProtect && strings.Contains(e.Text(ecs.Message), "poison") {
		panic("protector met a poison")
	}
	return mask{}.Protect(e)
}

func withPoison(t *testing.T, p poisoned) *Pipeline {
	t.Helper()
	set, err := decoders.New()
	if err != nil {
		t.Fatal(err)
	}
	return New(func(uint64) Setup { return Setup{Decoders: set, Resolver: p, Protector: p} })
}

func lines(texts ...string) *wire.Batch {
	b := &wire.Batch{Listener: "t", Epoch: "e"}
	for _, s := range texts {
		b.Frames = append(b.Frames, wire.Frame{Source: "NG-0001", Received: received, Format: wire.FormatSyslog, Data: []byte(s)})
	}
	return b
}

// TestAPoisonousFrameIsSetAside: a panic of the inventory or of the protection costs that frame its place, with the reason, and
// nothing else: its neighbours become events, and nothing of it does.
func TestAPoisonousFrameIsSetAside(t *testing.T) {
	const good, bad = "<13>Mar  2 09:59:00 web-02 app: good", "<13>Mar  2 09:59:00 poison app: poison cccd=037095001234"
	for reason, p := range map[string]poisoned{
		ReasonResolver:  {bindings: testBindings(), inResolve: true},
		ReasonProtector: {bindings: testBindings(), inProtect: true},
	} {
		d := decoded(t, withPoison(t, p), lines(good, bad, good), 9)
		if len(d.Events) != 2 || len(d.Quarantined) != 1 {
			t.Fatalf("%s: %d events, %d in quarantine; want 2 and 1", reason, len(d.Events), len(d.Quarantined))
		}
		q := d.Quarantined[0]
		if q.Reason != reason || q.Index != 1 || string(q.Frame.Data) != bad || q.Source != "NG-0001" || q.Detail == "" {
			t.Errorf("%s: quarantined %+v", reason, q)
		}
		for _, e := range d.Events {
			if strings.Contains(string(e.AppendJSON(nil)), "037095001234") {
				t.Errorf("%s: an event holds the number: %s", reason, e.AppendJSON(nil))
			}
		}
		if len(d.Outcomes) != 1 || d.Outcomes[0].Events != 2 || d.Outcomes[0].Quarantined[reason] != 1 {
			t.Errorf("%s: outcomes %+v", reason, d.Outcomes)
		}
	}
}

// TestADownVaultMakesReadersWait: while identifiers cannot be protected no batch is handed on, none is lost or set aside, Ready and
// the metric say so; when the vault answers again everything comes, in order.
func TestADownVaultMakesReadersWait(t *testing.T) {
	s := newStream()
	var down atomic.Bool
	down.Store(true)
	h := NewHub(HubConfig{RetryMin: time.Millisecond, RetryMax: 2 * time.Millisecond}, s,
		withPoison(t, poisoned{bindings: testBindings(), down: &down}), nil)
	defer h.Close()
	reg := prometheus.NewRegistry()
	reg.MustRegister(h.Collectors()...)
	waits := func() float64 {
		t.Helper()
		all, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range all {
			if f.GetName() == "hoalu_pipeline_reader_waits" {
				for _, m := range f.GetMetric() {
					if label(m, "reader") == "store" {
						return m.GetGauge().GetValue()
					}
				}
			}
		}
		return -1
	}
	for range 3 {
		s.add(wire.Encode(lines("<13>Mar  2 09:59:00 web-02 app: cccd=037095001234")))
	}
	ctx, cancel := context.WithCancel(context.Background())
	got := make(chan *Decoded, 3)
	ended := make(chan error, 1)
	go func() {
		ended <- h.Follow(ctx, "store", 1, func(_ context.Context, d *Decoded) error { got <- d; return nil })
	}()
	eventually(t, "Ready names the reader", func() bool { return errors.Is(h.Ready(), errDown) })
	if err := h.Ready(); !strings.Contains(err.Error(), "reader store waits") {
		t.Errorf("Ready = %v", err)
	}
	if v := waits(); v != 1 {
		t.Errorf("hoalu_pipeline_reader_waits = %v, want 1", v)
	}
	if len(got) != 0 {
		t.Fatal("a batch was handed on though its identifiers could not be protected")
	}
	down.Store(false)
	for seq := uint64(1); seq <= 3; seq++ {
		if d := <-got; d.Seq != seq || len(d.Events) != 1 || len(d.Quarantined) != 0 || d.Missing != 0 {
			t.Errorf("batch %+v, want %d with its event", d, seq)
		}
	}
	eventually(t, "Ready is well again", func() bool { return h.Ready() == nil })
	if v := waits(); v != 0 {
		t.Errorf("hoalu_pipeline_reader_waits = %v, want 0", v)
	}
	cancel()
	<-ended
}

// TestAReaderThatPanicsIsHandedTheBatchAgain: it ends no process, and Ready says what it does.
func TestAReaderThatPanicsIsHandedTheBatchAgain(t *testing.T) {
	s := newStream()
	s.addLine(1)
	h := NewHub(HubConfig{RetryMin: time.Millisecond, RetryMax: time.Millisecond}, s, newPipeline(t, nil), nil)
	defer h.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var well atomic.Bool
	done := make(chan struct{})
	go h.Follow(ctx, "detect", 1, func(_ context.Context, d *Decoded) error { //nolint:errcheck // ends with ctx
		if !well.Load() {
			panic("a fault of ours")
		}
		close(done)
		return nil
	})
	eventually(t, "Ready names the panic", func() bool {
		err := h.Ready()
		return err != nil && strings.Contains(err.Error(), "reader detect waits, nothing is lost: it panicked on batch 1: a fault of ours")
	})
	well.Store(true)
	<-done
}

// TestRetentionMarksOlderEvents: an event older than its system's events are kept is filed by receipt, or it would be deleted at once.
func TestRetentionMarksOlderEvents(t *testing.T) {
	set, err := decoders.New()
	if err != nil {
		t.Fatal(err)
	}
	day := 24 * time.Hour
	p := New(func(uint64) Setup {
		return Setup{Decoders: set, Resolver: testBindings(), Retention: func(level int) time.Duration { return time.Duration(level) * 30 * day }}
	})
	document := func(source, at string) wire.Frame {
		return wire.Frame{Source: source, Peer: "10.9.9.9", Received: received, Format: wire.FormatJSON,
			Data: []byte(`{"@timestamp":"` + at + `","message":"a"}`)}
	}
	d := decoded(t, p, &wire.Batch{Epoch: "e", Frames: []wire.Frame{
		document("NG-0001", "2025-11-30T03:00:00Z"), document("NG-0001", "2025-12-10T03:00:00Z"), document("", "2020-01-01T00:00:00Z"),
	}}, 1)
	var marked []bool
	for _, e := range d.Events {
		marked = append(marked, e.Has(ecs.HoaluTimeSuspect))
	}
	if len(marked) != 3 || !marked[0] || marked[1] || marked[2] {
		t.Errorf("marked %v, want the one older than 90 days in a system of level 3 only (level 0 is kept for ever)", marked)
	}
}

// TestNobodyElseNamesIdentifiers: a sensor or a document that sets hoalu.identifier is not believed.
func TestNobodyElseNamesIdentifiers(t *testing.T) {
	p := newPipeline(t, testBindings())
	for _, format := range []string{wire.FormatJSON, wire.FormatECS} {
		d := decoded(t, p, &wire.Batch{Epoch: "e", Sensor: "s-1", Sequence: 1, Frames: []wire.Frame{
			{Received: received, Format: format, Data: []byte(`{"message":"a","hoalu.identifier":"cccd","hoalu":{"identifier":"phone"}}`)}}}, 1)
		if len(d.Events) != 1 || d.Events[0].Has(ecs.HoaluIdentifier) {
			t.Errorf("%s: events %d, hoalu.identifier %q", format, len(d.Events), d.Events[0].Text(ecs.HoaluIdentifier))
		}
	}
}

func label(m *dto.Metric, name string) string {
	for _, l := range m.GetLabel() {
		if l.GetName() == name {
			return l.GetValue()
		}
	}
	return ""
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited for: %s", what)
		}
	}
}
