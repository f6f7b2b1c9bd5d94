package identity

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"hoalu/console/identity/internal/db"
	"hoalu/soc"
)

// Kinds of Link.
const (
	LinkFirst  = "first"
	LinkInvite = "invite"
	LinkReset  = "reset"
)

// Link is a one-time link just made; Token is nowhere else.
type Link struct {
	Token   string
	Expires int64
}

// Path is the link without its host; the token stands in the fragment, which browsers do not send.
func (l Link) Path() string { return "/first#" + l.Token }

// FirstLink makes the link for the first account, or, once accounts exist, one that makes another administrator (`hoalu admin
// link`, for whoever commands the machine). Earlier links of the kind end.
func (a *Accounts) FirstLink(ctx context.Context) (Link, error) {
	return a.link(ctx, soc.Machine, LinkFirst, "", nil)
}

func (a *Accounts) link(ctx context.Context, by soc.Actor, kind, account string, inside func(*sql.Tx) error) (Link, error) {
	life := LinkLife
	if kind == LinkInvite {
		life = InviteLife
	}
	l := Link{Token: randomText(32), Expires: a.now() + life.Milliseconds()}
	err := a.c.DB.Tx(ctx, func(tx *sql.Tx) error {
		if inside != nil {
			if err := inside(tx); err != nil {
				return err
			}
		}
		q := db.New(tx)
		if err := q.EndLinks(ctx, db.EndLinksParams{Account: account, Kind: kind, Used: a.now()}); err != nil {
			return fmt.Errorf("end earlier links: %w", err)
		}
		key, err := newFactor("Hoa Lư", account)
		if err != nil {
			return err
		}
		hash := digest(l.Token)
		sealed, err := a.seal(key.Secret(), hash)
		if err != nil {
			return err
		}
		if err := q.InsertLink(ctx, db.InsertLinkParams{Hash: hash, Kind: kind, Account: account, Totp: sealed, Created: a.now(),
			Expires: l.Expires}); err != nil {
			return fmt.Errorf("keep link: %w", err)
		}
		return a.record(ctx, tx, soc.Deed{Actor: by, Action: "link.create", Object: account, Details: map[string]string{"kind": kind}})
	})
	return l, err
}

// Start is what a link shows before the account exists.
type Start struct {
	Kind, Login, Name string
	Secret, URL, QR   string
	Expires           int64
}

func linkEnded() error {
	return problem(http.StatusGone, "link_ended", "This link was used or is too old.", nil)
}

func (a *Accounts) open(ctx context.Context, q *db.Queries, token string) (db.OneTimeLink, error) {
	row, err := q.Link(ctx, digest(token))
	if errors.Is(err, sql.ErrNoRows) {
		return row, linkEnded()
	}
	if err != nil {
		return row, fmt.Errorf("read link: %w", err)
	}
	if row.Used != 0 || row.Expires <= a.now() {
		return row, linkEnded()
	}
	return row, nil
}

// StartLink shows what a link is for and its second factor; it does not use the link up.
func (a *Accounts) StartLink(ctx context.Context, token, site string) (Start, error) {
	row, err := a.open(ctx, a.q, token)
	if err != nil {
		return Start{}, err
	}
	s := Start{Kind: row.Kind, Expires: row.Expires}
	if row.Account != "" {
		acc, err := a.q.AccountByID(ctx, row.Account)
		if err != nil {
			return Start{}, fmt.Errorf("read account: %w", err)
		}
		s.Login, s.Name = acc.Login, acc.Name
	}
	secret, err := a.unseal(row.Totp, row.Hash)
	if err != nil {
		return Start{}, err
	}
	if site == "" {
		site = "Hoa Lư"
	}
	key, err := keyOf(site, s.Login, secret)
	if err != nil {
		return Start{}, err
	}
	s.Secret, s.URL = secret, key.URL()
	s.QR, err = qr(key)
	return s, err
}

// Finish is what the person of a link answers.
type Finish struct {
	Token, Login, Name, Password, Code string
	Site                               string // site name, for the first account
	Address, Agent                     string
}

