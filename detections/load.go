package detections

import (
	"archive/zip"
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"hoalu/detections/sigma"
	"hoalu/detections/taxonomy"
	"hoalu/internal/wording"
)

//go:embed all:rules
var embedded embed.FS

//go:embed overlay/*.yml
var overlay embed.FS

// MaxFile bounds one file of rules, MaxFiles and MaxPack those of one pack.
const (
	MaxFile  = 8 << 20
	MaxFiles = 100_000
	MaxPack  = 512 << 20 // bytes of all its files
)

// Pack is a tree of rule files.
type Pack struct {
	Origin string // hoalu, sigmahq, local: soc.RuleInfo.Origin
	FS     fs.FS
}

// Embedded is the product's own pack.
func Embedded() Pack {
	sub, err := fs.Sub(embedded, "rules")
	if err != nil {
		panic(err) // the folder is part of the program
	}
	return Pack{Origin: "hoalu", FS: sub}
}

// Open makes a pack of a file, a folder or a .zip. The caller closes it when the rules are loaded.
func Open(name string) (Pack, io.Closer, error) {
	info, err := os.Stat(name)
	if err != nil {
		return Pack{}, nil, wording.New("the rules cannot be read: %s", err)
	}
	p := Pack{Origin: "local"}
	var c io.Closer = io.NopCloser(nil)
	switch {
	case info.IsDir():
		p.FS = os.DirFS(name)
	case strings.EqualFold(filepath.Ext(name), ".zip") && info.Mode().IsRegular():
		z, err := zip.OpenReader(name)
		if err != nil {
			if errors.Is(err, zip.ErrFormat) {
				return Pack{}, nil, wording.Because(err, "%s is no .zip, though its name ends so", name)
			}
			return Pack{}, nil, wording.New("%s cannot be read as a .zip: %s", name, err)
		}
		p.FS, c = z, z
	default:
		p.FS = oneFile{os.DirFS(filepath.Dir(name)), filepath.Base(name)}
	}
	if _, err := fs.Stat(p.FS, "rules-emerging-threats"); err == nil || strings.Contains(strings.ToLower(filepath.Base(name)), "sigma") {
		p.Origin = "sigmahq"
	}
	return p, c, nil
}

// oneFile shows one file of a folder.
type oneFile struct {
	fs.FS
	name string
}

// Stat looks at a file without opening it, as the folder does: opening a pipe would wait for whoever writes to it.
func (o oneFile) Stat(name string) (fs.FileInfo, error) { return fs.Stat(o.FS, name) }

func (o oneFile) ReadDir(name string) ([]fs.DirEntry, error) {
	if name != "." {
		return nil, fs.ErrNotExist
	}
	info, err := fs.Stat(o.FS, o.name)
	if err != nil {
		return nil, err
	}
	return []fs.DirEntry{fs.FileInfoToDirEntry(info)}, nil
}

// read appends every document of a pack to d. What cannot be read of it is refused by name, and the rest is read.
func (p Pack) read(d *sigma.Documents, values sigma.Values) error {
	n, total := 0, 0
	one, single := p.FS.(oneFile)
	refuse := func(name string, why *wording.Problem) error {
		d.Refused = append(d.Refused, Refusal{File: name, Why: why})
		return nil
	}
	return fs.WalkDir(p.FS, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			if name == "." {
				return wording.New("the rules cannot be read: %s", err)
			}
			return refuse(name, wording.New("cannot be read: %s", err))
		}
		base := path.Base(name)
		if e.IsDir() {
			if name != "." && (strings.HasPrefix(base, ".") || base == "testdata") {
				return fs.SkipDir
			}
			return nil
		}
		if ext := strings.ToLower(path.Ext(base)); ext != ".yml" && ext != ".yaml" && !(single && base == one.name) ||
			strings.HasPrefix(base, ".") {
			return nil
		}
		if n++; n > MaxFiles {
			return wording.New("the rules are more than %d files", MaxFiles)
		}
		if info, err := fs.Stat(p.FS, name); err != nil { // of what a link points to
			return refuse(name, wording.New("cannot be read: %s", err))
		} else if !info.Mode().IsRegular() { // opening a pipe would wait for whoever writes to it
			return refuse(name, wording.New("is no regular file"))
		}
		f, err := p.FS.Open(name)
		if err != nil {
			return refuse(name, wording.New("cannot be read: %s", err))
		}
		defer f.Close()
		data, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
		if err != nil {
			return refuse(name, wording.New("cannot be read: %s", err))
		}
		if len(data) > MaxFile {
			return refuse(name, wording.New("file is larger than %d bytes", MaxFile))
		}
		if total += len(data); total > MaxPack {
			return wording.New("the rules are more than %d bytes", MaxPack)
		}
		before := [...]int{len(d.Rules), len(d.Correlations), len(d.Filters)}
		d.Parse(name, data, values)
		for _, r := range d.Rules[before[0]:] {
			r.Origin = p.Origin
		}
		for _, c := range d.Correlations[before[1]:] {
			c.Origin = p.Origin
		}
		for _, f := range d.Filters[before[2]:] {
			f.Origin = p.Origin
		}
		return nil
	})
}

// load reads and compiles everything cfg names.
func load(cfg Config) (*sigma.Set, []Refusal, error) {
	d := &sigma.Documents{}
	values := sigma.Values{Placeholders: cfg.Placeholders, Protect: cfg.Protect}
	packs := cfg.Packs
	if packs == nil {
		packs = []Pack{Embedded()}
	}
	for _, p := range packs {
		if err := p.read(d, values); err != nil {
			return nil, nil, err
		}
	}
	for _, name := range cfg.Paths {
		p, c, err := Open(name)
		if err != nil {
			return nil, nil, err
		}
		err = errors.Join(p.read(d, values), c.Close())
		if err != nil {
			return nil, nil, err
		}
	}
	d.Rules = slices.DeleteFunc(d.Rules, func(r *sigma.Rule) bool { return slices.Contains(cfg.Disabled, r.ID) })
	d.Correlations = slices.DeleteFunc(d.Correlations, func(c *sigma.Correlation) bool { return slices.Contains(cfg.Disabled, c.ID) })
	tax, err := taxonomy.Default()
	if err != nil {
		return nil, nil, err
	}
	set, refused := sigma.Compile(d, sigma.Options{Taxonomy: tax})
	return set, append(d.Refused, refused...), nil
}

// Text is title, explanation and run-book of an imported rule in both languages, from overlay/*.yml by rule id (decision 29).
type Text struct {
	VI      *sigma.Texts        `yaml:"vi"`
	EN      *sigma.Texts        `yaml:"en"`
	Runbook map[string][]string `yaml:"runbook"`
}

func loadOverlay(fsys fs.FS) (map[string]Text, error) {
	out := map[string]Text{}
	names, err := fs.Glob(fsys, "overlay/*.yml")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		dec := yaml.NewDecoder(bytes.NewReader(data))
		dec.KnownFields(true)
		var m map[string]Text
		if err := dec.Decode(&m); err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		for id, t := range m {
			out[id] = t
		}
	}
	return out, nil
}
