package sensor

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"hoalu/internal/wording"
)

// What a sensor names is bounded: a compromised one must not fill the ledger, the metrics or this process's memory with names.
const (
	maxNames  = 64      // names of one map and sensor since the start; further ones are counted as Other
	maxName   = 64      // bytes of a name
	maxValues = 128     // of Stats.Values
	maxValue  = 1024    // bytes of a value; the rest is cut off
	maxCount  = 1 << 40 // of one name in one account
	maxSum    = 1 << 60
)

// Other is the name that counts are kept under whose own names a sensor may not add any more.
const Other = "other"

// Stats is what a sensor saw in 10 seconds: Seen = Sent + Dropped + Filtered + Waiting's growth, by record class.
type Stats struct {
	From     int64             `json:"from"` // Unix ms
	To       int64             `json:"to"`
	Seen     map[string]int64  `json:"seen"`     // by class: packets, flows, dns, process …
	Sent     map[string]int64  `json:"sent"`     // given to the uplink and acknowledged
	Dropped  map[string]int64  `json:"dropped"`  // by reason: ring, buffer, spool …
	Filtered map[string]int64  `json:"filtered"` // by policy
	Waiting  int64             `json:"waiting"`  // in the spool
	Values   map[string]string `json:"values"`   // version, kernel, cpu, memory …
}

// Probe is how a probe of a sensor is doing, as the sensor says.
type Probe struct {
	Name, State string
	Why, Do     *wording.Problem // why it may not run and how to allow it; nil: not told
}

// Probes are the probes among the values, by name: probe.NAME is "state" or "state: reason in English"; why.NAME and do.NAME are the
// same and what to do as problems, which can be said in other languages. An older sensor does not tell them.
func (s Stats) Probes() []Probe {
	problem := func(name string) (p *wording.Problem) {
		if json.Unmarshal([]byte(s.Values[name]), &p) != nil {
			return nil
		}
		return p
	}
	var out []Probe
	for _, name := range slices.Sorted(maps.Keys(s.Values)) {
		probe, ok := strings.CutPrefix(name, "probe.")
		if !ok {
			continue
		}
		state, reason, told := strings.Cut(s.Values[name], ": ")
		p := Probe{Name: probe, State: state, Why: problem("why." + probe), Do: problem("do." + probe)}
		if p.Why == nil && told {
			p.Why = wording.New("%s", reason)
		}
		out = append(out, p)
	}
	return out
}

// Accounts is a sensor's last Stats and the sums of all since the start.
type Accounts struct {
	Last                          Stats
	Seen, Sent, Dropped, Filtered int64
	Lost                          map[string]int64 // Dropped by reason
	LeftOut                       map[string]int64 // Filtered by class
	At                            int64            // receipt of Last, Unix ms; 0: it has told nothing yet
}

// Book keeps the accounts of sensors, by sensor. Safe for concurrent use.
type Book struct {
	mu sync.Mutex
	by map[string]*page
}

// page is what the book has of one sensor.
type page struct {
	Accounts
	seen, sent, dropped, filtered names
}

// names are those of one map that a sensor has used up to now.
type names map[string]bool

// NewBook returns a Book in which nobody stands yet.
func NewBook() *Book { return &Book{by: map[string]*page{}} }

// Of is what a sensor has told.
func (b *Book) Of(sensor string) Accounts {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.by[sensor]
	if p == nil {
		return Accounts{}
	}
	a := p.Accounts
	a.Lost, a.LeftOut = maps.Clone(a.Lost), maps.Clone(a.LeftOut)
	return a
}

// take enters an account of a sensor that was received at a time (Unix ms), and gives back what is new in it: a sensor that did not get our
// answer tells of the same time again, and of more.
func (b *Book) take(sensor string, s Stats, at int64) (told Stats) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.by[sensor]
	if p == nil {
		p = &page{Accounts: Accounts{Lost: map[string]int64{}, LeftOut: map[string]int64{}}, seen: names{}, sent: names{}, dropped: names{},
			filtered: names{}}
		b.by[sensor] = p
	}
	s.Seen, s.Sent, s.Dropped, s.Filtered = p.seen.bound(s.Seen), p.sent.bound(s.Sent), p.dropped.bound(s.Dropped),
		p.filtered.bound(s.Filtered)
	s.Values = values(s.Values)
	told = s
	if last := p.Last; last.From != 0 && s.From == last.From {
		told.Seen, told.Sent, told.Dropped, told.Filtered = less(s.Seen, last.Seen), less(s.Sent, last.Sent), less(s.Dropped, last.Dropped),
			less(s.Filtered, last.Filtered)
	}
	p.Last, p.At = s, at
	p.Seen = plus(p.Seen, total(told.Seen))
	p.Sent = plus(p.Sent, total(told.Sent))
	p.Dropped = plus(p.Dropped, total(told.Dropped))
	p.Filtered = plus(p.Filtered, total(told.Filtered))
	for reason, n := range told.Dropped {
		p.Lost[reason] = plus(p.Lost[reason], n)
	}
	for class, n := range told.Filtered {
		p.LeftOut[class] = plus(p.LeftOut[class], n)
	}
	return told
}

// bound gives the counts of m within the bounds: names the sensor may use by their own, what the others count under Other. A name once
// refused stays refused, so that the same count is found under the same name in the next account. Counts that are 0 or less are left out.
func (known names) bound(m map[string]int64) map[string]int64 {
	out := make(map[string]int64, min(len(m), maxNames+1))
	for _, name := range slices.Sorted(maps.Keys(m)) {
		n := min(m[name], maxCount)
		if n <= 0 {
			continue
		}
		if !known[name] {
			if len(known) < maxNames && isName(name) {
				known[name] = true
			} else {
				name = Other
			}
		}
		out[name] = plus(out[name], n)
	}
	return out
}

// isName says whether s may name a count: it stands in the ledger and in metrics.
func isName(s string) bool {
	return s != "" && len(s) <= maxName && strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '.' && r != '-'
	}) < 0
}

// values are those of m within the bounds, without control characters: people read them.
func values(m map[string]string) map[string]string {
	out := make(map[string]string, min(len(m), maxValues))
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if len(out) == maxValues {
			break
		}
		if !isName(name) {
			continue
		}
		v := strings.Map(func(r rune) rune {
			if unicode.IsControl(r) || r == utf8.RuneError {
				return ' '
			}
			return r
		}, m[name])
		if len(v) > maxValue {
			v = strings.ToValidUTF8(v[:maxValue], "")
		}
		out[name] = v
	}
	return out
}

// less is what m has more than before.
func less(m, before map[string]int64) map[string]int64 {
	out := make(map[string]int64, len(m))
	for k, n := range m {
		if n > before[k] {
			out[k] = n - before[k]
		}
	}
	return out
}

func total(m map[string]int64) (n int64) {
	for _, v := range m {
		n = plus(n, v)
	}
	return n
}

// plus adds counts; it stops at maxSum.
func plus(a, b int64) int64 { return min(a+b, maxSum) }
