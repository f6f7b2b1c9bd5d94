package file

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"hoalu/ecs/wire"
	"hoalu/internal/durable"
)

const (
	pollEvery  = 500 * time.Millisecond
	chunk      = 1 << 20          // bytes read of one file before the next has its turn
	rotatedFor = 10 * time.Second // a file rotated away is watched on: its writer may not know yet
	maxFiles   = 1000
)

// Path is a file, folder or pattern (/var/log/nginx/*.log) to follow.
type Path struct {
	Path    string
	Source  string
	Dataset string
	Format  string // as ImportOptions.Format
	Begin   bool   // read what is there already at the first sight of it; false: only what comes
}

// Config of a Follower.
type Config struct {
	Paths   []Path
	Journal *Path  // follow a systemd journal with journalctl: Path is its folder, "" this host's; nil: none
	State   string // file of positions
	MaxLine int    // bytes, 0: 1 MiB

	Reject func(source, peer, reason string, n int) // may be nil
}

// Follower follows files.
type Follower struct {
	cfg Config
	put Put
	log *slog.Logger

	open  map[string]*tail // by inode
	first bool             // the first look: what is there now was there before us
	full  bool             // told that there are too many files

	mu    sync.Mutex // files and journal share the state file
	state positions
	saved []byte
}

// positions is the state file.
type positions struct {
	Version int                 `json:"version"`
	Files   map[string]position `json:"files"` // by "device:inode"
	Seen    []string            `json:"seen"`  // configured paths that were followed before: a file new under them is read from its begin
	Cursor  string              `json:"cursor,omitempty"`
}

type position struct {
	Path   string `json:"path"`
	Birth  string `json:"birth"`
	Offset int64  `json:"offset"`
}

// tail is an open file.
type tail struct {
	Path
	name   string
	f      *os.File
	at     position
	buf    []byte    // bytes behind at.Offset
	skip   bool      // the rest of a line that is too long
	gone   time.Time // when another file took its name, zero: it has it
	ending bool      // drained for good: its last line may lack a newline
}

// New reads the positions.
func New(cfg Config, put Put, log *slog.Logger) (*Follower, error) {
	if cfg.State == "" {
		return nil, errors.New("follow files: no state file is set")
	}
	if cfg.MaxLine <= 0 {
		cfg.MaxLine = defaultMaxLine
	}
	if cfg.Reject == nil {
		cfg.Reject = func(string, string, string, int) {}
	}
	f := &Follower{cfg: cfg, put: put, log: log.With("component", "collector/source/file"), open: map[string]*tail{}, first: true,
		state: positions{Version: 1, Files: map[string]position{}}}
	data, err := os.ReadFile(cfg.State)
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("follow files: %w", err)
	default:
		if err := json.Unmarshal(data, &f.state); err != nil {
			return nil, fmt.Errorf("follow files: read %s: %w", cfg.State, err)
		}
		if f.state.Version != 1 {
			return nil, fmt.Errorf("follow files: %s has version %d, this program reads 1", cfg.State, f.state.Version)
		}
		if f.state.Files == nil {
			f.state.Files = map[string]position{}
		}
	}
	return f, nil
}

// HostPaths lists what this host has to follow by default: authentication, system, audit and web server logs that exist and can be
// read. Small ones are read from their begin.
func HostPaths(source string) []Path {
	var list []Path
	for _, p := range []struct{ pattern, dataset string }{
		{"/var/log/auth.log", "linux.auth"}, {"/var/log/secure", "linux.auth"},
		{"/var/log/syslog", "linux.syslog"}, {"/var/log/messages", "linux.syslog"},
		{"/var/log/audit/audit.log", "auditd.log"},
		{"/var/log/nginx/access.log", "nginx.access"}, {"/var/log/nginx/error.log", "nginx.error"},
		{"/var/log/apache2/access.log", "apache.access"}, {"/var/log/apache2/error.log", "apache.error"},
		{"/var/log/httpd/access_log", "apache.access"}, {"/var/log/httpd/error_log", "apache.error"},
	} {
		f, err := os.Open(p.pattern)
		if err != nil {
			continue
		}
		if st, err := f.Stat(); err == nil && st.Mode().IsRegular() {
			list = append(list, Path{Path: p.pattern, Source: source, Dataset: p.dataset, Begin: st.Size() < 8<<20})
		}
		f.Close()
	}
	return list
}

