package console

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"hoalu/console/identity"
	"hoalu/soc"
)

func (c *Console) siteOf(ctx context.Context) (Site, error) {
	name, err := c.Accounts.Setting(ctx, "site.name")
	if err != nil {
		return Site{}, err
	}
	if name == "" {
		name = "Hoa Lư"
	}
	any, err := c.Accounts.Any(ctx)
	if err != nil {
		return Site{}, err
	}
	return Site{Name: name, Zone: "Asia/Ho_Chi_Minh", Version: c.Version, First: !any}, nil
}

func (c *Console) siteInfo(ctx context.Context, _ *call, _ *none) (*Site, error) {
	s, err := c.siteOf(ctx)
	return &s, err
}

func (c *Console) startFirst(ctx context.Context, _ *call, in *bodyIn[firstStartBody]) (*FirstStart, error) {
	site, err := c.siteOf(ctx)
	if err != nil {
		return nil, err
	}
	s, err := c.Accounts.StartLink(ctx, in.Body.Token, site.Name)
	if err != nil {
		return nil, err
	}
	return &FirstStart{Kind: s.Kind, Login: s.Login, Name: s.Name, Site: site, Secret: s.Secret, URL: s.URL, QR: s.QR, Expires: Time(s.Expires)}, nil
}

func (c *Console) first(ctx context.Context, k *call, in *bodyIn[firstBody]) (*FirstDone, error) {
	b := in.Body
	actor, codes, err := c.Accounts.FinishLink(ctx, identity.Finish{Token: b.Token, Login: b.Login, Name: b.Name, Password: b.Password, Code: b.Code,
		Site: strings.TrimSpace(b.SiteName), Address: k.Actor.Address, Agent: k.r.UserAgent()})
	if err != nil {
		return nil, err
	}
	cookie, err := c.Accounts.EnterLinked(ctx, actor, k.r.UserAgent(), k.secure)
	if err != nil {
		return nil, err
	}
	http.SetCookie(k.w, cookie)
	k.Actor, k.Identity = actor, identity.Identity{Actor: actor, Login: strings.ToLower(b.Login), Ends: cookie.Expires.UnixMilli()}
	me, err := c.me(ctx, k, nil)
	if err != nil {
		return nil, err
	}
	return &FirstDone{RecoveryCodes: codes, Me: *me}, nil
}

func (c *Console) login(ctx context.Context, k *call, in *bodyIn[loginBody]) (*Me, error) {
	b := in.Body
	actor, cookie, err := c.Accounts.Enter(ctx, identity.Login{Login: b.Login, Password: b.Password, Code: b.Code, Address: k.Actor.Address, Agent: k.r.UserAgent()}, k.secure)
	if err != nil {
		return nil, err
	}
	http.SetCookie(k.w, cookie)
	k.Actor, k.Identity = actor, identity.Identity{Actor: actor, Login: strings.ToLower(strings.TrimSpace(b.Login)), Ends: cookie.Expires.UnixMilli()}
	return c.me(ctx, k, nil)
}

func (c *Console) logout(ctx context.Context, k *call, _ *none) (*Done, error) {
	if k.Identity.Session != "" {
		if err := c.Accounts.Logout(ctx, k.Identity); err != nil {
			return nil, err
		}
		c.notices.End(k.Identity.Session, "rights")
	}
	http.SetCookie(k.w, c.Accounts.ForgetCookie(k.secure))
	return &Done{true}, nil
}

func (c *Console) me(ctx context.Context, k *call, _ *none) (*Me, error) {
	menu, err := c.Policy.Menu(ctx, k.Actor)
	if err != nil {
		return nil, err
	}
	site, err := c.siteOf(ctx)
	if err != nil {
		return nil, err
	}
	m := &Me{
		ID: k.Actor.ID, Login: k.Identity.Login, Name: k.Actor.Name, Roles: k.Actor.Roles, Token: k.Identity.Token != "",
		TwoRoles:    menu.TwoRoles,
		Permissions: Permissions{Pages: menu.Pages, Deeds: menu.Deeds},
		Site:        site,
		SessionEnds: Time(k.Identity.Ends),
		IdleAfter:   int64(k.Identity.Idle / time.Second),
		Checklist:   []Check{},
		Now:         c.now(),
	}
	if k.Actor.Unit != "" {
		m.Unit = c.unitRef(k.Actor.Unit)
	}
	m.Preferences = Preferences{Keys: true}
	if !m.Token {
		raw, err := c.Accounts.Preferences(ctx, k.Actor.ID)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(raw), &m.Preferences); err != nil {
			return nil, err
		}
		if m.Codes, err = c.Accounts.CodesLeft(ctx, k.Actor.ID); err != nil {
			return nil, err
		}
	}
	if slices.Contains(k.Actor.Roles, soc.Administrator) {
		m.Checklist = c.checklist(ctx)
	}
	return m, nil
}

