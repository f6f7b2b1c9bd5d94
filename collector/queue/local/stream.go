package local

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"hoalu/ecs/wire"
)

// headerRoom is what a stored message may hold beside the sealed batch: its Nats-Msg-Id.
const headerRoom = 256

// maxSealed is the length of the largest batch, sealed: with its header it fills a message.
const maxSealed = wire.MaxMessage - headerRoom

// start brings up one life of the embedded server and the stream on it.
func (q *Queue) start(gen uint64) (*conn, error) {
	srv, err := serve(q.cfg, q.log, func() { q.fail(gen) })
	if err != nil {
		return nil, err
	}
	c := &conn{gen: gen, srv: srv}
	c.nc, err = srv.connect(nats.NoReconnect(), nats.Timeout(10*time.Second),
		nats.ReconnectBufSize(-1), nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			q.log.Warn("embedded server reported an error", "error.message", err.Error())
		}))
	if err != nil {
		c.stop()
		return nil, fmt.Errorf("connect to embedded server: %w", err)
	}
	c.js, err = jetstream.New(c.nc, jetstream.WithPublishAsyncMaxPending(4*maxInFlight))
	if err != nil {
		c.stop()
		return nil, fmt.Errorf("connect to embedded server: %w", err)
	}
	if err := c.openStream(q.cfg); err != nil {
		c.stop()
		return nil, fmt.Errorf("open stream: %w", err)
	}
	return c, nil
}

// openStream finds the stream, makes it when there is none, and gives it the limits of cfg.
func (c *conn) openStream(cfg Config) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	want := jetstream.StreamConfig{
		Name: streamName, Subjects: []string{subject}, Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardNew,
		MaxBytes: cfg.MaxBytes, MaxMsgSize: wire.MaxMessage, MaxMsgs: -1, Storage: jetstream.FileStorage, Replicas: 1,
		AllowDirect: true, NoAck: false, Duplicates: time.Second, Compression: jetstream.NoCompression, // batches are compressed already
	}
	c.stream, err = c.js.Stream(ctx, streamName)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		want.FirstSeq = cfg.After + 1
		c.stream, err = c.js.CreateStream(ctx, want)
	}
	if err != nil {
		return err
	}
	if has := c.stream.CachedInfo().Config; has.MaxBytes != want.MaxBytes || has.MaxMsgSize != want.MaxMsgSize {
		want.FirstSeq, want.Metadata = has.FirstSeq, has.Metadata
		c.stream, err = c.js.UpdateStream(ctx, want)
	}
	return err
}

func (c *conn) stop() {
	if c.nc != nil {
		c.nc.Close()
	}
	c.srv.stop()
}
