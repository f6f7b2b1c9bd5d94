package console

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"maps"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"hoalu/ecs/query"
	"hoalu/soc"
)

func somethingHappened() (Parts, *queue) {
	now := time.Now().UnixMilli()
	q := &queue{alerts: []soc.Alert{
		{ID: "a1", Number: "CB-2026-000001", Rule: "r1", System: "HT-001", Unit: "DV-01", Severity: soc.High, State: soc.AlertNew,
			Events: []string{"q1"}, Evidence: "sh -c curl", User: "root", Version: 1, Last: now,
			Trace: []soc.Condition{{Search: "selection", Field: "User", Op: "equals", Want: "root", Got: "root", Matched: true}}},
		{ID: "a2", Number: "CB-2026-000002", Rule: "r2", System: "HT-002", Unit: "DV-02", Severity: soc.Low, State: soc.AlertNew, Personal: true,
			User: "lan", Address: "10.0.0.9", Evidence: "tk:c1", Version: 4, Last: now - 3600_000,
			Trace: []soc.Condition{{Op: "equals", Got: "lan", Matched: true}}},
		{ID: "a3", Number: "CB-2026-000003", Rule: "r1", System: soc.Unassigned, Severity: soc.Low, State: soc.AlertNew, Version: 1, Last: now},
	}}
	return Parts{
		Inventory:   twoUnits(),
		Alerts:      q,
		Identifiers: numbers{},
		Events: shelf{
			event("q1", "HT-001", "failed login of admin"),
			event("q2", "HT-002", "record tk:c"+"x read"),
			event("q3", soc.Unassigned, "who am I"),
		},
	}, q
}

func ids(list []AlertItem) string {
	var out []string
	for _, a := range list {
		out = append(out, a.ID)
	}
	return strings.Join(out, " ")
}

func TestAlertsWithinRows(t *testing.T) {
	parts, _ := somethingHappened()
	b := newBench(t, parts)
	for _, c := range []struct {
		who  *browser
		want string
	}{
		{b.as("", soc.Analyst), "a1 a2 a3"},
		{b.as("", soc.Lead), "a1 a2 a3"},
		{b.as("", soc.Auditor), "a1 a2"}, // no bucket of the unassigned
		{b.as("", soc.Liaison), "a1 a2"},
		{b.as("DV-01", soc.Owner), "a1"},
		{b.as("DV-02", soc.Owner), "a2"},
		{b.as("", soc.DPO), "a2"}, // personal ones
	} {
		roles := ask[Me](c.who, get, "/api/me", nil).Roles
		got := ask[AlertsAnswer](c.who, get, "/api/alerts", nil)
		if ids(got.Items) != c.want || got.Total != int64(len(strings.Fields(c.want))) {
			t.Errorf("%v sees %q of %d, want %q", roles, ids(got.Items), got.Total, c.want)
		}
		for _, id := range []string{"a1", "a2", "a3", "CB-2026-000001"} {
			status, _ := c.who.do(get, "/api/alerts/"+id, nil)
			want := 404
			if slices.Contains(strings.Fields(c.want), id) || (id == "CB-2026-000001" && strings.Contains(c.want, "a1")) {
				want = 200
			}
			if status != want {
				t.Errorf("%v opens %s: %d, want %d", roles, id, status, want)
			}
		}
	}
	b.as("", soc.Administrator).refused(get, "/api/alerts", nil, 403, "no_right")
	b.as("", soc.Administrator).refused(get, "/api/alerts/a1", nil, 403, "no_right")
	b.browser().refused(get, "/api/alerts", nil, 401, "not_logged_in")
}

func TestOutOfScopeAnswersLikeAbsent(t *testing.T) {
	parts, _ := somethingHappened()
	b := newBench(t, parts)
	owner := b.as("DV-01", soc.Owner)
	for _, c := range [][2]string{
		{"/api/alerts/a2", "/api/alerts/zz"}, {"/api/systems/HT-002", "/api/systems/HT-999"}, {"/api/sources/NG-0002", "/api/sources/NG-9999"},
		{"/api/events/q2", "/api/events/q9"}, {"/api/systems/HT-002/posture", "/api/systems/HT-999/posture"},
	} {
		s1, b1 := owner.do(get, c[0], nil)
		s2, b2 := owner.do(get, c[1], nil)
		id := func(p string) string { return strings.Split(p, "/")[3] }
		if one, two := strings.ReplaceAll(string(b1), id(c[0]), "ID"),
			strings.ReplaceAll(string(b2), id(c[1]), "ID"); s1 != 404 || s1 != s2 || one != two {
			t.Errorf("%s and %s differ: %d %s against %d %s", c[0], c[1], s1, one, s2, two)
		}
	}
	// Filters by another unit's system answer as for one that does not exist.
	for _, path := range []string{"/api/alerts?system=HT-002", "/api/alerts?system=HT-999", "/api/events?query=hoalu.system.id:HT-002",
		"/api/events?query=hoalu.system.id:HT-999", "/api/systems?q=Hộ+tịch", "/api/sources?system=HT-002"} {
		if got := ask[struct{ Total int64 }](owner, get, path, nil); got.Total != 0 {
			t.Errorf("%s counts %d", path, got.Total)
		}
	}
	if got := ask[Page[UnitItem]](owner, get, "/api/units", nil); len(got.Items) != 1 {
		t.Errorf("owner sees units %+v", got.Items)
	}
}

