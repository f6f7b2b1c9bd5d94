//go:build !linux

package packet

import (
	"context"

	"hoalu/internal/wording"
)

// Live captures on Linux only.
func Live(context.Context, LiveConfig, *Analyzer) error {
	return &LiveError{Why: NotLinux, What: wording.New("packets are captured on Linux only"),
		Do: wording.New("run the sensor on Linux, or read a capture with --read")}
}
