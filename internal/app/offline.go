package app

import (
	"context"
	"database/sql"
	"errors"
	"os"

	queuelocal "hoalu/collector/queue/local"
	"hoalu/compliance/evidence"
	"hoalu/internal/wording"
	"hoalu/soc"
	"hoalu/vault"
)

// offline opens what a command needs that works on the data folder itself: vault and state. No appliance may run on the folder. The caller
// ends it with a.down.Run, also after an error.
func offline(ctx context.Context, opts Options) (*App, error) {
	a, err := newApp(opts)
	if err != nil {
		return &App{}, err
	}
	if err := a.holdData(ctx); err != nil {
		return a, err
	}
	if _, err := os.Stat(a.path("state.db")); err != nil {
		return a, wording.New("no data of an appliance is in %s; give its folder with --data (%s)", opts.Data, err)
	}
	// the reason of a deed is what a person typed
	for _, open := range []func(context.Context) error{a.openVault, a.openState, a.openPrivacy} {
		if err := open(ctx); err != nil {
			return a, err
		}
	}
	return a, nil
}

// Restored is what Restore did.
type Restored struct {
	Before *evidence.RewoundError // what contradicted the head kept apart; nil when nothing did
	Head   evidence.Head          // of the log with the deed in it
}

// Restore takes the data folder of opts as it is, though its evidence log does not continue the head that is kept apart: it puts the deed
// and its reason on record, keeps the head from there on, and makes the next start open a new epoch of the queue, because the numbers
// after the copy were given once already.
func Restore(ctx context.Context, opts Options, reason string) (r Restored, err error) {
	a, err := offline(ctx, opts)
	defer func() { err = errors.Join(err, a.down.Run()) }()
	if err != nil {
		return r, err
	}
	signer, err := a.vault.Signer(ctx, "evidence")
	if err != nil {
		return r, err
	}
	if err := queuelocal.NewEpoch(a.path("queue")); err != nil { // first: an epoch too many does no harm, one too few does
		return r, err
	}
	r.Before, r.Head, err = evidence.Restored(ctx, evidence.LogConfig{Dir: a.path("evidence"), Apart: a.vault}, a.state, signer, a.log,
		machine, reason)
	return r, err
}

// RotateKey makes a new version of the vault's key of that name and puts the deed, its reason and how it went on record. What older
// versions sealed or computed is still opened and found; a running appliance would go on with the version it took at its start. The key of
// the evidence log is refused: every head of the log is verified by the one key.
func RotateKey(ctx context.Context, opts Options, name, reason string) (err error) {
	a, err := offline(ctx, opts)
	defer func() { err = errors.Join(err, a.down.Run()) }()
	if err != nil {
		return err
	}
	deed := soc.Deed{Actor: machine, Action: "vault.rotate", Object: name, Reason: reason, Result: "done"}
	if name == "evidence" {
		err = wording.Because(vault.ErrName, "%q signs the evidence log, whose heads are verified by that one key: it is not rotated", name)
	} else {
		err = a.vault.Rotate(ctx, name)
	}
	if err != nil {
		deed.Result = "error"
	}
	return errors.Join(err, a.state.Tx(ctx, func(tx *sql.Tx) error { return a.record(ctx, tx, deed) }))
}
