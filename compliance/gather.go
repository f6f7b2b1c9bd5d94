package compliance

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"hoalu/compliance/facts"
	"hoalu/soc"
)

// Inventory is one state of the register.
type Inventory interface {
	Systems() []soc.System
	Assets() []soc.Asset
	Active() []soc.Source // those in use
}

// Proofs are what events have proved of the sources that sent them. Times are Unix ms, 0 for never.
type Proofs interface {
	Of(source string) []string                    // systems its events were about
	Layers(source, system string) []string        // layers they were of
	Kinds(source, system string) map[string]int64 // kinds of log and the receipt of each one's newest event
	Last(source, system string) int64             // receipt of its newest event about the system
}

// Person is who may use the appliance.
type Person struct {
	Active       bool // may log in, or may again when a lock has run out
	SecondFactor bool
	Roles        []soc.Role
}

// GatherConfig is where the facts come from. All of it is needed. An error of any says that it could not be told, which is kept as the
// cause with the facts that rest on it; times are Unix ms.
type GatherConfig struct {
	Inventory func() Inventory
	Readings  func() []soc.Reading
	Proofs    Proofs
	LastOf    func(ctx context.Context, host string) (int64, error) // receipt of the newest event of a host, 0 for never
	Label     func(host string) (label string, full bool)           // first label of a full host name; full false for a short name
	Full      func(label string) string                             // the one full name heard of with that label, "" none or several
	// Oldest is asked once a round; what it gives says when the oldest event of a system was received, 0 where there is none.
	Oldest   func(ctx context.Context) (func(system string) (int64, error), error)
	Disk     func() (soc.Disk, error)
	KeepDays func(level int) int // days that events of a system of this level are kept, 0 for ever
	Head     func(ctx context.Context) (int64, error)
	LastDeed func(ctx context.Context) (int64, error)                // newest entry of the audit log
	Unseen   func(ctx context.Context, system string) (int64, error) // when the oldest open alert that nobody took was made, 0 without one
	Rules    func() (running int, changed int64)
	National func(ctx context.Context) (facts.National, error) // Checked and Error are set here
	People   func(ctx context.Context) ([]Person, error)
	Clock    func() (known bool, wrong error) // whether a time service tells this machine's time, and what is wrong with the clock
	Started  int64
}

// Gatherer puts the facts of all systems together, a round at a time.
type Gatherer struct {
	c   GatherConfig
	log *slog.Logger
}

// NewGatherer returns a Gatherer; nothing is asked yet.
func NewGatherer(c GatherConfig, log *slog.Logger) *Gatherer {
	return &Gatherer{c: c, log: log.With("component", "posture")}
}

// Facts gathers what is known of every system in use. What could not be told is in them with its cause; no error ends a round.
func (g *Gatherer) Facts(ctx context.Context) ([]facts.Facts, error) {
	now := time.Now().UnixMilli()
	inv := g.c.Inventory()
	levels := map[string]int{}
	for _, s := range inv.Systems() {
		levels[s.ID] = s.Level
	}
	t := facts.Telemetry{Now: now, National: g.national(ctx, now), Access: g.access(ctx, now), Clock: g.clock(now),
		Store: g.store(ctx, now, levels), Watch: g.watch(ctx, now)}
	readings := map[string]soc.Reading{}
	for _, r := range g.c.Readings() {
		readings[r.Source] = r
	}
	assets := map[string][]soc.Asset{}
	for _, x := range inv.Assets() {
		if x.Retired == 0 {
			assets[x.System] = append(assets[x.System], x)
		}
	}
	hosts := g.hosts(ctx, assets)
	sources := g.sources(inv)
	var out []facts.Facts
	for _, sys := range inv.Systems() {
		if sys.Retired != 0 {
			continue // what it met is history
		}
		mine := make(map[string]soc.Reading, len(sources[sys.ID]))
		for _, x := range sources[sys.ID] {
			mine[x.ID] = g.reading(x, sys.ID, readings[x.ID])
		}
		out = append(out, facts.Build(t, sys, assets[sys.ID], sources[sys.ID], mine,
			func(source string) map[string]int64 { return g.c.Proofs.Kinds(source, sys.ID) },
			hosts))
	}
	return out, nil
}

