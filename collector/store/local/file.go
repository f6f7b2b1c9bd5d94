package local

import (
	"container/list"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/bits"
	"net/url"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/parquet-go/parquet-go"

	"hoalu/ecs"
	"hoalu/ecs/query"
)

// file is a filed segment; what is read of it stands in the cache.
type file struct {
	fileEntry
	path string // without .parquet and .tok
}

func newFile(dir string, e fileEntry) *file {
	return &file{fileEntry: e, path: filepath.Join(dir, systemDir(e.System), e.Day, e.Name)}
}

// systemDir is the folder of a system: its number, made safe as a file name.
func systemDir(system string) string {
	if system == "" {
		return "_none"
	}
	if s := url.PathEscape(system); s[0] != '.' && s != "l0" {
		return s
	}
	return "%" + url.PathEscape(system)
}

// fileCache keeps token filters by bytes and open Parquet files by number, least recently used first out.
type fileCache struct {
	mu      sync.Mutex
	toks    map[string]*list.Element
	tokLRU  *list.List // of *cachedTok
	tokSize int
	open    map[string]*list.Element
	openLRU *list.List // of *handle
}

const (
	maxTokBytes  = 48 << 20
	maxOpenFiles = 192
)

type cachedTok struct {
	path string
	tok  *tok
}

func newFileCache() *fileCache {
	return &fileCache{toks: map[string]*list.Element{}, tokLRU: list.New(), open: map[string]*list.Element{}, openLRU: list.New()}
}

// tok returns the token filter of a file.
func (c *fileCache) tok(f *file) (*tok, error) {
	c.mu.Lock()
	if el := c.toks[f.path]; el != nil {
		c.tokLRU.MoveToFront(el)
		c.mu.Unlock()
		return el.Value.(*cachedTok).tok, nil
	}
	c.mu.Unlock()
	data, err := os.ReadFile(f.path + ".tok")
	if err != nil {
		return nil, err
	}
	t, err := decodeTok(data)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if el := c.toks[f.path]; el != nil {
		return el.Value.(*cachedTok).tok, nil
	}
	c.toks[f.path] = c.tokLRU.PushFront(&cachedTok{f.path, t})
	c.tokSize += t.size
	for c.tokSize > maxTokBytes && c.tokLRU.Len() > 1 {
		el := c.tokLRU.Back()
		old := c.tokLRU.Remove(el).(*cachedTok)
		delete(c.toks, old.path)
		c.tokSize -= old.tok.size
	}
	return t, nil
}

// handle is an open Parquet file.
type handle struct {
	path string
	os   *os.File
	pf   *parquet.File
	cols []parquet.ColumnChunk
	refs int // guarded by the cache
	gone bool

	tok     *tok          // nil while a file is verified before it is in use
	checked []atomic.Bool // columns whose checksum was compared
}

// acquire opens a file or finds it open; release gives it back.
func (c *fileCache) acquire(f *file) (*handle, error) {
	c.mu.Lock()
	if el := c.open[f.path]; el != nil {
		c.openLRU.MoveToFront(el)
		h := el.Value.(*handle)
		h.refs++
		c.mu.Unlock()
		return h, nil
	}
	c.mu.Unlock()
	t, err := c.tok(f)
	if err != nil {
		return nil, err
	}
	h, err := openHandle(f.path, t)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if el := c.open[f.path]; el != nil {
		h.os.Close()
		h = el.Value.(*handle)
		h.refs++
		return h, nil
	}
	h.refs = 1
	c.open[f.path] = c.openLRU.PushFront(h)
	for el := c.openLRU.Back(); el != nil && c.openLRU.Len() > maxOpenFiles; {
		prev := el.Prev()
		if old := el.Value.(*handle); old.refs == 0 {
			c.openLRU.Remove(el)
			delete(c.open, old.path)
			old.os.Close()
		}
		el = prev
	}
	return h, nil
}

func (c *fileCache) release(h *handle) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if h.refs--; h.refs == 0 && h.gone {
		h.os.Close()
	}
}

// drop forgets a file that is removed.
func (c *fileCache) drop(path string) {
	path = trimExt(path)
	c.mu.Lock()
	defer c.mu.Unlock()
	if el := c.toks[path]; el != nil {
		c.tokSize -= c.tokLRU.Remove(el).(*cachedTok).tok.size
		delete(c.toks, path)
	}
	if el := c.open[path]; el != nil {
		h := c.openLRU.Remove(el).(*handle)
		delete(c.open, path)
		if h.gone = true; h.refs == 0 {
			h.os.Close()
		}
	}
}

func trimExt(path string) string { return path[:len(path)-len(filepath.Ext(path))] }

