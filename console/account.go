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

// account is what a person does about their own account: open a one-time link, log in and out, choose, renew secrets.
type account struct {
	*desk
	accounts  *identity.Accounts
	notices   *Notices
	version   string
	checklist checklist
}

func (h *account) operations() (string, []operation) {
	return "account", []operation{
		{post, "/api/first/start", "startFirst", "", "What a one-time link is for, and the second factor to set up",
			nil, to(h.startFirst)},
		{post, "/api/first", "first", "", "Make the account of a one-time link and log in", nil, to(h.first)},
		{get, "/api/site", "site", "", "Name and state of this appliance, before log-in", nil, to(h.site)},
		{post, "/api/login", "login", "", "Log in", nil, to(h.login)},
		{post, "/api/logout", "logout", "me.read", "Log out", nil, to(h.logout)},
		{get, "/api/me", "me", "me.read", "Who asks and what they may do", nil, to(h.me)},
		{put, "/api/me/preferences", "setPreferences", "me.write", "Keep language, theme and columns", nil, to(h.setPreferences)},
		{put, "/api/me/password", "setPassword", "me.write", "Change one's password; ends one's other sessions",
			nil, to(h.setPassword)},
		{post, "/api/me/recovery-codes", "newRecoveryCodes", "me.write", "Ten new recovery codes; the old ones end",
			nil, to(h.newRecoveryCodes)},
	}
}

func (h *account) siteOf(ctx context.Context) (Site, error) {
	name, err := h.accounts.Setting(ctx, "site.name")
	if err != nil {
		return Site{}, err
	}
	if name == "" {
		name = "Hoa Lư"
	}
	any, err := h.accounts.Any(ctx)
	if err != nil {
		return Site{}, err
	}
	return Site{Name: name, Zone: "Asia/Ho_Chi_Minh", Version: h.version, First: !any}, nil
}

func (h *account) site(ctx context.Context, _ *call, _ *none) (*Site, error) {
	s, err := h.siteOf(ctx)
	return &s, err
}

func (h *account) startFirst(ctx context.Context, _ *call, in *bodyIn[firstStartBody]) (*FirstStart, error) {
	site, err := h.siteOf(ctx)
	if err != nil {
		return nil, err
	}
	s, err := h.accounts.StartLink(ctx, in.Body.Token, site.Name)
	if err != nil {
		return nil, err
	}
	return &FirstStart{Kind: s.Kind, Login: s.Login, Name: s.Name, Site: site, Secret: s.Secret, URL: s.URL, QR: s.QR,
		Expires: Time(s.Expires)}, nil
}

func (h *account) first(ctx context.Context, k *call, in *bodyIn[firstBody]) (*FirstDone, error) {
	b := in.Body
	actor, codes, err := h.accounts.FinishLink(ctx,
		identity.Finish{Token: b.Token, Login: b.Login, Name: b.Name, Password: b.Password, Code: b.Code,
			Site: strings.TrimSpace(b.SiteName), Address: k.Actor.Address, Agent: k.r.UserAgent()})
	if err != nil {
		return nil, err
	}
	cookie, err := h.accounts.EnterLinked(ctx, actor, k.r.UserAgent(), k.secure)
	if err != nil {
		return nil, err
	}
	http.SetCookie(k.w, cookie)
	k.Actor, k.Identity = actor, identity.Identity{Actor: actor, Login: strings.ToLower(b.Login), Ends: cookie.Expires.UnixMilli()}
	me, err := h.me(ctx, k, nil)
	if err != nil {
		return nil, err
	}
	return &FirstDone{RecoveryCodes: codes, Me: *me}, nil
}

func (h *account) login(ctx context.Context, k *call, in *bodyIn[loginBody]) (*Me, error) {
	b := in.Body
	actor, cookie, err := h.accounts.Enter(ctx, identity.Login{Login: b.Login, Password: b.Password, Code: b.Code, Address: k.Actor.Address,
		Agent: k.r.UserAgent(), Earlier: earlier(k.r)}, k.secure)
	if err != nil {
		return nil, err
	}
	h.notices.Recheck() // a stream of the session that just ended
	http.SetCookie(k.w, cookie)
	k.Actor, k.Identity = actor, identity.Identity{Actor: actor, Login: strings.ToLower(strings.TrimSpace(b.Login)),
		Ends: cookie.Expires.UnixMilli()}
	return h.me(ctx, k, nil)
}

// earlier is the session cookie the browser had before it logged in.
func earlier(r *http.Request) string {
	if cookie, err := r.Cookie(cookieName); err == nil {
		return cookie.Value
	}
	return ""
}

func (h *account) logout(ctx context.Context, k *call, _ *none) (*Done, error) {
	if k.Identity.Session != "" {
		if err := h.accounts.Logout(ctx, k.Identity); err != nil {
			return nil, err
		}
		h.notices.End(k.Identity.Session, "rights")
	}
	http.SetCookie(k.w, h.accounts.ForgetCookie(k.secure))
	return &Done{true}, nil
}

func (h *account) me(ctx context.Context, k *call, _ *none) (*Me, error) {
	menu, err := h.policy.Menu(ctx, k.Actor)
	if err != nil {
		return nil, err
	}
	site, err := h.siteOf(ctx)
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
		Now:         h.now(),
	}
	if k.Actor.Unit != "" {
		m.Unit = h.unitRef(k.Actor.Unit)
	}
	m.Preferences = Preferences{Keys: true}
	if !m.Token {
		raw, err := h.accounts.Preferences(ctx, k.Actor.ID)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(raw), &m.Preferences); err != nil {
			return nil, err
		}
		if m.Codes, err = h.accounts.CodesLeft(ctx, k.Actor.ID); err != nil {
			return nil, err
		}
	}
	if slices.Contains(k.Actor.Roles, soc.Administrator) {
		m.Checklist = h.checklist.steps(ctx, k)
	}
	return m, nil
}

func (h *account) setPreferences(ctx context.Context, k *call, in *bodyIn[Preferences]) (*Preferences, error) {
	if k.Identity.Token != "" {
		return nil, personOnly()
	}
	raw, err := json.Marshal(in.Body)
	if err != nil {
		return nil, err
	}
	return &in.Body, h.accounts.SetPreferences(ctx, k.Actor.ID, string(raw))
}

func personOnly() error {
	return &soc.Problem{Status: http.StatusForbidden, Code: "person_only", Detail: "Only a person may do this, not a token."}
}

func (h *account) setPassword(ctx context.Context, k *call, in *bodyIn[passwordBody]) (*Done, error) {
	if k.Identity.Token != "" {
		return nil, personOnly()
	}
	if err := h.accounts.SetPassword(ctx, k.Actor, k.Identity.Session, in.Body.Password, in.Body.Code, in.Body.New); err != nil {
		return nil, err
	}
	return &Done{true}, nil
}

func (h *account) newRecoveryCodes(ctx context.Context, k *call, in *bodyIn[recoveryBody]) (*RecoveryCodes, error) {
	if k.Identity.Token != "" {
		return nil, personOnly()
	}
	codes, err := h.accounts.NewCodes(ctx, k.Actor, in.Body.Password, in.Body.Code)
	if err != nil {
		return nil, err
	}
	return &RecoveryCodes{codes}, nil
}
