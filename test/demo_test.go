package test

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestDemo: the sample province comes with alerts of many rules, all marked as sample, none as an exercise, with its citizens'
// numbers as tokens; removing it takes the alerts away.
func TestDemo(t *testing.T) {
	a := startAppliance(t, quiet, "")
	a.must("demo", "load", "--data", a.data)
	var got []alert
	until(t, "sample alerts", 20*time.Second, func() bool { got = a.alerts("analyst", ""); return len(got) >= 20 })
	rules, severities := map[string]bool{}, map[string]bool{}
	personal := false
	for _, x := range got {
		rules[x.Rule], severities[x.Severity] = true, true
		if !x.Demo || x.Exercise {
			t.Errorf("%s %q: demo %v, exercise %v; want sample and no exercise", x.Number, x.Title["en"], x.Demo, x.Exercise)
		}
		if !strings.HasPrefix(x.Host, "mau-") {
			t.Errorf("%s %q: host %q is not one of the sample's", x.Number, x.Title["en"], x.Host)
		}
		if strings.Contains(x.Evidence, "cccd=037") {
			t.Errorf("%s shows a citizen's number: %s", x.Number, x.Evidence)
		}
		personal = personal || strings.Contains(x.Evidence, "cccd=tk:")
	}
	if len(rules) < 15 || len(severities) < 4 || !personal {
		t.Errorf("%d alerts of %d rules and %d severities, personal data %v; want 15 rules, 4 severities and one with personal data", len(got),
			len(rules), len(severities), personal)
	}
	a.must("demo", "remove", "--data", a.data)
	if left := a.alerts("analyst", ""); len(left) > 0 {
		t.Errorf("%d alerts are left after the sample was removed: %s", len(left), left[0].Title["en"])
	}
}

// TestTry: `hoalu try` where no probe runs shows all its alerts, marked as exercises; the same lines with a false mark are real
// alerts, and do not mix with those of the exercise.
func TestTry(t *testing.T) {
	a := startAppliance(t, quiet, "")
	out, errs, code := a.run("try", "--data", a.data)
	if code != 0 {
		t.Fatalf("hoalu try: exit %d\n%s%s", code, out, errs)
	}
	var page struct{ Items []alert }
	a.get("analyst", "/api/alerts?view=exercise&from=1000000000000&limit=500", &page)
	got := page.Items
	if len(got) < 5 {
		t.Fatalf("%d exercise alerts, want 5:\n%s", len(got), out)
	}
	for _, x := range got {
		if !x.Exercise || x.Demo {
			t.Errorf("%s %q: exercise %v, demo %v; want an exercise", x.Number, x.Title["en"], x.Exercise, x.Demo)
		}
		if !strings.Contains(out, x.Number) {
			t.Errorf("%s %q is not in what hoalu try printed:\n%s", x.Number, x.Title["en"], out)
		}
	}
	if strings.Count(out, "no real") != 2 {
		t.Errorf("try does not say that process and packets are only told of:\n%s", out)
	}
	if real := a.alerts("analyst", ""); slices.ContainsFunc(real, func(x alert) bool { return !x.Exercise }) {
		t.Errorf("the exercise made real alerts: %+v", real[0])
	}

	// Lines of the same look with a mark that this appliance did not make are a real attack.
	conn, err := net.Dial("tcp", "127.0.0.1:"+a.ports.syslog)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for i := range 9 {
		fmt.Fprintf(conn, "<38>1 %s gia-mao sshd 1 - [exercise@32473 mark=\"hlx%s\"] Failed password for dientap from 198.18.7.7 port %d ssh2\n",
			time.Now().UTC().Format(time.RFC3339Nano), strings.Repeat("a", 29), 40000+i)
	}
	until(t, "the alert of a forged exercise", 15*time.Second, func() bool {
		return slices.ContainsFunc(a.alerts("analyst", ""), func(x alert) bool { return x.Address == "198.18.7.7" && !x.Exercise })
	})
}