func (c *fileCache) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, el := range c.open {
		h := el.Value.(*handle)
		if h.gone = true; h.refs == 0 {
			h.os.Close()
		}
	}
	c.open, c.openLRU = map[string]*list.Element{}, list.New()
}

func openHandle(path string, t *tok) (*handle, error) {
	f, err := os.Open(path + ".parquet")
	if err != nil {
		return nil, err
	}
	h, err := openParquet(f, t)
	if err != nil {
		f.Close()
		return nil, err
	}
	h.path, h.os = path, f
	return h, nil
}

func openParquet(f *os.File, t *tok) (*handle, error) {
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if t != nil {
		if st.Size() != t.Length || t.Pages < 0 || t.Pages > t.Length {
			return nil, fmt.Errorf("%w: %d bytes, written were %d", errDamaged, st.Size(), t.Length)
		}
		if err := checkRange(f, t.Pages, t.Length-t.Pages, t.Tail); err != nil {
			return nil, fmt.Errorf("footer: %w", err)
		}
	}
	pf, err := parquet.OpenFile(f, st.Size(), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true), parquet.SkipMagicBytes(true), parquet.ReadBufferSize(32<<10), parquet.OptimisticRead(true))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	if v, ok := pf.Lookup("hoalu.version"); !ok {
		return nil, fmt.Errorf("%w: the footer has no hoalu.version", errDamaged)
	} else if n, err := strconv.Atoi(v); err != nil || n > fileVersion {
		return nil, fmt.Errorf("file of version %s, this program reads up to %d: install the newer program", v, fileVersion)
	}
	h := &handle{pf: pf, os: f, tok: t}
	if groups := pf.RowGroups(); len(groups) == 1 {
		h.cols = groups[0].ColumnChunks()
		h.checked = make([]atomic.Bool, len(h.cols))
	} else {
		return nil, fmt.Errorf("%w: %d row groups", errDamaged, len(groups))
	}
	return h, nil
}

// chunk finds a column by name.
func (h *handle) chunk(name string) (parquet.ColumnChunk, error) {
	leaf, ok := h.pf.Schema().Lookup(name)
	if !ok {
		return nil, fmt.Errorf("%w: no column %s", errDamaged, name)
	}
	i := leaf.ColumnIndex
	if h.tok != nil && !h.checked[i].Load() {
		if i >= len(h.tok.Chunks) {
			return nil, fmt.Errorf("%w: no checksum of column %s", errDamaged, name)
		}
		from, n := chunkRange(h.pf, i)
		if err := checkRange(h.os, from, n, h.tok.Chunks[i]); err != nil {
			return nil, fmt.Errorf("column %s: %w", name, err)
		}
		h.checked[i].Store(true)
	}
	return h.cols[i], nil
}

var checkBuffers = sync.Pool{New: func() any { return new([64 << 10]byte) }}

// checkRange compares the CRC-32C of a range of a file.
func checkRange(f *os.File, from, n int64, want uint32) error {
	buf := checkBuffers.Get().(*[64 << 10]byte)
	defer checkBuffers.Put(buf)
	sum := uint32(0)
	for n > 0 {
		part := buf[:min(n, int64(len(buf)))]
		if _, err := f.ReadAt(part, from); err != nil {
			return err
		}
		sum = crc32.Update(sum, castagnoli, part)
		from, n = from+int64(len(part)), n-int64(len(part))
	}
	if sum != want {
		return fmt.Errorf("%w: checksum differs", errDamaged)
	}
	return nil
}

// page is a data page as its parts: values of rows base …, with a definition level where the column has any.
type page struct {
	parquet.Page
	base  int
	rows  int
	def   []byte
	rep   []byte
	idx   []int32 // of a dictionary
	ints  []int64
	data  []byte // of text
	offs  []uint32
	bools []bool
}

func (p *page) text(i int) string {
	a, b := p.offs[i], p.offs[i+1]
	if a == b {
		return ""
	}
	return unsafe.String(&p.data[a], int(b-a))
}