func TestDPOSeesPersonalAlertsMasked(t *testing.T) {
	parts, q := somethingHappened()
	b := newBench(t, parts)
	dpo := b.as("", soc.DPO)
	d := ask[AlertDetail](dpo, get, "/api/alerts/a2", nil)
	if d.User != maskedText || d.Address != maskedText || d.Evidence != maskedText || d.Trace[0].Got != maskedText || len(d.Events) != 0 ||
		len(d.EventIDs) != 0 {
		t.Errorf("not masked: %+v", d)
	}
	if !q.last.Personal {
		ask[AlertsAnswer](dpo, get, "/api/alerts", nil)
		if !q.last.Personal {
			t.Error("the list is not restricted to personal ones")
		}
	}
	if v := ask[AlertsAnswer](dpo, get, "/api/alerts", nil).Views; v["open"] != 1 || len(v) != 2 {
		t.Errorf("views count others' alerts: %v", v)
	}
	if q.alerts[1].Trace[0].Got != "lan" {
		t.Error("masking changed the stored alert")
	}
	b.as("", soc.DPO).refused(post, "/api/alerts/actions",
		map[string]any{"action": "note", "alerts": []any{map[string]any{"id": "a2"}}, "note": "x"}, 403, "no_right")
}

func TestAlertDetail(t *testing.T) {
	parts, _ := somethingHappened()
	b := newBench(t, parts)
	d := ask[AlertDetail](b.as("", soc.Analyst), get, "/api/alerts/CB-2026-000001", nil)
	if len(d.Events) != 1 || d.Events[0].Event != nil && d.Events[0].ID == "" || d.System.Name != "Cổng dịch vụ công" ||
		d.Unit.Name != "Sở Y tế" || len(d.Runbook["vi"]) != 3 || d.RuleInfo == nil {
		t.Errorf("detail: %+v", d)
	}
	if want := []string{"alerts.acknowledge", "alerts.assign", "alerts.close", "alerts.note"}; !slices.Equal(d.Deeds, want) {
		t.Errorf("deeds %v, want %v", d.Deeds, want)
	}
	if o := ask[AlertDetail](b.as("DV-01", soc.Owner), get, "/api/alerts/a1", nil); o.RuleInfo != nil ||
		!slices.Equal(o.Deeds, []string{"alerts.note"}) {
		t.Errorf("owner's detail: rule %v, deeds %v", o.RuleInfo, o.Deeds)
	}
}

func TestActOnAlerts(t *testing.T) {
	parts, _ := somethingHappened()
	b := newBench(t, parts)
	w := b.as("", soc.Analyst)
	act := func(action string, more map[string]any, refs ...any) map[string]any {
		body := map[string]any{"action": action, "alerts": refs}
		for k, v := range more {
			body[k] = v
		}
		return body
	}
	ref := func(id string, version int) any { return map[string]any{"id": id, "version": version} }
	got := ask[AlertActionDone](w, post, "/api/alerts/actions", act("acknowledge", nil, ref("a1", 1), ref("a2", 1), ref("zz", 1)))
	if ids(got.Done) != "a1" || got.Done[0].State != soc.AlertAcknowledged || len(got.Conflicts) != 1 || got.Conflicts[0].By != "Trực ban 2" ||
		!slices.Equal(got.Missing, []string{"zz"}) || got.Undo == "" {
		t.Errorf("acknowledge: %+v", got)
	}
	w.refused(post, "/api/alerts/actions", act("close", nil, ref("a1", 2)), 422, "reason_missing")
	w.refused(post, "/api/alerts/actions", act("close", map[string]any{"reason": "because"}, ref("a1", 2)), 422, "input_wrong")
	w.refused(post, "/api/alerts/actions", act("assign", map[string]any{"holder": "ng-nobody"}, ref("a1", 2)), 422, "holder_unknown")
	w.refused(post, "/api/undo", map[string]any{"token": "x"}, 410, "undo_expired")
	owner := b.as("DV-01", soc.Owner)
	p := owner.refused(post, "/api/alerts/actions", act("close", map[string]any{"reason": "duplicate"}, ref("a1", 2)), 403, "no_right")
	if !strings.Contains(p.Detail, "close alerts") || !strings.Contains(p.Do, "duty analyst") {
		t.Errorf("the denial does not explain itself: %q %q", p.Detail, p.Do)
	}
	if b.did("alerts.close", "denied") != 1 {
		t.Error("the denied deed is not in the audit log")
	}
	if got := ask[AlertActionDone](owner, post, "/api/alerts/actions",
		act("note", map[string]any{"note": "đã gọi"}, ref("a2", 0))); len(got.Missing) != 1 {
		t.Errorf("owner notes on another unit's alert: %+v", got)
	}
	if g := ask[AlertsAnswer](w, get, "/api/alerts?group=entity", nil); len(g.Groups) != 1 || g.Groups[0].Key != "host=dvc-web-02" {
		t.Errorf("groups: %+v", g.Groups)
	}
	if h := ask[AlertsAnswer](w, get, fmt.Sprintf("/api/alerts?from=%d", time.Now().UnixMilli()-60_000), nil); h.Hidden != 1 {
		t.Errorf("%d open alerts hidden by the range, want 1", h.Hidden)
	}
}

