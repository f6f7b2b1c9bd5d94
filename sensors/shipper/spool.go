package shipper

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"time"

	"hoalu/ecs/wire"
	"hoalu/internal/durable"
)

// position asks the collector how far it is, so that a sensor that lost its spool does not reuse numbers. It waits for the collector.
func (s *Shipper) position(ctx context.Context) error {
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		var p struct {
			Sequence uint64 `json:"sequence"`
		}
		err := s.get(ctx, "/v1/position", &p)
		if err == nil {
			s.mu.Lock()
			s.next = max(s.next, p.Sequence)
			s.mu.Unlock()
			return nil
		}
		if len(s.spool) > 0 || s.next > 0 {
			return nil // the spool knows its own numbers
		}
		s.failed(err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

func (s *Shipper) failed(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := ""
	if err != nil {
		text = err.Error()
	}
	if (text == "") != (s.stats.Error == "") {
		if err != nil {
			s.log.Warn("collector does not take records; they wait in the spool", "error", err)
		} else {
			s.log.Info("collector takes records again")
		}
	}
	s.stats.Error = text
}

func (s *Shipper) spoolLoop(ctx context.Context) {
	timer := time.NewTimer(s.cfg.Linger)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			for s.spoolOne() {
			}
			return
		case <-s.wake:
		}
		s.mu.Lock()
		full := len(s.records) >= s.cfg.Batch
		s.mu.Unlock()
		if !full {
			timer.Reset(s.cfg.Linger)
			select {
			case <-ctx.Done():
			case <-timer.C:
			}
		}
		for s.spoolOne() {
		}
	}
}

// spoolOne writes one batch durably; it reports whether records are left.
func (s *Shipper) spoolOne() bool {
	s.mu.Lock()
	n := min(len(s.records), s.cfg.Batch)
	if n == 0 {
		s.mu.Unlock()
		return false
	}
	size := 0
	for i, r := range s.records[:n] {
		if i > 0 && size+len(r) > batchBytes {
			n = i
			break
		}
		size += len(r)
	}
	records := s.records[:n:n]
	s.records = s.records[n:]
	s.next++
	b := batch{seq: s.next, records: int64(n)}
	more := len(s.records) > 0
	s.mu.Unlock()

	now := time.Now().UnixMilli()
	frames := make([]wire.Frame, n)
	for i, r := range records {
		frames[i] = wire.Frame{Received: now, Format: wire.FormatECS, Data: r}
	}
	data := wire.Encode(&wire.Batch{Listener: "sensor", Sequence: b.seq, Frames: frames})
	b.bytes = int64(len(data))
	err := s.write(b, data)
	s.mu.Lock()
	if (err == nil) != (s.disk == nil) {
		if err != nil {
			s.log.Error("the spool cannot be written; records wait in memory", "dir", s.cfg.Dir, "error", err)
		} else {
			s.log.Info("the spool can be written again")
		}
	}
	s.disk = err
	switch {
	case err == nil:
		s.shrink(size)
		s.stats.Bytes += b.bytes
	case s.size-size+len(data) <= s.cfg.Memory:
		b.data = data
		s.shrink(size - len(data))
	default:
		s.shrink(size)
		s.stats.Dropped[DropDisk] += b.records
		s.stats.Waiting -= b.records
		s.mu.Unlock()
		return more
	}
	s.spool = append(s.spool, b)
	for i := 0; s.stats.Bytes > s.cfg.MaxDisk && i < len(s.spool)-1; { // oldest first, but not the one under way
		if s.spool[i].sending || s.spool[i].data != nil {
			i++
			continue
		}
		s.forget(i, DropSpool)
	}
	s.mu.Unlock()
	signal(s.ready)
	if err == nil {
		s.settle(false)
	}
	return more
}

// forget drops batch i for a reason; mu is held.
func (s *Shipper) forget(i int, reason string) {
	b := s.spool[i]
	s.spool = append(s.spool[:i:i], s.spool[i+1:]...)
	s.stats.Waiting -= b.records
	s.stats.Dropped[reason] += b.records
	if b.data != nil {
		s.shrink(len(b.data))
		return
	}
	s.stats.Bytes -= b.bytes
	os.Remove(filepath.Join(s.cfg.Dir, b.name()))
}

// settle writes what waits in memory into the spool, oldest first, until the disk refuses; at the end what it does not take is dropped.
func (s *Shipper) settle(end bool) {
	for {
		s.mu.Lock()
		i := slices.IndexFunc(s.spool, func(b batch) bool { return b.data != nil && !b.sending })
		if i < 0 {
			s.mu.Unlock()
			return
		}
		b := s.spool[i]
		s.mu.Unlock()
		err := s.write(b, b.data)
		if err != nil && !end {
			return
		}
		s.mu.Lock()
		i = slices.IndexFunc(s.spool, func(x batch) bool { return x.seq == b.seq })
		switch {
		case i < 0: // sent meanwhile
			os.Remove(filepath.Join(s.cfg.Dir, b.name()))
		case err != nil:
			s.log.Error("records lost: the spool cannot be written", "records", b.records, "error", err)
			s.forget(i, DropDisk)
		default:
			s.spool[i].data = nil
			s.shrink(len(b.data))
			s.stats.Bytes += b.bytes
		}
		s.mu.Unlock()
	}
}

func (s *Shipper) write(b batch, data []byte) error {
	return durable.Write(filepath.Join(s.cfg.Dir, b.name()), data)
}
