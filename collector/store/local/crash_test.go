package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"hoalu/collector/store"
	"hoalu/collector/store/storetest"
	"hoalu/ecs"
	"hoalu/ecs/query"
)

func copyDir(t *testing.T, from string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

// blocks are n messages of few systems, one of them days late, some with sender-given ids.
func blocks(n int) []store.Block {
	g := storetest.NewGenerator(21)
	var out []store.Block
	for i := range n {
		b := g.Block(12)
		for j, e := range b.Events {
			e.System = fmt.Sprintf("HT-%03d", (i+j)%3)
			if i%5 == 4 && j < 3 {
				e.Time -= 3 * 24 * 3600_000
			}
			if j == 5 {
				e.ID = "s" + e.ID[1:]
			}
		}
		out = append(out, b)
	}
	return out
}

// check reopens a copy of a directory as a kill at that moment leaves it, brings it up to date from the queue and compares it with
// what must be there; then files it and compares again.
func check(t *testing.T, at, dir string, all []store.Block, taken int) {
	t.Helper()
	s, err := Open(Config{Dir: dir, SealEvents: 40, FileRows: 60}, quiet())
	if err != nil {
		t.Errorf("%s: Open: %v", at, err)
		return
	}
	defer s.Close()
	verify := func(form string, n int) {
		t.Helper()
		want := map[string]*ecs.Event{}
		for _, b := range all[:n] {
			for _, e := range b.Events {
				want[e.ID] = e
			}
		}
		r, err := s.Search(t.Context(), query.Search{Query: query.All{}, Limit: 100_000})
		if err != nil || len(r.Partial) > 0 {
			t.Errorf("%s, %s: Search: %v, partial %v", at, form, err, r.Partial)
			return
		}
		if r.Total != int64(len(want)) || len(r.Events) != len(want) {
			t.Errorf("%s, %s: %d events (%d returned), want %d", at, form, r.Total, len(r.Events), len(want))
		}
		for _, e := range r.Events {
			if w := want[e.ID]; w == nil || !storetest.Same(e, w) {
				t.Errorf("%s, %s: event %s is not what was stored", at, form, e.ID)
			}
			delete(want, e.ID)
		}
	}
	pos := s.Position()
	if pos > uint64(taken) {
		t.Errorf("%s: Position %d, only %d were appended", at, pos, taken)
	}
	verify("as left", int(pos))
	for _, b := range all[:taken] {
		if err := s.Append(t.Context(), b); err != nil {
			t.Errorf("%s: Append: %v", at, err)
			return
		}
	}
	verify("caught up", taken)
	if err := s.Seal(t.Context()); err != nil {
		t.Errorf("%s: Seal: %v", at, err)
	}
	if err := s.Compact(t.Context()); err != nil {
		t.Errorf("%s: Compact: %v", at, err)
	}
	verify("compacted", taken)
	if left, _ := filepath.Glob(filepath.Join(dir, "l0", "*.hle")); len(left) > 0 {
		t.Errorf("%s: first-level segments are left after compaction: %v", at, left)
	}
}

// TestKill stops the store at every effect on the disk and reopens what is there.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	all := blocks(24)
	taken := 0
	var mu sync.Mutex
	type moment struct {
		at, dir string
		taken   int
	}
	var moments []moment
	seen := map[string]int{}
	s := open(t, Config{Dir: dir, SealEvents: 100_000, FileRows: 60, step: func(at string) error {
		mu.Lock()
		defer mu.Unlock()
		// Of each kind of effect the first few, and a share of the rest, which are alike.
		kind := strings.Fields(at)[0] + filepath.Ext(at)
		if seen[kind]++; seen[kind] <= 4 || seen[kind]%7 == 0 {
			moments = append(moments, moment{at, copyDir(t, dir), taken})
		}
		return nil
	}})
	for i, b := range all {
		if err := s.Append(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		taken = i + 1
		mu.Unlock()
		if i%4 == 3 {
			if err := s.Seal(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if i%8 == 7 {
			if err := s.Compact(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(moments) < 40 {
		t.Errorf("only %d moments", len(moments))
	}
	for i, m := range moments {
		// The same with MANIFEST gone, and torn: it is made anew from what lies there.
		lost := copyDir(t, m.dir)
		check(t, fmt.Sprintf("kill %d at %q", i, m.at), m.dir, all, m.taken)
		path := filepath.Join(lost, manifestName)
		if i%2 == 0 {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		} else if err := os.Truncate(path, int64(10+i)); err != nil {
			t.Fatal(err)
		}
		check(t, fmt.Sprintf("kill %d at %q, and MANIFEST lost", i, m.at), lost, all, m.taken)
	}
}

// TestRebuild: a lost MANIFEST is made anew and told; what cannot be read is set aside, named by every search and never deleted; what
// a newer program wrote is refused by name.
func TestRebuild(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Config{Dir: dir, FileRows: 60})
	all := blocks(30)
	n := int64(0)
	for i, b := range all {
		if err := s.Append(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		n += int64(len(b.Events))
		if i%10 == 9 {
			if err := s.Seal(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := s.Compact(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := readManifest(dir)
	if err != nil {
		t.Fatal(err)
	}
	reopen := func() (*Store, *store.Rebuilt, error) {
		var told *store.Rebuilt
		s, err := Open(Config{Dir: dir, FileRows: 60, Hooks: store.Hooks{OnRebuild: func(r store.Rebuilt) { told = &r }}}, quiet())
		return s, told, err
	}
	lose := func() {
		t.Helper()
		if err := os.Remove(filepath.Join(dir, manifestName)); err != nil {
			t.Fatal(err)
		}
	}
	lose()
	s, told, err := reopen()
	if err != nil {
		t.Fatal(err)
	}
	if told == nil || told.Files != len(before.Files) || told.Events != n || told.LeftOut != 0 || told.SetAside != 0 ||
		s.Position() != before.Position {
		t.Errorf("rebuild told %+v, position %d; want %d files, %d events, position %d", told, s.Position(), len(before.Files), n,
			before.Position)
	}
	s.Close() //nolint:errcheck // nothing is in memory
	after, err := readManifest(dir)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]fileEntry{}
	for _, e := range before.Files {
		e.SHA256 = ""
		known[e.Name] = e
	}
	for _, e := range after.Files {
		if known[e.Name] != e {
			t.Errorf("entry made anew %+v, was %+v", e, known[e.Name])
		}
	}
	if after.Next < before.Next {
		t.Errorf("next number %d, was %d: names would come twice", after.Next, before.Next)
	}
	if s, told, err = reopen(); err != nil || told != nil {
		t.Errorf("opened again: %v, told %+v; want nothing to tell", err, told)
	}
	s.Close() //nolint:errcheck // nothing is in memory

	bad := newFile(dir, before.Files[0])
	if err := os.Truncate(bad.path+".parquet", before.Files[0].Bytes/3); err != nil {
		t.Fatal(err)
	}
	lose()
	for round := range 2 { // also when MANIFEST is there again
		if s, told, err = reopen(); err != nil || (told != nil) != (round == 0) || told != nil && told.SetAside != 1 {
			t.Fatalf("with a damaged file: %v, told %+v", err, told)
		}
		r, err := s.Search(t.Context(), query.Search{Query: query.All{}})
		if err != nil || r.Total != n-before.Files[0].Rows || len(r.Partial) != 1 {
			t.Errorf("search: %d events, partial %v, %v; want %d and the damaged file named", r.Total, r.Partial, err, n-before.Files[0].Rows)
		}
		if err := s.Compact(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(bad.path + ".parquet.damaged"); err != nil {
			t.Errorf("the damaged file is gone: %v", err)
		}
		s.Close() //nolint:errcheck // nothing is in memory
	}
	newer := newFile(dir, before.Files[1])
	raw, err := os.ReadFile(newer.path + ".tok")
	if err != nil {
		t.Fatal(err)
	}
	raw[3] = fileVersion + 1
	if err := os.WriteFile(newer.path+".tok", raw, 0o600); err != nil {
		t.Fatal(err)
	}
	lose()
	if _, _, err = reopen(); err == nil || !strings.Contains(err.Error(), "newer program") {
		t.Errorf("with a file of a newer program: %v, want it refused by name", err)
	}
}

// TestFailure makes each effect on the disk fail once: the store goes on, loses nothing and doubles nothing.
func TestFailure(t *testing.T) {
	all := blocks(16)
	for fail := 0; ; fail++ {
		dir := t.TempDir()
		var mu sync.Mutex
		n, failed := 0, ""
		s, err := Open(Config{Dir: dir, SealEvents: 60, FileRows: 60, step: func(at string) error {
			mu.Lock()
			defer mu.Unlock()
			if n++; n == fail*3+1 {
				failed = at
				return &fs.PathError{Op: "write", Path: at, Err: syscall.ENOSPC}
			}
			return nil
		}}, quiet())
		if err != nil {
			t.Fatal(err)
		}
		retry := func(what string, fn func() error) {
			t.Helper()
			if err := fn(); err != nil {
				if !errors.Is(err, store.ErrNoSpace) {
					t.Errorf("%s failing at %q: %v, want ErrNoSpace", what, failed, err)
				}
				if err := fn(); err != nil {
					t.Fatalf("%s again after failing at %q: %v", what, failed, err)
				}
			}
		}
		for i, b := range all {
			retry("Append", func() error { return s.Append(t.Context(), b) })
			if i%8 == 7 {
				retry("Seal", func() error { return s.Seal(t.Context()) })
				retry("Compact", func() error { return s.Compact(t.Context()) })
			}
		}
		want := int64(len(all) * 12)
		if r, err := s.Search(t.Context(), query.Search{Query: query.All{}}); err != nil || r.Total != want || len(r.Partial) > 0 {
			t.Errorf("after a failure at %q: %d events, %v %v; want %d", failed, r.Total, err, r.Partial, want)
		}
		if err := s.Close(); err != nil {
			t.Errorf("Close after a failure at %q: %v", failed, err)
		}
		check(t, fmt.Sprintf("failure at %q", failed), dir, all, len(all))
		if failed == "" {
			if fail < 10 {
				t.Errorf("only %d effects were made to fail", fail)
			}
			return
		}
	}
}

// TestDiskFull: while nothing can be written Append takes a bounded number of events and says so; then it goes on by itself.
func TestDiskFull(t *testing.T) {
	var mu sync.Mutex
	full := true
	s := open(t, Config{Dir: t.TempDir(), SealEvents: 50, step: func(at string) error {
		mu.Lock()
		defer mu.Unlock()
		if full && strings.HasPrefix(at, "written") {
			return syscall.ENOSPC
		}
		return nil
	}})
	all := blocks(40)
	taken, refused := 0, 0
	for refused < 5 {
		switch err := s.Append(t.Context(), all[taken]); {
		case err == nil:
			taken++
		case errors.Is(err, store.ErrNoSpace):
			refused++
		default:
			t.Fatalf("Append on a full disk: %v, want ErrNoSpace", err)
		}
		if taken > 15 {
			t.Fatalf("%d blocks taken on a full disk: memory is not bounded", taken)
		}
	}
	if p := s.Position(); p != 0 {
		t.Errorf("Position %d on a full disk, want 0", p)
	}
	if r, err := s.Search(t.Context(), query.Search{Query: query.All{}}); err != nil || r.Total != int64(taken*12) {
		t.Errorf("Search on a full disk: %d events, %v; want %d", r.Total, err, taken*12)
	}
	mu.Lock()
	full = false
	mu.Unlock()
	for _, b := range all[taken:] {
		if err := s.Append(t.Context(), b); err != nil {
			t.Fatalf("Append with space again: %v", err)
		}
	}
	if err := s.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r, _ := s.Search(t.Context(), query.Search{Query: query.All{}}); r.Total != int64(len(all)*12) || s.Position() != uint64(len(all)) {
		t.Errorf("with space again: %d events, position %d; want %d, %d", r.Total, s.Position(), len(all)*12, len(all))
	}
}

// TestDamage flips bytes of sealed files: a search gives what is right or names the file, never something else.
func TestDamage(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Config{Dir: dir, SealEvents: 100_000})
	all := blocks(30)
	want := map[string]*ecs.Event{}
	for i, b := range all {
		if err := s.Append(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		for _, e := range b.Events {
			want[e.ID] = e
		}
		if i == 14 {
			if err := s.Seal(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := s.Compact(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, pattern := range []string{"l0/*.hle", "HT-*/*/*.parquet", "HT-*/*/*.tok"} {
		m, _ := filepath.Glob(filepath.Join(dir, pattern))
		if len(m) == 0 {
			t.Fatalf("no %s", pattern)
		}
		for range 40 {
			files = append(files, m[len(files)%len(m)])
		}
	}
	r := rand.New(rand.NewPCG(5, 5))
	named := 0
	for _, path := range files {
		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		bad := append([]byte(nil), good...)
		at := r.IntN(len(bad))
		bad[at] ^= byte(1 + r.IntN(255))
		if r.IntN(8) == 0 {
			bad = bad[:at]
		}
		if err := os.WriteFile(path, bad, 0o644); err != nil {
			t.Fatal(err)
		}
		func() {
			where := fmt.Sprintf("%s byte %d of %d", filepath.Base(path), at, len(good))
			s, err := Open(Config{Dir: dir}, quiet())
			if err != nil {
				t.Errorf("%s: Open: %v", where, err)
				return
			}
			defer s.Close()
			res, err := s.Search(t.Context(), query.Search{Query: query.Not{Node: query.Term{Field: ecs.UserName, Value: "nobody"}}, Limit: 100_000})
			if err != nil {
				t.Errorf("%s: Search: %v", where, err)
				return
			}
			if len(res.Partial) > 0 {
				named++
			} else if len(res.Events) != len(want) {
				t.Errorf("%s: %d events and no word of it, want %d", where, len(res.Events), len(want))
			}
			for _, e := range res.Events {
				if w := want[e.ID]; w == nil || !storetest.Same(e, w) {
					t.Errorf("%s: event %s reads back as something else", where, e.ID)
				}
			}
		}()
		if m, _ := filepath.Glob(filepath.Join(dir, "l0", "*.damaged")); len(m) > 0 {
			for _, p := range m {
				if err := os.Rename(p, strings.TrimSuffix(p, ".damaged")); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := os.WriteFile(path, good, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if named < len(files)/3 {
		t.Errorf("only %d of %d damages were named", named, len(files))
	}
}

// TestSearchWhileFiling: searches see every event once while segments are sealed, filed and merged.
func TestSearchWhileFiling(t *testing.T) {
	s := open(t, Config{Dir: t.TempDir(), SealEvents: 60, FileRows: 100, SealAge: 20 * time.Millisecond, CompactEvery: 15 * time.Millisecond})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	look := func(blocks int) {
		t.Helper()
		for _, limit := range []int{0, 10_000} {
			r, err := s.Search(t.Context(), query.Search{Query: query.Exists{Field: ecs.HostName}, Limit: limit})
			if err != nil || len(r.Partial) > 0 {
				t.Fatalf("Search: %v %v", err, r.Partial)
			}
			if r.Total != int64(blocks)*12 || limit > 0 && len(r.Events) != blocks*12 {
				t.Fatalf("after %d blocks: Total = %d, %d events; want %d", blocks, r.Total, len(r.Events), blocks*12)
			}
		}
	}
	filed := func() int {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.files)
	}
	all := blocks(60)
	for i, b := range all {
		if err := s.Append(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		look(i + 1)
	}
	for end := time.Now().Add(time.Minute); filed() == 0 && time.Now().Before(end); { // a busy machine files later
		look(len(all))
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
	if filed() == 0 {
		t.Error("nothing was filed meanwhile")
	}
}

// TestOnSeal: each segment is told once when sealed and again after reopening until it is filed, with the counts of its events.
func TestOnSeal(t *testing.T) {
	dir := t.TempDir()
	var mu sync.Mutex
	told := map[string]int{}
	var stored, dup int64
	cfg := Config{Dir: dir, SealEvents: 100, Hooks: store.Hooks{OnSeal: func(g store.Segment) {
		mu.Lock()
		defer mu.Unlock()
		if told[g.ID]++; told[g.ID] > 1 {
			return
		}
		for _, o := range g.Outcomes {
			stored += o.Stored
			dup += o.Duplicate
		}
	}}}
	s := open(t, cfg)
	all := blocks(20)
	again := all[3]
	again.First, again.Last = 21, 21 // the sender's retry: its "s" id is a duplicate, its "q" ids are new by definition
	for _, e := range again.Events {
		if e.ID[0] == 'q' {
			e.ID += "x"
		}
	}
	for _, b := range append(all, again) {
		if err := s.Append(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, cfg)
	mu.Lock()
	defer mu.Unlock()
	for seg, n := range told {
		if n != 2 {
			t.Errorf("segment %s told %d times, want 2", seg, n)
		}
	}
	if stored != 21*12-1 || dup != 1 {
		t.Errorf("outcomes: %d stored, %d duplicate; want %d, 1", stored, dup, 21*12-1)
	}
	if s.Position() != 21 {
		t.Errorf("Position = %d, want 21", s.Position())
	}
}
