package local

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"sync"
	"unsafe"

	kzstd "github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/delta"
	"github.com/parquet-go/parquet-go/encoding/plain"
	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// Reading goes past Parquet's footer: parsing it took 0.7 ms a file, more than most queries need for the columns they look at. The .tok
// file holds a table of the pages instead, with a checksum of each; the pages themselves are read with parquet-go's own decoders.

// pageMeta is where the body of a page stands.
type pageMeta struct {
	Offset int64  // of the compressed body, after the page header
	Size   uint32 // compressed
	Plain  uint32 // decompressed
	Values uint32 // nulls included
	Rows   uint32
	CRC    uint32 // CRC-32C of the compressed body
}

// pagesOf builds the page table of column i of a finished file, checking that the writer encoded it as it was told.
func pagesOf(data []byte, pf *parquet.File, i int, c *columnMeta) error {
	m := &pf.Metadata().RowGroups[0].Columns[i].MetaData
	at := m.DataPageOffset
	if m.DictionaryPageOffset > 0 {
		at = min(at, m.DictionaryPageOffset)
	}
	end := at + m.TotalCompressedSize
	var compact thrift.CompactProtocol
	rows, total := 0, int(pf.NumRows())
	for at < end {
		r := bytes.NewReader(data[at:end])
		var h format.PageHeader
		if err := thrift.NewDecoder(compact.NewReader(r)).Decode(&h); err != nil {
			return fmt.Errorf("page header: %w", err)
		}
		p := pageMeta{Offset: end - int64(r.Len()), Size: uint32(h.CompressedPageSize), Plain: uint32(h.UncompressedPageSize)}
		at = p.Offset + int64(p.Size)
		if at > end {
			return fmt.Errorf("%w: page beyond its column", errDamaged)
		}
		p.CRC = crc32.Checksum(data[p.Offset:at], castagnoli)
		switch h.Type {
		case format.DictionaryPage:
			p.Values = uint32(h.DictionaryPageHeader.V.NumValues)
			c.DictPage = &p
		case format.DataPage:
			p.Values = uint32(h.DataPageHeader.V.NumValues)
			if want := c.encoding(); h.DataPageHeader.V.Encoding != want {
				return fmt.Errorf("page is encoded as %v, not %v", h.DataPageHeader.V.Encoding, want)
			}
			p.Rows = p.Values
			c.Pages = append(c.Pages, p)
		default:
			return fmt.Errorf("page of type %v", h.Type)
		}
	}
	if c.Repeated { // rows differ from values: the offset index knows
		chunk := pf.RowGroups()[0].ColumnChunks()[i]
		idx, err := chunk.OffsetIndex()
		if err != nil {
			return fmt.Errorf("offset index: %w", err)
		}
		if idx.NumPages() != len(c.Pages) {
			return fmt.Errorf("%w: offset index of %d pages, %d are there", errDamaged, idx.NumPages(), len(c.Pages))
		}
		for k := range c.Pages {
			next := int64(total)
			if k+1 < len(c.Pages) {
				next = idx.FirstRowIndex(k + 1)
			}
			c.Pages[k].Rows = uint32(next - idx.FirstRowIndex(k))
		}
	}
	for _, p := range c.Pages {
		rows += int(p.Rows)
	}
	if rows != total {
		return fmt.Errorf("%w: pages of %d rows in a file of %d", errDamaged, rows, total)
	}
	return nil
}

// encoding is the Parquet encoding of a column's data pages.
func (c *columnMeta) encoding() format.Encoding {
	switch {
	case c.Dict:
		return format.RLEDictionary
	case c.Form == formInt:
		return format.DeltaBinaryPacked
	case c.Form == formBool:
		return format.Plain
	case c.Name == colID:
		return format.DeltaByteArray
	}
	return format.DeltaLengthByteArray
}

