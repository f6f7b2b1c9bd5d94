package console

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
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

	op     operation
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
		k := &call{Lang: languageOf(r, ""), op: op, w: w, r: r, secure: overTLS(r)}
		k.Actor.Address = address(r)
		if op.Action != "" {
			if err := c.identify(k, op.Action); err != nil {
				c.refuse(ctx.Context(), k, err)
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

// refuse answers a request that never reaches its operation; refused deeds are put on record.
func (c *Console) refuse(ctx context.Context, k *call, err error) {
	p := c.problem(ctx, k, err)
	if p.Status == http.StatusForbidden && k.op.Method != http.MethodGet {
		d := soc.Deed{Actor: k.Actor, Action: k.op.Action, Result: "denied", Details: map[string]string{"operation": k.op.ID}}
		if err := c.audit.Record(ctx, d); err != nil {
			c.log.ErrorContext(ctx, "record a denied deed", "error", err)
		}
	}
	writeProblem(k.w, p)
}

// absent is the answer for what does not exist and for what is out of scope, word for word the same.
func absent(id string) error {
	return &soc.Problem{Status: http.StatusNotFound, Code: "absent", Detail: "Not found; it may be mistyped or outside your scope.",
		Values: map[string]string{"id": id}}
}

func unavailable(missing part) error {
	return &soc.Problem{Status: http.StatusServiceUnavailable, Code: "part_unavailable", Detail: "This part does not answer.",
		Values: map[string]string{"part": string(missing)}}
}
