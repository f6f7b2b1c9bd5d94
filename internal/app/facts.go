package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"hoalu/compliance"
	"hoalu/compliance/evidence"
	"hoalu/compliance/facts"
	"hoalu/ecs"
	"hoalu/ecs/query"
	"hoalu/soc"
)

func (a *App) evidenceConfig() evidence.LogConfig {
	return evidence.LogConfig{Dir: a.path("evidence"), Apart: a.vault, Objects: a.triage}
}

func (a *App) openPosture(ctx context.Context) error {
	signer, err := a.vault.Signer(ctx, "evidence")
	if err != nil {
		return err
	}
	if a.evidence, err = evidence.OpenLog(ctx, a.evidenceConfig(), a.state, signer, a.log); err != nil {
		return err
	}
	a.down.push("evidence log", a.evidence.Close)
	checks, err := compliance.Load(ctx)
	if err != nil {
		return err
	}
	a.posture = compliance.New(checks, a.state, a.facts, compliance.Hooks{Record: a.record, Notify: a.notify}, a.cfg.Posture.Every, a.log)
	return a.posture.Load(ctx)
}

// facts gathers what is known of every system.
func (a *App) facts(ctx context.Context) ([]facts.Facts, error) {
	now := time.Now().UnixMilli()
	t := facts.Telemetry{Now: now}
	if sum, err := a.national.Summary(ctx); err != nil {
		t.National.Error = err.Error()
	} else {
		t.National = facts.National{Checked: now, Endpoint: sum.Endpoint, LastAccepted: max(sum.LastReceipt, sum.Heartbeat), OldestWaiting: sum.OldestWaiting, Waiting: sum.Waiting}
	}
	accounts, err := a.accounts.List(ctx)
	last, err2 := evidence.Last(ctx, a.state.Read())
	t.Access = facts.Access{Checked: now, LastDeed: last}
	if err := errors.Join(err, err2); err != nil {
		t.Access.Error = err.Error()
	}
	for _, x := range accounts {
		if x.State == "active" || x.State == "locked" {
			t.Access.Accounts++
			if !x.SecondFactor {
				t.Access.WithoutSecond++
			}
			if slices.Contains(x.Roles, soc.Administrator) && (slices.Contains(x.Roles, soc.Analyst) || slices.Contains(x.Roles, soc.Lead)) {
				t.Access.TwoRoles++
			}
		}
	}
	offset, _, known := machinePart{a}.Clock(ctx)
	t.Clock = facts.Clock{Checked: now, Known: known, Synchronised: known && offset > -1000 && offset < 1000}
	head, err := a.evidence.Head(ctx)
	if errors.Is(err, evidence.ErrNoHead) {
		err = nil
	}
	usage, err2 := a.store.Usage(ctx)
	disk, err3 := a.disk.Forecast()
	days := -1
	if err3 == nil && disk.Unknown == "" {
		days = int(min(disk.Days, 1e6))
	}
	unread := "" // why nothing is known of what is kept
	if err := errors.Join(err, err2, err3); err != nil {
		unread = err.Error()
	}
	oldest := map[string]int64{}
	for _, u := range usage {
		if d, err := time.Parse("2006-01-02", u.Day); err == nil && (oldest[u.System] == 0 || d.UnixMilli() < oldest[u.System]) {
			oldest[u.System] = d.UnixMilli()
		}
	}
	snap := a.inventory.Snapshot()
	t.Store = func(system string) facts.Store {
		old, cause := oldest[system], unread
		if old == 0 {
			var err error
			if old, err = a.oldest.get(system, func() (int64, error) { return a.oldestEvent(ctx, system) }); err != nil && cause == "" {
				cause = err.Error()
			}
		}
		keep := a.cfg.Store.KeepDays
		if sys, ok := snap.System(system); ok && keep > 0 {
			keep = max(keep, facts.RetentionFloorDays(sys.Level))
		}
		return facts.Store{Error: cause, Checked: now, Oldest: old, KeepDays: keep, DiskDays: days, DiskUnknown: disk.Unknown, Ready: cause == "", Checkpoint: head.At}
	}
	rules := len(a.engine.Rules())
	t.Watch = func(system string) facts.Watch {
		w := facts.Watch{Checked: now, Rules: rules, RulesChanged: a.rulesAt.Load(), Started: a.started}
		c, err := a.triage.Counts(ctx, soc.Scope{Systems: []string{system}}, "")
		if err != nil {
			w.Checked, w.Error = 0, err.Error() // nobody looked: nothing can be concluded
			a.log.Error("read the alerts of a system", "system.id", system, "error", err)
		}
		w.OldestUnacknowledged = c.OldestNew
		return w
	}
	readings := map[string]soc.Reading{}
	for _, r := range a.health.Readings() {
		readings[r.Source] = r
	}
	assets := map[string][]soc.Asset{}
	for _, x := range snap.Assets() {
		if x.Retired != 0 {
			continue
		}
		assets[x.System] = append(assets[x.System], x)
	}
	sources := map[string][]soc.Source{}
	for _, x := range snap.Active() {
		if x.Kind == soc.SourceSelf {
			continue // it speaks only when something is wrong: its silence is good
		}
		if x.System != "" {
			if len(x.Layers) == 0 {
				x.Layers = a.systems.Layers(x.ID, x.System)
			}
			sources[x.System] = append(sources[x.System], x)
			continue
		}
		// A source bound to no system counts for every system its events resolve to, and is as alive there as those events are:
		// a relay that still speaks for one system proves nothing for another.
		for _, sys := range a.systems.Of(x.ID) {
			y := x
			if len(y.Layers) == 0 {
				y.Layers = a.systems.Layers(x.ID, sys)
			}
			sources[sys] = append(sources[sys], y)
		}
	}
	of := func(system, source string) soc.Reading {
		r := readings[source]
		if last := a.systems.Last(source, system); last > 0 && (r.LastEvent == 0 || last < r.LastEvent) {
			r.LastEvent = last
		}
		return r
	}
	var out []facts.Facts
	for _, sys := range snap.Systems() {
		if sys.Retired != 0 {
			continue // what it met is history
		}
		mine := make(map[string]soc.Reading, len(sources[sys.ID]))
		for _, x := range sources[sys.ID] {
			if x.System != "" {
				mine[x.ID] = readings[x.ID]
			} else {
				mine[x.ID] = of(sys.ID, x.ID)
			}
		}
		out = append(out, facts.Build(t, sys, assets[sys.ID], sources[sys.ID], mine, func(source string) map[string]int64 { return a.systems.Kinds(source, sys.ID) },
			func(host string) (int64, error) { return a.lastOf(ctx, host) }))
	}
	return out, nil
}