// page is a decoded data page: values of rows base …, with a definition level where the column has any. It is good until the callback
// that got it returns.
type page struct {
	base int
	rows int
	def  []byte
	rep  []byte
	idx  []int32 // of a dictionary
	ints []int64
	data []byte // of text
	offs []uint32
	bits []byte // of booleans

	packed, plain, text_ []byte // scratch
	ids                  []int32
	numbers              []int64
}

var pagePool = sync.Pool{New: func() any { return new(page) }}

var unzip, _ = kzstd.NewReader(nil, kzstd.WithDecoderConcurrency(0), kzstd.WithDecoderMaxMemory(maxPage), kzstd.WithDecodeAllCapLimit(true))

func (p *page) text(i int) string { return textAt(p.data, p.offs, i) }

func (p *page) bool(i int) bool { return p.bits[i>>3]>>(i&7)&1 != 0 }

func textAt(data []byte, offs []uint32, i int) string {
	a, b := offs[i], offs[i+1]
	if a == b {
		return ""
	}
	return unsafe.String(&data[a], int(b-a))
}

// each calls fn with row and index of each value present; of a column without levels every row has one.
func (p *page) each(fn func(row, i int)) {
	switch {
	case len(p.rep) > 0:
		row, i := -1, 0
		for k, d := range p.def {
			if p.rep[k] == 0 {
				row++
			}
			if d > 0 {
				fn(p.base+row, i)
				i++
			}
		}
	case len(p.def) > 0:
		i := 0
		for row, d := range p.def {
			if d > 0 {
				fn(p.base+row, i)
				i++
			}
		}
	default:
		for row := range p.rows {
			fn(p.base+row, row)
		}
	}
}

