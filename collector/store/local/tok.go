package local

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"hoalu/internal/bounded"
)

// The .tok file beside a filed segment.

// tokMeta is the head of a .tok file.
type tokMeta struct {
	Rows    int
	Length  int64        // of the Parquet file
	Fixed   []columnMeta // the fixed columns, as in fixedColumns
	Columns []columnMeta
	Ext     []extMeta
	ExtMany bool // more names than Ext lists
}

type extMeta struct {
	Field  string `json:"field"`
	Values int    `json:"values"`
}

// A .tok file: "HLT" version(1), CRC-32C u32 of the rest, then the head (tokMeta) as varints and length-prefixed texts, the token filter
// and the id filter, each with its length.
const tokMagic = "HLT"

func encodeTok(meta tokMeta, tokens, ids filter) []byte {
	d := append([]byte(tokMagic), fileVersion, 0, 0, 0, 0)
	num := func(n int64) { d = binary.AppendVarint(d, n) }
	text := func(s string) { num(int64(len(s))); d = append(d, s...) }
	flag := func(b ...bool) {
		x := int64(0)
		for i, f := range b {
			if f {
				x |= 1 << i
			}
		}
		num(x)
	}
	at := int64(0)
	pg := func(p *pageMeta) {
		num(p.Offset - at)
		at = p.Offset + int64(p.Size)
		num(int64(p.Size))
		num(int64(p.Plain))
		num(int64(p.Values))
		num(int64(p.Rows))
		d = binary.LittleEndian.AppendUint32(d, p.CRC)
	}
	columns := func(list []columnMeta) {
		num(int64(len(list)))
		for i := range list {
			c := &list[i]
			text(c.Name)
			text(c.Field)
			num(int64(c.Form))
			flag(c.Repeated, c.Dict, c.Required, c.DictPage != nil)
			num(int64(c.Values))
			num(c.Lo)
			num(c.Hi)
			if c.DictPage != nil {
				pg(c.DictPage)
			}
			num(int64(len(c.Pages)))
			for k := range c.Pages {
				pg(&c.Pages[k])
			}
		}
	}
	num(int64(meta.Rows))
	num(meta.Length)
	columns(meta.Fixed)
	columns(meta.Columns)
	num(int64(len(meta.Ext)))
	for _, e := range meta.Ext {
		text(e.Field)
		num(int64(e.Values))
	}
	flag(meta.ExtMany)
	for _, f := range []filter{tokens, ids} {
		num(int64(len(f) * 8))
		d = f.append(d)
	}
	binary.LittleEndian.PutUint32(d[4:], crc32.Checksum(d[8:], castagnoli))
	return d
}

// tok is a read .tok file.
type tok struct {
	tokMeta
	tokens, ids filter
	columns     map[string][]int // by field: indexes of Columns
	ext         map[string]bool
	size        int
}

// tokReader takes a .tok file apart, whose lengths are signed varints.
type tokReader struct {
	bounded.Cursor
	at int64 // where the page before ended
}

func (r *tokReader) bytes() []byte { return r.Take(uint64(r.Varint())) }

func (r *tokReader) text() string { return string(r.bytes()) }

// list is the length of a list of at most so many entries, each of which takes so many bytes at least.
func (r *tokReader) list(most, each int) int { return r.Count(uint64(r.Varint()), most, each) }

func (r *tokReader) page() (p pageMeta) {
	p.Offset = r.at + r.Varint()
	p.Size, p.Plain, p.Values, p.Rows = uint32(r.Varint()), uint32(r.Varint()), uint32(r.Varint()), uint32(r.Varint())
	r.at = p.Offset + int64(p.Size)
	if b := r.Take(4); b != nil {
		p.CRC = binary.LittleEndian.Uint32(b)
	}
	return p
}

func (r *tokReader) columns() []columnMeta {
	list := make([]columnMeta, r.list(maxColumns+len(fixedColumns), 8))
	for i := range list {
		c := &list[i]
		c.Name, c.Field, c.Form = r.text(), r.text(), form(r.Varint())
		flags := r.Varint()
		c.Repeated, c.Dict, c.Required = flags&1 != 0, flags&2 != 0, flags&4 != 0
		c.Values, c.Lo, c.Hi = int(r.Varint()), r.Varint(), r.Varint()
		if flags&8 != 0 {
			p := r.page()
			c.DictPage = &p
		}
		c.Pages = make([]pageMeta, r.list(maxFileRows, 9))
		for k := range c.Pages {
			c.Pages[k] = r.page()
		}
	}
	return list
}

func decodeTok(data []byte) (*tok, error) {
	if len(data) < 8 || string(data[:3]) != tokMagic {
		return nil, fmt.Errorf("%w: not a token filter", errDamaged)
	}
	if data[3] > fileVersion {
		return nil, fmt.Errorf("token filter of version %d, this program reads up to %d: install the newer program", data[3], fileVersion)
	}
	if crc32.Checksum(data[8:], castagnoli) != binary.LittleEndian.Uint32(data[4:]) {
		return nil, fmt.Errorf("%w: token filter checksum differs", errDamaged)
	}
	t := &tok{columns: map[string][]int{}, ext: map[string]bool{}, size: len(data)}
	r := tokReader{Cursor: bounded.Over(data[8:])}
	t.Rows, t.Length = int(r.Varint()), r.Varint()
	t.Fixed, t.Columns = r.columns(), r.columns()
	t.Ext = make([]extMeta, r.list(maxExtNames, 2))
	for i := range t.Ext {
		t.Ext[i] = extMeta{r.text(), int(r.Varint())}
	}
	t.ExtMany = r.Varint() != 0
	t.tokens = readFilter(r.bytes())
	t.ids = readFilter(r.bytes())
	if !r.Whole() {
		return nil, damaged("token filter head")
	}
	if err := t.check(); err != nil {
		return nil, fmt.Errorf("token filter: %w", err)
	}
	for i, c := range t.Columns {
		t.columns[c.Field] = append(t.columns[c.Field], i)
	}
	for _, e := range t.Ext {
		t.ext[e.Field] = true
	}
	return t, nil
}

// inExt reports whether the ext column may hold a field.
func (t *tok) inExt(field string) bool { return t.ExtMany || t.ext[field] }
