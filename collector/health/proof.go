package health

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"hoalu/ecs"
	"hoalu/soc"
)

// proofFile is what an event proves of its source: the kinds of log it keeps and the technical layer it watches. It says of itself how it
// is read.
//
//go:embed proof.yml
var proofFile []byte

// kindSet is a set of kinds of log, a bit each.
type kindSet uint16

// kindNames are the kinds in the order of their bits.
var kindNames = []string{soc.LogConnection, soc.LogFlow, soc.LogLogon, soc.LogFault, soc.LogChange, soc.LogProcess, soc.LogAccess,
	soc.LogData, soc.LogAlert}

// layerNames are the technical layers there are.
var layerNames = []string{soc.LayerNetwork, soc.LayerApplication, soc.LayerDatabase, soc.LayerEndpoint}

// proofYAML is proof.yml as it stands.
type proofYAML struct {
	Names []string `yaml:"names"`
	Kinds map[string]struct {
		Of     string              `yaml:"of"`
		Fields map[string][]string `yaml:"fields"`
	} `yaml:"kinds"`
	Hosts  []string `yaml:"hosts"`
	Layers map[string]struct {
		Categories []string `yaml:"categories"`
		Products   []string `yaml:"products"`
	} `yaml:"layers"`
}

// proof is proof.yml ready to be asked; immutable.
type proof struct {
	byField  [][]shown // by ecs.Field; a walk along the few values of a field is faster than a map
	narrowed []narrowed

	categories, products map[string]string // → layer
	hosts                map[string]bool
}

// shown says which kinds of log a value of a field shows.
type shown struct {
	value string
	any   bool // whatever the value
	kinds kindSet
}

// narrowed takes from an event the kinds that only events of another kind can be.
type narrowed struct{ kind, of kindSet }

const anyValue = "*"

// readProof reads a file as proof.yml and names everything in it that is not known.
func readProof(raw []byte) (*proof, error) {
	var y proofYAML
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	dec.KnownFields(true)
	if err := dec.Decode(&y); err != nil {
		return nil, fmt.Errorf("proof.yml: %w", err)
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("proof.yml: holds more than one document (---)")
	}
	p := &proof{categories: map[string]string{}, products: map[string]string{}, hosts: map[string]bool{}}
	err := errors.Join(p.readKinds(y), p.readLayers(y))
	if err != nil {
		return nil, err
	}
	return p, nil
}

// readKinds takes over names and kinds.
func (p *proof) readKinds(y proofYAML) error {
	var errs []error
	bad := func(format string, values ...any) { errs = append(errs, fmt.Errorf("proof.yml: "+format, values...)) }
	own := map[string]bool{}
	for _, n := range y.Names {
		if ecs.InSchema(n) {
			bad("names: %s is a field of the Elastic Common Schema; it needs no line here", n)
		}
		own[n] = false
	}
	for _, name := range slices.Sorted(maps.Keys(y.Kinds)) {
		def, bit := y.Kinds[name], kindBit(name)
		if bit == 0 {
			bad("kinds: there is no kind of log %q; they are %s", name, strings.Join(kindNames, ", "))
			continue
		}
		if len(def.Fields) == 0 {
			bad("kinds: %s names no field", name)
		}
		if def.Of != "" {
			of := kindBit(def.Of)
			if of == 0 || of == bit {
				bad("kinds: %s is of %q; it must be of another kind of log", name, def.Of)
			}
			p.narrowed = append(p.narrowed, narrowed{bit, of})
		}
		for _, field := range slices.Sorted(maps.Keys(def.Fields)) {
			if _, ok := own[field]; ok {
				own[field] = true
			} else if !ecs.InSchema(field) {
				bad("kinds: %s: there is no field %q; one of a sender's own stands under names", name, field)
				continue
			}
			if len(def.Fields[field]) == 0 {
				bad("kinds: %s: %s has no values", name, field)
			}
			for _, v := range def.Fields[field] {
				if field == "event.category" && !ecs.IsCategory(v) {
					bad("kinds: %s: the Elastic Common Schema has no event.category %q", name, v)
				}
				p.prove(field, v, bit)
			}
		}
	}
	for _, name := range kindNames {
		if _, ok := y.Kinds[name]; !ok {
			bad("kinds: nothing says what proves %s", name)
		}
	}
	for _, n := range slices.Sorted(maps.Keys(own)) {
		if !own[n] {
			bad("names: no kind uses %s", n)
		}
	}
	return errors.Join(errs...)
}

// kindBit is the bit of a kind of log; 0 when there is none of that name.
func kindBit(name string) kindSet {
	if i := slices.Index(kindNames, name); i >= 0 {
		return 1 << i
	}
	return 0
}

// prove notes that a value of a field shows the kind of log bit.
func (p *proof) prove(field, value string, bit kindSet) {
	f := ecs.Intern(field)
	if n := int(f) + 1 - len(p.byField); n > 0 {
		p.byField = append(p.byField, make([][]shown, n)...)
	}
	p.byField[f] = append(p.byField[f], shown{value, value == anyValue, bit})
}

// readLayers takes over hosts and layers.
func (p *proof) readLayers(y proofYAML) error {
	var errs []error
	bad := func(format string, values ...any) { errs = append(errs, fmt.Errorf("proof.yml: "+format, values...)) }
	for _, h := range y.Hosts {
		p.hosts[h] = true
	}
	for _, layer := range slices.Sorted(maps.Keys(y.Layers)) {
		if !slices.Contains(layerNames, layer) {
			bad("layers: there is no layer %q; they are %s", layer, strings.Join(layerNames, ", "))
			continue
		}
		for _, part := range []struct {
			name  string
			words []string
			to    map[string]string
		}{{"category", y.Layers[layer].Categories, p.categories}, {"product", y.Layers[layer].Products, p.products}} {
			if len(part.words) == 0 {
				bad("layers: %s names no %s", layer, part.name)
			}
			for _, w := range part.words {
				if was, ok := part.to[w]; ok {
					bad("layers: the %s %s stands under %s and under %s", part.name, w, was, layer)
				}
				part.to[w] = layer
			}
		}
	}
	for _, layer := range layerNames {
		if _, ok := y.Layers[layer]; !ok {
			bad("layers: nothing says what proves %s", layer)
		}
	}
	return errors.Join(errs...)
}

// kindsOf says which kinds of log an event is. It runs for each event and allocates nothing.
func (p *proof) kindsOf(e *ecs.Event) kindSet {
	var k kindSet
	for i := range e.Len() {
		f, v := e.At(i)
		if int(f) >= len(p.byField) {
			continue
		}
		list := p.byField[f]
		for j := range list {
			s := &list[j]
			if s.any || len(s.value) == len(v.Text) && (s.value == v.Text || strings.EqualFold(s.value, v.Text)) {
				k |= s.kinds
			}
		}
	}
	for _, n := range p.narrowed {
		if k&n.of == 0 {
			k &^= n.kind
		}
	}
	return k
}

// layerOf is the technical layer an event proves, by its log source; "" none.
func (p *proof) layerOf(e *ecs.Event) string {
	var product, layer string
	for i := range e.Len() {
		switch f, v := e.At(i); f {
		case ecs.LogsourceProduct:
			product = v.Text
		case ecs.LogsourceCategory:
			if layer == "" {
				layer = p.categories[v.Text]
			}
		}
	}
	switch {
	case layer == soc.LayerNetwork && p.hosts[product]:
		return soc.LayerEndpoint
	case layer == "":
		return p.products[product]
	}
	return layer
}
