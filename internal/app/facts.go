package app

import (
	"context"
	"errors"
	"time"

	"hoalu/collector/health"
	"hoalu/collector/store"
	"hoalu/compliance"
	"hoalu/compliance/evidence"
	"hoalu/compliance/facts"
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
	a.down.Push("evidence log", a.evidence.Close)
	checks, err := compliance.Load(ctx)
	if err != nil {
		return err
	}
	a.gatherer = compliance.NewGatherer(a.gathering(), a.log)
	a.posture = compliance.New(checks, a.state, a.gatherer.Facts, compliance.Hooks{Record: a.record, Notify: a.notify}, a.cfg.Posture.Every,
		a.log)
	a.watchParts()
	return a.posture.Load(ctx)
}

// gathering is where the facts of posture come from.
func (a *App) gathering() compliance.GatherConfig {
	return compliance.GatherConfig{
		Inventory: func() compliance.Inventory { return a.inventory.Snapshot() },
		Readings:  a.health.Readings,
		Proofs:    a.systems,
		LastOf: func(ctx context.Context, host string) (int64, error) {
			return a.hosts.LastOf(host, func() (int64, error) {
				return store.LastOfHost(ctx, a.store, host, time.Now().AddDate(0, 0, -7).UnixMilli())
			})
		},
		Label:    health.Label,
		Full:     a.hosts.Full,
		Oldest:   store.NewOldest(a.store).Round,
		Disk:     a.disk.Forecast,
		KeepDays: a.keepDays,
		Head: func(ctx context.Context) (int64, error) {
			head, err := a.evidence.Head(ctx)
			if errors.Is(err, evidence.ErrNoHead) {
				err = nil
			}
			return head.At, err
		},
		LastDeed: func(ctx context.Context) (int64, error) { return evidence.Last(ctx, a.state.Read()) },
		Unseen: func(ctx context.Context, system string) (int64, error) {
			c, err := a.triage.Counts(ctx, soc.Scope{Systems: []string{system}}, "", false)
			return c.OldestNew, err
		},
		Rules: func() (int, int64) { return len(a.engine.Rules()), a.rulesAt.Load() },
		National: func(ctx context.Context) (facts.National, error) {
			sum, err := a.national.Summary(ctx)
			return facts.National{Endpoint: sum.Endpoint, LastAccepted: max(sum.LastReceipt, sum.Heartbeat), OldestWaiting: sum.OldestWaiting,
				Waiting: sum.Waiting}, err
		},
		People: func(ctx context.Context) ([]compliance.Person, error) {
			accounts, err := a.accounts.List(ctx)
			people := make([]compliance.Person, len(accounts))
			for i, x := range accounts {
				people[i] = compliance.Person{Active: x.State == "active" || x.State == "locked", SecondFactor: x.SecondFactor, Roles: x.Roles}
			}
			return people, err
		},
		Clock: func() (bool, error) {
			_, known := health.KernelClock()
			return known, a.health.Clock()
		},
		Started: a.started,
	}
}
