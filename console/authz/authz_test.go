package authz

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/tester"

	"hoalu/ecs"
	"hoalu/ecs/query"
	"hoalu/soc"
)

func policy(t testing.TB) *Policy {
	t.Helper()
	p, err := New(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestRego runs policy_test.rego.
func TestRego(t *testing.T) {
	modules := map[string]*ast.Module{}
	for _, file := range []string{"policy.rego", "policy_test.rego"} {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m, err := ast.ParseModuleWithOpts(file, string(raw), ast.ParserOptions{RegoVersion: ast.RegoV1})
		if err != nil {
			t.Fatal(err)
		}
		modules[file] = m
	}
	results, err := tester.NewRunner().SetModules(modules).RunTests(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for r := range results {
		n++
		if !r.Pass() {
			t.Errorf("%s: fail %v, error %v", r.Name, r.Fail, r.Error)
		}
	}
	if n < 9 {
		t.Errorf("ran %d Rego tests, want all of policy_test.rego", n)
	}
}

// The whole matrix: action → class of rows by role; "-" denies. It is the table of docs/console.md, row by row.
const matrix = `
action             analyst lead owner auditor  dpo      administrator liaison
me.read            all     all  all   all      all      all           all
me.write           all     all  all   all      all      all           all
status.read        all     all  all   all      all      all           all
overview.read      all     all  all   all      all      all           all
alerts.read        all     all  own   province personal -             province
alerts.note        all     all  own   -        -        -             -
alerts.acknowledge all     all  -     -        -        -             -
alerts.assign      all     all  -     -        -        -             -
alerts.close       all     all  -     -        -        -             -
alerts.reopen      all     all  -     -        -        -             -
events.search      all     all  own   province -        -             province
systems.read       all     all  own   province province province      province
posture.read       all     all  own   province province province      province
inventory.write    -       -    -     -        -        province      -
sources.read       all     all  own   all      -        all           all
sources.write      all     all  -     -        -        all           -
sources.key        -       -    -     -        -        all           -
sources.delete     -       all  -     -        -        all           -
ledger.read        all     all  own   all      -        all           all
quarantine.read    all     all  own   all      -        all           all
quarantine.replay  all     all  -     -        -        all           -
rules.read         all     all  -     all      -        all           all
national.read      all     all  -     all      -        all           all
national.test      -       all  -     -        -        all           all
national.act       -       all  -     -        -        -             all
national.endpoint  -       -    -     -        -        all           -
audit.read         self    all  self  all      unmask   all           self
accounts.read      -       -    -     -        -        all           -
accounts.write     -       -    -     -        -        all           -
tokens.read        -       -    -     -        -        all           -
tokens.write       -       -    -     -        -        all           -
parts.read         -       -    -     -        -        all           -
nothing.here       -       -    -     -        -        -             -
`

func TestMatrix(t *testing.T) {
	p := policy(t)
	ctx := context.Background()
	lines := strings.Split(strings.TrimSpace(matrix), "\n")
	roles := strings.Fields(lines[0])[1:]
	known := map[string]bool{}
	for _, line := range lines[1:] {
		cells := strings.Fields(line)
		action := cells[0]
		known[action] = true
		for i, want := range cells[1:] {
			actor := soc.Actor{ID: "ng-1", Roles: []soc.Role{soc.Role(roles[i])}, Unit: "DV-01"}
			d, err := p.Decide(ctx, actor, action)
			if err != nil {
				t.Fatal(err)
			}
			if d.Allow != (want != "-") {
				t.Errorf("%s may %s: got %v, want %s", roles[i], action, d.Allow, want)
			}
			if !d.Allow && d.Why != "role_lacks" && d.Why != "no_such_action" {
				t.Errorf("%s may not %s: why is %q", roles[i], action, d.Why)
			}
			f, err := p.Filter(ctx, actor, action)
			if err != nil {
				t.Fatal(err)
			}
			var wantFilter Filter
			switch want {
			case "all":
				wantFilter = Filter{All: true}
			case "province":
				wantFilter.Any = [][]Clause{{{Assigned, "true"}}}
			case "own":
				wantFilter.Any = [][]Clause{{{Unit, "DV-01"}}, {{Operator, "DV-01"}}}
			case "personal":
				wantFilter.Any = [][]Clause{{{Personal, "true"}}}
			case "self":
				wantFilter.Any = [][]Clause{{{Actor, "ng-1"}}}
			case "unmask":
				wantFilter.Any = [][]Clause{{{Unmask, "true"}}}
			}
			if diff := cmp.Diff(wantFilter, f); diff != "" {
				t.Errorf("rows of %s for %s (-want +got):\n%s", action, roles[i], diff)
			}
		}
	}
	// No grant exists that the table does not name.
	everything := soc.Actor{ID: "ng-1", Roles: soc.Roles, Unit: "DV-01"}
	m, err := p.Menu(ctx, everything)
	if err != nil {
		t.Fatal(err)
	}
	for _, deed := range m.Deeds {
		if !known[deed] {
			t.Errorf("the policy grants %s, which the table does not name", deed)
		}
	}
	if len(m.Deeds) != len(known)-1 {
		t.Errorf("the policy grants %d actions, the table names %d", len(m.Deeds), len(known)-1)
	}
}

func TestPages(t *testing.T) {
	// The table of pages; "-" is not in the menu.
	const table = `
page       analyst lead  owner  auditor dpo      administrator liaison
overview   write   write write  read    read     read          read
alerts     write   write own    read    personal -             read
search     write   write own    read    -        -             read
hunts      write   write -      read    -        -             read
systems    read    write own    read    read     write         read
sources    write   write own    read    -        write         read
ledger     read    read  own    read    -        write         read
rules      read    write -      read    -        write         read
exceptions ask     write -      read    -        -             read
intel      write   write -      read    -        -             write
national   read    write -      read    -        write         write
evidence   read    write own    write   own      -             read
privacy    ask     ask   counts read    write    -             -
audit      self    read  self   read    read     read          self
admin      -       -     -      -       -        write         -
`
	p := policy(t)
	lines := strings.Split(strings.TrimSpace(table), "\n")
	roles := strings.Fields(lines[0])[1:]
	for i, role := range roles {
		m, err := p.Menu(context.Background(), soc.Actor{ID: "ng-1", Roles: []soc.Role{soc.Role(role)}, Unit: "DV-01"})
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range lines[1:] {
			cells := strings.Fields(line)
			got := m.Pages[cells[0]]
			if got == "" {
				got = "-"
			}
			if got != cells[i+1] {
				t.Errorf("page %s for %s: got %s, want %s", cells[0], role, got, cells[i+1])
			}
		}
		if m.TwoRoles {
			t.Errorf("%s alone is flagged as two roles", role)
		}
	}
}

func TestScope(t *testing.T) {
	systems := []soc.System{{ID: "HT-001", Unit: "DV-01"}, {ID: "HT-002", Unit: "DV-02", Operator: "DV-01"}, {ID: "HT-003", Unit: "DV-02"},
		{ID: "HT-004"}}
	p := policy(t)
	for _, c := range []struct {
		name   string
		actor  soc.Actor
		action string
		want   soc.Scope
		node   query.Node
	}{
		{"soc", soc.Actor{Roles: []soc.Role{soc.Analyst}}, "events.search", soc.Scope{All: true}, query.All{}},
		{"auditor: no unassigned", soc.Actor{Roles: []soc.Role{soc.Auditor}}, "events.search",
			soc.Scope{Systems: []string{"HT-001", "HT-002", "HT-003", "HT-004"}},
			query.Terms{Field: ecs.SystemID, Values: []string{"HT-001", "HT-002", "HT-003", "HT-004"}}},
		{"owner and operator", soc.Actor{Roles: []soc.Role{soc.Owner}, Unit: "DV-01"}, "events.search",
			soc.Scope{Systems: []string{"HT-001", "HT-002"}},
			query.Terms{Field: ecs.SystemID, Values: []string{"HT-001", "HT-002"}}},
		{"owner of nothing", soc.Actor{Roles: []soc.Role{soc.Owner}, Unit: "DV-09"}, "events.search", soc.Scope{Systems: []string{}},
			query.None{}},
		{"owner without unit", soc.Actor{Roles: []soc.Role{soc.Owner}}, "events.search", soc.Scope{Systems: []string{}}, query.None{}},
		{"owner who is analyst too", soc.Actor{Roles: []soc.Role{soc.Owner, soc.Analyst}, Unit: "DV-01"}, "events.search", soc.Scope{All: true},
			query.All{}},
		{"administrator", soc.Actor{Roles: []soc.Role{soc.Administrator}}, "events.search", soc.Scope{Systems: []string{}}, query.None{}},
		{"own deeds open no system", soc.Actor{ID: "ng-1", Roles: []soc.Role{soc.Analyst}}, "audit.read", soc.Scope{Systems: []string{}},
			query.None{}},
	} {
		f, err := p.Filter(context.Background(), c.actor, c.action)
		if err != nil {
			t.Fatal(err)
		}
		got := f.Scope(systems)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
		if diff := cmp.Diff(c.node, Node(got)); diff != "" {
			t.Errorf("%s: node (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestParseRefusesOtherShapes(t *testing.T) {
	for _, tree := range []map[string]any{
		{"type": "field", "operator": "ne", "field": "row.unit", "value": "DV-01"},
		{"type": "field", "operator": "eq", "field": "row.colour", "value": "red"},
		{"type": "compound", "operator": "not", "value": []any{}},
	} {
		if f, err := parse(tree); err == nil {
			t.Errorf("parse(%v) = %+v, want an error: a shape that cannot be filtered must deny", tree, f)
		}
	}
}

func TestDecisionsAreFast(t *testing.T) {
	p := policy(t)
	a := soc.Actor{ID: "ng-1", Roles: []soc.Role{soc.Analyst}}
	ask := func() {
		if _, err := p.Decide(context.Background(), a, "alerts.read"); err != nil {
			t.Fatal(err)
		}
	}
	ask()
	start := time.Now()
	for range 1000 {
		ask()
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("1000 kept decisions took %v", took)
	}
}
