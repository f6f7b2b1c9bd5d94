// Package sensors watches a host: packets (packet), what the kernel says of processes and sockets (bpf), and brings their records to the
// collector (shipper).
//
// Words: a probe is one thing that watches; a record is a flat ECS object; accounts are what a sensor says of itself every ten seconds:
// seen = sent + dropped(reason) + filtered + waiting. A probe that may not run here says why and how to allow it, and the others run.
//
// Contract: New starts nothing; Run blocks until ctx ends and flushes, or until no probe can run any more (ErrNothingRuns, unless
// Config.Idle). Probes may be called at any time. Under load the lowest goes first: packets' records wait for room at the shipper in a
// ring that drops by class, what the kernel says of processes and sockets has the shipper's other half. To add a probe: a folder in bpf/
// and a row in probes.go.
package sensors

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"time"

	"hoalu/internal/wording"
	"hoalu/sensors/packet"
	"hoalu/sensors/shipper"
)

// Config of a Host.
type Config struct {
	Packet     bool
	Host       bool // eBPF
	Interfaces []string
	Name       string // of this host, in observer.name and host.name
	Version    string
	Own        func(netip.AddrPort) bool // is it an address of this process's own listeners? nil: it has none (OwnListeners)
	Idle       bool                      // go on when no probe may run, to tell why and to send what an earlier start left in the spool
}

// States of a Probe.
const (
	Running = "running"
	Refused = "refused"
	Off     = "off"
	Unknown = "unknown" // not started yet
)

// Probe is how one probe is doing.
type Probe struct {
	Name  string
	State string
	Why   *wording.Problem // why it may not run; nil: it may
	Do    *wording.Problem // how to allow it; nil: nobody knows
}

// WhyNot is why the probe does not run, nil of one that runs.
func (p Probe) WhyNot() *wording.Problem {
	switch {
	case p.Why != nil || p.State == Running:
		return p.Why
	case p.State == Off:
		return wording.New("the probe is switched off")
	}
	return wording.New("the probe has not started yet")
}

// Counts of a probe since its start, up to the shipper: what is neither filtered, dropped nor handed over waits in its ring.
type Counts struct {
	Seen, Filtered int64
	Dropped        map[string]int64
}

// Host runs this host's probes.
type Host struct {
	cfg  Config
	ship *shipper.Shipper
	log  *slog.Logger

	mu     sync.Mutex
	probes map[string]*Probe
	counts map[string]func() Counts

	handMu sync.Mutex
	handed map[string]int64 // records given to the shipper, by probe
}

// New returns a Host over a shipper, which Run runs too.
func New(cfg Config, ship *shipper.Shipper, log *slog.Logger) *Host {
	h := &Host{cfg: cfg, ship: ship, log: log.With("component", "sensor"), probes: map[string]*Probe{}, counts: map[string]func() Counts{},
		handed: map[string]int64{}}
	for _, p := range append([]string{packetProbe}, names()...) {
		state := Unknown
		if p == packetProbe && !cfg.Packet || p != packetProbe && !cfg.Host {
			state = Off
		}
		h.probes[p] = &Probe{Name: p, State: state}
	}
	return h
}

const packetProbe = "packet"

// Probes lists every probe, packet first.
func (h *Host) Probes() []Probe {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []Probe
	for _, name := range append([]string{packetProbe}, names()...) {
		out = append(out, *h.probes[name])
	}
	return out
}

func (h *Host) set(name, state string, why, do *wording.Problem) {
	h.mu.Lock()
	*h.probes[name] = Probe{name, state, why, do}
	h.mu.Unlock()
	if state == Refused {
		h.log.Warn("probe may not run here", "probe", name, "reason", why.String(), "do", do.String())
	}
}

func (h *Host) count(name string, fn func() Counts) {
	h.mu.Lock()
	h.counts[name] = fn
	h.mu.Unlock()
}

// ErrNothingRuns is Run's error when no probe can run; Probes says of each why and what allows it.
var ErrNothingRuns error = wording.New("no probe can run")

// Run watches until ctx ends.
func (h *Host) Run(ctx context.Context) error {
	lasting := context.WithoutCancel(ctx)
	shipCtx, endShip := context.WithCancel(lasting)
	defer endShip()
	accountCtx, endAccounts := context.WithCancel(lasting)
	defer endAccounts()
	var probes, ship, accounts sync.WaitGroup
	var told books
	ship.Go(func() { h.ship.Run(shipCtx) })
	accounts.Go(func() { told = h.accountLoop(accountCtx) })
	if h.cfg.Packet {
		probes.Go(func() { h.runPacket(ctx) })
	}
	if h.cfg.Host {
		for i := range table {
			probes.Go(func() { h.runProbe(ctx, i) })
		}
	}
	probes.Wait() // what they still had is with the shipper
	if h.cfg.Idle {
		<-ctx.Done()
	}
	endAccounts()
	accounts.Wait()
	last, cancel := context.WithTimeout(lasting, time.Second)
	defer cancel()
	acc, _ := h.account(told, time.Now())
	if err := h.ship.Account(last, acc); err != nil { // what was dropped of late, and why nothing runs
		h.log.Info("the collector did not take the last accounts", "error", err)
	}
	endShip()
	ship.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	return ErrNothingRuns
}

// own says whether traffic with a is this process's: a sensor that recorded it would make traffic to record by recording.
func (h *Host) own(a netip.AddrPort) bool {
	return h.ship.Uplink(a) || h.cfg.Own != nil && h.cfg.Own(a)
}

