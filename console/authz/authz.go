// Package authz decides who may do what and see which rows (decision 23): one Rego policy (policy.rego), evaluated by OPA in
// process, deny by default.
//
// Words are OPA's: a Policy answers a Decision for an Input of actor and action; the Filter is what partial evaluation leaves
// over when the row is unknown, restricted to equality on what a row has: its system's owner and operator, whether it has a
// system at all, whether it is personal, who did it. A Filter becomes a soc.Scope for the parts, an ecs/query node for events and
// an SQL condition.
//
// The policy is compiled in and cannot change while the program runs, so decisions are kept per (roles, unit, action) and cost a
// map look-up after the first. A Policy is safe for concurrent use.
package authz

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/rego/compile"

	"hoalu/ecs"
	"hoalu/ecs/query"
	"hoalu/soc"
)

//go:embed policy.rego
var source string

// Decision is the policy's answer and what decided it.
type Decision struct {
	Allow  bool
	Masked bool       // the rows are seen only because they touch personal data: mask accounts, addresses, evidence
	Why    string     // granted, role_lacks, no_unit, no_role, no_such_action
	Able   []soc.Role // roles that may
}

// Menu is what a person's console shows.
type Menu struct {
	Pages    map[string]string // page → write, read, own, personal, ask, self, counts
	Deeds    []string          // every action granted, sorted
	TwoRoles bool              // holds two of operate, administer, protect

	Conflicts [][2]soc.Role // pairs of roles that one person should not hold, sorted
}

// Policy is the compiled policy.
type Policy struct {
	decide, menu rego.PreparedEvalQuery
	rows         *compile.Prepared

	mu      sync.RWMutex
	decided map[string]Decision
	filters map[string]Filter
	menus   map[string]Menu
}

// cacheLimit bounds the kept answers: 128 sets of roles times units and actions in use stay far below it.
const cacheLimit = 8192

// New compiles the policy.
func New(ctx context.Context) (*Policy, error) {
	parsed, err := ast.ParseModuleWithOpts("policy.rego", source, ast.ParserOptions{RegoVersion: ast.RegoV1})
	if err != nil {
		return nil, fmt.Errorf("parse the policy: %w", err)
	}
	module := rego.ParsedModule(parsed)
	p := &Policy{decided: map[string]Decision{}, filters: map[string]Filter{}, menus: map[string]Menu{}}
	p.decide, err = rego.New(module, rego.Query(
		`allow = data.hoalu.authz.allow; masked = data.hoalu.authz.masked; why = data.hoalu.authz.why; able = data.hoalu.authz.able`,
	)).PrepareForEval(ctx)
	if err != nil {
		return nil, fmt.Errorf("compile the policy: %w", err)
	}
	p.menu, err = rego.New(module, rego.Query(
		`pages = data.hoalu.authz.menu; deeds = data.hoalu.authz.deeds; two = data.hoalu.authz.two_roles; conflicts = data.hoalu.authz.conflicts`,
	)).PrepareForEval(ctx)
	if err != nil {
		return nil, fmt.Errorf("compile the policy: %w", err)
	}
	p.rows, err = compile.New(
		compile.Target("ucast", "minimal"),
		compile.ParsedUnknowns(ast.MustParseTerm("input.row")),
		compile.ParsedQuery(ast.MustParseBody("data.hoalu.authz.visible")),
		compile.Rego(module),
	).Prepare(ctx)
	if err != nil {
		return nil, fmt.Errorf("compile the row policy: %w", err)
	}
	return p, nil
}

func input(a soc.Actor, action string) map[string]any {
	roles := make([]any, len(a.Roles))
	for i, r := range a.Roles {
		roles[i] = string(r)
	}
	return map[string]any{"actor": map[string]any{"id": a.ID, "unit": a.Unit, "roles": roles}, "action": action}
}

// key names what the answer depends on; rows of "self" also depend on the person, so their filter is kept with the id.
func key(a soc.Actor, action string) string {
	roles := make([]string, len(a.Roles))
	for i, r := range a.Roles {
		roles[i] = string(r)
	}
	slices.Sort(roles)
	return strings.Join(roles, ",") + "\x00" + a.Unit + "\x00" + action
}

