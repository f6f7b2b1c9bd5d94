package local

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"hash/maphash"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"hoalu/collector/store"
	"hoalu/ecs"
	"hoalu/ecs/query"
	"hoalu/ecs/wire"
	"hoalu/internal/durable"
)

// A first-level segment (decision 13) holds the events of one contiguous queue range, all systems mixed, for as long as it takes
// until compaction files them. Its rename into place is the store's position.
//
//	"HLS" version(1)
//	blocks: event batches of ecs/wire ("HLE" …), one system each, at most blockEvents events, in order of arrival
//	filters: one token filter a block
//	footer: JSON (l0Footer)
//	length of the footer u32, its CRC-32C u32, "HLSE"
//
// Blocks are of one system so that compaction reads a system's events without the others, and a search of one system skips the rest.
const (
	l0Version   = 1
	l0Magic     = "HLS"
	l0End       = "HLSE"
	blockEvents = 1024
	blockBytes  = 8 << 20 // or one event that is larger: a reader refuses blocks that unpack to more than wire.MaxBody
)

type l0Footer struct {
	Version  int             `json:"version"`
	Epoch    string          `json:"epoch"`
	First    uint64          `json:"first"`
	Last     uint64          `json:"last"`
	Events   int             `json:"events"`
	Blocks   []l0Block       `json:"blocks"`
	Outcomes []store.Outcome `json:"outcomes"`
	// Given lists the filter keys of sender-given event ids with the block they are in, for the check of duplicates.
	Given []l0Given `json:"given,omitempty"`
}

type l0Block struct {
	System    string `json:"system"`
	Offset    int64  `json:"offset"`
	Length    int    `json:"length"`
	Events    int    `json:"events"`
	Min       int64  `json:"min"` // @timestamp
	Max       int64  `json:"max"`
	Filter    int64  `json:"filter"` // offset
	FilterLen int    `json:"filter_length"`
	FilterCRC uint32 `json:"filter_crc"`
}

type l0Given struct {
	Block int      `json:"block"`
	Keys  []uint64 `json:"keys"`
}

