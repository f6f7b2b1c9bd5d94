package console

import (
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"
)

// An operation is one method and path; Action is what the policy is asked, "" for those before log-in.
type operation struct {
	Method, Path, ID, Tag, Action, Summary string

	MaxBody int64 // bytes; 0: 64 KiB
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

// handle registers op: it asks the policy before h runs and words what h returns as an error.
func handle[I, O any](c *Console, op operation, h func(*Console, context.Context, *call, *I) (*O, error)) {
	maxBody := op.MaxBody
	if maxBody == 0 {
		maxBody = 64 << 10
	}
	// 405 is of the address, not of an operation: it names the methods in Allow.
	errs := []int{http.StatusBadRequest, http.StatusMisdirectedRequest, http.StatusUnprocessableEntity, http.StatusServiceUnavailable, http.StatusGatewayTimeout, http.StatusInternalServerError}
	if op.Method != get {
		errs = append(errs, http.StatusForbidden, http.StatusConflict)
	}
	if op.Method == post || op.Method == put {
		errs = append(errs, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	if op.ID == "first" || op.ID == "startFirst" || op.ID == "undo" {
		errs = append(errs, http.StatusGone)
	}
	if op.Tag == "account" || op.Tag == "events" || op.Tag == "overview" {
		errs = append(errs, http.StatusUnauthorized, http.StatusTooManyRequests)
	}
	var security []map[string][]string
	if op.Action != "" {
		errs = append(errs, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound)
		slices.Sort(errs)
		errs = slices.Compact(errs)
		security = []map[string][]string{{"session": {}}, {"token": {}}}
	}
	huma.Register(c.api, huma.Operation{
		OperationID:  op.ID,
		Method:       op.Method,
		Path:         op.Path,
		Summary:      op.Summary,
		Tags:         []string{op.Tag},
		Errors:       errs,
		Security:     security,
		MaxBodyBytes: maxBody,
		Extensions:   map[string]any{"x-action": op.Action},
		// The policy is asked before the input is judged: a person without the right learns nothing from what is refused.
		Middlewares: huma.Middlewares{c.authorise(op)},
	}, func(ctx context.Context, in *I) (*answer[O], error) {
		call := callOf(ctx)
		out, err := h(c, ctx, call, in)
		if err != nil {
			return nil, c.problem(ctx, call, op, err)
		}
		return &answer[O]{out}, nil
	})
}

func newAPI(r chi.Router, version string) huma.API {
	config := huma.DefaultConfig("Hoa Lư", version)
	config.OpenAPIPath = "/api/openapi"
	config.DocsPath = ""
	config.SchemasPath = ""
	config.CreateHooks = nil // no $schema links in answers
	config.Info.Description = "Lists answer items (events) with total, capped, as_of, stale_after, next. Errors are RFC 9457 problems with code, do and fields. Times are RFC 3339 UTC."
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

// operations registers every operation of the API. The stream, /healthz, /readyz and /metrics stand in web.go.
func (c *Console) operations() {
	// log-in and one's own things
	handle(c, operation{post, "/api/first/start", "startFirst", "account", "", "What a one-time link is for, and the second factor to set up", 0}, (*Console).startFirst)
	handle(c, operation{post, "/api/first", "first", "account", "", "Make the account of a one-time link and log in", 0}, (*Console).first)
	handle(c, operation{get, "/api/site", "site", "account", "", "Name and state of this appliance, before log-in", 0}, (*Console).siteInfo)
	handle(c, operation{post, "/api/login", "login", "account", "", "Log in", 0}, (*Console).login)
	handle(c, operation{post, "/api/logout", "logout", "account", "me.read", "Log out", 0}, (*Console).logout)
	handle(c, operation{get, "/api/me", "me", "account", "me.read", "Who asks and what they may do", 0}, (*Console).me)
	handle(c, operation{put, "/api/me/preferences", "setPreferences", "account", "me.write", "Keep language, theme and columns", 0}, (*Console).setPreferences)
	handle(c, operation{put, "/api/me/password", "setPassword", "account", "me.write", "Change one's password; ends one's other sessions", 0}, (*Console).setPassword)
	handle(c, operation{post, "/api/me/recovery-codes", "newRecoveryCodes", "account", "me.write", "Ten new recovery codes; the old ones end", 0}, (*Console).newRecoveryCodes)
	handle(c, operation{get, "/api/sessions", "listSessions", "account", "me.read", "Sessions: one's own, all for administrators", 0}, (*Console).listSessions)
	handle(c, operation{del, "/api/sessions/{id}", "endSession", "account", "me.write", "End a session", 0}, (*Console).endSession)

	handle(c, operation{get, "/api/status", "status", "overview", "status.read", "Status bar and counts of the rail", 0}, (*Console).status)
	handle(c, operation{get, "/api/overview", "overview", "overview", "overview.read", "Cards of the person's roles", 0}, (*Console).overview)

	handle(c, operation{get, "/api/alerts", "listAlerts", "alerts", "alerts.read", "The queue", 0}, (*Console).listAlerts)
	handle(c, operation{get, "/api/alerts/{id}", "getAlert", "alerts", "alerts.read", "One alert, by id or CB- number", 0}, (*Console).getAlert)
	handle(c, operation{post, "/api/alerts/actions", "actOnAlerts", "alerts", "alerts.note", "Acknowledge, assign, close, reopen or note, one or many", 256 << 10}, (*Console).actOnAlerts)
	handle(c, operation{post, "/api/undo", "undo", "alerts", "alerts.note", "Take back one's last deed on alerts", 0}, (*Console).undo)

	handle(c, operation{get, "/api/events", "searchEvents", "events", "events.search", "Search events, with aggregations", 0}, (*Console).searchEvents)
	handle(c, operation{get, "/api/events/aggregate", "aggregateEvents", "events", "events.search", "Only the aggregations", 0}, (*Console).aggregateEvents)
	handle(c, operation{get, "/api/events/fields", "eventFields", "events", "events.search", "Fields in the result, with fill and top values", 0}, (*Console).eventFields)
	handle(c, operation{get, "/api/events/{id}", "getEvent", "events", "events.search", "One event", 0}, (*Console).getEvent)
	handle(c, operation{post, "/api/searches", "makeSearch", "events", "events.search", "Store a search and name it; identifiers become tokens", 0}, (*Console).makeSearch)
	handle(c, operation{get, "/api/searches", "listSearches", "events", "events.search", "Searches kept under a name, one's own and the unit's", 0}, (*Console).listSearches)
	handle(c, operation{del, "/api/searches/{id}", "deleteSearch", "events", "events.search", "Delete a kept search", 0}, (*Console).deleteSearch)

	handle(c, operation{get, "/api/systems", "listSystems", "systems", "systems.read", "Systems with their layers and bars", 0}, (*Console).listSystems)
	handle(c, operation{post, "/api/systems", "addSystem", "systems", "inventory.write", "Declare a system", 0}, (*Console).addSystem)
	handle(c, operation{get, "/api/systems/{id}", "getSystem", "systems", "systems.read", "One system", 0}, (*Console).getSystem)
	handle(c, operation{put, "/api/systems/{id}", "changeSystem", "systems", "inventory.write", "Change a system", 0}, (*Console).changeSystem)
	handle(c, operation{get, "/api/systems/{id}/posture", "posture", "systems", "posture.read", "State of every control at an instant", 0}, (*Console).posture)
	handle(c, operation{get, "/api/systems/{id}/posture/changes", "postureChanges", "systems", "posture.read", "Cells that changed in a period, and why", 0}, (*Console).postureChanges)
	handle(c, operation{get, "/api/systems/{id}/posture/compare", "comparePosture", "systems", "posture.read", "Exactly the cells that differ between two instants", 0}, (*Console).comparePosture)
	handle(c, operation{get, "/api/controls", "listControls", "systems", "posture.read", "The catalogue of requirements", 0}, (*Console).listControls)
	handle(c, operation{get, "/api/controls/{id}", "getControl", "systems", "posture.read", "One requirement and its state on each system", 0}, (*Console).getControl)
	handle(c, operation{get, "/api/units", "listUnits", "systems", "systems.read", "Units of the province", 0}, (*Console).listUnits)
	handle(c, operation{post, "/api/units", "addUnit", "systems", "inventory.write", "Declare a unit", 0}, (*Console).addUnit)
	handle(c, operation{put, "/api/units/{id}", "changeUnit", "systems", "inventory.write", "Change a unit", 0}, (*Console).changeUnit)
	handle(c, operation{put, "/api/units/{id}/retired", "retireUnit", "systems", "inventory.write", "Take a unit out of use, or back", 0}, (*Console).retireUnit)
	handle(c, operation{del, "/api/units/{id}", "deleteUnit", "systems", "inventory.write", "Delete a unit that nothing refers to", 0}, (*Console).deleteUnit)
	handle(c, operation{put, "/api/systems/{id}/retired", "retireSystem", "systems", "inventory.write", "Take a system out of use, or back", 0}, (*Console).retireSystem)
	handle(c, operation{del, "/api/systems/{id}", "deleteSystem", "systems", "inventory.write", "Delete a system that nothing refers to", 0}, (*Console).deleteSystem)
	handle(c, operation{get, "/api/assets", "listAssets", "systems", "systems.read", "Hosts, devices and networks of the systems", 0}, (*Console).listAssets)
	handle(c, operation{post, "/api/assets", "addAsset", "systems", "inventory.write", "Declare an asset", 0}, (*Console).addAsset)
	handle(c, operation{post, "/api/assets/import", "importAssets", "systems", "inventory.write", "Declare many assets from pasted rows", 5 << 20}, (*Console).importAssets)
	handle(c, operation{put, "/api/assets/{id}", "changeAsset", "systems", "inventory.write", "Change an asset", 0}, (*Console).changeAsset)
	handle(c, operation{put, "/api/assets/{id}/retired", "retireAsset", "systems", "inventory.write", "Take an asset out of use, or back", 0}, (*Console).retireAsset)
	handle(c, operation{del, "/api/assets/{id}", "deleteAsset", "systems", "inventory.write", "Delete an asset", 0}, (*Console).deleteAsset)

	handle(c, operation{get, "/api/sources", "listSources", "sources", "sources.read", "Sources and what they send", 0}, (*Console).listSources)
	handle(c, operation{post, "/api/sources", "addSource", "sources", "sources.write", "Declare a source", 0}, (*Console).addSource)
	handle(c, operation{get, "/api/sources/{id}", "getSource", "sources", "sources.read", "One source with its last day", 0}, (*Console).getSource)
	handle(c, operation{put, "/api/sources/{id}", "changeSource", "sources", "sources.write", "Change or confirm a source", 0}, (*Console).changeSource)
	handle(c, operation{put, "/api/sources/{id}/stop", "stopSource", "sources", "sources.write", "Planned stop, at most 7 days", 0}, (*Console).stopSource)
	handle(c, operation{put, "/api/sources/{id}/retired", "retireSource", "sources", "sources.delete", "Take a source out of use, or back; its keys end", 0}, (*Console).retireSource)
	handle(c, operation{del, "/api/sources/{id}", "deleteSource", "sources", "sources.delete", "Delete a source that nothing refers to, or that was found by itself", 0}, (*Console).deleteSource)
	handle(c, operation{post, "/api/sources/forget", "forgetSources", "sources", "sources.delete", "Delete many sources that were found by themselves", 0}, (*Console).forgetSources)
	handle(c, operation{post, "/api/sources/{id}/keys", "issueKey", "sources", "sources.key", "A new key for the senders of a source; its secret is shown once", 0}, (*Console).issueKey)
	handle(c, operation{del, "/api/sources/{id}/keys/{key}", "revokeKey", "sources", "sources.key", "Revoke a key of a source", 0}, (*Console).revokeKey)
	handle(c, operation{get, "/api/sensors", "listSensors", "sources", "sources.read", "Sensors: what may not run, and the command that allows it", 0}, (*Console).listSensors)
	handle(c, operation{get, "/api/ledger", "ledger", "sources", "ledger.read", "The ledger: received = stored + quarantined + rejected + duplicate + dropped + in flight", 0}, (*Console).ledger)
	handle(c, operation{get, "/api/quarantine", "listQuarantine", "sources", "quarantine.read", "What could not become an event", 0}, (*Console).listQuarantine)
	handle(c, operation{post, "/api/quarantine/replay", "replayQuarantine", "sources", "quarantine.replay", "Decode again", 0}, (*Console).replayQuarantine)

	handle(c, operation{get, "/api/national", "national", "national", "national.read", "Does the centre have everything", 0}, (*Console).national)
	handle(c, operation{get, "/api/national/outbox", "listOutbox", "national", "national.read", "Messages: waiting first, oldest first", 0}, (*Console).listOutbox)
	handle(c, operation{get, "/api/national/outbox/{id}", "getReport", "national", "national.read", "One message as it is sent", 0}, (*Console).getReport)
	handle(c, operation{get, "/api/national/endpoint", "getEndpoint", "national", "national.read", "The receiving point", 0}, (*Console).getEndpoint)
	handle(c, operation{put, "/api/national/endpoint", "setEndpoint", "national", "national.endpoint", "Set the receiving point", 128 << 10}, (*Console).setEndpoint)
	handle(c, operation{post, "/api/national/test", "testEndpoint", "national", "national.test", "Send a test packet now", 0}, (*Console).testEndpoint)
	handle(c, operation{post, "/api/national/reconcile", "reconcile", "national", "national.act", "Compare a day with the centre", 0}, (*Console).reconcile)

	handle(c, operation{get, "/api/rules", "listRules", "rules", "rules.read", "Rules that run and those refused", 0}, (*Console).listRules)
	handle(c, operation{get, "/api/rules/{id}", "getRule", "rules", "rules.read", "One rule", 0}, (*Console).getRule)

	handle(c, operation{get, "/api/audit", "listAudit", "audit", "audit.read", "Who did what, when, from where", 0}, (*Console).listAudit)

	handle(c, operation{get, "/api/tokens", "listTokens", "admin", "tokens.read", "API tokens", 0}, (*Console).listTokens)
	handle(c, operation{post, "/api/tokens", "makeToken", "admin", "tokens.write", "Make an API token; its secret is shown once", 0}, (*Console).makeToken)
	handle(c, operation{del, "/api/tokens/{id}", "revokeToken", "admin", "tokens.write", "Revoke an API token", 0}, (*Console).revokeToken)
	handle(c, operation{get, "/api/accounts", "listAccounts", "admin", "accounts.read", "People and their roles", 0}, (*Console).listAccounts)
	handle(c, operation{post, "/api/accounts", "addAccount", "admin", "accounts.write", "Invite a person", 0}, (*Console).addAccount)
	handle(c, operation{put, "/api/accounts/{id}", "changeAccount", "admin", "accounts.write", "Change name, roles, unit or state", 0}, (*Console).changeAccount)
	handle(c, operation{post, "/api/accounts/{id}/link", "resetAccount", "admin", "accounts.write", "A new one-time link: new password and second factor", 0}, (*Console).resetAccount)
	handle(c, operation{get, "/api/people", "listPeople", "alerts", "alerts.assign", "People an alert can be given to", 0}, (*Console).listPeople)
}