func kept[V any](p *Policy, m *map[string]V, key string, compute func() (V, error)) (V, error) {
	p.mu.RLock()
	v, ok := (*m)[key]
	p.mu.RUnlock()
	if ok {
		return v, nil
	}
	v, err := compute()
	if err != nil {
		return v, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(*m) >= cacheLimit {
		*m = map[string]V{}
	}
	(*m)[key] = v
	return v, nil
}

// Decide asks whether the actor may do the action at all; which rows it covers, Filter says.
func (p *Policy) Decide(ctx context.Context, a soc.Actor, action string) (Decision, error) {
	return kept(p, &p.decided, key(a, action), func() (Decision, error) {
		rs, err := p.decide.Eval(ctx, rego.EvalInput(input(a, action)))
		if err != nil {
			return Decision{}, fmt.Errorf("decide %s: %w", action, err)
		}
		if len(rs) != 1 {
			return Decision{}, fmt.Errorf("decide %s: the policy gives %d answers", action, len(rs))
		}
		b := rs[0].Bindings
		d := Decision{}
		d.Allow, _ = b["allow"].(bool)
		d.Masked, _ = b["masked"].(bool)
		d.Why, _ = b["why"].(string)
		for _, r := range texts(b["able"]) {
			d.Able = append(d.Able, soc.Role(r))
		}
		return d, nil
	})
}

// Menu answers what the actor's console shows.
func (p *Policy) Menu(ctx context.Context, a soc.Actor) (Menu, error) {
	return kept(p, &p.menus, key(a, ""), func() (Menu, error) {
		rs, err := p.menu.Eval(ctx, rego.EvalInput(input(a, "")))
		if err != nil {
			return Menu{}, fmt.Errorf("ask for the menu: %w", err)
		}
		if len(rs) != 1 {
			return Menu{}, fmt.Errorf("ask for the menu: the policy gives %d answers", len(rs))
		}
		b := rs[0].Bindings
		m := Menu{Pages: map[string]string{}, Deeds: texts(b["deeds"])}
		m.TwoRoles, _ = b["two"].(bool)
		pairs, _ := b["conflicts"].([]any)
		for _, p := range pairs {
			if pair, _ := p.([]any); len(pair) == 2 {
				m.Conflicts = append(m.Conflicts, [2]soc.Role{soc.Role(fmt.Sprint(pair[0])), soc.Role(fmt.Sprint(pair[1]))})
			}
		}
		slices.SortFunc(m.Conflicts, func(a, b [2]soc.Role) int { return strings.Compare(string(a[0]+" "+a[1]), string(b[0]+" "+b[1])) })
		pages, _ := b["pages"].(map[string]any)
		for page, right := range pages {
			m.Pages[page], _ = right.(string)
		}
		return m, nil
	})
}

func texts(v any) []string {
	list, _ := v.([]any)
	out := make([]string, 0, len(list))
	for _, x := range list {
		if s, ok := x.(string); ok {
			out = append(out, s)
		}
	}
	slices.Sort(out)
	return out
}

// Clause says that an attribute of the row has a value ("true" for truth values).
type Clause struct{ Attribute, Value string }

// Attributes of a row the policy may ask for.
const (
	Unit     = "unit"     // owner of the row's system
	Operator = "operator" // operator of the row's system
	Assigned = "assigned" // the row has a system
	Personal = "personal" // touches citizens' identifiers
	Actor    = "actor"    // who did it (audit)
	Unmask   = "unmask"   // shows or searches citizens' identifiers (audit)
)

// Filter says which rows may be seen: those for which all clauses of one of Any hold. All needs no clause; a Filter with neither
// shows nothing.
type Filter struct {
	All bool
	Any [][]Clause
}

// Filter is the rows the actor may see with the action.
func (p *Policy) Filter(ctx context.Context, a soc.Actor, action string) (Filter, error) {
	return kept(p, &p.filters, key(a, action)+"\x00"+a.ID, func() (Filter, error) {
		out, err := p.rows.Compile(ctx, rego.EvalInput(input(a, action)))
		if err != nil {
			return Filter{}, fmt.Errorf("rows of %s: %w", action, err)
		}
		return parse(out.One().Query)
	})
}

// parse reads OPA's UCAST tree: a field condition, or "and"/"or" over such.
func parse(tree any) (Filter, error) {
	if tree == nil {
		return Filter{}, nil
	}
	m, ok := tree.(map[string]any)
	if !ok {
		return Filter{}, fmt.Errorf("row filter: unexpected %T", tree)
	}
	if len(m) == 0 {
		return Filter{All: true}, nil
	}
	any, err := disjunction(m)
	if err != nil {
		return Filter{}, err
	}
	for _, clauses := range any {
		if len(clauses) == 0 {
			return Filter{All: true}, nil
		}
	}
	return Filter{Any: any}, nil
}

var errShape = errors.New("row filter: only equality joined by and, or is allowed in the policy")

func disjunction(m map[string]any) ([][]Clause, error) {
	kind, _ := m["type"].(string)
	op, _ := m["operator"].(string)
	switch {
	case kind == "field" && op == "eq":
		field, _ := m["field"].(string)
		field = strings.TrimPrefix(field, "row.")
		switch field {
		case Unit, Operator, Assigned, Personal, Actor, Unmask:
		default:
			return nil, fmt.Errorf("row filter: a row has no attribute %q", field)
		}
		return [][]Clause{{{field, fmt.Sprint(m["value"])}}}, nil
	case kind == "compound" && (op == "or" || op == "and"):
		parts, err := children(m["value"])
		if err != nil {
			return nil, err
		}
		if op == "or" {
			var out [][]Clause
			for _, part := range parts {
				d, err := disjunction(part)
				if err != nil {
					return nil, err
				}
				out = append(out, d...)
			}
			return out, nil
		}
		out := [][]Clause{{}}
		for _, part := range parts {
			d, err := disjunction(part)
			if err != nil {
				return nil, err
			}
			var next [][]Clause
			for _, have := range out {
				for _, more := range d {
					next = append(next, append(slices.Clone(have), more...))
				}
			}
			out = next
		}
		return out, nil
	}
	return nil, fmt.Errorf("%w (got %s %s)", errShape, kind, op)
}

func children(v any) ([]map[string]any, error) {
	switch list := v.(type) {
	case []map[string]any:
		return list, nil
	case []any:
		out := make([]map[string]any, len(list))
		for i, x := range list {
			m, ok := x.(map[string]any)
			if !ok {
				return nil, errShape
			}
			out[i] = m
		}
		return out, nil
	}
	return nil, errShape
}

// Has reports whether some alternative asks for the attribute to be value and nothing about systems.
func (f Filter) Has(attribute, value string) bool {
	return slices.ContainsFunc(f.Any, func(cs []Clause) bool {
		return len(cs) == 1 && cs[0] == Clause{attribute, value}
	})
}

// PersonalOnly reports whether rows are seen only where they touch personal data.
func (f Filter) PersonalOnly() bool {
	return !f.All && len(f.Any) == 1 && f.Has(Personal, "true")
}

// Scope resolves the filter against the province's systems. A filter that is only about personal rows covers every system: the
// caller restricts the rows with PersonalOnly.
func (f Filter) Scope(systems []soc.System) soc.Scope {
	if f.All || f.PersonalOnly() {
		return soc.Scope{All: true}
	}
	s := soc.Scope{Systems: []string{}}
	for _, system := range systems {
		if f.system(system) {
			s.Systems = append(s.Systems, system.ID)
		}
	}
	slices.Sort(s.Systems)
	return s
}

func (f Filter) system(s soc.System) bool {
	return slices.ContainsFunc(f.Any, func(cs []Clause) bool {
		for _, c := range cs {
			switch c.Attribute {
			case Unit:
				if s.Unit != c.Value || c.Value == "" {
					return false
				}
			case Operator:
				if s.Operator != c.Value || c.Value == "" {
					return false
				}
			case Assigned:
				if c.Value != "true" {
					return false
				}
			default:
				return false // not about systems: must not open one
			}
		}
		return len(cs) > 0
	})
}

// Node is a scope as a condition on events.
func Node(s soc.Scope) query.Node {
	switch {
	case s.All:
		return query.All{}
	case len(s.Systems) == 0:
		return query.None{}
	}
	return query.Terms{Field: ecs.SystemID, Values: s.Systems}
}

// Covers reports whether a row of the system is within the scope.
func Covers(s soc.Scope, system string) bool {
	return s.All || slices.Contains(s.Systems, system)
}
