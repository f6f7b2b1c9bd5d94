package detections

import (
	"context"
	"errors"
	"sync"
	"time"

	"hoalu/detections/sigma"
	"hoalu/ecs"
	"hoalu/ecs/query"
	"hoalu/soc"
)

// FeedDays is how far back Feeds looks for an event that a rule would look at.
const FeedDays = 30

const (
	feedFresh = 10 * time.Minute // that events arrive stands for so long
	feedEmpty = time.Minute      // that none did stands for so long
	feedBound = 3 * time.Second  // the store is asked for at most so long in one call
)

var errFeedLater = errors.New("the event store has not answered for this log source yet")

// FeedEvents searches the stored events.
type FeedEvents interface {
	Search(ctx context.Context, s query.Search) (query.Result, error)
}

// Feeds says of rules whether anything reaches them: a rule whose log source nothing here makes is loaded, and never fires.
//
// Contract: Of may be called from any goroutine; calls wait for each other, for at most feedBound each.
type Feeds struct {
	events FeedEvents
	made   []ecs.Logsource // by decoders and by the appliance; a part "*" is any word
	now    func() time.Time

	mu   sync.Mutex // guards seen
	seen map[sigma.LogSource]sighting
}

// sighting is what the store said of a log source.
type sighting struct {
	at   time.Time
	seen bool
	err  error // it could not tell
}

// NewFeeds makes Feeds. made is every log source that the decoders and the appliance make.
func NewFeeds(events FeedEvents, made []ecs.Logsource) *Feeds {
	return &Feeds{events: events, made: made, now: time.Now, seen: map[sigma.LogSource]sighting{}}
}

// Of gives the Feed of each rule by its id. rules must be all that run: a correlation is fed as the rules it counts are.
func (f *Feeds) Of(ctx context.Context, rules []soc.RuleInfo) map[string]soc.Feed {
	out, byID := map[string]soc.Feed{}, map[string]soc.RuleInfo{}
	f.mu.Lock()
	defer f.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, feedBound)
	defer cancel()
	for _, r := range rules {
		byID[r.ID] = r
		if !r.Correlation {
			out[r.ID] = f.rule(ctx, sigma.LogSource{Product: r.Logsource["product"], Service: r.Logsource["service"],
				Category: r.Logsource["category"]})
		}
	}
	for _, r := range rules {
		if r.Correlation {
			out[r.ID] = correlated(r, byID, out, len(rules))
		}
	}
	return out
}

// worst orders states from what lets a correlation fire to what forbids it.
var worst = map[string]int{soc.FeedArrives: 0, soc.FeedUnknown: 1, soc.FeedNotSeen: 2, soc.FeedNotMade: 3}

// correlated is the Feed of a correlation: that of the best fed rule it counts or, where it needs all of them, of the worst. deep bounds
// correlations of correlations.
func correlated(r soc.RuleInfo, byID map[string]soc.RuleInfo, known map[string]soc.Feed, deep int) soc.Feed {
	out := soc.Feed{State: soc.FeedUnknown, Cause: "the rules that it counts are not known"}
	for i, id := range r.Counts {
		feed, ok := known[id]
		if c := byID[id]; !ok && c.Correlation && deep > 0 {
			feed, ok = correlated(c, byID, known, deep-1), true
		}
		if !ok {
			feed = soc.Feed{State: soc.FeedUnknown, Cause: "the rule " + id + " is not known"}
		}
		if better := worst[feed.State] < worst[out.State]; i == 0 || better != r.CountsAll {
			out = feed
		}
	}
	return out
}

// rule is the Feed of a rule of log source l; mu is held.
func (f *Feeds) rule(ctx context.Context, l sigma.LogSource) soc.Feed {
	if l == (sigma.LogSource{Product: "hoalu", Service: "health"}) { // the appliance watches itself: no such event is good news
		return soc.Feed{State: soc.FeedArrives}
	}
	s, ok := f.seen[l]
	age := f.now().Sub(s.at)
	if !ok || s.err != nil || age > feedFresh || !s.seen && age > feedEmpty {
		s = f.look(ctx, l)
		f.seen[l] = s
	}
	switch {
	case s.seen:
		return soc.Feed{State: soc.FeedArrives}
	case s.err != nil:
		return soc.Feed{State: soc.FeedUnknown, Cause: s.err.Error()}
	case !f.makes(l):
		return soc.Feed{State: soc.FeedNotMade}
	}
	return soc.Feed{State: soc.FeedNotSeen}
}

// look asks the store for one event of l, whoever sent it.
func (f *Feeds) look(ctx context.Context, l sigma.LogSource) sighting {
	s := sighting{at: f.now()}
	if ctx.Err() != nil {
		s.err = errFeedLater
		return s
	}
	var q query.And
	for _, p := range []struct {
		field ecs.Field
		value string
	}{{ecs.LogsourceProduct, l.Product}, {ecs.LogsourceService, l.Service}, {ecs.LogsourceCategory, l.Category}} {
		if p.value != "" {
			q = append(q, query.Term{Field: p.field, Value: p.value})
		}
	}
	r, err := f.events.Search(ctx, query.Search{Query: q, From: s.at.AddDate(0, 0, -FeedDays).UnixMilli(), CountCap: 1})
	switch {
	case err != nil && ctx.Err() != nil:
		s.err = errFeedLater
	case err != nil:
		s.err = err
	case r.Total > 0:
		s.seen = true
	case len(r.Partial) > 0:
		s.err = errors.New("parts of the event store could not be read: " + r.Partial[0])
	}
	return s
}

// makes says whether a rule of l applies to something that is made here.
func (f *Feeds) makes(l sigma.LogSource) bool {
	for _, m := range f.made {
		if m.Product == "*" {
			m.Product = l.Product
		}
		if m.Service == "*" {
			m.Service = l.Service
		}
		if l.Applies(m) {
			return true
		}
	}
	return false
}
