package local

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"

	"hoalu/internal/bounded"
)

// What a damaged or forged file may make a reader allocate is bounded before it is allocated: lengths that a .tok file or a Parquet footer
// names are held against what is there and against these bounds, and a page is looked at before its decoder runs, as the decoders of
// the Parquet library make room for as many values as a page says it has. A checksum does not help: whoever forges a file
// forges it too.
const (
	maxFileRows    = 1 << 20   // 32 times what compaction writes
	maxTokSize     = 256 << 20 // of a .tok file
	maxFooterSize  = 64 << 20
	maxFooterItems = 1 << 16   // entries of all lists of a footer; 256 columns have some 3,000
	maxPage        = 256 << 20 // of a page, decompressed
	maxPageValues  = 1 << 24
)

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errDamaged, fmt.Sprintf(format, args...))
}

// readTok reads a .tok file.
func readTok(path string) (*tok, int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, 0, err
	}
	if info.Size() > maxTokSize {
		return nil, 0, damaged("token filter of %d bytes", info.Size())
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, 0, err
	}
	t, err := decodeTok(data)
	return t, int64(len(data)), err
}

// check holds what the head of a .tok file says of its Parquet file against itself.
func (t *tok) check() error {
	if t.Rows <= 0 || t.Rows > maxFileRows || t.Length < 0 {
		return damaged("%d rows in %d bytes", t.Rows, t.Length)
	}
	if len(t.Fixed) != len(fixedColumns) {
		return damaged("%d fixed columns", len(t.Fixed))
	}
	for i := range t.Fixed {
		c, want := &t.Fixed[i], &fixedColumns[i]
		if c.Name != want.Name || c.Form != want.Form || c.Required != want.Required || c.Dict != want.Dict || c.Repeated {
			return damaged("column %q where %s should be", c.Name, want.Name)
		}
		if err := c.check(t.Rows, t.Length); err != nil {
			return err
		}
	}
	for i := range t.Columns {
		if c := &t.Columns[i]; c.Required || c.Form >= forms {
			return damaged("column %q of form %d", c.Name, c.Form)
		} else if err := c.check(t.Rows, t.Length); err != nil {
			return err
		}
	}
	return nil
}

func (c *columnMeta) check(rows int, length int64) error {
	if c.DictPage != nil {
		if err := c.DictPage.check(length); err != nil {
			return damaged("dictionary of column %q: %v", c.Name, err)
		}
	}
	if c.Dict && c.DictPage == nil {
		return damaged("column %q lacks its dictionary", c.Name)
	}
	sum := 0
	for i := range c.Pages {
		p := &c.Pages[i]
		if err := p.check(length); err != nil {
			return damaged("page %d of column %q: %v", i, c.Name, err)
		}
		if p.Values < p.Rows || p.Values > p.Rows && !c.Repeated || int(p.Rows) > rows-sum {
			return damaged("page %d of column %q: %d values in %d rows", i, c.Name, p.Values, p.Rows)
		}
		sum += int(p.Rows)
	}
	if sum != rows {
		return damaged("column %q has pages of %d rows in a file of %d", c.Name, sum, rows)
	}
	return nil
}

func (p *pageMeta) check(length int64) error {
	switch {
	case !inFile(p.Offset, int(p.Size), length):
		return fmt.Errorf("%d bytes at %d of %d", p.Size, p.Offset, length)
	case p.Plain > maxPage || p.Size > maxPage:
		return fmt.Errorf("%d bytes decompressed", p.Plain)
	case p.Values > maxPageValues:
		return fmt.Errorf("%d values", p.Values)
	}
	return nil
}

// inFile says whether n bytes at offset lie in a file of size bytes.
func inFile(offset int64, n int, size int64) bool {
	return offset >= 0 && n >= 0 && offset <= size && int64(n) <= size-offset
}

// checkRuns walks the runs of an RLE and bit-packed list (Parquet's "RLE") of n values: they must lie in body and be n in all, up to
// the seven that fill the last byte.
func checkRuns(body []byte, width, n int) error {
	if width > 32 {
		return damaged("values of %d bits", width)
	}
	for total := 0; len(body) > 0; {
		head, size := binary.Uvarint(body)
		if size <= 0 {
			return damaged("head of a run")
		}
		body = body[size:]
		count, take := head>>1, uint64(width+7)/8
		if count > uint64(n)+7 {
			return damaged("a run of %d in a page of %d values", count, n)
		}
		if head&1 != 0 { // count groups of eight
			take = count * uint64(width)
			count *= 8
		}
		if take > uint64(len(body)) {
			return damaged("a run of %d bytes, %d are there", take, len(body))
		}
		body = body[take:]
		if total += int(count); total > n+7 {
			return damaged("more than %d values", n)
		}
	}
	return nil
}

