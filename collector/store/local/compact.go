package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"hoalu/collector/store"
	"hoalu/ecs"
	"hoalu/ecs/wire"
	"hoalu/internal/durable"
)

// Compaction files first-level segments by system and day and merges small files of a day:
//
//  1. For each system the blocks of the taken segments are read in order and gathered by day; a full day buffer becomes a
//     file. Files are written and fsynced under their final names; MANIFEST does not name them yet, so they are not there.
//  2. Where a day has many small files of a size, they are read back and written as one.
//  3. The new MANIFEST is renamed into place: this is the swap. Memory follows under the lock.
//  4. First-level segments and merged files are unlinked when no search uses them any more.
//
// A crash before 3 leaves files no manifest names, after 3 it leaves files that are no longer needed; sweep removes both.
// A file that cannot be read stops nothing: it stays, named in the log.

// mergeFiles is how many files of a size it takes before they are merged.
const mergeFiles = 4

// Compact files everything that is sealed now and merges small files.
func (s *Store) Compact(ctx context.Context) error {
	s.compacting.Lock()
	defer s.compacting.Unlock()
	start := time.Now()
	v := s.view()
	defer s.release(v)
	c := &compaction{s: s, ctx: ctx, enc: new(encoder)}
	if err := c.sweep(v); err != nil {
		return fmt.Errorf("remove what a crash left: %w", err)
	}
	if err := s.guarded("filing", func() error { return c.fileLevel0(v.level0) }); err != nil {
		return fmt.Errorf("file first-level segments: %w", noSpace(err))
	}
	if err := s.guarded("merging", func() error { return c.merge(v.files) }); err != nil {
		return fmt.Errorf("merge small files: %w", noSpace(err))
	}
	if len(v.level0) == 0 && len(c.made) == 0 && len(c.replaced) == 0 {
		return nil
	}
	if err := c.commit(v); err != nil {
		return fmt.Errorf("swap in filed segments: %w", noSpace(err))
	}
	s.log.Info("events filed", "segments", len(v.level0), "files", len(c.made), "merged", len(c.replaced), "events", c.events, "duration",
		time.Since(start).Round(time.Millisecond))
	return nil
}

type compaction struct {
	s        *Store
	ctx      context.Context
	enc      *encoder
	made     []*file
	replaced map[*file]bool
	events   int64
	dirs     map[string]bool
}

// day is where an event is filed.
func day(e *ecs.Event) string {
	t := e.Time
	if suspect := e.Text(ecs.HoaluTimeSuspect) == "true"; t <= 0 || suspect || e.Created != 0 && t > e.Created+24*3600_000 {
		t = e.Created
	}
	return time.UnixMilli(t).UTC().Format(time.DateOnly)
}

// dayBuffer gathers the events of one system and day.
type dayBuffer struct {
	events      []*ecs.Event
	first, last uint64
}

func (c *compaction) fileLevel0(segments []*l0) error {
	type ref struct{ seg, block int }
	bySystem := map[string][]ref{}
	for i, seg := range segments {
		for j, b := range seg.Blocks {
			bySystem[b.System] = append(bySystem[b.System], ref{i, j})
		}
	}
	systems := make([]string, 0, len(bySystem))
	for sys := range bySystem {
		systems = append(systems, sys)
	}
	sort.Strings(systems)
	for _, sys := range systems {
		var total int
		for _, r := range bySystem[sys] {
			total += segments[r.seg].Blocks[r.block].Events
		}
		// Even shares: 70,000 events are two files of 35,000, not one full and one small.
		files := (total + c.s.cfg.FileRows - 1) / c.s.cfg.FileRows
		share := (total + files - 1) / files
		days := map[string]*dayBuffer{}
		for _, r := range bySystem[sys] {
			if err := c.ctx.Err(); err != nil {
				return err
			}
			seg := segments[r.seg]
			events, err := seg.readBlock(r.block)
			if errors.Is(err, wire.ErrCRC) || errors.Is(err, wire.ErrCorrupt) || errors.Is(err, wire.ErrMagic) {
				// The rest of the segment is filed; its file stays beside, as what is lost is in it.
				if err := c.setAside(seg, err); err != nil {
					return err
				}
				continue
			}
			if err != nil {
				return fmt.Errorf("segment %s: %w", seg.id, err)
			}
			for _, e := range events {
				d := day(e)
				buf := days[d]
				if buf == nil {
					buf = &dayBuffer{first: seg.First}
					days[d] = buf
				}
				if len(buf.events) == 0 {
					buf.first = seg.First
				}
				buf.events, buf.last = append(buf.events, e), seg.Last
				if len(buf.events) >= share {
					if err := c.flush(sys, d, buf); err != nil {
						return err
					}
				}
			}
		}
		names := make([]string, 0, len(days))
		for d := range days {
			names = append(names, d)
		}
		sort.Strings(names)
		for _, d := range names {
			if err := c.flush(sys, d, days[d]); err != nil {
				return err
			}
		}
	}
	return nil
}

