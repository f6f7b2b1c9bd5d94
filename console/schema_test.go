package console

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
)

// TestAnswersFitTheirSchemas asks every operation for an answer and holds it against what OpenAPI says of it: no null, no value that is
// not in its list, nothing that is left out though it is promised.
func TestAnswersFitTheirSchemas(t *testing.T) {
	b := newBench(t, everything())
	api := b.console.api.OpenAPI()
	answered := 0
	for _, op := range b.listed() {
		status, raw := b.call(t, op)
		if status != http.StatusOK {
			continue
		}
		answered++
		content := described(api, op).Responses["200"].Content
		if content["text/csv"] != nil && content["application/json"] == nil {
			if !strings.HasPrefix(string(raw), "\ufeff") {
				t.Errorf("%s: %.100s, want CSV as it says", op.ID, raw)
			}
			continue
		}
		var v any
		if err := json.Unmarshal(raw, &v); err != nil {
			t.Errorf("%s: %v in %s", op.ID, err, raw)
			continue
		}
		schema := content["application/json"].Schema
		res := &huma.ValidateResult{}
		huma.Validate(api.Components.Schemas, schema, huma.NewPathBuffer(nil, 0), huma.ModeReadFromServer, v, res)
		for _, err := range res.Errors {
			t.Errorf("%s: %v", op.ID, err)
		}
	}
	if answered < 60 {
		t.Errorf("only %d operations answered", answered)
	}
}

func described(api *huma.OpenAPI, op operation) *huma.Operation {
	item := api.Paths[op.Path]
	return map[string]*huma.Operation{get: item.Get, post: item.Post, put: item.Put, del: item.Delete}[op.Method]
}

// TestNoEmptyWordInAnswers: a value out of a list is one of its words or left out; nothing is promised to be "" or null.
func TestNoEmptyWordInAnswers(t *testing.T) {
	b := newBench(t, Parts{})
	api := b.console.api.OpenAPI()
	seen := map[*huma.Schema]bool{}
	enums := 0
	var look func(where string, s *huma.Schema)
	look = func(where string, s *huma.Schema) {
		if s != nil && s.Ref != "" {
			where, s = s.Ref[strings.LastIndex(s.Ref, "/")+1:], api.Components.Schemas.SchemaFromRef(s.Ref)
		}
		if s == nil || seen[s] {
			return
		}
		seen[s] = true
		if len(s.Enum) > 0 {
			enums++
		}
		if slices.Contains(s.Enum, any("")) || slices.Contains(s.Enum, any(nil)) || s.Nullable {
			t.Errorf("%s may be empty or null: %v", where, s.Enum)
		}
		for name, p := range s.Properties {
			look(where+"."+name, p)
		}
		look(where+"[]", s.Items)
		if more, ok := s.AdditionalProperties.(*huma.Schema); ok {
			look(where+"{}", more)
		}
		for _, list := range [][]*huma.Schema{s.OneOf, s.AnyOf, s.AllOf} {
			for _, x := range list {
				look(where, x)
			}
		}
	}
	for _, op := range b.listed() {
		for status, r := range described(api, op).Responses {
			for _, c := range r.Content {
				look(op.ID+" "+status, c.Schema)
			}
		}
	}
	if enums < 25 {
		t.Errorf("only %d lists of words were looked at", enums)
	}
}

// TestOtherMethods: an address that is there answers another method with 405 and names those it takes; one that is not answers 404.
func TestOtherMethods(t *testing.T) {
	b := newBench(t, Parts{})
	takes := map[string][]string{}
	for _, op := range b.listed() {
		takes[op.Path] = append(takes[op.Path], op.Method)
	}
	fill := strings.NewReplacer("{id}", "x", "{key}", "y")
	for path, methods := range takes {
		// Others that fit the same address: /api/events/{id} is /api/events/fields too.
		for other, more := range takes {
			if other != path && fits(strings.Split(other, "/"), strings.Split(fill.Replace(path), "/")) {
				methods = append(slices.Clone(methods), more...)
			}
		}
		for _, m := range []string{get, post, put, del, http.MethodPatch, http.MethodOptions, "PROPFIND"} {
			if slices.Contains(methods, m) {
				continue
			}
			res, body := b.get(t, fill.Replace(path), func(r *http.Request) { r.Method = m })
			allow := res.Header.Values("Allow")
			slices.Sort(allow)
			want := slices.Clone(methods)
			slices.Sort(want)
			if res.StatusCode != http.StatusMethodNotAllowed || !slices.Equal(allow, slices.Compact(want)) ||
				!strings.Contains(body, "method_wrong") {
				t.Errorf("%s %s: %d, Allow %v, want 405 and %v: %s", m, path, res.StatusCode, allow, want, body)
			}
		}
	}
	for _, m := range []string{get, post, put, del, http.MethodPatch} {
		if res, body := b.get(t, "/api/none", func(r *http.Request) { r.Method = m }); res.StatusCode != http.StatusNotFound ||
			!strings.Contains(body, "no_such_address") {
			t.Errorf("%s /api/none: %d %s", m, res.StatusCode, body)
		}
	}
}

// fits reports whether an address is one of a path's, both cut at their slashes.
func fits(path, address []string) bool {
	if len(path) != len(address) {
		return false
	}
	for i, part := range path {
		if !strings.HasPrefix(part, "{") && part != address[i] {
			return false
		}
	}
	return true
}
