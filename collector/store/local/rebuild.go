package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"

	"hoalu/collector/store"
	"hoalu/ecs"
	"hoalu/ecs/query"
)

// rebuild makes a MANIFEST anew where it was lost or is damaged, from the files themselves.
//
// What lies there may be more than what counted: files of a compaction that a crash cut off, first-level segments and merged files
// that were to be unlinked. Event ids decide, so no event is doubled and none left out:
//
//  1. A first-level segment all of whose events are in files is filed. Segments are filed in order: from the first that is not
//     complete on, all are taken as not filed, and a file that holds any event of them is left out. It is of a compaction
//     that did not end, and what was merged into it is still there.
//  2. Of the files of a system and day the newer are taken first; an older one all of whose events are in newer ones was merged.
//
// Only files whose sequences overlap are compared, and by their id filters first. What is left out is removed by the next compaction;
// what cannot be read is set aside and named by searches. The epoch is that of the first level, or unknown: Append takes it over from
// the first block then, which is right because a queue made anew begins behind the store's position.
type rebuild struct {
	dir   string
	log   *slog.Logger
	cache *fileCache
	ids   map[string]map[string]bool // exact ids of files, by path
}

func (b *rebuild) run(cause error) (*manifest, []string, store.Rebuilt, error) {
	start := time.Now()
	sum := store.Rebuilt{Cause: cause.Error()}
	files, damaged, next, err := b.files()
	if err != nil {
		return nil, nil, sum, err
	}
	sum.SetAside = len(damaged)
	segments, err := b.segments(&next)
	if err != nil {
		return nil, nil, sum, err
	}
	m := &manifest{Next: next}
	left := segments
	for len(left) > 0 {
		all, err := b.filed(left[0], files)
		if err != nil {
			return nil, nil, sum, err
		}
		if !all {
			break
		}
		m.Epoch, m.Position, m.Filed = left[0].Epoch, left[0].Last, left[0].number+1
		left = left[1:]
	}
	if m.Filed == 0 && len(segments) > 0 {
		m.Epoch, m.Filed = segments[0].Epoch, segments[0].number
	}
	var kept []*file
	for _, f := range files {
		half, err := b.holdsOf(f, left)
		if err != nil {
			return nil, nil, sum, err
		}
		if half {
			sum.LeftOut++
			continue
		}
		kept = append(kept, f)
	}
	// Newer files first.
	sort.Slice(kept, func(i, j int) bool { return kept[i].Name > kept[j].Name })
	taken := map[[2]string][]*file{}
	for _, f := range kept {
		k := [2]string{f.System, f.Day}
		var over []*file
		for _, g := range taken[k] {
			if f.First <= g.Last && g.First <= f.Last {
				over = append(over, g)
			}
		}
		merged, err := b.within(f, over)
		if err != nil {
			return nil, nil, sum, err
		}
		if merged {
			sum.LeftOut++
			continue
		}
		taken[k] = append(taken[k], f)
		m.Files = append(m.Files, f.fileEntry)
		m.Position = max(m.Position, f.Last)
		sum.Events += f.Rows
	}
	sort.Slice(m.Files, func(i, j int) bool { return m.Files[i].Name < m.Files[j].Name })
	sum.Files, sum.Took = len(m.Files), time.Since(start)
	return m, damaged, sum, nil
}

// files reads what is known of every filed segment from itself, and the first number not given yet.
func (b *rebuild) files() (files []*file, damaged []string, next uint64, err error) {
	next = 1
	paths, err := filepath.Glob(filepath.Join(b.dir, "*", "????-??-??", "*.parquet"))
	if err != nil {
		return nil, nil, 0, err
	}
	told := time.Now()
	for i, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".parquet")
		if n, err := strconv.ParseUint(name, 10, 64); err == nil {
			next = max(next, n+1)
		}
		f, err := b.file(path)
		if err != nil && !errors.Is(err, errDamaged) && !errors.Is(err, os.ErrNotExist) {
			return nil, nil, 0, fmt.Errorf("%s: %w", path, err) // of a newer program, or the disk: the next start may read it
		}
		if err != nil {
			rel, _ := filepath.Rel(b.dir, path)
			b.log.Error("filed segment cannot be read; it is set aside", "file.path", path, "error", err)
			for _, ext := range []string{".parquet", ".tok"} {
				old := strings.TrimSuffix(path, ".parquet") + ext
				if err := os.Rename(old, old+".damaged"); err != nil && !errors.Is(err, os.ErrNotExist) {
					return nil, nil, 0, fmt.Errorf("set a damaged file aside: %w", err)
				}
			}
			damaged = append(damaged, rel+": "+err.Error())
			continue
		}
		files = append(files, f)
		if time.Since(told) > 10*time.Second {
			told = time.Now()
			b.log.Warn("the list of filed segments is being made anew", "done", i+1, "of", len(paths))
		}
	}
	return files, damaged, next, nil
}