// checklist is the first run; empty once every step is done.
func (c *Console) checklist(ctx context.Context) []Check {
	steps := []Check{
		{ID: "events", Page: "/search"},
		{ID: "exercise", Page: "/alerts?view=exercise"},
		{ID: "source", Page: "/sources"},
		{ID: "system", Page: "/systems"},
		{ID: "endpoint", Page: "/national"},
		{ID: "backup", Page: "/admin"},
	}
	done := map[string]bool{}
	if c.Parts.Readings != nil {
		done["events"] = slices.ContainsFunc(c.Parts.Readings.Readings(), func(r soc.Reading) bool { return r.Total > 0 })
	}
	if c.Parts.Alerts != nil {
		p, err := c.Parts.Alerts.List(ctx, soc.Scope{All: true}, AlertQuery{AlertFilter: AlertFilter{Exercise: "only"}, Limit: 1})
		done["exercise"] = err == nil && p.Total > 0
	}
	if c.Parts.Inventory != nil {
		done["source"] = slices.ContainsFunc(c.Parts.Inventory.Sources(), func(s soc.Source) bool {
			return !s.Demo && !s.Auto && s.Kind != soc.SourceSelf && s.Sensor != OwnSensor
		})
		done["system"] = len(c.Parts.Inventory.Systems()) > 1 // the first is this appliance
	}
	if c.Parts.National != nil {
		s, err := c.Parts.National.Summary(ctx)
		done["endpoint"] = err == nil && s.Endpoint != ""
	}
	if c.Parts.Machine != nil {
		at := c.Parts.Machine.BackupAt(ctx)
		done["backup"] = at > 0
		if at < 0 {
			steps = slices.DeleteFunc(steps, func(s Check) bool { return s.ID == "backup" })
		}
	}
	all := true
	for i := range steps {
		steps[i].Done = done[steps[i].ID]
		steps[i].Text = both("check."+steps[i].ID, nil, steps[i].ID)
		all = all && steps[i].Done
	}
	if all {
		return []Check{}
	}
	return steps
}

func (c *Console) setPreferences(ctx context.Context, k *call, in *bodyIn[Preferences]) (*Preferences, error) {
	if k.Identity.Token != "" {
		return nil, personOnly()
	}
	raw, err := json.Marshal(in.Body)
	if err != nil {
		return nil, err
	}
	return &in.Body, c.Accounts.SetPreferences(ctx, k.Actor.ID, string(raw))
}

func personOnly() error {
	return &soc.Problem{Status: http.StatusForbidden, Code: "person_only", Detail: "Only a person may do this, not a token."}
}

func (c *Console) setPassword(ctx context.Context, k *call, in *bodyIn[passwordBody]) (*Done, error) {
	if k.Identity.Token != "" {
		return nil, personOnly()
	}
	if err := c.Accounts.SetPassword(ctx, k.Actor, k.Identity.Session, in.Body.Password, in.Body.Code, in.Body.New); err != nil {
		return nil, err
	}
	return &Done{true}, nil
}

func (c *Console) newRecoveryCodes(ctx context.Context, k *call, in *bodyIn[recoveryBody]) (*RecoveryCodes, error) {
	if k.Identity.Token != "" {
		return nil, personOnly()
	}
	codes, err := c.Accounts.NewCodes(ctx, k.Actor, in.Body.Password, in.Body.Code)
	if err != nil {
		return nil, err
	}
	return &RecoveryCodes{codes}, nil
}

func (c *Console) listSessions(ctx context.Context, k *call, _ *none) (*Page[Session], error) {
	account := k.Actor.ID
	if c.may(ctx, k, "accounts.read") {
		account = ""
	}
	list, err := c.Accounts.Sessions(ctx, account)
	if err != nil {
		return nil, err
	}
	p := &Page[Session]{Items: make([]Session, len(list)), Frame: c.frame(int64(len(list)), "", time.Minute)}
	for i, s := range list {
		p.Items[i] = Session{ID: s.ID, Account: Ref{s.Account, s.Name}, Address: s.Address, Agent: s.Agent, Started: Time(s.Started), Seen: Time(s.Seen), Ends: Time(s.Ends), Current: s.ID == k.Identity.Session}
	}
	return p, nil
}

func (c *Console) endSession(ctx context.Context, k *call, in *idIn) (*Done, error) {
	account := k.Actor.ID
	if c.may(ctx, k, "accounts.write") {
		account = ""
	}
	if err := c.Accounts.EndSession(ctx, k.Actor, in.ID, account); err != nil {
		return nil, err
	}
	c.notices.End(in.ID, "rights")
	return &Done{true}, nil
}

func (c *Console) accountItem(ctx context.Context, a identity.Account) (Account, error) {
	m, err := c.Policy.Menu(ctx, soc.Actor{Roles: a.Roles, Unit: a.Unit})
	if err != nil {
		return Account{}, err
	}
	out := Account{ID: a.ID, Login: a.Login, Name: a.Name, Roles: a.Roles, State: a.State, Created: Time(a.Created), LastUse: Time(a.LastUse), Sessions: a.Sessions, TwoRoles: m.TwoRoles, Version: a.Version}
	if a.Unit != "" {
		out.Unit = c.unitRef(a.Unit)
	}
	return out, nil
}

