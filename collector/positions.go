package collector

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/cespare/xxhash/v2"

	"hoalu/collector/queue"
	"hoalu/ecs/wire"
)

// sensorPositions remembers which batches of each sensor are in the queue.
//
// Invariants: a sequence is taken at most once with the same content; what was taken and is not among the positions kept is in the queue
// behind theirs; sequences below a sensor's last that were never seen stand in missing and may still come.
type sensorPositions struct {
	saving sync.RWMutex // read-held from before an append until it is noted: a save sees all or nothing of it

	mu    sync.Mutex
	all   map[string]*sensorPosition
	saved uint64 // queue sequence the state file covers
}

type sensorPosition struct {
	turn    sync.Mutex // one append at a time
	Last    uint64     `json:"last"`
	Missing []missing  `json:"missing,omitempty"`
	// Recent are the batches taken last, oldest first, at most maxRecent; From is the first sequence that was noted here when it was
	// taken: what is below was taken by a version that kept no digests.
	Recent []recent `json:"recent,omitempty"`
	From   uint64   `json:"from,omitempty"`

	told time.Time // when it was last said that numbers are used twice
}

// recent is a batch that was taken.
type recent struct {
	Sequence uint64 `json:"s"`
	Digest   uint64 `json:"d"` // of its frames
}

// missing is a run of sequences below Last that have not come.
type missing struct {
	First  uint64    `json:"first"`
	Last   uint64    `json:"last"`
	Since  time.Time `json:"since"`
	Silent bool      `json:"silent,omitempty"` // told, or nothing to tell
}

const (
	maxRecent   = 64   // batches of a sensor whose digests are kept
	maxMissing  = 1000 // runs kept for a sensor; the oldest is given up beyond
	backlog     = 64   // sequences that may come late before the first one seen
	tellEvery   = time.Hour
	gapPatience = 2 * time.Minute // until a gap is told
)

// positions is what is kept of sensors.
type positions struct {
	Version  int                        `json:"version"`
	Position uint64                     `json:"position"`
	Sensors  map[string]*sensorPosition `json:"sensors"`
}

func (s *sensorPositions) load(ctx context.Context, opts Options) error {
	s.all = map[string]*sensorPosition{}
	last := opts.Queue.State().Last
	if opts.State != nil {
		data, err := opts.State.Load(ctx)
		if err != nil {
			return err
		}
		f := positions{Version: 1}
		if data != nil {
			if err := json.Unmarshal(data, &f); err != nil {
				return fmt.Errorf("read positions: %w", err)
			}
		}
		if f.Version != 1 {
			return fmt.Errorf("read positions: version %d, this program reads 1", f.Version)
		}
		if f.Position <= last { // else they are of another life of the queue, all of which is read then
			s.saved = f.Position
		}
		for id, p := range f.Sensors {
			if p != nil {
				s.all[id] = p
			}
		}
	}
	for seq := s.saved + 1; seq <= last; {
		m, err := opts.Queue.Read(ctx, seq)
		if gone, ok := errors.AsType[*queue.PurgedError](err); ok {
			seq = gone.Next
			continue
		}
		if err != nil {
			return err
		}
		if b, err := wire.Decode(m.Data); err == nil && b.Sensor != "" {
			p := s.get(b.Sensor) // a damaged batch is the pipeline's to report
			if b.Sequence > 0 {
				p.note(b.Sequence, opts.Now())
			}
			p.remember(b.Sequence, digestOf(b.Frames))
		}
		seq++
	}
	return nil
}

func (s *sensorPositions) get(id string) *sensorPosition {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.all[id]
	if p == nil {
		p = &sensorPosition{}
		s.all[id] = p
	}
	return p
}

func (s *sensorPositions) last(id string) uint64 {
	s.mu.Lock()
	p := s.all[id]
	s.mu.Unlock()
	if p == nil {
		return 0
	}
	p.turn.Lock()
	defer p.turn.Unlock()
	return p.Last
}

func (s *sensorPositions) position() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.saved
}

// once calls do unless the batch with that sequence and digest was taken before; other is set where another batch with that sequence
// was, and tell with the first such of an hour.
func (s *sensorPositions) once(id string, sequence, digest uint64, now time.Time, do func(other, tell bool) error) (bool, error) {
	p := s.get(id)
	p.turn.Lock()
	defer p.turn.Unlock()
	other := p.taken(sequence)
	if other && p.again(sequence, digest) {
		return true, nil
	}
	tell := other && now.Sub(p.told) >= tellEvery
	if tell {
		p.told = now
	}
	s.saving.RLock()
	defer s.saving.RUnlock()
	if err := do(other, tell); err != nil {
		return false, err
	}
	if !other {
		p.note(sequence, now)
	}
	p.remember(sequence, digest)
	return false, nil
}

