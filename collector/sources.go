package collector

import (
	"context"
	"time"

	"hoalu/collector/health"
	"hoalu/collector/source/bulk"
	"hoalu/collector/source/file"
	"hoalu/collector/source/sensor"
	"hoalu/collector/source/syslog"
)

// Listener is one way in: it serves until its context ends, and then hands over what it has.
type Listener interface {
	Run(ctx context.Context) error
}

// The listeners, checked when this is compiled.
var (
	_ Listener = (*syslog.Listener)(nil)
	_ Listener = (*bulk.Listener)(nil)
	_ Listener = (*file.Follower)(nil)
	_ Listener = (*sensor.Listener)(nil)
	_ Listener = (*health.Monitor)(nil)
)

// way says how Intake treats the frames of a listener.
type way struct {
	answered bool          // its sender waits for an answer that may be a refusal; else Put waits until the frames are durable
	linger   time.Duration // most a frame waits for others
}

// sources is the table of listener names, as they stand in wire.Batch.Listener. A name that is missing waits like syslog.
var sources = map[string]way{
	syslog.UDP:      {linger: linger},
	syslog.TCP:      {linger: linger},
	syslog.TLS:      {linger: linger},
	bulk.Name:       {answered: true, linger: lingerAnswered},
	sensor.Name:     {answered: true}, // its batches are made already
	file.ImportName: {linger: linger},
	file.FollowName: {linger: linger},
	Self:            {linger: linger},
}

// wayOf looks a listener up.
func wayOf(listener string) way {
	if w, ok := sources[listener]; ok {
		return w
	}
	return way{linger: linger}
}
