package main

import (
	"fmt"
	"strings"

	"hoalu/internal/app"
	"hoalu/internal/config"
)

// VaultCmd is about the keys of the appliance.
type VaultCmd struct {
	Rotate VaultRotateCmd `cmd:"" help:"Make a new version of a key; what the older ones sealed is still opened."`
}

// VaultRotateCmd makes a new version of a key.
type VaultRotateCmd struct {
	Name   string `arg:"" help:"Name of the key: pseudonym, queue, quarantine, identity, exercise, state, national-link."`
	Config string `placeholder:"FILE" help:"Configuration file the appliance is started with." type:"path"`
	Data   string `help:"Data directory; no appliance may run on it." default:"${data}" type:"path"`
	Reason string `placeholder:"REASON" help:"Why the key is rotated; recorded in the audit log." required:""`
}

// Run rotates it.
func (c VaultRotateCmd) Run(e *env) error {
	if strings.TrimSpace(c.Reason) == "" {
		return fmt.Errorf(say("%w: --reason: say why the key is rotated; it is recorded in the audit log"), errUsage)
	}
	cfg, err := config.Load(c.Config)
	if err != nil {
		return badConfig(errUsage, err)
	}
	if err := app.RotateKey(e.ctx, app.Options{Data: c.Data, Config: cfg, Log: e.log, Version: version}, c.Name, c.Reason); err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.out, say("The key %s has a new version, used from the next start.")+"\n", c.Name)
	return err
}