// FinishLink makes or renews the account and returns its recovery codes. The code proves that the second factor works.
func (a *Accounts) FinishLink(ctx context.Context, f Finish) (soc.Actor, []string, error) {
	f.Login = strings.ToLower(strings.TrimSpace(f.Login))
	row, err := a.open(ctx, a.q, f.Token)
	if err != nil {
		return soc.Actor{}, nil, err
	}
	secret, err := a.unseal(row.Totp, row.Hash)
	if err != nil {
		return soc.Actor{}, nil, err
	}
	at := matchStep(secret, f.Code, a.c.Now(), 0)
	if at == 0 {
		return soc.Actor{}, nil, problem(http.StatusUnprocessableEntity, "code_wrong", "The six digits do not match.", nil)
	}
	if err := checkPassword(f.Password, f.Login); err != nil {
		return soc.Actor{}, nil, err
	}
	if row.Kind == LinkFirst {
		if err := a.newLogin(f.Login); err != nil {
			return soc.Actor{}, nil, err
		}
	}
	for _, typed := range []*string{&f.Name, &f.Site} {
		if *typed, err = a.c.name(*typed); err != nil {
			return soc.Actor{}, nil, err
		}
	}
	hash, err := a.hash(f.Address, f.Password)
	if err != nil {
		return soc.Actor{}, nil, err
	}
	d := done{link: row, Finish: f, hash: hash, secret: secret, step: at, codes: newCodes()}
	var actor soc.Actor
	err = a.c.DB.Tx(ctx, func(tx *sql.Tx) error {
		q := db.New(tx)
		n, err := q.UseLink(ctx, db.UseLinkParams{Hash: row.Hash, Used: a.now()})
		if err != nil {
			return fmt.Errorf("use link: %w", err)
		}
		if n == 0 { // another request was faster
			return linkEnded()
		}
		action := "account." + row.Kind
		if row.Kind == LinkFirst {
			actor, err = a.makeFirst(ctx, tx, d)
		} else {
			actor, err = a.renew(ctx, q, d)
		}
		if err != nil {
			return err
		}
		if err := a.prove(ctx, q, OwnIssuer, actor.ID, actor.ID, ownMethods); err != nil {
			return err
		}
		if err := putCodes(ctx, q, actor.ID, d.codes); err != nil {
			return err
		}
		return a.record(ctx, tx, soc.Deed{Actor: actor, Action: action, Object: actor.ID, Details: map[string]string{"login": f.Login}})
	})
	if err != nil {
		return soc.Actor{}, nil, err
	}
	return actor, d.codes, nil
}

// done is a link whose person has answered rightly: what is kept of the answer.
type done struct {
	Finish
	link         db.OneTimeLink
	hash, secret string // of the password; of the one-time codes
	step         int64  // of the code that was used
	codes        []string
}

// makeFirst makes the account of an administrator's link.
func (a *Accounts) makeFirst(ctx context.Context, tx *sql.Tx, d done) (soc.Actor, error) {
	q := db.New(tx)
	if d.Name == "" {
		d.Name = d.Login
	}
	actor := soc.Actor{ID: newID("ng-"), Name: d.Name, Roles: []soc.Role{soc.Administrator, soc.Analyst}, Address: d.Address}
	if _, err := q.AccountByLogin(ctx, d.Login); err == nil {
		return actor, problem(http.StatusConflict, "login_taken", "This log-in name is taken.", map[string]string{"login": d.Login})
	} else if !errors.Is(err, sql.ErrNoRows) {
		return actor, fmt.Errorf("read account: %w", err)
	}
	sealed, err := a.seal(d.secret, actor.ID)
	if err != nil {
		return actor, err
	}
	if err := q.InsertAccount(ctx, db.InsertAccountParams{ID: actor.ID, Login: d.Login, Name: d.Name, Password: text(d.hash), Totp: sealed,
		TotpStep: d.step, Roles: rolesText(actor.Roles), State: "active", Created: a.now()}); err != nil {
		return actor, fmt.Errorf("make account: %w", err)
	}
	if d.Site == "" {
		return actor, nil
	}
	return actor, a.setSetting(ctx, tx, actor, "site.name", d.Site)
}

