package detections

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"hoalu/detections/correlate"
	"hoalu/detections/sigma"
	"hoalu/ecs"
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
		return "", errors.New(`no "event" object`)
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
			return "", fmt.Errorf("logsource.category: %w", err)
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
	r := bufio.NewReaderSize(in, 1<<20)
	for n := 1; ; n++ {
		line, err := r.ReadBytes('\n')
		if s := bytes.TrimSpace(line); len(s) > 0 {
			if err := f(n, s); err != nil {
				return fmt.Errorf("line %d: %w", n, err)
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read events: %w", err)
		}
	}
}

// LoadSet compiles the rules at a path (file, folder, .zip) alone, without the product's own.
func LoadSet(path string) (*sigma.Set, []Refusal, error) {
	return load(Config{Packs: []Pack{}, Paths: []string{path}})
}

// MatchFile writes one line {"record":n,"rules":[…]} for each record of in, in order, with the ids of the rules that hold, sorted.
// Rules that only feed correlations are not named.
func MatchFile(set *sigma.Set, in io.Reader, out io.Writer, workers int) error {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	type batch struct {
		lines [][]byte
		base  int // record number of the first
		out   []byte
		err   error
		done  chan struct{}
	}
	work := make(chan *batch, workers)
	order := make(chan *batch, workers*2)
	stop := make(chan struct{}) // closed when writing failed
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			m := set.NewMatcher()
			var p ecs.Parser
			var e ecs.Event
			var found []*sigma.Rule
			for b := range work {
				for i, line := range b.lines {
					e.Reset()
					if _, err := readRecord(&p, &e, line); err != nil {
						b.err = fmt.Errorf("record %d: %w", b.base+i, err)
						break
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
				close(b.done)
			}
		})
	}
	var werr error
	written := make(chan struct{})
	go func() {
		defer close(written)
		w := bufio.NewWriterSize(out, 1<<18)
		for b := range order {
			<-b.done
			if werr != nil {
				continue
			}
			if _, werr = w.Write(b.out); werr == nil {
				werr = b.err
			}
			if werr != nil {
				close(stop)
			}
		}
		werr = errors.Join(werr, w.Flush())
	}()
	b := &batch{done: make(chan struct{})}
	n := 0
	send := func() error {
		select {
		case <-stop:
			return errStopped
		case work <- b:
			order <- b
			b = &batch{base: n, done: make(chan struct{})}
			return nil
		}
	}
	err := eachLine(in, func(_ int, line []byte) error {
		b.lines = append(b.lines, bytes.Clone(line))
		if n++; len(b.lines) == 256 {
			return send()
		}
		return nil
	})
	if err == nil && len(b.lines) > 0 {
		err = send()
	}
	close(work)
	close(order)
	wg.Wait()
	<-written
	if werr != nil {
		return werr
	}
	if errors.Is(err, errStopped) {
		return nil
	}
	return err
}

var errStopped = errors.New("stopped")

// CorrelateFile feeds the records of in ({"t":seconds,…}, in the order of arrival) to the correlations and writes one line for each
// correlation and group that fires: {"rule":…,"group":{…},"first":t}, by first, then rule. A rule that a correlation lets alert by
// itself (generate) is named with an empty group. Intake time is taken to be the greatest t so far.
func CorrelateFile(set *sigma.Set, in io.Reader, out io.Writer) error {
	type line struct {
		Rule  string            `json:"rule"`
		Group map[string]string `json:"group"`
		First json.Number       `json:"first"`
		at    int64
		key   string
	}
	fires := map[string]*line{}
	note := func(id string, group map[string]string, at int64) {
		key, _ := json.Marshal(group) // sorted by name
		k := id + "\x00" + string(key)
		if f := fires[k]; f == nil {
			fires[k] = &line{Rule: id, Group: group, at: at, key: string(key)}
		} else if at < f.at {
			f.at = at
		}
	}
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
	err := eachLine(in, func(n int, text []byte) error {
		e.Reset()
		t, err := readRecord(&p, &e, text)
		if err != nil {
			return err
		}
		sec, err := strconv.ParseFloat(t.String(), 64)
		if err != nil || math.Abs(sec) > 1e15 {
			return fmt.Errorf(`"t" must be a number of seconds, not %q`, t)
		}
		e.Time = int64(math.Round(sec * 1000))
		created = max(created, e.Time)
		e.ID = strconv.Itoa(n)
		found = m.Match(&e, found[:0])
		for _, r := range found {
			if base[r.ID] {
				note(r.ID, map[string]string{}, e.Time)
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
			note(f.Correlation.ID, group, f.Time)
		}
		return nil
	})
	if err != nil {
		return err
	}
	var all []*line
	for _, f := range fires {
		f.First = json.Number(strconv.FormatFloat(float64(f.at)/1000, 'f', -1, 64))
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b *line) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.key, b.key))
	})
	w := bufio.NewWriter(out)
	for _, f := range all {
		data, err := json.Marshal(f)
		if err != nil {
			return err
		}
		w.Write(data)
		w.WriteByte('\n')
	}
	return w.Flush()
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
	heap := func() uint64 {
		var ms runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&ms)
		return ms.HeapAlloc
	}
	before := heap()
	began := time.Now()
	set, refused, err := LoadSet(path)
	if err != nil {
		return res, refused, err
	}
	res.CompileSeconds = time.Since(began).Seconds()
	res.Rules = len(set.Rules)
	var p ecs.Parser
	var events []*ecs.Event
	err = eachLine(in, func(_ int, line []byte) error {
		e := &ecs.Event{}
		_, err := readRecord(&p, e, line)
		events = append(events, e)
		return err
	})
	if err != nil {
		return res, refused, err
	}
	if len(events) == 0 {
		return res, refused, errors.New("the events file is empty")
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
	began = time.Now()
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
	if !naive {
		return res, refused, nil
	}
	var slow []*sigma.Rule
	byIndex := func(a, b *sigma.Rule) int { return cmp.Compare(a.ID, b.ID) }
	for i, e := range events[:min(len(events), 2000)] {
		found, slow = m.Match(e, found[:0]), m.MatchNaive(e, slow[:0])
		slices.SortFunc(found, byIndex)
		slices.SortFunc(slow, byIndex)
		if !slices.Equal(found, slow) {
			return res, refused, fmt.Errorf("record %d: index and plain loop differ: %d and %d rules", i, len(found), len(slow))
		}
	}
	began = time.Now()
	n = 0
	for i := 0; time.Since(began) < atLeast; i++ {
		slow = m.MatchNaive(events[(i*7919)%len(events)], slow[:0])
		n++
	}
	res.NaiveEventsPerSecond = float64(n) / time.Since(began).Seconds()
	res.Ratio = res.EventsPerSecond / res.NaiveEventsPerSecond
	return res, refused, nil
}

// Check loads the rules at a path and writes one line for each that is refused: file, rule, reason.
func Check(path string, out io.Writer) (loaded int, refused []Refusal, err error) {
	set, refused, err := LoadSet(path)
	if err != nil {
		return 0, nil, err
	}
	for _, r := range refused {
		if _, err := fmt.Fprintln(out, strings.ReplaceAll(r.String(), "\n", " ")); err != nil {
			return 0, refused, err
		}
	}
	return len(set.Rules) + len(set.Correlations), refused, nil
}
