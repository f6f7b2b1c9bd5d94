package main

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"hoalu/internal/app"
	"hoalu/soc"
)

// AdminCmd is for whoever commands the machine.
type AdminCmd struct {
	Link AdminLinkCmd `cmd:"" help:"Print a new one-time link that makes an administrator."`
}

// AdminLinkCmd makes a link.
type AdminLinkCmd struct{ atData }

// Run prints the link.
func (c AdminLinkCmd) Run(e *env) error {
	var got struct{ URL string }
	if err := c.control().Call(e.ctx, "POST", "/admin/link", nil, nil, &got); err != nil {
		return err
	}
	_, err := fmt.Fprintln(e.out, got.URL)
	return err
}

// TokenCmd is about API tokens.
type TokenCmd struct {
	Create TokenCreateCmd `cmd:"" help:"Make an API token and print it once (Authorization: Bearer …)."`
}

// TokenCreateCmd makes one.
type TokenCreateCmd struct {
	atData
	Role  []string `placeholder:"ROLE" help:"administrator, analyst, lead, owner, auditor, dpo or liaison; several with commas." required:""`
	Role2 string   `help:"A second role." name:"role2" hidden:""`
	Unit  string   `placeholder:"DV-NN" help:"DV- number, for owners."`
	Name  string   `help:"What it is for." default:"command line"`
	TTL   span     `help:"How long it is good, as 24h or 30d, at most 365d." default:"24h"`
}

// Validate says what is wrong before anything is asked of the appliance.
func (c TokenCreateCmd) Validate() error {
	for _, r := range append(c.Role, c.Role2) {
		if r != "" && !slices.Contains(soc.Roles, soc.Role(r)) {
			return fmt.Errorf(say("--role: there is no role %q; roles are administrator, analyst, lead, owner, auditor, dpo and liaison"), r)
		}
	}
	if c.Unit == "" && (slices.Contains(c.Role, string(soc.Owner)) || c.Role2 == string(soc.Owner)) {
		return errors.New(say("--unit: an owner sees the systems of one unit; give its DV- number"))
	}
	return nil
}

// Run makes the token, through the running appliance or, when none runs, in its data directory.
func (c TokenCreateCmd) Run(e *env) error {
	var roles []soc.Role
	for _, r := range append(c.Role, c.Role2) {
		if r != "" {
			roles = append(roles, soc.Role(r))
		}
	}
	secret, err := app.CreateToken(e.ctx, c.Data, c.Name, roles, c.Unit, time.Duration(c.TTL))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(e.out, secret)
	return err
}