// hosts says when a declared host was last heard of. A host is declared by its full name and calls itself by the short one in its logs, or
// the other way round: the other form counts as well, as long as one declared host alone has that first label, and one sender alone.
func (g *Gatherer) hosts(ctx context.Context, assets map[string][]soc.Asset) func(host string) (int64, error) {
	label := func(host string) string {
		if l, full := g.c.Label(host); full {
			return strings.ToLower(l)
		}
		return strings.ToLower(host)
	}
	declared := map[string]int{}
	for _, list := range assets {
		for _, x := range list {
			declared[label(x.Host)]++
		}
	}
	return func(host string) (int64, error) {
		at, err := g.c.LastOf(ctx, host)
		if err != nil || at != 0 || declared[label(host)] > 1 {
			return at, err
		}
		other := ""
		if l, full := g.c.Label(host); full {
			other = l
		} else {
			other = g.c.Full(host)
		}
		if other == "" {
			return 0, nil
		}
		return g.c.LastOf(ctx, other)
	}
}

func (g *Gatherer) national(ctx context.Context, now int64) facts.National {
	n, err := g.c.National(ctx)
	if err != nil {
		return facts.National{Error: err.Error()}
	}
	n.Checked = now
	return n
}

func (g *Gatherer) access(ctx context.Context, now int64) facts.Access {
	people, err := g.c.People(ctx)
	last, err2 := g.c.LastDeed(ctx)
	if err := errors.Join(err, err2); err != nil {
		return facts.Access{Error: err.Error()}
	}
	a := facts.Access{Checked: now, LastDeed: last}
	for _, p := range people {
		if !p.Active {
			continue
		}
		a.Accounts++
		if !p.SecondFactor {
			a.WithoutSecond++
		}
		if slices.Contains(p.Roles, soc.Administrator) && (slices.Contains(p.Roles, soc.Analyst) || slices.Contains(p.Roles, soc.Lead)) {
			a.TwoRoles++
		}
	}
	return a
}

func (g *Gatherer) clock(now int64) facts.Clock {
	known, wrong := g.c.Clock()
	return facts.Clock{Checked: now, Known: known || wrong != nil, Synchronised: known && wrong == nil}
}

// store gives what is kept of each system in this round.
func (g *Gatherer) store(ctx context.Context, now int64, levels map[string]int) func(system string) facts.Store {
	head, err := g.c.Head(ctx)
	oldest, err2 := g.c.Oldest(ctx)
	disk, err3 := g.c.Disk()
	days := -1
	if err3 == nil && disk.Unknown == "" {
		days = int(min(disk.Days, 1e6))
	}
	unread := errors.Join(err, err2, err3)
	return func(system string) facts.Store {
		cause, old := unread, int64(0)
		if oldest != nil {
			var err error
			if old, err = oldest(system); err != nil {
				old, cause = 0, errors.Join(unread, err)
			}
		}
		f := facts.Store{Checked: now, Oldest: old, KeepDays: g.c.KeepDays(levels[system]), DiskDays: days, DiskUnknown: disk.Unknown,
			Ready: cause == nil, Checkpoint: head}
		if cause != nil {
			f.Error = cause.Error()
		}
		return f
	}
}

// watch gives how the alerts of each system are handled in this round.
func (g *Gatherer) watch(ctx context.Context, now int64) func(system string) facts.Watch {
	rules, changed := g.c.Rules()
	return func(system string) facts.Watch {
		w := facts.Watch{Checked: now, Rules: rules, RulesChanged: changed, Started: g.c.Started}
		var err error
		if w.OldestUnacknowledged, err = g.c.Unseen(ctx, system); err != nil {
			w.Checked, w.Error = 0, err.Error() // nobody looked: nothing can be concluded
			g.log.Error("read the alerts of a system", "system.id", system, "error", err)
		}
		return w
	}
}

// sources are the sources in use, by system. One bound to no system counts for every system its events resolve to.
func (g *Gatherer) sources(inv Inventory) map[string][]soc.Source {
	out := map[string][]soc.Source{}
	add := func(x soc.Source, system string) {
		if len(x.Layers) == 0 {
			x.Layers = g.c.Proofs.Layers(x.ID, system)
		}
		out[system] = append(out[system], x)
	}
	for _, x := range inv.Active() {
		switch {
		case x.Kind == soc.SourceSelf: // it speaks only when something is wrong: its silence is good
		case x.System != "":
			add(x, x.System)
		default:
			for _, system := range g.c.Proofs.Of(x.ID) {
				add(x, system)
			}
		}
	}
	return out
}

// reading is how a source is doing for a system. One that is bound to none is as alive there as its events about that system are: a relay
// that still speaks for one system proves nothing for another.
func (g *Gatherer) reading(x soc.Source, system string, r soc.Reading) soc.Reading {
	if x.System != "" {
		return r
	}
	if last := g.c.Proofs.Last(x.ID, system); last > 0 && (r.LastEvent == 0 || last < r.LastEvent) {
		r.LastEvent = last
	}
	return r
}
