package local

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"hash/maphash"
	"sort"
	"strconv"
	"unicode/utf8"
	"unsafe"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"hoalu/ecs"
	"hoalu/ecs/query"
)

// A filed segment is a Parquet file of one system and day, rows sorted by (@timestamp, event.id), one row group, data page v1, zstd,
// readable by any Parquet reader. The virtual fields are required columns, every other field in frequent use is a column
// of its own name and type, and what is rare or of another kind stands in the column "ext" (ext.go). A field that
// comes as text and as numbers has two columns, the second named "<field>#number".
//
// Beside it lies <name>.tok: which fields there are and the filters of tokens and event ids, so that a search can pass the file by.
const (
	fileVersion = 1
	maxColumns  = 256
	maxExtNames = 4096
	maxDict     = 1 << 20   // bytes of values in a dictionary
	pageBytes   = 128 << 10 // of a data page before compression
	chunkRows   = 1024      // rows handed to the writer at once, fewer where they hold pageBytes or chunkValues; a page ends between chunks
	chunkValues = 16 << 10
)

// form is how the values of a column are written; it fixes their Kind.
type form uint8

const (
	formText   form = iota // string
	formInt                // number written as strconv would write it
	formNumber             // any other number, as its text
	formBool
	forms
	formNone // null and what has no form: only in ext
)

func (f form) kind() ecs.Kind {
	switch f {
	case formText:
		return ecs.String
	case formBool:
		return ecs.Bool
	}
	return ecs.Number
}

func formOf(v ecs.Value) form {
	switch v.Kind {
	case ecs.String:
		if utf8.ValidString(v.Text) {
			return formText
		}
	case ecs.Number:
		if _, ok := query.CanonicalInt(v.Text); ok {
			return formInt
		}
		if utf8.ValidString(v.Text) {
			return formNumber
		}
	case ecs.Bool:
		if v.Text == "true" || v.Text == "false" {
			return formBool
		}
	}
	return formNone
}

// columnMeta describes a column in the footer ("hoalu.columns").
type columnMeta struct {
	Name     string `json:"name"`
	Field    string `json:"field"`
	Form     form   `json:"form"`
	Repeated bool   `json:"repeated,omitempty"`
	Dict     bool   `json:"dict,omitempty"`
	Values   int    `json:"values"`
	Lo       int64  `json:"lo,omitempty"` // of formInt
	Hi       int64  `json:"hi,omitempty"`

	Required bool       `json:"-"` // a fixed column, with a value in every row
	DictPage *pageMeta  `json:"-"`
	Pages    []pageMeta `json:"-"`
}

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

// The fixed columns.
const (
	colTime     = "@timestamp"
	colCreated  = "event.created"
	colIngested = "event.ingested"
	colID       = "event.id"
	colSystem   = "hoalu.system.id"
	colSource   = "hoalu.source.id"
	colExt      = "ext"
)

// fixedColumns are in every file; the index says which is which.
var fixedColumns = [...]columnMeta{
	fixTime:     {Name: colTime, Form: formInt, Required: true},
	fixCreated:  {Name: colCreated, Form: formInt, Required: true},
	fixIngested: {Name: colIngested, Form: formInt, Required: true},
	fixID:       {Name: colID, Required: true},
	fixSystem:   {Name: colSystem, Dict: true, Required: true},
	fixSource:   {Name: colSource, Dict: true, Required: true},
	fixExt:      {Name: colExt},
}

const (
	fixTime = iota
	fixCreated
	fixIngested
	fixID
	fixSystem
	fixSource
	fixExt
)

// pending is a column while its file is made: where its values stand, row and pair.
type pending struct {
	columnMeta
	rows  []uint32
	pairs []uint16
	multi int // rows with more than one value
	last  uint32
	keep  bool
}

