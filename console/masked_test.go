package console

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"hoalu/soc"
)

type titles []soc.RuleInfo

func (t titles) Rules() []soc.RuleInfo                                  { return t }
func (t titles) Refused() []RefusedRule                                 { return nil }
func (t titles) AlertsByRule(context.Context) (map[string]int64, error) { return nil, nil }
func (t titles) Feeds(context.Context) map[string]soc.Feed              { return nil }

// The officer sees hosts, accounts and addresses masked; filters on them answered yes or no, so that each was read letter by letter.
func TestMaskedValuesAnswerNoFilter(t *testing.T) {
	parts, q := somethingHappened()
	parts.Rules = titles{{ID: "r1", Title: map[string]string{"vi": "Đoán mật khẩu", "en": "Password guessing"}},
		{ID: "r2", Title: map[string]string{"vi": "Tra cứu hàng loạt", "en": "Mass lookup"}}}
	b := newBench(t, parts)
	dpo := b.as("", soc.DPO)
	dpo.header.Set("Accept-Language", "vi")
	for _, path := range []string{"user=lan", "user=l", "host=web", "address=10.0.0.9", "group=entity", "group_key=user%3Dlan",
		"group_key=host%3Dx", "group_key=address%3D10.0.0.9"} {
		p := dpo.refused(get, "/api/alerts?"+path, nil, 403, "masked_filter")
		if len(p.Fields) != 1 || !strings.HasPrefix(path, p.Fields[0].Name+"=") || p.Do == "" {
			t.Errorf("%s: the refusal names %+v", path, p.Fields)
		} else if f := p.Fields[0]; f.Label == f.Name || !strings.Contains(p.Detail, "lọc theo "+f.Label) {
			t.Errorf("%s: the refusal says %q of %q (%q), want the label that the page has for it", path, p.Detail, f.Name, f.Label)
		}
	}
	// Words are looked for in titles and numbers alone: no letter of a masked value makes a difference.
	for text, want := range map[string]string{"lan": "", "an 1": "", "10.0": "", "tk:c1": "", "tra cuu": "a2", "Mass": "a2", "password": "",
		"CB-2026-000002": "a2", "cb-2026-000001": "", "CB-2026": ""} {
		got := ask[AlertsAnswer](dpo, get, "/api/alerts?q="+url.QueryEscape(text), nil)
		if ids(got.Items) != want {
			t.Errorf("q=%s finds %q, want %q", text, ids(got.Items), want)
		}
		if q.last.Text != "" {
			t.Errorf("q=%s: the words %q reach the search over masked columns", text, q.last.Text)
		}
	}
	for _, group := range []string{"rule", "system"} {
		if s, body := dpo.do(get, "/api/alerts?group="+group, nil); s != 200 || strings.Contains(string(body), "dvc-web-02") {
			t.Errorf("group=%s: %d %s", group, s, body)
		}
	}
	// Who sees the values filters by them as before.
	if got := ask[AlertsAnswer](b.as("", soc.Analyst), get, "/api/alerts?user=lan", nil); ids(got.Items) != "a2" {
		t.Errorf("an analyst's filter finds %q", ids(got.Items))
	}
}
