package console

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"hoalu/console/authz"
	"hoalu/console/identity"
	"hoalu/soc"
)

const cookieName = "hoalu"

// A call is one request with its actor.
type call struct {
	Actor    soc.Actor
	Identity identity.Identity
	Lang     string
	Filter   authz.Filter // rows of the operation's action
	Masked   bool

	w      http.ResponseWriter
	r      *http.Request
	secure bool
}

type callKey struct{}

// callOf is the call of ctx; outside of a request (never in handlers) an anonymous one in Vietnamese.
func callOf(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call)
	if c == nil {
		c = &call{Lang: "vi"}
	}
	return c
}

// languageOf a request: the person's choice, then Accept-Language, then Vietnamese.
func languageOf(r *http.Request, chosen string) string {
	if chosen == "vi" || chosen == "en" {
		return chosen
	}
	if r == nil {
		return "vi"
	}
	best, bestQ := "vi", -1.0
	for part := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		tag, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		lang, _, _ := strings.Cut(strings.ToLower(tag), "-")
		if lang != "vi" && lang != "en" {
			continue
		}
		q := 1.0
		if v, ok := strings.CutPrefix(strings.TrimSpace(params), "q="); ok {
			if json.Unmarshal([]byte(v), &q) != nil {
				continue
			}
		}
		if q > bestQ {
			best, bestQ = lang, q
		}
	}
	return best
}

// address is the peer without its port; guard has put in the person behind the declared TLS proxy of this machine.
func address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// background requests are made by the page itself and do not keep a session alive.
func background(r *http.Request) bool {
	return r.URL.Path == "/api/status" || r.URL.Path == "/api/stream"
}

// authorise makes the call of a request and asks the policy.
func (c *Console) authorise(op operation) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		r, w := humachi.Unwrap(ctx)
		k := &call{Lang: languageOf(r, ""), w: w, r: r, secure: overTLS(r)}
		k.Actor.Address = address(r)
		if op.Action != "" {
			if err := c.identify(k, op.Action); err != nil {
				c.refuse(ctx.Context(), k, op, err)
				return
			}
		}
		next(huma.WithContext(ctx, context.WithValue(ctx.Context(), callKey{}, k)))
	}
}

// identify fills in who asks and which rows the action covers, or says why not.
func (c *Console) identify(k *call, action string) error {
	ctx := k.r.Context()
	id, err := c.Accounts.Authenticate(k.r, address(k.r), !background(k.r))
	if errors.Is(err, identity.ErrAnonymous) {
		return &soc.Problem{Status: http.StatusUnauthorized, Code: "not_logged_in", Detail: "Not logged in, or the session has ended."}
	}
	if err != nil {
		return err
	}
	k.Identity, k.Actor = id, id.Actor
	var prefs Preferences
	if json.Unmarshal([]byte(id.Preferences), &prefs) == nil {
		k.Lang = languageOf(k.r, prefs.Language)
	}
	return c.permit(ctx, k, action)
}

// permit asks the policy for one more action of the same call and takes over its rows.
func (c *Console) permit(ctx context.Context, k *call, action string) error {
	d, err := c.Policy.Decide(ctx, k.Actor, action)
	if err != nil {
		return err
	}
	if !d.Allow {
		return denial(k, action, d)
	}
	k.Masked = d.Masked
	k.Filter, err = c.Policy.Filter(ctx, k.Actor, action)
	return err
}

// may reports whether the actor may do the action at all, for parts of an answer.
func (c *Console) may(ctx context.Context, k *call, action string) bool {
	d, err := c.Policy.Decide(ctx, k.Actor, action)
	return err == nil && d.Allow
}

// scopeFor is the scope of another action of the same call; nothing when it is not allowed.
func (c *Console) scopeFor(ctx context.Context, k *call, action string) (soc.Scope, authz.Filter) {
	f, err := c.Policy.Filter(ctx, k.Actor, action)
	if err != nil {
		return soc.Scope{Systems: []string{}}, authz.Filter{}
	}
	return f.Scope(c.systems()), f
}

// scope is the scope of the operation's action.
func (c *Console) scope(k *call) soc.Scope { return k.Filter.Scope(c.systems()) }

func (c *Console) systems() []soc.System {
	if c.Parts.Inventory == nil {
		return nil
	}
	return c.Parts.Inventory.Systems()
}

// denial explains itself: what was asked, with which roles, who may.
func denial(k *call, action string, d authz.Decision) error {
	names := func(roles []soc.Role) string {
		out := make([]string, len(roles))
		for i, r := range roles {
			out[i] = word(k.Lang, "role."+string(r))
		}
		return strings.Join(out, "; ") // names of roles have commas
	}
	code := "no_right"
	if d.Why == "no_unit" {
		code = "no_unit"
	}
	what := word(k.Lang, "action."+action)
	return &soc.Problem{Status: http.StatusForbidden, Code: code, Detail: "No right to " + action + ".", Values: map[string]string{
		"action": action, "what": what, "roles": names(k.Actor.Roles), "able": names(d.Able), "why": d.Why}}
}

// refuse answers a request that never reaches its operation; refused deeds are audited.
func (c *Console) refuse(ctx context.Context, k *call, op operation, err error) {
	p := c.problem(ctx, k, op, err)
	if p.Status == http.StatusForbidden && op.Method != http.MethodGet && c.Parts.Audit != nil {
		d := soc.Deed{Actor: k.Actor, Action: op.Action, Result: "denied", Details: map[string]string{"operation": op.ID}}
		if err := c.Parts.Audit.Record(ctx, d); err != nil {
			c.Log.ErrorContext(ctx, "record a denied deed", "error", err)
		}
	}
	writeProblem(k.w, p)
}

// absent is the answer for what does not exist and for what is out of scope, word for word the same.
func absent(id string) error {
	return &soc.Problem{Status: http.StatusNotFound, Code: "absent", Detail: "Not found; it may be mistyped or outside your scope.", Values: map[string]string{"id": id}}
}

func unavailable(part string) error {
	return &soc.Problem{Status: http.StatusServiceUnavailable, Code: "part_unavailable", Detail: "This part does not answer.", Values: map[string]string{"part": part}}
}

// deeds lists the actions of the given prefix that the actor may do.
func (c *Console) deeds(ctx context.Context, k *call, prefixes ...string) []string {
	m, err := c.Policy.Menu(ctx, k.Actor)
	if err != nil {
		return []string{}
	}
	out := []string{}
	for _, d := range m.Deeds {
		if slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(d, p) }) {
			out = append(out, d)
		}
	}
	return out
}
