// Command collect writes third-party.txt and sbom.json of package licences: from the modules that go list says are linked into cmd/hoalu,
// and from the packages of console/ui/package-lock.json that are no tools of the build. It needs both to be there (go mod download, npm ci)
// and asks no network.
//
// A component whose licence it cannot name is an error: somebody has to look at it before it is handed on.
package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// component is something of others that is built in.
type component struct {
	name, version string
	purl          string // package URL, its name in a bill of materials
	licence       string // SPDX expression
	texts         []string
}

func main() {
	if err := run("internal/licences"); err != nil {
		fmt.Fprintln(os.Stderr, "collect:", err)
		os.Exit(1)
	}
}

func run(dir string) error {
	list, err := modules()
	if err != nil {
		return err
	}
	more, err := packages("console/ui")
	if err != nil {
		return err
	}
	list = append(list, more...)
	slices.SortFunc(list, func(a, b component) int { return cmp.Compare(a.purl, b.purl) })
	for _, c := range list {
		if c.licence == "" {
			return fmt.Errorf("%s %s: its licence is not known", c.name, c.version)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "third-party.txt"), []byte(texts(list)), 0o644); err != nil {
		return err
	}
	sbom, err := bill(list)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "sbom.json"), sbom, 0o644)
}

// modules are the Go modules linked into the program, and Go's own library.
func modules() ([]component, error) {
	linked := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}",
		"./cmd/hoalu")
	linked.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0")
	out, err := linked.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	lines := strings.Fields(strings.ReplaceAll(string(out), " ", "\x00"))
	slices.Sort(lines)
	var list []component
	for _, line := range slices.Compact(lines) {
		part := strings.Split(line, "\x00")
		if len(part) != 3 {
			return nil, fmt.Errorf("go list says %q", line)
		}
		c := component{name: part[0], version: part[1], purl: "pkg:golang/" + part[0] + "@" + part[1]}
		if c.texts, err = read(part[2]); err != nil {
			return nil, err
		}
		c.licence = name(c.texts)
		list = append(list, c)
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	std := component{name: "Go standard library", purl: "pkg:golang/std"} // of whichever Go builds it: no version of this file's own
	if std.texts, err = read(strings.TrimSpace(string(root))); err != nil {
		return nil, err
	}
	std.licence = name(std.texts)
	return append(list, std), nil
}

