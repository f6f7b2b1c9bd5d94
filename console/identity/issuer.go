package identity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"hoalu/console/identity/internal/db"
)

// OwnIssuer vouches for people with a password and one-time codes of this appliance; the subject is the account's id. Any other issuer
// is the URL of an OpenID provider, which this can never be.
const OwnIssuer = "hoalu"

// Authentication methods (RFC 8176 §2) of a log-in here: the password, then a one-time code of the app or a recovery code.
var ownMethods = []string{"pwd", "otp", "mfa"}

var (
	knowing   = []string{"pwd", "pin", "kba"}
	being     = []string{"face", "fpt", "iris", "retina", "vbm"}
	possessed = []string{"otp", "hwk", "swk", "pop", "sc", "sms", "tel"}
)

// twoFactors reports whether methods of RFC 8176 are of two kinds: what somebody knows, has or is. "mfa" says so itself; what is not in
// the list ("user", "wia", "geo", "rba", words of a provider) says nothing of it.
func twoFactors(amr []string) bool {
	kinds := 0
	for _, kind := range [][]string{knowing, being, possessed} {
		if slices.ContainsFunc(amr, func(m string) bool { return slices.Contains(kind, m) }) {
			kinds++
		}
	}
	return kinds > 1 || slices.Contains(amr, "mfa")
}

// prove keeps that an issuer vouched for an account, and by which methods.
func (a *Accounts) prove(ctx context.Context, q *db.Queries, issuer, subject, account string, amr []string) error {
	text, err := json.Marshal(amr)
	if err == nil {
		err = q.SetIdentity(ctx, db.SetIdentityParams{Issuer: issuer, Subject: subject, Account: account, Amr: string(text), LastUse: a.now()})
	}
	if err != nil {
		return fmt.Errorf("keep identity: %w", err)
	}
	return nil
}

// secondFactors tells of each account with an identity whether every way in asks for a second factor: our own by the secret that is
// set, an outside one by the methods of its last log-in.
func (a *Accounts) secondFactors(ctx context.Context, own map[string]bool) (map[string]bool, error) {
	rows, err := a.q.ListIdentities(ctx)
	if err != nil {
		return nil, fmt.Errorf("list identities: %w", err)
	}
	out := map[string]bool{}
	var errs []error
	for _, r := range rows {
		has := own[r.Account]
		if r.Issuer != OwnIssuer {
			var amr []string
			if err := json.Unmarshal([]byte(r.Amr), &amr); err != nil {
				errs = append(errs, fmt.Errorf("methods of %s: %w", r.Account, err))
			}
			has = twoFactors(amr)
		}
		before, seen := out[r.Account]
		out[r.Account] = has && (before || !seen)
	}
	return out, errors.Join(errs...)
}
