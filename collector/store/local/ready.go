package local

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"hoalu/internal/wording"
)

// Bounds of what Ready names.
const (
	maxUnread = 1000 // parts that could not be read, kept by name
	maxNamed  = 3    // of them in one sentence
)

// troubles is what of the store's own work and of its files failed when it was last tried.
type troubles struct {
	any atomic.Int64 // length of unread, so that a search that fails nowhere takes no lock

	mu     sync.Mutex
	work   map[string]error // by what was tried: compaction, retention
	unread map[string]failed
}

// failed is a part that a search could not read, and what the search looked for in it: whether it can be read again is found out by the
// same scan.
type failed struct {
	part   part
	plan   *plan
	reason string
}

// key names a part; the blocks of a first-level segment are several.
func key(pt part) string {
	if b, ok := pt.(l0Part); ok {
		return fmt.Sprintf("%s#%d", b.name(), b.i)
	}
	return pt.name()
}

// worked notes how the store's own work went.
func (t *troubles) worked(what string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.work == nil {
		t.work = map[string]error{}
	}
	if t.work[what] = err; err == nil {
		delete(t.work, what)
	}
}

// scanned notes whether a scan could read a part.
func (t *troubles) scanned(pt part, p *plan, err error) {
	if err == nil && t.any.Load() == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.unread == nil {
		t.unread = map[string]failed{}
	}
	k := key(pt)
	_, known := t.unread[k]
	switch {
	case err == nil:
		delete(t.unread, k)
	case known || len(t.unread) < maxUnread:
		t.unread[k] = failed{pt, p, reason(err)}
	}
	t.any.Store(int64(len(t.unread)))
}

// again scans what could not be read before, until maxNamed parts cannot be read once more, and forgets parts that the store holds no
// more. It returns why each of the others cannot be read, by name.
func (t *troubles) again(ctx context.Context, held map[string]bool, guard func(string, func() error) error) map[string]string {
	t.mu.Lock()
	for k, f := range t.unread {
		if !held[f.part.name()] {
			delete(t.unread, k)
		}
	}
	t.any.Store(int64(len(t.unread)))
	var list []failed
	for _, f := range t.unread {
		list = append(list, f)
	}
	t.mu.Unlock()
	for bad := 0; len(list) > 0 && bad < maxNamed && ctx.Err() == nil; list = list[1:] {
		f := list[0]
		out := partial{aggs: newAggs(f.plan)}
		err := guard("search", func() error { return f.part.scan(ctx, f.plan, &out) })
		if ctx.Err() == nil {
			t.scanned(f.part, f.plan, err)
		}
		if err != nil {
			bad++
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	out := map[string]string{}
	for _, f := range t.unread {
		out[f.part.name()] = f.reason
	}
	return out
}

// Ready implements store.Store: the folder and every segment are there and may be read, the last search read whatever it needed, and the
// last seal, compaction and retention worked.
func (s *Store) Ready(ctx context.Context) error {
	s.mu.Lock()
	closed, sealErr := s.closed, s.sealErr
	s.mu.Unlock()
	if closed {
		return nil
	}
	var errs []error
	if sealErr != nil {
		errs = append(errs, wording.New("events stay in memory and in the queue, because they cannot be written: %s", sealErr))
	}
	if _, err := os.ReadDir(s.cfg.Dir); err != nil {
		return errors.Join(append(errs,
			wording.New("the folder of the event store cannot be read: %s; look at the disk and at the rights of the folder", err))...)
	}
	v := s.view()
	defer s.release(v) // nothing of it is removed while we look
	held := make(map[string]bool, len(v.level0)+len(v.files))
	paths := make(map[string]string, len(v.level0)+len(v.files))
	for _, seg := range v.level0 {
		paths[l0Part{seg, 0}.name()] = seg.path
	}
	for _, f := range v.files {
		paths[filePart{s, f}.name()] = f.path + ".parquet"
	}
	for name := range paths {
		held[name] = true
	}
	gone := s.trouble.again(ctx, held, s.guarded)
	for name, path := range paths {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := unix.Access(path, unix.R_OK); err != nil {
			gone[name] = err.Error()
		}
	}
	s.trouble.mu.Lock()
	for _, what := range slices.Sorted(maps.Keys(s.trouble.work)) {
		errs = append(errs, wording.New("the event store could not do its work (%s): %s", what, s.trouble.work[what]))
	}
	s.trouble.mu.Unlock()
	if len(gone) > 0 {
		var named []string
		for _, name := range slices.Sorted(maps.Keys(gone)) {
			if len(named) == maxNamed {
				named = append(named, fmt.Sprintf("and %d more", len(gone)-maxNamed))
				break
			}
			named = append(named, name+": "+gone[name])
		}
		errs = append(errs,
			wording.New("%d files of events cannot be read, so searches and figures are incomplete: %s; look at the disk, or restore them from the backup", len(gone), strings.Join(named, "; ")))
	}
	return errors.Join(errs...)
}
