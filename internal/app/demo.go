package app

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"time"

	"hoalu/ecs/wire"
	"hoalu/inventory"
	"hoalu/soc"
)

// demoEvents is what the sample systems are supposed to have sent, one JSON object a line: {"source": sample source's name or number,
// "ago": seconds before now, "format": wire format, "dataset": …, "raw": the message as a device writes it}. In raw, {{rfc3164}},
// {{rfc3339}}, {{clf}}, {{date}}, {{clock}} and {{epoch}} stand for the time in that spelling. demogen.go writes the file.
//
//go:generate sh -c "go run demogen.go > demo.ndjson.new && mv demo.ndjson.new demo.ndjson"
//go:embed demo.ndjson
var demoEvents []byte

// Demo says what was loaded or removed.
type Demo struct {
	Inventory inventory.Sizes `json:"inventory"`
	Events    int             `json:"events,omitempty"`
	Alerts    int64           `json:"alerts,omitempty"`
}

// DemoLoad loads the sample province and replays its recorded events through the real path.
func (a *App) DemoLoad(ctx context.Context, by soc.Actor) (Demo, error) {
	var out Demo
	var err error
	if out.Inventory, err = a.inventory.DemoLoad(ctx, by); err != nil {
		return out, err
	}
	frames, err := a.demoFrames(time.Now())
	if err != nil {
		return out, err
	}
	for len(frames) > 0 {
		n := min(len(frames), 500)
		if err := a.intake.Put(ctx, "demo", frames[:n]); err != nil {
			return out, fmt.Errorf("replay sample events: %w", err)
		}
		out.Events += n
		frames = frames[n:]
	}
	return out, nil
}

func (a *App) demoFrames(now time.Time) ([]wire.Frame, error) {
	sources := map[string]soc.Source{}
	for _, s := range a.inventory.Snapshot().Sources() {
		if s.Demo {
			sources[s.ID], sources[s.Name] = s, s
		}
	}
	var frames []wire.Frame
	sc := bufio.NewScanner(bytes.NewReader(demoEvents))
	sc.Buffer(nil, 1<<20)
	for n := 1; sc.Scan(); n++ {
		if len(bytes.TrimSpace(sc.Bytes())) == 0 {
			continue
		}
		var l struct {
			Source, Format, Dataset, Raw string
			Ago                          float64
		}
		if err := json.Unmarshal(sc.Bytes(), &l); err != nil {
			return nil, fmt.Errorf("sample events, line %d: %w", n, err)
		}
		src, ok := sources[l.Source]
		if !ok {
			return nil, fmt.Errorf("sample events, line %d: no sample source %q", n, l.Source)
		}
		at := now.Add(-time.Duration(l.Ago * float64(time.Second)))
		raw := []byte(l.Raw)
		for mark, layout := range map[string]string{"{{rfc3164}}": time.Stamp, "{{rfc3339}}": "2006-01-02T15:04:05.000Z07:00", "{{clf}}": "02/Jan/2006:15:04:05 -0700", "{{date}}": time.DateOnly, "{{clock}}": time.TimeOnly} {
			raw = bytes.ReplaceAll(raw, []byte(mark), []byte(at.In(demoZone).Format(layout)))
		}
		raw = bytes.ReplaceAll(raw, []byte("{{epoch}}"), fmt.Append(nil, at.Unix()))
		dataset := l.Dataset
		if dataset == "" {
			dataset = src.Dataset
		}
		frames = append(frames, wire.Frame{Source: src.ID, Format: l.Format, Dataset: dataset, Trust: l.Format == wire.FormatECS, Data: raw}) // records of sensors say what they are
	}
	return frames, sc.Err()
}

var demoZone = time.FixedZone("+07", 7*3600)

// DemoRemove removes the sample province with its alerts and posture. Its stored events stay marked as sample until their retention
// ends; they belong to systems nobody lists any more.
func (a *App) DemoRemove(ctx context.Context, by soc.Actor) (Demo, error) {
	var out Demo
	var err error
	if out.Alerts, err = a.triage.DemoRemove(ctx, by); err != nil {
		return out, err
	}
	var gone []string
	for _, s := range a.inventory.Snapshot().Systems() {
		if s.Demo {
			gone = append(gone, s.ID)
		}
	}
	if out.Inventory, err = a.inventory.DemoRemove(ctx, by); err != nil {
		return out, err
	}
	return out, a.posture.ForgetAll(ctx, gone)
}
