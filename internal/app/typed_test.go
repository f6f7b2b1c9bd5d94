package app

import (
	"bytes"
	"context"
	"crypto/x509"
	"database/sql"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"hoalu/console/identity"
	"hoalu/ecs"
	"hoalu/ecs/wire"
	"hoalu/internal/config"
	"hoalu/internal/control"
	"hoalu/national"
	"hoalu/soc"
	"hoalu/state"
)

// typed is what each operation of the API that takes a body is sent: a body that is taken, and for each string of its schema what
// becomes of a citizen's number in it. {n} is another word at each request, so that what is made is new, and {fresh-…} a thing that
// was just made.
//
//	kept     the request is taken, and the number is not kept
//	refused  it is refused: a pseudonym makes no sense there
//	secret   a password, a code or a token: it is compared or hashed
//	id       it names something that is there; with the number in it there is none
var typed = map[string]struct {
	path, body string
	fields     string
}{
	"POST /api/accounts":          {"", `{"login":"ng-{n}","name":"A","roles":["analyst"]}`, "login:refused name:kept unit:id roles:id"},
	"PUT /api/accounts/{id}":      {"{fresh-account}", `{"name":"A","roles":["analyst"],"enabled":true,"version":1}`, "name:kept unit:id roles:id"},
	"POST /api/alerts/actions":    {"", `{"action":"note","note":"gọi","alerts":[{"id":"{alert}"}]}`, "note:kept holder:id alerts.id:id"},
	"POST /api/assets":            {"", `{"system":"{system}","host":"m-{n}"}`, "system:id host:kept address:id zone:kept kind:kept"},
	"PUT /api/assets/{id}":        {"{fresh-asset}", `{"system":"{system}","host":"m-{n}"}`, "system:id host:kept address:id zone:kept kind:kept"},
	"POST /api/assets/import":     {"", `{"system":"{system}","text":"a-{n}"}`, "system:id text:kept"},
	"POST /api/first/start":       {"", `{"token":"x"}`, "token:secret"},
	"POST /api/first":             {"", `{"token":"{first}","login":"dau-{n}","name":"A","password":"chuồn chuồn bay thấp","code":"{code}"}`, "token:secret login:refused name:kept site_name:kept password:secret code:secret"},
	"POST /api/login":             {"", `{"login":"ai-{n}","password":"x"}`, "login:refused password:secret code:secret"},
	"PUT /api/me/password":        {"", `{"password":"x","new":"chuồn chuồn bay cao","code":"1"}`, "password:secret new:secret code:secret"},
	"PUT /api/me/preferences":     {"", `{"language":"vi","theme":"dark","keys":true}`, ""},
	"POST /api/me/recovery-codes": {"", `{"password":"x","code":"1"}`, "password:secret code:secret"},
	"PUT /api/national/endpoint": {"", `{"url":"https://127.0.0.1:1/","organisation":"H42","reason":"đổi","authorities":{ca-pem},"receipt_key":{key-pem},"version":{point-version}}`,
		"url:refused channel:id authorities:kept receipt_key:kept organisation:refused reason:kept"},
	"POST /api/national/reconcile":  {"", `{}`, "day:id"},
	"POST /api/quarantine/replay":   {"", `{"reason":"x"}`, "ids:id reason:kept source:id"},
	"POST /api/searches":            {"", `{"query":"user.name:a","name":"tìm"}`, "query:kept name:kept from:id to:id"},
	"POST /api/sources":             {"", `{"name":"n-{n}","kind":"syslog"}`, "name:kept system:id address:id host:kept dataset:kept zone:id layers:id"},
	"POST /api/sources/forget":      {"", `{"ids":["NG-9999"]}`, "ids:id"},
	"PUT /api/sources/{id}":         {"{fresh-source}", `{"name":"n-{n}","kind":"syslog"}`, "name:kept system:id address:id host:kept dataset:kept zone:id layers:id"},
	"POST /api/sources/{id}/keys":   {"{keyed}/keys", `{"label":"máy"}`, "label:kept"},
	"PUT /api/sources/{id}/retired": {"{fresh-source}/retired", `{"retired":true,"reason":"x","version":1}`, "reason:kept"},
	"PUT /api/sources/{id}/stop":    {"{fresh-source}/stop", `{"reason":"x","version":1}`, "reason:kept until:id"},
	"POST /api/systems":             {"", `{"name":"s","unit":"{unit}","level":2}`, "name:kept unit:id operator:id engine:kept"},
	"PUT /api/systems/{id}":         {"{fresh-system}", `{"name":"s","unit":"{unit}","level":2}`, "name:kept unit:id operator:id engine:kept"},
	"PUT /api/systems/{id}/retired": {"{fresh-system}/retired", `{"retired":true,"reason":"x","version":1}`, "reason:kept"},
	"PUT /api/assets/{id}/retired":  {"{fresh-asset}/retired", `{"retired":true,"reason":"x","version":1}`, "reason:kept"},
	"POST /api/tokens":              {"", `{"name":"t","roles":["analyst"]}`, "name:kept unit:id roles:id"},
	"POST /api/undo":                {"", `{"token":"x"}`, "token:secret"},
	"POST /api/units":               {"", `{"name":"u","kind":"other"}`, "name:kept"},
	"PUT /api/units/{id}":           {"{fresh-unit}", `{"name":"u","kind":"other"}`, "name:kept"},
	"PUT /api/units/{id}/retired":   {"{fresh-unit}/retired", `{"retired":true,"reason":"x","version":1}`, "reason:kept"},
}

