package authz

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"hoalu/soc"
)

// row is what a filter may ask of a row; each set of attributes that a row of the product can have.
type row map[string]string

func rowsOf(actor soc.Actor) (list []row) {
	for _, unit := range []string{"", "DV-01", "DV-02"} {
		for _, operator := range []string{"", "DV-01", "DV-02"} {
			for _, assigned := range []string{"true", "false"} {
				for _, personal := range []string{"true", "false"} {
					for _, by := range []string{actor.ID, "ng-other"} {
						for _, unmask := range []string{"true", "false"} {
							if assigned == "false" && unit+operator != "" {
								continue // no system has no owner
							}
							list = append(list, row{Unit: unit, Operator: operator, Assigned: assigned, Personal: personal, Actor: by, Unmask: unmask})
						}
					}
				}
			}
		}
	}
	return list
}

// shows says whether a filter shows a row, by its words alone.
func (f Filter) shows(r row) bool {
	return f.All || slices.ContainsFunc(f.Any, func(cs []Clause) bool {
		return !slices.ContainsFunc(cs, func(c Clause) bool { return r[c.Attribute] != c.Value })
	})
}

// TestSetsOfRoles: what a set of roles may do, and the rows it sees with it, are those that one of its roles alone may and sees: no more,
// no less. Rows are masked only where each role that sees them would see them masked, and a page is shown with the best of their rights.
// The sets are drawn with a fixed seed, as many as an attacker tried.
func TestSetsOfRoles(t *testing.T) {
	p, ctx := policy(t), context.Background()
	rng := rand.New(rand.NewPCG(7, 960))
	var actions []string
	for _, role := range soc.Roles {
		m, err := p.Menu(ctx, soc.Actor{ID: "ng-1", Roles: []soc.Role{role}, Unit: "DV-01"})
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range m.Deeds {
			if !slices.Contains(actions, a) {
				actions = append(actions, a)
			}
		}
	}
	if len(actions) < 30 {
		t.Fatalf("only %d actions: %v", len(actions), actions)
	}
	actions = append(actions, "no.such.action", "")
	allowed, denied := 0, 0
	for n := range 960 {
		actor := soc.Actor{ID: "ng-1", Unit: []string{"", "DV-01", "DV-02"}[rng.IntN(3)]}
		for _, role := range soc.Roles {
			if rng.IntN(2) == 1 {
				actor.Roles = append(actor.Roles, role)
			}
		}
		rng.Shuffle(len(actor.Roles), func(i, j int) { actor.Roles[i], actor.Roles[j] = actor.Roles[j], actor.Roles[i] })
		name := fmt.Sprintf("set %d %v of unit %q", n, actor.Roles, actor.Unit)
		for range 12 {
			action := actions[rng.IntN(len(actions))]
			got, err := p.Decide(ctx, actor, action)
			if err != nil {
				t.Fatal(err)
			}
			filter, err := p.Filter(ctx, actor, action)
			if err != nil {
				t.Fatal(err)
			}
			may, masked := false, true
			var alone []Filter
			for _, role := range actor.Roles {
				one := soc.Actor{ID: actor.ID, Unit: actor.Unit, Roles: []soc.Role{role}}
				d, err := p.Decide(ctx, one, action)
				if err != nil {
					t.Fatal(err)
				}
				f, err := p.Filter(ctx, one, action)
				if err != nil {
					t.Fatal(err)
				}
				may = may || d.Allow
				masked = masked && (!d.Allow || d.Masked)
				alone = append(alone, f)
			}
			if got.Allow != may || got.Masked != (may && masked) {
				t.Errorf("%s, %s: allow %v masked %v; its roles alone %v, %v", name, action, got.Allow, got.Masked, may, may && masked)
			}
			for _, r := range rowsOf(actor) {
				want := slices.ContainsFunc(alone, func(f Filter) bool { return f.shows(r) })
				if filter.shows(r) != want {
					t.Fatalf("%s, %s: row %v is shown %v, to its roles alone %v", name, action, r, filter.shows(r), want)
				}
			}
			if may {
				allowed++
			} else {
				denied++
			}
		}
		p.sameMenu(t, name, actor)
	}
	if allowed < 2000 || denied < 500 {
		t.Errorf("%d allowed and %d denied: the sets prove little", allowed, denied)
	}
}

// sameMenu compares the deeds and pages of an actor with those of each of the roles.
func (p *Policy) sameMenu(t *testing.T, name string, actor soc.Actor) {
	t.Helper()
	ctx := context.Background()
	got, err := p.Menu(ctx, actor)
	if err != nil {
		t.Fatal(err)
	}
	var deeds []string
	pages := map[string][]string{}
	for _, role := range actor.Roles {
		m, err := p.Menu(ctx, soc.Actor{ID: actor.ID, Unit: actor.Unit, Roles: []soc.Role{role}})
		if err != nil {
			t.Fatal(err)
		}
		deeds = append(deeds, m.Deeds...)
		for page, right := range m.Pages {
			pages[page] = append(pages[page], right)
		}
	}
	slices.Sort(deeds)
	if want := slices.Compact(deeds); !slices.Equal(got.Deeds, want) {
		t.Errorf("%s may do %v, its roles alone %v", name, got.Deeds, want)
	}
	for page, right := range got.Pages {
		if !slices.Contains(pages[page], right) {
			t.Errorf("%s has page %s with %s, none of its roles: %v", name, page, right, pages[page])
		}
	}
	if len(got.Pages) != len(pages) {
		t.Errorf("%s has the pages %v, its roles alone %v", name, got.Pages, pages)
	}
}
