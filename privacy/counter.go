package privacy

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/axiomhq/hyperloglog"

	"hoalu/ecs"
)

// Counter estimates, per system and kind, how many different people's identifiers went through (Nghị định 331 asks for 100,000
// and 10,000 subjects), from tokens alone. Observe every stored event once; observing one twice changes Events only.
type Counter struct {
	mu    sync.Mutex
	cells map[cell]*tally
}

type cell struct {
	System string `json:"system"`
	Kind   Kind   `json:"kind"`
}

type tally struct {
	events int64
	sketch *hyperloglog.Sketch
}

// Count is what a Counter knows of one system and kind.
type Count struct {
	System   string `json:"system"`
	Kind     Kind   `json:"kind"`
	Events   int64  `json:"events"`
	Subjects uint64 `json:"subjects"` // estimate, about 1 % off
}

// NewCounter returns an empty Counter.
func NewCounter() *Counter { return &Counter{cells: map[cell]*tally{}} }

// Observe counts the tokens of a protected event.
func (c *Counter) Observe(e *ecs.Event) {
	if !e.Has(ecs.HoaluIdentifier) {
		return
	}
	var seen [2]bool
	for i := range e.Len() {
		_, v := e.At(i)
		for s := v.Text; ; {
			j := strings.Index(s, Prefix)
			if j < 0 || len(s)-j < TokenLength {
				break
			}
			tok := s[j : j+TokenLength]
			s = s[j+len(Prefix):]
			kind := CCCD
			switch tok[len(Prefix)] {
			case CCCD.letter():
			case Phone.letter():
				kind = Phone
			default:
				continue
			}
			c.add(e.System, kind, tok, &seen)
		}
	}
}

func (c *Counter) add(system string, kind Kind, tok string, seen *[2]bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := cell{system, kind}
	t := c.cells[k]
	if t == nil {
		t = &tally{sketch: hyperloglog.New14()}
		c.cells[k] = t
	}
	t.sketch.Insert([]byte(tok))
	i := 0
	if kind == Phone {
		i = 1
	}
	if !seen[i] {
		seen[i] = true
		t.events++
	}
}

// Counts lists what was counted, by system and kind.
func (c *Counter) Counts() []Count {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]Count, 0, len(c.cells))
	for k, t := range c.cells {
		out = append(out, Count{k.System, k.Kind, t.events, t.sketch.Estimate()})
	}
	slices.SortFunc(out, func(a, b Count) int {
		return cmp.Or(strings.Compare(a.System, b.System), strings.Compare(string(a.Kind), string(b.Kind)))
	})
	return out
}

type snapshot struct {
	Version int            `json:"version"`
	Cells   []snapshotCell `json:"cells"`
}

type snapshotCell struct {
	cell
	Events int64  `json:"events"`
	Sketch []byte `json:"sketch"`
}

// Snapshot renders the Counter for Restore. It holds tokens' hashes only.
func (c *Counter) Snapshot() ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := snapshot{Version: 1}
	for k, t := range c.cells {
		b, err := t.sketch.MarshalBinary()
		if err != nil {
			return nil, fmt.Errorf("count identifiers: %w", err)
		}
		s.Cells = append(s.Cells, snapshotCell{k, t.events, b})
	}
	slices.SortFunc(s.Cells, func(a, b snapshotCell) int {
		return cmp.Or(strings.Compare(a.System, b.System), strings.Compare(string(a.Kind), string(b.Kind)))
	})
	return json.Marshal(s)
}

// Restore replaces what the Counter holds by a Snapshot.
func (c *Counter) Restore(data []byte) error {
	var s snapshot
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("restore counts of identifiers: %w", err)
	}
	if s.Version != 1 {
		return fmt.Errorf("restore counts of identifiers: version %d, this program reads 1", s.Version)
	}
	cells := map[cell]*tally{}
	for _, x := range s.Cells {
		sk := hyperloglog.New14()
		if err := sk.UnmarshalBinary(x.Sketch); err != nil {
			return fmt.Errorf("restore counts of identifiers: %w", err)
		}
		cells[x.cell] = &tally{x.Events, sk}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cells = cells
	return nil
}
