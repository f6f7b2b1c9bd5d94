package console

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
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
	actor, cookie, err := c.Accounts.Enter(ctx, identity.Login{Login: b.Login, Password: b.Password, Code: b.Code, Address: k.Actor.Address, Agent: k.r.UserAgent(), Earlier: earlier(k.r)}, k.secure)
	if err != nil {
		return nil, err
	}
	c.notices.Recheck() // a stream of the session that just ended
	http.SetCookie(k.w, cookie)
	k.Actor, k.Identity = actor, identity.Identity{Actor: actor, Login: strings.ToLower(strings.TrimSpace(b.Login)), Ends: cookie.Expires.UnixMilli()}
	return c.me(ctx, k, nil)
}

// earlier is the session cookie the browser had before it logged in.
func earlier(r *http.Request) string {
	if cookie, err := r.Cookie(cookieName); err == nil {
		return cookie.Value
	}
	return ""
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
		Conflicts:   roleConflicts(menu.Conflicts),
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
	c.notices.Recheck() // tokens that it made end with it
	return &Done{true}, nil
}

func (c *Console) accountItem(ctx context.Context, a identity.Account) (Account, error) {
	m, err := c.Policy.Menu(ctx, soc.Actor{Roles: a.Roles, Unit: a.Unit})
	if err != nil {
		return Account{}, err
	}
	out := Account{ID: a.ID, Login: a.Login, Name: a.Name, Roles: a.Roles, State: a.State, Created: Time(a.Created), LastUse: Time(a.LastUse), Sessions: a.Sessions, TwoRoles: m.TwoRoles, Conflicts: roleConflicts(m.Conflicts), Version: a.Version}
	if a.Unit != "" {
		out.Unit = c.unitRef(a.Unit)
	}
	return out, nil
}

func roleConflicts(pairs [][2]soc.Role) []RoleConflict {
	out := []RoleConflict{}
	for _, p := range pairs {
		t := Text{}
		for lang := range locales {
			t[lang], _ = text(lang, "conflict", map[string]string{"one": word(lang, "role."+string(p[0])), "other": word(lang, "role."+string(p[1]))})
		}
		out = append(out, RoleConflict{Roles: p[:], Text: t})
	}
	return out
}

// warnRoles asks whoever gives one person several roles to acknowledge it, naming the pairs that should be apart; before are the roles
// the person has.
func (c *Console) warnRoles(ctx context.Context, k *call, before, roles []soc.Role, acknowledged bool) error {
	if acknowledged || len(roles) < 2 || sameRoles(before, roles) {
		return nil
	}
	m, err := c.Policy.Menu(ctx, soc.Actor{Roles: roles})
	if err != nil {
		return err
	}
	p := &soc.Problem{Status: http.StatusConflict, Code: "roles_warning", Detail: "One person would have several roles.", Do: "Give them to different people, or acknowledge and save again.", Values: map[string]string{"n": strconv.Itoa(len(roles))}}
	if len(m.Conflicts) > 0 {
		var said []string
		for _, x := range roleConflicts(m.Conflicts) {
			said = append(said, x.Text[k.Lang])
		}
		p.Code, p.Values["conflicts"] = "roles_conflict", strings.Join(said, "; ")
	}
	return p
}

func sameRoles(a, b []soc.Role) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
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

// knownUnit refuses a unit that is not there or retired, and for an owner the unit of this appliance: what its system reports of the
// health of sources names every unit's.
func (c *Console) knownUnit(unit string, roles []soc.Role) error {
	if unit == "" || c.Parts.Inventory == nil {
		return nil
	}
	if slices.Contains(roles, soc.Owner) && c.ownUnit(unit) {
		return &soc.Problem{Status: http.StatusUnprocessableEntity, Code: "unit_own", Detail: "The unit of this appliance has no owners.", Do: "Give the role lead or auditor instead.", Values: map[string]string{"unit": unit}}
	}
	if !slices.ContainsFunc(c.Parts.Inventory.Units(), func(u soc.Unit) bool { return u.ID == unit && u.Retired == 0 }) {
		return &soc.Problem{Status: http.StatusUnprocessableEntity, Code: "unit_unknown", Detail: "There is no such unit.", Values: map[string]string{"unit": unit}}
	}
	return nil
}

// ownUnit reports whether a unit owns or operates the system of this appliance.
func (c *Console) ownUnit(unit string) bool {
	self := ""
	for _, s := range c.Parts.Inventory.Sources() {
		if s.Kind == soc.SourceSelf {
			self = s.System
		}
	}
	return slices.ContainsFunc(c.Parts.Inventory.Systems(), func(s soc.System) bool { return s.ID == self && (s.Unit == unit || s.Operator == unit) })
}

// link is a one-time link under a name others can reach: the one asked under where it is one of the served names, else the first of
// them. Without any this appliance is reached on this machine only.
func (c *Console) link(l identity.Link, r *http.Request) string {
	host, scheme := r.Host, "http"
	if !c.named(hostName(host)) && len(c.Hosts) > 0 {
		host, scheme = c.Hosts[0], "https" // a served name stands behind TLS, ours or the proxy's
	} else if overTLS(r) {
		scheme = "https"
	}
	return scheme + "://" + host + l.Path()
}

func (c *Console) addAccount(ctx context.Context, k *call, in *bodyIn[accountBody]) (*AccountMade, error) {
	if err := c.knownUnit(in.Body.Unit, in.Body.Roles); err != nil {
		return nil, err
	}
	if err := c.warnRoles(ctx, k, nil, in.Body.Roles, in.Body.Acknowledged); err != nil {
		return nil, err
	}
	a, l, err := c.Accounts.Invite(ctx, k.Actor, identity.Invitation{Login: in.Body.Login, Name: in.Body.Name, Roles: in.Body.Roles, Unit: in.Body.Unit, Acknowledged: in.Body.Acknowledged})
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
	if err := c.knownUnit(b.Unit, b.Roles); err != nil {
		return nil, err
	}
	old, err := c.Accounts.Get(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if err := c.warnRoles(ctx, k, old.Roles, b.Roles, b.Acknowledged); err != nil {
		return nil, err
	}
	a, err := c.Accounts.Change(ctx, k.Actor, identity.Change{ID: in.ID, Version: b.Version, Name: b.Name, Roles: b.Roles, Unit: b.Unit, Enabled: b.Enabled, Acknowledged: b.Acknowledged})
	if err != nil {
		return nil, err
	}
	c.notices.Recheck() // its streams end, or show what it may see now
	item, err := c.accountItem(ctx, a)
	return &item, err
}

func (c *Console) tokenItem(t identity.Token) Token {
	out := Token{ID: t.ID, Name: t.Name, Roles: t.Roles, By: t.By, Created: Time(t.Created), Expires: Time(t.Expires), LastUse: Time(t.LastUse), Revoked: Time(t.Revoked), Orphan: t.Orphan}
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
	if err := c.knownUnit(in.Body.Unit, in.Body.Roles); err != nil {
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
	c.notices.Recheck() // tokens that it made end with it
	return &Done{true}, nil
}