// Run follows until ctx ends.
func (f *Follower) Run(ctx context.Context) error {
	var journal sync.WaitGroup
	if f.cfg.Journal != nil {
		journal.Go(func() { f.followJournal(ctx, *f.cfg.Journal) })
	}
	defer func() {
		journal.Wait()
		for _, t := range f.open {
			t.f.Close()
		}
	}()
	for {
		more, err := f.look(ctx, time.Now())
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			f.log.Error("follow files", "error.message", err.Error())
			more = false
		}
		if more {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pollEvery):
		}
	}
}

// look opens what is new, reads a chunk of every file and keeps the positions; more says that some file has more.
func (f *Follower) look(ctx context.Context, now time.Time) (more bool, err error) {
	f.discover(now)
	f.first = false
	if err := f.save(); err != nil { // births before their lines
		return false, err
	}
	var errs []error
	ids := slices.SortedFunc(maps.Keys(f.open), func(a, b string) int { // rotated files first: their lines are older
		if ga, gb := f.open[a].gone.IsZero(), f.open[b].gone.IsZero(); ga != gb {
			if gb {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	for _, id := range ids {
		t := f.open[id]
		m, err := f.read(ctx, id, t, now)
		more = more || m
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", t.name, err))
		}
		if ctx.Err() != nil {
			break
		}
	}
	return more, errors.Join(append(errs, f.save())...)
}

func inode(st os.FileInfo) string {
	if s, ok := st.Sys().(*syscall.Stat_t); ok {
		return fmt.Sprintf("%d:%d", s.Dev, s.Ino)
	}
	return st.Name()
}

// discover opens files that are new under the configured names and notices those that lost their name.
func (f *Follower) discover(now time.Time) {
	named := map[string]bool{}
	for _, p := range f.cfg.Paths {
		for _, name := range expand(p.Path) {
			st, err := os.Stat(name)
			if err != nil || !st.Mode().IsRegular() {
				continue
			}
			id := inode(st)
			named[id] = true
			if t := f.open[id]; t == nil {
				f.follow(p, name, id, p.Begin || slices.Contains(f.state.Seen, p.Path))
			}
		}
	}
	for _, p := range f.cfg.Paths {
		if !slices.Contains(f.state.Seen, p.Path) {
			f.mu.Lock()
			f.state.Seen = append(f.state.Seen, p.Path)
			f.mu.Unlock()
		}
	}
	if f.first { // rotated away while nobody followed
		for id, at := range f.state.Files {
			if f.open[id] != nil {
				continue
			}
			if name, p, ok := f.find(id, at.Path); ok {
				f.follow(p, name, id, true)
			} else {
				f.forget(id)
			}
		}
	}
	for id, t := range f.open {
		switch {
		case named[id]:
			t.gone = time.Time{}
		case t.gone.IsZero():
			t.gone = now
		}
	}
}

func expand(pattern string) []string {
	if st, err := os.Stat(pattern); err == nil && st.IsDir() {
		pattern = filepath.Join(pattern, "*")
	}
	names, err := filepath.Glob(pattern)
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(names, func(n string) bool {
		switch filepath.Ext(n) {
		case ".gz", ".xz", ".bz2", ".zst":
			return true
		}
		return strings.HasPrefix(filepath.Base(n), ".")
	})
}

// find looks for the inode of a file that was followed as path, in its folder.
func (f *Follower) find(id, path string) (name string, p Path, ok bool) {
	for _, c := range f.cfg.Paths {
		if c.Path != path && !slices.Contains(expand(c.Path), path) {
			if match, err := filepath.Match(c.Path, path); err != nil || !match {
				continue
			}
		}
		entries, err := os.ReadDir(filepath.Dir(path))
		if err != nil {
			return "", Path{}, false
		}
		for _, e := range entries {
			if st, err := e.Info(); err == nil && st.Mode().IsRegular() && inode(st) == id {
				return filepath.Join(filepath.Dir(path), e.Name()), c, true
			}
		}
	}
	return "", Path{}, false
}

func (f *Follower) follow(p Path, name, id string, begin bool) {
	if len(f.open) >= maxFiles {
		if !f.full {
			f.full = true
			f.log.Error("too many files to follow: narrow the patterns", "file.path", name, "limit", maxFiles)
		}
		return
	}
	file, err := os.Open(name)
	if err != nil {
		f.log.Warn("file cannot be followed", "file.path", name, "error.message", err.Error())
		return
	}
	st, err := file.Stat()
	if err != nil || inode(st) != id { // renamed in this very moment: the next look finds it
		file.Close()
		return
	}
	f.mu.Lock()
	at, known := f.state.Files[id]
	f.mu.Unlock()
	if !known || st.Size() < at.Offset {
		at = position{Birth: birth()}
		if !known && !begin {
			at.Offset = lineStart(file, st.Size())
		}
	}
	if at.Path == "" { // a rotated file keeps the name it was followed by
		at.Path = name
	}
	t := &tail{Path: p, name: name, f: file, at: at}
	f.open[id] = t
	f.note(id, at)
}

// lineStart is the begin of the line that ends at size or has not ended there: half a line is nobody's.
func lineStart(f *os.File, size int64) int64 {
	buf := make([]byte, min(size, 64<<10))
	n, err := f.ReadAt(buf, size-int64(len(buf)))
	if err != nil && !errors.Is(err, io.EOF) {
		return size
	}
	return size - int64(n) + int64(bytes.LastIndexByte(buf[:n], '\n')) + 1
}

func birth() string {
	var b [10]byte
	rand.Read(b[:]) //nolint:errcheck // never fails (crypto/rand)
	return strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))
}

func (f *Follower) note(id string, at position) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state.Files[id] = at
}

