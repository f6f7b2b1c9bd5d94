// Package taxonomy says which field of an event a field of a Sigma rule means (https://sigmahq.io, "Taxonomy"; decision 4).
//
// Words: a Table belongs to a log source. Its prefixes are places where a sender puts the original fields ("winlog.event_data."
// of Winlogbeat); its fields are aliases, best first. A field of an event counts first under its own name, then without its
// spaces, then under its name after a prefix, then by the aliases of the tables of its log source, the more specific table first,
// and last the ECS name itself, which is again its own name.
//
// A Taxonomy is immutable and safe for concurrent use. To add names: edit or add a .yml here; no Go.
package taxonomy

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"hoalu/detections/sigma"
	"hoalu/ecs"
)

//go:embed *.yml
var files embed.FS

// Table is one document of a file.
type Table struct {
	Logsource struct {
		Product  string `yaml:"product"`
		Service  string `yaml:"service"`
		Category string `yaml:"category"`
	} `yaml:"logsource"`
	Prefixes []string            `yaml:"prefixes"` // "*" stands for one name between dots
	Fields   map[string][]string `yaml:"fields"`   // rule field → event fields, best first; "a + b": the values of both count

	source   sigma.LogSource
	byEvent  map[string][]sigma.Name
	specific int
}

// Taxonomy is all tables.
type Taxonomy struct {
	tables []*Table
	known  map[string]bool
}

// Default is the product's own tables.
func Default() (*Taxonomy, error) { return Load(files) }

// Load reads every .yml of the top folder of fsys, with one or more documents each.
func Load(fsys fs.FS) (*Taxonomy, error) {
	t := &Taxonomy{known: map[string]bool{}}
	names, err := fs.Glob(fsys, "*.yml")
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
		for {
			var tab Table
			if err := dec.Decode(&tab); err != nil {
				if err.Error() == "EOF" {
					break
				}
				return nil, fmt.Errorf("taxonomy %s: %w", name, err)
			}
			l := tab.Logsource
			tab.source = sigma.LogSource{Product: l.Product, Service: l.Service, Category: l.Category}
			if tab.source == (sigma.LogSource{}) {
				return nil, fmt.Errorf("taxonomy %s: a table names no log source", name)
			}
			tab.byEvent = map[string][]sigma.Name{}
			for field, sources := range tab.Fields {
				for i, same := range sources {
					for s := range strings.SplitSeq(same, " + ") {
						tab.byEvent[s] = append(tab.byEvent[s], sigma.Name{Field: field, Prio: uint8(min(i, 7))})
					}
				}
			}
			for _, part := range []string{l.Product, l.Service, l.Category} {
				if part != "" {
					t.known[part] = true
					tab.specific++
				}
			}
			t.tables = append(t.tables, &tab)
		}
	}
	slices.SortStableFunc(t.tables, func(a, b *Table) int { return b.specific - a.specific })
	return t, nil
}

// Knows reports whether some table asks for a product, service or category of this name.
func (t *Taxonomy) Knows(part string) bool { return t.known[part] }

// Names appends the rule fields that event field name answers for in events of ls.
func (t *Taxonomy) Names(dst []sigma.Name, ls ecs.Logsource, name string) []sigma.Name {
	bases := []string{name}
	if s := strings.ReplaceAll(name, " ", ""); s != name {
		bases = append(bases, s)
	}
	for _, tab := range t.tables {
		if !tab.source.Applies(ls) {
			continue
		}
		for _, p := range tab.Prefixes {
			rest, ok := cutPrefix(name, p)
			if !ok || rest == "" {
				continue
			}
			for _, b := range []string{rest, strings.ReplaceAll(rest, " ", "")} {
				if !slices.Contains(bases, b) {
					bases = append(bases, b)
					dst = append(dst, sigma.Name{Field: b, Prio: 2})
				}
			}
		}
	}
	prio := uint8(3)
	for _, tab := range t.tables {
		if !tab.source.Applies(ls) {
			continue
		}
		for _, b := range bases {
			for _, n := range tab.byEvent[b] {
				dst = append(dst, sigma.Name{Field: n.Field, Prio: min(prio+n.Prio, 250)})
			}
		}
		prio += 8
		if prio > 240 {
			prio = 240
		}
	}
	return dst
}

// cutPrefix is strings.CutPrefix where a "*" between dots of prefix stands for any one name.
func cutPrefix(name, prefix string) (string, bool) {
	before, after, star := strings.Cut(prefix, "*")
	if !star {
		return strings.CutPrefix(name, prefix)
	}
	rest, ok := strings.CutPrefix(name, before)
	if !ok {
		return "", false
	}
	_, rest, ok = strings.Cut(rest, ".")
	if !ok {
		return "", false
	}
	return strings.CutPrefix("."+rest, after)
}
