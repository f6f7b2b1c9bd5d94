// Package licences holds what the program is built of besides its own code: each module and package with its version, and the texts of
// their licences, which most of them ask to be handed on with every copy.
//
// Both files are made by `make generate` (collect) from go.mod and console/ui/package-lock.json; `make check` fails when they are old.
package licences

import (
	_ "embed"
)

// Texts are the licences, each with the components that it is of.
//
//go:embed third-party.txt
var Texts string

// SBOM is the bill of materials: CycloneDX 1.6 in JSON.
//
//go:embed sbom.json
var SBOM []byte
