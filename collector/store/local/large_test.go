package local

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hoalu/ecs"
)

// TestManyLargeEventsAreReadAgain: 100 events of 1 MB, as they may come in one second, make blocks that a reader takes. Together
// they would unpack to more than the bound of a block, and the segment could never be read.
func TestManyLargeEventsAreReadAgain(t *testing.T) {
	var list []*ecs.Event
	for i := range 100 {
		e := &ecs.Event{ID: fmt.Sprint("q", i), Time: int64(i), System: "HT-001"}
		e.AddString(ecs.Message, fmt.Sprint(i)+strings.Repeat("x", 1<<20))
		list = append(list, e)
	}
	data, err := encodeL0(l0Footer{}, list)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "1-2.l0")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	seg, err := openL0(path)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for i := range seg.Blocks {
		got, err := seg.readBlock(i)
		if err != nil {
			t.Fatalf("block %d of %d: %v", i, len(seg.Blocks), err)
		}
		n += len(got)
	}
	if n != len(list) {
		t.Errorf("%d events read, %d written", n, len(list))
	}
}