// oldestKnown keeps what oldestEvent found, and what it did not find for a while: a search a system and round would be dear.
type oldestKnown struct {
	mu    sync.Mutex
	at    map[string]int64
	asked map[string]time.Time
}

const (
	askAgain   = 5 * time.Minute
	maxSystems = 200_000
)

func (o *oldestKnown) get(system string, ask func() (int64, error)) (int64, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.at == nil || len(o.asked) > maxSystems {
		o.at, o.asked = map[string]int64{}, map[string]time.Time{}
	}
	if time.Since(o.asked[system]) < askAgain {
		return o.at[system], nil
	}
	at, err := ask()
	if err != nil {
		return 0, err // asked again in the next round
	}
	o.at[system], o.asked[system] = at, time.Now()
	return at, nil
}

// oldestEvent asks the store for a system whose events are not filed by day yet.
func (a *App) oldestEvent(ctx context.Context, system string) (int64, error) {
	r, err := a.store.Search(ctx, query.Search{Query: query.Term{Field: ecs.SystemID, Value: system}, Limit: 1, Ascending: true, CountCap: 1})
	if err != nil || len(r.Events) == 0 {
		return 0, err
	}
	return r.Events[0].Created, nil
}

// lastOf is when a host was last heard of: in this run, else in what is stored (looked up again after five minutes without an answer).
// An error says that it could not be told, and is not remembered.
func (a *App) lastOf(ctx context.Context, host string) (int64, error) {
	if at := a.hosts.Last(host); at != 0 {
		return at, nil
	}
	if a.hosts.AskedLately(host) {
		return 0, nil
	}
	r, err := a.store.Search(ctx, query.Search{Query: query.Or{query.Term{Field: ecs.HostName, Value: host}, query.Term{Field: ecs.ObserverName, Value: host}}, From: time.Now().AddDate(0, 0, -7).UnixMilli(), Limit: 1, CountCap: 1})
	if err != nil {
		return 0, fmt.Errorf("look for host %s: %w", host, err)
	}
	a.hosts.Answered(host)
	if len(r.Events) == 0 {
		return 0, nil
	}
	a.hosts.Seen(host, r.Events[0].Created)
	return r.Events[0].Created, nil
}

// rate is events per second, over the last ten seconds.
type rate struct {
	mu   sync.Mutex
	ring [10]int64
	at   int64
}

func (r *rate) add(n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.advance()
	r.ring[r.at%10] += n
}

func (r *rate) advance() {
	now := time.Now().Unix()
	if now < r.at || now-r.at >= int64(len(r.ring)) { // the first time, long ago, or the clock was set back
		r.ring, r.at = [10]int64{}, now
	}
	for ; r.at < now; r.ring[r.at%10] = 0 {
		r.at++
	}
}

func (r *rate) perSecond() float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.advance()
	var sum int64
	for i, n := range r.ring {
		if int64(i) != r.at%10 {
			sum += n
		}
	}
	return float64(sum) / 9
}