// packages are those of the web console: whatever its lock file does not call a tool of the build.
func packages(dir string) ([]component, error) {
	raw, err := os.ReadFile(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		return nil, err
	}
	var lock struct {
		Packages map[string]struct {
			Version, License           string
			Dev, DevOptional, Optional bool
		}
	}
	if err := json.Unmarshal(raw, &lock); err != nil {
		return nil, err
	}
	var list []component
	for at, p := range lock.Packages {
		if at == "" || p.Dev || p.DevOptional || p.Optional {
			continue
		}
		named := at[strings.LastIndex(at, "node_modules/")+len("node_modules/"):]
		c := component{name: named, version: p.Version, licence: p.License,
			purl: "pkg:npm/" + strings.Replace(named, "@", "%40", 1) + "@" + p.Version}
		folder := filepath.Join(dir, at)
		if _, err := os.Stat(folder); err != nil {
			return nil, fmt.Errorf("%s is not installed (npm ci): %w", named, err)
		}
		if c.texts, err = read(folder); err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return slices.CompactFunc(slices.SortedFunc(slices.Values(list), func(a, b component) int { return cmp.Compare(a.purl, b.purl) }),
		func(a, b component) bool { return a.purl == b.purl }), nil
}

// read finds the licence texts of a folder, by the names that they have.
func read(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var list []string
	for _, e := range entries {
		upper := strings.ToUpper(e.Name())
		if e.IsDir() || strings.HasSuffix(upper, ".GO") ||
			!slices.ContainsFunc([]string{"LICENSE", "LICENCE", "COPYING", "NOTICE", "UNLICENSE"},
				func(s string) bool { return strings.HasPrefix(upper, s) }) {
			continue
		}
		raw, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		text := strings.TrimRight(string(bytes.ToValidUTF8(bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n")), []byte("?"))), " \n\t")
		if text != "" {
			list = append(list, text)
		}
	}
	return list, nil
}

// signs are words that only one licence has, the more special first.
var signs = []struct{ words, id string }{
	{"Mozilla Public License Version 2.0", "MPL-2.0"},
	{"Mozilla Public License, version 2.0", "MPL-2.0"},
	{"Apache License Version 2.0", "Apache-2.0"},
	{"SIL OPEN FONT LICENSE Version 1.1", "OFL-1.1"},
	{"Permission is hereby granted, free of charge", "MIT"},
	{"Permission to use, copy, modify, and distribute this software for any purpose", "ISC"},
	{"Permission to use, copy, modify, and/or distribute this software for any purpose", "ISC"},
	{"This is free and unencumbered software released into the public domain", "Unlicense"},
	{"CC0 1.0 Universal", "CC0-1.0"},
}

// name says which licences texts are, as an SPDX expression, or "".
func name(texts []string) string {
	var ids []string
	for _, text := range texts {
		words := strings.Join(strings.Fields(text), " ")
		for _, s := range signs {
			if strings.Contains(words, s.words) {
				ids = append(ids, s.id)
			}
		}
		if strings.Contains(words, "Redistribution and use in source and binary forms") {
			if strings.Contains(words, "Neither the name") || strings.Contains(words, "may not be used to endorse") ||
				strings.Contains(words, "names of its contributors may be used") {
				ids = append(ids, "BSD-3-Clause")
			} else {
				ids = append(ids, "BSD-2-Clause")
			}
		}
	}
	slices.Sort(ids)
	return strings.Join(slices.Compact(ids), " AND ")
}

// texts puts each text once, under all that it is of.
func texts(list []component) string {
	of := map[string][]string{}
	var order, silent []string
	for _, c := range list {
		says := strings.TrimSpace(c.name + " " + c.version)
		for _, text := range c.texts {
			if of[text] == nil {
				order = append(order, text)
			}
			of[text] = append(of[text], says)
		}
		if len(c.texts) == 0 {
			silent = append(silent, says+": "+c.licence)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Hoa Lư contains %d components of others. Each licence stands here once, below the components that it is of.\n", len(list))
	if len(silent) > 0 {
		fmt.Fprintf(&b, "\nThese name their licence and bring no text of it:\n  %s\n", strings.Join(silent, "\n  "))
	}
	for _, text := range order {
		fmt.Fprintf(&b, "\n%s\n%s\n\n%s\n", strings.Repeat("=", 80), strings.Join(of[text], "\n"), text)
	}
	return b.String()
}

// bill is the bill of materials. It has no time and no number of its own, so that the same parts give the same bytes.
func bill(list []component) ([]byte, error) {
	type licence struct {
		Expression string `json:"expression"`
	}
	type part struct {
		Type     string    `json:"type"`
		Ref      string    `json:"bom-ref"`
		Name     string    `json:"name"`
		Version  string    `json:"version,omitempty"`
		Licences []licence `json:"licenses"`
		PURL     string    `json:"purl"`
	}
	var out struct {
		Format   string `json:"bomFormat"`
		Spec     string `json:"specVersion"`
		Version  int    `json:"version"`
		Metadata struct {
			Component struct {
				Type string `json:"type"`
				Name string `json:"name"`
			} `json:"component"`
		} `json:"metadata"`
		Components []part `json:"components"`
	}
	out.Format, out.Spec, out.Version = "CycloneDX", "1.6", 1
	out.Metadata.Component.Type, out.Metadata.Component.Name = "application", "hoalu"
	for _, c := range list {
		out.Components = append(out.Components, part{"library", c.purl, c.name, c.version, []licence{{c.licence}}, c.purl})
	}
	raw, err := json.MarshalIndent(out, "", "\t")
	return append(raw, '\n'), err
}
