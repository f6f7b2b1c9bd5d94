package sigma

import (
	"slices"

	"hoalu/internal/wording"
)

// linker finds what the correlations of a Set refer to: rules, and other correlations.
type linker struct {
	set     *Set
	live    []*Correlation          // those not refused
	byKey   map[string]*Correlation // the same by id and name
	refused []Refusal
}

// link checks what correlations refer to, keeps those that are whole and decides who alerts.
func (s *Set) link(all []*Correlation, unique func(*Meta) bool) []Refusal {
	l := linker{set: s, byKey: map[string]*Correlation{}}
	for _, k := range all {
		if unique(&k.Meta) {
			l.live = append(l.live, k)
			l.byKey[k.ID] = k
		}
	}
	for _, k := range l.live {
		if _, taken := l.byKey[k.Name]; k.Name != "" && !taken {
			l.byKey[k.Name] = k
		}
	}
	for { // a refused correlation takes those that refer to it with it
		if l.refuseBroken() {
			continue
		}
		order, circle := l.order()
		if circle < 0 {
			s.Correlations = order
			break
		}
		l.refuse(l.live[circle], wording.New("correlation refers to itself in a circle"))
		l.live = slices.Delete(l.live, circle, circle+1)
	}
	l.decideAlerts()
	return l.refused
}

func (l *linker) refuse(k *Correlation, why error) {
	l.refused = append(l.refused, Refusal{k.File, k.Line, k.Title, wording.Of(why)})
	for key, v := range l.byKey {
		if v == k {
			delete(l.byKey, key)
		}
	}
}

// refuseBroken refuses correlations of which a rule or an alias is not there and reports whether there was one.
func (l *linker) refuseBroken() bool {
	before := len(l.live)
	l.live = slices.DeleteFunc(l.live, func(k *Correlation) bool {
		for _, ref := range k.Refs {
			if l.set.byKey[ref] == nil && l.byKey[ref] == nil {
				l.refuse(k, wording.New("correlation: rule %q is not loaded", ref))
				return true
			}
		}
		if err := l.aliases(k); err != nil {
			l.refuse(k, err)
			return true
		}
		return false
	})
	return len(l.live) < before
}

// order puts inner correlations before outer ones, depth first. circle is the index in live of one that comes back to itself, -1 when
// there is none.
func (l *linker) order() (order []*Correlation, circle int) {
	const (
		entered = iota + 1 // its own references are being visited
		done
	)
	state := map[*Correlation]int{}
	var visit func(k *Correlation) bool
	visit = func(k *Correlation) bool {
		switch state[k] {
		case entered:
			return false
		case done:
			return true
		}
		state[k] = entered
		for _, ref := range k.Refs {
			if in := l.byKey[ref]; l.set.byKey[ref] == nil && in != nil && !visit(in) {
				return false
			}
		}
		state[k] = done
		order = append(order, k)
		return true
	}
	for i, k := range l.live {
		if !visit(k) {
			return nil, i
		}
	}
	return order, -1
}

// decideAlerts: who is referred to alerts by itself only where a correlation says generate.
func (l *linker) decideAlerts() {
	generate := map[string]bool{}
	for _, k := range l.set.Correlations {
		for _, ref := range k.Refs {
			if r := l.set.byKey[ref]; r != nil {
				generate[r.ID] = generate[r.ID] || k.Generate
			} else {
				in := l.byKey[ref]
				generate[in.ID] = generate[in.ID] || k.Generate
			}
		}
	}
	for _, r := range l.set.Rules {
		if g, ok := generate[r.ID]; ok {
			r.Generate = g
		}
	}
	for _, k := range l.set.Correlations {
		if g, ok := generate[k.ID]; ok {
			k.Alert = g
		}
	}
}

// aliases puts the rules' words of an alias in the place of those it was written with: a rule may be listed by id and aliased by name.
func (l *linker) aliases(k *Correlation) error {
	rules := l.set.byKey
	for alias, m := range k.Aliases {
		for rule, field := range m {
			if slices.Contains(k.Refs, rule) {
				continue
			}
			i := slices.IndexFunc(k.Refs, func(ref string) bool {
				return rules[ref] != nil && rules[ref] == rules[rule] || l.byKey[ref] != nil && l.byKey[ref] == l.byKey[rule]
			})
			if i < 0 {
				return wording.New("correlation: aliases: %s: %s is not one of its rules", alias, rule)
			}
			delete(m, rule)
			m[k.Refs[i]] = field
		}
	}
	return nil
}
