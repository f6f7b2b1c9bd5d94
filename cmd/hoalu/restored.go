package main

import (
	"fmt"
	"strings"

	"hoalu/internal/app"
	"hoalu/internal/config"
)

// RestoredCmd says on record that a data folder was put back on purpose.
type RestoredCmd struct {
	Config string `placeholder:"FILE" help:"Configuration file the appliance is started with." type:"path"`
	Data   string `help:"The restored data directory; no appliance may run on it." default:"${data}" type:"path"`
	Reason string `placeholder:"REASON" help:"Why it was restored; recorded in the audit log." required:""`
}

// Help says when it is needed.
func (RestoredCmd) Help() string {
	return "A start compares the evidence log with its newest head, which is kept apart from the data folder, and refuses a folder whose log is shorter or another one. After a restore from a backup, or on another machine, this command accepts the folder as it is: the reason goes into the audit log, the head is kept from there on, and the queue begins a new epoch so that no event number is given twice."
}

// Run accepts the folder.
func (c RestoredCmd) Run(e *env) error {
	if strings.TrimSpace(c.Reason) == "" {
		return fmt.Errorf(say("%w: --reason: say why the folder was restored; it is recorded in the audit log"), errUsage)
	}
	cfg, err := config.Load(c.Config)
	if err != nil {
		return badConfig(errUsage, err)
	}
	r, err := app.Restore(e.ctx, app.Options{Data: c.Data, Config: cfg, Log: e.log, Version: version}, c.Reason)
	if err != nil {
		return err
	}
	if b := r.Before; b != nil {
		fmt.Fprintf(e.out, say("The log held %d entries; %d were known apart from it.")+"\n", b.Size, b.Kept)
	} else {
		fmt.Fprintln(e.out, say("Nothing contradicts the head that is kept apart."))
	}
	_, err = fmt.Fprintf(e.out, say("On record. The queue begins a new epoch at the next start. The log's head: %d %s")+"\n", r.Head.Size,
		r.Head.Root)
	return err
}