// encoder makes filed segments; it keeps its scratch memory, so a goroutine keeps one.
type encoder struct {
	slots   []int32 // by ecs.Field: index into cols/forms of its first form, -1 none
	used    []ecs.Field
	cols    []pending // forms per used field
	kinds   []form    // form of every pair, all events one after the other
	state   []rowState
	keys    keySet
	seen    keySet
	buf     []uint64
	values  []parquet.Value
	extJSON []byte
}

type rowState struct {
	row   uint32 // +1
	form  form
	n     int32
	spill bool
}

// encoded is a filed segment ready to be written.
type encoded struct {
	fileEntry
	parquet, tok []byte
}

func raw(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// encode makes one file of events, which it sorts. first and last are the sequences they came from.
func (x *encoder) encode(events []*ecs.Event, system, day, name string, first, last uint64) (*encoded, error) {
	sort.SliceStable(events, func(i, j int) bool {
		a, b := events[i], events[j]
		return a.Time < b.Time || a.Time == b.Time && a.ID < b.ID
	})
	x.survey(events)
	metas, extNames := x.choose(len(events))
	if err := x.distribute(events); err != nil {
		return nil, err
	}
	return x.write(events, metas, extNames, fileEntry{System: system, Day: day, Name: name, First: first, Last: last, Rows: int64(len(events))})
}

// survey counts values by field and form.
func (x *encoder) survey(events []*ecs.Event) {
	for _, f := range x.used {
		x.slots[f] = -1
	}
	x.used, x.kinds = x.used[:0], x.kinds[:0]
	for i := range x.cols {
		c := &x.cols[i]
		c.rows, c.pairs = c.rows[:0], c.pairs[:0]
		c.columnMeta, c.multi, c.last, c.keep = columnMeta{}, 0, 0, false
	}
	for r, e := range events {
		row := uint32(r) + 1
		for i := range e.Len() {
			f, v := e.At(i)
			fm := formOf(v)
			x.kinds = append(x.kinds, fm)
			for int(f) >= len(x.slots) {
				x.slots = append(x.slots, -1)
			}
			slot := x.slots[f]
			if slot < 0 {
				slot = int32(len(x.used))
				x.slots[f] = slot
				x.used = append(x.used, f)
				for len(x.cols) < len(x.used)*int(forms) {
					x.cols = append(x.cols, pending{})
				}
			}
			if fm == formNone {
				continue
			}
			c := &x.cols[int(slot)*int(forms)+int(fm)]
			c.Values++
			if c.last == row {
				c.multi++
			}
			c.last = row
		}
	}
}

// choose makes columns of what is frequent: below about one row in a thousand a column costs more than its values do in ext.
func (x *encoder) choose(rows int) ([]*pending, map[string]int) {
	least := max(24, rows/1000)
	var list []*pending
	for s, f := range x.used {
		for fm := range forms {
			c := &x.cols[s*int(forms)+int(fm)]
			if c.Values < least {
				continue
			}
			c.Field, c.Name, c.Form = f.Name(), f.Name(), fm
			c.Repeated = c.multi*50 > c.Values-c.multi
			list = append(list, c)
		}
	}
	sort.SliceStable(list, func(i, j int) bool { return list[i].Values > list[j].Values })
	if len(list) > maxColumns {
		list = list[:maxColumns]
	}
	taken := map[string]bool{colTime: true, colCreated: true, colIngested: true, colID: true, colSystem: true, colSource: true, colExt: true}
	suffix := [...]string{"text", "integer", "number", "boolean"}
	for _, c := range list {
		c.keep = true
		if taken[c.Name] {
			c.Name += "#" + suffix[c.Form]
		}
		for taken[c.Name] { // a source that names a field "a#number"
			c.Name += "_"
		}
		taken[c.Name] = true
	}
	return list, map[string]int{}
}

// distribute gives every pair to its column, or leaves it to ext: a row whose values of a field are of several forms, or more than
// one where the column holds one, goes to ext whole, which keeps their order.
func (x *encoder) distribute(events []*ecs.Event) error {
	if len(x.state) < len(x.used) {
		x.state = make([]rowState, len(x.used)*2)
	}
	clear(x.state)
	at := 0
	for r, e := range events {
		n := e.Len()
		if n > 1<<16-1 {
			return fmt.Errorf("event %s has %d values", e.ID, n)
		}
		kinds := x.kinds[at : at+n]
		row := uint32(r) + 1
		for i, fm := range kinds {
			f, _ := e.At(i)
			slot := x.slots[f]
			st := &x.state[slot]
			if st.row != row {
				*st = rowState{row: row, form: fm, n: 1, spill: fm == formNone || !x.cols[int(slot)*int(forms)+int(fm)].keep}
				continue
			}
			st.n++
			if st.form != fm || !st.spill && !x.cols[int(slot)*int(forms)+int(fm)].Repeated {
				st.spill = true
			}
		}
		for i, fm := range kinds {
			f, _ := e.At(i)
			slot := x.slots[f]
			if x.state[slot].spill {
				kinds[i] = formNone
				continue
			}
			c := &x.cols[int(slot)*int(forms)+int(fm)]
			c.rows = append(c.rows, uint32(r))
			c.pairs = append(c.pairs, uint16(i))
		}
		at += n
	}
	return nil
}

var (
	codec    = &zstd.Codec{Level: zstd.SpeedFastest}
	timeNode = parquet.Encoded(parquet.Timestamp(parquet.Millisecond), &parquet.DeltaBinaryPacked)
	dictNode = parquet.Encoded(parquet.String(), &parquet.RLEDictionary)
	textNode = parquet.Encoded(parquet.String(), &parquet.DeltaLengthByteArray)
	idNode   = parquet.Encoded(parquet.String(), &parquet.DeltaByteArray)
	intNode  = parquet.Encoded(parquet.Int(64), &parquet.DeltaBinaryPacked)
	intDict  = parquet.Encoded(parquet.Int(64), &parquet.RLEDictionary)
	boolNode = parquet.Encoded(parquet.Leaf(parquet.BooleanType), &parquet.Plain)
	extNode  = parquet.Encoded(parquet.Leaf(parquet.ByteArrayType), &parquet.DeltaLengthByteArray)
)

func (x *encoder) write(events []*ecs.Event, cols []*pending, extNames map[string]int, entry fileEntry) (*encoded, error) {
	x.keys.reset()
	group := parquet.Group{
		colTime: timeNode, colCreated: timeNode, colIngested: timeNode,
		colID: idNode, colSystem: dictNode, colSource: dictNode, colExt: parquet.Optional(extNode),
	}
	addKeys := func(s string) {
		x.buf = query.AppendKeys(x.buf[:0], s)
		for _, k := range x.buf {
			x.keys.add(k)
		}
	}
	for _, c := range cols {
		group[c.Name] = x.plan(c, events, addKeys)
	}
	schema := parquet.NewSchema("event", group)
	var out bytes.Buffer
	out.Grow(len(events)*128 + 64<<10)
	w := parquet.NewWriter(&out, schema, parquet.Compression(codec), parquet.DataPageVersion(1), parquet.PageBufferSize(pageBytes),
		parquet.DataPageStatistics(false), parquet.ColumnIndexSizeLimit(func([]string) int { return 16 }), parquet.CreatedBy("hoalu", strconv.Itoa(fileVersion), ""), parquet.WriteBufferSize(0))
	writers := w.ColumnWriters()
	column := func(name string) (int, *parquet.ColumnWriter) {
		leaf, _ := schema.Lookup(name)
		return leaf.ColumnIndex, writers[leaf.ColumnIndex]
	}
	// Fixed columns.
	fixed := func(name string, value func(e *ecs.Event) parquet.Value) error {
		i, cw := column(name)
		for from := 0; from < len(events); from += chunkRows {
			x.values = x.values[:0]
			for _, e := range events[from:min(len(events), from+chunkRows)] {
				x.values = append(x.values, value(e).Level(0, 0, i))
			}
			if _, err := cw.WriteRowValues(x.values); err != nil {
				return fmt.Errorf("column %s: %w", name, err)
			}
		}
		return nil
	}
	for _, f := range []struct {
		name  string
		value func(e *ecs.Event) parquet.Value
	}{
		{colTime, func(e *ecs.Event) parquet.Value { return parquet.Int64Value(e.Time) }},
		{colCreated, func(e *ecs.Event) parquet.Value { return parquet.Int64Value(e.Created) }},
		{colIngested, func(e *ecs.Event) parquet.Value { return parquet.Int64Value(e.Ingested) }},
		{colID, func(e *ecs.Event) parquet.Value { return parquet.ByteArrayValue(raw(e.ID)) }},
		{colSystem, func(e *ecs.Event) parquet.Value { return parquet.ByteArrayValue(raw(e.System)) }},
		{colSource, func(e *ecs.Event) parquet.Value { return parquet.ByteArrayValue(raw(e.Source)) }},
	} {
		if err := fixed(f.name, f.value); err != nil {
			return nil, err
		}
	}
	for _, c := range cols {
		i, cw := column(c.Name)
		if err := x.writeColumn(c, i, cw, events); err != nil {
			return nil, fmt.Errorf("column %s: %w", c.Name, err)
		}
	}
	if err := x.writeExt(events, extNames, column, addKeys); err != nil {
		return nil, err
	}
	ids := newFilter(len(events))
	outcomes := newMemtable()
	entry.Min, entry.Max = events[0].Time, events[len(events)-1].Time
	lastSource := ""
	for _, e := range events {
		ids.add(query.IDKey(e.ID))
		outcomes.outcome(e.Source, e.Created).Stored++
		entry.Created = max(entry.Created, e.Created)
		if e.Source != lastSource {
			lastSource = e.Source
			addKeys(e.Source)
		}
	}
	addKeys(entry.System)
	if err := w.Flush(); err != nil {
		return nil, fmt.Errorf("write row group: %w", err)
	}
	pages := sha256.Sum256(out.Bytes())
	meta := tokMeta{Rows: len(events), Fixed: append([]columnMeta(nil), fixedColumns[:]...)}
	for _, c := range cols {
		meta.Columns = append(meta.Columns, c.columnMeta)
	}
	for n, v := range extNames {
		if len(meta.Ext) == maxExtNames {
			meta.ExtMany = true
			break
		}
		meta.Ext = append(meta.Ext, extMeta{n, v})
	}
	sort.Slice(meta.Ext, func(i, j int) bool { return meta.Ext[i].Field < meta.Ext[j].Field })
	for key, value := range map[string]any{"hoalu.columns": meta.Columns, "hoalu.ext": meta.Ext, "hoalu.outcomes": outcomes.list()} {
		text, err := json.Marshal(value)
		if err != nil {
			return nil, fmt.Errorf("encode %s: %w", key, err)
		}
		w.SetKeyValueMetadata(key, string(text))
	}
	for key, value := range map[string]string{
		"hoalu.version": strconv.Itoa(fileVersion), "hoalu.system": entry.System, "hoalu.day": entry.Day, "hoalu.events": strconv.Itoa(len(events)),
		"hoalu.first_sequence": strconv.FormatUint(entry.First, 10), "hoalu.last_sequence": strconv.FormatUint(entry.Last, 10),
		"hoalu.ext_many":     strconv.FormatBool(meta.ExtMany),
		"hoalu.pages_length": strconv.Itoa(out.Len()), "hoalu.pages_sha256": hex.EncodeToString(pages[:]),
	} {
		w.SetKeyValueMetadata(key, value)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("write footer: %w", err)
	}
	whole := sha256.Sum256(out.Bytes())
	if err := meta.pages(out.Bytes()); err != nil {
		return nil, err
	}
	entry.SHA256 = hex.EncodeToString(whole[:])
	tok := encodeTok(meta, x.keys.filter(), ids)
	entry.Bytes = int64(out.Len() + len(tok))
	return &encoded{entry, out.Bytes(), tok}, nil
}

// pages fills in the page tables of a finished file.
func (m *tokMeta) pages(data []byte) error {
	m.Length = int64(len(data))
	pf, err := parquet.OpenFile(bytes.NewReader(data), m.Length, parquet.SkipBloomFilters(true))
	if err != nil {
		return fmt.Errorf("read back footer: %w", err)
	}
	for _, list := range [][]columnMeta{m.Fixed, m.Columns} {
		for i := range list {
			c := &list[i]
			leaf, ok := pf.Schema().Lookup(c.Name)
			if !ok {
				return fmt.Errorf("read back footer: no column %s", c.Name)
			}
			if err := pagesOf(data, pf, leaf.ColumnIndex, c); err != nil {
				return fmt.Errorf("read back column %s: %w", c.Name, err)
			}
		}
	}
	return nil
}

// plan chooses a column's encoding by its distinct values, adding the filter keys of text on the way.
func (x *encoder) plan(c *pending, events []*ecs.Event, addKeys func(string)) parquet.Node {
	var node parquet.Node
	x.seen.reset()
	size := 0
	switch c.Form {
	case formBool:
		node = boolNode
	case formInt:
		distinct := true
		for i, r := range c.rows {
			_, v := events[r].At(int(c.pairs[i]))
			n, _ := query.CanonicalInt(v.Text)
			if i == 0 {
				c.Lo, c.Hi = n, n
			}
			c.Lo, c.Hi = min(c.Lo, n), max(c.Hi, n)
			if distinct {
				x.seen.add(uint64(n) + 1)
				distinct = x.seen.n <= 4096
			}
		}
		c.Dict = distinct && x.seen.n*3 <= len(c.rows)
		node = intNode
		if c.Dict {
			node = intDict
		}
	default:
		for i, r := range c.rows {
			_, v := events[r].At(int(c.pairs[i]))
			if x.seen.add(maphash.String(valueSeed, v.Text)) {
				size += len(v.Text)
				if c.Form == formText {
					addKeys(v.Text)
				}
			}
		}
		c.Dict = x.seen.n*2 <= len(c.rows) && size <= maxDict
		node = textNode
		if c.Dict {
			node = dictNode
		}
	}
	c.Values = len(c.rows)
	if c.Repeated {
		return parquet.Repeated(node)
	}
	return parquet.Optional(node)
}

func (x *encoder) writeColumn(c *pending, index int, cw *parquet.ColumnWriter, events []*ecs.Event) error {
	null := parquet.NullValue().Level(0, 0, index)
	at, r := 0, 0
	for r < len(events) {
		x.values = x.values[:0]
		size := 0
		for to := min(len(events), r+chunkRows); r < to && size < pageBytes && len(x.values) < chunkValues; r++ {
			if at == len(c.rows) || c.rows[at] != uint32(r) {
				x.values = append(x.values, null)
				continue
			}
			for rep := 0; at < len(c.rows) && c.rows[at] == uint32(r); at++ {
				_, v := events[r].At(int(c.pairs[at]))
				var pv parquet.Value
				switch c.Form {
				case formInt:
					n, _ := query.CanonicalInt(v.Text)
					pv = parquet.Int64Value(n)
				case formBool:
					pv = parquet.BooleanValue(v.Text == "true")
				default:
					pv = parquet.ByteArrayValue(raw(v.Text))
					size += len(v.Text)
				}
				x.values = append(x.values, pv.Level(rep, 1, index))
				rep = 1
			}
		}
		if _, err := cw.WriteRowValues(x.values); err != nil {
			return err
		}
	}
	return nil
}

func (x *encoder) writeExt(events []*ecs.Event, names map[string]int, column func(string) (int, *parquet.ColumnWriter), addKeys func(string)) error {
	index, cw := column(colExt)
	at := 0
	for len(events) > 0 {
		x.values, x.extJSON = x.values[:0], x.extJSON[:0]
		type span struct{ from, to int }
		var spans []span
		for len(events) > 0 && len(spans) < chunkRows && len(x.extJSON) < pageBytes {
			e := events[0]
			events = events[1:]
			kinds := x.kinds[at : at+e.Len()]
			at += e.Len()
			before := len(x.extJSON)
			x.extJSON = appendExt(x.extJSON, e, kinds)
			spans = append(spans, span{before, len(x.extJSON)})
			if len(x.extJSON) > before {
				for i, fm := range kinds {
					if fm == formNone {
						f, v := e.At(i)
						names[f.Name()]++
						if v.Kind != ecs.Null {
							addKeys(v.Text)
						}
					}
				}
			}
		}
		for _, s := range spans {
			if s.from == s.to {
				x.values = append(x.values, parquet.NullValue().Level(0, 0, index))
			} else {
				x.values = append(x.values, parquet.ByteArrayValue(x.extJSON[s.from:s.to]).Level(0, 1, index))
			}
		}
		if _, err := cw.WriteRowValues(x.values); err != nil {
			return fmt.Errorf("column ext: %w", err)
		}
	}
	return nil
}

// A .tok file: "HLT" version(1), CRC-32C u32 of the rest, then the head (tokMeta) as varints and length-prefixed texts, the token filter and
// the id filter, each with its length.
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

// tokReader takes a .tok file apart; after a fault it gives zero values and bad is set.
type tokReader struct {
	d   []byte
	bad bool
	at  int64
}

func (r *tokReader) num() int64 {
	n, size := binary.Varint(r.d)
	if size <= 0 {
		r.bad, r.d = true, nil
		return 0
	}
	r.d = r.d[size:]
	return n
}

func (r *tokReader) bytes(n int64) []byte {
	if n < 0 || n > int64(len(r.d)) {
		r.bad, r.d = true, nil
		return nil
	}
	b := r.d[:n]
	r.d = r.d[n:]
	return b
}

func (r *tokReader) text() string { return string(r.bytes(r.num())) }

// list is the length of a list of at most so many entries, each of which takes so many bytes at least.
func (r *tokReader) list(most, each int) int {
	n := r.num()
	if n < 0 || n > int64(most) || n > int64(len(r.d)/each) {
		r.bad, r.d = true, nil
		return 0
	}
	return int(n)
}

func (r *tokReader) page() (p pageMeta) {
	p.Offset = r.at + r.num()
	p.Size, p.Plain, p.Values, p.Rows = uint32(r.num()), uint32(r.num()), uint32(r.num()), uint32(r.num())
	r.at = p.Offset + int64(p.Size)
	if b := r.bytes(4); b != nil {
		p.CRC = binary.LittleEndian.Uint32(b)
	}
	return p
}

func (r *tokReader) columns() []columnMeta {
	list := make([]columnMeta, r.list(maxColumns+len(fixedColumns), 8))
	for i := range list {
		c := &list[i]
		c.Name, c.Field, c.Form = r.text(), r.text(), form(r.num())
		flags := r.num()
		c.Repeated, c.Dict, c.Required = flags&1 != 0, flags&2 != 0, flags&4 != 0
		c.Values, c.Lo, c.Hi = int(r.num()), r.num(), r.num()
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
	r := tokReader{d: data[8:]}
	t.Rows, t.Length = int(r.num()), r.num()
	t.Fixed, t.Columns = r.columns(), r.columns()
	t.Ext = make([]extMeta, r.list(maxExtNames, 2))
	for i := range t.Ext {
		t.Ext[i] = extMeta{r.text(), int(r.num())}
	}
	t.ExtMany = r.num() != 0
	t.tokens = readFilter(r.bytes(r.num()))
	t.ids = readFilter(r.bytes(r.num()))
	if r.bad || len(r.d) != 0 {
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