func newPage(pg parquet.Page, base int, fm form) (page, error) {
	p := page{Page: pg, base: base, rows: int(pg.NumRows()), def: pg.DefinitionLevels(), rep: pg.RepetitionLevels()}
	if fm == formBool {
		// Bits may begin anywhere in a slice of a page; the value reader knows where.
		values := make([]parquet.Value, pg.NumValues())
		n, err := pg.Values().ReadValues(values)
		if err != nil && !errors.Is(err, io.EOF) {
			return p, err
		}
		for _, v := range values[:n] {
			if !v.IsNull() {
				p.bools = append(p.bools, v.Boolean())
			}
		}
		return p, nil
	}
	d := pg.Data()
	switch {
	case pg.Dictionary() != nil:
		p.idx = d.Int32()
	case fm == formInt:
		p.ints = d.Int64()
	default:
		p.data, p.offs = d.ByteArray()
	}
	return p, nil
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

// dict is the dictionary of a column, empty for one without.
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

func (d *dict) text(i int) string {
	a, b := d.offs[i], d.offs[i+1]
	if a == b {
		return ""
	}
	return unsafe.String(&d.data[a], int(b-a))
}

func readDict(pages parquet.Pages, fm form) (dict, error) {
	fp, ok := pages.(*parquet.FilePages)
	if !ok {
		return dict{}, fmt.Errorf("column pages are %T", pages)
	}
	d, err := fp.ReadDictionary()
	if err != nil || d == nil {
		return dict{}, err
	}
	v := d.Page().Data()
	out := dict{ok: true}
	if fm == formInt {
		out.ints = v.Int64()
	} else {
		out.data, out.offs = v.ByteArray()
	}
	return out, nil
}

// scanColumn calls each page of a column, after first, which sees the dictionary and may decline the pages.
func (h *handle) scanColumn(ctx context.Context, name string, fm form, hasDict bool, first func(*dict) bool, fn func(*dict, *page) error) error {
	chunk, err := h.chunk(name)
	if err != nil {
		return err
	}
	pages := chunk.Pages()
	defer pages.Close()
	var d dict
	if hasDict {
		if d, err = readDict(pages, fm); err != nil {
			return fmt.Errorf("column %s: %w", name, err)
		}
	}
	if first != nil && !first(&d) {
		return nil
	}
	base := 0
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		pg, err := pages.ReadPage()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("column %s: %w", name, err)
		}
		p, err := newPage(pg, base, fm)
		if err == nil {
			err = fn(&d, &p)
		}
		base += p.rows
		parquet.Release(pg)
		if err != nil {
			return fmt.Errorf("column %s: %w", name, err)
		}
	}
}

// rowsOf calls fn for each value of the given rows (ascending) of a column, reading only the pages that hold them.
func (h *handle) rowsOf(ctx context.Context, name string, fm form, hasDict bool, rows []int32, fn func(k int, d *dict, p *page, i int)) error {
	chunk, err := h.chunk(name)
	if err != nil {
		return err
	}
	pages := chunk.Pages()
	defer pages.Close()
	var d dict
	if hasDict {
		if d, err = readDict(pages, fm); err != nil {
			return fmt.Errorf("column %s: %w", name, err)
		}
	}
	base := 0
	for k := 0; k < len(rows); {
		if err := ctx.Err(); err != nil {
			return err
		}
		// A page holds thousands of rows: seek where the next row is far, read on where it is near.
		if int(rows[k])-base > 256 {
			if err := pages.SeekToRow(int64(rows[k])); err != nil {
				return fmt.Errorf("column %s: %w", name, err)
			}
			base = int(rows[k])
		}
		pg, err := pages.ReadPage()
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("column %s: %w: it ends at row %d", name, errDamaged, base)
		}
		if err != nil {
			return fmt.Errorf("column %s: %w", name, err)
		}
		p, err := newPage(pg, base, fm)
		if err != nil {
			return fmt.Errorf("column %s: %w", name, err)
		}
		end := base + p.rows
		p.each(func(row, i int) {
			for k < len(rows) && int(rows[k]) < row {
				k++
			}
			if k < len(rows) && int(rows[k]) == row {
				fn(k, &d, &p, i)
			}
		})
		for k < len(rows) && int(rows[k]) < end {
			k++
		}
		base = end
		parquet.Release(pg)
	}
	return nil
}

// bitmap marks rows.
type bitmap []uint64

func newBitmap(n int) bitmap { return make(bitmap, (n+63)/64) }

func (b bitmap) set(i int)      { b[i>>6] |= 1 << (i & 63) }
func (b bitmap) has(i int) bool { return b[i>>6]&(1<<(i&63)) != 0 }

func (b bitmap) setRange(lo, hi int) {
	for i := lo; i < hi; {
		if i&63 == 0 && hi-i >= 64 {
			b[i>>6] = ^uint64(0)
			i += 64
			continue
		}
		b.set(i)
		i++
	}
}

func (b bitmap) count() int64 {
	n := 0
	for _, w := range b {
		n += bits.OnesCount64(w)
	}
	return int64(n)
}

func (b bitmap) any() bool {
	for _, w := range b {
		if w != 0 {
			return true
		}
	}
	return false
}

func (b bitmap) clone() bitmap { return append(bitmap(nil), b...) }

// each calls fn with the rows that are set, ascending.
func (b bitmap) each(fn func(row int)) {
	for i, w := range b {
		for ; w != 0; w &= w - 1 {
			fn(i<<6 + bits.TrailingZeros64(w))
		}
	}
}

