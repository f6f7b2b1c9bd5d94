package detections

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"

	"hoalu/detections/correlate"
	"hoalu/detections/sigma"
	"hoalu/ecs"
	"hoalu/internal/bounded"
	"hoalu/internal/wording"
)

// record is one line of an events file.
type record struct {
	T         json.Number `json:"t"`
	Logsource struct {
		Product  *string         `json:"product"`
		Service  *string         `json:"service"`
		Category json.RawMessage `json:"category"` // text, list or null
	} `json:"logsource"`
	Event json.RawMessage `json:"event"`
}

// readRecord reads one line {"t":…,"logsource":{…},"event":{…}} into e. The event object is read as any JSON document that arrives
// over the network, so that both match alike.
func readRecord(p *ecs.Parser, e *ecs.Event, line []byte) (t json.Number, err error) {
	var r record
	if err := json.Unmarshal(line, &r); err != nil {
		return "", err
	}
	if len(r.Event) == 0 {
		return "", wording.New(`there is no "event" object`)
	}
	var cats []string
	switch c := bytes.TrimSpace(r.Logsource.Category); {
	case len(c) == 0 || string(c) == "null":
	case c[0] == '"':
		var s string
		if err := json.Unmarshal(c, &s); err != nil {
			return "", err
		}
		if s != "" {
			cats = []string{s}
		}
	default:
		if err := json.Unmarshal(c, &cats); err != nil {
			return "", wording.New("logsource.category: %s", err)
		}
	}
	if err := p.Parse(e, r.Event); err != nil {
		return "", err
	}
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	e.SetLogsource(text(r.Logsource.Product), text(r.Logsource.Service), cats...)
	return r.T, nil
}

// eachLine calls f with every line that is not empty, numbered from 1.
func eachLine(in io.Reader, f func(n int, line []byte) error) error {
	return bounded.Lines(in, bounded.MaxLine, func(n int, line []byte) error {
		s := bytes.TrimSpace(line)
		if len(s) == 0 {
			return nil
		}
		if err := f(n, bytes.Clone(s)); err != nil { // a batch keeps it
			return wording.New("line %d: %s", n, err)
		}
		return nil
	})
}

// LoadSet compiles the rules at a path (file, folder, .zip) alone, without the product's own.
func LoadSet(path string) (*sigma.Set, []Refusal, error) {
	return load(Config{Packs: []Pack{}, Paths: []string{path}})
}

// matchBatch is so many records at most; a batch is what one worker matches at a time.
const matchBatch = 256

// batch is records in their order, and what was found in them.
type batch struct {
	lines [][]byte
	base  int           // record number of the first
	done  chan struct{} // closed when out and err are final
	out   []byte
	err   error
}

// match fills out with one line for each record, or up to the first that cannot be read.
func (b *batch) match(m *sigma.Matcher) {
	defer close(b.done)
	var p ecs.Parser
	var e ecs.Event
	var found []*sigma.Rule
	for i, line := range b.lines {
		e.Reset()
		if _, err := readRecord(&p, &e, line); err != nil {
			b.err = wording.New("record %d: %s", b.base+i, err)
			return
		}
		found = alerting(m.Match(&e, found[:0]), 0)
		b.out = append(b.out, `{"record":`...)
		b.out = strconv.AppendInt(b.out, int64(b.base+i), 10)
		b.out = append(b.out, `,"rules":[`...)
		for j, r := range found {
			if j > 0 {
				b.out = append(b.out, ',')
			}
			b.out = ecs.AppendQuoted(b.out, r.ID)
		}
		b.out = append(b.out, "]}\n"...)
	}
}

// MatchFile writes one line {"record":n,"rules":[…]} for each record of in, in order, with the ids of the rules that hold, sorted.
// Rules that only feed correlations are not named.
func MatchFile(set *sigma.Set, in io.Reader, out io.Writer, workers int) error {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	work := make(chan *batch, workers)
	order := make(chan *batch, workers*2)
	stop := make(chan struct{}) // closed when writing failed or a record could not be read
	var matching, writing sync.WaitGroup
	for range workers {
		matching.Go(func() {
			m := set.NewMatcher()
			for b := range work {
				b.match(m)
			}
		})
	}
	var written error
	writing.Go(func() { written = writeBatches(out, order, func() { close(stop) }) })
	read := readBatches(in, func(b *batch) bool {
		select {
		case <-stop:
			return false
		case work <- b:
			order <- b
			return true
		}
	})
	close(work)
	close(order)
	matching.Wait()
	writing.Wait()
	if written != nil {
		return written
	}
	return read
}

