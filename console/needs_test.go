package console

import (
	"context"
	"encoding/json"
	"maps"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"hoalu/soc"
)

// inputs of each operation that it answers with less than 500: what stands for {id} and {key}, the query and the body.
var inputs = map[string]struct{ id, query, body string }{
	"startFirst": {body: `{"token":"nobody-has-this-token-0"}`},
	"first":      {body: `{"token":"nobody-has-this-token-0","login":"a.b","name":"A","password":"chuồn chuồn bay thấp","code":"123456"}`},
	"site":       {}, "logout": {}, "me": {}, "status": {}, "overview": {}, "listSessions": {}, "listPeople": {}, "listSearches": {},
	"login":            {body: `{"login":"a.b","password":"x","code":"123456"}`},
	"setPreferences":   {body: `{"language":"vi","theme":"dark","keys":true}`},
	"setPassword":      {body: `{"password":"x","code":"123456","new":"chuồn chuồn bay thấp"}`},
	"newRecoveryCodes": {body: `{"password":"x","code":"123456"}`},
	"endSession":       {id: "none"},
	"listAlerts":       {query: "?q=login"},
	"getAlert":         {id: "a1"},
	"actOnAlerts":      {body: `{"action":"acknowledge","alerts":[{"id":"a1"}]}`},
	"undo":             {body: `{"token":"nobody-has-this-token"}`},
	"searchEvents":     {query: "?query=admin&terms=host.name&histogram=auto"},
	"aggregateEvents":  {query: "?terms=host.name&histogram=auto"},
	"eventFields":      {}, "listSystems": {}, "listControls": {}, "listUnits": {}, "listAssets": {}, "listSources": {}, "listSensors": {},
	"getEvent":       {id: "q1"},
	"makeSearch":     {body: `{"query":"001099012345 and user.name:(a or b)"}`},
	"deleteSearch":   {id: "none"},
	"addSystem":      {body: `{"name":"Hệ thống mới","unit":"DV-01","level":2}`},
	"getSystem":      {id: "HT-001"},
	"changeSystem":   {id: "HT-001", body: `{"name":"Cổng","unit":"DV-01","level":2,"version":1}`},
	"retireSystem":   {id: "HT-001", body: `{"retired":true,"reason":"thay thế","version":1}`},
	"deleteSystem":   {id: "HT-001", query: "?version=1"},
	"posture":        {id: "HT-001"},
	"postureChanges": {id: "HT-001"},
	"comparePosture": {id: "HT-001"},
	"getControl":     {id: "L3-A"},
	"addUnit":        {body: `{"name":"Sở mới","kind":"department"}`},
	"changeUnit":     {id: "DV-01", body: `{"name":"Sở","kind":"department","version":1}`},
	"retireUnit":     {id: "DV-01", body: `{"retired":true,"reason":"giải thể","version":1}`},
	"deleteUnit":     {id: "DV-01", query: "?version=1"},
	"addAsset":       {body: `{"system":"HT-001","host":"new"}`},
	"importAssets":   {body: `{"text":"more","system":"HT-001","check":true}`},
	"changeAsset":    {id: "TS-1", body: `{"system":"HT-001","host":"may","version":1}`},
	"retireAsset":    {id: "TS-1", body: `{"retired":true,"reason":"thanh lý","version":1}`},
	"deleteAsset":    {id: "TS-1", query: "?version=1"},
	"addSource":      {body: `{"name":"mới","kind":"syslog","system":"HT-001","host":"new-host"}`},
	"getSource":      {id: "NG-0001"},
	"changeSource":   {id: "NG-0001", body: `{"name":"đổi tên","kind":"syslog","version":1}`},
	"stopSource":     {id: "NG-0001", body: `{"reason":"bảo trì","version":1}`},
	"retireSource":   {id: "NG-0001", body: `{"retired":true,"reason":"thay máy","version":1}`},
	"deleteSource":   {id: "NG-0001", query: "?version=1"},
	"forgetSources":  {body: `{"ids":["NG-0001"]}`},
	"issueKey":       {id: "NG-0001", body: `{"label":"máy"}`},
	"revokeKey":      {id: "NG-0001"},
	"ledger":         {query: "?view=source&map=true"}, "listQuarantine": {}, "national": {}, "listOutbox": {}, "getEndpoint": {},
	"replayQuarantine": {body: `{"source":"NG-0001"}`},
	"getReport":        {id: "BC-1"},
	"setEndpoint":      {body: `{"url":"https://centre.example","version":1}`},
	"testEndpoint":     {}, "listRules": {}, "listAudit": {}, "exportAudit": {}, "listTokens": {}, "listAccounts": {},
	"reconcile":     {body: `{}`},
	"getRule":       {id: "r1"},
	"makeToken":     {body: `{"name":"mới","roles":["auditor"]}`},
	"revokeToken":   {id: "none"},
	"addAccount":    {body: `{"login":"new.one","name":"Người mới","roles":["auditor"]}`},
	"changeAccount": {id: "none", body: `{"roles":["dpo"],"enabled":true,"version":1}`},
	"resetAccount":  {id: "none"},
}