// filePart searches a filed segment.
type filePart struct {
	s *Store
	f *file
}

func (p filePart) name() string         { return systemDir(p.f.System) + "/" + p.f.Day + "/" + p.f.Name }
func (p filePart) span() (int64, int64) { return p.f.Min, p.f.Max }
func (p filePart) rows() int64          { return p.f.Rows }

func (p filePart) judge(pl *plan) (verdict, error) {
	// The system alone often decides: look before the filter is read.
	f := facts{system: p.f.System, hasSystem: true, numbers: true, has: func(uint64) bool { return true }}
	if v := pl.root.judge(&f); v != maybe {
		return v, nil
	}
	t, err := p.s.cache.tok(p.f)
	if err != nil {
		return maybe, err
	}
	return pl.root.judge(t.facts(p.f.System)), nil
}

func (t *tok) facts(system string) *facts {
	return &facts{system: system, hasSystem: true, has: t.tokens.has, id: t.ids.has, field: func(f ecs.Field) fieldFact {
		name := f.Name()
		cols := t.columns[name]
		ff := fieldFact{absent: len(cols) == 0 && !t.inExt(name)}
		for _, i := range cols {
			ff.numbers = ff.numbers || t.Columns[i].Form != formText
		}
		return ff
	}}
}

func (p filePart) scan(ctx context.Context, pl *plan, out *partial) error {
	t, err := p.s.cache.tok(p.f)
	if err != nil {
		return err
	}
	h, err := p.s.cache.acquire(p.f)
	if err != nil {
		return err
	}
	defer p.s.cache.release(h)
	x := &eval{ctx: ctx, h: h, t: t, f: p.f, rows: int(p.f.Rows), facts: t.facts(p.f.System)}
	return x.run(pl, out)
}

// eval evaluates a plan on the columns of one file.
type eval struct {
	ctx   context.Context
	h     *handle
	t     *tok
	f     *file
	rows  int
	facts *facts
	times []int64
}

func (x *eval) time() ([]int64, error) {
	if x.times == nil {
		x.times = make([]int64, 0, x.rows)
		err := x.h.scanColumn(x.ctx, colTime, formInt, false, nil, func(_ *dict, p *page) error {
			x.times = append(x.times, p.ints...)
			return nil
		})
		if err != nil {
			return nil, err
		}
		if len(x.times) != x.rows {
			return nil, fmt.Errorf("%w: %d times for %d rows", errDamaged, len(x.times), x.rows)
		}
	}
	return x.times, nil
}

func (x *eval) run(pl *plan, out *partial) error {
	mask := newBitmap(x.rows)
	lo, hi := 0, x.rows
	if _, all := pl.overlaps(x.f.Min, x.f.Max); !all {
		times, err := x.time()
		if err != nil {
			return err
		}
		if pl.From != 0 {
			lo = sort.Search(len(times), func(i int) bool { return times[i] >= pl.From })
		}
		if pl.To != 0 {
			hi = sort.Search(len(times), func(i int) bool { return times[i] >= pl.To })
		}
	}
	mask.setRange(lo, hi)
	match, err := x.step(pl.root, mask)
	if err != nil {
		return err
	}
	n := match.count()
	if n == 0 {
		return nil
	}
	if err := x.hits(pl, match, out); err != nil {
		return err
	}
	for i := range pl.Aggs {
		if err := x.aggregate(&pl.Aggs[i], match, &out.aggs[i]); err != nil {
			return err
		}
	}
	out.count += n
	return nil
}

// step returns the rows of mask that satisfy s; it may change and return mask itself.
func (x *eval) step(s *step, mask bitmap) (bitmap, error) {
	switch s.judge(x.facts) {
	case never:
		clear(mask)
		return mask, nil
	case always:
		return mask, nil
	}
	switch s.op {
	case opAnd:
		// What is cheap first, so that what looks at every value looks at fewer rows.
		kids := append([]*step(nil), s.kids...)
		sort.SliceStable(kids, func(i, j int) bool { return x.cost(kids[i]) < x.cost(kids[j]) })
		var err error
		for _, k := range kids {
			if !mask.any() {
				break
			}
			if mask, err = x.step(k, mask); err != nil {
				return nil, err
			}
		}
		return mask, nil
	case opOr:
		out := newBitmap(x.rows)
		rest := mask.clone()
		for _, k := range s.kids {
			if !rest.any() {
				break
			}
			m, err := x.step(k, rest.clone())
			if err != nil {
				return nil, err
			}
			for i := range out {
				out[i] |= m[i]
				rest[i] &^= m[i]
			}
		}
		return out, nil
	case opNot:
		m, err := x.step(s.kids[0], mask.clone())
		if err != nil {
			return nil, err
		}
		for i := range mask {
			mask[i] &^= m[i]
		}
		return mask, nil
	case opTest:
		out := newBitmap(x.rows)
		if err := x.test(s.test, mask, out); err != nil {
			return nil, err
		}
		for i := range out {
			out[i] &= mask[i]
		}
		return out, nil
	}
	return mask, nil
}