func TestEventsWithinRows(t *testing.T) {
	parts, _ := somethingHappened()
	b := newBench(t, parts)
	for _, c := range []struct {
		who  *browser
		want int64
	}{{b.as("", soc.Analyst), 3}, {b.as("", soc.Auditor), 2}, {b.as("DV-01", soc.Owner), 1}, {b.as("DV-09", soc.Owner), 0}} {
		// "or" and "not" in a query never reach outside the scope.
		for _, q := range []string{"", "not nothinglikeit", "message:* or hoalu.system.id:*"} {
			got := ask[struct {
				Total  int64
				Events []map[string]any
			}](c.who, get, "/api/events?query="+url.QueryEscape(q), nil)
			if got.Total != c.want || int64(len(got.Events)) != c.want {
				t.Errorf("query %q: %d events, want %d", q, got.Total, c.want)
			}
		}
	}
	for _, role := range []soc.Role{soc.Administrator, soc.DPO} {
		b.as("", role).refused(get, "/api/events", nil, 403, "no_right")
		b.as("", role).refused(post, "/api/searches", map[string]any{"query": "x"}, 403, "no_right")
	}
	w := b.as("", soc.Analyst)
	frame := ask[map[string]any](w, get, "/api/events", nil)
	for _, key := range []string{"events", "total", "capped", "as_of", "stale_after", "next"} {
		if _, ok := frame[key]; !ok {
			t.Errorf("the answer lacks %s", key)
		}
	}
	p := w.refused(get, "/api/events?query="+url.QueryEscape(`source.ip:(10.0.0.0/8`), nil, 422, "query_unclosed")
	if len(p.Fields) != 1 || p.Fields[0].Column == 0 {
		t.Errorf("syntax error without its place: %+v", p)
	}
	w.refused(get, "/api/events?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", nil, 422, "range_empty")
	w.refused(get, "/api/events?from=yesterday", nil, 422, "time_wrong")
	terms := ask[struct{ Terms map[string]TermsTable }](w, get, "/api/events/aggregate?terms=host.name", nil).Terms
	if got := terms["host.name"].Buckets; len(got) != 1 || got[0].Count != 3 {
		t.Errorf("terms of host.name: %+v", got)
	}
	fields := ask[FieldsAnswer](w, get, "/api/events/fields", nil)
	if i := slices.IndexFunc(fields.Items, func(f FieldItem) bool { return f.Name == "message" }); i < 0 || fields.Items[i].Fill != 1 ||
		len(fields.Items[i].Top) != 3 {
		t.Errorf("fields: %+v", fields.Items)
	}
	if d := ask[struct{ System SystemRef }](b.as("DV-01", soc.Owner), get, "/api/events/q1", nil); d.System.Name != "Cổng dịch vụ công" {
		t.Errorf("event detail: %+v", d)
	}
}

// many answers as a store does whose field has more values than it holds at once.
type many struct{ shelf }

func (m many) Search(ctx context.Context, s query.Search) (query.Result, error) {
	r, err := m.shelf.Search(ctx, s)
	for _, a := range s.Aggs {
		t := r.Aggs[a.Name]
		switch t.Approximate = true; a.Kind {
		case query.AggTerms:
			t.CountError = 40
		case query.AggCardinality:
			t.Value = 10_000_000
		}
		r.Aggs[a.Name] = t
	}
	return r, err
}

// TestApproximateTerms: whoever asks for the values of a field learns that their counts are approximate, and by how much.
func TestApproximateTerms(t *testing.T) {
	parts, _ := somethingHappened()
	plain := newBench(t, parts).as("", soc.Analyst)
	parts.Events = many{parts.Events.(shelf)}
	w := newBench(t, parts).as("", soc.Analyst)
	type answer struct{ Terms map[string]TermsTable }
	const at = "/api/events/aggregate?terms=host.name"
	if got := ask[answer](plain, get, at, nil).Terms["host.name"]; got.Approximate || got.CountError != 0 {
		t.Errorf("exact counts: %+v", got)
	}
	if got := ask[answer](w, get, at, nil).Terms["host.name"]; !got.Approximate || got.CountError != 40 || got.Distinct != 10_000_000 {
		t.Errorf("approximate counts: %+v", got)
	}
}

func TestIdentifiersNeverStandInAddresses(t *testing.T) {
	parts, _ := somethingHappened()
	parts.Events = shelf{event("q1", "HT-001", "read record of tk:c"+fmt.Sprintf("%x", tokenOf("001099012345"))),
		event("q2", "HT-001", "other")}
	b := newBench(t, parts)
	w := b.as("", soc.Analyst)
	for _, q := range []string{"001099012345", "user.id:001099012345", "user.id:(a or 001099012345)", "message:*001099012345*",
		`"so 001099012345"`} {
		w.refused(get, "/api/events?query="+url.QueryEscape(q), nil, 422, "use_post")
	}
	s := ask[Search](w, post, "/api/searches", map[string]any{"query": "001099012345 and not other", "name": "một người"})
	if strings.Contains(s.Query, "001099012345") || !strings.Contains(s.Query, "tk:c") || !slices.Equal(s.Identifiers, []string{"cccd"}) {
		t.Errorf("stored search: %+v", s)
	}
	if got := ask[struct{ Total int64 }](w, get, "/api/events?sq="+s.SQ, nil); got.Total != 1 {
		t.Errorf("search by token finds %d, want 1", got.Total)
	}
	w.refused(post, "/api/searches", map[string]any{"query": "message:*001099012345*"}, 422, "identifier_partial")
	if b.did("search.identifier", "done") != 1 {
		t.Error("the search for an identifier is not in the audit log")
	}
	for _, d := range b.deeds {
		if strings.Contains(fmt.Sprint(d), "001099012345") {
			t.Errorf("the audit log holds the number: %+v", d)
		}
	}
	// A stored search belongs to its person.
	b.as("", soc.Lead).refused(get, "/api/events?sq="+s.SQ, nil, 404, "absent")
	if list := ask[Page[Search]](w, get, "/api/searches", nil); len(list.Items) != 1 {
		t.Errorf("%d kept searches, want 1", len(list.Items))
	}
	ask[Done](w, del, "/api/searches/"+s.SQ, nil)
	w.refused(get, "/api/events?sq="+s.SQ, nil, 404, "absent")
}

func tokenOf(value string) []byte {
	t, _ := numbers{}.Tokens(context.Background(), "", value)
	var out []byte
	fmt.Sscanf(strings.TrimPrefix(t[0], "tk:c"), "%x", &out)
	return out
}