// everything is every part, each with something in it.
func everything() Parts {
	parts, q := somethingHappened()
	inv := parts.Inventory.(*province)
	inv.assets = []soc.Asset{{ID: "TS-1", System: "HT-001", Host: "may", Version: 1}}
	now := time.Now().UnixMilli()
	inv.sources[0].Keys = []soc.SourceKey{{ID: "k1", Kind: "key", Made: now}}
	inv.units[0].Kind, inv.units[1].Kind = "department", "department"
	for i := range q.alerts {
		a := &q.alerts[i]
		a.First, a.Created, a.Changed = now, now, now
	}
	parts.Readings = readings{{Source: "NG-0001", State: soc.SourceReceiving, FirstEvent: 1, LastEvent: now}}
	parts.Ledger = book{sum: LedgerSummary{Balanced: true, LastMinute: now / 60_000 * 60_000, Kept: 1},
		rows: []soc.LedgerRow{{Minute: now / 60_000 * 60_000, Source: "NG-0001"}}}
	parts.Posture = &cells{controls: someControls(),
		at: map[int64][]Finding{0: {cell("L3-A", soc.Met, "clock_ok"), cell("LAYER-4", soc.NotMet, "no_endpoint")}}}
	parts.Rules = titles{{ID: "r1", Title: map[string]string{"vi": "Đăng nhập", "en": "Login"}}}
	parts.National, parts.Keys, parts.Quarantine, parts.Sensors = centre{}, keyring{}, frames{}, fleet{}
	parts.Machine = machine{[]soc.Part{{Name: "queue", Ready: true}}}
	return parts
}

type keyring struct{}

func (keyring) IssueKey(context.Context, soc.Actor, string, string, time.Duration) (KeyMade, error) {
	return KeyMade{Key: soc.SourceKey{ID: "k2", Kind: "key", Made: 1}, Secret: "s"}, nil
}
func (keyring) RevokeKey(context.Context, soc.Actor, string, string) error { return nil }

type frames struct{}

func (frames) List(context.Context, []string, string, string, int) (QuarantinePage, error) {
	return QuarantinePage{Items: []Quarantined{{ID: "f1", Source: "NG-0001", Reason: "unparsed", Time: 1}}, Total: 1}, nil
}
func (frames) Replay(context.Context, soc.Actor, []string, string, string) (int64, int64, error) {
	return 1, 0, nil
}

type fleet struct{}

func (fleet) Sensors(context.Context) ([]Sensor, error) {
	return []Sensor{{ID: OwnSensor, Name: "this host", System: "HT-001", State: "running"}}, nil
}

// listed are the operations of all resources with their tags.
func (b *bench) listed() []operation {
	var out []operation
	for _, r := range b.console.resources() {
		_, list := r.operations()
		out = append(out, list...)
	}
	return out
}

// over is the same people and policy over other parts.
func (b *bench) over(t *testing.T, parts Parts) *bench {
	t.Helper()
	c, err := New(Config{Accounts: b.people, Policy: b.console.Policy, Parts: parts, Version: "test", Now: b.now})
	if err != nil {
		t.Fatal(err)
	}
	o := &bench{t: t, console: c, people: b.people, db: b.db, server: httptest.NewServer(c.Handler())}
	t.Cleanup(func() {
		c.Notices().Close()
		o.server.Close()
	})
	return o
}

// call asks an operation with its input as somebody who may.
func (b *bench) call(t *testing.T, op operation) (int, []byte) {
	t.Helper()
	in, ok := inputs[op.ID]
	if !ok {
		t.Fatalf("operation %s has no input in this test", op.ID)
	}
	w := b.browser()
	for _, role := range slices.Concat([]soc.Role{soc.Lead, soc.Administrator, soc.Liaison}, soc.Roles) {
		d, err := b.console.Policy.Decide(t.Context(), soc.Actor{Roles: []soc.Role{role}}, op.Action)
		if err != nil {
			t.Fatal(err)
		}
		if op.Action != "" && d.Allow {
			w = b.as("", role)
			break
		}
	}
	path := strings.NewReplacer("{id}", in.id, "{key}", "k1").Replace(op.Path) + in.query
	if strings.Contains(path, "//") {
		t.Fatalf("operation %s has nothing for its {id}", op.ID)
	}
	var body any
	if in.body != "" {
		body = json.RawMessage(in.body)
	}
	return w.do(op.Method, path, body)
}

// without is p with the part set to nil; Parts' fields are named as the parts are.
func without(t *testing.T, p Parts, gone ...part) Parts {
	t.Helper()
	v := reflect.ValueOf(&p).Elem()
	for _, g := range gone {
		f := v.FieldByNameFunc(func(name string) bool { return strings.EqualFold(name, string(g)) })
		if !f.IsValid() {
			t.Fatalf("no field of Parts is named %s", g)
		}
		f.SetZero()
	}
	return p
}

