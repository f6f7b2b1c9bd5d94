// Package collector takes events in: listeners frame them, Intake makes batches of the frames, stamps and appends them to the
// durable queue, and only then are they acknowledged (decisions 1, 2, 6 and 9).
//
// Words: a listener is one way in (syslog.udp, bulk, sensor …), a frame one message with its envelope, a batch what one append
// to the queue holds. Children: queue, ledger, health, and one folder for each listener in source/; the listeners import
// queue for its errors and nothing else of ours. To add a listener: a folder in source/ and a row in sources.go.
//
// Contract: Put and PutSensor are safe for concurrent use and return after the fsync; when they return an error other than
// that of their context, none of the frames is in the queue… see Put. Memory is bounded: Config.Memory bytes of frames wait
// at most; beyond, listeners that can make their sender wait do (syslog over TCP, files), the others get queue.ErrFull.
package collector

import (
	"context"
	"errors"
	"log/slog"

	"hoalu/collector/ledger"
	"hoalu/collector/queue"
	"hoalu/ecs/wire"
)

// ErrTooLarge is a frame over the limit.
var ErrTooLarge = errors.New("message is larger than the limit")

// Options of an Intake.
type Options struct {
	Queue *queue.Queue
	// Revision is stamped on each batch (decision 8). Nil: 0.
	Revision func() uint64
	// Count takes what was rejected, dropped or sent twice (ledger.Ledger.Add). May be nil.
	Count func(ledger.Entry)
	// SourceOf names the source of what is rejected or dropped before it has one. May be nil.
	SourceOf func(listener, peer string) string
	// Gap is told when a sensor's sequences jump: first to last are missing. May be nil.
	Gap func(sensor string, first, last uint64)
	// State is the file where sensors' positions are kept; "" rebuilds them from the whole queue.
	State string

	MaxFrame int   // bytes of one message, 0: 1 MiB
	Memory   int64 // bytes of frames that may wait, 0: 64 MiB
}

// Intake groups frames into batches and appends them.
type Intake struct{}

// NewIntake rebuilds what is known of sensors from the queue.
func NewIntake(ctx context.Context, opts Options, log *slog.Logger) (*Intake, error) {
	return &Intake{}, nil
}

// Put makes frames of a listener durable.
func (in *Intake) Put(ctx context.Context, listener string, frames []wire.Frame) error { return nil }

// PutSensor makes one batch of a sensor durable, exactly once by (sensor, sequence).
func (in *Intake) PutSensor(ctx context.Context, sensor string, sequence uint64, frames []wire.Frame) (duplicate bool, err error) {
	return false, nil
}

// SensorPosition is the last sequence taken from a sensor, 0 none.
func (in *Intake) SensorPosition(sensor string) uint64 { return 0 }

// Position is the queue sequence behind which Intake still needs the queue to rebuild sensors' positions; purge only up to it.
func (in *Intake) Position() uint64 { return 0 }

// Reject counts messages refused before the queue.
func (in *Intake) Reject(source, peer, reason string, n int) {}

// Drop counts messages lost before the queue.
func (in *Intake) Drop(source, peer, reason string, n int) {}

// Close waits for batches under way and keeps sensors' positions.
func (in *Intake) Close() error { return nil }