// load reads, checks and decompresses the body of a page into p.plain.
func (p *page) load(f *os.File, m *pageMeta) error {
	if cap(p.packed) < int(m.Size) {
		p.packed = make([]byte, m.Size, m.Size+m.Size/4)
	}
	p.packed = p.packed[:m.Size]
	if _, err := f.ReadAt(p.packed, m.Offset); err != nil {
		return err
	}
	if crc32.Checksum(p.packed, castagnoli) != m.CRC {
		return fmt.Errorf("%w: page checksum differs", errDamaged)
	}
	if cap(p.plain) < int(m.Plain) { // what does not fit is refused
		p.plain = make([]byte, 0, m.Plain+m.Plain/4)
	}
	var err error
	if p.plain, err = unzip.DecodeAll(p.packed, p.plain[:0]); err != nil {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	if len(p.plain) != int(m.Plain) {
		return damaged("%d bytes decompressed where %d should be", len(p.plain), m.Plain)
	}
	return nil
}

var (
	levels     = rle.Encoding{BitWidth: 1}
	dictCodes  rle.DictionaryEncoding
	packedInts delta.BinaryPackedEncoding
	packedText delta.LengthByteArrayEncoding
	frontText  delta.ByteArrayEncoding
	plainText  plain.Encoding
)

// level takes one list of levels off body.
func level(dst, body []byte, n int) ([]byte, []byte, error) {
	if len(body) < 4 {
		return nil, nil, fmt.Errorf("%w: levels", errDamaged)
	}
	size := int(binary.LittleEndian.Uint32(body))
	if size < 0 || size > len(body)-4 {
		return nil, nil, fmt.Errorf("%w: levels", errDamaged)
	}
	if err := checkRuns(body[4:4+size], levels.BitWidth, n); err != nil {
		return nil, nil, err
	}
	dst, err := levels.DecodeLevels(dst, body[4:4+size])
	if err != nil {
		return nil, nil, err
	}
	if len(dst) < n {
		return nil, nil, fmt.Errorf("%w: %d levels for %d values", errDamaged, len(dst), n)
	}
	return dst[:n], body[4+size:], checkLevels(dst[:n])
}

// read decodes a data page. With rows (ascending, within the page or beyond) the values of an optional column are left alone when none of
// them has one.
func (p *page) read(f *os.File, c *columnMeta, m *pageMeta, base int, rows []int32) (err error) {
	defer func() { // the library's decoders trust what they read
		if r := recover(); r != nil {
			err = damaged("a page that cannot be decoded: %v", r)
		}
	}()
	if err := p.load(f, m); err != nil {
		return err
	}
	body, n := p.plain, int(m.Values)
	present := n
	p.base, p.rows = base, int(m.Rows)
	p.idx, p.ints, p.data, p.offs, p.bits = nil, nil, nil, p.offs[:0], nil
	if p.rep = p.rep[:0]; c.Repeated {
		if p.rep, body, err = level(p.rep, body, n); err != nil {
			return err
		}
		if rows := bytes.Count(p.rep, zero); rows != p.rows || n > 0 && p.rep[0] != 0 {
			return damaged("values of %d rows where %d should be", rows, p.rows)
		}
	}
	if p.def = p.def[:0]; !c.Required {
		if p.def, body, err = level(p.def, body, n); err != nil {
			return err
		}
		present = bytes.Count(p.def, one)
		if rows != nil && !c.Repeated && !p.holds(rows) {
			clear(p.def)
			present = 0
		}
	}
	if present == 0 {
		return nil
	}
	return p.values(c, body, present)
}

// values decodes the values of a page, as many as are present.
func (p *page) values(c *columnMeta, body []byte, present int) error {
	var err error
	switch {
	case c.Dict:
		if len(body) == 0 {
			return damaged("no values where %d should be", present)
		}
		if err = checkRuns(body[1:], int(body[0]), present); err != nil {
			return err
		}
		if p.ids, err = dictCodes.DecodeInt32(p.ids, body); err == nil && len(p.ids) >= present {
			p.idx = p.ids[:present]
		}
		return p.all(len(p.ids), present, err)
	case c.Form == formBool:
		p.bits = body
		return p.all(len(body)*8, present, nil)
	}
	if err := checkDelta(body, present); err != nil {
		return err
	}
	switch {
	case c.Form == formInt:
		p.numbers, err = packedInts.DecodeInt64(p.numbers, body)
		p.ints = p.numbers
		return p.all(len(p.ints), present, err)
	case c.Name == colID:
		if err = p.checkFront(body); err != nil {
			return err
		}
		p.text_, p.offs, err = frontText.DecodeByteArray(p.text_, body, p.offs)
	default:
		p.text_, p.offs, err = packedText.DecodeByteArray(p.text_, body, p.offs)
	}
	if err = p.all(len(p.offs)-1, present, err); err != nil {
		return err
	}
	p.data = p.text_
	return checkOffsets(p.data, p.offs)
}

// all says whether a decoder gave as many values as should be there.
func (p *page) all(got, present int, err error) error {
	if err != nil {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	if got < present {
		return damaged("%d values where %d should be", got, present)
	}
	return nil
}

// holds reports whether an optional column has a value in one of rows.
func (p *page) holds(rows []int32) bool {
	for _, r := range rows {
		i := int(r) - p.base
		if i >= len(p.def) {
			return false
		}
		if p.def[i] != 0 {
			return true
		}
	}
	return false
}

// pick calls fn for each value of rows (ascending, none before the page) and returns how many rows lie in the page.
func (p *page) pick(rows []int32, fn func(k, i int)) int {
	k, n := 0, 0
	switch {
	case len(p.rep) > 0:
		p.each(func(row, i int) {
			for k < len(rows) && int(rows[k]) < row {
				k++
			}
			if k < len(rows) && int(rows[k]) == row {
				fn(k, i)
			}
		})
		for k < len(rows) && int(rows[k]) < p.base+p.rows {
			k++
		}
	case len(p.def) > 0:
		at := 0
		for ; k < len(rows) && int(rows[k]) < p.base+p.rows; k++ {
			row := int(rows[k]) - p.base
			n += bytes.Count(p.def[at:row], one)
			if at = row; p.def[row] != 0 {
				fn(k, n)
			}
		}
	default:
		for ; k < len(rows) && int(rows[k]) < p.base+p.rows; k++ {
			fn(k, int(rows[k])-p.base)
		}
	}
	return k
}

// dict is the dictionary of a column, not ok for one without.
type dict struct {
	ok   bool
	ints []int64
	data []byte
	offs []uint32
}

func (d *dict) len() int {
	if d.ints != nil {
		return len(d.ints)
	}
	return max(0, len(d.offs)-1)
}

func (d *dict) text(i int) string { return textAt(d.data, d.offs, i) }

// handle is an open filed segment.
type handle struct {
	f *os.File
	t *tok
}

func (h *handle) readDict(c *columnMeta) (d dict, err error) {
	defer func() {
		if r := recover(); r != nil {
			d, err = dict{}, damaged("a dictionary that cannot be decoded: %v", r)
		}
	}()
	if !c.Dict || c.DictPage == nil {
		return dict{}, nil
	}
	p := pagePool.Get().(*page)
	defer pagePool.Put(p)
	if err := p.load(h.f, c.DictPage); err != nil {
		return dict{}, err
	}
	d.ok = true
	if c.Form == formInt {
		d.ints, err = plainText.DecodeInt64(nil, p.plain)
	} else {
		d.data, d.offs, err = plainText.DecodeByteArray(nil, p.plain, nil)
	}
	if err == nil && d.len() < int(c.DictPage.Values) {
		err = fmt.Errorf("%d entries where %d should be", d.len(), c.DictPage.Values)
	}
	if err != nil {
		return dict{}, fmt.Errorf("%w: dictionary: %w", errDamaged, err)
	}
	return d, nil
}

// scanColumn calls fn for each page of a column, after first, which sees the dictionary and may decline the pages.
func (h *handle) scanColumn(ctx context.Context, c *columnMeta, first func(*dict) bool, fn func(*dict, *page) error) error {
	d, err := h.readDict(c)
	if err != nil {
		return fmt.Errorf("column %s: %w", c.Name, err)
	}
	if first != nil && !first(&d) {
		return nil
	}
	p := pagePool.Get().(*page)
	defer pagePool.Put(p)
	base := 0
	for i := range c.Pages {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := p.read(h.f, c, &c.Pages[i], base, nil); err != nil {
			return fmt.Errorf("column %s: %w", c.Name, err)
		}
		if err := p.checkIndexes(&d); err != nil {
			return fmt.Errorf("column %s: %w", c.Name, err)
		}
		if err := fn(&d, p); err != nil {
			return fmt.Errorf("column %s: %w", c.Name, err)
		}
		base += int(c.Pages[i].Rows)
	}
	return nil
}

// checkIndexes makes sure that every index is in the dictionary, so that a damaged one is an error and no panic.
func (p *page) checkIndexes(d *dict) error {
	n := int32(d.len())
	for _, i := range p.idx {
		if uint32(i) >= uint32(n) {
			return fmt.Errorf("%w: entry %d of a dictionary of %d", errDamaged, i, n)
		}
	}
	return nil
}

// rowsOf calls fn for each value of the given rows (ascending) of a column, reading only the pages that hold them.
func (h *handle) rowsOf(ctx context.Context, c *columnMeta, rows []int32, fn func(k int, d *dict, p *page, i int)) error {
	var d dict
	p := pagePool.Get().(*page)
	defer pagePool.Put(p)
	base, k := 0, 0
	for i := range c.Pages {
		end := base + int(c.Pages[i].Rows)
		if k < len(rows) && int(rows[k]) < end {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := p.read(h.f, c, &c.Pages[i], base, rows[k:]); err != nil {
				return fmt.Errorf("column %s: %w", c.Name, err)
			}
			if p.idx != nil && !d.ok {
				var err error
				if d, err = h.readDict(c); err != nil {
					return fmt.Errorf("column %s: %w", c.Name, err)
				}
			}
			if err := p.checkIndexes(&d); err != nil {
				return fmt.Errorf("column %s: %w", c.Name, err)
			}
			from := k
			k += p.pick(rows[k:], func(j, i int) { fn(from+j, &d, p, i) })
		}
		base = end
	}
	return nil
}