// setAside keeps a first-level segment with a damaged block under another name and lets searches name it.
func (c *compaction) setAside(seg *l0, why error) error {
	path := seg.path + ".damaged"
	if err := os.Link(seg.path, path); errors.Is(err, os.ErrExist) {
		return nil
	} else if err != nil {
		return fmt.Errorf("set a damaged segment aside: %w", err)
	}
	c.s.log.Error("part of a first-level segment is damaged; its other events are filed", "file.path", path, "error", why)
	c.s.mu.Lock()
	c.s.damaged = append(c.s.damaged, "l0/"+filepath.Base(path)+": "+why.Error())
	c.s.mu.Unlock()
	return nil
}

// flush writes a day buffer as a file and empties it.
func (c *compaction) flush(system, d string, b *dayBuffer) error {
	if len(b.events) == 0 {
		return nil
	}
	if err := c.ctx.Err(); err != nil {
		return err
	}
	s := c.s
	s.mu.Lock()
	number := s.next
	s.next++
	s.mu.Unlock()
	out, err := c.enc.encode(b.events, system, d, fmt.Sprintf("%010d", number), b.first, b.last)
	if err != nil {
		return err
	}
	f := newFile(s.cfg.Dir, out.fileEntry)
	dir := filepath.Dir(f.path)
	if !c.dirs[dir] {
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return err
		}
		if err := durable.SyncDir(filepath.Dir(dir)); err != nil {
			return err
		}
		if err := durable.SyncDir(s.cfg.Dir); err != nil {
			return err
		}
		if c.dirs == nil {
			c.dirs = map[string]bool{}
		}
		c.dirs[dir] = true
	}
	if err := writeFile(dir, f.Name+".tok", out.tok, s.cfg.step, nil); err != nil {
		return err
	}
	err = writeFile(dir, f.Name+".parquet", out.parquet, s.cfg.step, func(path string) error {
		return verifyParquet(c.ctx, path, out.tok, b.events)
	})
	if err != nil {
		return err
	}
	c.made = append(c.made, f)
	c.events += int64(len(b.events))
	b.events = b.events[:0:0]
	return nil
}

// verifyParquet reads a file just written and compares it with what should be in it: identity and times of every row, every field
// of a sample of rows (decoding all columns again would cost as much as writing them).
func verifyParquet(ctx context.Context, path string, tokData []byte, events []*ecs.Event) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	t, err := decodeTok(tokData)
	if err != nil {
		return err
	}
	h := &handle{f, t}
	at := 0
	err = h.scanColumn(ctx, &t.Fixed[fixTime], nil, func(_ *dict, p *page) error {
		for _, t := range p.ints {
			if at >= len(events) || events[at].Time != t {
				return fmt.Errorf("%w: row %d reads back another time", errDamaged, at)
			}
			at++
		}
		return nil
	})
	if err != nil {
		return err
	}
	if at != len(events) {
		return fmt.Errorf("%w: %d rows read back, %d written", errDamaged, at, len(events))
	}
	var rows []int32
	for i := 0; i < len(events); i += max(1, len(events)/3) {
		rows = append(rows, int32(i))
	}
	if last := int32(len(events) - 1); rows[len(rows)-1] != last {
		rows = append(rows, last)
	}
	got, err := h.readRows(ctx, rows)
	if err != nil {
		return err
	}
	for i, r := range rows {
		if !sameEvent(got[i], events[r]) {
			return fmt.Errorf("%w: event %s reads back as another", errDamaged, events[r].ID)
		}
	}
	return nil
}

// sameEvent compares identity, times and every field's values in their order.
func sameEvent(a, b *ecs.Event) bool {
	if a.ID != b.ID || a.Time != b.Time || a.Created != b.Created || a.Ingested != b.Ingested || a.System != b.System ||
		a.Source != b.Source || a.Len() != b.Len() {
		return false
	}
	var av, bv []ecs.Value
	for i := range b.Len() {
		f, _ := b.At(i)
		av, bv = a.Values(av[:0], f), b.Values(bv[:0], f)
		if len(av) != len(bv) {
			return false
		}
		for j := range av {
			if av[j] != bv[j] {
				return false
			}
		}
	}
	return true
}

// merge rewrites small files of a day as one. Files are taken in tiers of size, so a row is rewritten a few times at most.
func (c *compaction) merge(old []*file) error {
	c.replaced = map[*file]bool{}
	type key struct{ system, day string }
	days := map[key][]*file{}
	small := int64(c.s.cfg.FileRows / 2)
	for _, list := range [][]*file{old, c.made} {
		for _, f := range list {
			if f.Rows < small {
				days[key{f.System, f.Day}] = append(days[key{f.System, f.Day}], f)
			}
		}
	}
	today := c.s.cfg.Now().UTC().Format(time.DateOnly)
	for k, list := range days {
		sort.Slice(list, func(i, j int) bool { return list[i].Rows < list[j].Rows })
		// A day that is over is closed up; a running one waits for files of its tier.
		need := mergeFiles
		if k.day < today {
			need = 2
		}
		for len(list) >= need {
			n, rows := 0, int64(0)
			for n < len(list) && rows+list[n].Rows <= int64(c.s.cfg.FileRows) {
				if n >= need && k.day >= today && list[n].Rows > 4*max(list[0].Rows, rows/int64(n)) {
					break
				}
				rows += list[n].Rows
				n++
			}
			if n < need || k.day >= today && list[n-1].Rows > 8*max(1, rows/int64(n)) {
				list = list[1:]
				continue
			}
			if err := c.mergeFiles(list[:n]); err != nil {
				if c.ctx.Err() != nil || errors.Is(err, store.ErrNoSpace) || errors.Is(noSpace(err), store.ErrNoSpace) {
					return err
				}
				c.s.log.Error("small files stay as they are", "hoalu.system.id", k.system, "day", k.day, "error", err)
			}
			list = list[n:]
		}
	}
	return nil
}