// typedAtTheMachine is the same for the operations of the control socket that write: what stands in the query or in the body.
var typedAtTheMachine = map[string]struct{ query, body, fields string }{
	"POST /admin/link":          {},
	"POST /token":               {"", `{"Name":"t","Roles":["analyst"]}`, "Name:kept Unit:id"},
	"POST /rules/reload":        {},
	"POST /evidence":            {"system={system}", "", "system:id from:id to:id lang:id"},
	"POST /demo/load":           {},
	"POST /demo/remove":         {},
	"POST /exercise":            {},
	"POST /exercise/send":       {"format=syslog", "", "format:id"},
	"POST /import":              {"source=tep-{n}&name=a.log", "dòng thứ {n}\n", "name:kept source:kept dataset:id format:id"},
	"POST /quarantine/replay":   {"reason=x", "", "reason:kept source:id ids:id"},
	"POST /sensor/invite":       {"system={system}", "", "system:id ttl:id"},
	"POST /sensor/revoke":       {"sensor=x&reason=y", "", "sensor:id reason:id"},
	"POST /source/key":          {"source={keyed}&label=x", "", "label:kept source:id follow:id"},
	"POST /source/certificate":  {"source={source}&label=x", "", "label:kept source:id follow:id"},
	"POST /source/key/revoke":   {"source={keyed}&key={key}", "", "source:id key:id"},
	"POST /national/endpoint":   {"", `{"url":"https://127.0.0.1:1/","server_ca":{ca-pem},"receipt_key":{key-pem},"organ_id":"H42","organ_name":"Tỉnh"}`, "url:refused server_ca:kept receipt_key:kept organ_id:refused organ_name:kept channel:id"},
	"DELETE /national/endpoint": {"destination=7", "", "destination:id"},
	"POST /national/retry":      {"report=x", "", "report:id"},
	"POST /national/test":       {"destination=7", "", "destination:id"},
	"POST /national/reconcile":  {"day=2026-11-30", "", "day:id destination:id"},
}

// walk sends what is typed and remembers the numbers in it.
type walk struct {
	*site
	serial  int
	numbers map[string]string // → where it was sent
}

func (w *walk) number(where string) string {
	w.serial++
	n := fmt.Sprintf("079085%06d", 100_000+w.serial)
	w.numbers[n] = where
	return n
}

