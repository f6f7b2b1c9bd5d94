// Package needed says what a test does on a machine that lacks what it needs: a program, a right, a data set.
package needed

import (
	"fmt"
	"os"
	"testing"
)

// Missing leaves a test out by name, and fails it in CI (CI is set in the environment): a suite that never ran would be taken there for
// one that passed. format and args say what is missing and, where something installs it, what does.
func Missing(t testing.TB, format string, args ...any) {
	t.Helper()
	why := fmt.Sprintf(format, args...)
	if os.Getenv("CI") != "" {
		t.Fatal("cannot run here, and in CI it must: " + why)
	}
	t.Skip("not run: " + why)
}
