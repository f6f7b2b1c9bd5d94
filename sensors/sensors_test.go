package sensors

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"hoalu/sensors/packet"

	"hoalu/internal/wording"
	"hoalu/sensors/bpf/attach"
	"hoalu/sensors/shipper"
)

func sum(m map[string]int64) (n int64) {
	for _, v := range m {
		n += v
	}
	return n
}

// TestAccountsBalance: whatever the moment, seen = sent + dropped + filtered + growth of waiting, over probes, rings, memory and
// spool, with a collector that is slow, refuses and goes away, a ring that overflows and records the filter takes.
func TestAccountsBalance(t *testing.T) {
	var calls atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/position" {
			w.Write([]byte(`{"sequence":0}`))
			return
		}
		switch n := calls.Add(1); {
		case n%7 == 0:
			w.WriteHeader(http.StatusServiceUnavailable)
		case n%11 == 0:
			w.WriteHeader(http.StatusBadRequest)
		default:
			w.Write([]byte(`{}`))
		}
	}))
	defer srv.Close()
	ship, err := shipper.Open(shipper.Config{Dir: t.TempDir(), Server: srv.URL, Batch: 20, Linger: time.Millisecond, Memory: 4000,
		MaxDisk: 8 << 10}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	h := New(Config{Name: "h"}, ship, slog.New(slog.DiscardHandler))
	var seen, filtered, ring atomic.Int64
	h.count("process", func() Counts {
		f, d := filtered.Load(), ring.Load()
		return Counts{Seen: seen.Load(), Filtered: f, Dropped: map[string]int64{"ring_process": d}}
	})
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { ship.Run(ctx) })
	const records = 20_000
	wg.Go(func() {
		for i := range records {
			seen.Add(1)
			switch {
			case i%10 == 0:
				filtered.Add(1)
			case i%17 == 0:
				ring.Add(1)
			default:
				h.hand("process", []byte(`{"message":"a record of some size, as they are"}`))
			}
			if i%100 == 0 {
				time.Sleep(time.Millisecond) // as a ring is read in turns
			}
		}
	})
	b := books{from: time.Now()}
	var waiting, total int64
	told := func() {
		t.Helper()
		acc, next := h.account(b, time.Now())
		if s, rest := sum(acc.Seen), sum(acc.Sent)+sum(acc.Dropped)+sum(acc.Filtered)+acc.Waiting-waiting; s != rest || acc.Waiting < 0 {
			t.Fatalf("seen %d, sent + dropped + filtered + growth of waiting %d: %+v", s, rest, acc)
		}
		b, waiting = next, acc.Waiting
		total += sum(acc.Seen)
	}
	for end := time.Now().Add(10 * time.Second); seen.Load() < records && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		told()
	}
	cancel()
	wg.Wait()
	told()
	if total != records {
		t.Errorf("the accounts add up to %d records seen, want %d", total, records)
	}
	if st := ship.Stats(); st.Seen != st.Sent+sum(st.Dropped)+st.Waiting || st.Sent == 0 || sum(st.Dropped) == 0 {
		t.Errorf("shipper: %+v", st)
	}
}

// refusing is a probe that may not run here.
type refusing struct{}

func (refusing) Run(context.Context, func(), func([]byte)) error {
	return &attach.Unavailable{Why: wording.New("No right."), Do: wording.New("Run as root.")}
}
func (refusing) Books() attach.Books { return attach.Books{} }

