package console

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"hoalu/soc"
	"hoalu/state"
)

// TestASaveThatIsNotKnownOf: of a change that PostgreSQL took without an answer nobody is told that it was not done.
func TestASaveThatIsNotKnownOf(t *testing.T) {
	h := &desk{log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	gone := fmt.Errorf("commit: %w", pgconn.ErrConnClosed)
	unsure := fmt.Errorf("commit: %w: %w", state.ErrUnsure, pgconn.ErrConnClosed)
	for _, c := range []struct {
		err  error
		lang string
		code string
		want string
	}{
		{unsure, "en", "state_unsure", "It could not be told whether this was saved: the state database took it and did not answer."},
		{unsure, "vi", "state_unsure", "Chưa rõ việc này đã được lưu hay chưa: cơ sở dữ liệu trạng thái đã nhận nhưng không trả lời."},
		{gone, "en", "state_unavailable", "The state database does not answer: nothing can be shown or changed now."},
	} {
		p := h.problem(t.Context(), &call{Lang: c.lang}, c.err)
		if p.Status != 503 || p.Code != c.code || p.Detail != c.want || p.Do == "" {
			t.Errorf("problem(%v) in %s: %d %s %q %q", c.err, c.lang, p.Status, p.Code, p.Detail, p.Do)
		}
	}
}

// TestCauseOfAPartIsInTheReadersLanguage: the alert about a part tells the cause in both languages where the event has it so.
func TestCauseOfAPartIsInTheReadersLanguage(t *testing.T) {
	said := noteText(soc.Condition{Op: "note", Want: "part_trouble", Values: map[string]string{"part": "state", "cause": "the disk is full",
		"cause_vi": "đĩa đầy", "cause_en": "the disk is full"}}, names{})
	if !strings.HasSuffix(said["vi"], "đĩa đầy") || !strings.HasSuffix(said["en"], "the disk is full") {
		t.Errorf("said: %q", said)
	}
	older := noteText(soc.Condition{Op: "note", Want: "part_trouble", Values: map[string]string{"part": "state", "cause": "the disk is full"}}, names{})
	if !strings.HasSuffix(older["vi"], "the disk is full") {
		t.Errorf("of an event of an earlier version: %q", older)
	}
}
