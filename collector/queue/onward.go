package queue

import (
	"context"
	"errors"
)

// Onward reads a Stream past what is gone: instead of a sequence that was purged or lost it gives the next one that is there.
type Onward struct{ Stream Stream }

// Read gives the message of a sequence or of the next one there is, and its sequence. It waits like the Stream's own Read.
func (o Onward) Read(ctx context.Context, seq uint64) ([]byte, uint64, error) {
	m, err := o.Stream.Read(ctx, seq)
	var gone *PurgedError
	if errors.As(err, &gone) {
		if m, err = o.Stream.Read(ctx, gone.Next); err != nil {
			return nil, 0, err
		}
	}
	return m.Data, m.Seq, err
}
