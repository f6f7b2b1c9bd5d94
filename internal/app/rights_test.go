package app

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"hoalu/collector/pipeline"
	"hoalu/ecs/wire"
	"hoalu/soc"
)

// rights is what each role may do with each operation of the API, on a running appliance with two units. A cell:
//
//	A  its own unit's and another's
//	O  its own unit's; another's is answered exactly like one that does not exist
//	N  neither: both are answered exactly like one that does not exist
//	P  no API token, only a person
//	M  refused, as it filters by what the role sees masked
//	-  refused, and the refusal is the same whatever is asked for
//
// An address and a body name things in braces; each request is made for one's own, another's and none. The columns are
// analyst, lead, owner (of DV-own), auditor, dpo, administrator, liaison. "open" needs no log-in.
var rights = []struct{ operation, cells, path, body string }{
	{"site", "open", "/api/site", ""},
	{"startFirst", "open", "/api/first/start", `{"token":"nobody-has-this-token"}`},
	{"first", "open", "/api/first", `{"token":"nobody-has-this-token","login":"ab","password":"123456789012","code":"123456"}`},
	{"login", "open", "/api/login", `{"login":"nobody","password":"wrong"}`},

	{"logout", "A A A A A A A", "/api/logout", ""},
	{"me", "A A A A A A A", "/api/me", ""},
	{"setPreferences", "P P P P P P P", "/api/me/preferences", `{"language":"vi","theme":"dark","keys":true}`},
	{"setPassword", "P P P P P P P", "/api/me/password", `{"password":"x","new":"123456789012","code":"1"}`},
	{"newRecoveryCodes", "P P P P P P P", "/api/me/recovery-codes", `{"password":"x","code":"1"}`},
	{"listSessions", "A A A A A A A", "/api/sessions", ""},
	{"endSession", "N N N N N A N", "/api/sessions/{session}", ""},
	{"status", "A A A A A A A", "/api/status", ""},
	{"overview", "A A A A A A A", "/api/overview", ""},

	{"listAlerts", "A A A A A - A", "/api/alerts", ""},
	{"listAlerts", "A A O A A - A", "/api/alerts?system={system}", ""},
	{"listAlerts", "A A O A A - A", "/api/alerts?view=all&unit={unit}", ""},
	{"listAlerts", "A A O A N - A", "/api/alerts?view=all&q={user}", ""},
	{"listAlerts", "A A O A M - A", "/api/alerts?view=all&host={host}", ""},
	{"listAlerts", "A A O A M - A", "/api/alerts?view=all&address={from}", ""},
	{"listAlerts", "A A A A A - A", "/api/alerts?group=system", ""},
	{"listAlerts", "A A A A M - A", "/api/alerts?group=entity", ""},
	{"listAlerts", "A A O A M - A", "/api/alerts?group=entity&group_key=host%3D{host}", ""},
	{"getAlert", "A A O A N - A", "/api/alerts/{alert}", ""},
	{"getAlert", "A A O A N - A", "/api/alerts/{alert-id}", ""},
	{"actOnAlerts", "A A O - - - -", "/api/alerts/actions", `{"action":"note","note":"called","alerts":[{"id":"{alert}"}]}`},
	{"actOnAlerts", "A A - - - - -", "/api/alerts/actions", `{"action":"acknowledge","alerts":[{"id":"{alert}"}]}`},
	{"actOnAlerts", "A A - - - - -", "/api/alerts/actions", `{"action":"assign","alerts":[{"id":"{alert}"}]}`},
	{"actOnAlerts", "A A - - - - -", "/api/alerts/actions", `{"action":"close","reason":"duplicate","alerts":[{"id":"{alert}"}]}`},
	{"actOnAlerts", "A A - - - - -", "/api/alerts/actions", `{"action":"reopen","alerts":[{"id":"{alert}"}]}`},
	{"undo", "A A A - - - -", "/api/undo", `{"token":"nobody-has-this-token"}`},
	{"listPeople", "A A - - - - -", "/api/people", ""},

	{"searchEvents", "A A A A - - A", "/api/events", ""},
	{"searchEvents", "A A O A - - A", "/api/events?query=user.name:{user}", ""},
	{"searchEvents", "A A O A - - A", "/api/events?query=hoalu.system.id:{system}", ""},
	{"searchEvents", "A A O A - - A", "/api/events?query={host}&terms=user.name&histogram=auto", ""},
	{"searchEvents", "N N N N - - N", "/api/events?sq={search}", ""},
	{"aggregateEvents", "A A A A - - A",
		"/api/events/aggregate?terms=host.name&terms=user.name&terms=hoalu.system.id&terms=source.ip&histogram=auto", ""},
	{"aggregateEvents", "A A O A - - A", "/api/events/aggregate?terms=host.name&query=user.name:{user}", ""},
	{"eventFields", "A A A A - - A", "/api/events/fields", ""},
	{"eventFields", "A A O A - - A", "/api/events/fields?query=host.name:{host}", ""},
	{"getEvent", "A A O A - - A", "/api/events/{event}", ""},
	{"makeSearch", "A A A A - - A", "/api/searches", `{"query":"user.name:{user}"}`},
	{"listSearches", "A A A A - - A", "/api/searches", ""},
	{"deleteSearch", "N N N N - - N", "/api/searches/{search}", ""},

	{"listSystems", "A A A A A A A", "/api/systems", ""},
	{"listSystems", "A A O A A A A", "/api/systems?q={name}", ""},
	{"listSystems", "A A O A A A A", "/api/systems?unit={unit}", ""},
	{"addSystem", "- - - - - A -", "/api/systems", `{"name":"Hệ thống mới","unit":"{unit}","level":2}`},
	{"getSystem", "A A O A A A A", "/api/systems/{system}", ""},
	{"changeSystem", "- - - - - A -", "/api/systems/{system}", `{"name":"{name}","unit":"{unit}","level":2,"version":9}`},
	{"posture", "A A O A A A A", "/api/systems/{system}/posture", ""},
	{"postureChanges", "A A O A A A A", "/api/systems/{system}/posture/changes", ""},
	{"comparePosture", "A A O A A A A", "/api/systems/{system}/posture/compare", ""},
	{"listControls", "A A A A A A A", "/api/controls", ""},
	{"getControl", "A A A A A A A", "/api/controls/L3-OPS-MON-01", ""},
	{"listUnits", "A A A A A A A", "/api/units", ""},
	{"addUnit", "- - - - - A -", "/api/units", `{"name":"Sở mới","kind":"department"}`},
	{"changeUnit", "- - - - - A -", "/api/units/{unit}", `{"name":"Sở {name}","kind":"department","version":999}`},
	{"retireUnit", "- - - - - A -", "/api/units/{unit}/retired", `{"retired":true,"reason":"giải thể","version":999}`},
	{"deleteUnit", "- - - - - A -", "/api/units/{unit}?version=999", ""},
	{"retireSystem", "- - - - - A -", "/api/systems/{system}/retired", `{"retired":true,"reason":"thay thế","version":999}`},
	{"deleteSystem", "- - - - - A -", "/api/systems/{system}?version=999", ""},
	{"listAssets", "A A A A A A A", "/api/assets", ""},
	{"listAssets", "A A O A A A A", "/api/assets?system={system}", ""},
	{"listAssets", "A A O A A A A", "/api/assets?q={machine}", ""},
	{"addAsset", "- - - - - A -", "/api/assets", `{"system":"{system}","host":"new.{machine}"}`},
	{"importAssets", "- - - - - A -", "/api/assets/import", `{"text":"more.{machine}","system":"{system}","check":true}`},
	{"changeAsset", "- - - - - A -", "/api/assets/{asset}", `{"system":"{system}","host":"{machine}","version":999}`},
	{"retireAsset", "- - - - - A -", "/api/assets/{asset}/retired", `{"retired":true,"reason":"thanh lý","version":999}`},
	{"deleteAsset", "- - - - - A -", "/api/assets/{asset}?version=999", ""},

	{"listSources", "A A A A - A A", "/api/sources", ""},
	{"listSources", "A A O A - A A", "/api/sources?system={system}", ""},
	{"listSources", "A A O A - A A", "/api/sources?q={peer}", ""},
	{"addSource", "A A - - - A -", "/api/sources", `{"name":"mới","kind":"syslog","system":"{system}","host":"new-{host}"}`},
	{"getSource", "A A O A - A A", "/api/sources/{source}", ""},
	{"changeSource", "A A - - - A -", "/api/sources/{source}", `{"name":"đổi tên","kind":"syslog","version":999}`},
	{"stopSource", "A A - - - A -", "/api/sources/{source}/stop", `{"reason":"bảo trì","version":999}`},
	{"retireSource", "- A - - - A -", "/api/sources/{source}/retired", `{"retired":true,"reason":"thay máy","version":999}`},
	{"deleteSource", "- A - - - A -", "/api/sources/{source}?version=999", ""},
	{"forgetSources", "- A - - - A -", "/api/sources/forget", `{"ids":["{source}"]}`},
	{"issueKey", "- - - - - A -", "/api/sources/{keyed}/keys", `{"label":"máy {host}"}`},
	{"revokeKey", "- - - - - A -", "/api/sources/{keyed}/keys/{key}", ""},
	{"listSensors", "A A A A - A A", "/api/sensors", ""},
	{"ledger", "A A A A - A A", "/api/ledger", ""},
	{"ledger", "A A A A - A A", "/api/ledger?view=source&map=true", ""},
	{"ledger", "A A O A - A A", "/api/ledger?source={source}", ""},
	{"listQuarantine", "A A A A - A A", "/api/quarantine", ""},
	{"listQuarantine", "A A O A - A A", "/api/quarantine?source={source}", ""},
	{"replayQuarantine", "A A - - - A -", "/api/quarantine/replay", `{"source":"{source}"}`},

	{"national", "A A - A - A A", "/api/national", ""},
	{"listOutbox", "A A - A - A A", "/api/national/outbox", ""},
	{"getReport", "A A - A - A A", "/api/national/outbox/{report}", ""},
	{"getEndpoint", "A A - A - A A", "/api/national/endpoint", ""},
	{"setEndpoint", "- - - - - A -", "/api/national/endpoint", `{"url":"http://not-https","version":1}`},
	{"testEndpoint", "- A - - - A A", "/api/national/test", ""},
	{"reconcile", "- A - - - - A", "/api/national/reconcile", `{}`},

	{"listRules", "A A - A - A A", "/api/rules", ""},
	{"getRule", "A A - A - A A", "/api/rules/{rule}", ""},

	{"listAudit", "A A A A A A A", "/api/audit", ""},
	{"listAudit", "A A A A A A A", "/api/audit?object={alert}", ""},
	{"exportAudit", "A A A A A A A", "/api/audit/export?object={alert}", ""},

	{"listTokens", "- - - - - A -", "/api/tokens", ""},
	{"makeToken", "- - - - - A -", "/api/tokens", `{"name":"mới","roles":["owner"],"unit":"{unit}"}`},
	{"revokeToken", "- - - - - A -", "/api/tokens/{token}", ""},
	{"listAccounts", "- - - - - A -", "/api/accounts", ""},
	{"addAccount", "- - - - - A -", "/api/accounts", `{"login":"new.{token}","name":"Người mới","roles":["owner"],"unit":"{unit}"}`},
	{"changeAccount", "- - - - - A -", "/api/accounts/{account}", `{"roles":["dpo"],"enabled":true,"version":999}`},
	{"resetAccount", "- - - - - A -", "/api/accounts/{account}/link", ""},
}

