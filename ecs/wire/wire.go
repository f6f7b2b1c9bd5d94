// Package wire is the batch of uplink and queue: 1 to 1,000 framed messages with one envelope each, compressed and
// checksummed (decisions 6 and 15), and the encoding of decoded events in first-level segments.
//
// Raw batch:    "HLB" version(1) crc32c(4, little endian, over all that follows) zstd(body)
// Event batch:  "HLE" version(1) crc32c(4) zstd(body)
//
// Readers take this version and refuse newer ones by name. Numbers in a body are unsigned varints (encoding/binary),
// texts are length-prefixed. Encode and Decode are safe for concurrent use; a decoded Batch owns its memory.
//
// A reader spends memory in proportion to the bytes it was given, whatever they claim: a body unpacks to at most a floor
// (batchFloor, eventsFloor) plus expansion bytes for each byte of the message, and what a count in the body claims is checked
// before anything is allocated for it. Encode keeps its side: what packs better than that is lengthened by a skippable frame
// (RFC 8878 3.1.2), so every batch it makes can be read.
package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"sync"

	"github.com/klauspost/compress/zstd"

	"hoalu/ecs"
	"hoalu/internal/bounded"
)

// Version is the format this build writes.
const Version = 1

// Limits of a batch; intake keeps below them, Decode refuses above them.
const (
	MaxFrames     = 1000
	MaxCompressed = 512 << 10 // aim of intake; one large frame may exceed it up to MaxMessage
	MaxMessage    = 8 << 20   // compressed
	MaxBody       = 64 << 20  // decompressed: refuses zip bombs
	MaxEvents     = 1 << 16   // in an event batch

	batchFloor  = 4 << 20  // a raw batch may unpack to this and expansion times its length
	eventsFloor = 16 << 20 // an event batch is our own file: a higher floor
	expansion   = 128

	frameLeast = 8 // bytes of a frame whose texts are empty
	eventLeast = 7 // bytes of an event without fields
)

// Errors a caller may branch on.
var (
	ErrMagic   = errors.New("not a Hoa Lư batch")
	ErrVersion = errors.New("batch of a newer version")
	ErrCRC     = errors.New("batch checksum differs")
	ErrCorrupt = errors.New("batch is damaged")
)

// TooManyFramesError refuses a batch of more than MaxFrames frames; it is an ErrCorrupt. Frames is what the batch claims, never more
// than its bytes could hold: what is refused can be counted.
type TooManyFramesError struct{ Frames int }

func (e *TooManyFramesError) Error() string {
	return fmt.Sprintf("batch of %d frames, at most %d are taken", e.Frames, MaxFrames)
}

func (e *TooManyFramesError) Is(target error) bool { return target == ErrCorrupt }

// Formats of a Frame's Data: which decoder family reads it. A decoder of the source's binding may narrow it.
const (
	FormatSyslog = "syslog" // one syslog message, RFC 5424 or 3164, header included
	FormatJSON   = "json"   // one JSON object: ECS, Winlogbeat, EVE, Zeek or generic; also what _bulk carried
	FormatECS    = "ecs"    // one flat ECS object from our own sensors; identity by (sensor, batch sequence, index)
	FormatLine   = "line"   // one line of a file
)

// Frame is one message with its envelope.
type Frame struct {
	Source   string // NG- number intake bound it to, or "" where the pipeline shall find it by peer and host
	Peer     string // address the bytes came from, without port; "" for files
	Received int64  // Unix ms of receipt
	Format   string
	ID       string // the sender's own id of the message, alone or with what it says (SenderID), or ""
	Dataset  string // decoder to use where the source says so (linux.auth, nginx.access …), or "" to find out
	Trust    bool   // the source may set sigma.logsource itself
	Data     []byte
}

// ContentSize is the length in bytes of the digest in a SenderID.
const ContentSize = 16

// SenderID is the Frame.ID of a message known by the id its sender gave and a digest of what it says: another message under the same
// id is another event.
func SenderID(id string, content [ContentSize]byte) string { return id + "\x00" + string(content[:]) }

// SplitID takes a Frame.ID apart; content is "" where the id stands alone, as in batches of versions before SenderID.
func SplitID(frame string) (id, content string) {
	if at := len(frame) - ContentSize - 1; at >= 0 && frame[at] == 0 {
		return frame[:at], frame[at+1:]
	}
	return frame, ""
}

// Batch is what one append to the queue holds.
type Batch struct {
	Listener string // syslog.udp, syslog.tcp, syslog.tls, bulk, import, sensor …
	Epoch    string // stream epoch; with sequence and index it makes the event id; changes on restore
	Revision uint64 // of decoders (upper 24 bits) and inventory (lower 40) the batch shall be decoded with (decision 8)
	Sensor   string // sensor id from its certificate, or ""
	Sequence uint64 // the sensor's own batch number; 0 for other listeners
	Frames   []Frame
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// One coder each serves all goroutines: EncodeAll and DecodeAll are documented as concurrent.
var (
	encoder, _ = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(2), zstd.WithEncoderCRC(false),
		zstd.WithWindowSize(1<<20))
	decoder, _ = zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxMemory(MaxBody), zstd.WithDecodeAllCapLimit(true))
)