// renew gives the account of an invitation or reset its new password and second factor, and ends its sessions.
func (a *Accounts) renew(ctx context.Context, q *db.Queries, d done) (soc.Actor, error) {
	acc, err := q.AccountByID(ctx, d.link.Account)
	if err != nil {
		return soc.Actor{}, fmt.Errorf("read account: %w", err)
	}
	if acc.State == "disabled" {
		return soc.Actor{}, linkEnded()
	}
	if d.Login != acc.Login {
		return soc.Actor{}, problem(http.StatusUnprocessableEntity, "login_fixed", "The log-in name of this link is another.",
			map[string]string{"login": acc.Login})
	}
	actor := soc.Actor{ID: acc.ID, Name: acc.Name, Roles: rolesOf(acc.Roles), Unit: acc.Unit, Address: d.Address}
	sealed, err := a.seal(d.secret, acc.ID)
	if err != nil {
		return actor, err
	}
	if err := q.SetSecrets(ctx, db.SetSecretsParams{ID: acc.ID, Password: text(d.hash), Totp: sealed, TotpStep: d.step}); err != nil {
		return actor, fmt.Errorf("set password: %w", err)
	}
	if err := q.DropOtherSessions(ctx, db.DropOtherSessionsParams{Account: acc.ID}); err != nil {
		return actor, fmt.Errorf("end sessions: %w", err)
	}
	return actor, clearFailures(ctx, q, acc.Login, d.Address)
}

func text(s string) sql.NullString { return sql.NullString{String: s, Valid: true} }

func putCodes(ctx context.Context, q *db.Queries, account string, codes []string) error {
	if err := q.DropCodes(ctx, account); err != nil {
		return fmt.Errorf("end recovery codes: %w", err)
	}
	for _, c := range codes {
		if err := q.InsertCode(ctx, db.InsertCodeParams{Account: account, Hash: digest(foldCode(c))}); err != nil {
			return fmt.Errorf("keep recovery codes: %w", err)
		}
	}
	return nil
}

// Invitation names a person and what they may do. Acknowledged says that the inviter read the warning about several roles.
type Invitation struct {
	Login, Name  string
	Roles        []soc.Role
	Unit         string
	Acknowledged bool
}

// Invite makes an account that becomes usable by its link.
func (a *Accounts) Invite(ctx context.Context, by soc.Actor, i Invitation) (Account, Link, error) {
	login := strings.ToLower(strings.TrimSpace(i.Login))
	if err := CheckRoles(i.Roles, i.Unit); err != nil {
		return Account{}, Link{}, err
	}
	if err := a.newLogin(login); err != nil {
		return Account{}, Link{}, err
	}
	name, err := a.c.name(i.Name)
	if err != nil {
		return Account{}, Link{}, err
	}
	id := newID("ng-")
	l, err := a.link(ctx, by, LinkInvite, id, func(tx *sql.Tx) error {
		q := db.New(tx)
		if _, err := q.AccountByLogin(ctx, login); err == nil {
			return problem(http.StatusConflict, "login_taken", "This log-in name is taken.", map[string]string{"login": login})
		} else if !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("read account: %w", err)
		}
		if err := q.InsertAccount(ctx, db.InsertAccountParams{ID: id, Login: login, Name: name, Roles: rolesText(i.Roles), Unit: i.Unit,
			State: "invited", Created: a.now()}); err != nil {
			return fmt.Errorf("make account: %w", err)
		}
		return a.record(ctx, tx, soc.Deed{Actor: by, Action: "account.create", Object: id,
			Details: acknowledged(map[string]string{"login": login, "roles": rolesText(i.Roles), "unit": i.Unit}, i.Acknowledged)})
	})
	if err != nil {
		return Account{}, Link{}, err
	}
	acc, err := a.one(ctx, id)
	return acc, l, err
}

// Reset makes a link by which the person sets a new password and second factor.
func (a *Accounts) Reset(ctx context.Context, by soc.Actor, id string) (Account, Link, error) {
	acc, err := a.one(ctx, id)
	if err != nil {
		return Account{}, Link{}, err
	}
	kind := LinkReset
	if acc.State == "invited" {
		kind = LinkInvite
	}
	if acc.State == "disabled" {
		return Account{}, Link{}, problem(http.StatusConflict, "account_disabled", "The account is disabled.", nil)
	}
	l, err := a.link(ctx, by, kind, id, nil)
	return acc, l, err
}