func TestAuditRows(t *testing.T) {
	b := newBench(t, Parts{})
	for _, d := range []soc.Deed{{Actor: soc.Actor{ID: "ng-other"}, Action: "alerts.close", Result: "done"},
		{Actor: soc.Actor{ID: "ng-other"}, Action: "search.identifier", Result: "done"}} {
		if err := b.keep(d); err != nil {
			t.Fatal(err)
		}
	}
	lead := ask[AuditAnswer](b.as("", soc.Lead), get, "/api/audit", nil)
	if lead.Total < 2 {
		t.Errorf("lead sees %d deeds", lead.Total)
	}
	for _, d := range ask[AuditAnswer](b.as("", soc.DPO), get, "/api/audit", nil).Items {
		if d.Action != "search.identifier" {
			t.Errorf("the officer sees %s", d.Action)
		}
	}
	w := b.as("", soc.Analyst)
	me := ask[Me](w, get, "/api/me", nil).ID
	for _, query := range []string{"?actor=ng-other", ""} {
		for _, d := range ask[AuditAnswer](w, get, "/api/audit"+query, nil).Items {
			if d.Actor.ID != me {
				t.Errorf("an analyst sees the deed of %s", d.Actor.ID)
			}
		}
	}
	if b.did("audit.read", "done") < 3 {
		t.Error("reads of the log are not in it")
	}
}

// TestDeedsInWords: what the machine did is told in both languages, and what a person wrote stands as it is.
func TestDeedsInWords(t *testing.T) {
	b := newBench(t, Parts{})
	for _, d := range []soc.Deed{
		{Actor: soc.Machine, Action: "posture.change", Object: "HT-001", Result: "done", Details: map[string]string{
			"L3-A": "met → unknown", "L3-B": "- → not_met", "L3-C": "not_applicable → -",
			"not_computed": "2026-11-30T07:12:57Z/2026-11-30T07:20:00Z"}},
		{Actor: soc.Actor{ID: "machine", Name: "quản trị tại máy"}, Action: "sensor.invite", Result: "done", Details: map[string]string{
			"sensor": OwnSensor, "ttl": "24h0m0s", "note": "met → unknown", "odd_key": "x", "empty": "", "roles": `["lead","dpo"]`,
			"action": "alert.close", "demo": "true"}},
	} {
		if err := b.keep(d); err != nil {
			t.Fatal(err)
		}
	}
	for _, reason := range soc.MachineReasons {
		for _, by := range []soc.Actor{soc.Machine, {ID: "ng-1", Name: "Người một"}} {
			d := soc.Deed{Actor: by, Action: "source.retire", Object: "NG-1", Result: "done", Reason: reason}
			words := reasonSaid(d)
			if by.ID != soc.Machine.ID {
				if words != nil || deedRow("vi", d)[10] != reason {
					t.Errorf("the words of a person, %q, become %v", reason, words)
				}
				continue
			}
			if words["vi"] == "" || words["en"] == "" || words["vi"] == words["en"] || words["en"] == reason || deedRow("vi", d)[10] != words["vi"] {
				t.Errorf("the product's reason %s is told as %v", reason, words)
			}
		}
	}
	if err := b.keep(soc.Deed{Actor: soc.Machine, Action: "source.retire", Object: "NG-1", Result: "done",
		Reason: soc.ReasonSensorWithdrawn}); err != nil {
		t.Fatal(err)
	}
	items := ask[AuditAnswer](b.as("", soc.Lead), get, "/api/audit", nil).Items
	if i := slices.IndexFunc(items, func(d AuditItem) bool { return d.Action == "source.retire" }); i < 0 ||
		items[i].Why["vi"] != "mọi chứng thư của cảm biến đã bị thu hồi" {
		t.Errorf("a source retired by the product: %+v", items)
	}
	said := func(at int, lang string) string {
		var out []string
		for _, x := range items[at].Said {
			out = append(out, x.Name[lang]+" = "+x.Value[lang])
		}
		return strings.Join(out, "\n")
	}
	last := len(items) - 1 // the first deed of all
	for _, c := range []struct {
		at         int
		lang, want string
	}{
		{last, "vi",
			"L3-A = Đạt → Không rõ\nL3-B = Chưa đánh giá → Chưa đạt\nL3-C = Không áp dụng → không còn yêu cầu\nkhoảng không đánh giá được = 30/11/2026 14:12:57 (+07) đến 30/11/2026 14:20:00 (+07)"},
		{last, "en",
			"L3-A = Met → Unknown\nL3-B = Not evaluated → Not met\nL3-C = Not applicable → control no longer applies\nnot evaluated = 2026-11-30 14:12:57 (+07) to 2026-11-30 14:20:00 (+07)"},
		{last - 1, "vi",
			"thao tác = đóng cảnh báo\ndữ liệu mẫu = có\nghi chú = met → unknown\nodd_key = x\nvai trò = trưởng ca; cán bộ bảo vệ dữ liệu\ncảm biến = máy này\nhiệu lực = 24 giờ"},
	} {
		if got := said(c.at, c.lang); got != c.want {
			t.Errorf("%s in %s:\n%s\nwant\n%s", items[c.at].Action, c.lang, got, c.want)
		}
	}
	if items[last].Actor != (Ref{"system", "Hoa Lư"}) || items[last-1].Actor.Name != "administrator at the machine" {
		t.Errorf("who did it: %+v, %+v", items[last].Actor, items[last-1].Actor)
	}
}

