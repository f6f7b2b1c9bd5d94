package app

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"hoalu/ecs/wire"
	"hoalu/soc"
)

// TestAProvinceCanBeDeclared walks what an administrator does: unit, system, asset, source; then an event of the declared host belongs
// to its system and its posture knows the host, and what is in use cannot go.
func TestAProvinceCanBeDeclared(t *testing.T) {
	s := &site{rig: newRig(t), tokens: map[soc.Role]string{}}
	for _, role := range []soc.Role{soc.Administrator, soc.Lead} {
		secret, err := CreateToken(context.Background(), s.opts.Data, string(role), []soc.Role{role}, "", time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		s.tokens[role] = secret
	}
	do := func(method, path, body string, out any) reply {
		t.Helper()
		r := s.ask(s.tokens[soc.Administrator], method, path, body)
		if out != nil && (r.status != 200 || json.Unmarshal([]byte(r.body), out) != nil) {
			t.Fatalf("%s %s %s: %d %s", method, path, body, r.status, r.body)
		}
		return r
	}
	var unit, system struct {
		ID      string
		Version int64
	}
	do("POST", "/api/units", `{"name":"Sở Y tế","kind":"department"}`, &unit)
	do("POST", "/api/systems", `{"name":"Hồ sơ sức khỏe","unit":"`+unit.ID+`","level":3}`, &system)
	var done struct {
		Done  bool
		Added int
		Wrong []struct{ Line int }
	}
	do("POST", "/api/assets/import", `{"system":"`+system.ID+`","text":"host;ip\nyte-web;192.0.2.10\nyte-db;192.0.2.11\n"}`, &done)
	if !done.Done || done.Added != 2 {
		t.Fatalf("import of assets: %+v", done)
	}

	send := func(host, peer string) {
		t.Helper()
		line := fmt.Sprintf("<86>%s %s sshd[4001]: Accepted password for quantri from 198.51.100.7 port 4001 ssh2", time.Now().Format(time.Stamp),
			host)
		if err := s.put(soc.SourceSyslog)(context.Background(), "syslog.tcp",
			[]wire.Frame{{Peer: peer, Format: wire.FormatSyslog, Data: []byte(line)}}); err != nil {
			t.Fatal(err)
		}
	}
	whose := func(query string) string {
		r := s.ask(s.tokens[soc.Lead], "GET", "/api/events?query="+query, "")
		var list struct {
			Events []map[string]any
		}
		if json.Unmarshal([]byte(r.body), &list) != nil || len(list.Events) == 0 {
			return ""
		}
		return fmt.Sprint(list.Events[0]["hoalu.system.id"])
	}
	send("yte-web", "192.0.2.10")
	s.eventually("the event of the declared host", func() bool { return whose("host.name:yte-web") == system.ID })
	state := func() (string, string) {
		var p struct {
			Findings []struct {
				Control, State string
				Because        []struct{ Code, Values any }
			}
		}
		r := s.ask(s.tokens[soc.Lead], "GET", "/api/systems/"+system.ID+"/posture", "")
		if json.Unmarshal([]byte(r.body), &p) == nil {
			for _, f := range p.Findings {
				if f.Control == "L3-OPS-MON-01" {
					return f.State, fmt.Sprint(f.Because)
				}
			}
		}
		return "", ""
	}
	s.eventually("the posture to miss yte-db only", func() bool {
		st, why := state()
		return st == "not_met" && strings.Contains(why, "yte-db") && !strings.Contains(why, "yte-web")
	})
	send("yte-db", "192.0.2.11")
	s.eventually("both hosts seen", func() bool { _, why := state(); return strings.Contains(why, "objects_seen") })

	// A stranger who names a declared host gets into no system, and the source says what it claimed.
	send("yte-web", "203.0.113.66")
	var sources struct {
		Items []struct {
			ID, Address string
			Version     int64
		}
	}
	s.eventually("the stranger's event, of no system", func() bool { return whose("hoalu.system.id:"+soc.Unassigned) == soc.Unassigned })
	do("GET", "/api/sources?found=true&q=203.0.113.66", "", &sources)
	if len(sources.Items) != 1 {
		t.Fatalf("the stranger's source: %+v", sources)
	}
	stranger := sources.Items[0].ID
	var claims struct {
		Claims []struct {
			System struct{ ID string }
			Events int
		}
	}
	do("GET", "/api/sources/"+stranger, "", &claims)
	if len(claims.Claims) != 1 || claims.Claims[0].System.ID != system.ID || claims.Claims[0].Events != 1 {
		t.Errorf("what the stranger claimed: %+v", claims)
	}
	// Confirmed by a person as a relay, its word counts.
	if r := do("PUT", "/api/sources/"+stranger, fmt.Sprintf(`{"name":"máy chuyển tiếp","kind":"syslog","address":"203.0.113.66","version":%d}`,
		sources.Items[0].Version), nil); r.status != 200 {
		t.Fatalf("confirm: %+v", r)
	}
	send("yte-db", "203.0.113.66")
	s.eventually("the relay's event", func() bool { return whose("host.name:yte-db%20AND%20hoalu.source.id:"+stranger) == system.ID })

	// What is in use is named, with where to see it.
	r := do("PUT", "/api/units/"+unit.ID+"/retired", `{"retired":true,"reason":"giải thể","version":1}`, nil)
	if r.status != 409 || r.code() != "in_use" || !strings.Contains(r.body, `"page":"/systems/`+system.ID+`"`) ||
		!strings.Contains(r.body, "Hồ sơ sức khỏe") {
		t.Errorf("retire a unit in use: %d %s", r.status, r.body)
	}
	var assets struct {
		Items []struct {
			ID, Host string
			Version  int64
		}
	}
	do("GET", "/api/assets?system="+system.ID, "", &assets)
	if len(assets.Items) != 2 {
		t.Fatalf("assets: %+v", assets)
	}
	for _, a := range assets.Items {
		if r := do("PUT", "/api/assets/"+a.ID+"/retired", fmt.Sprintf(`{"retired":true,"reason":"thanh lý","version":%d}`, a.Version),
			nil); r.status != 200 || !strings.Contains(r.body, `"retired":"20`) {
			t.Errorf("retire %s: %d %s", a.ID, r.status, r.body)
		}
	}
	if r := do("PUT", "/api/systems/"+system.ID+"/retired", `{"retired":true,"reason":"thay thế","version":1}`, nil); r.status != 200 {
		t.Errorf("retire the system: %d %s", r.status, r.body)
	}
	if r := do("GET", "/api/systems", "", nil); strings.Contains(r.body, system.ID) {
		t.Errorf("a retired system is listed: %s", r.body)
	}
	if r := do("GET", "/api/systems?view=retired", "", nil); !strings.Contains(r.body, system.ID) {
		t.Errorf("retired systems: %s", r.body)
	}
	if r := do("DELETE", "/api/systems/"+system.ID+"?version=2", "", nil); r.code() != "in_use" { // its retired assets
		t.Errorf("delete a system with assets: %d %s", r.status, r.body)
	}
	for _, a := range assets.Items {
		if r := do("DELETE", fmt.Sprintf("/api/assets/%s?version=%d", a.ID, a.Version+1), "", nil); r.status != 200 {
			t.Errorf("delete %s: %d %s", a.ID, r.status, r.body)
		}
	}
	if r := do("DELETE", "/api/systems/"+system.ID+"?version=2", "", nil); r.code() != "has_history" ||
		!strings.Contains(r.body, `"kind":"event"`) {
		t.Errorf("delete a system with events: %d %s", r.status, r.body)
	}
	for _, deed := range []string{"unit.create", "system.create", "asset.create", "asset.retire", "asset.delete", "system.retire"} {
		if r := do("GET", "/api/audit?action="+deed, "", nil); !strings.Contains(r.body, `"`+deed+`"`) {
			t.Errorf("the audit log has no %s: %s", deed, r.body)
		}
	}
}