// cost guesses what a step costs: dictionaries little, texts much, all fields most.
func (x *eval) cost(s *step) int {
	if s.op != opTest {
		n := 0
		for _, k := range s.kids {
			n += x.cost(k)
		}
		return n
	}
	t := s.test
	switch {
	case t.Any:
		return 1000
	case t.Field == ecs.EventID:
		return 20
	case t.Field.Virtual():
		return 1
	}
	n := 1
	name := t.Field.Name()
	for _, i := range x.t.columns[name] {
		c := &x.t.Columns[i]
		if c.Dict {
			n += 2
		} else {
			n += 10 + c.Values/1000
		}
	}
	if x.t.inExt(name) {
		n += 200
	}
	return n
}

// test marks the rows of mask with a value that satisfies t.
func (x *eval) test(t *query.Test, mask, out bitmap) error {
	if t.Any {
		if x.f.System != "" && t.Text(x.f.System) {
			copy(out, mask)
			return nil
		}
		if err := x.column(t, columnMeta{Name: colSource, Dict: true}, mask, out); err != nil {
			return err
		}
		if t.MayKeys(x.facts.id) {
			if err := x.column(t, columnMeta{Name: colID}, mask, out); err != nil {
				return err
			}
		}
		if !t.MayKeys(x.facts.has) {
			return nil
		}
		for _, c := range x.t.Columns {
			if c.Form == formText {
				if err := x.column(t, c, mask, out); err != nil {
					return err
				}
			}
		}
		return x.ext(t, mask, out)
	}
	switch t.Field {
	case ecs.Timestamp:
		return x.millis(t, colTime, mask, out)
	case ecs.EventCreated:
		return x.millis(t, colCreated, mask, out)
	case ecs.EventIngested:
		return x.millis(t, colIngested, mask, out)
	case ecs.EventID:
		return x.nonEmpty(t, columnMeta{Name: colID}, mask, out)
	case ecs.SourceID:
		return x.nonEmpty(t, columnMeta{Name: colSource, Dict: true}, mask, out)
	case ecs.SystemID: // judged
		return nil
	}
	name := t.Field.Name()
	for _, i := range x.t.columns[name] {
		c := x.t.Columns[i]
		if c.Form == formInt && !t.MayInt(c.Lo, c.Hi) {
			continue
		}
		if c.Form == formText && !t.MayKeys(x.facts.has) {
			continue
		}
		if err := x.column(t, c, mask, out); err != nil {
			return err
		}
	}
	if x.t.inExt(name) {
		return x.ext(t, mask, out)
	}
	return nil
}

func (x *eval) millis(t *query.Test, name string, mask, out bitmap) error {
	return x.h.scanColumn(x.ctx, name, formInt, false, nil, func(_ *dict, p *page) error {
		for i, ms := range p.ints {
			if row := p.base + i; ms != 0 && mask.has(row) && t.Millis(ms) {
				out.set(row)
			}
		}
		return nil
	})
}

// nonEmpty is column for the identity columns, where the empty text means that the event has none.
func (x *eval) nonEmpty(t *query.Test, c columnMeta, mask, out bitmap) error {
	return x.columnText(c, mask, out, func(s string) bool { return s != "" && t.Text(s) })
}

// column marks the rows with a value in one column that satisfies t.
func (x *eval) column(t *query.Test, c columnMeta, mask, out bitmap) error {
	switch c.Form {
	case formInt:
		return x.columnInt(t, c, mask, out)
	case formBool:
		yes, no := t.Text("true"), t.Text("false")
		if !yes && !no {
			return nil
		}
		return x.h.scanColumn(x.ctx, c.Name, c.Form, false, nil, func(_ *dict, p *page) error {
			p.each(func(row, i int) {
				if p.bools[i] && yes || !p.bools[i] && no {
					out.set(row)
				}
			})
			return nil
		})
	}
	if t.IsExists() {
		return x.present(c, out)
	}
	return x.columnText(c, mask, out, t.Text)
}

// present marks the rows that have a value.
func (x *eval) present(c columnMeta, out bitmap) error {
	return x.h.scanColumn(x.ctx, c.Name, c.Form, c.Dict, nil, func(_ *dict, p *page) error {
		p.each(func(row, _ int) { out.set(row) })
		return nil
	})
}

