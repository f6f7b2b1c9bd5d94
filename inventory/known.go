package inventory

import (
	"context"
	"strings"

	"hoalu/soc"
)

// KnownSource is the source of an NG- number that a person gave.
func (s *Store) KnownSource(id string) (soc.Source, error) {
	src, ok := s.Snapshot().Source(id)
	if !ok {
		return src, noSource(id)
	}
	return src, nil
}

func noSource(id string) *soc.Problem {
	return &soc.Problem{Status: 404, Code: "not_found", Detail: "Source " + id + " is not in the inventory.",
		Do: "Give its NG- number from the page Sources, sensors.", Values: map[string]string{"id": id, "kind": soc.KindSource}}
}

func noKey(source, id string) *soc.Problem {
	return &soc.Problem{Status: 404, Code: "not_found", Detail: "Source " + source + " has no key " + id + ".",
		Do: "hoalu source key list " + source + " lists its keys.", Values: map[string]string{"id": id, "source": source, "kind": "key"}}
}

// KnownSystem is the system of an HT- number that a person gave.
func (s *Store) KnownSystem(id string) (soc.System, error) {
	sys, ok := s.Snapshot().System(id)
	if !ok {
		return sys, &soc.Problem{Status: 404, Code: "not_found", Detail: "System " + id + " is not in the inventory.",
			Do:     "Give its HT- number, as on the page Systems.",
			Values: map[string]string{"id": id, "kind": soc.KindSystem}}
	}
	return sys, nil
}

// ImportSource is the source that an imported file's events come from: the one of an NG- number, or the one of a name, which is registered
// when it is new.
func (s *Store) ImportSource(ctx context.Context, name string) (soc.Source, error) {
	switch {
	case strings.HasPrefix(name, "NG-"):
		return s.KnownSource(name)
	case name == "":
		return soc.Source{}, &soc.Problem{Status: 400, Code: "no_source", Detail: "No source is named.",
			Do: "Give --source with a name for where the file comes from."}
	}
	return s.EnsureSource(ctx, Seen{Kind: soc.SourceImport, Name: name})
}
