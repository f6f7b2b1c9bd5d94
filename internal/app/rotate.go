package app

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"

	"hoalu/soc"
	"hoalu/vault"
)

// RotateKey makes a new version of the vault's key of that name and puts the deed, its reason and how it went on record. What older versions
// sealed or computed is still opened and found. The key of the evidence log is refused: every head of the log is verified by the one key. No appliance may run on the folder: a running one goes on with
// the version it took at its start.
func RotateKey(ctx context.Context, opts Options, name, reason string) (err error) {
	a, err := newApp(opts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.down.run()) }()
	if err := a.holdData(ctx); err != nil {
		return err
	}
	if _, err := os.Stat(a.path("state.db")); err != nil {
		return fmt.Errorf("no data of an appliance is in %s: %w; give its folder with --data", opts.Data, err)
	}
	if err := a.openVault(ctx); err != nil {
		return err
	}
	if err := a.openState(ctx); err != nil {
		return err
	}
	if err := a.openPrivacy(ctx); err != nil { // the reason is what a person typed
		return err
	}
	deed := soc.Deed{Actor: machine, Action: "vault.rotate", Object: name, Reason: reason, Result: "done"}
	if name == "evidence" {
		err = fmt.Errorf("%w: %q signs the evidence log, whose heads are verified by that one key", vault.ErrName, name)
	} else {
		err = a.vault.Rotate(ctx, name)
	}
	if err != nil {
		deed.Result = "error"
	}
	return errors.Join(err, a.state.Tx(ctx, func(tx *sql.Tx) error { return a.record(ctx, tx, deed) }))
}
