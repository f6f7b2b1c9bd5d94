package app

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"hoalu/collector/pipeline"
	"hoalu/ecs"
	"hoalu/ecs/wire"
	"hoalu/internal/app/exercise"
	"hoalu/sensors"
	"hoalu/soc"
	"hoalu/triage"
)

// marked protects an event and then marks it when an exercise made it.
type marked struct {
	pipeline.Protector
	marker *exercise.Marker
}

func (m marked) Protect(e *ecs.Event) error {
	if err := m.Protector.Protect(e); err != nil {
		return err
	}
	m.marker.Mark(e)
	return nil
}

// beginExercise allows one exercise and says what of it can be real here.
func (a *App) beginExercise(ctx context.Context, by soc.Actor) (exercise.Plan, error) {
	tokens, err := a.exercises.New(time.Now())
	if err != nil {
		return exercise.Plan{}, err
	}
	p := exercise.Plan{Token: tokens[exercise.SSH], Tokens: map[string]string{}, Host: hostname(), Console: a.consoleURL(),
		Process: exercise.Probe{Why: "this host's own sensor is switched off"}, Packet: exercise.Probe{Why: "this host's own sensor is switched off"}}
	for _, k := range exercise.Kinds {
		p.Tokens[k.String()] = tokens[k]
		for _, id := range exercise.RulesOf[k] {
			rule, ok := a.engine.Rule(id)
			if !ok {
				rule.Title = map[string]string{"vi": id, "en": id}
			}
			p.Expect = append(p.Expect, exercise.Expected{Rule: id, Kind: k.String(), Title: rule.Title, Off: !ok})
		}
	}
	if addr := a.address("syslog_tcp"); addr != nil {
		p.Syslog = addr.String()
	}
	if a.own != nil {
		for _, probe := range a.own.Probes() {
			x := exercise.Probe{Running: probe.State == sensors.Running, Why: probe.Why}
			if !x.Running && x.Why == "" {
				x.Why = "the probe is " + probe.State
			}
			switch probe.Name {
			case "packet":
				p.Packet = x
			case "process":
				p.Process = x
			}
		}
	}
	return p, a.state.Tx(ctx, func(tx *sql.Tx) error {
		return a.record(ctx, tx, soc.Deed{Actor: by, Action: "exercise.start", Details: map[string]string{"host": p.Host}})
	})
}

// sendExercise takes events of an exercise over the control socket, where no listener or probe can: one message a line, each with a
// good token.
func (a *App) sendExercise(ctx context.Context, format string, body io.Reader) (int, error) {
	if format != wire.FormatSyslog && format != wire.FormatECS {
		return 0, &soc.Problem{Status: http.StatusBadRequest, Code: "bad_format", Detail: fmt.Sprintf("Format %q is not known.", format), Do: "Take syslog or ecs."}
	}
	var frames []wire.Frame
	sc := bufio.NewScanner(io.LimitReader(body, 1<<20))
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		if !a.exercises.Holds(sc.Text(), time.Now()) {
			return 0, &soc.Problem{Status: http.StatusForbidden, Code: "no_exercise", Detail: "A message carries no good mark of an exercise.", Do: "Start one with hoalu try."}
		}
		frames = append(frames, wire.Frame{Source: a.selfFeed.ID, Format: format, Trust: format == wire.FormatECS, Data: slices.Clone(sc.Bytes())})
	}
	if err := sc.Err(); err != nil {
		return 0, err
	}
	if len(frames) == 0 || len(frames) > wire.MaxFrames {
		return 0, &soc.Problem{Status: http.StatusBadRequest, Code: "bad_request", Detail: fmt.Sprintf("%d messages; 1 to %d are taken.", len(frames), wire.MaxFrames)}
	}
	return len(frames), a.intake.Put(ctx, "exercise", frames)
}

// exerciseAlerts lists the alerts that events of an exercise raised.
func (a *App) exerciseAlerts(ctx context.Context, token string) ([]exercise.Alert, error) {
	tokens, at, err := a.exercises.Same(token)
	if err != nil {
		return nil, &soc.Problem{Status: http.StatusNotFound, Code: "no_exercise", Detail: "That is no exercise of this appliance.", Do: "Start one with hoalu try."}
	}
	page, err := a.triage.List(ctx, soc.Scope{All: true}, triage.Query{Filter: triage.Filter{Exercise: triage.Only, LastFrom: at.Add(-time.Minute).UnixMilli()}, Sort: "number", Limit: 500})
	if err != nil {
		return nil, err
	}
	out := []exercise.Alert{}
	for _, al := range page.Items {
		events, err := a.store.Get(ctx, al.Events[max(0, len(al.Events)-10):])
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(events, func(e *ecs.Event) bool { return holdsAny(e, tokens) }) {
			out = append(out, exercise.Alert{Number: al.Number, Rule: al.Rule, Title: al.Title, Severity: string(al.Severity), System: al.System, Evidence: al.Evidence})
		}
	}
	return out, nil
}

func holdsAny(e *ecs.Event, tokens exercise.Tokens) bool {
	for i := range e.Len() {
		_, v := e.At(i)
		for _, t := range tokens {
			if strings.Contains(v.Text, t) {
				return true
			}
		}
	}
	return false
}
