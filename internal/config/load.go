package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"

	"go.yaml.in/yaml/v3"
)

// Load reads a file over the defaults and names every bad key at once.
func Load(path string) (Config, error) {
	c := Default()
	if path == "" {
		return c, c.Validate()
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return c, fmt.Errorf("read configuration: %w", err)
	}
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	dec.KnownFields(true)
	var errs []error
	err = dec.Decode(&c)
	var kinds *yaml.TypeError
	switch {
	case errors.As(err, &kinds):
		for _, e := range kinds.Errors {
			errs = append(errs, &Problem{"%s: %s", []any{path, plain(e)}})
		}
	case err != nil && !errors.Is(err, io.EOF):
		return c, fmt.Errorf("%s: %w", path, err) // not YAML: nothing was read
	case err == nil && dec.Decode(new(yaml.Node)) == nil:
		errs = append(errs, &Problem{"%s: holds more than one document (---); keep one", []any{path}})
	}
	if err := c.Validate(); err != nil {
		errs = append(errs, err)
	}
	return c, errors.Join(errs...)
}

var (
	unknownKey = regexp.MustCompile(`^line (\d+): field (.+) not found in type \S+$`)
	wrongType  = regexp.MustCompile("^line (\\d+): cannot unmarshal (\\S+)(?: `(.*)`)? into (\\S+)$")
	wrongSize  = regexp.MustCompile(`^line (\d+): ` + notASize + `(.*)$`)
)

// kindWords are Go's types as people write values of them.
var kindWords = map[string]Word{"int": "a whole number", "bool": "true or false", "string": "text",
	"time.Duration": "a time as 10s, 5m or 1h", "[]string": "a list as [a, b]"}

// plain says yaml's complaint without Go's words.
func plain(e string) *Problem {
	if m := unknownKey.FindStringSubmatch(e); m != nil {
		return &Problem{"line %s: unknown key %q", []any{m[1], m[2]}}
	}
	if m := wrongSize.FindStringSubmatch(e); m != nil {
		return &Problem{"line %s: a size must be as 512, 64KiB, 2MiB or 8GiB, is %q", []any{m[1], m[2]}}
	}
	m := wrongType.FindStringSubmatch(e)
	if m == nil {
		return &Problem{"%s", []any{e}}
	}
	want, ok := kindWords[m[4]]
	if !ok { // a part of the configuration or a list
		want = "a part with keys of its own, or a list"
	}
	if m[3] == "" {
		return &Problem{"line %s: must be %s", []any{m[1], want}}
	}
	return &Problem{"line %s: must be %s, is %q", []any{m[1], want, m[3]}}
}