func (h *Host) runPacket(ctx context.Context) {
	out := packet.NewOutput(0)
	a := packet.NewAnalyzer(packet.Config{Sensor: h.cfg.Name, Live: true, Exclude: h.own}, out.Put)
	h.countPackets(a, out)
	var wg sync.WaitGroup
	wg.Go(func() {
		var buf []byte
		for {
			rec, _, more, err := out.Next(context.WithoutCancel(ctx), buf[:0])
			if err != nil || !more {
				return
			}
			buf = rec
			h.ship.Room(ctx) // meanwhile out drops the lowest class first; at the end nothing waits
			h.hand(packetProbe, rec)
		}
	})
	err := packet.Live(ctx, packet.LiveConfig{Interface: strings.Join(h.cfg.Interfaces, ","), RingBytes: 16 << 20,
		Ready: func() { h.set(packetProbe, Running, nil, nil) }}, a)
	out.Close()
	wg.Wait()
	if err != nil && ctx.Err() == nil {
		if le, ok := packet.AsLiveError(err); ok {
			h.set(packetProbe, Refused, le.What, le.Do)
		} else {
			h.set(packetProbe, Refused, wording.Of(err), nil)
		}
	}
}

// OwnTraffic is the class under which packets of the appliance's own traffic are counted: seen and left out.
const OwnTraffic = "own_traffic"

// countPackets enters what the packet probe sees: records, and apart from them the packets of its own traffic.
func (h *Host) countPackets(a *packet.Analyzer, out *packet.Output) {
	h.count(packetProbe, func() Counts {
		c := Counts{Dropped: map[string]int64{}}
		for class, s := range out.Stats() {
			c.Seen += int64(s.Seen)
			if s.Dropped > 0 {
				c.Dropped["output_"+packet.Class(class).String()] += int64(s.Dropped)
			}
		}
		st := a.Stats()
		for _, s := range st.Records {
			c.Seen += int64(s.Filtered)
			c.Filtered += int64(s.Filtered)
		}
		if st.KernelDrops > 0 { // packets, not records: seen and lost
			c.Seen += int64(st.KernelDrops)
			c.Dropped["packet_ring"] = int64(st.KernelDrops)
		}
		return c
	})
	h.count(OwnTraffic, func() Counts {
		n := int64(a.Stats().Filtered)
		return Counts{Seen: n, Filtered: n}
	})
}

// hand gives a record to the shipper and counts it, in one step for who reads the accounts.
func (h *Host) hand(probe string, record []byte) {
	h.handMu.Lock()
	defer h.handMu.Unlock()
	h.ship.Put(record)
	h.handed[probe]++
}

// Accounts is what is sent of ten seconds (the collector's sensor.Stats). Summed over its maps, Seen = Sent + Dropped + Filtered +
// what Waiting has grown, exactly: what is in a probe's ring or on its way to the shipper waits too.
type Accounts struct {
	From     int64             `json:"from"`
	To       int64             `json:"to"`
	Seen     map[string]int64  `json:"seen"`
	Sent     map[string]int64  `json:"sent"`
	Dropped  map[string]int64  `json:"dropped"`
	Filtered map[string]int64  `json:"filtered"`
	Waiting  int64             `json:"waiting"`
	Values   map[string]string `json:"values"`
}

// accountLoop tells the accounts until ctx ends; it returns what it told last.
func (h *Host) accountLoop(ctx context.Context) books {
	const every = 10 * time.Second
	tick := time.NewTicker(every)
	defer tick.Stop()
	b := books{from: time.Now()}
	for {
		select {
		case <-ctx.Done():
			return b
		case <-tick.C:
		}
		acc, next := h.account(b, time.Now())
		if err := h.ship.Account(ctx, acc); err != nil {
			continue // the next accounts cover this time too
		}
		b = next
	}
}

// books are the counters as last told.
type books struct {
	from  time.Time
	probe map[string]Counts
	ship  shipper.Stats
}

// account makes the accounts since last, and the books to make the next ones from.
func (h *Host) account(last books, now time.Time) (Accounts, books) {
	h.handMu.Lock() // nothing passes from a probe to the shipper meanwhile
	st := h.ship.Stats()
	handed := maps.Clone(h.handed)
	h.handMu.Unlock()
	acc := Accounts{From: last.from.UnixMilli(), To: now.UnixMilli(), Seen: map[string]int64{}, Sent: map[string]int64{},
		Dropped: map[string]int64{}, Filtered: map[string]int64{},
		Waiting: st.Waiting, Values: map[string]string{"version": h.cfg.Version, "host": h.cfg.Name, "os": runtime.GOOS}}
	next := books{from: now, probe: map[string]Counts{}, ship: st}
	h.mu.Lock()
	defer h.mu.Unlock()
	for name, fn := range h.counts {
		c := fn()
		next.probe[name] = c
		p := last.probe[name]
		acc.Seen[name] = c.Seen - p.Seen
		acc.Filtered[name] = c.Filtered - p.Filtered
		waiting := c.Seen - c.Filtered - handed[name]
		for r, n := range c.Dropped {
			waiting -= n
			if d := n - p.Dropped[r]; d != 0 {
				acc.Dropped[r] += d
			}
		}
		acc.Waiting += waiting
	}
	for name, p := range h.probes {
		v := p.State
		if p.Why != nil {
			v += ": " + p.Why.Error()
		}
		acc.Values["probe."+name] = v
		for key, said := range map[string]*wording.Problem{"why.": p.Why, "do.": p.Do} {
			if data, err := json.Marshal(said); said != nil && err == nil { // it always is one
				acc.Values[key+name] = string(data)
			}
		}
	}
	acc.Sent["records"] = st.Sent - last.ship.Sent
	for r, n := range st.Dropped {
		if d := n - last.ship.Dropped[r]; d != 0 {
			acc.Dropped[r] += d
		}
	}
	return acc, next
}
