package console

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"hoalu/console/identity"
	"hoalu/soc"
)

// accounts are the people who may log in.
type accounts struct {
	*desk
	accounts *identity.Accounts
	notices  *Notices
	link     func(identity.Link, *http.Request) string // under a name that others can reach
}

func (h *accounts) operations() (string, []operation) {
	return "admin", []operation{
		{get, "/api/accounts", "listAccounts", "accounts.read", "People and their roles", nil, to(h.list)},
		{post, "/api/accounts", "addAccount", "accounts.write", "Invite a person", nil, to(h.add)},
		{put, "/api/accounts/{id}", "changeAccount", "accounts.write", "Change name, roles, unit or state", nil, to(h.change)},
		{post, "/api/accounts/{id}/link", "resetAccount", "accounts.write", "A new one-time link: new password and second factor",
			nil, to(h.reset)},
	}
}

func (h *accounts) item(ctx context.Context, a identity.Account) (Account, error) {
	m, err := h.policy.Menu(ctx, soc.Actor{Roles: a.Roles, Unit: a.Unit})
	if err != nil {
		return Account{}, err
	}
	out := Account{ID: a.ID, Login: a.Login, Name: a.Name, Roles: a.Roles, State: a.State, Created: Time(a.Created), LastUse: Time(a.LastUse),
		Sessions: a.Sessions, TwoRoles: m.TwoRoles, Conflicts: roleConflicts(m.Conflicts), Version: a.Version}
	if a.Unit != "" {
		out.Unit = h.unitRef(a.Unit)
	}
	return out, nil
}

func roleConflicts(pairs [][2]soc.Role) []RoleConflict {
	out := []RoleConflict{}
	for _, p := range pairs {
		t := Text{}
		for lang := range locales {
			t[lang], _ = text(lang, "conflict", map[string]string{"one": word(lang, "role."+string(p[0])),
				"other": word(lang, "role."+string(p[1]))})
		}
		out = append(out, RoleConflict{Roles: p[:], Text: t})
	}
	return out
}

// warnRoles asks whoever gives one person several roles to acknowledge it, naming the pairs that should be apart; before are the roles
// the person has.
func (h *accounts) warnRoles(ctx context.Context, k *call, before, roles []soc.Role, acknowledged bool) error {
	if acknowledged || len(roles) < 2 || sameRoles(before, roles) {
		return nil
	}
	m, err := h.policy.Menu(ctx, soc.Actor{Roles: roles})
	if err != nil {
		return err
	}
	p := &soc.Problem{Status: http.StatusConflict, Code: "roles_warning", Detail: "One person would have several roles.",
		Do: "Give them to different people, or acknowledge and save again.", Values: map[string]string{"n": strconv.Itoa(len(roles))}}
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

func (h *accounts) list(ctx context.Context, _ *call, _ *none) (*Page[Account], error) {
	list, err := h.accounts.List(ctx)
	if err != nil {
		return nil, err
	}
	p := &Page[Account]{Items: []Account{}, Frame: h.frame(int64(len(list)), "", time.Minute)}
	for _, a := range list {
		item, err := h.item(ctx, a)
		if err != nil {
			return nil, err
		}
		p.Items = append(p.Items, item)
	}
	return p, nil
}

func (h *accounts) add(ctx context.Context, k *call, in *bodyIn[accountBody]) (*AccountMade, error) {
	if err := h.knownUnit(in.Body.Unit, in.Body.Roles); err != nil {
		return nil, err
	}
	if err := h.warnRoles(ctx, k, nil, in.Body.Roles, in.Body.Acknowledged); err != nil {
		return nil, err
	}
	a, l, err := h.accounts.Invite(ctx, k.Actor, identity.Invitation{Login: in.Body.Login, Name: in.Body.Name, Roles: in.Body.Roles,
		Unit: in.Body.Unit, Acknowledged: in.Body.Acknowledged})
	if err != nil {
		return nil, err
	}
	item, err := h.item(ctx, a)
	return &AccountMade{Account: item, Link: h.link(l, k.r), Expires: Time(l.Expires)}, err
}

func (h *accounts) reset(ctx context.Context, k *call, in *idIn) (*AccountMade, error) {
	a, l, err := h.accounts.Reset(ctx, k.Actor, in.ID)
	if err != nil {
		return nil, err
	}
	item, err := h.item(ctx, a)
	return &AccountMade{Account: item, Link: h.link(l, k.r), Expires: Time(l.Expires)}, err
}

func (h *accounts) change(ctx context.Context, k *call, in *idBodyIn[accountChange]) (*Account, error) {
	b := in.Body
	if err := h.knownUnit(b.Unit, b.Roles); err != nil {
		return nil, err
	}
	old, err := h.accounts.Get(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if err := h.warnRoles(ctx, k, old.Roles, b.Roles, b.Acknowledged); err != nil {
		return nil, err
	}
	a, err := h.accounts.Change(ctx, k.Actor, identity.Change{ID: in.ID, Version: b.Version, Name: b.Name, Roles: b.Roles, Unit: b.Unit,
		Enabled: b.Enabled, Acknowledged: b.Acknowledged})
	if err != nil {
		return nil, err
	}
	h.notices.Recheck() // its streams end, or show what it may see now
	item, err := h.item(ctx, a)
	return &item, err
}
