package local

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"sort"
	"strconv"
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
	return x.write(events, metas, extNames, fileEntry{System: system, Day: day, Name: name, First: first, Last: last,
		Rows: int64(len(events))})
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

// write makes the file of events whose values are given to cols and to ext; extNames becomes the fields in ext with the number of their
// values.
func (x *encoder) write(events []*ecs.Event, cols []*pending, extNames map[string]int, entry fileEntry) (*encoded, error) {
	x.keys.reset()
	schema := x.schema(events, cols)
	var out bytes.Buffer
	out.Grow(len(events)*128 + 64<<10)
	w := parquet.NewWriter(&out, schema, parquet.Compression(codec), parquet.DataPageVersion(1), parquet.PageBufferSize(pageBytes),
		parquet.DataPageStatistics(false), parquet.ColumnIndexSizeLimit(func([]string) int { return 16 }),
		parquet.CreatedBy("hoalu", strconv.Itoa(fileVersion), ""), parquet.WriteBufferSize(0))
	file := fileColumns{schema, w.ColumnWriters()}
	for i, value := range fixedValues {
		if err := x.writeFixed(file, fixedColumns[i].Name, events, value); err != nil {
			return nil, err
		}
	}
	for _, c := range cols {
		i, cw := file.column(c.Name)
		if err := x.writeColumn(c, i, cw, events); err != nil {
			return nil, fmt.Errorf("column %s: %w", c.Name, err)
		}
	}
	if err := x.writeExt(events, extNames, file); err != nil {
		return nil, err
	}
	ids, outcomes := x.sum(events, &entry)
	if err := w.Flush(); err != nil {
		return nil, fmt.Errorf("write row group: %w", err)
	}
	meta, err := writeFooter(w.SetKeyValueMetadata, out.Bytes(), cols, extNames, outcomes, entry)
	if err != nil {
		return nil, err
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

// addKeys adds the words of a text to the filter of tokens.
func (x *encoder) addKeys(s string) {
	x.buf = query.AppendKeys(x.buf[:0], s)
	for _, k := range x.buf {
		x.keys.add(k)
	}
}

// schema plans every column and says how each is encoded.
func (x *encoder) schema(events []*ecs.Event, cols []*pending) *parquet.Schema {
	group := parquet.Group{
		colTime: timeNode, colCreated: timeNode, colIngested: timeNode,
		colID: idNode, colSystem: dictNode, colSource: dictNode, colExt: parquet.Optional(extNode),
	}
	for _, c := range cols {
		group[c.Name] = x.plan(c, events)
	}
	return parquet.NewSchema("event", group)
}

// fileColumns are the columns of a file that is being written.
type fileColumns struct {
	schema  *parquet.Schema
	writers []*parquet.ColumnWriter
}

// column is the place of a column in its file, and what writes it.
func (c fileColumns) column(name string) (int, *parquet.ColumnWriter) {
	leaf, _ := c.schema.Lookup(name)
	return leaf.ColumnIndex, c.writers[leaf.ColumnIndex]
}

// fixedValues are what the fixed columns hold, but for ext.
var fixedValues = [...]func(e *ecs.Event) parquet.Value{
	fixTime:     func(e *ecs.Event) parquet.Value { return parquet.Int64Value(e.Time) },
	fixCreated:  func(e *ecs.Event) parquet.Value { return parquet.Int64Value(e.Created) },
	fixIngested: func(e *ecs.Event) parquet.Value { return parquet.Int64Value(e.Ingested) },
	fixID:       func(e *ecs.Event) parquet.Value { return parquet.ByteArrayValue(raw(e.ID)) },
	fixSystem:   func(e *ecs.Event) parquet.Value { return parquet.ByteArrayValue(raw(e.System)) },
	fixSource:   func(e *ecs.Event) parquet.Value { return parquet.ByteArrayValue(raw(e.Source)) },
}

// writeFixed writes a column that every event has a value of.
func (x *encoder) writeFixed(file fileColumns, name string, events []*ecs.Event, value func(e *ecs.Event) parquet.Value) error {
	i, cw := file.column(name)
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

// sum is what is known of all events of a file together: the filter of their ids, how many each source has in each minute, and in entry
// their times. What they have in common goes to the filter of tokens.
func (x *encoder) sum(events []*ecs.Event, entry *fileEntry) (ids filter, outcomes *memtable) {
	ids, outcomes = newFilter(len(events)), newMemtable()
	entry.Min, entry.Max = events[0].Time, events[len(events)-1].Time
	lastSource := ""
	for _, e := range events {
		ids.add(query.IDKey(e.ID))
		outcomes.outcome(e.Source, e.Created).Stored++
		entry.Created = max(entry.Created, e.Created)
		if e.Source != lastSource {
			lastSource = e.Source
			x.addKeys(e.Source)
		}
	}
	x.addKeys(entry.System)
	return ids, outcomes
}

// writeFooter puts what a reader must know into the footer of a file whose pages are written, and answers it as the head of its .tok file.
func writeFooter(set func(key, value string), pages []byte, cols []*pending, extNames map[string]int, outcomes *memtable,
	entry fileEntry) (tokMeta, error) {
	sum := sha256.Sum256(pages)
	meta := tokMeta{Rows: int(entry.Rows), Fixed: append([]columnMeta(nil), fixedColumns[:]...)}
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
			return meta, fmt.Errorf("encode %s: %w", key, err)
		}
		set(key, string(text))
	}
	for key, value := range map[string]string{
		"hoalu.version": strconv.Itoa(fileVersion), "hoalu.system": entry.System, "hoalu.day": entry.Day,
		"hoalu.events":         strconv.Itoa(int(entry.Rows)),
		"hoalu.first_sequence": strconv.FormatUint(entry.First, 10), "hoalu.last_sequence": strconv.FormatUint(entry.Last, 10),
		"hoalu.ext_many":     strconv.FormatBool(meta.ExtMany),
		"hoalu.pages_length": strconv.Itoa(len(pages)), "hoalu.pages_sha256": hex.EncodeToString(sum[:]),
	} {
		set(key, value)
	}
	return meta, nil
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
func (x *encoder) plan(c *pending, events []*ecs.Event) parquet.Node {
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
					x.addKeys(v.Text)
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

func (x *encoder) writeExt(events []*ecs.Event, names map[string]int, file fileColumns) error {
	index, cw := file.column(colExt)
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
							x.addKeys(v.Text)
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
