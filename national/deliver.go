package national

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"strings"
	"time"

	"hoalu/national/delivery"
	"hoalu/national/internal/db"
	"hoalu/soc"
)

// quiet forgets a failure without saying that it is over.
func (d *destination) quiet() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failing, d.lastError = 0, nil
	d.mute, d.muteError = 0, nil
}

func (d *destination) deliverLoop(ctx context.Context) {
	for ctx.Err() == nil {
		wait := time.Minute
		l, a, err := d.link(ctx)
		switch {
		case errors.Is(err, ErrNoEndpoint):
			d.quiet() // also after a delivery that was under way when it was removed
		case err != nil:
			d.fail(err)
			wait = 10 * time.Second
		default:
			wait = d.deliverOne(ctx, l, a)
			if wait == 0 {
				continue
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-d.wake:
		case <-time.After(wait):
		}
	}
}

// idle is how often an empty outbox is looked at: Enqueue wakes the loop before its transaction is visible, and the transaction is not
// ours to wait for.
const idle = 500 * time.Millisecond

// deliverOne sends the report at the head; it returns how long to wait, 0 for go on at once.
func (d *destination) deliverOne(ctx context.Context, l delivery.Link, a Adapter) time.Duration {
	row, wait, err := d.ready(ctx, l, a)
	if _, own := errors.AsType[*incomplete](err); own && ctx.Err() == nil {
		return d.settle(ctx, l, row, soc.Receipt{}, err)
	}
	if err != nil {
		if ctx.Err() == nil {
			d.log.Error("choose the next report", "error", err)
		}
		return 5 * time.Second
	}
	if wait > 0 {
		return wait
	}
	dctx, cancel := context.WithTimeout(ctx, d.cfg.Timeout)
	receipt, err := guarded(d.log, l.Channel, func() (soc.Receipt, error) { return a.Deliver(dctx, l, toReport(row)) })
	cancel()
	d.testSent(row.ID)
	if ctx.Err() != nil {
		return time.Second
	}
	return d.settle(ctx, l, row, receipt, err)
}

// settle writes how a delivery went; it returns how long to wait, 0 for go on at once.
func (d *destination) settle(ctx context.Context, l delivery.Link, row db.NationalOutbox, receipt soc.Receipt, err error) time.Duration {
	if err != nil {
		err = trouble(err, l)
	}
	var refused *delivery.Refused
	switch {
	case err == nil:
		err = d.state.Tx(ctx, func(tx *sql.Tx) error {
			q := db.New(tx)
			if err := q.SettleReport(ctx, db.SettleReportParams{ID: row.ID, State: soc.ReportAccepted, Settled: now()}); err != nil {
				return err
			}
			answer := "accepted, receipt " + receipt.ID
			f, _ := forwarderOf(l.Channel)
			if f.Receipts == delivery.NoReceipt {
				answer = "handed over; this channel gives no receipt"
			}
			if err := q.InsertTry(ctx, db.InsertTryParams{ReportID: row.ID, At: now(), Answer: clip(answer)}); err != nil {
				return err
			}
			if f.Receipts == delivery.NoReceipt {
				return q.DropReceipt(ctx, row.ID) // of an earlier delivery, on another channel
			}
			if f.Receipts == delivery.Transport {
				receipt.Digest, receipt.Received = row.Digest, cmp.Or(receipt.Received, now())
			}
			return q.InsertReceipt(ctx, db.InsertReceiptParams{ReportID: row.ID, ReceiptID: receipt.ID, Received: receipt.Received,
				Digest: receipt.Digest,
				KeyID:  receipt.KeyID, Signature: hex.EncodeToString(receipt.Signature), Raw: string(receipt.Raw), Stored: now(),
				Signer: keyText(l.Key), Destination: d.id})
		})
		d.fail(nil)
	case errors.As(err, &refused):
		d.log.Warn("report refused", "report", row.ID, "error", clip(err.Error()))
		err = d.refuse(ctx, row.ID, refused.Words)
		d.fail(nil)
	default:
		d.fail(err)
		words := clip(err.Error())
		again := d.backoff(row.Tries)
		err = d.state.Tx(ctx, func(tx *sql.Tx) error {
			q := db.New(tx)
			if err := q.PostponeReport(ctx, db.PostponeReportParams{ID: row.ID, LastError: words,
				NextTry: now() + again.Milliseconds()}); err != nil {
				return err
			}
			return q.InsertTry(ctx, db.InsertTryParams{ReportID: row.ID, At: now(), Answer: words})
		})
	}
	d.notify(row.ID)
	if err != nil {
		d.log.Error("write outbox", "error", err) // the report is sent again; its id keeps the effect single
		return 5 * time.Second
	}
	return 0
}

func (s *Service) backoff(tries int64) time.Duration {
	d := s.cfg.RetryFirst
	for ; tries > 0 && d < s.cfg.RetryMost; tries-- {
		d *= 2
	}
	d = min(d, s.cfg.RetryMost)
	return d - time.Duration(rand.Int64N(int64(d)/4+1))
}

func (d *destination) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err == nil {
		if d.failing != 0 {
			d.log.Info("national centre answers again", "destination", d.id)
		}
		d.failing, d.lastError = 0, nil
		return
	}
	if d.failing == 0 {
		d.failing = now()
		d.log.Warn("national centre does not answer", "destination", d.id, "error", err)
	}
	d.lastError = err
}

// clip bounds the far side's words.
func clip(s string) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	if len(s) > 500 {
		s = strings.ToValidUTF8(s[:500], "") + "…"
	}
	return s
}

// refuse settles a report that will not be accepted as it is; words say why.
func (s *Service) refuse(ctx context.Context, id, words string) error {
	return s.state.Tx(ctx, func(tx *sql.Tx) error {
		q := db.New(tx)
		if err := q.SettleReport(ctx, db.SettleReportParams{ID: id, State: soc.ReportRefused, LastError: clip(words),
			Settled: now()}); err != nil {
			return err
		}
		return q.InsertTry(ctx, db.InsertTryParams{ReportID: id, At: now(), Answer: "refused: " + clip(words)})
	})
}