// readBatches gives the records of in to send, until it says that no more are wanted.
func readBatches(in io.Reader, send func(*batch) bool) error {
	b := &batch{done: make(chan struct{})}
	n := 0
	err := eachLine(in, func(_ int, line []byte) error {
		b.lines = append(b.lines, bytes.Clone(line))
		if n++; len(b.lines) < matchBatch {
			return nil
		}
		if !send(b) {
			return errStopped
		}
		b = &batch{base: n, done: make(chan struct{})}
		return nil
	})
	if errors.Is(err, errStopped) {
		return nil
	}
	if err == nil && len(b.lines) > 0 {
		send(b)
	}
	return err
}

// writeBatches writes batches in the order they were read. After the first error, which it returns, it calls stop once and only takes
// what still comes.
func writeBatches(out io.Writer, order <-chan *batch, stop func()) (err error) {
	w := bufio.NewWriterSize(out, 1<<18)
	for b := range order {
		<-b.done
		if err != nil {
			continue
		}
		if _, err = w.Write(b.out); err == nil {
			err = b.err
		}
		if err != nil {
			stop()
		}
	}
	return errors.Join(err, w.Flush())
}

var errStopped = errors.New("stopped")

// fire is a correlation, or a rule that alerts by itself because one says so, with a group of which it fired.
type fire struct {
	Rule  string            `json:"rule"`
	Group map[string]string `json:"group"`
	First json.Number       `json:"first"`
	at    int64             // First in Unix ms
	key   string            // Group as text
}

// fires are the firings of a file by rule and group.
type fires map[string]*fire

// note keeps the earliest firing of each rule and group.
func (fs fires) note(id string, group map[string]string, at int64) {
	key, _ := json.Marshal(group) // sorted by name
	k := id + "\x00" + string(key)
	if f := fs[k]; f == nil {
		fs[k] = &fire{Rule: id, Group: group, at: at, key: string(key)}
	} else if at < f.at {
		f.at = at
	}
}

// write writes one line for each, by first, then rule.
func (fs fires) write(out io.Writer) error {
	all := slices.SortedFunc(maps.Values(fs), func(a, b *fire) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.key, b.key))
	})
	w := bufio.NewWriter(out)
	for _, f := range all {
		f.First = json.Number(strconv.FormatFloat(float64(f.at)/1000, 'f', -1, 64))
		data, err := json.Marshal(f)
		if err != nil {
			return err
		}
		w.Write(data)
		w.WriteByte('\n')
	}
	return w.Flush()
}

// readTimed reads a record whose t gives the event's time.
func readTimed(p *ecs.Parser, e *ecs.Event, line []byte) error {
	t, err := readRecord(p, e, line)
	if err != nil {
		return err
	}
	sec, err := strconv.ParseFloat(t.String(), 64)
	if err != nil || math.Abs(sec) > 1e15 {
		return wording.New(`"t" must be a number of seconds, not %q`, t)
	}
	e.Time = int64(math.Round(sec * 1000))
	return nil
}

