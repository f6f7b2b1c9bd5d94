package exercise

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"hoalu/ecs"
	"hoalu/ecs/wire"
	"hoalu/soc"
)

// Protector is what an event goes through before it may be marked.
type Protector interface {
	Protect(e *ecs.Event) error
}

// Marked protects an event and then marks it when an exercise made it.
type Marked struct {
	Protector
	Marker *Marker
}

// Protect implements the pipeline's Protector.
func (m Marked) Protect(e *ecs.Event) error {
	if err := m.Protector.Protect(e); err != nil {
		return err
	}
	m.Marker.Mark(e)
	return nil
}

// Range is where exercises are played: the appliance, as far as one needs it. All of it is needed.
type Range struct {
	Marker  *Marker
	Host    string // this machine's name
	Console func() string
	Syslog  func() string                                           // address of the TCP listener, "" none
	Rule    func(id string) (title map[string]string, running bool) // title nil where it is not known
	Probe   func(name string) Probe                                 // packet, process
	Source  func() string                                           // number of the source that messages over Send are of
	Put     func(ctx context.Context, listener string, frames []wire.Frame) error
	Alerts  func(ctx context.Context, since int64) ([]soc.Alert, error) // that exercises raised, by their last hit (Unix ms)
	Events  func(ctx context.Context, ids []string) ([]*ecs.Event, error)
	Record  func(ctx context.Context, d soc.Deed) error
}

// Begin allows one exercise and says what of it can be real here. It is a deed of by.
func (r Range) Begin(ctx context.Context, by soc.Actor) (Plan, error) {
	tokens, err := r.Marker.New(time.Now())
	if err != nil {
		return Plan{}, err
	}
	p := Plan{Token: tokens[SSH], Tokens: map[string]string{}, Host: r.Host, Console: r.Console(), Syslog: r.Syslog(),
		Process: r.Probe("process"), Packet: r.Probe("packet")}
	for _, k := range Kinds {
		p.Tokens[k.String()] = tokens[k]
		for _, id := range RulesOf[k] {
			title, running := r.Rule(id)
			if title == nil {
				title = map[string]string{"vi": id, "en": id}
			}
			p.Expect = append(p.Expect, Expected{Rule: id, Kind: k.String(), Title: title, Off: !running})
		}
	}
	return p, r.Record(ctx, soc.Deed{Actor: by, Action: "exercise.start", Details: map[string]string{"host": p.Host}})
}

// maxSend is the most that Send reads of one request, in bytes.
const maxSend = 1 << 20

// Send takes events of an exercise where no listener or probe can: one message a line, each with a good token. It says how many.
func (r Range) Send(ctx context.Context, format string, body io.Reader) (int, error) {
	if format != wire.FormatSyslog && format != wire.FormatECS {
		return 0, &soc.Problem{Status: http.StatusBadRequest, Code: "bad_format", Detail: fmt.Sprintf("Format %q is not known.", format),
			Do: "Take syslog or ecs.", Values: map[string]string{"format": format}}
	}
	var frames []wire.Frame
	sc := bufio.NewScanner(io.LimitReader(body, maxSend))
	sc.Buffer(nil, maxSend)
	for sc.Scan() {
		if !r.Marker.Holds(sc.Text(), time.Now()) {
			return 0, &soc.Problem{Status: http.StatusForbidden, Code: "no_exercise", Detail: "A message carries no good mark of an exercise.",
				Do: "Start one with hoalu try."}
		}
		frames = append(frames, wire.Frame{Source: r.Source(), Format: format, Trust: format == wire.FormatECS, Data: slices.Clone(sc.Bytes())})
	}
	if err := sc.Err(); err != nil {
		return 0, err
	}
	if len(frames) == 0 || len(frames) > wire.MaxFrames {
		return 0, &soc.Problem{Status: http.StatusBadRequest, Code: "bad_count",
			Detail: fmt.Sprintf("%d messages; 1 to %d are taken.", len(frames), wire.MaxFrames),
			Values: map[string]string{"n": fmt.Sprint(len(frames)), "most": fmt.Sprint(wire.MaxFrames)}}
	}
	return len(frames), r.Put(ctx, "exercise", frames)
}

// lookAt is how many of an alert's newest events are looked at for a token.
const lookAt = 10

// Raised lists the alerts that events of the exercise of a token raised.
func (r Range) Raised(ctx context.Context, token string) ([]Alert, error) {
	tokens, at, err := r.Marker.Same(token)
	if err != nil {
		return nil, &soc.Problem{Status: http.StatusNotFound, Code: "no_exercise", Detail: "That is no exercise of this appliance.",
			Do: "Start one with hoalu try."}
	}
	alerts, err := r.Alerts(ctx, at.Add(-early).UnixMilli())
	if err != nil {
		return nil, err
	}
	out := []Alert{}
	for _, al := range alerts {
		events, err := r.Events(ctx, al.Events[max(0, len(al.Events)-lookAt):])
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(events, tokens.in) {
			out = append(out, Alert{Number: al.Number, Rule: al.Rule, Title: al.Title, Severity: string(al.Severity), System: al.System,
				Evidence: al.Evidence})
		}
	}
	return out, nil
}

// in says whether an event carries one of the tokens.
func (t Tokens) in(e *ecs.Event) bool {
	for i := range e.Len() {
		_, v := e.At(i)
		for _, token := range t {
			if strings.Contains(v.Text, token) {
				return true
			}
		}
	}
	return false
}
