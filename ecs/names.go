package ecs

import (
	_ "embed"
	"strings"
	"sync"
)

// names.txt are the names of the Elastic Common Schema, version 9, one a line, without those of parts that no log here speaks of
// (ELF and PE headers, leaders of process groups, enrichments).
//
//go:embed names.txt
var schema string

var schemaNames = sync.OnceValue(func() map[string]bool {
	m := map[string]bool{}
	for n := range strings.Lines(schema) {
		m[strings.TrimSpace(n)] = true
	}
	return m
})

// InSchema says whether name is one of the Elastic Common Schema or the product's own hoalu.time_suspect and sigma.logsource.*: what
// a decoder may fill without saying that the name is its own.
func InSchema(name string) bool {
	switch name {
	case "sigma.logsource.product", "sigma.logsource.service", "sigma.logsource.category", "hoalu.time_suspect":
		return true
	}
	return schemaNames()[name]
}

// IsCategory says whether the Elastic Common Schema allows name as a value of event.category.
func IsCategory(name string) bool {
	switch name {
	case "api", "authentication", "configuration", "database", "driver", "email", "file", "host", "iam", "intrusion_detection", "library",
		"malware", "network", "package", "process", "registry", "session", "threat", "vulnerability", "web":
		return true
	}
	return false
}
