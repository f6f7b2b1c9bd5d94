package health

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"hoalu/internal/guarded"
	"hoalu/internal/wording"
	"hoalu/soc"
)

// Part is a part of the appliance that says how it is. What it says is the only source of /readyz, of the status bar and of the alert,
// so that the three cannot differ.
type Part struct {
	Name string
	// Ready is nil while the part does its work; otherwise what is wrong and what to do. A Ready that takes longer than partAnswer is
	// itself the trouble; it is not called again before it has returned. One that panics is in trouble, too.
	Ready func(ctx context.Context) error
	// Known is false while nobody can say whether the part is right (Ready is nil then: nothing is known to be wrong). nil: always true.
	Known func() bool
	// Grace is how long trouble that may pass by itself (a backlog after a start) is shown before it becomes an alert.
	Grace time.Duration
}

// Times of Parts.
const (
	partAnswer = 3 * time.Second // longest a part may take to say how it is
	partsEvery = 5 * time.Second // between two looks when nobody asks
)

// Parts looks at the parts of the appliance and emits a Note when one gets into trouble (PartTrouble) and when it is well again
// (PartRecovered). All methods are safe for concurrent use.
type Parts struct {
	log  *slog.Logger
	emit func(Note)
	say  func(error) map[string]string
	now  func() time.Time

	mu    sync.Mutex // guards what follows
	parts []*watched
}

// watched is a part with what is known of it.
type watched struct {
	Part
	err   error         // at the last look that ended
	since time.Time     // of err, zero while it is well
	told  bool          // an alert was asked for
	look  chan struct{} // closed when the look under way ends; nil: none is
	began time.Time     // of the look under way
}

// NewParts watches parts, in the order in which they are shown; emit is Monitor.Emit, say puts an error in the languages of the console, by
// their codes.
func NewParts(log *slog.Logger, emit func(Note), say func(error) map[string]string, parts ...Part) *Parts {
	p := &Parts{log: log, emit: emit, say: say, now: time.Now}
	for _, x := range parts {
		p.parts = append(p.parts, &watched{Part: x})
	}
	return p
}

// Run looks at all parts every few seconds until ctx ends.
func (p *Parts) Run(ctx context.Context) error {
	tick := time.NewTicker(partsEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			p.Now(ctx)
		}
	}
}

// Now asks every part how it is, all at once, and returns their answers after partAnswer at most.
func (p *Parts) Now(ctx context.Context) []soc.Part {
	p.mu.Lock()
	looks := make([]chan struct{}, len(p.parts))
	for i, w := range p.parts {
		if w.look == nil {
			w.look, w.began = make(chan struct{}), p.now()
			go p.ask(ctx, w, w.look)
		}
		looks[i] = w.look
	}
	p.mu.Unlock()
	limit := time.NewTimer(partAnswer)
	defer limit.Stop()
	for _, l := range looks {
		select {
		case <-l:
		case <-limit.C:
			return p.told()
		}
	}
	return p.told()
}

// ask calls one part's Ready and keeps the answer. Whoever asked may leave in the meantime: the answer is for everybody.
func (p *Parts) ask(ctx context.Context, w *watched, done chan struct{}) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 4*partAnswer)
	defer cancel()
	p.found(w, guarded.Do(p.log, "look at "+w.Name, func() error { return w.Ready(ctx) }), true)
	close(done)
}

// found notes how a part is and emits what changed; answered: it said so itself.
func (p *Parts) found(w *watched, err error, answered bool) {
	p.mu.Lock()
	now := p.now()
	if answered {
		w.look = nil
	}
	var n *Note
	switch {
	case err == nil && w.told:
		n = &Note{Action: PartRecovered, Level: "info", Message: fmt.Sprintf("%s works again", w.Name), Values: map[string]string{"part": w.Name}}
		w.told, w.since = false, time.Time{}
	case err == nil:
		w.since = time.Time{}
	default:
		if w.since.IsZero() {
			w.since = now
		}
		if !w.told && now.Sub(w.since) >= w.Grace {
			w.told = true
			n = &Note{Action: PartTrouble, Level: "error", Message: fmt.Sprintf("%s is in trouble: %s", w.Name, err),
				Values: map[string]string{"part": w.Name, "cause": err.Error(), "since": w.since.UTC().Format(time.RFC3339)}}
			for lang, said := range p.say(err) { // the alert is read in the reader's language, long after
				n.Values["cause_"+lang] = said
			}
		}
	}
	w.err = err
	p.mu.Unlock()
	if n != nil {
		p.emit(*n)
	}
}

// told is what is known of the parts now; one that has not answered for partAnswer is in trouble.
func (p *Parts) told() []soc.Part {
	p.mu.Lock()
	var silent []*watched
	for _, w := range p.parts {
		if w.look != nil && p.now().Sub(w.began) >= partAnswer {
			silent = append(silent, w)
		}
	}
	p.mu.Unlock()
	for _, w := range silent {
		p.found(w, wording.New("it has not said for %s how it is: what it waits for is not known", partAnswer), false)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]soc.Part, len(p.parts))
	for i, w := range p.parts {
		out[i] = soc.Part{Name: w.Name, Ready: w.err == nil, Unknown: w.err == nil && w.Known != nil && !w.Known()}
		if w.err != nil {
			out[i].Reason, out[i].Said, out[i].Since = w.err.Error(), p.say(w.err), w.since.UnixMilli()
		}
	}
	return out
}