func (b *rebuild) file(path string) (*file, error) {
	base := strings.TrimSuffix(path, ".parquet")
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	t, tokSize, err := readTok(base + ".tok")
	if err != nil {
		return nil, err
	}
	if t.Length != info.Size() {
		return nil, fmt.Errorf("%w: %d bytes, its token filter says %d", errDamaged, info.Size(), t.Length)
	}
	in, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	if err := checkFooter(in, info.Size()); err != nil {
		return nil, err
	}
	pf, err := parquet.OpenFile(in, info.Size(), parquet.SkipBloomFilters(true), parquet.SkipPageIndex(true))
	if err != nil {
		return nil, fmt.Errorf("%w: footer: %w", errDamaged, err)
	}
	e := fileEntry{Name: filepath.Base(base), Rows: int64(t.Rows), Bytes: info.Size() + tokSize}
	e.System, _ = pf.Lookup("hoalu.system")
	e.Day, _ = pf.Lookup("hoalu.day")
	for key, at := range map[string]*uint64{"hoalu.first_sequence": &e.First, "hoalu.last_sequence": &e.Last} {
		text, _ := pf.Lookup(key)
		if *at, err = strconv.ParseUint(text, 10, 64); err != nil {
			return nil, fmt.Errorf("%w: %s is %q", errDamaged, key, text)
		}
	}
	f := newFile(b.dir, e)
	if f.path != base {
		return nil, fmt.Errorf("%w: it says it belongs to %s of %s", errDamaged, e.Day, e.System)
	}
	h := &handle{in, t}
	f.Min, f.Max, f.Created = 1<<62, -1<<62, 0
	for fix, fn := range map[int]func(int64){fixTime: func(v int64) { f.Min, f.Max = min(f.Min, v), max(f.Max, v) },
		fixCreated: func(v int64) { f.Created = max(f.Created, v) }} {
		err := h.scanColumn(context.Background(), &t.Fixed[fix], nil, func(_ *dict, p *page) error {
			for _, v := range p.ints {
				fn(v)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return f, nil
}

// segments opens the first level, by number. A damaged one is left to openLevel0.
func (b *rebuild) segments(next *uint64) ([]*l0, error) {
	paths, err := filepath.Glob(filepath.Join(b.dir, "l0", "*.hle"))
	if err != nil {
		return nil, err
	}
	var out []*l0
	for _, path := range paths {
		var number uint64
		if _, err := fmt.Sscanf(filepath.Base(path), "%d-", &number); err == nil {
			*next = max(*next, number+1)
		}
		seg, err := openL0(path)
		if errors.Is(err, errDamaged) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("open first-level segment %s: %w", filepath.Base(path), err)
		}
		out = append(out, seg)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].number < out[j].number })
	return out, nil
}

// eachOf calls fn with the events of a segment that can be read, until it says no.
func eachOf(seg *l0, fn func(e *ecs.Event) (bool, error)) error {
	for i := range seg.Blocks {
		events, err := seg.readBlock(i)
		if err != nil {
			continue // it can be neither searched nor filed; compaction sets it aside
		}
		for _, e := range events {
			if more, err := fn(e); err != nil || !more {
				return err
			}
		}
	}
	return nil
}

// filed reports whether every event of a segment is in files.
func (b *rebuild) filed(seg *l0, files []*file) (bool, error) {
	bySystem := map[string][]*file{}
	for _, f := range files {
		if f.First <= seg.Last && seg.First <= f.Last {
			bySystem[f.System] = append(bySystem[f.System], f)
		}
	}
	all := true
	err := eachOf(seg, func(e *ecs.Event) (bool, error) {
		in := false
		for _, f := range bySystem[e.System] {
			has, err := b.has(f, e.ID)
			if err != nil {
				return false, err
			}
			in = in || has
		}
		all = in
		return in, nil
	})
	return all, err
}

// holdsOf reports whether a file holds any event of the segments.
func (b *rebuild) holdsOf(f *file, segments []*l0) (bool, error) {
	for _, seg := range segments {
		if f.First > seg.Last || seg.First > f.Last {
			continue
		}
		found := false
		err := eachOf(seg, func(e *ecs.Event) (bool, error) {
			if e.System != f.System {
				return true, nil
			}
			var err error
			found, err = b.has(f, e.ID)
			return !found, err
		})
		if found || err != nil {
			return found, err
		}
	}
	return false, nil
}

// within reports whether every event of f is in others.
func (b *rebuild) within(f *file, others []*file) (bool, error) {
	if len(others) == 0 {
		return false, nil
	}
	ids, err := b.exact(f)
	if err != nil {
		return false, err
	}
	for id := range ids {
		in := false
		for _, g := range others {
			has, err := b.has(g, id)
			if err != nil {
				return false, err
			}
			if in = has; in {
				break
			}
		}
		if !in {
			return false, nil
		}
	}
	return true, nil
}

// has reports whether a file holds an event: by its filter, then exactly.
func (b *rebuild) has(f *file, id string) (bool, error) {
	t, err := b.cache.tok(f)
	if err != nil {
		return false, err
	}
	if !t.ids.has(query.IDKey(id)) {
		return false, nil
	}
	ids, err := b.exact(f)
	return ids[id], err
}

// maxExact bounds the files whose ids are held at once, 32,768 of some 30 bytes each.
const maxExact = 64

func (b *rebuild) exact(f *file) (map[string]bool, error) {
	if ids := b.ids[f.path]; ids != nil {
		return ids, nil
	}
	h, err := b.cache.open(f)
	if err != nil {
		return nil, err
	}
	defer h.f.Close()
	ids := make(map[string]bool, f.Rows)
	rows := make([]int32, f.Rows)
	for i := range rows {
		rows[i] = int32(i)
	}
	err = h.rowsOf(context.Background(), &h.t.Fixed[fixID], rows, func(_ int, _ *dict, p *page, i int) {
		ids[strings.Clone(p.text(i))] = true
	})
	if err != nil {
		return nil, err
	}
	if len(b.ids) >= maxExact {
		clear(b.ids)
	}
	b.ids[f.path] = ids
	return ids, nil
}