// filled is text with everything in braces in place.
func (w *walk) filled(text string) string {
	w.Helper()
	ctx := w.Context()
	w.serial++
	n := fmt.Sprint(w.serial)
	must := func(err error) {
		w.Helper()
		if err != nil {
			w.Fatal(err)
		}
	}
	own := w.things["own"]
	for name, make := range map[string]func() string{
		"n": func() string { return n },
		"fresh-account": func() string {
			acc, _, err := w.accounts.Invite(ctx, machine, identity.Invitation{Login: "moi-" + n, Name: "Mới", Roles: []soc.Role{soc.Analyst}})
			must(err)
			return acc.ID
		},
		"fresh-unit": func() string {
			u, err := w.inventory.CreateUnit(ctx, machine, soc.Unit{Name: "Mới " + n, Kind: "other"})
			must(err)
			return u.ID
		},
		"fresh-system": func() string {
			v, err := w.inventory.CreateSystem(ctx, machine, soc.System{Name: "Mới " + n, Unit: own["unit"], Level: 2})
			must(err)
			return v.ID
		},
		"fresh-asset": func() string {
			v, err := w.inventory.CreateAsset(ctx, machine, soc.Asset{System: own["system"], Host: "moi-" + n})
			must(err)
			return v.ID
		},
		"fresh-source": func() string {
			v, err := w.inventory.CreateSource(ctx, machine, soc.Source{Name: "mới " + n, Kind: soc.SourceSyslog})
			must(err)
			return v.ID
		},
		"point-version": func() string { // of the receiving point in force, 0 where there is none
			ep, err := w.national.Endpoint(ctx, 0)
			if !errors.Is(err, national.ErrNoEndpoint) {
				must(err)
			}
			return fmt.Sprint(ep.Version)
		},
		"first": func() string {
			l, err := w.accounts.FirstLink(ctx)
			must(err)
			start, err := w.accounts.StartLink(ctx, l.Token, "")
			must(err)
			code, err := totp.GenerateCode(start.Secret, time.Now())
			must(err)
			text = strings.ReplaceAll(text, "{code}", code)
			return l.Token
		},
	} {
		if strings.Contains(text, "{"+name+"}") {
			text = strings.ReplaceAll(text, "{"+name+"}", make())
		}
	}
	return w.fill(text, "own")
}

// put sets the string at a dotted path; what is a list there becomes a list of it alone. It answers what stood there.
func put(body map[string]any, path, value string) string {
	head, rest, deeper := strings.Cut(path, ".")
	if deeper {
		return put(body[head].([]any)[0].(map[string]any), rest, value)
	}
	was, _ := body[head].(string)
	if _, list := body[head].([]any); list || head == "ids" || head == "layers" {
		body[head] = []any{value}
	} else {
		body[head] = value
	}
	return was
}

// spelled is a number as it is typed into a place that held was.
func spelled(form, number, was string) string {
	text := strings.Replace(form, "N", number, 1)
	switch {
	case strings.HasPrefix(was, "-----BEGIN"): // beside the block
		return text + "\n" + was
	case strings.HasPrefix(was, "user.name:"):
		return "user.name:" + text
	case strings.HasPrefix(was, "https://"):
		return was + text
	}
	return text
}

var typedForms = []string{"N", "pc-N", "N@x.vn"}

// strings of a schema, as dotted paths; those that take a few words only are none.
func (d openapi) strings(s schema, path string) (out []string) {
	if s.Ref != "" {
		s = d.Components.Schemas[s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]]
	}
	if s.Items != nil {
		return d.strings(*s.Items, path)
	}
	for name, p := range s.Properties {
		if name != "$schema" {
			out = append(out, d.strings(p, strings.TrimPrefix(path+"."+name, "."))...)
		}
	}
	if strings.Contains(string(s.Type), `"string"`) && s.Enum == nil {
		out = append(out, path)
	}
	slices.Sort(out)
	return out
}

type schema struct {
	Ref        string `json:"$ref"`
	Type       json.RawMessage
	Enum       []any
	Items      *schema
	Properties map[string]schema
}

type openapi struct {
	Paths map[string]map[string]struct {
		RequestBody *struct {
			Content map[string]struct{ Schema schema }
		}
	}
	Components struct{ Schemas map[string]schema }
}

// TestNothingTypedSettlesInClear sends a citizen's number in every string that the API and the control socket take, and looks for
// it in all that is kept.
func TestNothingTypedSettlesInClear(t *testing.T) {
	w := &walk{site: newSite(t), numbers: map[string]string{}}
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: w.vault.Authority().Root().Raw})
	der, err := x509.MarshalPKIXPublicKey(w.vault.Authority().Root().PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	key := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	for name, text := range map[string][]byte{"ca": ca, "key": key} {
		quoted, err := json.Marshal(string(text))
		if err != nil {
			t.Fatal(err)
		}
		w.things["own"][name+"-pem"] = string(quoted)
	}
	w.overTheAPI()
	w.atTheMachine()
	if len(w.numbers) < 200 {
		t.Fatalf("only %d numbers were sent", len(w.numbers))
	}
	w.end()
	var p *soc.Problem
	_, err = CreateToken(t.Context(), w.opts.Data, "của "+w.number("token while stopped"), []soc.Role{soc.Auditor}, "", time.Hour)
	if !errors.As(err, &p) || p.Code != "token_name" { // nothing can make a pseudonym there
		t.Errorf("a token named for a citizen while the appliance is stopped: %v", err)
	}
	w.nowhere()
}

