package local

import (
	"container/list"
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"

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

// fileCache keeps token filters by bytes, least recently used out first.
type fileCache struct {
	mu   sync.Mutex
	toks map[string]*list.Element
	lru  *list.List // of *cachedTok
	size int
}

const maxTokBytes = 64 << 20

type cachedTok struct {
	path string
	tok  *tok
}

func newFileCache() *fileCache {
	return &fileCache{toks: map[string]*list.Element{}, lru: list.New()}
}

// tok returns the token filter and page table of a file.
func (c *fileCache) tok(f *file) (*tok, error) {
	c.mu.Lock()
	if el := c.toks[f.path]; el != nil {
		c.lru.MoveToFront(el)
		c.mu.Unlock()
		return el.Value.(*cachedTok).tok, nil
	}
	c.mu.Unlock()
	t, _, err := readTok(f.path + ".tok")
	if err != nil {
		return nil, err
	}
	if int64(t.Rows) != f.Rows {
		return nil, fmt.Errorf("%w: %d rows, MANIFEST says %d", errDamaged, t.Rows, f.Rows)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if el := c.toks[f.path]; el != nil {
		return el.Value.(*cachedTok).tok, nil
	}
	c.toks[f.path] = c.lru.PushFront(&cachedTok{f.path, t})
	c.size += t.size
	for c.size > maxTokBytes && c.lru.Len() > 1 {
		old := c.lru.Remove(c.lru.Back()).(*cachedTok)
		delete(c.toks, old.path)
		c.size -= old.tok.size
	}
	return t, nil
}

// drop forgets a file that is removed.
func (c *fileCache) drop(path string) {
	path = strings.TrimSuffix(strings.TrimSuffix(path, ".parquet"), ".tok")
	c.mu.Lock()
	defer c.mu.Unlock()
	if el := c.toks[path]; el != nil {
		c.size -= c.lru.Remove(el).(*cachedTok).tok.size
		delete(c.toks, path)
	}
}

// open opens a filed segment; the caller closes its file.
func (c *fileCache) open(f *file) (*handle, error) {
	t, err := c.tok(f)
	if err != nil {
		return nil, err
	}
	o, err := os.Open(f.path + ".parquet")
	if err != nil {
		return nil, err
	}
	return &handle{o, t}, nil
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
	return &facts{system: system, hasSystem: true, has: t.tokens.has, id: t.ids.has, field: func(name string) fieldFact {
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
	h, err := p.s.cache.open(p.f)
	if err != nil {
		return err
	}
	defer h.f.Close()
	x := &eval{ctx: ctx, h: h, t: t, f: p.f, rows: int(p.f.Rows), facts: t.facts(p.f.System)}
	return x.run(pl, out)
}

// filesKnow is known for filed segments.
func (s *Store) filesKnow(v *view, e *ecs.Event, former string) (bool, error) {
	ids := [...]string{e.ID, former}
	keys := [...]uint64{query.IDKey(e.ID), query.IDKey(former)}
	for _, f := range v.files {
		if f.System != e.System || (e.Time < f.Min || e.Time > f.Max) && f.Created < e.Created-24*3600_000 {
			continue
		}
		t, err := s.cache.tok(f)
		if err != nil {
			return false, err
		}
		for i, id := range ids {
			if id == "" || !t.ids.has(keys[i]) {
				continue
			}
			yes, err := s.fileKnows(f, e, id)
			if yes || err != nil {
				return yes, err
			}
		}
	}
	return false, nil
}

// fileKnows asks one file for the event of an id: e's own, or its former one, under which it must be stored as it comes again.
func (s *Store) fileKnows(f *file, e *ecs.Event, id string) (bool, error) {
	pl, err := newPlan(query.Search{Query: query.Term{Field: ecs.EventID, Value: id}, Limit: 1})
	if err != nil {
		return false, err
	}
	r := partial{}
	if err := (filePart{s, f}).scan(context.Background(), pl, &r); err != nil {
		return false, err
	}
	if id == e.ID {
		return r.count > 0, nil
	}
	for _, h := range r.hits {
		stored, err := s.rows(context.Background(), f, []int32{h.row})
		if err != nil {
			return false, err
		}
		if again(e, id, stored) {
			return true, nil
		}
	}
	return false, nil
}