// digestOf tells batches of a sensor apart by what they say.
func digestOf(frames []wire.Frame) uint64 {
	h := xxhash.New()
	var n [4]byte
	for i := range frames {
		binary.BigEndian.PutUint32(n[:], uint32(len(frames[i].Data)))
		h.Write(n[:])
		h.Write(frames[i].Data)
	}
	return h.Sum64()
}

// remember keeps the digest of a batch just taken. Of one whose sequence is 0, read from the queue, it is not known which it had.
func (p *sensorPosition) remember(sequence, digest uint64) {
	if p.From == 0 && sequence > 0 {
		p.From = sequence
	}
	p.Recent = append(p.Recent, recent{sequence, digest})
	if n := len(p.Recent); n > maxRecent {
		p.Recent = append(p.Recent[:0], p.Recent[n-maxRecent:]...)
	}
}

// again reports whether a batch whose sequence was taken is the one that was. Where its digest is no longer kept it may be either: it is
// then taken for another one, as a copy harms nobody and a loss does.
func (p *sensorPosition) again(sequence, digest uint64) bool {
	seen := false
	for _, r := range p.Recent {
		if r.Digest == digest && (r.Sequence == sequence || r.Sequence == 0) {
			return true
		}
		seen = seen || r.Sequence == sequence
	}
	return !seen && (p.From == 0 || sequence < p.From)
}

func (p *sensorPosition) taken(seq uint64) bool {
	if p.Last == 0 || seq > p.Last {
		return false
	}
	for _, m := range p.Missing {
		if m.First <= seq && seq <= m.Last {
			return false
		}
	}
	return true
}

func (p *sensorPosition) note(seq uint64, now time.Time) {
	if seq > p.Last {
		first := p.Last + 1
		if silent := p.Last == 0; first < seq {
			if silent && seq > backlog {
				first = seq - backlog
			}
			p.Missing = append(p.Missing, missing{first, seq - 1, now, silent})
			if len(p.Missing) > maxMissing {
				p.Missing = p.Missing[1:]
			}
		}
		p.Last = seq
		return
	}
	for i, m := range p.Missing {
		if m.First <= seq && seq <= m.Last {
			rest := append([]missing(nil), p.Missing[:i]...)
			if m.First < seq {
				rest = append(rest, missing{m.First, seq - 1, m.Since, m.Silent})
			}
			if seq < m.Last {
				rest = append(rest, missing{seq + 1, m.Last, m.Since, m.Silent})
			}
			p.Missing = append(rest, p.Missing[i+1:]...)
			return
		}
	}
}

type sensorGap struct {
	sensor      string
	first, last uint64
}

// overdue lists gaps to tell, each once.
func (s *sensorPositions) overdue(now time.Time) []sensorGap {
	s.saving.RLock()
	defer s.saving.RUnlock()
	s.mu.Lock()
	all := make(map[string]*sensorPosition, len(s.all))
	for id, p := range s.all {
		all[id] = p
	}
	s.mu.Unlock()
	var gaps []sensorGap
	for id, p := range all {
		p.turn.Lock()
		for i := range p.Missing {
			if m := &p.Missing[i]; !m.Silent && now.Sub(m.Since) >= gapPatience {
				m.Silent = true
				gaps = append(gaps, sensorGap{id, m.First, m.Last})
			}
		}
		p.turn.Unlock()
	}
	return gaps
}

// save keeps the positions; what they cover need not stay in the queue.
func (s *sensorPositions) save(ctx context.Context, opts Options) error {
	if opts.State == nil {
		return nil
	}
	s.saving.Lock()
	position := opts.Queue.State().Last
	s.mu.Lock()
	f := positions{Version: 1, Position: position, Sensors: map[string]*sensorPosition{}}
	for id, p := range s.all {
		f.Sensors[id] = &sensorPosition{Last: p.Last, Missing: slices.Clone(p.Missing), Recent: slices.Clone(p.Recent), From: p.From}
	}
	s.mu.Unlock()
	s.saving.Unlock()
	data, err := json.Marshal(f)
	if err != nil {
		return err
	}
	if err := opts.State.Keep(ctx, data); err != nil {
		return err
	}
	s.mu.Lock()
	s.saved = max(s.saved, position)
	s.mu.Unlock()
	return nil
}
