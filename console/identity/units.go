package identity

import (
	"context"

	"hoalu/soc"
)

// OfUnit names the accounts and live API tokens of a unit; a disabled account is history.
func (a *Accounts) OfUnit(ctx context.Context, unit string) ([]soc.Use, error) {
	accounts, err := a.List(ctx)
	if err != nil {
		return nil, err
	}
	tokens, err := a.Tokens(ctx)
	if err != nil {
		return nil, err
	}
	var out []soc.Use
	for _, x := range accounts {
		if x.Unit == unit {
			out = append(out, soc.Use{Kind: "account", ID: x.ID, Name: x.Name, Past: x.State == "disabled"})
		}
	}
	now := a.now()
	for _, t := range tokens {
		if t.Unit == unit && t.Revoked == 0 && t.Expires > now {
			out = append(out, soc.Use{Kind: "token", ID: t.ID, Name: t.Name})
		}
	}
	return out, nil
}