func (c *Console) listAccounts(ctx context.Context, _ *call, _ *none) (*Page[Account], error) {
	list, err := c.Accounts.List(ctx)
	if err != nil {
		return nil, err
	}
	p := &Page[Account]{Items: []Account{}, Frame: c.frame(int64(len(list)), "", time.Minute)}
	for _, a := range list {
		item, err := c.accountItem(ctx, a)
		if err != nil {
			return nil, err
		}
		p.Items = append(p.Items, item)
	}
	return p, nil
}

// listPeople lists those who may acknowledge: an alert can be given to them.
func (c *Console) listPeople(ctx context.Context, _ *call, _ *none) (*Page[Ref], error) {
	list, err := c.Accounts.List(ctx)
	if err != nil {
		return nil, err
	}
	p := &Page[Ref]{Items: []Ref{}}
	for _, a := range list {
		d, err := c.Policy.Decide(ctx, soc.Actor{Roles: a.Roles, Unit: a.Unit}, "alerts.acknowledge")
		if err != nil {
			return nil, err
		}
		if d.Allow && a.State == "active" {
			p.Items = append(p.Items, Ref{a.ID, a.Name})
		}
	}
	p.Frame = c.frame(int64(len(p.Items)), "", time.Minute)
	return p, nil
}

func (c *Console) knownUnit(unit string) error {
	if unit == "" || c.Parts.Inventory == nil {
		return nil
	}
	if !slices.ContainsFunc(c.Parts.Inventory.Units(), func(u soc.Unit) bool { return u.ID == unit }) {
		return &soc.Problem{Status: http.StatusUnprocessableEntity, Code: "unit_unknown", Detail: "There is no such unit.", Values: map[string]string{"unit": unit}}
	}
	return nil
}

func (c *Console) link(l identity.Link, r *http.Request) string {
	scheme := "http"
	if overTLS(r) {
		scheme = "https"
	}
	return scheme + "://" + r.Host + l.Path()
}

func (c *Console) addAccount(ctx context.Context, k *call, in *bodyIn[accountBody]) (*AccountMade, error) {
	if err := c.knownUnit(in.Body.Unit); err != nil {
		return nil, err
	}
	a, l, err := c.Accounts.Invite(ctx, k.Actor, in.Body.Login, in.Body.Name, in.Body.Roles, in.Body.Unit)
	if err != nil {
		return nil, err
	}
	item, err := c.accountItem(ctx, a)
	return &AccountMade{Account: item, Link: c.link(l, k.r), Expires: Time(l.Expires)}, err
}

func (c *Console) resetAccount(ctx context.Context, k *call, in *idIn) (*AccountMade, error) {
	a, l, err := c.Accounts.Reset(ctx, k.Actor, in.ID)
	if err != nil {
		return nil, err
	}
	item, err := c.accountItem(ctx, a)
	return &AccountMade{Account: item, Link: c.link(l, k.r), Expires: Time(l.Expires)}, err
}

func (c *Console) changeAccount(ctx context.Context, k *call, in *idBodyIn[accountChange]) (*Account, error) {
	b := in.Body
	if err := c.knownUnit(b.Unit); err != nil {
		return nil, err
	}
	a, err := c.Accounts.Change(ctx, k.Actor, identity.Change{ID: in.ID, Version: b.Version, Name: b.Name, Roles: b.Roles, Unit: b.Unit, Enabled: b.Enabled})
	if err != nil {
		return nil, err
	}
	item, err := c.accountItem(ctx, a)
	return &item, err
}

func (c *Console) tokenItem(t identity.Token) Token {
	out := Token{ID: t.ID, Name: t.Name, Roles: t.Roles, By: t.By, Created: Time(t.Created), Expires: Time(t.Expires), LastUse: Time(t.LastUse), Revoked: Time(t.Revoked)}
	if t.Unit != "" {
		out.Unit = c.unitRef(t.Unit)
	}
	return out
}

func (c *Console) listTokens(ctx context.Context, _ *call, _ *none) (*Page[Token], error) {
	list, err := c.Accounts.Tokens(ctx)
	if err != nil {
		return nil, err
	}
	p := &Page[Token]{Items: make([]Token, len(list)), Frame: c.frame(int64(len(list)), "", time.Minute)}
	for i, t := range list {
		p.Items[i] = c.tokenItem(t)
	}
	return p, nil
}

func (c *Console) makeToken(ctx context.Context, k *call, in *bodyIn[tokenBody]) (*TokenMade, error) {
	if err := c.knownUnit(in.Body.Unit); err != nil {
		return nil, err
	}
	t, secret, err := c.Accounts.CreateToken(ctx, k.Actor, identity.TokenRequest{Name: in.Body.Name, Roles: in.Body.Roles, Unit: in.Body.Unit, Life: time.Duration(in.Body.Days) * 24 * time.Hour})
	if err != nil {
		return nil, err
	}
	return &TokenMade{Token: c.tokenItem(t), Secret: secret}, nil
}

func (c *Console) revokeToken(ctx context.Context, k *call, in *idIn) (*Done, error) {
	if err := c.Accounts.RevokeToken(ctx, k.Actor, in.ID); err != nil {
		return nil, err
	}
	c.notices.End(in.ID, "rights")
	return &Done{true}, nil
}
