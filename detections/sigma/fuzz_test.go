package sigma_test

import (
	"testing"

	"hoalu/detections/sigma"
	"hoalu/ecs"
)

// FuzzParse: any text gives documents or refusals, never a panic, and what compiles can be matched and explained; the index agrees
// with the plain loop.
func FuzzParse(f *testing.F) {
	f.Add([]byte(rule("product: windows", "a: {A|contains|windash: ' -x*'}\nb: [k, {B|re|i: 'x.*y'}]\ncondition: 1 of them and not b")),
		[]byte(`{"A":"/x 1","B":["xy",null]}`))
	f.Add([]byte("title: c\ncorrelation: {type: temporal, rules: [x, y], timespan: 5m, condition: x or y}\n---\ntitle: f\nlogsource: {product: windows}\nfilter: {rules: any, s: {A: 1}, condition: not s}"), []byte(`{}`))
	f.Add([]byte(rule("category: process_creation", "a: {A|base64offset|contains: x, B|fieldref: A, C|cidr: '::1'}\ncondition: not a")),
		[]byte(`{"C":"::1"}`))
	tax := words(f)
	f.Fuzz(func(t *testing.T, rules, doc []byte) {
		var p ecs.Parser
		var e ecs.Event
		if p.Parse(&e, doc) != nil {
			return
		}
		e.SetLogsource("windows", "", "process_creation")
		d := &sigma.Documents{}
		d.Parse("fuzz.yml", rules, sigma.Values{})
		set, refused := sigma.Compile(d, sigma.Options{Taxonomy: tax})
		for _, r := range append(d.Refused, refused...) {
			if r.Why == nil {
				t.Fatalf("refused without a reason: %+v", r)
			}
		}
		m := set.NewMatcher()
		got, naive := m.Match(&e, nil), m.MatchNaive(&e, nil)
		if len(got) != len(naive) {
			t.Fatalf("index finds %d, plain loop %d\n%s\n%s", len(got), len(naive), rules, doc)
		}
		for _, r := range set.Rules {
			m.Explain(r, &e)
		}
	})
}
