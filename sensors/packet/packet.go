// Package packet turns network packets into flat ECS records: flows, DNS, TLS, HTTP and SSH.
//
// Words: a capture is a file of packets (pcap, pcapng); a flow is the packets of one pair of endpoints and one transport
// protocol, both directions (RFC 7011); a stream is the bytes of one TCP direction in order; a record is one JSON object,
// flat, with names of the Elastic Common Schema, on one line without its end of line. Its source is the endpoint that opened
// the flow. community_id is Corelight's Community ID v1, seed 0. JA3 and JA3S are Salesforce's, JA4 is FoxIO's TLS client
// fingerprint (the one member of JA4+ under a free licence; ECS has no name for it, it stands as tls.client.ja4),
// HASSH is Salesforce's SSH fingerprint.
//
// Contract: an Analyzer belongs to one goroutine; only Stats may be called from others. Packet reads the caller's bytes and
// keeps none of them. emit is called on that goroutine; the record is valid until emit returns; emit must not block while
// capturing live (see Output, a bounded ring that drops the lowest class first and counts it). The records of a capture depend on
// nothing but its bytes and the Config: the clock is that of the packets. Nothing here grows without bound: Config.MaxFlows
// bounds the flows, Config.MaxBytes all that they carry and that waits, and all else but their counts; headers within headers are
// read to a fixed depth. What a cap pushes out is counted by reason.
//
// Link types and encapsulations that live capture never meets go through gopacket's layers (layers.go); captures are read by read.go, with
// pcapgo as the second opinion in the tests.
//
// To add a protocol: a file <protocol>.go with its parser (a pure function over bytes, with a fuzz target), a row in the
// recognisers of recognise.go (TCP) or udp.go, and a record in record.go.
package packet

import (
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"hoalu/internal/wording"
)

// Class is what a record tells of. Classes are ordered: an Output that is full drops the lowest first.
type Class uint8

// The classes, lowest first.
const (
	FlowUpdate Class = iota // a flow that goes on, every Config.Update
	Flow                    // a flow that ended
	HTTP
	DNS
	SSH
	TLS
	Classes // their number
)

func (c Class) String() string {
	if c >= Classes {
		return "unknown"
	}
	return [...]string{"flow_update", "flow", "http", "dns", "ssh", "tls"}[c]
}

// Config of an Analyzer. The zero value is good for captures.
type Config struct {
	Sensor   string         // observer.name; left out when empty
	HomeNets []netip.Prefix // for network.direction; private, link-local and loopback ranges when empty
	// asked for both ends of a new flow: one of them true, and its packets are counted as filtered and not looked at (the sensor's own export)
	Exclude  func(netip.AddrPort) bool
	Off      map[Class]bool         // classes that make no records; counted as filtered
	Notice   func(*wording.Problem) // told what a person should know of a capture: unsupported link type, cut-off file
	Live     bool                   // seed the flow hash at random; without it the seed is fixed, so a capture always gives the same records
	MaxFlows int                    // default 1,048,576; live flows past it are evicted, unestablished ones first
	// default 64 MiB of what it takes to look into flows, and of what they carry and waits: requests, hellos …
	MaxBytes int
	Update   time.Duration            // default 60 s; a flow that lives longer is reported this often
	Idle     map[string]time.Duration // by transport "tcp", "udp", "icmp"; defaults 240 s, 60 s, 30 s
}

// RecordStats of one class: Seen = Sent + Dropped + Filtered.
type RecordStats struct {
	Seen     uint64 // made, or would have been made were the class on
	Sent     uint64 // handed to emit, or, with an Output, to its reader
	Dropped  uint64 // lost in a full Output
	Filtered uint64 // class is off
}

// Stats are running totals. Packets = Decoded + NotIP + Errors (sum over reasons) + Unsupported; Filtered is a part of Decoded.
// Live: Received = Packets + KernelDrops once capture has stopped and drained.
type Stats struct {
	Packets     uint64 // handed to the Analyzer
	Bytes       uint64 // their length on the wire
	Decoded     uint64
	NotIP       uint64            // ARP, LLDP, spanning tree …
	Truncated   uint64            // shorter in the capture than on the wire
	Filtered    uint64            // by Config.Exclude
	Unsupported uint64            // of a link type this package does not read
	Errors      map[string]uint64 // packets that could not be decoded, by reason

	Records [Classes]RecordStats

	FlowsNew    uint64
	FlowsActive uint64
	FlowsEnded  map[string]uint64 // by hoalu.flow.end_reason; "evicted" is the cap's work
	StreamGaps  uint64            // holes in TCP streams: capture loss, or one direction only
	StreamLost  uint64            // bytes in them
	Overflow    map[string]uint64 // stream data given up, by reason: budget, segments, header
	Fragments   uint64            // IP fragments received
	Reassembled uint64            // packets made of them
	Captures    uint64            // files read
	Faults      uint64            // packets that this package could not survive; all flows were forgotten
	Forgotten   uint64            // those flows
	CutOff      uint64            // files that end within a packet or are damaged past some point

	// Live only.
	Received     uint64 // tp_packets: what the kernel saw for this socket; of what loopback shows twice only one
	KernelDrops  uint64 // tp_drops: ring full
	KernelFreeze uint64 // tp_freeze_q_cnt: times the ring was full
}