// CorrelateFile feeds the records of in ({"t":seconds,…}, in the order of arrival) to the correlations and writes one line for each
// correlation and group that fires: {"rule":…,"group":{…},"first":t}, by first, then rule. A rule that a correlation lets alert by
// itself (generate) is named with an empty group. Intake time is taken to be the greatest t so far.
func CorrelateFile(set *sigma.Set, in io.Reader, out io.Writer) error {
	fired := fires{}
	base := map[string]bool{} // rules that alert by themselves because a correlation says so
	for _, c := range set.Correlations {
		for _, name := range c.Refs {
			if r := set.Rule(name); r != nil && r.Generate {
				base[r.ID] = true
			}
		}
	}
	c := correlate.New(set, 0)
	m := set.NewMatcher()
	var (
		p       ecs.Parser
		e       ecs.Event
		found   []*sigma.Rule
		firings []correlate.Firing
		created = int64(math.MinInt64)
	)
	err := eachLine(in, func(n int, line []byte) error {
		e.Reset()
		if err := readTimed(&p, &e, line); err != nil {
			return err
		}
		created = max(created, e.Time)
		e.ID = strconv.Itoa(n)
		found = m.Match(&e, found[:0])
		for _, r := range found {
			if base[r.ID] {
				fired.note(r.ID, map[string]string{}, e.Time)
			}
		}
		firings = c.Feed(&correlate.Event{ID: e.ID, Time: e.Time, Created: created, Rules: found, Value: m.Value}, firings[:0])
		for _, f := range firings {
			if !f.Correlation.Alert {
				continue
			}
			group := map[string]string{}
			for _, g := range f.Group {
				group[g.Field] = g.Value
			}
			fired.note(f.Correlation.ID, group, f.Time)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return fired.write(out)
}

// BenchResult is what Bench measured, of matching only, on one core.
type BenchResult struct {
	EventsPerSecond      float64 `json:"events_per_second"`
	AllocsPerEvent       float64 `json:"allocs_per_event"`
	NaiveEventsPerSecond float64 `json:"naive_events_per_second,omitempty"`
	Ratio                float64 `json:"ratio,omitempty"`
	CompileSeconds       float64 `json:"compile_seconds"`
	Rules                int     `json:"rules"`
	HeapBytes            uint64  `json:"heap_bytes"`
	Events               int     `json:"events"`
	Matches              int     `json:"matches"`
}

// Bench decodes all events first and then measures matching, each way for at least the given time. Naive is the loop over all rules
// that apply; it is also compared with, and a difference is an error.
func Bench(path string, in io.Reader, naive bool, atLeast time.Duration) (BenchResult, []Refusal, error) {
	var res BenchResult
	before := heap()
	began := time.Now()
	set, refused, err := LoadSet(path)
	if err != nil {
		return res, refused, err
	}
	res.CompileSeconds = time.Since(began).Seconds()
	res.Rules = len(set.Rules)
	events, err := readEvents(in)
	if err != nil {
		return res, refused, err
	}
	res.Events = len(events)
	m := set.NewMatcher()
	var found []*sigma.Rule
	began = time.Now()
	for _, e := range events { // builds the groups, learns what values are like
		found = m.Match(e, found[:0])
		res.Matches += len(found)
	}
	res.CompileSeconds += time.Since(began).Seconds()
	withEvents := heap()
	size := uint64(0)
	for _, e := range events {
		size += uint64(e.Size())
	}
	if withEvents > before+size {
		res.HeapBytes = withEvents - before - size
	}
	res.measure(m, events, atLeast)
	if naive {
		err = res.measureNaive(m, events, atLeast)
	}
	return res, refused, err
}

// heap is how many bytes are in use after a collection.
func heap() uint64 {
	var ms runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&ms)
	return ms.HeapAlloc
}

// readEvents decodes a file of events; an empty one is an error.
func readEvents(in io.Reader) ([]*ecs.Event, error) {
	var p ecs.Parser
	var events []*ecs.Event
	err := eachLine(in, func(_ int, line []byte) error {
		e := &ecs.Event{}
		_, err := readRecord(&p, e, line)
		events = append(events, e)
		return err
	})
	if err == nil && len(events) == 0 {
		err = wording.New("the events file is empty")
	}
	return events, err
}

// measure sets the speed of matching and its allocations.
func (res *BenchResult) measure(m *sigma.Matcher, events []*ecs.Event, atLeast time.Duration) {
	var found []*sigma.Rule
	began := time.Now()
	n := 0
	for time.Since(began) < atLeast {
		for _, e := range events {
			found = m.Match(e, found[:0])
		}
		n += len(events)
	}
	res.EventsPerSecond = float64(n) / time.Since(began).Seconds()
	var ms0, ms1 runtime.MemStats
	runtime.ReadMemStats(&ms0)
	for _, e := range events {
		found = m.Match(e, found[:0])
	}
	runtime.ReadMemStats(&ms1)
	res.AllocsPerEvent = float64(ms1.Mallocs-ms0.Mallocs) / float64(len(events))
}

// measureNaive sets the speed of the plain loop, after it found the same as the index in the first 2,000 events.
func (res *BenchResult) measureNaive(m *sigma.Matcher, events []*ecs.Event, atLeast time.Duration) error {
	var found, slow []*sigma.Rule
	byID := func(a, b *sigma.Rule) int { return cmp.Compare(a.ID, b.ID) }
	for i, e := range events[:min(len(events), 2000)] {
		found, slow = m.Match(e, found[:0]), m.MatchNaive(e, slow[:0])
		slices.SortFunc(found, byID)
		slices.SortFunc(slow, byID)
		if !slices.Equal(found, slow) {
			return fmt.Errorf("record %d: index and plain loop differ: %d and %d rules", i, len(found), len(slow))
		}
	}
	began := time.Now()
	n := 0
	for i := 0; time.Since(began) < atLeast; i++ {
		slow = m.MatchNaive(events[(i*7919)%len(events)], slow[:0])
		n++
	}
	res.NaiveEventsPerSecond = float64(n) / time.Since(began).Seconds()
	res.Ratio = res.EventsPerSecond / res.NaiveEventsPerSecond
	return nil
}
