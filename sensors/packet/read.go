package packet

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"math/bits"
	"os"
	"path/filepath"
	"sort"

	"hoalu/internal/wording"
)

// ErrNotCapture is wrapped by ReadFile's error for a file that is neither pcap nor pcapng.
var ErrNotCapture = error(wording.New("not a packet capture (pcap or pcapng)"))

// maxPacket bounds the packet length a capture may claim.
const maxPacket = 16 << 20

// ReadFile reads a capture, every capture below a directory in the order of their paths, or standard input ("-"), and ends all flows after
// each. gzip is unpacked. A capture that is cut off is read as far as it goes: counted, and told to Config.Notice. In a directory, files
// that are no captures are told to Notice and left out; as a single path they are an error.
func ReadFile(ctx context.Context, path string, a *Analyzer) error {
	if path == "-" {
		return Read(ctx, os.Stdin, a)
	}
	st, err := os.Stat(path)
	if err != nil {
		return wording.New("the capture cannot be read: %s", err)
	}
	if !st.IsDir() {
		return readOne(ctx, path, a)
	}
	var files []string
	err = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			files = append(files, p)
		}
		return err
	})
	if err != nil {
		return wording.New("the captures cannot be read: %s", err)
	}
	sort.Strings(files)
	for _, p := range files {
		if err := readOne(ctx, p, a); errors.Is(err, ErrNotCapture) {
			a.notice(wording.Of(err))
		} else if err != nil {
			return err
		}
	}
	return nil
}

func readOne(ctx context.Context, path string, a *Analyzer) error {
	f, err := os.Open(path)
	if err != nil {
		return wording.New("the capture cannot be read: %s", err)
	}
	defer f.Close()
	a.name = path
	defer func() { a.name = "" }()
	if err := Read(ctx, f, a); err != nil {
		return wording.New("%s cannot be read: %s", path, err)
	}
	return nil
}

// Read reads one capture and ends all flows after it.
func Read(ctx context.Context, in io.Reader, a *Analyzer) error {
	r := bufio.NewReaderSize(in, 1<<20)
	if b, _ := r.Peek(2); len(b) == 2 && b[0] == 0x1f && b[1] == 0x8b {
		z, err := gzip.NewReader(r)
		if err != nil {
			return wording.New("%s: %s", ErrNotCapture, err)
		}
		r = bufio.NewReaderSize(z, 1<<20)
	}
	magic, err := r.Peek(4)
	if err != nil && len(magic) < 4 {
		return wording.New("%s: %d bytes long", ErrNotCapture, len(magic))
	}
	c := &capture{ctx: ctx, r: r, a: a, take: a.Packet, skipped: map[uint32]uint64{}}
	return c.read(binary.BigEndian.Uint32(magic))
}

// read reads all of the capture, whose first four bytes are magic, and ends its flows.
func (c *capture) read(magic uint32) (err error) {
	a := c.a
	var cutOff *wording.Problem
	switch magic {
	case 0xa1b2c3d4, 0xd4c3b2a1, 0xa1b23c4d, 0x4d3cb2a1, 0xa1b2cd34, 0x34cdb2a1:
		cutOff, err = c.pcap()
	case 0x0a0d0d0a:
		cutOff, err = c.pcapng()
	default:
		return wording.New("%s: begins with %08x", ErrNotCapture, magic)
	}
	a.n.Captures++
	if cutOff != nil {
		a.n.CutOff++
		a.notice(c.named(cutOff))
	}
	links := make([]uint32, 0, len(c.skipped))
	for l := range c.skipped {
		links = append(links, l)
	}
	sort.Slice(links, func(i, j int) bool { return links[i] < links[j] })
	for _, l := range links {
		a.notice(c.named(wording.New("unsupported link type %d: %d packets skipped", l, c.skipped[l])))
	}
	a.Flush()
	return err
}

type capture struct {
	ctx     context.Context
	r       *bufio.Reader
	a       *Analyzer
	take    func(link uint32, t int64, data []byte, wire int) // gets each packet
	skipped map[uint32]uint64
	buf     []byte
	n       int
}