func (x *eval) columnText(c columnMeta, mask, out bitmap, test func(string) bool) error {
	var match []bool
	first := func(d *dict) bool {
		if !d.ok {
			return true
		}
		some := false
		match = make([]bool, d.len())
		for i := range match {
			match[i] = test(d.text(i))
			some = some || match[i]
		}
		return some
	}
	return x.h.scanColumn(x.ctx, c.Name, c.Form, c.Dict, first, func(d *dict, p *page) error {
		if p.idx != nil {
			markDict(p, match, out)
			return nil
		}
		n := 0
		p.each(func(row, i int) {
			if n++; n&1023 == 0 && x.ctx.Err() != nil {
				return
			}
			if mask.has(row) && !out.has(row) && test(p.text(i)) {
				out.set(row)
			}
		})
		return nil
	})
}

// markDict sets the rows whose dictionary entry matches.
func markDict(p *page, match []bool, out bitmap) {
	if len(p.rep) == 0 && len(p.def) > 0 { // hot: an optional column
		i := 0
		for row, d := range p.def {
			if d != 0 {
				if match[p.idx[i]] {
					out.set(p.base + row)
				}
				i++
			}
		}
		return
	}
	p.each(func(row, i int) {
		if match[p.idx[i]] {
			out.set(row)
		}
	})
}

func (x *eval) columnInt(t *query.Test, c columnMeta, mask, out bitmap) error {
	var match []bool
	first := func(d *dict) bool {
		if !d.ok {
			return true
		}
		some := false
		match = make([]bool, len(d.ints))
		for i, n := range d.ints {
			match[i] = t.Int(n)
			some = some || match[i]
		}
		return some
	}
	return x.h.scanColumn(x.ctx, c.Name, c.Form, c.Dict, first, func(d *dict, p *page) error {
		if p.idx != nil {
			markDict(p, match, out)
			return nil
		}
		p.each(func(row, i int) {
			if mask.has(row) && t.Int(p.ints[i]) {
				out.set(row)
			}
		})
		return nil
	})
}

// extRows calls fn for the rows of mask that have an ext cell.
func (x *eval) extRows(mask bitmap, fn func(row int, e *ecs.Event) error) error {
	if len(x.t.Ext) == 0 && !x.t.ExtMany {
		return nil
	}
	var r extReader
	var e ecs.Event
	return x.h.scanColumn(x.ctx, colExt, formText, false, nil, func(_ *dict, p *page) error {
		var failed error
		n := 0
		p.each(func(row, i int) {
			if failed != nil || !mask.has(row) {
				return
			}
			if n++; n&255 == 0 && x.ctx.Err() != nil {
				failed = x.ctx.Err()
				return
			}
			e.Reset()
			if failed = r.read(&e, raw(p.text(i))); failed == nil {
				failed = fn(row, &e)
			}
		})
		return failed
	})
}

func (x *eval) ext(t *query.Test, mask, out bitmap) error {
	return x.extRows(mask, func(row int, e *ecs.Event) error {
		if !out.has(row) && t.Match(e) {
			out.set(row)
		}
		return nil
	})
}

// hits offers the best rows of match. Rows stand in the order of results (or its reverse), so only the first Limit past the cursor count.
func (x *eval) hits(pl *plan, match bitmap, out *partial) error {
	if pl.Limit <= 0 {
		return nil
	}
	times, err := x.time()
	if err != nil {
		return err
	}
	var rows []int32
	ties := 0 // rows at the cursor's own time, of which the id decides
	take := func(row int) bool {
		switch pl.pastTime(times[row]) {
		case -1:
			return true
		case 0:
			ties++
		}
		if out.floor != nil {
			if t := times[row]; t != out.floor.time && (t < out.floor.time) != pl.Ascending {
				return false
			}
		}
		rows = append(rows, int32(row))
		return len(rows)-ties < pl.Limit
	}
	if pl.Ascending {
		stop := false
		for i, w := range match {
			for ; w != 0 && !stop; w &= w - 1 {
				stop = !take(i<<6 + bits.TrailingZeros64(w))
			}
			if stop {
				break
			}
		}
	} else {
		for i := len(match) - 1; i >= 0; i-- {
			stop := false
			for w := match[i]; w != 0 && !stop; {
				top := 63 - bits.LeadingZeros64(w)
				w &^= 1 << top
				stop = !take(i<<6 + top)
			}
			if stop {
				break
			}
		}
		for i, j := 0, len(rows)-1; i < j; i, j = i+1, j-1 {
			rows[i], rows[j] = rows[j], rows[i]
		}
	}
	if len(rows) == 0 {
		return nil
	}
	return x.h.rowsOf(x.ctx, colID, formText, false, rows, func(k int, _ *dict, p *page, i int) {
		out.offer(pl, hit{time: times[rows[k]], id: string(raw(p.text(i))), file: x.f, row: rows[k]})
	})
}

