package console

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"hoalu/soc"
)

// cells is a Posture whose findings a test sets by instant; the newest at or before the asked one holds.
type cells struct {
	controls []Control
	at       map[int64][]Finding // 0 is now
	due      *soc.Deadline       // of every system
}

func (c *cells) Transition(soc.System) (soc.Deadline, bool) {
	if c.due == nil {
		return soc.Deadline{}, false
	}
	return *c.due, true
}

func (c *cells) Controls() []Control { return c.controls }

func (c *cells) Findings(_ context.Context, system string, at int64) ([]Finding, error) {
	best := int64(-1)
	for t := range c.at {
		if t <= at && t > best {
			best = t
		}
	}
	if at == 0 {
		best = 0
	}
	return c.at[best], nil
}

func (c *cells) Between(context.Context, string, int64, int64) ([]Finding, error) { return nil, nil }

func (c *cells) Tally(ctx context.Context, system string) (Tally, error) {
	list, err := c.Findings(ctx, system, 0)
	t := Tally{Controls: map[soc.PostureState]int{}, Tile: soc.NotMet}
	for _, f := range list {
		if strings.HasPrefix(f.Control, "LAYER") {
			t.Layers = append(t.Layers, f)
		}
	}
	return t, err
}

func cell(control string, state soc.PostureState, code string, values ...string) Finding {
	v := map[string]string{}
	for i := 0; i+1 < len(values); i += 2 {
		v[values[i]] = values[i+1]
	}
	return Finding{Finding: soc.Finding{Control: control, State: state, Since: 1_700_000_000_000,
		Because: []soc.Because{{Code: code, Values: v}}}, Score: -1}
}

func someControls() []Control {
	return []Control{
		{ID: "L3-A", Framework: "level3", Group: "server", Title: Text{"vi": "A", "en": "A"}, Mode: "auto", Checked: true},
		{ID: "L3-B", Framework: "level3", Group: "policy", Title: Text{"vi": "B", "en": "B"}, Mode: "semi",
			How: Text{"vi": "Quy chế có số.", "en": "A numbered policy."}},
		{ID: "L3-C", Framework: "level3", Group: "server", Title: Text{"vi": "C", "en": "C"}, Mode: "auto", Checked: true},
		{ID: "LAYER-4", Framework: Organisation, About: "appliance", Title: Text{"vi": "D", "en": "D"}},
	}
}

// TestCompareListsExactlyWhatDiffers: what changed and came back is not listed, and each cell listed differs between the two answers.
func TestCompareListsExactlyWhatDiffers(t *testing.T) {
	now := time.Now()
	day := func(n int) int64 { return now.AddDate(0, 0, n).UnixMilli() }
	parts, _ := somethingHappened()
	at := func(a, b, c, d soc.PostureState) []Finding {
		return []Finding{cell("L3-A", a, "source_silent"), cell("L3-B", b, "no_check"), cell("L3-C", c, "clock_ok"),
			cell("LAYER-4", d, "no_endpoint")}
	}
	parts.Posture = &cells{controls: someControls(), at: map[int64][]Finding{
		day(-10): at(soc.Met, soc.Unknown, soc.Met, soc.NotMet),
		day(-5):  at(soc.Unknown, soc.Unknown, soc.Met, soc.NotMet),
		day(-2):  at(soc.Met, soc.Unknown, soc.NotMet, soc.NotMet),
		0:        at(soc.Met, soc.Unknown, soc.NotMet, soc.Met),
	}}
	b := newBench(t, parts)
	auditor := b.as("", soc.Auditor)
	for _, c := range []struct{ from, to, want string }{
		{now.AddDate(0, 0, -9).Format(time.RFC3339), now.AddDate(0, 0, -1).Format(time.RFC3339), "L3-C:met→not_met"},
		{now.AddDate(0, 0, -9).Format(time.RFC3339), now.AddDate(0, 0, -4).Format(time.RFC3339), "L3-A:met→unknown"},
		{now.AddDate(0, 0, -9).Format(time.RFC3339), "", "L3-C:met→not_met LAYER-4:not_met→met"},
	} {
		got := ask[PostureDifference](auditor, get, "/api/systems/HT-001/posture/compare?from="+strings.ReplaceAll(c.from, "+", "%2B")+"&to="+
			strings.ReplaceAll(c.to, "+", "%2B"), nil)
		var list []string
		for _, x := range got.Items {
			list = append(list, x.Control+":"+string(x.From)+"→"+string(x.To))
			if x.Layer != strings.HasPrefix(x.Control, "LAYER") || len(x.Because) == 0 {
				t.Errorf("%s: layer %v because %v", x.Control, x.Layer, x.Because)
			}
		}
		if s := strings.Join(list, " "); s != c.want || got.Total != int64(len(list)) {
			t.Errorf("from %s to %q: %q of %d, want %q", c.from, c.to, s, got.Total, c.want)
		}
	}
	auditor.refused(get, "/api/systems/HT-001/posture/compare?from=2026-03-02&to=2026-03-01", nil, 422, "range_empty")
	b.as("DV-01", soc.Owner).refused(get, "/api/systems/HT-002/posture/compare", nil, 404, "absent")
}

