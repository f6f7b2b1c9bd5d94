package console

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"hoalu/ecs/query"
	"hoalu/soc"
	"hoalu/state"
)

// Problem is an error for a person (RFC 9457, decision 26).
type Problem struct {
	Type   string            `json:"type" doc:"urn:hoalu:problem:<code>"`
	Title  string            `json:"title"`
	Status int               `json:"status"`
	Code   string            `json:"code" doc:"stable"`
	Detail string            `json:"detail" doc:"what is wrong, in the request's language"`
	Do     string            `json:"do" doc:"what to do; empty when there is nothing"`
	Fields []ProblemField    `json:"fields" doc:"places of the input that are wrong"`
	Values map[string]string `json:"values,omitempty"`
	Uses   []UseItem         `json:"uses,omitempty" doc:"what is in the way of retiring or deleting: in_use, has_history"`
	Trace  string            `json:"trace,omitempty" doc:"give it to the administrator"`
}

// ProblemField is one place of the input.
type ProblemField struct {
	Name   string `json:"name"`
	Label  string `json:"label" doc:"the name as people read it"`
	Detail string `json:"detail"`
	Column int    `json:"column,omitempty" doc:"1-based, in a query"`
}

func (p *Problem) Error() string { return p.Detail }

// GetStatus is the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is that of RFC 9457.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// fieldsError is a soc.Problem that names places of the input.
type fieldsError struct {
	*soc.Problem
	fields []ProblemField
}

func (e fieldsError) Unwrap() error { return e.Problem }

func newProblem(lang string, p *soc.Problem) *Problem {
	out := &Problem{
		Type:   "urn:hoalu:problem:" + p.Code,
		Title:  http.StatusText(p.Status),
		Status: p.Status,
		Code:   p.Code,
		Detail: p.Detail,
		Do:     p.Do,
		Fields: []ProblemField{},
		Values: p.Values,
		Uses:   useItems(p.Uses),
	}
	values := p.Values
	if part, ok := values["part"]; ok { // parts have names of their own
		values = maps.Clone(values)
		values["part"] = word(lang, "part."+part)
	}
	if len(p.Uses) > 0 {
		values = maps.Clone(values)
		values["uses"] = usesText(lang, p.Uses)
	}
	if kinds, ok := values["kinds"]; ok { // of citizens' identifiers
		values = maps.Clone(values)
		values["kinds"] = listWords(lang, "identifier.", listed(kinds))
	}
	if ms, err := strconv.ParseInt(values["at"], 10, 64); err == nil { // instants of conflicts
		values = maps.Clone(values)
		values["time"] = Time(ms).clock()
	}
	if f := values["field"]; f != "" && p.Code != "field_wrong" { // names of inputs; a query's fields are machine text
		values = maps.Clone(values)
		values["field"] = word(lang, "field_name."+f)
	}
	if p.Code == "invalid" { // other parts' objects: field → reason
		for _, f := range slices.Sorted(maps.Keys(p.Values)) {
			out.Fields = append(out.Fields, ProblemField{Name: f, Label: word(lang, "field_name."+f),
				Detail: word(lang, "field_reason."+p.Values[f])})
		}
	}
	if t, ok := text(lang, "problem."+p.Code, values); ok {
		out.Detail = t
	}
	if t, ok := text(lang, "problem."+p.Code+".do", values); ok {
		out.Do = t
	}
	return out
}

// ProblemText is what a problem says to a person and what it tells to do, in one text of a language ("vi", "en"): the command line words
// by it what the running appliance refuses. A problem without words of its own says its Detail.
func ProblemText(lang string, p *soc.Problem) string {
	if id := p.Values["id"]; p.Status == http.StatusNotFound && p.Code == "not_found" && id != "" {
		other := *p
		other.Code = "unknown_" + cmp.Or(p.Values["kind"], "thing")
		p = &other
	}
	said := newProblem(lang, p)
	out := strings.TrimSpace(said.Detail + " " + said.Do)
	for _, f := range said.Fields {
		out += "\n  " + f.Label + ": " + f.Detail
	}
	return out
}

// usesText names the first three of what is in the way.
func usesText(lang string, uses []soc.Use) string {
	var named []string
	for _, u := range uses[:min(3, len(uses))] {
		said := u.ID
		switch {
		case u.Name != "" && u.Kind != "account" && u.Kind != "token":
			said += " " + u.Name
		case u.Name != "": // their numbers say nothing to a person
			said = word(lang, "use."+u.Kind) + " " + u.Name
		case u.ID == "":
			said = word(lang, "use."+u.Kind)
		}
		named = append(named, said)
	}
	if more := len(uses) - len(named); more > 0 {
		named = append(named, "+"+strconv.Itoa(more))
	}
	return strings.Join(named, ", ")
}

