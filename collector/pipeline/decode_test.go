package pipeline

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hoalu/collector/decoders"
	"hoalu/ecs"
	"hoalu/ecs/wire"
	"hoalu/soc"
)

const received = 1_772_420_400_000 // 2026-03-02T03:00:00Z

// bindings is a Resolver over a few fixed sources and hosts.
type bindings struct {
	sources map[string]soc.Source
	hosts   map[string]string // host name → system
}

func (b bindings) SourceByID(id string) (soc.Source, bool) {
	s, ok := b.sources[id]
	return s, ok
}

func (b bindings) Resolve(sensor, source, peer, host string, ips []netip.Addr) Place {
	p := Place{Source: source}
	if source == "" {
		for _, s := range b.sources {
			if s.Address == peer && (s.Host == "" || s.Host == host) && (s.Host != "" || p.Source == "") {
				p.Source = s.ID
			}
		}
	}
	if s, ok := b.sources[p.Source]; ok && s.System != "" {
		p.System, p.By = s.System, "source"
	}
	if h := b.hosts[host]; h != "" {
		if p.System == "" {
			p.System, p.By = h, "host"
		} else if p.System != h {
			p.Conflict = true
		}
	}
	if p.System != "" {
		p.Unit, p.Level, p.Zone = "DV-01", 3, "dmz"
	}
	return p
}

type mask struct{}

func (mask) Protect(e *ecs.Event) error {
	for i := range e.Len() {
		if _, v := e.At(i); strings.Contains(v.Text, "037095001234") {
			e.SetAt(i, strings.ReplaceAll(v.Text, "037095001234", "tk:c"))
		}
	}
	return nil
}