func (f *Follower) forget(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.state.Files, id)
}

// read takes the next chunk of a file in.
func (f *Follower) read(ctx context.Context, id string, t *tail, now time.Time) (more bool, err error) {
	st, err := t.f.Stat()
	if err != nil {
		return false, err
	}
	if st.Size() < t.at.Offset { // truncated: what comes now are other lines
		t.at = position{Path: t.at.Path, Birth: birth()}
		t.buf, t.skip = nil, false
		f.note(id, t.at)
		if err := f.save(); err != nil {
			return false, err
		}
	}
	at := t.at.Offset + int64(len(t.buf))
	part := make([]byte, min(chunk, max(0, st.Size()-at)))
	n, err := t.f.ReadAt(part, at)
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	t.buf = append(t.buf, part[:n]...)
	more = n == chunk
	if n == 0 && !t.gone.IsZero() && now.Sub(t.gone) >= rotatedFor {
		t.ending = true
	}
	if err := f.lines(ctx, t); err != nil {
		return false, err
	}
	f.note(id, t.at)
	if t.ending {
		t.f.Close()
		delete(f.open, id)
		f.forget(id)
	}
	return more, nil
}

// lines puts the whole lines of t's buffer and moves the offset behind them.
func (f *Follower) lines(ctx context.Context, t *tail) error {
	var frames []wire.Frame
	used := 0
	for used < len(t.buf) {
		i := bytes.IndexByte(t.buf[used:], '\n')
		end := used + i + 1
		if i < 0 {
			if !t.ending {
				break
			}
			end = len(t.buf)
		}
		line := trim(t.buf[used:end])
		switch {
		case t.skip:
			t.skip = false
		case len(line) > f.cfg.MaxLine:
			f.cfg.Reject(t.Source, "", TooLarge, 1)
		case len(line) > 0:
			frames = append(frames, wire.Frame{Source: t.Source, Received: time.Now().UnixMilli(), Format: formatOf(t.Format, line),
				Dataset: t.Dataset,
				ID:      t.at.Birth + "-" + strconv.FormatInt(t.at.Offset+int64(used), 36), Data: line})
		}
		used = end
	}
	if len(frames) > 0 {
		if err := f.put(ctx, FollowName, frames); err != nil {
			return err // read again from the same offset; ids are the same
		}
	}
	if rest := len(t.buf) - used; rest > f.cfg.MaxLine { // a line too long that has not ended
		if !t.skip {
			f.cfg.Reject(t.Source, "", TooLarge, 1)
		}
		t.skip, used = true, len(t.buf)
	}
	t.at.Offset += int64(used)
	t.buf = bytes.Clone(t.buf[used:])
	return nil
}

// save writes the state file when it changed.
func (f *Follower) save() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	data, err := json.Marshal(f.state)
	if err != nil {
		return err
	}
	if bytes.Equal(data, f.saved) {
		return nil
	}
	if err := durable.Write(f.cfg.State, data); err != nil {
		return fmt.Errorf("keep positions: %w", err)
	}
	f.saved = data
	return nil
}

// writeDurably puts data in the place of path, so that after a crash the file is the old one or the new one, whole.
