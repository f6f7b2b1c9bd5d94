package triage_test

import (
	"testing"

	"hoalu/soc"
	"hoalu/state/statetest"
	"hoalu/triage"
	"hoalu/triage/triagetest"
)

func BenchmarkList(b *testing.B) {
	db := statetest.Open(b)
	d := open(b, db)
	d.apply(1, firing("r1", "bench-0", "e1", 0))
	// What stands in a row (trace, events) is as long as in use.
	if err := triagetest.Multiply(b.Context(), db, 50_000, map[string]string{"trace": "t.trace || printf('%2000s', '')"}); err != nil {
		b.Fatal(err)
	}
	open := triage.Filter{States: []string{"open"}, Exercise: triage.Without}
	for _, c := range []struct {
		name   string
		sort   string
		change func(*triage.Filter)
	}{
		{"score", "-score", nil}, {"severity", "-severity", nil}, {"count", "count", nil}, {"last", "last", nil},
		{"critical by score", "-score", func(f *triage.Filter) { f.Severities = []soc.Severity{soc.Critical} }},
		{"critical by last", "last", func(f *triage.Filter) { f.Severities = []soc.Severity{soc.Critical} }},
		{"critical by severity", "severity", func(f *triage.Filter) { f.Severities = []soc.Severity{soc.Critical} }},
		{"informational by score", "-score", func(f *triage.Filter) { f.Severities = []soc.Severity{soc.Informational} }},
		{"word of all", "-score", func(f *triage.Filter) { f.Text = "mật khẩu" }},
		{"word of ten", "-score", func(f *triage.Filter) { f.Text = "bench-777" }},
		{"word of none", "-score", func(f *triage.Filter) { f.Text = "vô danh" }},
		{"closed by last", "-last", func(f *triage.Filter) { f.States = []string{soc.AlertClosed} }},
		{"closed by score", "-score", func(f *triage.Filter) { f.States = []string{soc.AlertClosed} }},
		{"closed, word of none", "-score", func(f *triage.Filter) { f.States = []string{soc.AlertClosed}; f.Text = "vô danh" }},
	} {
		f := open
		if c.change != nil {
			c.change(&f)
		}
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				if _, err := d.List(b.Context(), all, triage.Query{Filter: f, Sort: c.sort, Limit: 100}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("counts", func(b *testing.B) {
		for b.Loop() {
			if _, err := d.Counts(b.Context(), all, "a1", false); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("groups", func(b *testing.B) {
		for b.Loop() {
			if _, _, err := d.Groups(b.Context(), all, open, "entity", 100); err != nil {
				b.Fatal(err)
			}
		}
	})
}