var roleColumns = []soc.Role{soc.Analyst, soc.Lead, soc.Owner, soc.Auditor, soc.DPO, soc.Administrator, soc.Liaison}

// site is the rig of the rights: what is in braces, by whose it is.
type site struct {
	*rig
	tokens map[soc.Role]string
	things map[string]map[string]string // own, other, none, lonely → thing → its value
}

type reply struct {
	status int
	header http.Header
	body   string
}

func (s *site) ask(token, method, path, body string) reply {
	s.Helper()
	req, err := http.NewRequest(method, "http://"+s.consoleAddr.String()+path, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	req.Header.Set("Accept-Language", "en")
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		s.Fatal(err)
	}
	res.Header.Del("Date")
	return reply{res.StatusCode, res.Header, string(raw)}
}

func (r reply) code() string {
	var p struct{ Code string }
	json.Unmarshal([]byte(r.body), &p) //nolint:errcheck // not every answer is a problem
	return p.Code
}

func (s *site) fill(text, whose string) string {
	for k, v := range s.things[whose] {
		text = strings.ReplaceAll(text, "{"+k+"}", v)
	}
	return text
}

var (
	took     = regexp.MustCompile(`"took_ms":\d+`)
	instants = regexp.MustCompile(`"20\d\d-[^"]*"`)
	brace    = regexp.MustCompile(`\{[a-z-]+\}`)
)