// problem words an error in the call's language. What a person cannot correct is logged under a trace number and shown as such.
func (h *desk) problem(ctx context.Context, k *call, err error) *Problem {
	var p *soc.Problem
	var fields fieldsError
	var syntax *query.SyntaxError
	switch {
	case errors.As(err, &fields):
		out := newProblem(k.Lang, fields.Problem)
		for _, f := range fields.fields {
			f.Label, f.Detail = word(k.Lang, "field_name."+f.Name), out.Detail
			out.Fields = append(out.Fields, f)
		}
		return out
	case errors.As(err, &p):
		if p.Status == http.StatusNotFound && p.Code == "not_found" { // other parts' word for it
			errors.As(absent(p.Values["id"]), &p)
		}
		return newProblem(k.Lang, p)
	case errors.As(err, &syntax):
		out := newProblem(k.Lang, &soc.Problem{Status: http.StatusUnprocessableEntity, Code: strings.ReplaceAll(syntax.Code, ".", "_"),
			Detail: syntax.Msg, Do: syntax.Do, Values: syntax.Values})
		out.Fields = []ProblemField{{Name: "query", Detail: out.Detail, Column: syntax.Col}}
		return out
	case errors.Is(err, query.ErrCursor):
		return newProblem(k.Lang, &soc.Problem{Status: http.StatusBadRequest, Code: "cursor_ended",
			Detail: "The list cannot be continued from there."})
	case errors.Is(err, query.ErrSearch):
		return newProblem(k.Lang, &soc.Problem{Status: http.StatusBadRequest, Code: "search_refused", Detail: "The search cannot be executed."})
	case errors.Is(err, state.ErrUnsure):
		h.log.ErrorContext(ctx, "the state database did not say whether a request was saved", "http.request.method", k.op.Method, "url.path",
			k.op.Path, "error.message", err.Error())
		return newProblem(k.Lang, &soc.Problem{Status: http.StatusServiceUnavailable, Code: "state_unsure",
			Detail: "It could not be told whether this was saved.", Do: "Load the page again and look before it is done again."})
	case state.Unreachable(err):
		h.log.ErrorContext(ctx, "the state database does not answer a request", "http.request.method", k.op.Method, "url.path", k.op.Path,
			"error.message", err.Error())
		return newProblem(k.Lang, &soc.Problem{Status: http.StatusServiceUnavailable, Code: "state_unavailable",
			Detail: "The state database does not answer.", Do: "Events are still taken; look whether PostgreSQL runs."})
	case state.Unwritable(err):
		h.log.ErrorContext(ctx, "the state database takes no writes", "http.request.method", k.op.Method, "url.path", k.op.Path,
			"error.message", err.Error())
		return newProblem(k.Lang, &soc.Problem{Status: http.StatusServiceUnavailable, Code: "state_unwritable",
			Detail: "The state database takes no writes.", Do: "Free disk space on the appliance."})
	case errors.Is(err, context.DeadlineExceeded):
		return newProblem(k.Lang, &soc.Problem{Status: http.StatusGatewayTimeout, Code: "too_slow", Detail: "It took too long and was stopped."})
	case errors.Is(err, context.Canceled):
		return newProblem(k.Lang, &soc.Problem{Status: 499, Code: "stopped", Detail: "Stopped."})
	}
	trace := newTrace()
	h.log.ErrorContext(ctx, "request could not be answered", "http.request.method", k.op.Method, "url.path", k.op.Path, "trace.id", trace,
		"error.message", err.Error())
	out := newProblem(k.Lang, &soc.Problem{Status: http.StatusInternalServerError, Code: "internal",
		Detail: "Something inside does not answer.", Values: map[string]string{"trace": trace}})
	out.Trace = trace
	return out
}

func newTrace() string {
	b := make([]byte, 5)
	rand.Read(b) //nolint:errcheck // never fails (Go 1.24)
	return hex.EncodeToString(b)
}

// A sender decides how many places of a body are wrong and how long their names are: 64 KiB of unknown names were answered by 600 KB,
// before anybody had logged in. Values["more"] says how many wrong places more there are.
const (
	maxWrongFields = 20
	maxFieldName   = 120 // bytes
)

// inputProblem is what huma answers when an input does not fit its schema. The wrong values are not repeated: they may be secrets
// or a citizen's number.
func inputProblem(ctx huma.Context, status int, msg string, errs ...error) huma.StatusError {
	lang := "vi"
	if ctx != nil {
		lang = callOf(ctx.Context()).Lang
	}
	code := "input_wrong"
	switch {
	case status == http.StatusRequestEntityTooLarge:
		code = "input_too_large"
	case status >= 500 && msg == "cannot read request body": // what was sent ends early or is no HTTP
		status = http.StatusBadRequest
	case status >= 500:
		code = "internal"
	}
	values := map[string]string{}
	if code == "internal" {
		values["trace"] = newTrace()
	}
	p := newProblem(lang, &soc.Problem{Status: status, Code: code, Detail: msg, Values: values})
	p.Trace = values["trace"]
	for i, err := range errs {
		if err == nil {
			continue
		}
		if len(p.Fields) == maxWrongFields {
			values["more"] = strconv.Itoa(len(errs) - i)
			break
		}
		f := ProblemField{Detail: word(lang, "schema.broken")}
		var d *huma.ErrorDetail
		if errors.As(err, &d) {
			f = ProblemField{Name: strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(d.Location, "body."), "query."), "path."),
				Detail: schemaText(lang, d.Message)}
			if len(f.Name) > maxFieldName {
				f.Name = strings.ToValidUTF8(f.Name[:maxFieldName], "") + "…"
			}
			f.Label, _ = text(lang, "field_name."+f.Name, nil)
		}
		p.Fields = append(p.Fields, f)
	}
	return p
}

func writeProblem(w http.ResponseWriter, p *Problem) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	json.NewEncoder(w).Encode(p) //nolint:errcheck // the browser is gone
}

// useItems are the uses with the page of each.
func useItems(uses []soc.Use) []UseItem {
	var out []UseItem
	for _, u := range uses {
		item := UseItem{Use: u}
		id := url.PathEscape(u.ID)
		switch {
		case u.Kind == soc.KindUnit:
			item.Page = "/systems?unit=" + id
		case u.Kind == soc.KindSystem:
			item.Page = "/systems/" + id
		case u.Kind == soc.KindAsset:
			item.Page = "/systems?asset=" + id
		case u.Kind == soc.KindSource:
			item.Page = "/sources?source=" + id
		case u.Kind == "account", u.Kind == "token":
			item.Page = "/admin"
		}
		out = append(out, item)
	}
	return out
}