// TestEveryCellSaysWhyAndWhatToDo: reasons and steps carry the values, in both languages; what is met asks for nothing.
func TestEveryCellSaysWhyAndWhatToDo(t *testing.T) {
	parts, _ := somethingHappened()
	stale := cell("L3-C", soc.Unknown, "evidence_stale", "evidence", "store")
	stale.Because = append(stale.Because, soc.Because{Code: "retention_reached", Values: map[string]string{"days": "97", "floor_days": "90"}})
	stale.LastKnown, stale.Evidence = soc.Met, []soc.Evidence{{ID: "store", At: 1, MaxAge: 2}, {ID: "kind:logon", At: 1, MaxAge: 2},
		{ID: "NG-0003", At: 1, MaxAge: 2, Value: "fw-dmz-01"}}
	parts.Posture = &cells{controls: someControls(), at: map[int64][]Finding{0: {
		cell("L3-A", soc.NotMet, "kinds_absent", "kinds", "process, access"), cell("L3-B", soc.Unknown, "no_check"), stale,
		cell("LAYER-4", soc.NotMet, "no_endpoint")}}}
	b := newBench(t, parts)
	p := ask[PostureAnswer](b.as("", soc.Auditor), get, "/api/systems/HT-001/posture", nil)
	has := func(where string, got Text, vi, en string) {
		t.Helper()
		if !strings.Contains(got["vi"], vi) || !strings.Contains(got["en"], en) || strings.Contains(got["vi"]+got["en"], "{") {
			t.Errorf("%s: %v, want %q and %q", where, got, vi, en)
		}
	}
	if len(p.Findings) != 3 || len(p.Layers) != 1 {
		t.Fatalf("%d findings, %d layers", len(p.Findings), len(p.Layers))
	}
	listed := ask[SystemsAnswer](b.as("", soc.Auditor), get, "/api/systems", nil).Items
	if len(listed) == 0 || len(listed[0].Layers) != 1 || listed[0].Layers[0].About != "appliance" || p.Layers[0].About != "appliance" {
		t.Errorf("the layer of the appliance is not told from the system's own: %+v, listed %+v", p.Layers, listed)
	}
	for _, f := range p.Findings {
		if len(f.Fix) != 3 {
			t.Errorf("%s has %d steps", f.Control, len(f.Fix))
		}
	}
	a, noCheck, old := p.Findings[0], p.Findings[1], p.Findings[2]
	has("kinds", a.Because[0].Text, "tiến trình, truy cập", "processes, access")
	has("first step", a.Fix[0], "tiến trình, truy cập", "processes, access")
	has("what evidence decides", noCheck.Fix[0], "Quy chế có số.", "A numbered policy.")
	has("who does it", noCheck.Fix[2], "đề xuất", "our proposal")
	has("stale", old.Because[0].Text, "“Kho sự kiện của máy này” đã quá hạn tin", "event store")
	has("what was true before", old.Because[1].Text, "Trước đó: Đã lưu 97 ngày", "Before: Kept for 97 days")
	has("evidence", old.Evidence[0].Title, "Kho sự kiện", "event store")
	has("evidence of a kind", old.Evidence[1].Title, "loại: đăng nhập", "kind: log-ons")
	if old.Evidence[2].Title != nil {
		t.Errorf("a source has its own name, not %v", old.Evidence[2].Title)
	}
	if layer := p.Layers[0]; len(layer.Fix) != 3 {
		t.Errorf("layer 4 has %d steps", len(layer.Fix))
	} else {
		has("layer", layer.Because[0].Text, "Chưa đặt điểm tiếp nhận", "No receiving point")
	}
	if got := steps(soc.Met, []soc.Because{{Code: "clock_ok"}}, Control{}); len(got) != 0 {
		t.Errorf("met, and yet to do: %v", got)
	}
	if got := because([]soc.Because{{Code: "source_silent",
		Values: map[string]string{"count": "1", "of": "2", "sources": "NG-1"}}})[0].Text["vi"]; strings.ContainsAny(got, "{}") {
		t.Errorf("an interval of before, without minutes: %q", got)
	}
}

