package config

import (
	"bytes"
	"errors"
	"io"
	"regexp"

	"go.yaml.in/yaml/v3"

	"hoalu/internal/bounded"
	"hoalu/internal/wording"
)

// Load reads a file over the defaults and names every bad key at once.
func Load(path string) (Config, error) {
	c := Default()
	if path == "" {
		return c, c.Validate()
	}
	raw, err := bounded.ReadFile(path, bounded.MaxSettings)
	if p := (*wording.Problem)(nil); errors.As(err, &p) {
		return c, p
	}
	if err != nil {
		return c, wording.New("the configuration cannot be read: %s", wording.OfFile(path, err))
	}
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	dec.KnownFields(true)
	var errs []error
	err = dec.Decode(&c)
	var kinds *yaml.TypeError
	switch {
	case errors.As(err, &kinds):
		for _, e := range kinds.Errors {
			errs = append(errs, wording.New("%s: %s", path, plain(e)))
		}
	case err != nil && !errors.Is(err, io.EOF):
		return c, wording.New("%s: %s", path, noYAML(err)) // nothing was read
	case err == nil && dec.Decode(new(yaml.Node)) == nil:
		errs = append(errs, wording.New("%s: holds more than one document (---); keep one", path))
	}
	if err := c.Validate(); err != nil {
		errs = append(errs, err)
	}
	return c, errors.Join(errs...)
}

var (
	unknownKey = regexp.MustCompile(`^line (\d+): field (.+) not found in type \S+$`)
	twice      = regexp.MustCompile(`^line (\d+): (?:mapping key (.+) already defined at line \d+|field (.+) already set in type \S+)$`)
	wrongType  = regexp.MustCompile("(?s)^line (\\d+): cannot unmarshal (\\S+)(?: `(.*)`)? into (\\S+)$")
	wrongSize  = regexp.MustCompile(`(?s)^line (\d+): ` + notASize + `(.*)$`)
	atLine     = regexp.MustCompile(`^yaml: line (\d+): `)
)

// kindWords are Go's types as people write values of them. A test walks the types of Config.
var kindWords = map[string]wording.Word{"int": "a whole number", "bool": "true or false", "string": "text", "soc.Severity": "text",
	"config.DSN": "text", "time.Duration": "a time as 10s, 5m or 1h", "[]string": "a list as [a, b]"}

// plain says yaml's complaint about a value or key without Go's words.
func plain(e string) *wording.Problem {
	if m := unknownKey.FindStringSubmatch(e); m != nil {
		return wording.New("line %s: unknown key %q", m[1], m[2])
	}
	if m := twice.FindStringSubmatch(e); m != nil {
		return wording.New("line %s: the key %s stands there twice", m[1], m[2]+m[3])
	}
	if m := wrongSize.FindStringSubmatch(e); m != nil {
		return wording.New("line %s: a size must be as 512, 64KiB, 2MiB or 8GiB, is %q", m[1], m[2])
	}
	m := wrongType.FindStringSubmatch(e)
	if m == nil {
		return wording.New("%s", e)
	}
	want, ok := kindWords[m[4]]
	if !ok { // a part of the configuration or a list
		want = "a part with keys of its own, or a list"
	}
	if m[3] == "" {
		return wording.New("line %s: must be %s", m[1], want)
	}
	return wording.New("line %s: must be %s, is %q", m[1], want, m[3])
}

// noYAML says that a text is not YAML, and where yaml gave up. Its own words speak of tokens and mark no way to mend it.
func noYAML(err error) *wording.Problem {
	if m := atLine.FindStringSubmatch(err.Error()); m != nil {
		return wording.New("line %s, or one near it, is not YAML; look at its indentation, colons, brackets and quotes", m[1])
	}
	return wording.New("is not YAML; look at its first line, and whether the file is text in UTF-8")
}