// l0 is an open first-level segment: everything but the events is in memory.
type l0 struct {
	l0Footer
	id      string // file name without .hle
	number  uint64
	path    string
	size    int64
	filters []filter
	given   map[uint64]int32 // key of a sender-given id → block
	min     int64
	max     int64
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var valueSeed = maphash.MakeSeed()

// keysOf adds the filter keys of e to keys. seen skips values whose keys are in already.
func keysOf(e *ecs.Event, keys, seen *keySet, buf []uint64) []uint64 {
	keys.add(query.IDKey(e.ID))
	for _, s := range [...]string{e.System, e.Source} {
		if seen.add(maphash.String(valueSeed, s)) {
			buf = query.AppendKeys(buf[:0], s)
			for _, k := range buf {
				keys.add(k)
			}
		}
	}
	original := e.Text(ecs.EventOriginal) // most long values are cut out of it
	for i := range e.Len() {
		_, v := e.At(i)
		if v.Kind == ecs.Null || query.KeysWithin(v.Text, original) || !seen.add(maphash.String(valueSeed, v.Text)) {
			continue
		}
		buf = query.AppendKeys(buf[:0], v.Text)
		for _, k := range buf {
			keys.add(k)
		}
	}
	return buf
}

// encodeL0 renders a segment.
func encodeL0(foot l0Footer, events []*ecs.Event) ([]byte, error) {
	bySystem := map[string][]*ecs.Event{}
	var systems []string
	for _, e := range events {
		if _, ok := bySystem[e.System]; !ok {
			systems = append(systems, e.System)
		}
		bySystem[e.System] = append(bySystem[e.System], e)
	}
	sort.Strings(systems)
	data := make([]byte, 0, 1<<20)
	data = append(data, l0Magic...)
	data = append(data, l0Version)
	var keys, seen keySet
	var buf []uint64
	var filters []filter
	for _, sys := range systems {
		list := bySystem[sys]
		for len(list) > 0 {
			part := list[:min(len(list), blockEvents)]
			for i, size := 0, 0; i < len(part); i++ {
				if size += part[i].Size(); size > blockBytes && i > 0 {
					part = part[:i]
				}
			}
			list = list[len(part):]
			b := l0Block{System: sys, Offset: int64(len(data)), Events: len(part), Min: part[0].Time, Max: part[0].Time}
			keys.reset()
			seen.reset()
			var given []uint64
			for _, e := range part {
				b.Min, b.Max = min(b.Min, e.Time), max(b.Max, e.Time)
				buf = keysOf(e, &keys, &seen, buf)
				if senderGiven(e.ID) {
					given = append(given, query.IDKey(e.ID))
				}
			}
			if given != nil {
				foot.Given = append(foot.Given, l0Given{len(foot.Blocks), given})
			}
			data = append(data, wire.EncodeEvents(part)...)
			b.Length = len(data) - int(b.Offset)
			filters = append(filters, keys.filter())
			foot.Blocks = append(foot.Blocks, b)
		}
	}
	for i, f := range filters {
		b := &foot.Blocks[i]
		b.Filter = int64(len(data))
		data = f.append(data)
		b.FilterLen = len(data) - int(b.Filter)
		b.FilterCRC = crc32.Checksum(data[b.Filter:], castagnoli)
	}
	foot.Version, foot.Events = l0Version, len(events)
	text, err := json.Marshal(foot)
	if err != nil {
		return nil, fmt.Errorf("encode segment footer: %w", err)
	}
	data = append(data, text...)
	data = binary.LittleEndian.AppendUint32(data, uint32(len(text)))
	data = binary.LittleEndian.AppendUint32(data, crc32.Checksum(text, castagnoli))
	return append(data, l0End...), nil
}

var errDamaged = errors.New("segment is damaged")

// openL0 reads a segment's footer and filters. The events are checked when a block is read (each has its own checksum).
func openL0(path string) (*l0, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	size := st.Size()
	var head [4]byte
	var tail [12]byte
	if size < int64(len(head)+len(tail)) {
		return nil, fmt.Errorf("%w: %d bytes", errDamaged, size)
	}
	if _, err := f.ReadAt(head[:], 0); err != nil {
		return nil, err
	}
	if _, err := f.ReadAt(tail[:], size-12); err != nil {
		return nil, err
	}
	if string(head[:3]) != l0Magic || string(tail[8:]) != l0End {
		return nil, fmt.Errorf("%w: not a first-level segment", errDamaged)
	}
	if head[3] > l0Version {
		return nil, fmt.Errorf("first-level segment of version %d, this program reads up to %d: install the newer program", head[3], l0Version)
	}
	n := int64(binary.LittleEndian.Uint32(tail[:]))
	if n > size-16 {
		return nil, fmt.Errorf("%w: footer of %d bytes", errDamaged, n)
	}
	text := make([]byte, n)
	if _, err := f.ReadAt(text, size-12-n); err != nil {
		return nil, err
	}
	if crc32.Checksum(text, castagnoli) != binary.LittleEndian.Uint32(tail[4:]) {
		return nil, fmt.Errorf("%w: footer checksum differs", errDamaged)
	}
	s := &l0{path: path, id: strings.TrimSuffix(filepath.Base(path), ".hle"), size: size, given: map[uint64]int32{}}
	if err := json.Unmarshal(text, &s.l0Footer); err != nil {
		return nil, fmt.Errorf("%w: footer: %w", errDamaged, err)
	}
	if _, err := fmt.Sscanf(s.id, "%d-", &s.number); err != nil {
		return nil, fmt.Errorf("segment name %q: %w", s.id, err)
	}
	if s.Events < 0 {
		return nil, damaged("%d events", s.Events)
	}
	left := size // filters do not overlap
	for i, b := range s.Blocks {
		if b.Length < 8 || b.Events < 0 || !inFile(b.Offset, b.Length, size) || !inFile(b.Filter, b.FilterLen, size) ||
			int64(b.FilterLen) > left {
			return nil, damaged("block %d", i)
		}
		left -= int64(b.FilterLen)
		raw := make([]byte, b.FilterLen)
		if _, err := f.ReadAt(raw, b.Filter); err != nil {
			return nil, err
		}
		if crc32.Checksum(raw, castagnoli) != b.FilterCRC {
			return nil, fmt.Errorf("%w: filter %d checksum differs", errDamaged, i)
		}
		s.filters = append(s.filters, readFilter(raw))
		if i == 0 {
			s.min, s.max = b.Min, b.Max
		}
		s.min, s.max = min(s.min, b.Min), max(s.max, b.Max)
	}
	for _, g := range s.Given {
		if g.Block < 0 || g.Block >= len(s.Blocks) {
			return nil, damaged("ids of block %d", g.Block)
		}
		for _, k := range g.Keys {
			s.given[k] = int32(g.Block)
		}
	}
	s.Given = nil
	return s, nil
}

// readBlock decodes one block.
func (s *l0) readBlock(i int) ([]*ecs.Event, error) {
	f, err := os.Open(s.path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data := make([]byte, s.Blocks[i].Length)
	if _, err := f.ReadAt(data, s.Blocks[i].Offset); err != nil {
		return nil, err
	}
	events, err := wire.DecodeEvents(data)
	if err != nil {
		return nil, fmt.Errorf("block %d: %w", i, err)
	}
	return events, nil
}

// verifyL0 checks the checksum of every block of a segment just written.
func verifyL0(path string) (*l0, error) {
	s, err := openL0(path)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for i, b := range s.Blocks {
		block := data[b.Offset : b.Offset+int64(b.Length)]
		if crc32.Checksum(block[8:], castagnoli) != binary.LittleEndian.Uint32(block[4:]) {
			return nil, fmt.Errorf("%w: block %d checksum differs", errDamaged, i)
		}
	}
	return s, nil
}

// hasGiven reports whether e is in the segment, or, former not being "", comes again after it was stored under that id.
func (s *l0) hasGiven(e *ecs.Event, former string) (bool, error) {
	for _, id := range [...]string{e.ID, former} {
		i, ok := s.given[query.IDKey(id)]
		if !ok || id == "" {
			continue
		}
		events, err := s.readBlock(int(i))
		if err != nil {
			return false, err
		}
		for _, o := range events {
			if o.ID == id && (id != former || store.Again(e, o)) {
				return true, nil
			}
		}
	}
	return false, nil
}

// writeFile writes data under dir so that name exists whole or not at all: temporary file, fsync, check, rename, fsync of the folder.
// step, when set, is called before each effect; tests stop there.
func writeFile(dir, name string, data []byte, step func(string) error, check func(path string) error) error {
	tmp := filepath.Join(dir, name+".tmp")
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	undo := func(err error) error {
		f.Close()
		os.Remove(tmp)
		return err
	}
	if _, err := f.Write(data); err != nil {
		return undo(err)
	}
	if err := step("written " + name); err != nil {
		return undo(err)
	}
	if err := f.Sync(); err != nil {
		return undo(err)
	}
	if err := f.Close(); err != nil {
		return undo(err)
	}
	if check != nil {
		if err := check(tmp); err != nil {
			return undo(err)
		}
	}
	if err := step("synced " + name); err != nil {
		return undo(err)
	}
	if err := os.Rename(tmp, filepath.Join(dir, name)); err != nil {
		return undo(err)
	}
	if err := step("renamed " + name); err != nil {
		return err
	}
	return durable.SyncDir(dir)
}

// senderGiven reports whether an id was derived from one the sender gave (decision 1), so that it can come a second time.
func senderGiven(id string) bool { return len(id) > 0 && (id[0] == 's' || id[0] == 'n') }

// Search parts of a segment: one a block.

type l0Part struct {
	s *l0
	i int
}

func (p l0Part) span() (int64, int64) { b := &p.s.Blocks[p.i]; return b.Min, b.Max }
func (p l0Part) rows() int64          { return int64(p.s.Blocks[p.i].Events) }
func (p l0Part) name() string         { return "l0/" + p.s.id }

func (p l0Part) judge(pl *plan) (verdict, error) {
	b := &p.s.Blocks[p.i]
	return pl.root.judge(&facts{system: b.System, hasSystem: true, has: p.s.filters[p.i].has, numbers: true}), nil
}

func (p l0Part) scan(ctx context.Context, pl *plan, out *partial) error {
	events, err := p.s.readBlock(p.i)
	if err != nil {
		return err
	}
	return scanEvents(ctx, events, pl, out)
}