// TestReasonsOfDeedsInWords: a reason chosen from a list is told in words, the same as where it is chosen, on the page and in the export;
// what a person wrote stands as it is.
func TestReasonsOfDeedsInWords(t *testing.T) {
	b := newBench(t, Parts{})
	page := map[string]map[string]string{"vi": pageTexts(t, "vi"), "en": pageTexts(t, "en")}
	for i, r := range append(slices.Clone(soc.CloseReasons), "kết thúc ca") {
		d := soc.Deed{Actor: soc.Actor{ID: "ng-1", Name: "Người một"}, Action: "alert.close", Object: fmt.Sprintf("CB-%d", i), Result: "done", Reason: r}
		if err := b.keep(d); err != nil {
			t.Fatal(err)
		}
	}
	lead := b.as("", soc.Lead)
	lead.header.Set("Accept-Language", "vi")
	seen := 0
	for _, x := range ask[AuditAnswer](lead, get, "/api/audit", nil).Items {
		switch {
		case x.Action == "alert.close" && x.Reason == "kết thúc ca":
			seen++
			if x.Why != nil {
				t.Errorf("a person's own words are reworded: %v", x.Why)
			}
		case x.Action == "alert.close":
			seen++
			for _, lang := range []string{"vi", "en"} {
				if got, want := x.Why[lang], page[lang]["reason."+x.Reason]; got == "" || got != want {
					t.Errorf("%s in %s: %q, want %q", x.Reason, lang, got, want)
				}
			}
		}
	}
	if want := len(soc.CloseReasons) + 1; seen != want {
		t.Errorf("%d deeds with a reason, want %d", seen, want)
	}
	_, raw := lead.do(get, "/api/audit/export?people=true", nil)
	for _, r := range append(slices.Clone(soc.CloseReasons), "kết thúc ca") {
		words, ok := page["vi"]["reason."+r]
		if !ok {
			words = r
		}
		if !strings.Contains(string(raw), words) || ok && strings.Contains(string(raw), r) {
			t.Errorf("export: %s is not told as %q", r, words)
		}
	}
}

// TestExportAudit: the file holds what the page shows under the same filter, to the last row, in the person's language; what a stranger
// wrote is no formula; it is on record before it leaves; more rows than its bound, and more at once, are refused.
func TestExportAudit(t *testing.T) {
	b := newBench(t, Parts{})
	const n = 3 * exportPage
	for i := range n {
		d := soc.Deed{Actor: soc.Actor{ID: "ng-1", Name: "Người một"}, Action: "alert.close", Object: fmt.Sprintf("CB-%d", i), Result: "done"}
		if i == 7 {
			d.Actor, d.Action, d.Result, d.Reason = soc.Actor{ID: "unknown", Name: "=cmd|' /C calc'!A0"}, "account.login", "denied", "\tx\n\"y\", z"
		}
		if err := b.keep(d); err != nil {
			t.Fatal(err)
		}
	}
	read := func(w *browser, query string) [][]string {
		t.Helper()
		status, raw := w.do(get, "/api/audit/export"+query, nil)
		text, marked := strings.CutPrefix(string(raw), "\ufeff")
		rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
		if status != 200 || !marked || err != nil || len(rows) == 0 {
			t.Fatalf("%s: %d %v %.200s", query, status, err, raw)
		}
		return rows
	}
	lead := b.as("", soc.Lead)
	lead.header.Set("Accept-Language", "vi")
	rows := read(lead, "?people=true&from=2026-01-01T00:00:00Z")
	if len(rows) < n+1 || rows[0][0] != "Số" || rows[len(rows)-1][8] != "CB-0" || rows[len(rows)-1][7] != "đóng cảnh báo" ||
		rows[len(rows)-1][9] != "Thành công" {
		t.Errorf("%d rows, first %q, last %q", len(rows), rows[0], rows[len(rows)-1])
	}
	seen := map[string]bool{}
	for _, r := range rows {
		if seen[r[0]] {
			t.Errorf("row %s twice", r[0])
		}
		seen[r[0]] = true
	}
	if forged := rows[len(rows)-8]; forged[3] != "'=cmd|' /C calc'!A0" || forged[10] != "'\tx\n\"y\", z" || forged[9] != "Bị từ chối" {
		t.Errorf("what a stranger wrote: %q", forged)
	}
	if b.did("audit.export", "done") != 1 {
		t.Error("the export is not on record")
	}
	w := b.as("", soc.Analyst)
	for _, r := range read(w, "")[1:] {
		if r[2] != ask[Me](w, get, "/api/me", nil).ID {
			t.Errorf("an analyst exports the deed of %s", r[2])
		}
	}
	if rows := read(w, "?actor=ng-1"); len(rows) != 1 {
		t.Errorf("an analyst exports %d deeds of another", len(rows)-1)
	}
	for _, r := range read(b.as("", soc.DPO), "")[1:] {
		if !slices.Contains(unmasking, r[6]) {
			t.Errorf("the officer exports %s", r[6])
		}
	}
	lead.refused(get, "/api/audit/export?from=never", nil, 422, "time_wrong")

	a := &audit{desk: b.console.desk, running: make(chan struct{}, 1)}
	k := &call{w: httptest.NewRecorder(), Lang: "vi"}
	k.Filter.All, k.Actor = true, soc.Actor{ID: "ng-2"}
	write, err := a.export(t.Context(), k, &AuditFilter{})
	if err != nil {
		t.Fatal(err)
	}
	var p *soc.Problem
	if _, err := a.export(t.Context(), k, &AuditFilter{}); !errors.As(err, &p) || p.Code != "export_busy" {
		t.Errorf("one more at once: %v", err)
	}
	before := b.did("audit.export", "done")
	b.mu.Lock()
	b.deeds = append(b.deeds, make([]soc.Deed, maxExportRows)...)
	b.mu.Unlock()
	if err := write(); err != nil {
		t.Error(err)
	}
	if _, err := a.export(t.Context(), k, &AuditFilter{}); !errors.As(err, &p) || p.Code != "export_too_large" ||
		b.did("audit.export", "done") != before {
		t.Errorf("more rows than the bound: %v", err)
	}
	if len(a.running) != 0 {
		t.Error("a refused export still counts as running")
	}
}

type readings []soc.Reading

func (r readings) Readings() []soc.Reading { return r }

type book struct {
	rows []soc.LedgerRow
	sum  LedgerSummary

	measured []Span
}