// rows are the fields of a table with what becomes of each.
func rows(fields string) map[string]string {
	out := map[string]string{}
	for _, f := range strings.Fields(fields) {
		name, fate, _ := strings.Cut(f, ":")
		out[name] = fate
	}
	return out
}

func (w *walk) overTheAPI() {
	w.Helper()
	var doc openapi
	if err := json.Unmarshal([]byte(w.ask("", "GET", "/api/openapi.json", "").body), &doc); err != nil {
		w.Fatal(err)
	}
	seen := 0
	for path, methods := range doc.Paths {
		for method, op := range methods {
			if op.RequestBody == nil {
				continue
			}
			name := strings.ToUpper(method) + " " + path
			row, ok := typed[name]
			fields := rows(row.fields)
			want := doc.strings(op.RequestBody.Content["application/json"].Schema, "")
			if !ok || !slices.Equal(slices.Sorted(maps.Keys(fields)), want) {
				w.Errorf("%s: the table has %q, the schema %q", name, slices.Sorted(maps.Keys(fields)), want)
				continue
			}
			seen++
			base, _, _ := strings.Cut(path, "{")
			for field, fate := range fields {
				for _, form := range typedForms {
					where := name + " " + field + " " + form
					text := w.filled(row.path + "\x00" + row.body)
					at, raw, _ := strings.Cut(text, "\x00")
					var body map[string]any
					if err := json.Unmarshal([]byte(raw), &body); err != nil {
						w.Fatalf("%s: %v in %s", name, err, raw)
					}
					was := put(body, field, "")
					put(body, field, spelled(form, w.number(where), was))
					sent, err := json.Marshal(body)
					if err != nil {
						w.Fatal(err)
					}
					token := w.tokens[soc.Administrator]
					if name == "POST /api/alerts/actions" || name == "POST /api/quarantine/replay" || name == "POST /api/searches" {
						token = w.tokens[soc.Lead]
					}
					r := w.ask(token, strings.ToUpper(method), base+at, string(sent))
					taken := r.status/100 == 2
					if fate == "kept" && !taken && !(form == "N@x.vn" && (field == "host" || field == "text")) || fate == "refused" && taken || r.status >= 500 {
						w.Errorf("%s (%s): %d %s\n%s", where, fate, r.status, r.body, sent)
					}
				}
			}
		}
	}
	if seen != len(typed) {
		w.Errorf("%d operations take a body, the table has %d", seen, len(typed))
	}
}

func (w *walk) atTheMachine() {
	w.Helper()
	client := control.NewClient(w.opts.Data)
	seen := 0
	for _, op := range w.operations() {
		if strings.HasPrefix(op.Pattern, "GET ") {
			continue
		}
		row, ok := typedAtTheMachine[op.Pattern]
		if !ok {
			w.Errorf("%s is not in the table", op.Pattern)
			continue
		}
		seen++
		method, path, _ := strings.Cut(op.Pattern, " ")
		for field, fate := range rows(row.fields) {
			for _, form := range typedForms {
				where := op.Pattern + " " + field + " " + form
				text := w.filled(row.query + "\x00" + row.body)
				query, raw, _ := strings.Cut(text, "\x00")
				q, err := url.ParseQuery(query)
				if err != nil {
					w.Fatal(err)
				}
				var body map[string]any
				if json.Unmarshal([]byte(raw), &body) == nil {
					was := put(body, field, "")
					put(body, field, spelled(form, w.number(where), was))
					sent, err := json.Marshal(body)
					if err != nil {
						w.Fatal(err)
					}
					raw = string(sent)
				} else {
					q.Set(field, spelled(form, w.number(where), ""))
				}
				ctx, cancel := context.WithTimeout(w.Context(), 20*time.Second)
				var out any
				err = client.Call(ctx, method, path, q, strings.NewReader(raw), &out)
				cancel()
				if fate == "kept" && err != nil || fate == "refused" && err == nil {
					w.Errorf("%s (%s): %v\n%s %s", where, fate, err, q.Encode(), raw)
				}
			}
		}
	}
	if seen != len(typedAtTheMachine) {
		w.Errorf("%d operations write, the table has %d", seen, len(typedAtTheMachine))
	}
}

