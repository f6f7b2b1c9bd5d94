package pipeline

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/cespare/xxhash/v2"

	"hoalu/collector/decoders"
	"hoalu/ecs"
	"hoalu/ecs/wire"
	"hoalu/soc"
)

const minute = int64(time.Minute / time.Millisecond)

// Fields the enrichment adds.
var (
	fUnit  = ecs.Intern("hoalu.unit.id")
	fLevel = ecs.Intern("hoalu.level")
	fZone  = ecs.Intern("hoalu.zone")
	fAsset = ecs.Intern("hoalu.asset.id")
)

// Pipeline decodes batches. Safe for concurrent use: each Decode borrows a decoder of its own.
type Pipeline struct {
	// NamesSpent is told once of each source that has used up its share of new field names; it must not block. May be nil; set it
	// before the first Decode.
	NamesSpent func(source string)

	names names
	at    func(revision uint64) Setup
	pool  sync.Pool // *worker
}

// New returns a Pipeline; at answers with the Setup of a revision and must give the same one each time it is asked.
func New(at func(revision uint64) Setup) *Pipeline {
	return &Pipeline{at: at, names: names{of: map[string]*ecs.Share{}, told: map[string]bool{}}}
}

// worker is the scratch memory of one Decode at a time.
type worker struct {
	set     *decoders.Set
	dec     *decoders.Decoder
	event   ecs.Event
	values  []ecs.Value
	ips     []netip.Addr
	zones   map[string]*time.Location
	outcome map[outcomeKey]int
	of      string     // source of share
	share   *ecs.Share // see names
}

type outcomeKey struct {
	source string
	minute int64
}

func (p *Pipeline) worker(set *decoders.Set) *worker {
	w, _ := p.pool.Get().(*worker)
	if w == nil {
		w = &worker{zones: map[string]*time.Location{}, outcome: map[outcomeKey]int{}}
	}
	if w.set != set {
		w.set, w.dec = set, set.Decoder()
	}
	return w
}

// zone finds a location by name; nil (the default) for "" and for names nobody knows.
func (w *worker) zone(name string) *time.Location {
	if name == "" {
		return nil
	}
	l, ok := w.zones[name]
	if !ok {
		if got, err := time.LoadLocation(name); err == nil {
			l = got
		}
		w.zones[name] = l
	}
	return l
}

// Decode turns a batch into Events. What does not become an Event is in Quarantined. An error means that identifiers cannot be
// protected now: try the whole batch again later. The batch must not change afterwards, as quarantined frames alias it.
func (p *Pipeline) Decode(b *wire.Batch, seq uint64) (*Decoded, error) {
	s := p.at(b.Revision)
	w := p.worker(s.Decoders)
	defer p.pool.Put(w)
	clear(w.outcome)
	d := &Decoded{
		Seq: seq, Listener: b.Listener, Epoch: b.Epoch, Revision: b.Revision,
		Events: make([]*ecs.Event, 0, len(b.Frames)),
	}
	epoch := xxhash.Sum64String(b.Epoch)
	sensor := xxhash.Sum64String(b.Sensor)
	for i := range b.Frames {
		f := &b.Frames[i]
		d.Received = max(d.Received, f.Received)
		place, err := w.frame(p, s, b, f)
		if err != nil {
			if unable, ok := err.(*unableError); ok {
				return nil, fmt.Errorf("protect identifiers in batch %d: %w", seq, unable.err)
			}
			q := Quarantined{Epoch: b.Epoch, Seq: seq, Index: i, Source: place.Source, Minute: f.Received - f.Received%minute, Reason: ReasonJSON,
				Detail: err.Error(), Frame: *f}
			if x, ok := err.(*fault); ok {
				q.Reason = x.reason
			}
			d.Quarantined = append(d.Quarantined, q)
			d.count(w, q.Source, q.Minute, q.Reason)
			continue
		}
		if place.Conflict {
			if d.Conflicts == nil {
				d.Conflicts = map[string]int64{}
			}
			d.Conflicts[place.Source]++
		}
		e := w.event.Clone()
		switch {
		case b.Sensor != "" && b.Sequence > 0:
			e.ID = compactID('n', sensor, b.Sequence, i)
		case f.ID != "":
			e.ID = senderID(place.Source, f.Peer, f.ID)
		default:
			e.ID = compactID('q', epoch, seq, i)
		}
		d.Events = append(d.Events, e)
		d.Bytes += e.Size() + 96
		d.count(w, e.Source, f.Received-f.Received%minute, "")
	}
	return d, nil
}

