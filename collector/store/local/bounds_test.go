package local

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	kzstd "github.com/klauspost/compress/zstd"

	"hoalu/collector/store"
	"hoalu/ecs"
)

// mostAlloc is what reading one forged file of some 100 kB may allocate.
const mostAlloc = 48 << 20

// allocated runs do and answers how many bytes it allocated.
func allocated(do func()) int64 {
	var a, b runtime.MemStats
	runtime.ReadMemStats(&a)
	do()
	runtime.ReadMemStats(&b)
	return int64(b.TotalAlloc - a.TotalAlloc)
}

// filedSegment is a filed segment with columns of every kind: its path without an ending.
func filedSegment(t *testing.T) (dir, path string) {
	t.Helper()
	dir = t.TempDir()
	s, err := Open(Config{Dir: dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	many, num, flag, rare := ecs.Intern("test.repeated"), ecs.Intern("test.number"), ecs.Intern("test.flag"), ecs.Intern("test.rare")
	b := store.Block{First: 1, Last: 1}
	for i := range 3000 {
		e := &ecs.Event{ID: fmt.Sprintf("q%06d-0", i), Time: 1_770_000_000_000 + int64(i), Created: 1_770_000_000_000, System: "HT-001",
			Source: "NG-0001"}
		e.AddString(ecs.Message, fmt.Sprint("dòng nhật ký số ", i))
		e.AddString(ecs.HostName, fmt.Sprint("may-", i%5))
		for k := range i % 4 {
			e.AddString(many, fmt.Sprint("nhãn ", k))
		}
		e.AddInt(num, int64(i)*7919)
		e.AddInt(ecs.EventCode, int64(i%3))
		e.AddBool(flag, i%2 == 0)
		if i%500 == 0 {
			e.Add(rare, "", ecs.Null)
		}
		b.Events = append(b.Events, e)
	}
	if err := s.Append(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if err := s.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "HT-001", "*", "*.parquet"))
	if len(files) != 1 {
		t.Fatalf("%d files", len(files))
	}
	return dir, strings.TrimSuffix(files[0], ".parquet")
}

// readAll reads a filed segment as a rebuild and a search do: its .tok, its footer and every page of every column.
func readAll(dir, path string) error {
	f, err := (&rebuild{dir: dir, log: slog.New(slog.DiscardHandler), cache: newFileCache(), ids: map[string]map[string]bool{}}).file(path +
		".parquet")
	if err != nil {
		return err
	}
	h, err := newFileCache().open(f)
	if err != nil {
		return err
	}
	defer h.f.Close()
	for _, list := range [][]columnMeta{h.t.Fixed, h.t.Columns} {
		for i := range list {
			c := &list[i]
			read := 0
			err := h.scanColumn(context.Background(), c, nil, func(d *dict, p *page) error {
				p.each(func(row, i int) {
					switch {
					case p.idx != nil && c.Form != formInt:
						read += len(d.text(int(p.idx[i])))
					case p.idx != nil:
						read += int(d.ints[p.idx[i]])
					case p.ints != nil:
						read += int(p.ints[i])
					case p.bits != nil && p.bool(i):
						read++
					case p.bits == nil:
						read += len(p.text(i))
					}
					if row >= h.t.Rows {
						panic("a row beyond the file")
					}
				})
				return nil
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// refused checks that a forged segment is refused as damaged, having allocated little.
func refused(t *testing.T, what, dir, path string) {
	t.Helper()
	var err error
	n := allocated(func() { err = readAll(dir, path) })
	if !errors.Is(err, errDamaged) {
		t.Errorf("%s: %v, want that it is damaged", what, err)
	}
	if n > mostAlloc {
		t.Errorf("%s: %d MB allocated before %v", what, n>>20, err)
	}
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestForgedTok: a .tok file with a right checksum that names more than there is, or more than there can be, is refused before anything of
// its size is allocated.
func TestForgedTok(t *testing.T) {
	dir, path := filedSegment(t)
	good, err := os.ReadFile(path + ".tok")
	if err != nil {
		t.Fatal(err)
	}
	if err := readAll(dir, path); err != nil {
		t.Fatalf("the file as it was written: %v", err)
	}
	column := func(m *tokMeta, name string) *columnMeta {
		i := slices.IndexFunc(m.Columns, func(c columnMeta) bool { return c.Name == name })
		if i < 0 {
			t.Fatalf("no column %s", name)
		}
		return &m.Columns[i]
	}
	for what, change := range map[string]func(*tokMeta){
		"no rows":                         func(m *tokMeta) { m.Rows = 0 },
		"rows of a million files":         func(m *tokMeta) { m.Rows = 1 << 40 },
		"rows below zero":                 func(m *tokMeta) { m.Rows = -5 },
		"one row more":                    func(m *tokMeta) { m.Rows++ },
		"a page of 4 GB":                  func(m *tokMeta) { column(m, "message").Pages[0].Plain = 1<<32 - 1 },
		"a page of less than it holds":    func(m *tokMeta) { column(m, "message").Pages[0].Plain -= 9 },
		"a page of more than it holds":    func(m *tokMeta) { column(m, "message").Pages[0].Plain += 9 },
		"a page of 4 GB compressed":       func(m *tokMeta) { m.Fixed[fixTime].Pages[0].Size = 1<<32 - 1 },
		"a page before the file":          func(m *tokMeta) { m.Fixed[fixTime].Pages[0].Offset = -1 << 40 },
		"a page behind the file":          func(m *tokMeta) { m.Fixed[fixTime].Pages[0].Offset = 1 << 50 },
		"4 billion values":                func(m *tokMeta) { column(m, "test.repeated").Pages[0].Values = 1<<32 - 1 },
		"more values than rows":           func(m *tokMeta) { column(m, "test.number").Pages[0].Values++ },
		"fewer rows in a repeated column": func(m *tokMeta) { column(m, "test.repeated").Pages[0].Rows -= 2 },
		"a dictionary of 4 GB":            func(m *tokMeta) { column(m, "host.name").DictPage.Plain = 1<<32 - 1 },
		"no dictionary":                   func(m *tokMeta) { column(m, "host.name").DictPage = nil },
		"a form that is none":             func(m *tokMeta) { column(m, "test.flag").Form = 77 },
		"numbers read as text":            func(m *tokMeta) { column(m, "test.number").Form = formText },
		"a fixed column of another name":  func(m *tokMeta) { m.Fixed[fixID].Name = "message" },
		"a fixed column without a value":  func(m *tokMeta) { m.Fixed[fixTime].Required = false },
		"no page":                         func(m *tokMeta) { m.Fixed[fixID].Pages = nil },
		"a file that is longer":           func(m *tokMeta) { m.Length += 1 << 40 },
	} {
		tk, err := decodeTok(good)
		if err != nil {
			t.Fatal(err)
		}
		change(&tk.tokMeta)
		write(t, path+".tok", encodeTok(tk.tokMeta, tk.tokens, tk.ids))
		refused(t, what, dir, path)
	}
	// Lists that say they are longer than what is left: the number of columns stands behind rows and length.
	head := binary.AppendVarint(binary.AppendVarint(nil, 3000), 100)
	for _, n := range []int64{-1, 1 << 20, 1 << 40, 1<<63 - 1} {
		data := append(append([]byte(tokMagic), fileVersion, 0, 0, 0, 0), binary.AppendVarint(head, n)...)
		data = append(data, make([]byte, 1<<16)...)
		binary.LittleEndian.PutUint32(data[4:], crc32.Checksum(data[8:], castagnoli))
		write(t, path+".tok", data)
		refused(t, fmt.Sprintf("%d columns", n), dir, path)
	}
	// Any byte may be another one.
	r := rand.New(rand.NewPCG(7, 7))
	end := min(len(good), 6000) // the head; what follows are filters
	for range 1500 {
		data := slices.Clone(good)
		for range 1 + r.IntN(3) {
			data[8+r.IntN(end-8)] = byte(r.Uint32())
		}
		binary.LittleEndian.PutUint32(data[4:], crc32.Checksum(data[8:], castagnoli))
		write(t, path+".tok", data)
		if n := allocated(func() { readAll(dir, path) }); n > maxPage+mostAlloc { //nolint:errcheck // a change may be harmless
			t.Fatalf("%d MB allocated", n>>20)
		}
	}
}

// repack puts another body in the place of a page: at the end of the file, with its length and checksum in the .tok file.
func repack(t *testing.T, path string, tk *tok, p *pageMeta, body []byte) {
	t.Helper()
	data, err := os.ReadFile(path + ".parquet")
	if err != nil {
		t.Fatal(err)
	}
	enc, err := kzstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	packed := enc.EncodeAll(body, nil)
	footer := len(data) - 8 - int(binary.LittleEndian.Uint32(data[len(data)-8:]))
	p.Offset, p.Size, p.Plain, p.CRC = int64(footer), uint32(len(packed)), uint32(len(body)), crc32.Checksum(packed, castagnoli)
	write(t, path+".parquet", slices.Concat(data[:footer], packed, data[footer:]))
	tk.Length += int64(len(packed))
	write(t, path+".tok", encodeTok(tk.tokMeta, tk.tokens, tk.ids))
}

// TestForgedPages: a page whose encoding says it holds more than the page does, or leads outside of it, is refused before its decoder
// makes room.
func TestForgedPages(t *testing.T) {
	dir, path := filedSegment(t)
	parquet, _ := os.ReadFile(path + ".parquet")
	good, _ := os.ReadFile(path + ".tok")
	tk, err := decodeTok(good)
	if err != nil {
		t.Fatal(err)
	}
	bodyOf := func(p *pageMeta) []byte {
		body, err := unzip.DecodeAll(parquet[p.Offset:p.Offset+int64(p.Size)], make([]byte, 0, p.Plain))
		if err != nil {
			t.Fatal(err)
		}
		return body
	}
	reset := func() {
		write(t, path+".parquet", parquet)
		write(t, path+".tok", good)
		if tk, err = decodeTok(good); err != nil {
			t.Fatal(err)
		}
	}
	index := func(name string) int {
		return slices.IndexFunc(tk.Columns, func(c columnMeta) bool { return c.Name == name })
	}
	run := func(n uint64, value ...byte) []byte { return append(binary.AppendUvarint(nil, n<<1), value...) }
	levelsOf := func(n uint64) []byte {
		r := run(n, 1)
		return append(binary.LittleEndian.AppendUint32(nil, uint32(len(r))), r...)
	}
	packed := func(n uint64) []byte { // DELTA_BINARY_PACKED head: blocks of 128, 4 miniblocks, n values, the first 0
		return append(binary.AppendUvarint(binary.AppendUvarint(binary.AppendUvarint(nil, 128), 4), n), 0)
	}
	delta := func(n int, first ...int32) []byte { // n numbers, 0 behind the first
		b, err := packedInts.EncodeInt32(nil, append(first, make([]int32, n-len(first))...))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	const huge = 1 << 27
	for _, c := range []struct {
		what, column string
		body         func(n uint64) []byte // n: values of the page
	}{
		{"a run of levels without end", "test.flag", func(n uint64) []byte { return levelsOf(huge) }},
		{"a run of entries without end", "host.name", func(n uint64) []byte { return slices.Concat(levelsOf(n), []byte{3}, run(huge, 1)) }},
		{"many runs", "host.name", func(n uint64) []byte { return slices.Concat(levelsOf(n), []byte{3}, slices.Repeat(run(n, 1), 200)) }},
		{"bits that are not there", "host.name", func(n uint64) []byte { return slices.Concat(levelsOf(n), []byte{32}, []byte{255, 255, 3, 0}) }},
		{"entries of 200 bits", "host.name", func(n uint64) []byte { return slices.Concat(levelsOf(n), []byte{200}, run(n, 1)) }},
		{"an entry that is not there", "host.name", func(n uint64) []byte { return slices.Concat(levelsOf(n), []byte{8}, run(n, 250)) }},
		{"whole numbers without end", "test.number", func(n uint64) []byte { return slices.Concat(levelsOf(n), packed(huge)) }},
		{"texts without end", "message", func(n uint64) []byte { return slices.Concat(levelsOf(n), packed(huge)) }},
		{"texts that are longer than the page", "message", func(n uint64) []byte {
			// the second ends so far behind the first that the ends of the others are back in the page
			return slices.Concat(levelsOf(n), delta(int(n), 1<<31-1, 1<<31-1, 2), make([]byte, 64))
		}},
		{"levels above 1", "test.flag", func(n uint64) []byte {
			r := run(n, 7)
			return slices.Concat(binary.LittleEndian.AppendUint32(nil, uint32(len(r))), r, make([]byte, n))
		}},
		{"nothing", "message", func(uint64) []byte { return nil }},
	} {
		reset()
		p := &tk.Columns[index(c.column)].Pages[0]
		repack(t, path, tk, p, c.body(uint64(p.Values)))
		refused(t, c.what, dir, path)
	}
	reset() // ids that repeat all of the one before: a long first one, then each as long
	p := &tk.Fixed[fixID].Pages[0]
	prefixes := append([]int32{0}, slices.Repeat([]int32{1 << 20}, int(p.Values)-1)...)
	repack(t, path, tk, p, slices.Concat(delta(int(p.Values), prefixes...), delta(int(p.Values), 1<<20), make([]byte, 1<<20)))
	refused(t, "ids that unfold to 3 GB", dir, path)

	r := rand.New(rand.NewPCG(9, 9))
	for i := range tk.Columns { // any byte of any page may be another one
		for range 12 {
			reset()
			p := &tk.Columns[i].Pages[0]
			if d := tk.Columns[i].DictPage; d != nil && r.IntN(2) == 0 {
				p = d
			}
			body := bodyOf(p)
			for range 1 + r.IntN(3) {
				body[r.IntN(min(len(body), 1+r.IntN(len(body))))] = byte(r.Uint32())
			}
			repack(t, path, tk, p, body)
			if n := allocated(func() { err = readAll(dir, path) }); n > mostAlloc || err != nil && !errors.Is(err, errDamaged) {
				t.Fatalf("column %s: %d MB allocated, %v", tk.Columns[i].Name, n>>20, err)
			}
		}
	}
}

// TestForgedFooter: a Parquet footer whose lists say they hold more than the footer has bytes for is refused before there is room for them.
func TestForgedFooter(t *testing.T) {
	dir, path := filedSegment(t)
	good, _ := os.ReadFile(path + ".parquet")
	tokData, _ := os.ReadFile(path + ".tok")
	forge := func(change func(footer []byte) []byte) {
		size := int(binary.LittleEndian.Uint32(good[len(good)-8:]))
		at := len(good) - 8 - size
		footer := change(slices.Clone(good[at : len(good)-8]))
		data := append(slices.Clone(good[:at]), footer...)
		data = append(binary.LittleEndian.AppendUint32(data, uint32(len(footer))), "PAR1"...)
		write(t, path+".parquet", data)
		tk, err := decodeTok(tokData)
		if err != nil {
			t.Fatal(err)
		}
		tk.Length = int64(len(data))
		write(t, path+".tok", encodeTok(tk.tokMeta, tk.tokens, tk.ids))
	}
	long := binary.AppendUvarint([]byte{0xFC}, 1<<22) // a list of 4 million structs, some 800 MB
	for what, change := range map[string]func([]byte) []byte{
		// version i32 (2 bytes), then the list of the schema
		"columns without end": func(f []byte) []byte { return slices.Concat(f[:3], long, f[4:]) },
		"an empty footer":     func([]byte) []byte { return nil },
		"structs without end": func([]byte) []byte { return slices.Repeat([]byte{0x1C}, 1<<20) },
		"lists of lists":      func([]byte) []byte { return append([]byte{0x19}, slices.Repeat([]byte{0x19}, 1<<20)...) },
		"100,000 empty entries": func([]byte) []byte {
			return slices.Concat([]byte{0x15, 2, 0x19}, binary.AppendUvarint([]byte{0xFC}, 100_000), make([]byte, 100_001))
		},
		"text longer than there": func([]byte) []byte { return slices.Concat([]byte{0x15, 2, 0x48}, binary.AppendUvarint(nil, 1<<31-1)) },
	} {
		forge(change)
		refused(t, what, dir, path)
	}
	r := rand.New(rand.NewPCG(3, 3))
	for range 600 {
		forge(func(f []byte) []byte {
			for range 1 + r.IntN(3) {
				f[r.IntN(min(len(f), 1+r.IntN(len(f))))] = byte(r.Uint32())
			}
			return f
		})
		var err error
		if n := allocated(func() { err = readAll(dir, path) }); n > mostAlloc || err != nil && !errors.Is(err, errDamaged) {
			t.Fatalf("%d MB allocated, %v", n>>20, err)
		}
	}
	forge(func(f []byte) []byte { return f })
	if err := readAll(dir, path); err != nil {
		t.Errorf("the file as it was written: %v", err)
	}
	data, _ := os.ReadFile(path + ".parquet")
	binary.LittleEndian.PutUint32(data[len(data)-8:], 1<<31)
	write(t, path+".parquet", data)
	refused(t, "a footer longer than the file", dir, path)
}

// TestForgedSegment: a first-level segment whose footer leads outside of the file is damaged; it is no panic and no error that stops the
// start.
func TestForgedSegment(t *testing.T) {
	e := &ecs.Event{ID: "q1-0", Time: 1, System: "HT-001"}
	e.AddString(ecs.Message, "x")
	data, err := encodeL0(l0Footer{First: 1, Last: 1}, []*ecs.Event{e})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "0000000001-1-1.hle")
	size := int(binary.LittleEndian.Uint32(data[len(data)-12:]))
	at := len(data) - 12 - size
	for _, c := range [][2]string{
		{`"offset":`, `"offset":-9`}, {`"length":`, `"length":-`}, {`"length":`, `"length":9999999`}, {`"filter":`, `"filter":-`},
		{`"filter":`, `"filter":99999999`},
		{`"filter_length":`, `"filter_length":-`}, {`"filter_length":`, `"filter_length":9999999999`}, {`"events":`, `"events":-`},
	} {
		text := strings.Replace(string(data[at:at+size]), c[0], c[1], 1)
		forged := append(slices.Clone(data[:at]), text...)
		forged = binary.LittleEndian.AppendUint32(forged, uint32(len(text)))
		forged = binary.LittleEndian.AppendUint32(forged, crc32.Checksum([]byte(text), castagnoli))
		forged = append(forged, data[len(data)-4:]...)
		write(t, path, forged)
		n := allocated(func() { _, err = openL0(path) })
		if !errors.Is(err, errDamaged) || n > mostAlloc {
			t.Errorf("%s: %v after %d bytes allocated, want that it is damaged", c[1], err, n)
		}
	}
}
