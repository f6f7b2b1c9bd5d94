package shipper

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// do sends a request; now and then it is the last of its connection.
func (s *Shipper) do(req *http.Request) (*http.Response, error) {
	now := time.Now().Unix()
	if s.stale.Swap(false) || now-s.since.Load() > int64(connectionAge/time.Second) {
		s.since.Store(now)
		req.Close = true
	}
	res, err := s.client.Do(req)
	if err == nil && (res.StatusCode == http.StatusUnauthorized || res.StatusCode == http.StatusForbidden) {
		s.Reconnect() // the certificate of this connection has ended: there may be a newer one
	}
	return res, err
}

// errRefused marks an answer that will never be another.
var errRefused = errors.New("the collector refuses the batch for good")

func (s *Shipper) sendLoop(ctx context.Context) {
	wait := time.Duration(0)
	for {
		if wait > 0 {
			select {
			case <-ctx.Done():
				return
			case <-time.After(wait + time.Duration(rand.Int64N(int64(wait)/4+1))):
			}
		}
		s.mu.Lock()
		var b batch
		if len(s.spool) > 0 {
			s.spool[0].sending = true
			b = s.spool[0]
		}
		s.mu.Unlock()
		if b.seq == 0 {
			select {
			case <-ctx.Done():
				return
			case <-s.ready:
			}
			continue
		}
		err := s.send(ctx, b)
		if err != nil && !errors.Is(err, errRefused) {
			s.mu.Lock()
			s.spool[0].sending = false
			s.mu.Unlock()
			if ctx.Err() != nil {
				return
			}
			s.failed(err)
			wait = min(max(2*wait, 100*time.Millisecond), 10*time.Second)
			continue
		}
		s.failed(err)
		wait = 0
		if err := s.keepSequence(b.seq); err != nil {
			s.log.Error("write spool position", "error", err)
		}
		if err := os.Remove(filepath.Join(s.cfg.Dir, b.name())); err != nil && b.data == nil {
			s.log.Error("remove a sent batch from the spool; the collector will drop it as a duplicate", "error", err)
		}
		s.mu.Lock()
		if now := s.spool[0]; now.data != nil {
			s.shrink(len(now.data))
		} else {
			s.stats.Bytes -= b.bytes
		}
		s.spool = s.spool[1:]
		s.stats.Waiting -= b.records
		if err != nil {
			s.stats.Dropped[DropRefused] += b.records
		} else {
			s.stats.Sent += b.records
		}
		s.mu.Unlock()
	}
}

// keepSequence notes in place, durably, that numbers up to n are used: a file of constant length, which a full disk still takes. Were
// one used again after the power failed, the collector would take new records for old ones.
func (s *Shipper) keepSequence(n uint64) error {
	if _, err := s.sequence.WriteAt(fmt.Appendf(nil, "%020d\n", n), 0); err != nil {
		return err
	}
	return s.sequence.Sync()
}

func (s *Shipper) send(ctx context.Context, b batch) error {
	data, err := b.data, error(nil)
	if data != nil {
		err = s.keepSequence(b.seq) // no file tells the next start of this number
	} else if data, err = os.ReadFile(filepath.Join(s.cfg.Dir, b.name())); err != nil {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	if err != nil {
		return fmt.Errorf("write spool position: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.cfg.Server+"/v1/batches", bytes.NewReader(data))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/octet-stream")
	res, err := s.do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, _ := io.ReadAll(io.LimitReader(res.Body, 4096))
	switch res.StatusCode {
	case http.StatusOK:
		return nil
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge:
		return fmt.Errorf("%w: %d %s", errRefused, res.StatusCode, answer)
	}
	return fmt.Errorf("the collector answers %d %s", res.StatusCode, answer)
}

// Account posts ten seconds of accounting (the collector's /v1/stats).
func (s *Shipper) Account(ctx context.Context, stats any) error {
	body, err := json.Marshal(stats)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.cfg.Server+"/v1/stats", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := s.do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode/100 != 2 {
		answer, _ := io.ReadAll(io.LimitReader(res.Body, 4096))
		return fmt.Errorf("the collector answers %d %s", res.StatusCode, answer)
	}
	return nil
}

func (s *Shipper) get(ctx context.Context, path string, v any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.cfg.Server+path, nil)
	if err != nil {
		return err
	}
	res, err := s.do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		answer, _ := io.ReadAll(io.LimitReader(res.Body, 4096))
		return fmt.Errorf("the collector answers %d %s", res.StatusCode, answer)
	}
	return json.NewDecoder(io.LimitReader(res.Body, 1<<16)).Decode(v)
}