// bound is how many bytes a message of n bytes may unpack to.
func bound(n, floor int) int { return min(MaxBody, floor+expansion*n) }

// scratch are buffers batches are compressed into: what is handed out has the size it needs, as the queue keeps it for its readers.
var scratch = sync.Pool{New: func() any { return new([]byte) }}

// seal packs a body; floor is that of its reader.
func seal(magic string, body []byte, floor int) []byte {
	buf := scratch.Get().(*[]byte)
	defer scratch.Put(buf)
	dst := append((*buf)[:0], magic...)
	dst = append(dst, Version, 0, 0, 0, 0)
	dst = encoder.EncodeAll(body, dst)
	if len(body) > bound(len(dst)-8, floor) {
		dst = pad(dst, min((len(body)-floor)/expansion+1, MaxBody/expansion)-(len(dst)-8))
	}
	binary.LittleEndian.PutUint32(dst[4:], crc32.Checksum(dst[8:], castagnoli))
	*buf = dst
	return append(make([]byte, 0, len(dst)), dst...)
}

// pad appends a skippable frame of at least n bytes.
func pad(dst []byte, n int) []byte {
	n = max(n-8, 0)
	dst = binary.LittleEndian.AppendUint32(dst, 0x184D2A50)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(n))
	return append(dst, make([]byte, n)...)
}

func open(magic string, data []byte, floor int) ([]byte, error) {
	if len(data) < 8 || string(data[:3]) != magic {
		return nil, ErrMagic
	}
	if data[3] > Version {
		return nil, fmt.Errorf("%w: %d, this program reads up to %d", ErrVersion, data[3], Version)
	}
	if crc32.Checksum(data[8:], castagnoli) != binary.LittleEndian.Uint32(data[4:]) {
		return nil, ErrCRC
	}
	body, err := unpack(data[8:], bound(len(data)-8, floor))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return body, nil
}

// unpack decompresses data into at most limit bytes. A frame that says how long it is gets that much at once, if it may; one that
// does not is tried with twice as much each time.
func unpack(data []byte, limit int) ([]byte, error) {
	var head zstd.Header
	if err := head.Decode(data); err != nil {
		return nil, err
	}
	size := 64 << 10
	if head.HasFCS {
		if head.FrameContentSize > uint64(limit) {
			return nil, fmt.Errorf("%d bytes claim to be %d: %w", len(data), head.FrameContentSize, zstd.ErrDecoderSizeExceeded)
		}
		size = int(head.FrameContentSize)
	}
	for {
		size = min(size, limit)
		body, err := decoder.DecodeAll(data, make([]byte, 0, size+16)) // 16: the decoder copies in steps
		if errors.Is(err, zstd.ErrDecoderSizeExceeded) && !head.HasFCS && size < limit {
			size *= 2
			continue
		}
		if err == nil && len(body) > limit {
			err = zstd.ErrDecoderSizeExceeded
		}
		return body, err
	}
}

func appendText[T string | []byte](dst []byte, s T) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

// Encode renders b.
func Encode(b *Batch) []byte {
	n := 64
	for i := range b.Frames {
		n += len(b.Frames[i].Data) + 64
	}
	body := make([]byte, 0, n)
	body = appendText(body, b.Listener)
	body = appendText(body, b.Epoch)
	body = binary.AppendUvarint(body, b.Revision)
	body = appendText(body, b.Sensor)
	body = binary.AppendUvarint(body, b.Sequence)
	body = binary.AppendUvarint(body, uint64(len(b.Frames)))
	for i := range b.Frames {
		f := &b.Frames[i]
		body = appendText(body, f.Source)
		body = appendText(body, f.Peer)
		body = binary.AppendUvarint(body, uint64(f.Received))
		body = appendText(body, f.Format)
		body = appendText(body, f.ID)
		body = appendText(body, f.Dataset)
		trust := byte(0)
		if f.Trust {
			trust = 1
		}
		body = append(body, trust)
		body = appendText(body, f.Data)
	}
	return seal("HLB", body, batchFloor)
}

