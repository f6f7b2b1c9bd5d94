package wording

import (
	"encoding/json"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"time"
)

// TestProblemCrossesProcesses: what one process finds wrong, another says in its own language with the same values.
func TestProblemCrossesProcesses(t *testing.T) {
	vi := map[string]string{"key %q stands twice": "khóa %q viết hai lần", "the disk is full": "đĩa đầy", "%s: %s": "%s – %s",
		"100 %% of %d in %s": "100 %% của %d trong %s", "mode %04o, %08x": "quyền %04o, %08x", "bad: %s": "hỏng: %s"}
	translate := func(s string) string {
		if v, ok := vi[s]; ok {
			return v
		}
		return s
	}
	for _, c := range []struct {
		p              *Problem
		english, there string
	}{
		{New("key %q stands twice", `a"b`), `key "a\"b" stands twice`, `khóa "a\"b" viết hai lần`},
		{New("%s: %s", "f", Word("the disk is full")), "f: the disk is full", "f – đĩa đầy"},
		{New("bad: %s", New("key %q stands twice", "x")), `bad: key "x" stands twice`, `hỏng: khóa "x" viết hai lần`},
		{New("bad: %s", errors.New("boom")), "bad: boom", "hỏng: boom"},
		{New("100 %% of %d in %s", 7, 3*time.Second), "100 % of 7 in 3s", "100 % của 7 trong 3s"},
		{New("mode %04o, %08x", fs.FileMode(0o644), uint32(0xa1b2)), "mode 0644, 0000a1b2", "quyền 0644, 0000a1b2"},
		{New("bad: %s", ""), "bad: ", "hỏng: "},
	} {
		data, err := json.Marshal(c.p)
		if err != nil {
			t.Fatalf("Marshal(%q): %v", c.english, err)
		}
		var got *Problem
		if err := json.Unmarshal(data, &got); err != nil {
			t.Fatalf("Unmarshal(%s): %v", data, err)
		}
		if got.Error() != c.english || got.Say(translate) != c.there || c.p.Error() != c.english {
			t.Errorf("%s\n said %q and %q, want %q and %q", data, got.Error(), got.Say(translate), c.english, c.there)
		}
	}
}

// TestProblemFromOutsideStaysSmall: a sentence that asks for much room gets none.
func TestProblemFromOutsideStaysSmall(t *testing.T) {
	values := strings.TrimSuffix(strings.Repeat(`{"text":"1"},`, 100), ",")
	for _, format := range []string{"%999999d", "%999999T", "%999T", "%[1]s", "%-[1]d", "%*d", "%.*f", "%.999999f", "%"} {
		var p *Problem
		if err := json.Unmarshal([]byte(`{"format":"`+format+`","values":[`+values+`]}`), &p); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v, want ErrFormat", format, err)
		}
	}
	var p *Problem // the longest there is: a word repeated by a word
	if err := json.Unmarshal([]byte(`{"format":"`+strings.Repeat("%999d", 100)+`","values":[`+values+`]}`), &p); err != nil {
		t.Fatal(err)
	}
	if said := p.Error(); said != strings.Repeat("1", 100) {
		t.Errorf("%d bytes said: %.100s", len(said), said)
	}
	// values that are not there, or too many
	for format, want := range map[string]string{"a %s %s": "a 1 %!s(MISSING)", "a": "a%!(EXTRA wording.given=1)"} {
		if err := json.Unmarshal([]byte(`{"format":"`+format+`","values":[{"text":"1"}]}`), &p); err != nil || p.Error() != want {
			t.Errorf("%s: %v, %q; want %q", format, err, p.Error(), want)
		}
	}
}