func TestTransition(t *testing.T) {
	at := func(s string) int64 {
		x, err := time.ParseInLocation("2006-01-02 15:04:05", s, soc.Zone)
		if err != nil {
			t.Fatal(err)
		}
		return x.UnixMilli()
	}
	transition := soc.Deadline{Kind: "transition", Due: at("2027-06-30 23:59:59"), Document: "Luật 116/2025/QH15", Article: "Đ45.1", Mark: "V"}
	appraisal := soc.Deadline{Kind: "appraisal", Due: at("2026-12-31 23:59:59"), Document: "NĐ 331/2026/NĐ-CP", Article: "Đ39.1", Mark: "V"}
	measures := soc.Deadline{Kind: "measures", Due: at("2027-06-30 23:59:59"), Document: "NĐ 331/2026/NĐ-CP", Article: "Đ39.1", Mark: "V"}
	for _, c := range []struct {
		due  soc.Deadline
		now  string
		days int
	}{
		{transition, "2026-11-22 00:00:00", 220},
		{transition, "2026-11-21 23:59:59", 221}, // 16:59:59 UTC
		{transition, "2027-06-29 23:59:59", 1},
		{transition, "2027-06-30 00:00:00", 0},
		{transition, "2027-06-30 23:59:59", 0},
		{transition, "2027-07-01 00:00:00", -1},
		{transition, "2027-07-01 23:59:59", -1},
		{transition, "2027-07-02 00:00:00", -2},
		{appraisal, "2026-12-31 12:00:00", 0},
		{measures, "2026-12-31 12:00:00", 181},
	} {
		d := deadline(&cells{due: &c.due}, soc.System{}, at(c.now))
		if d == nil || d.Kind != c.due.Kind || d.Days != c.days {
			t.Errorf("%s at %s: %+v, want %d days", c.due.Kind, c.now, d, c.days)
			continue
		}
		if !d.Approx || d.Law.Mark != "V" || d.Law.Document != c.due.Document || d.Law.Article != c.due.Article || d.Law.Note["vi"] == "" ||
			d.Law.Note["en"] == "" || d.Text["vi"] == d.Text["en"] {
			t.Errorf("%s: source and certainty are not said: %+v", c.due.Kind, d)
		}
	}
	if d := deadline(&cells{}, soc.System{}, at("2026-11-22 00:00:00")); d != nil {
		t.Errorf("where the law sets no date: %+v, want none", d)
	}
}

// TestSystemsByUnknownShare: the list sorts by the share of requirements that are unknown, both ways; of a system nobody looked at all
// of it is.
func TestSystemsByUnknownShare(t *testing.T) {
	rows := []SystemItem{
		{ID: "HT-1", Controls: &Counts{Met: 9, Unknown: 1}},
		{ID: "HT-2"},
		{ID: "HT-3", Controls: &Counts{NotMet: 2, Unknown: 2}},
		{ID: "HT-4", Controls: &Counts{NotApplicable: 3}},
	}
	for by, want := range map[string]string{"unknown": "HT-4 HT-1 HT-3 HT-2", "-unknown": "HT-2 HT-3 HT-1 HT-4"} {
		got := slices.Clone(rows)
		sortSystems(got, by)
		var ids []string
		for _, r := range got {
			ids = append(ids, r.ID)
		}
		if strings.Join(ids, " ") != want {
			t.Errorf("by %s: %v, want %s", by, ids, want)
		}
	}
	w := newBench(t, everything()).as("", soc.Lead)
	if got := ask[SystemsAnswer](w, get, "/api/systems?sort=-unknown", nil); len(got.Items) == 0 {
		t.Error("no systems by the share unknown")
	}
}
