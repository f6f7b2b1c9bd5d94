package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
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

// nationalCertificate is the client certificate of the national link; it is made once and kept until it nears its end.
func (a *App) nationalCertificate(ctx context.Context) (*tls.Certificate, error) {
	cert, err := a.linkCert.get(ctx)
	if err != nil {
		return nil, fmt.Errorf("make the client certificate of the national link: %w", err)
	}
	return cert, nil
}

// linkCertificate reads the certificate kept sealed in the data folder; it makes and keeps a new one when there is none or the one
// there nears its end: the centre may know us by it, so a restart must not change it.
func (a *App) linkCertificate(ctx context.Context) (tls.Certificate, error) {
	const name = "national-link"
	aead, err := a.vault.AEAD(ctx, name)
	if err != nil {
		return tls.Certificate{}, err
	}
	path := a.path(name + ".sealed")
	if sealed, err := os.ReadFile(path); err == nil {
		text, err := aead.Decrypt(sealed, []byte(name))
		if err != nil {
			return tls.Certificate{}, fmt.Errorf("open %s: %w", path, err)
		}
		cert, err := tls.X509KeyPair(text, text)
		if err == nil && cert.Leaf != nil && time.Until(cert.Leaf.NotAfter) > renewBefore && cert.Leaf.CheckSignatureFrom(a.vault.Authority().Root()) == nil {
			return cert, nil
		}
	} else if !errors.Is(err, os.ErrNotExist) {
		return tls.Certificate{}, err
	}
	cert, err := a.vault.Authority().Client(ctx, "hoalu://"+name, 365*24*time.Hour)
	if err != nil {
		return cert, err
	}
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		return cert, err
	}
	var text []byte
	for _, der := range cert.Certificate {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	sealed, err := aead.Encrypt(append(text, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})...), []byte(name))
	if err != nil {
		return cert, err
	}
	return cert, replaceFile(path, sealed)
}

// replaceFile writes a file of the data folder durably in one step.
func replaceFile(path string, data []byte) error {
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// maxPack bounds the records of a pack, which is put together in memory: some 500 MB.
const maxPack = 200_000

// exportPack writes the evidence of a system and period: alerts with their history, posture intervals with their evidence, reports
// with their receipts, and the audit rows about them with their proofs.
func (a *App) exportPack(ctx context.Context, w io.Writer, q url.Values, by soc.Actor) error {
	sys, ok := a.inventory.Snapshot().System(q.Get("system"))
	if !ok {
		return &soc.Problem{Status: 404, Code: "not_found", Detail: fmt.Sprintf("System %q is not in the inventory.", q.Get("system")), Do: "Give its HT- number, as on the page Systems."}
	}
	from, to, err := period(q.Get("from"), q.Get("to"))
	if err != nil {
		return err
	}
	var records []evidence.PackRecord
	add := func(kind, id string, v any) {
		records = append(records, evidence.PackRecord{Kind: kind, ID: id, Data: v})
	}
	add("system", sys.ID, sys)
	about := map[string]bool{sys.ID: true}
	scope := soc.Scope{Systems: []string{sys.ID}}
	for cursor := ""; ; {
		page, err := a.triage.List(ctx, scope, triage.Query{Filter: triage.Filter{Exercise: triage.With, LastFrom: from}, Sort: "first", Limit: 500, Cursor: cursor})
		if err != nil {
			return err
		}
		for _, al := range page.Items {
			if al.First >= to { // by first hit: one that goes on after the period belongs to it too
				page.Next = ""
				break
			}
			if len(records) > maxPack {
				return &soc.Problem{Status: 413, Code: "pack_too_large", Detail: fmt.Sprintf("The period holds more than %d records.", maxPack), Do: "Export shorter periods, one after the other."}
			}
			add("alert", al.Number, al)
			about[al.ID], about[al.Number] = true, true
			notes, err := a.triage.History(ctx, scope, al.ID)
			if err != nil {
				return err
			}
			add("history", al.Number, notes)
			reports, err := a.national.OfSubject(ctx, al.Number)
			if err != nil {
				return err
			}
			for _, r := range reports {
				add("report", r.ID, r)
			}
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	intervals, err := a.posture.Between(ctx, sys.ID, from, to)
	if err != nil {
		return err
	}
	for _, r := range intervals {
		add("posture", fmt.Sprintf("%s@%d", r.Control, r.From), r)
	}
	if err := a.state.Tx(ctx, func(tx *sql.Tx) error {
		return record(ctx, tx, soc.Deed{Actor: by, Action: "evidence.export", Object: sys.ID, Reason: q.Get("reason"), Details: map[string]string{"from": q.Get("from"), "to": q.Get("to")}})
	}); err != nil {
		return err
	}
	head, err := a.headOverAll(ctx)
	if err != nil {
		return err
	}
	var deeds []soc.Deed
	for after := int64(0); ; {
		batch, err := evidence.After(ctx, a.state.Read(), after, 10_000)
		if err != nil {
			return err
		}
		if len(batch) == 0 {
			break
		}
		for _, d := range batch {
			if about[d.Object] && d.Time >= from && d.Time < to && uint64(d.Number) <= head.Size {
				deeds = append(deeds, d)
			}
		}
		after = batch[len(batch)-1].Number
	}
	signer, err := a.vault.Signer(ctx, "evidence")
	if err != nil {
		return err
	}
	return a.evidence.WritePack(ctx, w, evidence.Header{System: sys.ID, Name: sys.Name, Level: sys.Level, From: from, To: to, Made: time.Now().UnixMilli(), By: by.Name,
		Reason: q.Get("reason"), Product: "hoalu " + a.opts.Version, Demo: sys.Demo}, records, deeds, signer)
}

// evidenceKey is the id of the key that signs the log's heads and packs.
func (a *App) evidenceKey(ctx context.Context) (string, error) {
	signer, err := a.vault.Signer(ctx, "evidence")
	if err != nil {
		return "", err
	}
	return evidence.KeyID(signer.Public())
}

// headOverAll waits for a signed head that covers every deed recorded so far.
func (a *App) headOverAll(ctx context.Context) (evidence.Head, error) {
	last, err := evidence.Last(ctx, a.state.Read())
	if err != nil {
		return evidence.Head{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	for {
		head, err := a.evidence.Head(ctx)
		if err == nil && int64(head.Size) >= last {
			return head, nil
		}
		if err != nil && !errors.Is(err, evidence.ErrNoHead) {
			return head, err
		}
		select {
		case <-ctx.Done():
			return head, fmt.Errorf("wait for the evidence log to sign the newest entries: %w", errors.Join(ctx.Err(), a.evidence.Ready()))
		case <-time.After(100 * time.Millisecond):
		}
	}
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
