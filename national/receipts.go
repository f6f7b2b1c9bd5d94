package national

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"

	"hoalu/national/delivery"
	"hoalu/national/internal/db"
	"hoalu/soc"
)

// pinned is the receipt key of a destination in force as PEM, "" without one.
func pinned(ctx context.Context, q *db.Queries, destination int64) (string, error) {
	list, err := endpoints(ctx, q)
	if err != nil {
		return "", err
	}
	ep, err := pick(list, destination)
	if errors.Is(err, ErrNoEndpoint) {
		return "", nil
	}
	return ep.ReceiptKey, err
}

// stored is the receipt kept with a report, verified again from the centre's own words: what was true when it came must still be true
// of what is shown. key is the key in force, for receipts kept before their own was.
func (s *Service) stored(row db.NationalOutbox, rc db.NationalReceipt, key string) *soc.Receipt {
	sig, _ := hex.DecodeString(rc.Signature)
	out := &soc.Receipt{ID: rc.ReceiptID, Report: rc.ReportID, Received: rc.Received, Digest: rc.Digest, KeyID: rc.KeyID, Signature: sig,
		Raw: []byte(rc.Raw)}
	f, ok := forwarderOf(row.Channel)
	if out.Kind = string(f.Receipts); ok && f.Receipts != delivery.Signed {
		out.Fault = "the channel's receipts are not signed"
		return out
	}
	err := func() error {
		if !ok {
			return fmt.Errorf("channel %q is not known to this program", row.Channel)
		}
		check, ok := f.New().(Checker)
		if !ok {
			return fmt.Errorf("channel %q cannot verify its receipts", row.Channel)
		}
		if rc.Signer != "" {
			key = rc.Signer
		}
		k, err := parseKey(key)
		if err != nil {
			return fmt.Errorf("the key of the receipt is not known: %w", err)
		}
		again, err := guarded(s.log, row.Channel, func() (soc.Receipt, error) {
			return check.Check(k, toReport(row), []byte(rc.Raw))
		})
		if err != nil {
			return err
		}
		if again.ID != rc.ReceiptID || again.Received != rc.Received || again.Digest != rc.Digest || again.KeyID != rc.KeyID ||
			again.Digest != row.Digest {
			return errors.New("what is shown of the receipt is not what the centre signed")
		}
		return nil
	}()
	if out.Verified = err == nil; err != nil {
		out.Fault = err.Error()
	}
	return out
}

// Retry puts refused reports, or the one with the id, back into the outbox at their old place: the reason they were refused for has been
// mended at the centre or here.
func (s *Service) Retry(ctx context.Context, by soc.Actor, id string) (int64, error) {
	var n int64
	err := s.state.Tx(ctx, func(tx *sql.Tx) (err error) {
		if n, err = db.New(tx).RetryRefused(ctx, id); err != nil || n == 0 {
			return err
		}
		object := id
		if object == "" {
			object = "-"
		}
		return s.record(ctx, tx, soc.Deed{Actor: by, Action: "national.retry", Object: object, Result: "done",
			Details: map[string]string{"reports": fmt.Sprint(n)}})
	})
	if err != nil {
		return 0, fmt.Errorf("send refused reports again: %w", err)
	}
	s.pokeAll()
	s.notify("retry")
	return n, nil
}
