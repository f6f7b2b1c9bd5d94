package app

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"hoalu/soc"
)

// TestReplayOfWhatIsNotThere: numbers that nothing in quarantine has, of whatever form, are told as absent; nothing is replayed, and the
// audit log does not say that anything was.
func TestReplayOfWhatIsNotThere(t *testing.T) {
	t.Parallel()
	s := &site{rig: newRig(t), tokens: map[soc.Role]string{}}
	secret, err := CreateToken(context.Background(), s.opts.Data, "admin", []soc.Role{soc.Administrator}, "", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"x", "", "../../state.db", strings.Repeat("9", 4000), "1-1-1\x00", "đ"} {
		body, err := json.Marshal(map[string]any{"ids": []string{id}})
		if err != nil {
			t.Fatal(err)
		}
		if r := s.ask(secret, "POST", "/api/quarantine/replay", string(body)); r.status < 400 || r.status >= 500 {
			t.Errorf("replay of %.20q: %d %.300s, want 4xx", id, r.status, r.body)
		}
	}
	if r := s.ask(secret, "GET", "/api/audit?action=quarantine.replay", ""); r.status != 200 ||
		strings.Contains(r.body, `"quarantine.replay"`) {
		t.Errorf("the audit log: %d %s", r.status, r.body)
	}
}
