package app

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"

	"hoalu/compliance/evidence"
	"hoalu/console"
	"hoalu/internal/control"
	"hoalu/soc"
	"hoalu/triage"
)

// TestWordsOfPeopleHoldNoNumbers: what a duty officer types into a note, and what anyone gives as a reason, stands in the history and in
// the log of deeds, which nothing leaves again, as a pseudonym.
func TestWordsOfPeopleHoldNoNumbers(t *testing.T) {
	t.Parallel()
	const id = "037095001234"
	r := newRig(t)
	r.feed(0, 60)
	r.eventually("an alert", func() bool { return len(r.alerts()) > 0 })
	ctx := t.Context()
	everything := soc.Scope{All: true}
	page, err := r.triage.List(ctx, everything, triage.Query{Limit: 1})
	if err != nil || len(page.Items) == 0 {
		t.Fatalf("alerts: %v", err)
	}
	al := page.Items[0]
	officer := soc.Actor{ID: "u1", Name: "cán bộ " + id, Roles: []soc.Role{soc.Analyst}}
	if _, err := r.triage.Note(ctx, officer, everything, []triage.Ref{{ID: al.ID}}, "chủ tài khoản là "+id+", mật khẩu: Abc@123"); err != nil {
		t.Fatal(err)
	}
	notes, err := r.triage.History(ctx, everything, al.ID)
	if err != nil {
		t.Fatal(err)
	}
	said := ""
	for _, n := range notes {
		said += n.Text + "\n"
	}
	if strings.Contains(said, id) || strings.Contains(said, "Abc@123") || !strings.Contains(said, "chủ tài khoản là tk:c") {
		t.Errorf("history: %s", said)
	}
	deeds, err := evidence.After(ctx, r.state.Read(), 0, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	seen := false
	for _, d := range deeds {
		seen = seen || d.Actor.ID == "u1"
		for _, text := range []string{d.Reason, d.Object, d.Actor.Name} {
			if strings.Contains(text, id) {
				t.Errorf("deed %d (%s) holds the number: %q", d.Number, d.Action, text)
			}
		}
		for k, text := range d.Details {
			if strings.Contains(text, id) {
				t.Errorf("deed %d (%s) holds the number in %s: %q", d.Number, d.Action, k, text)
			}
		}
	}
	if !seen {
		t.Error("the officer's deeds are not on record")
	}
}

// TestWhatIsNotThereIsNamed: who gives a number that there is not is told of what kind it is and where to look it up, in both languages.
func TestWhatIsNotThereIsNamed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := control.NewClient(r.opts.Data)
	ctx := context.Background()
	for _, tc := range []struct{ method, path, query, en, vi string }{
		{"POST", "/import", "source=NG-999", "Source NG-999 is not in the inventory. Give its NG- number from the page Sources, sensors.",
			"Danh mục không có nguồn NG-999. Ghi mã NG- của nguồn như ở trang Nguồn, cảm biến."},
		{"GET", "/source/keys", "source=NG-999", "Source NG-999 is not in the inventory. Give its NG- number from the page Sources, sensors.",
			"Danh mục không có nguồn NG-999. Ghi mã NG- của nguồn như ở trang Nguồn, cảm biến."},
		{"POST", "/source/key/revoke", "source=NG-999&key=k", "Source NG-999 is not in the inventory. Give its NG- number from the page Sources, sensors.",
			"Danh mục không có nguồn NG-999. Ghi mã NG- của nguồn như ở trang Nguồn, cảm biến."},
		{"POST", "/sensor/invite", "system=HT-999&ttl=1h", "System HT-999 is not in the inventory. Look up its HT- number on the page Systems.",
			"Danh mục không có hệ thống HT-999. Ghi mã HT- của hệ thống như ở trang Hệ thống."},
		{"POST", "/national/test", "destination=9", "There is no receiving point 9. hoalu national status lists the receiving points with their numbers.",
			"Không có điểm tiếp nhận số 9. Xem các điểm tiếp nhận và số của chúng bằng: hoalu national status"},
		{"DELETE", "/national/endpoint", "destination=9",
			"There is no receiving point 9. hoalu national status lists the receiving points with their numbers.",
			"Không có điểm tiếp nhận số 9. Xem các điểm tiếp nhận và số của chúng bằng: hoalu national status"},
		{"POST", "/quarantine/replay", "ids=x", "x is not in quarantine. hoalu quarantine list lists what is.",
			"Không có mục cách ly x. Xem các mục cách ly bằng: hoalu quarantine list"},
	} {
		q, err := url.ParseQuery(tc.query)
		if err != nil {
			t.Fatal(err)
		}
		err = c.Call(ctx, tc.method, tc.path, q, nil, nil)
		var p *soc.Problem
		if !errors.As(err, &p) {
			t.Errorf("%s %s?%s: %v, want a problem", tc.method, tc.path, tc.query, err)
			continue
		}
		if en, vi := console.ProblemText("en", p), console.ProblemText("vi", p); err.Error() != tc.en || vi != tc.vi || en == vi {
			t.Errorf("%s %s?%s:\n%s\n%s\n%s", tc.method, tc.path, tc.query, err, en, vi)
		}
	}
}