func (b book) Rows(_ context.Context, from, to int64, source string) ([]soc.LedgerRow, error) {
	var out []soc.LedgerRow
	for _, r := range b.rows {
		if r.Minute >= from && r.Minute < to && (source == "" || r.Source == source) {
			out = append(out, r)
		}
	}
	return out, nil
}

func (b book) Summary(context.Context) (LedgerSummary, error) { return b.sum, nil }

func (b book) Measured(_ context.Context, from, to int64) ([]Span, error) {
	var out []Span
	for _, m := range b.measured {
		if int64(m.To) > from && int64(m.From) < to {
			out = append(out, m)
		}
	}
	return out, nil
}

func TestLedgerAndGaps(t *testing.T) {
	const minute = int64(60_000)
	now := time.Now().UnixMilli() / minute * minute
	at := func(n int64) int64 { return now - n*minute }
	parts := Parts{Inventory: twoUnits(),
		Readings: readings{{Source: "NG-0001", State: soc.SourceReceiving, FirstEvent: at(20), LastEvent: at(3), Rate: 60, Rated: true, Total: 9},
			{Source: "NG-0002", State: soc.SourceSilent, Since: at(9), Cause: "no_connection", FirstEvent: at(20)}}}
	l := book{sum: LedgerSummary{Balanced: false, LastMinute: at(3), Kept: at(20), Difference: 2}}
	for n := int64(3); n <= 20; n++ {
		if n != 10 { // the minute without anything
			l.rows = append(l.rows, soc.LedgerRow{Minute: at(n), Source: "NG-0001", Received: 5, Stored: 5})
		}
	}
	l.rows = append(l.rows, soc.LedgerRow{Minute: at(5), Source: "NG-0002", Received: 5, Stored: 3})
	l.measured = []Span{{Time(at(120)), Time(at(2))}}
	parts.Ledger = l
	b := newBench(t, parts)
	soon := ask[LedgerAnswer](b.as("", soc.Lead), get, "/api/ledger?view=off&map=true", nil)
	if soon.Status.State != "off" || len(soon.Items) != 1 || soon.Items[0].Difference != 2 || soon.Items[0].Source.Name != "db" ||
		len(soon.Map) != 1 || soon.Sum.Received != 90 {
		t.Errorf("ledger: %+v", soon)
	}
	owner := b.as("DV-01", soc.Owner)
	if own := ask[LedgerAnswer](owner, get, "/api/ledger", nil); own.Sum.Received != 85 || own.Status.State != "balanced" ||
		own.Sum.Difference != 0 {
		t.Errorf("owner's ledger holds another unit's rows: %+v", own)
	}
	owner.refused(get, "/api/ledger?source=NG-0002", nil, 404, "absent")
	if s := ask[Status](owner, get, "/api/status", nil); s.Sources.Total != 1 || s.Sources.Silent != 0 || s.National != nil || s.Disk != nil ||
		s.Events != nil {
		t.Errorf("owner's status bar: %+v", s)
	}
	if s := ask[Status](b.as("", soc.Lead), get, "/api/status", nil); s.Sources.Oldest == nil || s.Sources.Oldest.ID != "NG-0002" ||
		s.Events.PerSecond == nil || *s.Events.PerSecond != 1 {
		t.Errorf("lead's status bar: %+v", s)
	}
	started := parts // five minutes have not gone by since
	started.Readings = readings{{Source: "NG-0001", State: soc.SourceReceiving, FirstEvent: at(20), LastEvent: at(3)}}
	lead := newBench(t, started).as("", soc.Lead)
	if s := ask[Status](lead, get, "/api/status", nil); s.Events.PerSecond != nil {
		t.Errorf("just started, %v events a second", *s.Events.PerSecond)
	}
	if d := ask[SourceDetail](lead, get, "/api/sources/NG-0001", nil); d.Rate != nil {
		t.Errorf("just started, a source sends %v a minute", *d.Rate)
	}
	if d := ask[SourceDetail](b.as("", soc.Lead), get, "/api/sources/NG-0002", nil); len(d.Minutes) != 144 || d.Cause == nil ||
		!strings.Contains(d.Cause.Text["vi"], "không có kết nối") {
		t.Errorf("source: %d bars, cause %+v", len(d.Minutes), d.Cause)
	}
	gaps, err := (&intake{desk: b.console.desk, readings: parts.Readings, ledger: parts.Ledger}).gaps(t.Context(),
		prepared{scope: soc.Scope{All: true}, from: at(30), to: now}, minute, map[int64]bool{at(25): true})
	if err != nil {
		t.Fatal(err)
	}
	want := []Span{{Time(at(30)), Time(at(25))}, {Time(at(24)), Time(at(20))}, {Time(at(10)), Time(at(9))}}
	if !slices.Equal(gaps, want) {
		t.Errorf("gaps %v, want %v", gaps, want)
	}
}

