package packet

import (
	"errors"
	"fmt"
	"time"

	"hoalu/internal/wording"
)

// LiveConfig of a capture from network interfaces (Linux, AF_PACKET with TPACKET_V3).
type LiveConfig struct {
	Interface string // "any" (default) or names separated by commas
	RingBytes int    // per socket; default 64 MiB
	// default 128 KiB. The kernel begins a new block every Retire, however empty the last one is: the ring bridges blocks × Retire of a reader
	// that gets no CPU, 16 MiB of them 5 s
	BlockBytes  int
	Retire      time.Duration // hand a block over after this even when it is not full; default 40 ms
	Promiscuous bool          // also frames for other stations (a mirror port); not with "any"
	Fanout      uint16        // not 0: several captures of the same interfaces with this number share the packets by flow
	Ready       func()        // called once packets are being captured
}

// Why says what keeps a capture from running.
type Why int

// The reasons of a LiveError.
const (
	NotPermitted Why = iota + 1 // CAP_NET_RAW is missing
	NoInterface                 // no interface of that name
	OldKernel                   // no TPACKET_V3 (Linux before 3.2)
	NotLinux
	NoMemory // the ring does not fit
	SystemError
)

// LiveError says why a capture cannot run and what to do.
type LiveError struct {
	Why      Why
	What, Do *wording.Problem // what went wrong, and what to do: a sentence each
	Err      error
}

func (e *LiveError) Error() string { return fmt.Sprintf("capture packets: %s: %s", e.What, e.Do) }

func (e *LiveError) Unwrap() error { return e.Err }

// AsLiveError finds the LiveError in err.
func AsLiveError(err error) (*LiveError, bool) {
	var e *LiveError
	ok := errors.As(err, &e)
	return e, ok
}