// same is an answer without what may differ: the number asked for and the clock.
func (s *site) same(r reply, path, body, whose string) string {
	text := r.body
	for _, b := range brace.FindAllString(path+body, -1) {
		text = strings.ReplaceAll(text, s.fill(b, whose), b)
	}
	text = took.ReplaceAllString(text, `"took_ms":0`)
	h := r.header.Clone()
	if n := h.Get("Content-Length"); n != "" { // that of the answer without the number
		h.Set("Content-Length", fmt.Sprint(len(text)))
	}
	var keys []string
	for _, k := range slices.Sorted(maps.Keys(h)) {
		keys = append(keys, k+": "+strings.Join(h[k], ", "))
	}
	return fmt.Sprintf("%d %s %s", r.status, keys, instants.ReplaceAllString(text, "T"))
}

// person makes an account by a one-time link and answers its id and session.
func (s *site) person(login string) (account, session string) {
	s.Helper()
	l, err := s.accounts.FirstLink(context.Background())
	if err != nil {
		s.Fatal(err)
	}
	var start struct {
		Secret string `json:"totp_secret"`
	}
	if r := s.ask("", "POST", "/api/first/start", `{"token":"`+l.Token+`"}`); json.Unmarshal([]byte(r.body), &start) != nil ||
		r.status != 200 {
		s.Fatalf("start of a link: %+v", r)
	}
	code, err := totp.GenerateCode(start.Secret, time.Now())
	if err != nil {
		s.Fatal(err)
	}
	var done struct{ Me struct{ ID string } }
	if r := s.ask("", "POST", "/api/first", `{"token":"`+l.Token+`","login":"`+login+`","name":"`+login+
		`","password":"chuồn chuồn bay thấp","code":"`+code+`"}`); json.Unmarshal([]byte(r.body), &done) != nil || r.status != 200 {
		s.Fatalf("finish of a link: %+v", r)
	}
	list, err := s.accounts.Sessions(context.Background(), done.Me.ID)
	if err != nil || len(list) != 1 {
		s.Fatalf("sessions of %s: %v, %v", login, list, err)
	}
	return done.Me.ID, list[0].ID
}

