package file

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"hoalu/ecs/wire"
)

// A file of ten bytes that claims a window of 128 MiB is refused before that is allocated, with what to do.
func TestClaimedWindowIsBounded(t *testing.T) {
	claims := []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, (27 - 10) << 3, 0x01, 0x00, 0x00}
	_, err := Import(t.Context(), bytes.NewReader(claims), "x.zst", ImportOptions{},
		func(context.Context, string, []wire.Frame) error { return nil })
	if !errors.Is(err, zstd.ErrWindowSizeExceeded) || !strings.Contains(err.Error(), "--long") {
		t.Errorf("import of a frame with a window of 128 MiB: %v, want it refused with the way to go on", err)
	}
}
