package console

import (
	"context"
	"time"

	"hoalu/console/identity"
)

// sessions are the log-ins that run.
type sessions struct {
	*desk
	accounts *identity.Accounts
	notices  *Notices
}

func (h *sessions) operations() (string, []operation) {
	return "account", []operation{
		{get, "/api/sessions", "listSessions", "me.read", "Sessions: one's own, all for administrators", nil, to(h.list)},
		{del, "/api/sessions/{id}", "endSession", "me.write", "End a session", nil, to(h.end)},
	}
}

func (h *sessions) list(ctx context.Context, k *call, _ *none) (*Page[Session], error) {
	account := k.Actor.ID
	if h.may(ctx, k, "accounts.read") {
		account = ""
	}
	list, err := h.accounts.Sessions(ctx, account)
	if err != nil {
		return nil, err
	}
	p := &Page[Session]{Items: make([]Session, len(list)), Frame: h.frame(int64(len(list)), "", time.Minute)}
	for i, s := range list {
		p.Items[i] = Session{ID: s.ID, Account: Ref{s.Account, s.Name}, Address: s.Address, Agent: s.Agent, Started: Time(s.Started),
			Seen: Time(s.Seen), Ends: Time(s.Ends), Current: s.ID == k.Identity.Session}
	}
	return p, nil
}

func (h *sessions) end(ctx context.Context, k *call, in *idIn) (*Done, error) {
	account := k.Actor.ID
	if h.may(ctx, k, "accounts.write") {
		account = ""
	}
	if err := h.accounts.EndSession(ctx, k.Actor, in.ID, account); err != nil {
		return nil, err
	}
	h.notices.End(in.ID, "rights")
	h.notices.Recheck() // tokens that it made end with it
	return &Done{true}, nil
}