// aggregate adds the rows of match to an aggregation.
func (x *eval) aggregate(agg *query.Agg, match bitmap, a *aggState) error {
	if agg.Kind == query.AggHistogram {
		times, err := x.time()
		if err != nil {
			return err
		}
		bucket, until, n := int64(0), int64(0), int64(0)
		match.each(func(row int) {
			if t := times[row]; n == 0 || t >= until { // times ascend
				if n > 0 {
					a.buckets[bucket] += n
				}
				bucket = floorDiv(t, agg.Interval) * agg.Interval
				until, n = bucket+agg.Interval, 0
			}
			n++
		})
		if n > 0 {
			a.buckets[bucket] += n
		}
		return nil
	}
	switch agg.Field {
	case ecs.SystemID:
		if x.f.System != "" {
			a.addText(x.f.System, match.count())
		}
		return nil
	case ecs.SourceID:
		return x.aggColumn(columnMeta{Name: colSource, Dict: true}, match, a, true)
	case ecs.EventID:
		return x.aggColumn(columnMeta{Name: colID}, match, a, true)
	case ecs.Timestamp, ecs.EventCreated, ecs.EventIngested:
		return x.h.scanColumn(x.ctx, agg.Field.Name(), formInt, false, nil, func(_ *dict, p *page) error {
			for i, ms := range p.ints {
				if ms != 0 && match.has(p.base+i) {
					a.addText(ecs.FormatTime(ms), 1)
				}
			}
			return nil
		})
	}
	name := agg.Field.Name()
	for _, i := range x.t.columns[name] {
		if err := x.aggColumn(x.t.Columns[i], match, a, false); err != nil {
			return err
		}
	}
	if !x.t.inExt(name) {
		return nil
	}
	return x.extRows(match, func(_ int, e *ecs.Event) error {
		a.add(agg, e)
		return nil
	})
}

func (x *eval) aggColumn(c columnMeta, match bitmap, a *aggState, skipEmpty bool) error {
	var counts []int64
	plainInts := map[int64]int64{}
	var yes, no int64
	err := x.h.scanColumn(x.ctx, c.Name, c.Form, c.Dict, nil, func(d *dict, p *page) error {
		if d.ok && counts == nil {
			counts = make([]int64, d.len())
		}
		last := -1
		var here []string // values of a row with several, to count each once
		var idxs []int32
		p.each(func(row, i int) {
			if !match.has(row) {
				return
			}
			if row != last {
				last, here, idxs = row, here[:0], idxs[:0]
			}
			switch {
			case p.idx != nil:
				if c.Repeated {
					for _, j := range idxs {
						if j == p.idx[i] {
							return
						}
					}
					idxs = append(idxs, p.idx[i])
				}
				counts[p.idx[i]]++
			case c.Form == formInt:
				if c.Repeated {
					s := strconv.FormatInt(p.ints[i], 10)
					for _, h := range here {
						if h == s {
							return
						}
					}
					here = append(here, s)
				}
				plainInts[p.ints[i]]++
			case c.Form == formBool:
				s := strconv.FormatBool(p.bools[i])
				for _, h := range here {
					if h == s {
						return
					}
				}
				here = append(here, s)
				if p.bools[i] {
					yes++
				} else {
					no++
				}
			default:
				s := p.text(i)
				if skipEmpty && s == "" {
					return
				}
				if c.Repeated {
					for _, h := range here {
						if h == s {
							return
						}
					}
					here = append(here, s)
				}
				a.addText(s, 1)
			}
		})
		if d.ok && p.idx != nil {
			// The dictionary is released with the pages: count its texts before the last page goes. Counting per page keeps this simple.
			for i, n := range counts {
				if n > 0 {
					s := ""
					if c.Form == formInt {
						s = strconv.FormatInt(d.ints[i], 10)
					} else {
						s = d.text(i)
					}
					if !(skipEmpty && s == "") {
						a.addText(s, n)
					}
					counts[i] = 0
				}
			}
		}
		return nil
	})
	for n, k := range plainInts {
		a.addText(strconv.FormatInt(n, 10), k)
	}
	if yes > 0 {
		a.addText("true", yes)
	}
	if no > 0 {
		a.addText("false", no)
	}
	return err
}

