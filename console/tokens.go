package console

import (
	"context"
	"time"

	"hoalu/console/identity"
)

// tokens are what programs call the API with.
type tokens struct {
	*desk
	accounts *identity.Accounts
	notices  *Notices
}

func (h *tokens) operations() (string, []operation) {
	return "admin", []operation{
		{get, "/api/tokens", "listTokens", "tokens.read", "API tokens", nil, to(h.list)},
		{post, "/api/tokens", "makeToken", "tokens.write", "Make an API token; its secret is shown once", nil, to(h.make)},
		{del, "/api/tokens/{id}", "revokeToken", "tokens.write", "Revoke an API token", nil, to(h.revoke)},
	}
}

func (h *tokens) item(t identity.Token) Token {
	out := Token{ID: t.ID, Name: t.Name, Roles: t.Roles, By: t.By, Created: Time(t.Created), Expires: Time(t.Expires),
		LastUse: Time(t.LastUse), Revoked: Time(t.Revoked), Orphan: t.Orphan}
	if t.Unit != "" {
		out.Unit = h.unitRef(t.Unit)
	}
	return out
}

func (h *tokens) list(ctx context.Context, _ *call, _ *none) (*Page[Token], error) {
	list, err := h.accounts.Tokens(ctx)
	if err != nil {
		return nil, err
	}
	p := &Page[Token]{Items: make([]Token, len(list)), Frame: h.frame(int64(len(list)), "", time.Minute)}
	for i, t := range list {
		p.Items[i] = h.item(t)
	}
	return p, nil
}

func (h *tokens) make(ctx context.Context, k *call, in *bodyIn[tokenBody]) (*TokenMade, error) {
	if err := h.knownUnit(in.Body.Unit, in.Body.Roles); err != nil {
		return nil, err
	}
	t, secret, err := h.accounts.CreateToken(ctx, k.Actor,
		identity.TokenRequest{Name: in.Body.Name, Roles: in.Body.Roles, Unit: in.Body.Unit, Life: time.Duration(in.Body.Days) * 24 * time.Hour})
	if err != nil {
		return nil, err
	}
	return &TokenMade{Token: h.item(t), Secret: secret}, nil
}

func (h *tokens) revoke(ctx context.Context, k *call, in *idIn) (*Done, error) {
	if err := h.accounts.RevokeToken(ctx, k.Actor, in.ID); err != nil {
		return nil, err
	}
	h.notices.End(in.ID, "rights")
	h.notices.Recheck() // tokens that it made end with it
	return &Done{true}, nil
}
