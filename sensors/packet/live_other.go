//go:build !linux

package packet

import "context"

// Live captures on Linux only.
func Live(context.Context, LiveConfig, *Analyzer) error {
	return &LiveError{Why: NotLinux, Do: "run the sensor on Linux, or read a capture with --read"}
}