// checkDelta reads the head of a DELTA_BINARY_PACKED list, which must say that it has n values.
func checkDelta(body []byte, n int) error {
	for i := range 3 { // size of a block, miniblocks in it, values
		v, size := binary.Uvarint(body)
		switch {
		case size <= 0:
			return damaged("head of packed numbers")
		case i < 2 && (v == 0 || v > 1<<16):
			return damaged("packed numbers in blocks of %d", v)
		case i == 2 && v != uint64(n):
			return damaged("%d values where %d should be", v, n)
		}
		body = body[size:]
	}
	return nil
}

// checkFront makes sure that front-coded texts (DELTA_BYTE_ARRAY) unfold to no more than a page may: each names how much of the text
// before it is repeated.
func (p *page) checkFront(body []byte) error {
	var err error
	if p.ids, err = packedInts.DecodeInt32(p.ids, body); err != nil {
		return damaged("%v", err)
	}
	sum := int64(len(body))
	for _, n := range p.ids {
		if n < 0 {
			return damaged("a prefix of %d bytes", n)
		}
		if sum += int64(n); sum > maxPage {
			return damaged("texts of more than %d bytes", maxPage)
		}
	}
	return nil
}

// checkOffsets makes sure that text i lies in data for every i.
func checkOffsets(data []byte, offs []uint32) error {
	last := uint32(0)
	for _, o := range offs {
		if o < last {
			return damaged("a text that ends before it begins")
		}
		last = o
	}
	if int64(last) > int64(len(data)) {
		return damaged("texts of %d bytes, %d are there", last, len(data))
	}
	return nil
}

// checkLevels makes sure that levels are 0 or 1.
func checkLevels(list []byte) error {
	if bytes.Count(list, one)+bytes.Count(list, zero) != len(list) {
		return damaged("a level above 1")
	}
	return nil
}

var one, zero = []byte{1}, []byte{0}

// checkFooter walks the footer of a Parquet file, a struct of Thrift's compact protocol, before the library makes room for what its lists
// say they hold.
func checkFooter(f *os.File, size int64) error {
	var tail [8]byte
	if size < 12 {
		return damaged("%d bytes are no Parquet file", size)
	}
	if _, err := f.ReadAt(tail[:], size-8); err != nil {
		return err
	}
	n := int64(binary.LittleEndian.Uint32(tail[:]))
	if n > size-12 || n > maxFooterSize {
		return damaged("footer of %d bytes", n)
	}
	data := make([]byte, n)
	if _, err := f.ReadAt(data, size-8-n); err != nil {
		return err
	}
	w := thriftWalk{Cursor: bounded.Over(data)}
	if w.structure(0); w.Bad() {
		return damaged("footer is no list of columns")
	}
	return nil
}

// thriftWalk passes over values of Thrift's compact protocol until the first that does not fit.
type thriftWalk struct {
	bounded.Cursor
	items int
}

// structure passes over fields until the one that ends them.
func (w *thriftWalk) structure(depth int) {
	for !w.Bad() {
		b := w.Byte()
		if b&15 == 0 {
			return
		}
		if b>>4 == 0 {
			w.Uvarint() // the field's own number
		}
		if kind := b & 15; kind > 2 { // 1 and 2 are true and false
			w.value(kind, depth+1)
		}
	}
}

func (w *thriftWalk) value(kind byte, depth int) {
	if depth > 16 {
		w.Fail()
		return
	}
	switch kind {
	case 1, 2, 3: // bool in a list, byte
		w.Take(1)
	case 4, 5, 6:
		w.Uvarint()
	case 7:
		w.Take(8)
	case 8:
		w.Take(w.Uvarint())
	case 9, 10: // list, set
		head := w.Byte()
		n := uint64(head >> 4)
		if n == 15 {
			n = w.Uvarint()
		}
		if w.fits(n, 1) {
			for i := uint64(0); i < n && !w.Bad(); i++ {
				w.value(head&15, depth+1)
			}
		}
	case 11:
		n := w.Uvarint()
		if n == 0 || !w.fits(n, 2) {
			return
		}
		kinds := w.Byte()
		for i := uint64(0); i < n && !w.Bad(); i++ {
			w.value(kinds>>4, depth+1)
			w.value(kinds&15, depth+1)
		}
	case 12:
		w.structure(depth + 1)
	default:
		w.Fail()
	}
}

// fits counts the entries of a list, or those of a map twice: each takes so many bytes at least.
func (w *thriftWalk) fits(n uint64, each int) bool {
	w.items += each * w.Count(n, maxFooterItems/each, each)
	if w.items > maxFooterItems {
		w.Fail()
	}
	return !w.Bad()
}
