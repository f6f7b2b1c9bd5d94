package console

import (
	"context"
	"net/http"
	"slices"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"
)

// An operation is one method and path. Action is what the policy is asked, "" for those before log-in. Needs are the parts without
// which it cannot answer: Handle is not called while one of them is missing.
type operation struct {
	Method, Path, ID, Action, Summary string

	Needs  []part
	Handle handler
}

// A resource is what one file of this package answers: its operations stand there beside their methods. The tag groups them in OpenAPI.
type resource interface {
	operations() (tag string, list []operation)
}

func needs(parts ...part) []part { return parts }

// handler registers a method of a resource under an operation.
type handler struct {
	register func(c *Console, tag string, op operation)
	maxBody  int64 // bytes; 0: 64 KiB
}

// upTo is the handler with a bound of its own for the body, in bytes.
func (h handler) upTo(bytes int64) handler {
	h.maxBody = bytes
	return h
}

type idIn struct {
	ID string `path:"id" maxLength:"200"`
}

type bodyIn[B any] struct{ Body B }

type idBodyIn[B any] struct {
	ID   string `path:"id" maxLength:"200"`
	Body B
}

type answer[O any] struct{ Body *O }

// to is the handler that calls h and words what it returns as an error.
func to[I, O any](h func(context.Context, *call, *I) (*O, error)) handler {
	return handler{register: func(c *Console, tag string, op operation) {
		huma.Register(c.api, c.described(tag, op), func(ctx context.Context, in *I) (*answer[O], error) {
			k := callOf(ctx)
			out, err := h(ctx, k, in)
			if err != nil {
				return nil, c.problem(ctx, k, err)
			}
			return &answer[O]{out}, nil
		})
	}}
}

// described is the operation as OpenAPI tells of it, with what is asked before it: first the policy, so that a person without the
// right learns nothing from what is refused, then whether its parts are there, then whether the input fits.
func (c *Console) described(tag string, op operation) huma.Operation {
	// 405 is of the address, not of an operation: it names the methods in Allow.
	errs := []int{http.StatusBadRequest, http.StatusMisdirectedRequest, http.StatusUnprocessableEntity, http.StatusServiceUnavailable,
		http.StatusGatewayTimeout, http.StatusInternalServerError}
	if op.Method != get {
		errs = append(errs, http.StatusForbidden, http.StatusConflict)
	}
	if op.Method == post || op.Method == put {
		errs = append(errs, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	if op.ID == "first" || op.ID == "startFirst" || op.ID == "undo" {
		errs = append(errs, http.StatusGone)
	}
	if tag == "account" || tag == "events" || tag == "overview" || op.ID == "exportAudit" {
		errs = append(errs, http.StatusUnauthorized, http.StatusTooManyRequests)
	}
	var security []map[string][]string
	if op.Action != "" {
		errs = append(errs, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound)
		slices.Sort(errs)
		errs = slices.Compact(errs)
		security = []map[string][]string{{"session": {}}, {"token": {}}}
	}
	maxBody := op.Handle.maxBody
	if maxBody == 0 {
		maxBody = 64 << 10
	}
	return huma.Operation{
		OperationID:  op.ID,
		Method:       op.Method,
		Path:         op.Path,
		Summary:      op.Summary,
		Tags:         []string{tag},
		Errors:       errs,
		Security:     security,
		MaxBodyBytes: maxBody,
		Extensions:   map[string]any{"x-action": op.Action},
		Middlewares:  huma.Middlewares{c.authorise(op), c.provide(op)},
	}
}

// provide answers part_unavailable where a part that the operation needs is missing.
func (c *Console) provide(op operation) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		if missing := c.Parts.missing(op.Needs); missing != "" {
			k := callOf(ctx.Context())
			writeProblem(k.w, c.problem(ctx.Context(), k, unavailable(missing)))
			return
		}
		next(ctx)
	}
}

func newAPI(r chi.Router, version string) huma.API {
	config := huma.DefaultConfig("Hoa Lư", version)
	config.OpenAPIPath = "/api/openapi"
	config.DocsPath = ""
	config.SchemasPath = ""
	config.CreateHooks = nil // no $schema links in answers
	config.Info.Description = "Lists answer items (events) with total, capped, as_of, stale_after, next. " +
		"Errors are RFC 9457 problems with code, do and fields. Times are RFC 3339 UTC."
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"session": {Type: "apiKey", In: "cookie", Name: cookieName},
		"token":   {Type: "http", Scheme: "bearer"},
	}
	return humachi.New(r, config)
}

const (
	get  = http.MethodGet
	post = http.MethodPost
	put  = http.MethodPut
	del  = http.MethodDelete
)

// resources are all that the API answers, each with only what it uses. The stream, /healthz, /readyz and /metrics stand in web.go.
func (c *Console) resources() []resource {
	p := c.Parts
	in := &intake{desk: c.desk, readings: p.Readings, ledger: p.Ledger}
	kept := &tallies{posture: p.Posture, clock: c.clock, kept: map[string]keptTally{},
		controls: sync.OnceValue(func() map[string]Control { return byID(p.Posture.Controls()) })}
	budget := &searcher{events: p.Events, bound: c.SearchTime, running: map[string]int{}}
	found := &identifiers{finder: p.Identifiers}
	staff := &people{desk: c.desk, accounts: c.Accounts}
	layers := &posture{desk: c.desk, posture: p.Posture}
	return []resource{
		&account{desk: c.desk, accounts: c.Accounts, notices: c.notices, version: c.Version, checklist: checklist{c.desk, c.Parts}},
		&sessions{desk: c.desk, accounts: c.Accounts, notices: c.notices},
		&overview{intake: in, parts: p, accounts: c.Accounts, tallies: kept, dayShift: c.DayShift},
		&alerts{desk: c.desk, alerts: p.Alerts, store: p.Events, national: p.National, rules: p.Rules, people: staff},
		&events{intake: in, events: p.Events, searcher: budget, identifiers: found, accounts: c.Accounts},
		&searches{desk: c.desk, identifiers: found, accounts: c.Accounts},
		&systems{intake: in, alerts: p.Alerts, tallies: kept},
		layers,
		&controls{desk: c.desk, posture: p.Posture},
		&units{c.desk},
		&assets{c.desk},
		&sources{intake: in, keys: p.Keys, posture: p.Posture, searcher: budget},
		&sensors{desk: c.desk, sensors: p.Sensors},
		&ledger{desk: c.desk, ledger: p.Ledger},
		&quarantine{desk: c.desk, quarantine: p.Quarantine},
		&national{desk: c.desk, national: p.National},
		&rules{desk: c.desk, rules: p.Rules},
		&audit{desk: c.desk, running: make(chan struct{}, maxExports)},
		&tokens{desk: c.desk, accounts: c.Accounts, notices: c.notices},
		&accounts{desk: c.desk, accounts: c.Accounts, notices: c.notices, link: c.link},
		staff,
	}
}

// operations registers every operation of every resource.
func (c *Console) operations() {
	for _, r := range c.resources() {
		tag, list := r.operations()
		for _, op := range list {
			op.Handle.register(c, tag, op)
		}
	}
}