// guess sends wrong passwords for a user from one address, as the syslog of a host with the given peer address.
func (s *site) guess(whose string, n int) {
	s.Helper()
	t := s.things[whose]
	frames := make([]wire.Frame, 0, n)
	for i := range n {
		frames = append(frames, wire.Frame{Peer: t["peer"], Format: wire.FormatSyslog, Data: fmt.Appendf(nil,
			"<86>%s %s sshd[4%03d]: Failed password for %s from %s port 4%03d ssh2", time.Now().Format(time.Stamp), t["host"], i, t["user"],
			t["from"], i)})
	}
	if err := s.put(soc.SourceSyslog)(context.Background(), "syslog.tcp", frames); err != nil {
		s.Fatal(err)
	}
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{rig: newRig(t), tokens: map[soc.Role]string{}}
	ctx := context.Background()
	actor := soc.Actor{ID: "machine", Name: "test"}
	// Absent numbers are as long as present ones; peer and from are of the documentation's networks.
	s.things = map[string]map[string]string{
		"own":    {"name": "Nhà", "host": "owned-host", "user": "ownuser", "peer": "192.0.2.10", "from": "203.0.113.10"},
		"other":  {"name": "Lạ", "host": "alien-host", "user": "alienus", "peer": "192.0.2.20", "from": "203.0.113.20"},
		"none":   {"name": "Ma", "host": "ghost-host", "user": "ghostus", "peer": "192.0.2.30", "from": "203.0.113.30"},
		"lonely": {"name": "Đơn", "host": "lonely-host", "user": "lonelyu", "peer": "192.0.2.40", "from": "203.0.113.40"},
	}
	for _, whose := range []string{"own", "other"} {
		th := s.things[whose]
		u, err := s.inventory.CreateUnit(ctx, actor, soc.Unit{Name: "Sở " + th["name"], Kind: "department"})
		if err != nil {
			t.Fatal(err)
		}
		sys, err := s.inventory.CreateSystem(ctx, actor,
			soc.System{Name: "Hệ thống " + th["name"], Unit: u.ID, Level: 3, Placement: soc.PlacementCloud})
		if err != nil {
			t.Fatal(err)
		}
		src, err := s.inventory.CreateSource(ctx, actor,
			soc.Source{Name: "nguồn " + th["name"], Kind: soc.SourceSyslog, System: sys.ID, Address: th["peer"]})
		if err != nil {
			t.Fatal(err)
		}
		keyed, err := s.inventory.CreateSource(ctx, actor, soc.Source{Name: "khóa " + th["name"], Kind: soc.SourceBulk, System: sys.ID})
		if err != nil {
			t.Fatal(err)
		}
		th["machine"] = "may-" + th["host"]
		asset, err := s.inventory.CreateAsset(ctx, actor, soc.Asset{System: sys.ID, Host: th["machine"]})
		if err != nil {
			t.Fatal(err)
		}
		th["unit"], th["system"], th["source"], th["keyed"], th["asset"] = u.ID, sys.ID, src.ID, keyed.ID, asset.ID
		th["account"], th["session"] = s.person("person." + whose)
	}
	token := func(unit string, role soc.Role) string {
		secret, err := CreateToken(ctx, s.opts.Data, string(role), []soc.Role{role}, unit, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return secret
	}
	for _, role := range roleColumns {
		unit := ""
		if role == soc.Owner {
			unit = s.things["own"]["unit"]
		}
		s.tokens[role] = token(unit, role)
	}
	for _, whose := range []string{"own", "other"} { // tokens that the test revokes
		token("", soc.Liaison)
		list, err := s.accounts.Tokens(ctx)
		if err != nil {
			t.Fatal(err)
		}
		taken := s.things["own"]["token"]
		for _, x := range list {
			if x.Roles[0] == soc.Liaison && x.ID != taken && x.Name == "liaison" {
				me := s.ask(s.tokens[soc.Liaison], "GET", "/api/me", "")
				if !strings.Contains(me.body, x.ID) {
					s.things[whose]["token"] = x.ID
				}
			}
		}
	}
	// Another unit's owner keeps a search; so does nobody else.
	var kept struct{ SQ string }
	r := s.ask(token(s.things["other"]["unit"], soc.Owner), "POST", "/api/searches",
		`{"query":"user.name:alienus","name":"alien search","shared":true}`)
	if json.Unmarshal([]byte(r.body), &kept) != nil || kept.SQ == "" {
		t.Fatalf("keep a search: %+v", r)
	}
	s.things["own"]["search"], s.things["other"]["search"] = kept.SQ, kept.SQ
	for _, whose := range []string{"own", "other"} {
		var made struct{ Key struct{ ID string } }
		r := s.ask(s.tokens[soc.Administrator], "POST", "/api/sources/"+s.things[whose]["keyed"]+"/keys", `{"label":"to be revoked"}`)
		if json.Unmarshal([]byte(r.body), &made) != nil || made.Key.ID == "" {
			t.Fatalf("issue a key: %+v", r)
		}
		s.things[whose]["key"] = made.Key.ID
	}
	for _, whose := range []string{"own", "other", "lonely"} {
		s.guess(whose, 12)
		bad := []wire.Frame{{Peer: s.things[whose]["peer"], Format: wire.FormatJSON, Data: []byte(`{"broken`)}}
		if err := s.put(soc.SourceSyslog)(ctx, "syslog.tcp", bad); err != nil {
			t.Fatal(err)
		}
	}
	lead := s.tokens[soc.Lead]
	s.eventually("alerts, events, reports, quarantine and posture of both units", func() bool {
		for _, whose := range []string{"own", "other", "lonely"} {
			th := s.things[whose]
			var alerts struct {
				Items []struct{ ID, Number, Rule string }
			}
			if r := s.ask(lead, "GET", "/api/alerts?q="+th["user"], ""); json.Unmarshal([]byte(r.body), &alerts) != nil || len(alerts.Items) != 1 {
				return false
			}
			th["alert"], th["alert-id"], th["rule"] = alerts.Items[0].Number, alerts.Items[0].ID, alerts.Items[0].Rule
			var events struct {
				Events []struct {
					ID string `json:"event.id"`
				}
				Total int64
			}
			if r := s.ask(lead, "GET", "/api/events?query=user.name:"+th["user"], ""); json.Unmarshal([]byte(r.body), &events) != nil ||
				events.Total != 12 {
				return false
			}
			th["event"] = events.Events[0].ID
			if th["event"] == "" {
				t.Fatal("an event without an id")
			}
		}
		var outbox struct{ Items []struct{ ID string } }
		if r := s.ask(lead, "GET", "/api/national/outbox", ""); json.Unmarshal([]byte(r.body), &outbox) != nil || len(outbox.Items) < 2 {
			return false
		}
		s.things["own"]["report"], s.things["other"]["report"] = outbox.Items[0].ID, outbox.Items[1].ID
		held, err := s.quarantine.List(pipeline.QuarantineFilter{Limit: 10})
		if err != nil || held.Total < 3 {
			return false
		}
		r := s.ask(lead, "GET", "/api/systems/"+s.things["other"]["system"]+"/posture", "")
		return r.status == 200 && strings.Contains(r.body, "L3-OPS-MON-01")
	})
	for k, v := range s.things["other"] { // one of the same length that does not exist
		if s.things["none"][k] == "" {
			i := strings.LastIndexAny(v, "-:") + 1
			if i == 0 {
				i = 1
			}
			s.things["none"][k] = v[:i] + strings.Repeat("9", len(v)-i)
		}
	}
	return s
}

// foreign are words that must not stand in any answer to the role, with why.
func (s *site) foreign(role soc.Role) map[string]string {
	out := map[string]string{}
	add := func(why, whose string, things ...string) {
		for _, k := range things {
			if v := s.things[whose][k]; v != "" {
				out[v] = why
			}
		}
	}
	switch role {
	case soc.Owner:
		const why = "another unit's"
		add(why, "other", "host", "user", "peer", "from", "unit", "system", "source", "alert", "alert-id", "event", "account", "session", "token",
			"search", "report", "key", "keyed", "asset", "machine")
		add("of no system, for the SOC", "lonely", "host", "user", "peer", "from", "alert", "alert-id", "event")
		out["Hệ thống Lạ"], out["Sở Lạ"], out["nguồn Lạ"], out["khóa Lạ"], out["alien"], out[soc.Unassigned] = why, why, why, why, why, why
	case soc.Auditor, soc.Liaison:
		add("of no system, for the SOC", "lonely", "user", "alert", "alert-id", "event")
	case soc.Administrator, soc.DPO:
		for _, whose := range []string{"own", "other", "lonely"} {
			add("content of events, which this role does not read", whose, "user", "event")
		}
	}
	return out
}

// leaks names the foreign words in an answer, but for those that were asked for.
func (s *site) leaks(role soc.Role, operation string, r reply, asked string) []string {
	var out []string
	for word, why := range s.foreign(role) {
		switch {
		case strings.Contains(asked, word),
			(operation == "listAudit" || operation == "exportAudit") && role == soc.Owner, // one's own deeds, as one named their objects
			operation == "listOutbox" && strings.HasPrefix(word, "CB-"):                   // who reads the link sees all that is sent over it
			continue
		}
		if strings.Contains(r.body, word) {
			at := strings.Index(r.body, word)
			out = append(out, fmt.Sprintf("%s (%s): …%s…", word, why, r.body[max(0, at-120):min(len(r.body), at+60)]))
		}
	}
	return out
}

// TestRights: every operation of the API, as every role, for its own unit and another's. An operation without a row fails.
func TestRights(t *testing.T) {
	s := newSite(t)
	var spec struct {
		Paths map[string]map[string]struct {
			ID string `json:"operationId"`
		}
	}
	if err := json.Unmarshal([]byte(s.ask("", "GET", "/api/openapi.json", "").body), &spec); err != nil {
		t.Fatal(err)
	}
	methods := map[string]string{}
	for _, item := range spec.Paths {
		for method, op := range item {
			methods[op.ID] = strings.ToUpper(method)
		}
	}
	seen := map[string]bool{}
	for _, row := range rights {
		if methods[row.operation] == "" {
			t.Errorf("%s is no operation of the API", row.operation)
		}
		seen[row.operation] = true
	}
	for id := range methods {
		if !seen[id] {
			t.Errorf("operation %s has no row in the table of rights", id)
		}
	}
	for role, want := range map[soc.Role]int64{soc.Owner: 1, soc.Lead: 3} { // an owner of two sources counts what both sent
		var held struct{ Total int64 }
		if r := s.ask(s.tokens[role], "GET", "/api/quarantine", ""); json.Unmarshal([]byte(r.body), &held) != nil || held.Total != want {
			t.Errorf("quarantine of %s: %d %s, want %d", role, r.status, r.body, want)
		}
	}
	for _, row := range rights {
		method := methods[row.operation]
		do := func(token, whose string) reply {
			return s.ask(token, method, s.fill(row.path, whose), s.fill(row.body, whose))
		}
		if row.cells == "open" {
			if r := do("", "own"); r.code() == "not_logged_in" || r.status >= 500 {
				t.Errorf("%s before log-in: %+v", row.operation, r)
			}
			continue
		}
		for _, whose := range []string{"own", "other", "none"} {
			if r := do("", whose); r.status != 401 || r.code() != "not_logged_in" {
				t.Errorf("%s %s without a log-in: %d %s, want 401", method, s.fill(row.path, whose), r.status, r.body)
			}
		}
		cells := strings.Fields(row.cells)
		// The administrator comes last: what it changes is gone.
		for _, i := range []int{0, 1, 2, 3, 4, 6, 5} {
			role, cell := roleColumns[i], cells[i]
			own, other, none := do(s.tokens[role], "own"), do(s.tokens[role], "other"), do(s.tokens[role], "none")
			where := fmt.Sprintf("%s %s %s as %s (%s)", method, row.path, row.body, role, cell)
			granted := func(whose string, r reply) {
				if r.status == 401 || r.status == 403 || r.status == 404 || r.status >= 500 {
					t.Errorf("%s, %s: %d %s, want it granted", where, whose, r.status, r.body)
				}
			}
			alike := func(one, two string, a, b reply) {
				if x, y := s.same(a, row.path, row.body, one), s.same(b, row.path, row.body, two); x != y {
					t.Errorf("%s: %s and %s differ:\n%s\n%s", where, one, two, x, y)
				}
			}
			switch cell {
			case "A":
				granted("own", own)
				granted("other", other)
			case "O":
				granted("own", own)
				alike("other", "none", other, none)
			case "N":
				alike("own", "none", own, none)
				alike("other", "none", other, none)
			case "P":
				if own.status != 403 || own.code() != "person_only" {
					t.Errorf("%s: %d %s, want person_only", where, own.status, own.body)
				}
			case "M":
				if own.status != 403 || own.code() != "masked_filter" {
					t.Errorf("%s: %d %s, want masked_filter", where, own.status, own.body)
				}
				alike("own", "none", own, none)
				alike("other", "none", other, none)
			case "-":
				if own.status != 403 || own.code() != "no_right" {
					t.Errorf("%s: %d %s, want no_right", where, own.status, own.body)
				}
				alike("own", "none", own, none)
				alike("other", "none", other, none)
			default:
				t.Fatalf("no cell %q", cell)
			}
			for whose, r := range map[string]reply{"own": own, "other": other} {
				if l := s.leaks(role, row.operation, r, s.fill(row.path+row.body, whose)); l != nil {
					t.Errorf("%s, asked for %s, holds %s", where, whose, strings.Join(l, "\n  "))
				}
			}
		}
	}
}

// TestStreamWithinRows: notices of another unit's alerts, sources and posture do not reach an owner, and the own do.
func TestStreamWithinRows(t *testing.T) {
	s := newSite(t)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", "http://"+s.consoleAddr.String()+"/api/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.tokens[soc.Owner])
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() && lines.Text() != "event: hello" {
	}
	for _, whose := range []string{"lonely", "other", "own"} { // in this order: what comes before the own would have come
		th := s.things[whose]
		th["from"] = strings.Replace(th["from"], "113.", "113.1", 1) // a new alert
		s.guess(whose, 12)
		for _, r := range s.health.Readings() {
			if r.Source == th["source"] {
				r.State = soc.SourceSilent
				s.sourceChanged(r)
			}
		}
		for _, sys := range []string{th["system"]} {
			if sys != "" {
				s.notify(soc.Notice{Topic: "posture", ID: sys, Version: 1, System: sys})
			}
		}
		s.eventually("the alert of "+whose, func() bool {
			return strings.Contains(s.ask(s.tokens[soc.Lead], "GET", "/api/alerts?address="+th["from"], "").body, th["from"])
		})
	}
	var got bytes.Buffer
	topics := map[string]bool{}
	for len(topics) < 3 && lines.Scan() {
		got.WriteString(lines.Text() + "\n")
		var n soc.Notice
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok && json.Unmarshal([]byte(data), &n) == nil && n.Topic != "" {
			topics[n.Topic] = true
			if n.Topic != "alert" && n.ID != s.things["own"]["source"] && n.ID != s.things["own"]["system"] {
				t.Errorf("an owner is told of %s", lines.Text())
			}
			if n.Topic == "alert" && s.ask(s.tokens[soc.Owner], "GET", "/api/alerts/"+n.ID, "").status != 200 {
				t.Errorf("an owner is told of the alert %s, which it may not see", n.ID)
			}
		}
	}
	if len(topics) < 3 {
		t.Errorf("the owner's own notices did not come: %v\n%s", topics, got.String())
	}
}