// decoded is what p makes of b.
func decoded(t testing.TB, p *Pipeline, b *wire.Batch, seq uint64) *Decoded {
	t.Helper()
	d, err := p.Decode(b, seq)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func newPipeline(t testing.TB, r Resolver) *Pipeline {
	set, err := decoders.New()
	if err != nil {
		t.Fatal(err)
	}
	return New(func(uint64) Setup { return Setup{Decoders: set, Resolver: r, Protector: mask{}} })
}

func testBindings() bindings {
	return bindings{
		sources: map[string]soc.Source{
			"NG-0001": {ID: "NG-0001", System: "HT-001", Dataset: "nginx.access"},
			"NG-0002": {ID: "NG-0002", Address: "10.0.0.2", Zone: "UTC"},
			"NG-0003": {ID: "NG-0003", Address: "10.0.0.2", Host: "csdl-03", System: "HT-003"},
		},
		hosts: map[string]string{"web-02": "HT-002"},
	}
}

func batch() *wire.Batch {
	syslog := func(source, peer, line string) wire.Frame {
		return wire.Frame{Source: source, Peer: peer, Received: received, Format: wire.FormatSyslog, Data: []byte(line)}
	}
	return &wire.Batch{Listener: "syslog.udp", Epoch: "e1", Revision: 3, Frames: []wire.Frame{
		syslog("NG-0001", "10.0.0.1",
			`<13>Mar  2 09:59:00 web-02 nginx: 203.0.113.9 - - [02/Mar/2026:09:59:00 +0700] "GET /?cccd=037095001234 HTTP/1.1" 200 5`),
		syslog("", "10.0.0.2", "<13>Mar  2 02:59:00 web-02 app: zone of the binding is UTC"),
		syslog("", "10.0.0.2", "<13>Mar  2 09:59:00 csdl-03 app: the host's binding says no zone"),
		syslog("", "10.9.9.9", "<13>Mar  2 09:59:00 nobody app: whose is it"),
		{Source: "NG-0001", Received: received, Format: wire.FormatJSON, ID: "doc-1", Data: []byte(`{"message":"a"}`)},
		{Source: "NG-0001", Received: received + 60_000, Format: wire.FormatJSON, Data: []byte(`{"message":`)},
	}}
}

func TestDecode(t *testing.T) {
	d := decoded(t, newPipeline(t, testBindings()), batch(), 42)
	if len(d.Events) != 5 || len(d.Quarantined) != 1 {
		t.Fatalf("%d events, %d quarantined; want 5 and 1", len(d.Events), len(d.Quarantined))
	}
	for i, want := range []struct{ system, source, time string }{
		{"HT-001", "NG-0001", "2026-03-02T02:59:00.000Z"},
		{"HT-002", "NG-0002", "2026-03-02T02:59:00.000Z"},
		{"HT-003", "NG-0003", "2026-03-02T02:59:00.000Z"},
		{soc.Unassigned, "", "2026-03-02T02:59:00.000Z"},
		{"HT-001", "NG-0001", "2026-03-02T03:00:00.000Z"},
	} {
		e := d.Events[i]
		if e.System != want.system || e.Source != want.source || ecs.FormatTime(e.Time) != want.time {
			t.Errorf("event %d: %s %s %s, want %v", i, e.System, e.Source, ecs.FormatTime(e.Time), want)
		}
	}
	if e := d.Events[0]; strings.Contains(string(e.AppendJSON(nil)), "037095001234") {
		t.Errorf("not protected: %s", e.AppendJSON(nil))
	}
	if d.Conflicts["NG-0001"] != 1 {
		t.Errorf("conflicts %v, want one of NG-0001", d.Conflicts)
	}
	q := d.Quarantined[0]
	if q.Index != 5 || q.Reason != ReasonJSON || q.Source != "NG-0001" || q.Minute != received+60_000 ||
		string(q.Frame.Data) != `{"message":` {
		t.Errorf("quarantined %+v", q)
	}
	wantOutcomes := []Outcome{
		{Source: "NG-0001", Minute: received, Events: 2},
		{Source: "NG-0002", Minute: received, Events: 1},
		{Source: "NG-0003", Minute: received, Events: 1},
		{Source: "", Minute: received, Events: 1},
		{Source: "NG-0001", Minute: received + 60_000, Quarantined: map[string]int64{ReasonJSON: 1}},
	}
	if diff := cmp.Diff(wantOutcomes, d.Outcomes); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
}

// TestReporter: a device that observes and is no event's host says by its own name whose an event is.
func TestReporter(t *testing.T) {
	b := &wire.Batch{Listener: "bulk", Epoch: "e1", Frames: []wire.Frame{
		{Received: received, Peer: "10.9.9.9", Format: wire.FormatJSON,
			Data: []byte(`{"observer":{"name":"web-02"},"source":{"ip":"192.0.2.1"}}`)},
		{Received: received, Peer: "10.9.9.9", Format: wire.FormatJSON, Data: []byte(`{"observer":{"name":"web-02"},"host":{"name":"other"}}`)},
	}}
	d := decoded(t, newPipeline(t, testBindings()), b, 7)
	want := []string{"HT-002", soc.Unassigned}
	if len(d.Events) != len(want) {
		t.Fatalf("%d events, want %d", len(d.Events), len(want))
	}
	for i, e := range d.Events {
		if e.System != want[i] {
			t.Errorf("event %d is of %s, want %s: %s", i, e.System, want[i], e.AppendJSON(nil))
		}
	}
}

// TestDecodePure: the same message gives the same events, on any worker, and ids that do not depend on anything else.
func TestDecodePure(t *testing.T) {
	p := newPipeline(t, testBindings())
	render := func(d *Decoded) (out []string) {
		for _, e := range d.Events {
			out = append(out, string(e.AppendJSON(nil)))
		}
		return out
	}
	first := render(decoded(t, p, batch(), 42))
	for range 3 {
		if diff := cmp.Diff(first, render(decoded(t, p, batch(), 42))); diff != "" {
			t.Fatalf("decoded again (-first +again):\n%s", diff)
		}
	}
	ids := map[string]bool{}
	for _, seq := range []uint64{1, 2, 1 << 40} {
		for _, e := range decoded(t, p, batch(), seq).Events {
			if e.ID[0] == 'q' && ids[e.ID] {
				t.Errorf("id %s twice", e.ID)
			}
			ids[e.ID] = true
		}
	}
	a, b := decoded(t, p, batch(), 1).Events[4].ID, decoded(t, p, batch(), 2).Events[4].ID
	if a != b || a[0] != 's' {
		t.Errorf("ids of a document sent twice: %s and %s, want the same", a, b)
	}
	under := func(id string) string {
		b := batch()
		b.Frames[4].ID = id
		return decoded(t, p, b, 1).Events[4].ID
	}
	former := under("w-1")
	one, two := under(wire.SenderID("w-1", [wire.ContentSize]byte{1})), under(wire.SenderID("w-1", [wire.ContentSize]byte{2}))
	if one == two || one == former {
		t.Errorf("ids of other documents under one _id: %s, %s, and of it alone %s; want three", one, two, former)
	}
	if want := "sf42wvtwgeqf2vcitlunlreuayq"; former != want || !strings.HasPrefix(one, former) || !strings.HasPrefix(two, former) || len(one) != 53 {
		t.Errorf("ids %s, %s and %s, want all to begin with %s, as older versions gave: stores know repeats by it", former, one, two, want)
	}
	other := batch()
	other.Sensor, other.Sequence = "s-1", 7
	if x, y := decoded(t, p, other, 1).Events[0].ID, decoded(t, p, other, 9).Events[0].ID; x != y || x[0] != 'n' {
		t.Errorf("ids of a sensor's batch: %s and %s, want the same", x, y)
	}
}

func TestQuarantine(t *testing.T) {
	dir := t.TempDir()
	open := func() *Quarantine {
		t.Helper()
		q, err := OpenQuarantine(QuarantineConfig{Dir: dir, AEAD: xor{0x5a}})
		if err != nil {
			t.Fatal(err)
		}
		return q
	}
	q := open()
	ctx := context.Background()
	var list []Quarantined
	for i := range 5 {
		list = append(list, Quarantined{Epoch: "e1", Seq: 7, Index: i, Source: fmt.Sprintf("NG-000%d", i%2), Minute: received, Reason: ReasonJSON,
			Detail: "at byte 9",
			Frame:  wire.Frame{Source: "x", Received: received + int64(i), Format: wire.FormatJSON, Data: []byte(fmt.Sprintf(`{"số":%d`, i))}})
	}
	for range 2 { // read again after a crash: kept once
		if err := q.Add(list); err != nil {
			t.Fatal(err)
		}
	}
	if err := q.Add([]Quarantined{{Epoch: "e1", Seq: 8, Index: -1, Reason: ReasonBatch,
		Frame: wire.Frame{Received: received - 1, Data: []byte("HLB?")}}}); err != nil {
		t.Fatal(err)
	}
	for _, when := range []string{"live", "opened again"} {
		page, err := q.List(QuarantineFilter{Sources: []string{"NG-0001"}})
		got := page.Items
		if err != nil || page.Total != 2 || page.Reasons[ReasonJSON] != 2 || got[0].Received < got[1].Received {
			t.Errorf("%s: List = %+v", when, got)
		}
		if first, _ := q.List(QuarantineFilter{Sources: []string{"NG-0001"}, Limit: 1}); first.Next != place(got[0]) {
			t.Errorf("%s: Next = %q", when, first.Next)
		}
		if n, _ := q.Counts(); n[ReasonJSON] != 5 || n[ReasonBatch] != 1 {
			t.Errorf("%s: Counts = %v", when, n)
		}
		_, f, detail, err := q.Get(got[0].ID)
		if err != nil || string(f.Data) != `{"số":3` || detail != "at byte 9" {
			t.Errorf("%s: Get = %s, %q, %v", when, f.Data, detail, err)
		}
		if err := q.Close(); err != nil {
			t.Fatal(err)
		}
		q = open()
	}
	all, err := q.List(QuarantineFilter{})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, e := range all.Items {
		ids = append(ids, e.ID)
	}
	var put []string
	n, err := q.Replay(ctx, append(ids, "xnone"), func(_ context.Context, fs []wire.Frame) error {
		put = append(put, fs[0].ID)
		return nil
	})
	if n != 5 || err == nil || !strings.Contains(err.Error(), "damaged batch") || !strings.Contains(err.Error(), "xnone") {
		t.Errorf("Replay = %d, %v; want 5 and the two that cannot be named", n, err)
	}
	if put[0] != "quarantine:"+ids[0] {
		t.Errorf("replayed as %s", put[0])
	}
	if n, _ := q.Replay(ctx, ids[:5], func(context.Context, []wire.Frame) error { t.Error("replayed twice"); return nil }); n != 0 {
		t.Errorf("second Replay = %d", n)
	}
	q.Close()
	q = open()
	if n, _ := q.Counts(); n[ReasonJSON] != 0 {
		t.Errorf("after Replay and reopening: %v", n)
	}
	q.Close()
}

// TestQuarantinePagesGoOn: a page that ended at a frame which is not in the list any more is followed by the rest, not by the first again.
func TestQuarantinePagesGoOn(t *testing.T) {
	q, err := OpenQuarantine(QuarantineConfig{Dir: t.TempDir(), AEAD: xor{0x5a}})
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	for i := range 5 {
		if err := q.Add([]Quarantined{{Epoch: "e1", Seq: uint64(i), Reason: ReasonJSON,
			Frame: wire.Frame{Received: received + int64(i/2), Data: []byte("{")}}}); err != nil {
			t.Fatal(err)
		}
	}
	all, err := q.List(QuarantineFilter{})
	first, err2 := q.List(QuarantineFilter{Limit: 2})
	if err = errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	if _, err := q.Replay(t.Context(), []string{first.Items[1].ID}, func(context.Context, []wire.Frame) error { return nil }); err != nil {
		t.Fatal(err)
	}
	rest, err := q.List(QuarantineFilter{Limit: 9, After: first.Next})
	if err != nil || len(rest.Items) != 3 || rest.Items[0].ID != all.Items[2].ID || rest.Total != 4 || rest.Next != "" {
		t.Errorf("after %s: %+v, %v; want the last three", first.Next, rest, err)
	}
	var p *soc.Problem
	if _, err := q.List(QuarantineFilter{After: first.Items[0].ID}); !errors.As(err, &p) || p.Code != "cursor_ended" {
		t.Errorf("List after what no page ended with = %v, want cursor_ended", err)
	}
}

// TestQuarantineTakenAway: a frame that would go into a file which nobody finds again is not acknowledged.
func TestQuarantineTakenAway(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "quarantine")
	q, err := OpenQuarantine(QuarantineConfig{Dir: dir, AEAD: xor{0x5a}})
	if err != nil {
		t.Fatal(err)
	}
	one := func(seq uint64) []Quarantined {
		return []Quarantined{{Epoch: "e1", Seq: seq, Source: "NG-0001", Minute: received, Reason: ReasonJSON,
			Frame: wire.Frame{Received: received, Data: []byte("{")}}}
	}
	if err := q.Add(one(1)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Rename(dir, dir+".away"), os.Mkdir(dir, 0o700)); err != nil {
		t.Fatal(err)
	}
	if err := q.Add(one(2)); err == nil || !strings.Contains(err.Error(), "taken away") {
		t.Errorf("Add with its folder replaced = %v, want it refused", err)
	}
	if err := errors.Join(os.Remove(dir), os.Rename(dir+".away", dir), q.Add(one(2)), q.Close()); err != nil {
		t.Errorf("with the folder back: %v", err)
	}
	if q, err = OpenQuarantine(QuarantineConfig{Dir: dir, AEAD: xor{0x5a}}); err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	if n, _ := q.Counts(); n[ReasonJSON] != 2 {
		t.Errorf("opened again: %v, want the two that were acknowledged", n)
	}
}

// xor is an AEAD of tests that notices changed associated data.
type xor [1]byte

func (x xor) Encrypt(p, ad []byte) ([]byte, error) {
	return x.mix(append(ad[:len(ad):len(ad)], p...)), nil
}

func (x xor) Decrypt(c, ad []byte) ([]byte, error) {
	p := x.mix(c)
	if len(p) < len(ad) || string(p[:len(ad)]) != string(ad) {
		return nil, fmt.Errorf("associated data differs")
	}
	return p[len(ad):], nil
}

func (x xor) mix(p []byte) []byte {
	out := make([]byte, len(p))
	for i := range p {
		out[i] = p[i] ^ x[0]
	}
	return out
}