// named puts the name of the capture before what is told of it.
func (c *capture) named(p *wording.Problem) *wording.Problem {
	if c.a.name == "" {
		return p
	}
	return wording.New("%s: %s", c.a.name, p)
}

// bytes returns the next n bytes, good until the next call.
func (c *capture) bytes(n int) ([]byte, error) {
	if n <= 1<<19 {
		b, err := c.r.Peek(n)
		if err != nil {
			return b, err
		}
		_, err = c.r.Discard(n)
		return b, err
	}
	// grown as bytes arrive: a length that lies costs no memory
	c.buf = c.buf[:0]
	for len(c.buf) < n {
		m := min(n-len(c.buf), 1<<16)
		b, err := c.r.Peek(m)
		c.buf = append(c.buf, b...)
		c.r.Discard(len(b))
		if err != nil {
			return c.buf, err
		}
	}
	return c.buf, nil
}

func (c *capture) packet(link uint32, t int64, b []byte, wire int) error {
	if c.n++; c.n&0xfff == 0 && c.ctx.Err() != nil {
		return c.ctx.Err()
	}
	if !Supported(link) {
		c.skipped[link]++
	}
	c.take(link, t, b, wire)
	return nil
}

// pcap reads the classic format (https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-03.html). cutOff says how the file is damaged.
func (c *capture) pcap() (cutOff *wording.Problem, err error) {
	h, err := c.bytes(24)
	if err != nil {
		return wording.New("the file ends within its header"), nil
	}
	var o binary.ByteOrder = binary.LittleEndian
	magic := o.Uint32(h)
	if magic != 0xa1b2c3d4 && magic != 0xa1b23c4d && magic != 0xa1b2cd34 {
		o = binary.BigEndian
		magic = o.Uint32(h)
	}
	unit, head := int64(1000), 16
	if magic == 0xa1b23c4d {
		unit = 1
	}
	if magic == 0xa1b2cd34 { // Kuznetzov's: eight more bytes a packet
		head = 24
	}
	link := o.Uint32(h[20:]) & 0x0fffffff
	link &= 0xffff
	for {
		h, err := c.bytes(head)
		if err != nil {
			if len(h) > 0 {
				return wording.New("the file ends within packet %d", c.n+1), nil
			}
			return nil, nil
		}
		sec, frac, caplen, wire := o.Uint32(h), o.Uint32(h[4:]), o.Uint32(h[8:]), o.Uint32(h[12:])
		if caplen > maxPacket {
			return leftOut(wording.New("packet %d claims %d bytes", c.n+1, caplen))
		}
		t := int64(sec)*1e9 + int64(frac)*unit
		b, err := c.bytes(int(caplen))
		if err != nil {
			cut := wording.New("the file ends within packet %d", c.n+1)
			if len(b) > 0 {
				if err := c.packet(link, t, b, int(max(wire, caplen))); err != nil {
					return nil, err
				}
			}
			return cut, nil
		}
		if err := c.packet(link, t, b, int(max(wire, caplen))); err != nil {
			return nil, err
		}
	}
}

// section is what the blocks of a section of a pcapng file are read by.
type section struct {
	order      binary.ByteOrder
	interfaces []pcapInterface
}

type pcapInterface struct {
	link, snap uint32
	den        uint64 // ticks a second
	offset     int64  // ns
}

// at is the time of a packet, ns; 0 for one that is damaged.
func (i pcapInterface) at(hi, lo uint32) int64 {
	ticks := uint64(hi)<<32 | uint64(lo)
	sec, rest := ticks/i.den, ticks%i.den
	if sec > 7e9 { // past the year 2191
		return 0
	}
	ns, frac := bits.Mul64(rest, 1e9)
	q, _ := bits.Div64(ns, frac, i.den)
	return int64(sec)*1e9 + int64(q) + i.offset
}

// leftOut says why the rest of a file is not read.
func leftOut(why *wording.Problem) (*wording.Problem, error) {
	return wording.New("%s: the rest of the file is left out", why), nil
}

