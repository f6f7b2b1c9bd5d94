package decoders

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"hoalu/internal/durable"
)

// Archive keeps the sets of definitions that this appliance has decoded with, by number, so that a batch which came under one is
// decoded by it after the decoders were changed (decision 8). It keeps what is YAML; parsers in Go are those of the running build.
// Safe for concurrent use.
//
// Its folder holds a file <number>.json for each set, the newest maxArchived of them.
type Archive struct {
	dir     string
	number  uint64
	mu      sync.Mutex
	present *Set
	sets    map[uint64]*Set // read so far; nil: it could not be
}

const (
	maxArchived    = 64
	maxArchiveFile = 64 << 20 // bytes read of one
)

// archived is one set as it is kept.
type archived struct {
	Digest string            `json:"digest"`
	Files  map[string]string `json:"files"`         // definition files by name
	Own    []string          `json:"own,omitempty"` // those beside the build's own: they take programs over
}

// digest tells sets apart.
func (s *Set) digest() string {
	h := sha256.New()
	for _, list := range []map[string]*definition{s.defs, s.hosts} {
		for _, n := range sortedKeys(list) {
			fmt.Fprintf(h, "%q%q", n, list[n].source) //nolint:errcheck // a hash takes everything
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// OpenArchive opens the archive in dir, makes it where there is none, and keeps set where it is another than the newest one.
func OpenArchive(dir string, set *Set) (*Archive, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	a := &Archive{dir: dir, present: set, sets: map[uint64]*Set{}}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	oldest := uint64(0)
	for _, e := range entries {
		var n uint64
		if _, err := fmt.Sscanf(e.Name(), "%d.json", &n); err != nil || e.Name() != archiveName(n) {
			continue
		}
		a.number = max(a.number, n)
		if oldest == 0 || n < oldest {
			oldest = n
		}
	}
	digest := set.digest()
	if a.number > 0 {
		if kept, err := a.read(a.number); err == nil && kept.Digest == digest {
			a.sets[a.number] = set
			return a, nil
		}
	}
	a.number++
	files := map[string]string{}
	for _, list := range []map[string]*definition{set.defs, set.hosts} {
		for n, def := range list {
			files[n+".yml"] = def.source
		}
	}
	var own []string
	for _, def := range set.extra {
		own = append(own, def.Dataset+".yml")
	}
	data, err := json.Marshal(archived{digest, files, own})
	if err != nil {
		return nil, err
	}
	if err := a.write(archiveName(a.number), data); err != nil {
		return nil, fmt.Errorf("keep the set of decoders: %w", err)
	}
	a.sets[a.number] = set
	for ; oldest > 0 && oldest+maxArchived <= a.number; oldest++ {
		if err := os.Remove(filepath.Join(dir, archiveName(oldest))); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return a, nil
}

func archiveName(n uint64) string { return fmt.Sprintf("%d.json", n) }

// Number is that of the present set, from 1.
func (a *Archive) Number() uint64 { return a.number }

// Set is the set of a number, the present one for 0. An error says that it is not kept or that this build cannot read it; the present
// set comes with it.
func (a *Archive) Set(n uint64) (*Set, error) {
	if n == 0 || n == a.number {
		return a.present, nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if s, asked := a.sets[n]; s != nil {
		return s, nil
	} else if asked {
		return a.present, nil // said once
	}
	a.sets[n] = nil
	kept, err := a.read(n)
	if err != nil {
		return a.present, err
	}
	s := newSet()
	var errs []error
	names := sortedKeys(kept.Files)
	// -1 is the build's own
	slices.SortStableFunc(names, func(a, b string) int { return slices.Index(kept.Own, a) - slices.Index(kept.Own, b) })
	for _, name := range names {
		def, err := parseDefinition(name, []byte(kept.Files[name]))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		s.add(def)
	}
	if err := errors.Join(errs...); err != nil {
		return a.present, err
	}
	if len(s.hosts) == 0 { // kept before programs stood in definitions: those of the running build read them
		built, err := New()
		if err != nil {
			return a.present, err
		}
		for _, def := range built.hosts {
			s.add(def)
		}
	}
	s.order()
	a.sets[n] = s
	return s, nil
}

func (a *Archive) read(n uint64) (archived, error) {
	var kept archived
	path := filepath.Join(a.dir, archiveName(n))
	info, err := os.Stat(path)
	if err != nil {
		return kept, err
	}
	if info.Size() > maxArchiveFile {
		return kept, fmt.Errorf("%s: %d bytes are too many", path, info.Size())
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return kept, err
	}
	if err := json.Unmarshal(data, &kept); err != nil {
		return kept, fmt.Errorf("%s: %w", path, err)
	}
	return kept, nil
}

// write replaces a file so that after a crash the old or the new one is there, whole.
func (a *Archive) write(name string, data []byte) error {
	return durable.Write(filepath.Join(a.dir, name), data)
}