// Decode reads what Encode wrote.
func Decode(data []byte) (*Batch, error) {
	body, err := open("HLB", data, batchFloor)
	if err != nil {
		return nil, err
	}
	r := bounded.Over(body)
	b := &Batch{Listener: r.Text(), Epoch: r.Text(), Revision: r.Uvarint(), Sensor: r.Text(), Sequence: r.Uvarint()}
	n := r.Uvarint()
	if n > uint64(r.Len()/frameLeast) {
		return nil, fmt.Errorf("%w: %d frames in %d bytes", ErrCorrupt, n, r.Len())
	}
	if n > MaxFrames {
		return nil, &TooManyFramesError{int(n)}
	}
	b.Frames = make([]Frame, n)
	for i := range b.Frames {
		b.Frames[i] = Frame{Source: r.Text(), Peer: r.Text(), Received: int64(r.Uvarint()), Format: r.Text(), ID: r.Text(), Dataset: r.Text(),
			Trust: r.Byte() == 1, Data: r.Bytes()}
	}
	if !r.Whole() {
		return nil, fmt.Errorf("%w: envelope does not end where it should", ErrCorrupt)
	}
	return b, nil
}

// dictionary numbers the fields of one message in the order of their coming. The zero value is an empty one.
type dictionary struct {
	numbers []uint32 // by field, from 1; 0: not in it
	fields  []ecs.Field
}

var dictionaries = sync.Pool{New: func() any { return new(dictionary) }}

func (d *dictionary) number(f ecs.Field) uint64 {
	if f.Asked() { // its number is of another kind, past all tables
		f = ecs.Intern(f.Name())
	}
	if int(f) >= len(d.numbers) {
		d.numbers = append(d.numbers, make([]uint32, int(f)+256-len(d.numbers))...)
	}
	n := d.numbers[f]
	if n == 0 {
		d.fields = append(d.fields, f)
		n = uint32(len(d.fields))
		d.numbers[f] = n
	}
	return uint64(n - 1)
}

func (d *dictionary) reset() {
	for _, f := range d.fields {
		d.numbers[f] = 0
	}
	d.fields = d.fields[:0]
}

// EncodeEvents renders decoded events: a dictionary of the field names they use, then each event's times, identity and pairs.
func EncodeEvents(events []*ecs.Event) []byte {
	dict := dictionaries.Get().(*dictionary)
	defer dictionaries.Put(dict)
	dict.reset() // also what a panic left
	size := 1024
	for _, e := range events {
		size += e.Size()
		for i := range e.Len() {
			f, _ := e.At(i)
			dict.number(f)
		}
	}
	body := make([]byte, 0, size)
	body = binary.AppendUvarint(body, uint64(len(dict.fields)))
	for _, f := range dict.fields {
		body = appendText(body, f.Name())
	}
	body = binary.AppendUvarint(body, uint64(len(events)))
	for _, e := range events {
		body = appendText(body, e.ID)
		body = binary.AppendVarint(body, e.Time)
		body = binary.AppendVarint(body, e.Created)
		body = binary.AppendVarint(body, e.Ingested)
		body = appendText(body, e.System)
		body = appendText(body, e.Source)
		body = binary.AppendUvarint(body, uint64(e.Len()))
		for i := range e.Len() {
			f, v := e.At(i)
			body = binary.AppendUvarint(body, dict.number(f)<<2|uint64(v.Kind))
			body = appendText(body, v.Text)
		}
	}
	return seal("HLE", body, eventsFloor)
}

// DecodeEvents reads what EncodeEvents wrote.
func DecodeEvents(data []byte) ([]*ecs.Event, error) {
	body, err := open("HLE", data, eventsFloor)
	if err != nil {
		return nil, err
	}
	r := bounded.Over(body)
	n := r.Uvarint()
	if n > ecs.MaxFields || n > uint64(r.Len()) {
		return nil, fmt.Errorf("%w: %d names in %d bytes", ErrCorrupt, n, r.Len())
	}
	fields := make([]ecs.Field, n)
	for i := range fields {
		fields[i] = ecs.Intern(r.Text())
	}
	n = r.Uvarint()
	if n > MaxEvents || n > uint64(r.Len()/eventLeast) {
		return nil, fmt.Errorf("%w: %d events in %d bytes, at most %d are taken", ErrCorrupt, n, r.Len(), MaxEvents)
	}
	events := make([]*ecs.Event, 0, n)
	var e ecs.Event // each is gathered here and kept at its size
	for range n {
		e.Reset()
		e.ID, e.Time, e.Created, e.Ingested, e.System, e.Source = r.Text(), r.Varint(), r.Varint(), r.Varint(), r.Text(), r.Text()
		pairs := r.Uvarint()
		for range pairs {
			x := r.Uvarint()
			s := r.Bytes()
			if r.Bad() || x>>2 >= uint64(len(fields)) {
				return nil, fmt.Errorf("%w: event %d", ErrCorrupt, len(events))
			}
			e.AddBytes(fields[x>>2], s, ecs.Kind(x&3))
		}
		if r.Bad() {
			return nil, fmt.Errorf("%w: event %d", ErrCorrupt, len(events))
		}
		events = append(events, e.Clone())
	}
	return events, nil
}
