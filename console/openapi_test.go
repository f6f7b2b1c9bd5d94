package console

import (
	"bytes"
	"encoding/json"
	"testing"

	"hoalu/internal/golden"
)

// TestOpenAPI keeps api/openapi.json, from which the web console's types are made, equal to the operations.
func TestOpenAPI(t *testing.T) {
	c := newBench(t, Parts{}).console
	raw, err := json.Marshal(c.api.OpenAPI())
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, raw, "", "\t"); err != nil {
		t.Fatal(err)
	}
	out.WriteByte('\n')
	golden.Compare(t, "api/openapi.json", out.Bytes())
}
