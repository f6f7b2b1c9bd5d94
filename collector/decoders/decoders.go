package decoders

import (
	"time"

	"hoalu/ecs"
	"hoalu/ecs/wire"
)

// Set is every decoder of this build, compiled; immutable and safe for concurrent use.
type Set struct{}

// New compiles the embedded decoders and those in extra (files <vendor>/<product>.yml).
func New() (*Set, error) { return &Set{}, nil }

// Decoder is one goroutine's decoder with its scratch memory; not safe for concurrent use.
type Decoder struct{}

// Decoder returns a new Decoder of the set.
func (s *Set) Decoder() *Decoder { return &Decoder{} }

// Options of one frame.
type Options struct {
	Dataset string         // decoder to use, "" to find out
	Zone    *time.Location // of times without one; nil: Asia/Ho_Chi_Minh
	Trust   bool           // the frame may set sigma.logsource
}

// DecodeFrame fills e from f.
func (d *Decoder) DecodeFrame(e *ecs.Event, f *wire.Frame, o Options) error { return nil }

// Decode is DecodeFrame for a message without an envelope, as `hoalu source decode` reads them.
func (d *Decoder) Decode(dataset string, raw []byte, received time.Time, zone *time.Location) (*ecs.Event, error) {
	return nil, nil
}
