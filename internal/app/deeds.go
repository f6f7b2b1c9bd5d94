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

	"hoalu/compliance/evidence"
	"hoalu/soc"
	"hoalu/triage"
)

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
	sys, err := a.inventory.KnownSystem(q.Get("system"))
	if err != nil {
		return err
	}
	from, to, err := evidence.Period(q.Get("from"), q.Get("to"), time.Now(), soc.Zone)
	if err != nil {
		return err
	}
	signer, err := a.vault.Signer(ctx, "evidence")
	if err != nil {
		return err
	}
	err = a.evidence.Export(ctx, w, evidence.Request{System: sys, From: from, To: to, By: by, Reason: q.Get("reason"),
		Product: "hoalu " + a.opts.Version}, evidence.Sources{
		Alerts: func(ctx context.Context, system string, from int64, cursor string) ([]soc.Alert, string, error) {
			p, err := a.triage.List(ctx, soc.Scope{Systems: []string{system}},
				triage.Query{Filter: triage.Filter{Exercise: triage.With, LastFrom: from}, Sort: "first", Limit: 500, Cursor: cursor})
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
		return &soc.Problem{Status: 413, Code: "pack_too_large", Detail: strings.ToUpper(err.Error()[:1]) + err.Error()[1:] + ".",
			Do: "Export shorter periods, one after the other."}
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
