package taxonomy

import (
	"strings"
	"testing"
	"testing/fstest"

	"hoalu/ecs"
)

// TestNames: what an event field answers for, and before what.
func TestNames(t *testing.T) {
	tax, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	ls := func(product, service string, category ...string) ecs.Logsource {
		return ecs.Logsource{Product: product, Service: service, Category: category}
	}
	tests := []struct {
		ls    ecs.Logsource
		event string
		field string
		want  bool
	}{
		{ls("windows", "sysmon", "process_creation"), "winlog.event_data.Image", "Image", true},
		{ls("windows", "security", "process_creation"), "NewProcessName", "Image", true},
		{ls("windows", "security", "process_creation"), "winlog.event_data.NewProcessName", "Image", true},
		{ls("windows", "security", "process_creation"), "Event.EventData.ParentProcessName", "ParentImage", true},
		{ls("windows", "security", "process_creation"), "winlog.event_data.MandatoryLabel", "IntegrityLevel", true},
		{ls("windows", "security", "process_creation"), "winlog.event_data.SubjectUserName", "User", true},
		{ls("windows", "security", "process_creation"), "winlog.event_data.SubjectDomainName", "User", true},
		{ls("windows", "security", "process_creation"), "winlog.event_data.TargetUserName", "User", false},
		{ls("windows", "security"), "winlog.event_data.MandatoryLabel", "IntegrityLevel", false},
		{ls("windows", "security"), "NewProcessName", "Image", false},
		{ls("windows", "windefend"), "Event.EventData.Threat Name", "ThreatName", true},
		{ls("windows", ""), "Event.UserData.Op_Failure.User", "User", true},
		{ls("windows", ""), "SourceName", "Provider_Name", true},
		{ls("windows", ""), "Hostname", "Computer", true},
		{ls("windows", ""), "process.executable", "Image", false},
		{ls("linux", "", "process_creation"), "process.executable", "Image", true},
		{ls("linux", "auditd"), "auditd.data.a0", "a0", true},
		{ls("nginx", "", "webserver"), "url.original", "cs-uri-query", true},
		{ls("", "", "webserver"), "http.response.status_code", "sc-status", true},
		{ls("hoalu", "packet", "dns"), "dns.question.name", "query", true},
		{ls("hoalu", "packet", "dns"), "url.query", "cs-uri-query", false},
		{ls("aws", "cloudtrail"), "aws.cloudtrail.eventName", "eventName", true},
	}
	for _, tt := range tests {
		got := false
		for _, n := range tax.Names(nil, tt.ls, tt.event) {
			got = got || n.Field == tt.field
		}
		if got != tt.want {
			t.Errorf("%s of %+v for %s: %v, want %v", tt.event, tt.ls, tt.field, got, tt.want)
		}
	}
	prio := func(event string) uint8 {
		for _, n := range tax.Names(nil, ls("windows", ""), event) {
			if n.Field == "Provider_Name" {
				return n.Prio
			}
		}
		t.Fatalf("%s is no Provider_Name", event)
		return 0
	}
	if a, b := prio("winlog.provider_name"), prio("SourceName"); a >= b || a == 0 {
		t.Errorf("winlog.provider_name has priority %d, SourceName %d", a, b)
	}
	if !tax.Knows("webserver") || tax.Knows("made up") {
		t.Error("Knows: webserver must be known, others not")
	}
}

// TestLoadRefuses: a table that cannot work is an error that says where.
func TestLoadRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"fields: {A: [b]}":                               "no log source",
		"logsource: {product: x}\nfield: {A: [b]}":       "field field not found",
		"logsource: {product: x}\nfields: {A: {b: c}}":   "cannot unmarshal",
		"logsource: {product: x}\n---\nlogsource: [x]\n": "cannot unmarshal",
	} {
		_, err := Load(fstest.MapFS{"a.yml": {Data: []byte(text)}})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "a.yml") {
			t.Errorf("Load(%q): %v, want a.yml and %q", text, err, want)
		}
	}
}
