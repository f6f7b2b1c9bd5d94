package config

import (
	"strings"
	"testing"
)

// A file that never ends is no configuration: it is refused after the first mebibyte.
func TestAnEndlessFileIsRefused(t *testing.T) {
	if _, err := Load("/dev/zero"); err == nil || !strings.Contains(err.Error(), "is longer than 1 MiB") {
		t.Errorf("Load of a device without an end: %v", err)
	}
}