// Damaged is the Decoded of a queue message that is no batch; data is kept whole in quarantine.
func Damaged(seq uint64, data []byte, err error, now time.Time) *Decoded {
	ms := now.UnixMilli()
	q := Quarantined{Seq: seq, Index: -1, Minute: ms - ms%minute, Reason: ReasonBatch, Detail: err.Error(),
		Frame: wire.Frame{Received: ms, Data: data}}
	return &Decoded{Seq: seq, Received: ms, Quarantined: []Quarantined{q}, Bytes: len(data),
		Outcomes: []Outcome{{Minute: q.Minute, Quarantined: map[string]int64{ReasonBatch: 1}}}}
}

// count adds one frame to the outcome of its source and minute; reason is "" for an event.
func (d *Decoded) count(w *worker, source string, min int64, reason string) {
	k := outcomeKey{source, min}
	i, ok := w.outcome[k]
	if !ok {
		i = len(d.Outcomes)
		w.outcome[k] = i
		d.Outcomes = append(d.Outcomes, Outcome{Source: source, Minute: min})
	}
	o := &d.Outcomes[i]
	if reason == "" {
		o.Events++
		return
	}
	if o.Quarantined == nil {
		o.Quarantined = map[string]int64{}
	}
	o.Quarantined[reason]++
}

// fault is a panic of a part on one frame, turned into an error.
type fault struct {
	reason string
	v      any
}

func (f *fault) Error() string {
	switch f.reason {
	case ReasonResolver:
		return fmt.Sprintf("the inventory failed on it: %v", f.v)
	case ReasonProtector:
		return fmt.Sprintf("the search for citizens' identifiers failed on it: %v", f.v)
	}
	return fmt.Sprintf("the decoder failed: %v", f.v)
}

// unableError says that identifiers cannot be protected now.
type unableError struct{ err error }

func (e *unableError) Error() string { return e.err.Error() }

// frame decodes, places and protects one frame in w.event. A panic on the way is a *fault of the step it happened in.
func (w *worker) frame(p *Pipeline, s Setup, b *wire.Batch, f *wire.Frame) (place Place, err error) {
	place = Place{Source: f.Source}
	step := ReasonResolver
	defer func() {
		if v := recover(); v != nil {
			err = &fault{step, v}
		}
	}()
	opts := decoders.Options{Dataset: f.Dataset, Trust: f.Trust}
	early := Place{}
	if s.Resolver != nil {
		source := f.Source
		if source == "" { // by peer alone, to know what to decode it with
			early = s.Resolver.Resolve(b.Sensor, "", f.Peer, "", nil)
			source = early.Source
		}
		w.settings(s, source, f, &opts)
		place.Source = source
	}
	if w.share == nil || w.of != place.Source { // hot: frames of a batch are mostly of one source
		w.of, w.share = place.Source, p.names.share(place.Source)
	}
	w.dec.Names(w.share)
	if p.NamesSpent != nil && w.share.Refused() > 0 {
		p.names.spent(place.Source, p.NamesSpent)
	}
	if err := w.decode(f, opts); err != nil {
		return place, err
	}
	e := &w.event
	if s.Resolver != nil {
		w.ips = w.ips[:0]
		if f.Format == wire.FormatJSON || f.Format == wire.FormatECS {
			w.values = e.Values(w.values[:0], ecs.HostIP)
			for _, v := range w.values {
				if a, err := netip.ParseAddr(v.Text); err == nil && len(w.ips) < 16 {
					w.ips = append(w.ips, a.Unmap())
				}
			}
		}
		host := e.Reporter()
		place = s.Resolver.Resolve(b.Sensor, f.Source, f.Peer, host, w.ips)
		if place.Err != nil {
			return place, &unableError{place.Err}
		}
		if f.Source == "" && place.Source != early.Source && place.Source != "" { // the host names another binding: decode as that one says
			again := decoders.Options{Dataset: f.Dataset, Trust: f.Trust}
			w.settings(s, place.Source, f, &again)
			if again != opts {
				if err := w.decode(f, again); err != nil {
					return place, err
				}
			}
		}
		enrich(e, &place)
	} else {
		e.System, e.Source = soc.Unassigned, f.Source
	}
	if s.Retention != nil && !e.Has(ecs.HoaluTimeSuspect) {
		if keep := s.Retention(place.Level); keep > 0 && e.Created-e.Time > keep.Milliseconds() {
			e.AddBool(ecs.HoaluTimeSuspect, true)
		}
	}
	if e.Has(ecs.HoaluIdentifier) { // the protector alone says what was found: a sensor or a document is not believed
		e.Delete(ecs.HoaluIdentifier)
	}
	if s.Protector != nil {
		step = ReasonProtector
		if err := s.Protector.Protect(e); err != nil {
			return place, &unableError{err}
		}
	}
	return place, nil
}

