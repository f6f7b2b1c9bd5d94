package collector

import (
	"os"
	"slices"
	"testing"

	"go.yaml.in/yaml/v3"

	"hoalu/collector/decoders"
)

// TestProofSpeaksOfWhatIsDecoded: each product and category that proves something is one that a decoder gives an event, or one that only a
// sender which names the log source itself can send. A misspelt one would prove nothing and nobody would see it.
func TestProofSpeaksOfWhatIsDecoded(t *testing.T) {
	raw, err := os.ReadFile("health/proof.yml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Hosts  []string
		Layers map[string]struct{ Categories, Products []string }
		Kinds  map[string]struct{ Fields map[string][]string }
	}
	if err := yaml.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	set, err := decoders.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	// Of trusted senders (a key, a client certificate, listen.bulk_trust): names of SigmaHQ's taxonomy and of products without a decoder yet.
	known := []string{"application", "database", "proxy", "file_event", "macos", "mssql", "mysql", "oracle", "mongodb", "fortinet",
		"paloalto"}
	for _, l := range set.Logsources() {
		known = append(append(known, l.Product), l.Category...)
	}
	words := slices.Clone(file.Hosts)
	for _, l := range file.Layers {
		words = append(append(words, l.Categories...), l.Products...)
	}
	for _, k := range file.Kinds {
		words = append(append(words, k.Fields["sigma.logsource.category"]...), k.Fields["sigma.logsource.product"]...)
	}
	if len(words) < 30 {
		t.Fatalf("only %d words: was the file read?", len(words))
	}
	for _, w := range words {
		if !slices.Contains(known, w) {
			t.Errorf("health/proof.yml speaks of the log source %s, which nothing decodes", w)
		}
	}
}