// pcapng reads the block format (https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-02.html).
func (c *capture) pcapng() (cutOff *wording.Problem, err error) {
	s := section{order: binary.LittleEndian}
	for {
		h, err := c.r.Peek(12)
		if err != nil {
			if len(h) > 0 {
				return wording.New("the file ends within a block"), nil
			}
			return nil, nil
		}
		if binary.BigEndian.Uint32(h) == 0x0a0d0d0a {
			switch binary.LittleEndian.Uint32(h[8:]) {
			case 0x1a2b3c4d:
				s.order = binary.LittleEndian
			case 0x4d3c2b1a:
				s.order = binary.BigEndian
			default:
				return leftOut(wording.New("a section header is damaged"))
			}
			s.interfaces = s.interfaces[:0]
		}
		typ, n := s.order.Uint32(h), s.order.Uint32(h[4:])
		if n < 12 || n > maxPacket+4096 {
			return leftOut(wording.New("a block claims %d bytes", n))
		}
		n = (n + 3) &^ 3
		b, err := c.bytes(int(n))
		if err != nil {
			return wording.New("the file ends within a block"), nil
		}
		if cutOff, err = c.block(&s, typ, b[8:n-4]); cutOff != nil || err != nil {
			return cutOff, err
		}
	}
}

// block reads one block; what it does not know is passed over.
func (c *capture) block(s *section, typ uint32, body []byte) (cutOff *wording.Problem, err error) {
	o := s.order
	switch typ {
	case 1: // interface
		if len(body) < 8 {
			return leftOut(wording.New("an interface block is too short"))
		}
		s.interfaces = append(s.interfaces, newInterface(o, body))
		if len(s.interfaces) > 1<<16 {
			return leftOut(wording.New("more than %d interfaces", 1<<16))
		}
	case 6, 2: // enhanced packet; packet (obsolete)
		if len(body) < 20 {
			return leftOut(wording.New("a packet block is too short"))
		}
		id := o.Uint32(body)
		if typ == 2 {
			id = uint32(o.Uint16(body))
		}
		caplen, wire := o.Uint32(body[12:]), o.Uint32(body[16:])
		if int(id) >= len(s.interfaces) {
			return leftOut(wording.New("packet %d names an interface that is not there", c.n+1))
		}
		if uint64(caplen) > uint64(len(body)-20) {
			return leftOut(wording.New("packet %d claims more bytes than its block", c.n+1))
		}
		i := s.interfaces[id]
		return nil, c.packet(i.link, i.at(o.Uint32(body[4:]), o.Uint32(body[8:])), body[20:20+caplen], int(max(wire, caplen)))
	case 3: // simple packet: no time
		if len(body) < 4 || len(s.interfaces) == 0 {
			return leftOut(wording.New("a simple packet block is damaged"))
		}
		wire := o.Uint32(body)
		n := min(uint32(len(body)-4), wire)
		if s.interfaces[0].snap > 0 {
			n = min(n, s.interfaces[0].snap)
		}
		return nil, c.packet(s.interfaces[0].link, c.a.now, body[4:4+n], int(max(wire, n)))
	}
	return nil, nil
}

// newInterface reads an interface block of at least 8 bytes: its link type and how its times are counted.
func newInterface(o binary.ByteOrder, body []byte) pcapInterface {
	i := pcapInterface{link: uint32(o.Uint16(body)), snap: o.Uint32(body[4:]), den: 1e6}
	for opts := body[8:]; len(opts) >= 4; {
		code, l := o.Uint16(opts), int(o.Uint16(opts[2:]))
		if code == 0 || 4+l > len(opts) {
			break
		}
		v := opts[4 : 4+l]
		switch {
		case code == 9 && l >= 1: // if_tsresol
			e := v[0] & 0x7f
			switch {
			case v[0]&0x80 != 0 && e < 63:
				i.den = 1 << e
			case v[0]&0x80 == 0 && e <= 18:
				i.den = 1
				for range e {
					i.den *= 10
				}
			}
		case code == 14 && l >= 8: // if_tsoffset
			if s := int64(o.Uint64(v)); s > -2e9 && s < 2e9 {
				i.offset = s * 1e9
			}
		}
		opts = opts[min(4+(l+3)&^3, len(opts)):]
	}
	return i
}
