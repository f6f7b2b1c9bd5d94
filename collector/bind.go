package collector

import (
	"context"
	"fmt"

	"hoalu/collector/source/syslog"
	"hoalu/ecs/wire"
	"hoalu/soc"
)

// Sender is what a frame shows of whoever sent it.
type Sender struct {
	Kind string // soc.Source… of the way it came
	Peer string // address without port
	Host string // in the syslog header
}

// Bound is Put for a kind of source, with each frame bound to its source before it is made durable: find looks up who is known and
// registers who is new (decision 3). An error of it is returned and nothing is put.
func (in *Intake) Bound(kind string, find func(ctx context.Context, s Sender) (soc.Source, error)) func(ctx context.Context,
	listener string, frames []wire.Frame) error {
	return func(ctx context.Context, listener string, frames []wire.Frame) error {
		var last Sender
		var src soc.Source
		for i := range frames {
			f := &frames[i]
			if f.Source != "" {
				continue
			}
			s := Sender{Kind: kind, Peer: f.Peer}
			if kind == soc.SourceSyslog {
				s.Host = syslog.Host(f.Data)
			}
			if s != last || src.ID == "" {
				var err error
				if src, err = find(ctx, s); err != nil {
					return fmt.Errorf("register the sender %s: %w", f.Peer, err)
				}
				last = s
			}
			f.Source = src.ID
			if f.Dataset == "" {
				f.Dataset = src.Dataset
			}
			f.Trust = f.Trust || src.TrustLogsource
		}
		return in.Put(ctx, listener, frames)
	}
}