// nowhere looks through the rows of the databases, and every file of the data folder as it is.
func (w *walk) nowhere() {
	w.Helper()
	look := func(place string, content []byte) {
		for at := 0; ; {
			i := bytes.Index(content[at:], []byte("079085"))
			if i < 0 {
				return
			}
			at += i
			if where := w.numbers[string(content[at:min(at+12, len(content))])]; where != "" {
				w.Errorf("%s holds what was sent to %s", place, where)
			}
			at++
		}
	}
	values := 0
	for _, name := range []string{"state.db", "ledger.db"} {
		write, read, err := state.OpenFile(filepath.Join(w.opts.Data, name), 1)
		if err != nil {
			w.Fatal(err)
		}
		tables, err := texts(read, "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'")
		if err != nil {
			w.Fatal(err)
		}
		for _, table := range tables {
			list, err := texts(read, `SELECT * FROM "`+table+`"`)
			if err != nil {
				w.Fatal(err)
			}
			for _, v := range list {
				look(name+" "+table, []byte(v))
			}
			values += len(list)
		}
		write.Close()
		read.Close()
	}
	if values < 1000 {
		w.Errorf("only %d values are in the databases: too few to tell", values)
	}
	err := filepath.WalkDir(w.opts.Data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		look(path, content)
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
}

// texts are all values of a query as text.
func texts(db *sql.DB, query string) (out []string, err error) {
	rows, err := db.Query(query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		values, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		for _, v := range values {
			out = append(out, v.String)
		}
	}
	return out, rows.Err()
}

// TestAGluedNumberIsSearched: what holds a citizen's number within a name is found by that name, as a person types it and as a rule
// compares it.
func TestAGluedNumberIsSearched(t *testing.T) {
	const number = "079085012345"
	dir := t.TempDir()
	rule := "title: may\nid: may\nlogsource: {product: app}\nlevel: high\ndetection: {a: {host.name: 'pc-" + number + "'}, condition: a}\n"
	part := "title: phan\nid: phan\nlogsource: {product: app}\nlevel: high\ndetection: {a: {host.name|contains: 'pc-" + number + "'}, condition: a}\n"
	for name, text := range map[string]string{"may.yml": rule, "phan.yml": part} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := &site{rig: newRig(t, func(c *config.Config) { c.Detections.Rules = []string{dir} })}
	if refused := s.engine.Refused(); len(refused) != 1 || refused[0].Rule != "phan" && !strings.Contains(refused[0].File, "phan") {
		t.Errorf("refused %+v, want the rule that compares a part", refused)
	}
	e := &ecs.Event{ID: "x", Time: 1795300000000, Created: 1795300000000}
	e.SetLogsource("app", "")
	e.AddString(ecs.HostName, "pc-"+number)
	if err := s.protector.Protect(e); err != nil {
		t.Fatal(err)
	}
	if hits := s.engine.Match(e, nil); len(hits) != 1 || strings.Contains(e.Text(ecs.HostName), number) {
		t.Errorf("host %q: rules %v, want the one that names it", e.Text(ecs.HostName), hits)
	}
	frame := wire.Frame{Peer: "192.0.2.7", Format: wire.FormatSyslog,
		Data: fmt.Appendf(nil, "<86>%s pc-%s sshd[4]: Accepted password for an from 192.0.2.9 port 1 ssh2", time.Now().Format(time.Stamp), number)}
	if err := s.put(soc.SourceSyslog)(t.Context(), "syslog.tcp", []wire.Frame{frame}); err != nil {
		t.Fatal(err)
	}
	secret, err := CreateToken(t.Context(), s.opts.Data, "lead", []soc.Role{soc.Lead}, "", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if r := s.ask(secret, "GET", "/api/events?query=host.name:pc-"+number, ""); r.code() != "use_post" {
		t.Errorf("a number within a name in an address: %d %s, want use_post", r.status, r.body)
	}
	for _, query := range []string{"host.name:pc-" + number, "pc-" + number, number} {
		var kept struct{ SQ, Query string }
		r := s.ask(secret, "POST", "/api/searches", `{"query":"`+query+`"}`)
		if json.Unmarshal([]byte(r.body), &kept) != nil || kept.SQ == "" || strings.Contains(kept.Query, number) {
			t.Errorf("search %q is kept as %d %s", query, r.status, r.body)
			continue
		}
		s.eventually("the event of "+query, func() bool {
			var found struct{ Total int64 }
			r := s.ask(secret, "GET", "/api/events?sq="+kept.SQ, "")
			return json.Unmarshal([]byte(r.body), &found) == nil && found.Total == 1
		})
	}
}
