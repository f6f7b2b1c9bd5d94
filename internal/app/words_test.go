package app

import (
	"strings"
	"testing"

	"hoalu/compliance/evidence"
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