// TestNothingRuns: with every probe refused Run ends and says so, each probe says why and what allows it, and the collector is told; with
// Idle it goes on until it is stopped.
func TestNothingRuns(t *testing.T) {
	real := table
	defer func() { table = real }()
	table = table[:0:0]
	for _, row := range real {
		row.make = func(string) probe { return refusing{} }
		table = append(table, row)
	}
	told := make(chan Accounts, 10)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/stats" {
			var a Accounts
			if err := json.NewDecoder(r.Body).Decode(&a); err != nil {
				t.Error(err)
			}
			told <- a
		}
		w.Write([]byte(`{}`))
	}))
	defer srv.Close()
	host := func(idle bool) *Host {
		ship, err := shipper.Open(shipper.Config{Dir: t.TempDir(), Server: srv.URL}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		return New(Config{Packet: true, Host: true, Interfaces: []string{"no-such-card"}, Idle: idle}, ship, slog.New(slog.DiscardHandler))
	}
	h := host(false)
	if err := h.Run(context.Background()); !errors.Is(err, ErrNothingRuns) {
		t.Errorf("Run: %v, want ErrNothingRuns", err)
	}
	for _, p := range h.Probes() {
		if p.State != Refused || p.Why == nil || p.Do == nil || strings.Contains(p.Why.Error(), p.Do.Error()) {
			t.Errorf("%+v: want it refused, why, and what allows it", p)
		}
	}
	if v := (<-told).Values; !strings.HasPrefix(v["probe.packet"], "refused: ") || v["probe.process"] != "refused: No right." {
		t.Errorf("the collector was told %v", v)
	} else {
		for _, p := range h.Probes() {
			for key, want := range map[string]*wording.Problem{"why.": p.Why, "do.": p.Do} {
				var got *wording.Problem
				if err := json.Unmarshal([]byte(v[key+p.Name]), &got); err != nil || got.Format != want.Format || got.Error() != want.Error() {
					t.Errorf("the collector was told %s%s %q (%v), want %q with its format", key, p.Name, v[key+p.Name], err, want)
				}
			}
		}
	}

	ctx, cancel := context.WithCancel(context.Background())
	h = host(true)
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	for deadline := time.Now().Add(10 * time.Second); h.Probes()[0].State != Refused ||
		h.Probes()[1].State != Refused; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("probes %+v", h.Probes())
		}
	}
	select {
	case err := <-done:
		t.Errorf("with Idle Run ended: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
}

// TestOwnTrafficIsAccountedFor: packets of the appliance's own connections become no records, and the account says how many there were.
func TestOwnTrafficIsAccountedFor(t *testing.T) {
	eth := &layers.Ethernet{SrcMAC: []byte{2, 0, 0, 0, 0, 1}, DstMAC: []byte{2, 0, 0, 0, 0, 2}, EthernetType: layers.EthernetTypeIPv4}
	ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolTCP, SrcIP: []byte{10, 0, 0, 1}, DstIP: []byte{10, 0, 0, 2}}
	tcp := &layers.TCP{SrcPort: 40000, DstPort: 8080, SYN: true, Window: 1000}
	if err := tcp.SetNetworkLayerForChecksum(ip); err != nil {
		t.Fatal(err)
	}
	buf := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, eth, ip, tcp); err != nil {
		t.Fatal(err)
	}
	ship, err := shipper.Open(shipper.Config{Dir: t.TempDir(), Server: "http://127.0.0.1:1"}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	h := New(Config{Name: "h"}, ship, slog.New(slog.DiscardHandler))
	out := packet.NewOutput(0)
	a := packet.NewAnalyzer(packet.Config{Exclude: func(e netip.AddrPort) bool { return e.Port() == 8080 }}, out.Put)
	h.countPackets(a, out)
	b := books{from: time.Now()}
	for round := 1; round <= 2; round++ {
		for i := range 3 {
			a.Packet(packet.LinkEthernet, time.Now().UnixNano()+int64(i), buf.Bytes(), len(buf.Bytes()))
		}
		a.Tick(time.Now().UnixNano())
		acc, next := h.account(b, time.Now())
		b = next
		if acc.Seen[OwnTraffic] != 3 || acc.Filtered[OwnTraffic] != 3 || acc.Waiting != 0 || acc.Seen[packetProbe] != 0 {
			t.Errorf("account %d: %+v", round, acc)
		}
	}
}
