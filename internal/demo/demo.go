// Package demo plays the sample province: what its systems are supposed to have sent in the last hours, and from then on their ordinary
// work, so that a demonstration does not fall silent while somebody looks at it.
//
// Words: the recording is demo.ndjson, one JSON object a line: {"source": name or number of a sample source, "ago": seconds before now,
// "format": wire format, "dataset": …, "raw": the message as a device writes it, "once": it is no ordinary work}. In raw, {{rfc3164}},
// {{rfc3339}}, {{clf}}, {{date}}, {{clock}} and {{epoch}} stand for the time in that spelling. demogen.go writes the file.
//
// Contract: what is played goes through Put like any other event, with the number of a sample source; nothing is played while there are
// no sample sources. Sources whose recording holds no ordinary work stay silent, so that a demonstration shows that state too.
package demo

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"log/slog"
	"sync"
	"time"

	"hoalu/ecs/wire"
	"hoalu/soc"
)

//go:generate sh -c "go run demogen.go > demo.ndjson.new && mv demo.ndjson.new demo.ndjson"
//go:embed demo.ndjson
var recording []byte

// Line is one message of the recording.
type line struct {
	Source, Format, Dataset, Raw string
	Ago                          float64
	Once                         bool
}

// recorded reads the recording once.
var recorded = sync.OnceValues(func() ([]line, error) {
	var out []line
	sc := bufio.NewScanner(bytes.NewReader(recording))
	sc.Buffer(nil, 1<<20)
	for n := 1; sc.Scan(); n++ {
		if len(bytes.TrimSpace(sc.Bytes())) == 0 {
			continue
		}
		var l line
		if err := json.Unmarshal(sc.Bytes(), &l); err != nil {
			return nil, fmt.Errorf("sample events, line %d: %w", n, err)
		}
		out = append(out, l)
	}
	return out, sc.Err()
})

// Player plays the recording.
type Player struct {
	Sources func() []soc.Source // all sources; those not marked as sample are passed over
	Put     func(ctx context.Context, listener string, frames []wire.Frame) error
	Log     *slog.Logger
}

// every is how often Run plays; each source with ordinary work has its turn once in a minute.
const every, turns = 10 * time.Second, 6

func (p *Player) sources() map[string]soc.Source {
	out := map[string]soc.Source{}
	for _, s := range p.Sources() {
		if s.Demo {
			out[s.ID], out[s.Name] = s, s
		}
	}
	return out
}

// frame is l as if it were written at a time.
func (l line) frame(src soc.Source, at time.Time) wire.Frame {
	raw := []byte(l.Raw)
	for mark, layout := range map[string]string{"{{rfc3164}}": time.Stamp, "{{rfc3339}}": "2006-01-02T15:04:05.000Z07:00",
		"{{clf}}": "02/Jan/2006:15:04:05 -0700", "{{date}}": time.DateOnly, "{{clock}}": time.TimeOnly} {
		raw = bytes.ReplaceAll(raw, []byte(mark), []byte(at.In(soc.Zone).Format(layout)))
	}
	raw = bytes.ReplaceAll(raw, []byte("{{epoch}}"), fmt.Append(nil, at.Unix()))
	dataset := l.Dataset
	if dataset == "" {
		dataset = src.Dataset
	}
	// records of sensors say what they are
	return wire.Frame{Source: src.ID, Format: l.Format, Dataset: dataset, Trust: l.Format == wire.FormatECS, Data: raw}
}

// Load plays the whole recording, its end being now, and returns the number of events.
func (p *Player) Load(ctx context.Context, now time.Time) (int, error) {
	list, err := recorded()
	if err != nil {
		return 0, err
	}
	sources := p.sources()
	frames := make([]wire.Frame, 0, len(list))
	for _, l := range list {
		src, ok := sources[l.Source]
		if !ok {
			return 0, fmt.Errorf("sample events: there is no sample source %q", l.Source)
		}
		frames = append(frames, l.frame(src, now.Add(-time.Duration(l.Ago*float64(time.Second)))))
	}
	n := 0
	for len(frames) > 0 {
		m := min(len(frames), 500)
		if err := p.Put(ctx, "demo", frames[:m]); err != nil {
			return n, fmt.Errorf("replay sample events: %w", err)
		}
		n += m
		frames = frames[m:]
	}
	return n, nil
}

// Run plays ordinary work while there are sample sources, until ctx ends.
func (p *Player) Run(ctx context.Context) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case now := <-tick.C:
			frames, err := p.ordinary(now)
			if err != nil {
				return err
			}
			if len(frames) == 0 {
				continue
			}
			if err := p.Put(ctx, "demo", frames); err != nil && ctx.Err() == nil {
				p.Log.Warn("sample events not taken; the next ones follow", "error", err)
			}
		}
	}
}

// ordinary are the messages of the sources whose turn it is.
func (p *Player) ordinary(now time.Time) ([]wire.Frame, error) {
	sources := p.sources()
	if len(sources) == 0 {
		return nil, nil
	}
	list, err := recorded()
	if err != nil {
		return nil, err
	}
	turn := now.Unix() / int64(every/time.Second)
	by := map[string][]line{}
	for _, l := range list {
		if !l.Once {
			by[l.Source] = append(by[l.Source], l)
		}
	}
	var frames []wire.Frame
	for name, lines := range by {
		src, there := sources[name]
		h := fnv.New32a()
		h.Write([]byte(name)) //nolint:errcheck // never fails
		if !there || int64(h.Sum32()%turns) != turn%turns {
			continue
		}
		frames = append(frames, lines[int(turn/turns)%len(lines)].frame(src, now))
	}
	return frames, nil
}