// TestLedgerSaysWhatWasNotMeasured: a minute in which nothing ran is neither balanced nor off, a ledger that checked nothing lately is
// not known, and dropped events are listed by minute.
func TestLedgerSaysWhatWasNotMeasured(t *testing.T) {
	const minute = int64(60_000)
	now := time.Now().UnixMilli() / minute * minute
	at := func(n int64) int64 { return now - n*minute }
	l := book{sum: LedgerSummary{Balanced: true, LastMinute: at(3), Since: at(9), Kept: at(50), NotMeasured: 30},
		rows: []soc.LedgerRow{
			{Minute: at(45), Source: "NG-0001", Received: 9, Stored: 9}, // before the stop
			{Minute: at(8), Source: "NG-0001", Received: 9, Stored: 5, Dropped: 4, Reasons: map[string]int64{"dropped:ring": 4}},
			{Minute: at(5), Source: "NG-0002", Received: 3, Stored: 3}},
		measured: []Span{{Time(at(50)), Time(at(40))}, {Time(at(10)), Time(at(2))}}}
	b := newBench(t, Parts{Inventory: twoUnits(), Ledger: l})
	lead := b.as("", soc.Lead)
	got := ask[LedgerAnswer](lead, get, "/api/ledger?map=true", nil)
	states := map[string]int{}
	for _, cell := range got.Map {
		states[cell.State]++
		if (int64(cell.Minute) < at(50) || int64(cell.Minute) >= at(40) && int64(cell.Minute) < at(10)) != (cell.State == "not_measured") {
			t.Errorf("minute %d before now is %s", (now-int64(cell.Minute))/minute, cell.State)
		}
	}
	// The hour before now but 10 minutes before the stop and 8 since the start.
	if got.NotMeasured != states["not_measured"] || got.NotMeasured < 39 || got.NotMeasured > 41 || got.Status.NotMeasured != 30 {
		t.Errorf("%d minutes not measured, %v, status %+v", got.NotMeasured, states, got.Status)
	}
	dropped := ask[LedgerAnswer](lead, get, "/api/ledger?view=dropped", nil)
	if len(dropped.Items) != 1 || dropped.Items[0].Dropped != 4 || dropped.Items[0].Minute != Time(at(8)) ||
		dropped.Items[0].Source.ID != "NG-0001" || dropped.Items[0].Reasons["dropped:ring"] != 4 || dropped.Total != 1 {
		t.Errorf("dropped: %+v", dropped.Items)
	}
	l.sum.LastMinute = at(90)
	b = newBench(t, Parts{Inventory: twoUnits(), Ledger: l})
	stuck := ask[LedgerAnswer](b.as("", soc.Lead), get, fmt.Sprintf("/api/ledger?view=off&map=true&from=%d&to=%d", at(60), at(20)), nil)
	if stuck.NotMeasured != 30 { // of 40, those of the stretch before the stop apart
		t.Errorf("a ledger that checked nothing for 90 minutes leaves %d of 40 minutes as not measured, want 29", stuck.NotMeasured)
	}
	b = newBench(t, Parts{Inventory: twoUnits(), Ledger: book{sum: LedgerSummary{Balanced: true}}})
	if fresh := ask[LedgerAnswer](b.as("", soc.Lead), get, "/api/ledger?view=dropped&map=true", nil); fresh.NotMeasured < 50 ||
		len(fresh.Map) != fresh.NotMeasured {
		t.Errorf("a ledger that has checked nothing yet leaves %d minutes of the last hour as not measured", fresh.NotMeasured)
	}
	b = newBench(t, Parts{Inventory: twoUnits(), Ledger: l})
	if s := ask[Status](b.as("", soc.Lead), get, "/api/status", nil); s.Ledger.State != "unknown" || s.Ledger.Minute != Time(at(90)) {
		t.Errorf("a ledger that checked nothing for 90 minutes is %+v", s.Ledger)
	}
}

// TestSamplesStandApart: the sources of the sample set are in no figure of the real ones, and each figure opens to as many rows.
func TestSamplesStandApart(t *testing.T) {
	parts := Parts{Inventory: twoUnits()}
	inv := parts.Inventory.(*province)
	var list readings
	state := []string{soc.SourceSilent, soc.SourceSilent, soc.SourceSilent, soc.SourceReceiving, soc.SourceGarbled, soc.SourceThin,
		soc.SourceSkewed, soc.SourceNever}
	for i, s := range state {
		for _, demo := range []bool{false, true} {
			id := fmt.Sprintf("NG-1%d%t", i, demo)
			inv.sources = append(inv.sources, soc.Source{ID: id, Name: id, Kind: soc.SourceSyslog, Demo: demo})
			if !demo || i > 0 { // one real source more is silent
				// called silent at one time, each some time after its last event: that says which is silent for longest
				list = append(list, soc.Reading{Source: id, State: s, Since: 5000, FirstEvent: 1, LastEvent: 1000 - int64(i)})
			} else {
				list = append(list, soc.Reading{Source: id, State: soc.SourceReceiving, FirstEvent: 1, LastEvent: 2})
			}
		}
	}
	parts.Readings = list
	w := newBench(t, parts).as("", soc.Lead)
	s := ask[Status](w, get, "/api/status", nil).Sources
	if s.Silent != 3 || s.Samples.Silent != 2 || s.Oldest == nil || s.Oldest.ID != "NG-12false" {
		t.Errorf("status: %+v", s)
	}
	if s.Oldest != nil && s.Oldest.Since != 998 {
		t.Errorf("silent since %d, its last event was at 998", s.Oldest.Since)
	}
	for _, x := range []struct {
		state         string
		real, samples int
	}{{"", s.Total, s.Samples.Total}, {"silent", s.Silent, s.Samples.Silent}, {"receiving", s.Receiving, s.Samples.Receiving},
		{"garbled", s.Garbled, s.Samples.Garbled},
		{"thin", s.Thin, s.Samples.Thin}, {"skewed", s.Skewed, s.Samples.Skewed}, {"never", s.Never, s.Samples.Never}} {
		for demo, want := range map[string]int{"no": x.real, "only": x.samples, "": x.real + x.samples} {
			path := "/api/sources?limit=1&demo=" + demo + "&state=" + x.state
			if demo == "" {
				path = "/api/sources?limit=1&state=" + x.state
			}
			if x.state == "" {
				path = strings.TrimSuffix(path, "&state=")
			}
			if got := ask[SourcesAnswer](w, get, path, nil); got.Total != int64(want) {
				t.Errorf("%s: %d rows, the figure says %d", path, got.Total, want)
			}
		}
	}
}