// settings takes over what the binding of a source says about its lines.
func (w *worker) settings(s Setup, source string, f *wire.Frame, o *decoders.Options) {
	if source == "" {
		return
	}
	src, ok := s.Resolver.SourceByID(source)
	if !ok {
		return
	}
	if o.Dataset == "" {
		o.Dataset = src.Dataset
	}
	if f.Source == "" {
		o.Trust = o.Trust || src.TrustLogsource
	}
	o.Zone = w.zone(src.Zone)
}

// decode fills w.event. A decoder that panics loses no line: text is kept unparsed, a document goes to quarantine.
func (w *worker) decode(f *wire.Frame, o decoders.Options) (err error) {
	defer func() {
		if v := recover(); v != nil {
			w.dec = w.set.Decoder() // its scratch may be half written
			if f.Format == wire.FormatJSON || f.Format == wire.FormatECS {
				err = &fault{ReasonFault, v}
				return
			}
			w.event.Reset()
			e := &w.event
			e.Created, e.Time = f.Received, f.Received
			e.AddBytes(ecs.Message, f.Data, ecs.String)
			e.AddBool(ecs.HoaluUnparsed, true)
			e.AddString(ecs.ErrorMessage, (&fault{ReasonFault, v}).Error())
			err = nil
		}
	}()
	w.event.Reset()
	return w.dec.DecodeFrame(&w.event, f, o)
}

func enrich(e *ecs.Event, p *Place) {
	e.System, e.Source = p.System, p.Source
	if e.System == "" {
		e.System = soc.Unassigned
	}
	if p.Unit != "" {
		e.SetString(fUnit, p.Unit)
	}
	if p.Level > 0 {
		e.Set(fLevel, string('0'+byte(p.Level%10)), ecs.Number)
	}
	if p.Zone != "" {
		e.SetString(fZone, p.Zone)
	}
	if p.Asset != "" {
		e.SetString(fAsset, p.Asset)
	}
	if p.Demo {
		e.Set(ecs.HoaluDemo, "true", ecs.Bool)
	}
}

var encoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// compactID is kind + base32 of 5 bytes of the stream's (or sensor's) hash, 6 of the sequence and 2 of the index: ids of one
// stream sort in its order.
func compactID(kind byte, stream, seq uint64, index int) string {
	var raw [13]byte
	var out [22]byte
	var tmp [8]byte
	binary.BigEndian.PutUint64(tmp[:], stream)
	copy(raw[:5], tmp[:5])
	binary.BigEndian.PutUint64(tmp[:], seq)
	copy(raw[5:11], tmp[2:])
	binary.BigEndian.PutUint16(raw[11:], uint16(index))
	out[0] = kind
	encoding.Encode(out[1:], raw[:])
	return string(out[:])
}

// senderID hashes (source, id) where the sender gives an id; senders without a source are told apart by their address. Where the frame
// has a digest of what the message says, that follows: store.Former knows the id without it.
func senderID(source, peer, frame string) string {
	h := sha256.New()
	var n [4]byte
	if source == "" {
		source = "peer:" + peer
	}
	id, content := wire.SplitID(frame)
	binary.BigEndian.PutUint32(n[:], uint32(len(source)))
	h.Write(n[:])
	h.Write([]byte(source))
	h.Write([]byte(id))
	var sum [sha256.Size]byte
	var out [53]byte
	out[0] = 's'
	encoding.Encode(out[1:], h.Sum(sum[:0])[:16])
	if content == "" {
		return string(out[:27])
	}
	encoding.Encode(out[27:], []byte(content))
	return string(out[:])
}