func (c *compaction) mergeFiles(list []*file) error {
	buf := &dayBuffer{first: list[0].First, last: list[0].Last}
	for _, f := range list {
		rows := make([]int32, f.Rows)
		for i := range rows {
			rows[i] = int32(i)
		}
		events, err := c.s.rows(c.ctx, f, rows)
		if err != nil {
			return fmt.Errorf("%s: %w", filePart{c.s, f}.name(), err)
		}
		buf.events = append(buf.events, events...)
		buf.first, buf.last = min(buf.first, f.First), max(buf.last, f.Last)
	}
	if err := c.flush(list[0].System, list[0].Day, buf); err != nil {
		return err
	}
	for _, f := range list {
		c.replaced[f] = true
	}
	return nil
}

// commit swaps the manifest and then memory.
func (c *compaction) commit(v *view) error {
	s := c.s
	s.mu.Lock()
	m := &manifest{Next: s.next, Epoch: s.epoch, Damaged: s.filed.Damaged}
	s.mu.Unlock()
	var files []*file
	var garbage []string
	for _, list := range [][]*file{v.files, c.made} {
		for _, f := range list {
			if c.replaced[f] {
				garbage = append(garbage, f.path+".parquet", f.path+".tok")
			} else {
				files = append(files, f)
				m.Files = append(m.Files, f.fileEntry)
			}
		}
	}
	m.Epoch, m.Position, m.Filed = s.filed.Epoch, s.filed.Position, s.filed.Filed
	for _, seg := range v.level0 {
		garbage = append(garbage, seg.path)
		m.Epoch, m.Position, m.Filed = seg.Epoch, seg.Last, seg.number+1
	}
	// An error after the rename (of the folder's fsync) leaves it open which manifest a power cut would find: memory follows the new
	// one, and both sides' files stay until the next compaction has synced the folder.
	err := m.write(s.cfg.Dir, s.cfg.step)
	if err != nil && !onDisk(s.cfg.Dir, m) {
		return err
	}
	s.mu.Lock()
	s.files, s.filed = files, manifest{Epoch: m.Epoch, Position: m.Position, Filed: m.Filed, Damaged: m.Damaged}
	s.level0 = append([]*l0(nil), s.level0[len(v.level0):]...)
	if err != nil {
		garbage = nil
	}
	gone := s.retireLocked(garbage)
	s.mu.Unlock()
	s.remove(gone)
	return err
}

// onDisk reports whether the manifest in dir is m.
func onDisk(dir string, m *manifest) bool {
	want, err := m.encode()
	if err != nil {
		return false
	}
	got, err := os.ReadFile(filepath.Join(dir, manifestName))
	return err == nil && bytes.Equal(got, want)
}

// sweep removes files that the manifest does not name and no search uses: what a crash or an error left.
func (c *compaction) sweep(v *view) error {
	s := c.s
	s.mu.Lock()
	busy := map[string]bool{}
	for _, g := range s.gens {
		for _, p := range g.garbage {
			busy[p] = true
		}
	}
	s.mu.Unlock()
	named := map[string]bool{}
	for _, f := range v.files {
		named[f.path+".parquet"], named[f.path+".tok"] = true, true
	}
	if err := durable.SyncDir(s.cfg.Dir); err != nil {
		return err
	}
	systems, err := os.ReadDir(s.cfg.Dir)
	if err != nil {
		return err
	}
	for _, sys := range systems {
		if !sys.IsDir() || sys.Name() == "l0" {
			continue
		}
		days, err := os.ReadDir(filepath.Join(s.cfg.Dir, sys.Name()))
		if err != nil {
			return err
		}
		for _, d := range days {
			dir := filepath.Join(s.cfg.Dir, sys.Name(), d.Name())
			if _, err := time.Parse(time.DateOnly, d.Name()); err != nil || !d.IsDir() {
				continue // not ours
			}
			entries, err := os.ReadDir(dir)
			if err != nil {
				return err
			}
			left := 0
			for _, e := range entries {
				path := filepath.Join(dir, e.Name())
				ours := strings.HasSuffix(path, ".parquet") || strings.HasSuffix(path, ".tok") || strings.HasSuffix(path, ".tmp")
				if !ours || named[path] || busy[path] {
					left++
					continue
				}
				if err := os.Remove(path); err != nil {
					return err
				}
			}
			if left == 0 {
				os.Remove(dir)
			}
		}
	}
	return nil
}

var _ store.Store = (*Store)(nil)