// optional are all parts but those without which there is no Console.
func optional() []part {
	var out []part
	for i := range reflect.TypeFor[Parts]().NumField() {
		if p := part(strings.ToLower(reflect.TypeFor[Parts]().Field(i).Name)); p != "inventory" && p != "audit" {
			out = append(out, p)
		}
	}
	return out
}

// TestOperationsNameTheirParts: each operation answers with the parts it names and no other, and says which is missing, whichever of them
// is nil: no panic, no empty list.
func TestOperationsNameTheirParts(t *testing.T) {
	b := newBench(t, everything())
	all := b.console.Parts
	for _, p := range optional() {
		if all.missing(needs(p)) != "" || without(t, all, p).missing(needs(p)) != p {
			t.Errorf("Parts.missing does not know the part %s", p)
		}
	}
	list := b.listed()
	if len(list) < 70 {
		t.Fatalf("only %d operations", len(list))
	}
	with := map[string]*bench{} // the parts named and no other, by their names
	for _, op := range list {
		named := slices.Sorted(slices.Values(op.Needs))
		key := ""
		for _, n := range named {
			key += string(n) + " "
		}
		if with[key] == nil {
			with[key] = b.over(t, without(t, all, slices.DeleteFunc(optional(), func(p part) bool { return slices.Contains(named, p) })...))
		}
		if status, raw := with[key].call(t, op); status >= 500 {
			t.Errorf("%s with its own parts (%s): %d %s", op.ID, key, status, raw)
		}
	}
	for _, gone := range optional() {
		o := b.over(t, without(t, all, gone))
		for _, op := range list {
			status, raw := o.call(t, op)
			var p Problem
			_ = json.Unmarshal(raw, &p) // not every answer is a problem
			said := status == 503 && p.Code == "part_unavailable" && p.Values["part"] == string(gone) && p.Detail != ""
			if said != slices.Contains(op.Needs, gone) {
				t.Errorf("%s without %s: %d %s", op.ID, gone, status, raw)
			}
			if status >= 500 && !said {
				t.Errorf("%s without %s broke: %d %s", op.ID, gone, status, raw)
			}
		}
	}
}

// TestNoConsoleWithout: what every answer rests on is there from the start.
func TestNoConsoleWithout(t *testing.T) {
	b := newBench(t, Parts{})
	for gone, want := range map[part]string{"inventory": "no inventory", "audit": "no audit"} {
		_, err := New(Config{Accounts: b.people, Policy: b.console.Policy, Parts: without(t, b.console.Parts, gone)})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New without %s: %v, want %q", gone, err, want)
		}
	}
}

// TestMissingPartsAreSaid: the status bar, the first page and the first run answer whatever is missing, and name it.
func TestMissingPartsAreSaid(t *testing.T) {
	all := newBench(t, everything())
	b := all.over(t, without(t, all.console.Parts, optional()...))
	w := b.as("", soc.Analyst, soc.Administrator)
	names := func(list []Broken) string {
		got := map[string]bool{}
		for _, x := range list {
			got[x.Card] = true
			if x.Code != "part_unavailable" || x.Text == "" {
				t.Errorf("%s is broken without its reason: %+v", x.Card, x)
			}
		}
		return strings.Join(slices.Sorted(maps.Keys(got)), " ")
	}
	s := ask[Status](w, get, "/api/status", nil)
	if s.Ledger.State != "unknown" || s.National.State != "unknown" || s.Sources.State != "unknown" || s.Clock.State != "unknown" ||
		s.Disk.State != "unknown" || s.Alerts != nil || s.Events != nil {
		t.Errorf("status invents: %+v", s)
	}
	if got := names(s.Broken); got != "alerts disk events ledger national sources" {
		t.Errorf("the status bar names %s", got)
	}
	o := ask[Overview](w, get, "/api/overview", nil)
	if o.Alerts != nil || o.Hours != nil || o.Next != nil || o.Systems != nil || o.Sources != nil || o.Ledger != nil || o.National != nil ||
		o.Health != nil {
		t.Errorf("overview invents: %+v", o)
	}
	if got := names(o.Broken); got != strings.Join(slices.Sorted(slices.Values(o.Cards)), " ") {
		t.Errorf("of the cards %v it names %s", o.Cards, got)
	}
	for _, c := range ask[Me](w, get, "/api/me", nil).Checklist {
		if told := c.ID == "source" || c.ID == "system"; (c.Unknown == "") != told || c.Done && c.Unknown != "" {
			t.Errorf("the first run is sure of %+v", c)
		}
	}
	if res, body := b.get(t, "/readyz", nil); res.StatusCode != 503 || !strings.Contains(body, `"machine"`) {
		t.Errorf("/readyz of a machine nothing is known of: %d %s", res.StatusCode, body)
	}
}
