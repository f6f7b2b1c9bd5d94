// Package queue is what everybody may know of the durable queue between intake and the readers behind it: the Stream they use, what it
// hands out, and the errors a caller may branch on. It imports no server and no client of one; package local is the stream of this machine.
//
// Words: sequence, stream, purge as JetStream uses them. Epoch: a random word that names a life of the stream; with (sequence, index) it
// makes event ids, so the stream begins another when it is restored (decision 1). Reserve: free bytes on the disk below which nothing more
// is taken (decision 7). Hole: a sequence that was acknowledged and is gone.
package queue

import (
	"context"
	"errors"
	"fmt"

	"hoalu/ecs/wire"
	"hoalu/internal/wording"
)

// Errors a caller may branch on.
var (
	ErrFull     error = wording.New("queue is full: its readers are behind; try again later")
	ErrNoSpace  error = wording.New("disk space is below the reserve: free some space, nothing more is accepted until then")
	ErrDown     error = wording.New("queue is restarting after a write error; try again later")
	ErrTooLarge       = errors.New("batch is larger than the queue takes")
	ErrPurged         = errors.New("sequence is no longer in the queue")
	ErrHole           = errors.New("sequence is missing from the queue")
	ErrClosed         = errors.New("queue is closed")
)

// Stream is the queue as intake and the readers use it. All methods are safe for concurrent use.
type Stream interface {
	// Append stamps the epoch on b, makes it durable and returns its sequence. An error other than that of ctx means that the batch is not
	// in the queue and never will be.
	Append(ctx context.Context, b *wire.Batch) (uint64, error)

	// Read returns the batch with sequence seq and blocks until there is one; a *PurgedError names the next one when it is gone. The bytes
	// are shared between readers and must not be written to.
	Read(ctx context.Context, seq uint64) (Message, error)

	// Purge removes everything up to and including upTo. Readers keep their own positions; the caller knows the least of them.
	Purge(ctx context.Context, upTo uint64) error

	// State is what is known of the stream now. It waits for nobody and may be called for every batch.
	State() State
}

// Message is one batch, its seal opened: wire.Decode reads and checks it.
type Message struct {
	Seq  uint64
	Data []byte
}

// PurgedError says which sequence is gone and which one is there next.
type PurgedError struct {
	Seq, Next uint64
	Hole      bool // it was never purged: a loss
}

func (e *PurgedError) Error() string {
	if e.Hole {
		return fmt.Sprintf("read sequence %d: it is missing from the queue, the next one is %d", e.Seq, e.Next)
	}
	return fmt.Sprintf("read sequence %d: it is no longer in the queue, the next one is %d", e.Seq, e.Next)
}

// Is makes errors.Is(err, ErrPurged) true for every PurgedError, and ErrHole for a loss.
func (e *PurgedError) Is(target error) bool {
	return target == ErrPurged || target == ErrHole && e.Hole
}

// Epoch is a life of the stream: batches with a sequence above After, and up to the next epoch's After, carry its name.
type Epoch struct {
	Name  string
	After uint64
}

// State is what intake asks before it takes anything, and what /readyz and the metrics say of the queue.
type State struct {
	Epochs   []Epoch // of this stream, oldest first; the last one is stamped on what is appended now
	Last     uint64  // sequence of the newest batch
	Free     int64   // bytes of the disk, 0 when they could not be read: Err says so
	Holes    uint64  // sequences found missing since the start
	Restarts uint64  // of the embedded server since the start
	Appended uint64  // since the start
	Refused  uint64  // Appends refused for space, fullness or a restart
	Err      error   // why Append refuses now; nil when it does not
}

// Size is what the stream holds.
type Size struct {
	First uint64 // sequence of the oldest batch; one more than the newest when there is none
	Bytes int64
}

// Epoch is the name that is stamped on what is appended now.
func (s State) Epoch() string {
	if len(s.Epochs) == 0 {
		return ""
	}
	return s.Epochs[len(s.Epochs)-1].Name
}

// Reached says how far in this stream a reader is that had read up to seq when the epoch was name. Epochs of one stream share its
// sequences, so the position holds after a new epoch has begun; but never past where that one began, because sequences after it were
// given anew to other batches. 0: the position is of another stream, or of an epoch so old that it is not known any more.
func (s State) Reached(name string, seq uint64) uint64 {
	for i, e := range s.Epochs {
		if e.Name != name {
			continue
		}
		if i+1 < len(s.Epochs) {
			seq = min(seq, s.Epochs[i+1].After)
		}
		return seq
	}
	return 0
}