// TestOwnNotesAreWorded: what the product itself saw is read in both languages and is no line of the trace; a note without a text
// leaves the machine's own line.
func TestOwnNotesAreWorded(t *testing.T) {
	n := names{sources: map[string]soc.Source{"NG-0007": {ID: "NG-0007", Name: "fw-dmz-01"}}}
	note := soc.Condition{Op: "note", Want: "source_silent",
		Values: map[string]string{"source": "NG-0007", "cause": "no_connection", "last_event": "2026-11-21T15:29:00Z"}}
	a := soc.Alert{Evidence: "source fw-dmz-01 is silent", Trace: []soc.Condition{{Op: "count"}, note}}
	item := alertItem(a, n, false)
	want := Text{"vi": "fw-dmz-01: Ngừng gửi từ 22:29; không có kết nối.",
		"en": "fw-dmz-01: Nothing since 22:29; no connection from it."}
	if !maps.Equal(item.EvidenceText, want) {
		t.Errorf("evidence %q, want %q", item.EvidenceText, want)
	}
	if item := alertItem(a, n, true); item.EvidenceText != nil || item.Evidence != maskedText {
		t.Errorf("masked: %+v", item)
	}
	a.Trace[1].Want = "source_vanished"
	if item := alertItem(a, n, false); item.EvidenceText != nil || item.Evidence == "" {
		t.Errorf("note without a text: %q, %q", item.EvidenceText, item.Evidence)
	}
}

// behind is a store that shows events half a minute after it took them, and of which a file cannot be read.
type behind struct{ shelf }

const lostFile = "ht-001/2026-11-30/7: read: input/output error"

func (b behind) Freshness() time.Duration { return 30 * time.Second }

func (b behind) Search(ctx context.Context, s query.Search) (query.Result, error) {
	r, err := b.shelf.Search(ctx, s)
	r.Partial, r.Capped = []string{lostFile}, s.CountCap > 0
	return r, err
}

func (b behind) Stored(context.Context) (int64, []string, error) { return 3, []string{lostFile}, nil }

// TestAnswersSayWhatTheyLack: each table of an answer says that its counts may be too low, and the answer is as of the time until which
// the store shows what it took; of a store that reads all of itself at once nothing of this is said.
func TestAnswersSayWhatTheyLack(t *testing.T) {
	parts, _ := somethingHappened()
	parts.Readings = readings{}
	plain := newBench(t, parts).as("", soc.Analyst)
	parts.Events = behind{parts.Events.(shelf)}
	w := newBench(t, parts).as("", soc.Analyst)
	for _, path := range []string{"/api/events?histogram=1h&terms=host.name", "/api/events/aggregate?histogram=1h&terms=host.name"} {
		got := ask[struct {
			Histogram Histogram
			Terms     map[string]TermsTable
			Frame
		}](w, get, path, nil)
		if !got.Histogram.AtLeast || !got.Terms["host.name"].AtLeast || !slices.Equal(got.Partial, []string{lostFile}) {
			t.Errorf("%s: %+v", path, got)
		}
		lacksHalfAMinute(t, path, got.Frame)
		all := ask[struct {
			Histogram Histogram
			Terms     map[string]TermsTable
			Frame
		}](plain, get, path, nil)
		if all.Histogram.AtLeast || all.Terms["host.name"].AtLeast || len(all.Partial) > 0 ||
			time.Since(time.UnixMilli(int64(all.AsOf))) > 15*time.Second {
			t.Errorf("%s of a whole store: %+v", path, all)
		}
	}
	fields := ask[FieldsAnswer](w, get, "/api/events/fields", nil)
	if !fields.Capped || !slices.Equal(fields.Partial, []string{lostFile}) {
		t.Errorf("fields: %+v", fields.Frame)
	}
	lacksHalfAMinute(t, "fields", fields.Frame)
	if all := ask[FieldsAnswer](plain, get, "/api/events/fields", nil); all.Capped || len(all.Partial) > 0 {
		t.Errorf("fields of a whole store: %+v", all.Frame)
	}
	if s := ask[Status](w, get, "/api/status", nil); s.Events == nil || !s.Events.AtLeast {
		t.Errorf("status: %+v", s.Events)
	}
	if s := ask[Status](plain, get, "/api/status", nil); s.Events == nil || s.Events.AtLeast {
		t.Errorf("status of a whole store: %+v", s.Events)
	}
	if d := ask[SourceDetail](w, get, "/api/sources/NG-0001", nil); !strings.Contains(d.RawError, lostFile) {
		t.Errorf("a source whose newest event may be in what cannot be read: %q", d.RawError)
	}
	if d := ask[SourceDetail](plain, get, "/api/sources/NG-0001", nil); d.RawError != "" {
		t.Errorf("a source of a whole store: %q", d.RawError)
	}
}

func lacksHalfAMinute(t *testing.T, what string, f Frame) {
	t.Helper()
	if ago := time.Since(time.UnixMilli(int64(f.AsOf))); ago < 30*time.Second || ago > 45*time.Second ||
		time.Until(time.UnixMilli(int64(f.StaleAfter))) < 0 {
		t.Errorf("%s is as of %v ago, stale after %v; the store shows events after 30 s", what, ago, f.StaleAfter)
	}
}

// TestFieldsSayWhatTheyDidNotCount: a value too long to be counted may be more frequent than those that are listed.
func TestFieldsSayWhatTheyDidNotCount(t *testing.T) {
	long := strings.Repeat("x", 257)
	w := newBench(t, Parts{Events: shelf{event("q1", soc.Unassigned, long), event("q2", soc.Unassigned, long),
		event("q3", soc.Unassigned, "short")}}).as("", soc.Analyst)
	for _, f := range ask[FieldsAnswer](w, get, "/api/events/fields", nil).Items {
		if f.Approximate != (f.Name == "message") {
			t.Errorf("%s: %+v", f.Name, f)
		}
	}
}
