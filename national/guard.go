package national

import (
	"log/slog"
	"runtime/debug"

	"hoalu/internal/wording"
)

// guarded runs what a forwarder's adapter does. A panic of it, on an alert that it cannot word or an answer that it did not expect, becomes
// the error of that one report, heartbeat or list: it ends neither the process, which would meet the same report again after its start, nor
// the transaction that writes an alert.
func guarded[T any](log *slog.Logger, channel string, f func() (T, error)) (out T, err error) {
	defer func() {
		if v := recover(); v != nil {
			log.Error("forwarder panicked", "channel", channel, "error", v, "stack", string(debug.Stack()))
			err = wording.New("a fault of ours in channel %s stopped it: %v; please report it with the log", channel, v)
		}
	}()
	return f()
}