// fetch fills Result.Events from the hits; hits of a file that cannot be read are named in Partial and left out.
func (s *Store) fetch(ctx context.Context, hits []hit, r *query.Result) error {
	byFile := map[*file][]int{}
	for i := range hits {
		if hits[i].file != nil {
			byFile[hits[i].file] = append(byFile[hits[i].file], i)
		}
	}
	for f, list := range byFile {
		sort.Slice(list, func(i, j int) bool { return hits[list[i]].row < hits[list[j]].row })
		rows := make([]int32, len(list))
		for i, k := range list {
			rows[i] = hits[k].row
		}
		events, err := s.rows(ctx, f, rows)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			r.Partial = append(r.Partial, filePart{s, f}.name()+": "+reason(err))
			continue
		}
		for i, k := range list {
			hits[k].e = events[i]
		}
	}
	for i := range hits {
		if hits[i].e != nil {
			r.Events = append(r.Events, hits[i].e)
		}
	}
	return nil
}

// rows reads whole events.
func (s *Store) rows(ctx context.Context, f *file, rows []int32) ([]*ecs.Event, error) {
	h, err := s.cache.acquire(f)
	if err != nil {
		return nil, err
	}
	defer s.cache.release(h)
	return h.readRows(ctx, rows)
}

// readRows reads the events of the given rows (ascending).
func (h *handle) readRows(ctx context.Context, rows []int32) ([]*ecs.Event, error) {
	var cols []columnMeta
	text, _ := h.pf.Lookup("hoalu.columns")
	if err := json.Unmarshal([]byte(text), &cols); err != nil {
		return nil, fmt.Errorf("%w: hoalu.columns: %w", errDamaged, err)
	}
	events := make([]*ecs.Event, len(rows))
	for i := range events {
		events[i] = new(ecs.Event)
	}
	for _, c := range []struct {
		name string
		form form
		dict bool
		set  func(e *ecs.Event, d *dict, p *page, i int)
	}{
		{colTime, formInt, false, func(e *ecs.Event, _ *dict, p *page, i int) { e.Time = p.ints[i] }},
		{colCreated, formInt, false, func(e *ecs.Event, _ *dict, p *page, i int) { e.Created = p.ints[i] }},
		{colIngested, formInt, false, func(e *ecs.Event, _ *dict, p *page, i int) { e.Ingested = p.ints[i] }},
		{colID, formText, false, func(e *ecs.Event, _ *dict, p *page, i int) { e.ID = string(raw(p.text(i))) }},
		{colSystem, formText, true, func(e *ecs.Event, d *dict, p *page, i int) { e.System = string(raw(d.text(int(p.idx[i])))) }},
		{colSource, formText, true, func(e *ecs.Event, d *dict, p *page, i int) { e.Source = string(raw(d.text(int(p.idx[i])))) }},
	} {
		err := h.rowsOf(ctx, c.name, c.form, c.dict, rows, func(k int, d *dict, p *page, i int) { c.set(events[k], d, p, i) })
		if err != nil {
			return nil, err
		}
	}
	var number [24]byte
	for _, c := range cols {
		f := ecs.Intern(c.Field)
		kind := c.Form.kind()
		err := h.rowsOf(ctx, c.Name, c.Form, c.Dict, rows, func(k int, d *dict, p *page, i int) {
			e := events[k]
			switch c.Form {
			case formInt:
				var n int64
				if p.idx != nil {
					n = d.ints[p.idx[i]]
				} else {
					n = p.ints[i]
				}
				e.AddBytes(f, strconv.AppendInt(number[:0], n, 10), kind)
			case formBool:
				e.AddBool(f, p.bools[i])
			default:
				if p.idx != nil {
					e.Add(f, d.text(int(p.idx[i])), kind)
				} else {
					e.Add(f, p.text(i), kind)
				}
			}
		})
		if err != nil {
			return nil, err
		}
	}
	var r extReader
	var failed error
	err := h.rowsOf(ctx, colExt, formText, false, rows, func(k int, _ *dict, p *page, i int) {
		if failed == nil {
			failed = r.read(events[k], raw(p.text(i)))
		}
	})
	if err == nil {
		err = failed
	}
	return events, err
}

// filesKnow is known for filed segments.
func (s *Store) filesKnow(v *view, e *ecs.Event) (bool, error) {
	key := query.IDKey(e.ID)
	for _, f := range v.files {
		if f.System != e.System || (e.Time < f.Min || e.Time > f.Max) && f.Created < e.Created-24*3600_000 {
			continue
		}
		t, err := s.cache.tok(f)
		if err != nil {
			return false, err
		}
		if !t.ids.has(key) {
			continue
		}
		r := partial{}
		pl, err := newPlan(query.Search{Query: query.Term{Field: ecs.EventID, Value: e.ID}})
		if err != nil {
			return false, err
		}
		if err := (filePart{s, f}).scan(context.Background(), pl, &r); err != nil {
			return false, err
		}
		if r.count > 0 {
			return true, nil
		}
	}
	return false, nil
}
