package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"hoalu/collector/pipeline"
	"hoalu/compliance/evidence"
	"hoalu/console"
	"hoalu/ecs/wire"
	"hoalu/soc"
	"hoalu/triage"
)

// replayQuarantine decodes frames again: those named, or all of a source and reason.
func (a *App) replayQuarantine(ctx context.Context, ids []string, source, reason string) (replayed, held int64, err error) {
	if len(ids) == 0 {
		after := ""
		var sources []string
		if source != "" {
			sources = []string{source}
		}
		for {
			page, err := a.quarantine.List(pipeline.QuarantineFilter{Sources: sources, Reason: reason, After: after, Limit: 1000})
			if err != nil {
				return 0, 0, err
			}
			for _, e := range page.Items {
				ids = append(ids, e.ID)
			}
			if after = page.Next; after == "" {
				break
			}
		}
	}
	n, err := a.quarantine.Replay(ctx, ids, func(ctx context.Context, frames []wire.Frame) error {
		return a.intake.Put(ctx, "replay", frames)
	})
	return int64(n), int64(len(ids) - n), err
}

// nationalCertificate is the client certificate of the national link.
func (a *App) nationalCertificate(ctx context.Context) (*tls.Certificate, error) {
	cert, err := a.linkCert.Get(ctx)
	if err != nil {
		return nil, fmt.Errorf("make the client certificate of the national link: %w", err)
	}
	return cert, nil
}

// exportPack writes the evidence of a system and period.
func (a *App) exportPack(ctx context.Context, w io.Writer, q url.Values, by soc.Actor) error {
	sys, ok := a.inventory.Snapshot().System(q.Get("system"))
	if !ok {
		return &soc.Problem{Status: 404, Code: "not_found", Detail: fmt.Sprintf("System %q is not in the inventory.", q.Get("system")), Do: "Give its HT- number, as on the page Systems."}
	}
	from, to, err := period(q.Get("from"), q.Get("to"))
	if err != nil {
		return err
	}
	signer, err := a.vault.Signer(ctx, "evidence")
	if err != nil {
		return err
	}
	err = a.evidence.Export(ctx, w, evidence.Request{System: sys, From: from, To: to, By: by, Reason: q.Get("reason"), Product: "hoalu " + a.opts.Version}, evidence.Sources{
		Alerts: func(ctx context.Context, system string, from int64, cursor string) ([]soc.Alert, string, error) {
			p, err := a.triage.List(ctx, soc.Scope{Systems: []string{system}}, triage.Query{Filter: triage.Filter{Exercise: triage.With, LastFrom: from}, Sort: "first", Limit: 500, Cursor: cursor})
			return p.Items, p.Next, err
		},
		Histories: a.triage.Histories,
		Reports:   a.national.OfSubjects,
		Posture: func(ctx context.Context, system string, from, to int64) ([]evidence.PackRecord, error) {
			intervals, err := a.posture.Between(ctx, system, from, to)
			records := make([]evidence.PackRecord, len(intervals))
			for i, r := range intervals {
				records[i] = evidence.PackRecord{Kind: "posture", ID: fmt.Sprintf("%s@%d", r.Control, r.From), Data: r}
			}
			return records, err
		},
	}, signer)
	if errors.Is(err, evidence.ErrPackTooLarge) {
		return &soc.Problem{Status: 413, Code: "pack_too_large", Detail: strings.ToUpper(err.Error()[:1]) + err.Error()[1:] + ".", Do: "Export shorter periods, one after the other."}
	}
	return err
}

// evidenceKey is the id of the key that signs the log's heads and packs.
func (a *App) evidenceKey(ctx context.Context) (string, error) {
	signer, err := a.vault.Signer(ctx, "evidence")
	if err != nil {
		return "", err
	}
	return evidence.KeyID(signer.Public())
}

// period reads two dates (whole days, +07) or instants; to "" is now, from "" the beginning of today.
func period(from, to string) (int64, int64, error) {
	parse := func(name, s string, missing time.Time, end bool) (int64, error) {
		if s == "" {
			return missing.UnixMilli(), nil
		}
		if t, err := time.Parse(time.RFC3339, s); err == nil {
			return t.UnixMilli(), nil
		}
		if t, err := time.ParseInLocation("2006-01-02", s, console.Zone); err == nil {
			if end {
				t = t.AddDate(0, 0, 1)
			}
			return t.UnixMilli(), nil
		}
		return 0, &soc.Problem{Status: 400, Code: "bad_time", Detail: fmt.Sprintf("%s: must be a day as 2026-11-21 or an instant as 2026-11-21T08:00:00+07:00, is %q.", name, s)}
	}
	now := time.Now().In(console.Zone)
	f, err1 := parse("from", from, time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, console.Zone), false)
	t, err2 := parse("to", to, now.Add(time.Second), true)
	if err := errors.Join(err1, err2); err != nil {
		return 0, 0, err
	}
	if f >= t {
		return 0, 0, &soc.Problem{Status: 400, Code: "bad_time", Detail: "from: must be before to."}
	}
	return f, t, nil
}