// Analyzer holds flows and streams and makes records of the packets it is given.
type Analyzer struct {
	cfg    Config
	name   string // of the capture being read, for notices
	emit   func([]byte, Class)
	strict bool // tests: a fault ends the program

	now     int64  // the greatest packet time so far, ns
	tick    int64  // the second up to which timers ran
	vlanTag uint16 // of the next packet, taken off by the network card

	p     pkt
	table table
	frags fragTable
	pools pools
	rec   []byte
	held  int // bytes of Config.MaxBytes in use

	looked []lookedInto // flows that have a stream, or a QUIC handshake
	look   int          // where the next of them is looked at for its silence

	home    []netip.Prefix
	idle    [3]int64
	update  int64
	max     int
	maxHeld int
	stamp   stamp

	n           Stats
	errs        [nReasons]uint64
	ends        [nEnds]uint64
	over        [nOver]uint64
	unsupported map[uint32]uint64

	mu     sync.Mutex
	shared Stats // guarded by mu
}

// NewAnalyzer makes an Analyzer that hands its records to emit.
func NewAnalyzer(cfg Config, emit func(record []byte, class Class)) *Analyzer {
	a := &Analyzer{cfg: cfg, emit: emit}
	seed := [4]uint64{0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9, 0x94d049bb133111eb, 0xd6e8feb86659fd93}
	if cfg.Live {
		for i := range seed {
			seed[i] = rand.Uint64()
		}
	}
	a.max = cfg.MaxFlows
	if a.max <= 0 {
		a.max = 1 << 20
	}
	a.maxHeld = cfg.MaxBytes
	if a.maxHeld <= 0 {
		a.maxHeld = 64 << 20
	}
	a.update = int64(cfg.Update)
	if a.update <= 0 {
		a.update = int64(60 * time.Second)
	}
	for i, d := range [...]struct {
		name string
		d    time.Duration
	}{{"tcp", 240 * time.Second}, {"udp", 60 * time.Second}, {"icmp", 30 * time.Second}} {
		a.idle[i] = int64(d.d)
		if v := cfg.Idle[d.name]; v > 0 {
			a.idle[i] = int64(v)
		}
	}
	a.home = cfg.HomeNets
	if len(a.home) == 0 {
		for _, s := range []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8", "fc00::/7",
			"fe80::/10", "::1/128"} {
			a.home = append(a.home, netip.MustParsePrefix(s))
		}
	}
	a.table.init(seed)
	a.frags.init()
	a.unsupported = map[uint32]uint64{}
	return a
}

// Stats returns the totals as of the last packet batch; it may be called from any goroutine.
func (a *Analyzer) Stats() Stats {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.shared
	s.Errors = clone(a.shared.Errors)
	s.FlowsEnded = clone(a.shared.FlowsEnded)
	s.Overflow = clone(a.shared.Overflow)
	return s
}

func clone(m map[string]uint64) map[string]uint64 {
	c := make(map[string]uint64, len(m))
	for k, v := range m {
		c[k] = v
	}
	return c
}

// publish makes the running totals visible to Stats.
func (a *Analyzer) publish() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.shared = a.n
	a.shared.FlowsActive = uint64(a.table.live)
	named := func(names []string, n []uint64) map[string]uint64 {
		m := map[string]uint64{}
		for i, v := range n {
			if v > 0 {
				m[names[i]] = v
			}
		}
		return m
	}
	a.shared.Errors = named(reasonNames[:], a.errs[:])
	a.shared.FlowsEnded = named(endNames[:], a.ends[:])
	a.shared.Overflow = named(overNames[:], a.over[:])
}

func (a *Analyzer) notice(p *wording.Problem) {
	if a.cfg.Notice != nil {
		a.cfg.Notice(p)
	}
}
