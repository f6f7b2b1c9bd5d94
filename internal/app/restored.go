package app

import (
	"context"
	"errors"
	"fmt"
	"os"

	queuelocal "hoalu/collector/queue/local"
	"hoalu/compliance/evidence"
)

// Restored is what Restore did.
type Restored struct {
	Before *evidence.RewoundError // what contradicted the head kept apart; nil when nothing did
	Head   evidence.Head          // of the log with the deed in it
}

// Restore takes the data folder of opts as it is, though its evidence log does not continue the head that is kept apart: it puts the deed
// and its reason on record, keeps the head from there on, and makes the next start open a new epoch of the queue, because the numbers
// after the copy were given once already. No appliance may run on the folder.
func Restore(ctx context.Context, opts Options, reason string) (_ Restored, err error) {
	a, err := newApp(opts)
	if err != nil {
		return Restored{}, err
	}
	defer func() { err = errors.Join(err, a.down.run()) }()
	if err := a.holdData(ctx); err != nil {
		return Restored{}, err
	}
	if _, err := os.Stat(a.path("state.db")); err != nil {
		return Restored{}, fmt.Errorf("no data of an appliance is in %s: %w; give the restored folder with --data", opts.Data, err)
	}
	if err := a.openVault(ctx); err != nil {
		return Restored{}, err
	}
	if err := a.openState(ctx); err != nil {
		return Restored{}, err
	}
	signer, err := a.vault.Signer(ctx, "evidence")
	if err != nil {
		return Restored{}, err
	}
	var r Restored
	if err := queuelocal.NewEpoch(a.path("queue")); err != nil { // first: an epoch too many does no harm, one too few does
		return r, err
	}
	r.Before, r.Head, err = evidence.Restored(ctx, evidence.LogConfig{Dir: a.path("evidence"), Apart: a.vault}, a.state, signer, a.log, machine, reason)
	return r, err
}
