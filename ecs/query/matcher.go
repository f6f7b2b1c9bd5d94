package query

import (
	"fmt"
	"slices"

	"hoalu/ecs"
)

// MaxDepth bounds the levels of a tree.
const MaxDepth = 100

// Matcher is a compiled tree: the exact evaluator that decides what a search means. Safe for concurrent use; Match allocates
// nothing but for regular expressions and for comparing the virtual times as text.
type Matcher struct{ root step }

type step struct {
	op   op
	test *Test
	kids []step
}

type op uint8

const (
	opAll op = iota
	opNone
	opTest
	opAnd
	opOr
	opNot
)

// Compile prepares a tree; nil is All. It fails on a regular expression that does not compile and on too deep a tree.
func Compile(n Node) (*Matcher, error) {
	root, err := compile(n, 0)
	if err != nil {
		return nil, err
	}
	return &Matcher{root}, nil
}

func compile(n Node, depth int) (step, error) {
	if depth > MaxDepth {
		return step{}, fmt.Errorf("search tree has more than %d levels", MaxDepth)
	}
	kids := func(op op, nodes []Node) (step, error) {
		s := step{op: op, kids: make([]step, len(nodes))}
		for i, k := range nodes {
			var err error
			if s.kids[i], err = compile(k, depth+1); err != nil {
				return step{}, err
			}
		}
		return s, nil
	}
	switch n := n.(type) {
	case nil, All:
		return step{op: opAll}, nil
	case None:
		return step{op: opNone}, nil
	case And:
		return kids(opAnd, n)
	case Or:
		return kids(opOr, n)
	case Not:
		return kids(opNot, []Node{n.Node})
	}
	t, err := NewTest(n)
	return step{op: opTest, test: t}, err
}

// Match reports whether e satisfies the tree.
func (m *Matcher) Match(e *ecs.Event) bool { return m.root.match(e) }

func (s *step) match(e *ecs.Event) bool {
	switch s.op {
	case opAll:
		return true
	case opNone:
		return false
	case opTest:
		return s.test.Match(e)
	case opAnd:
		for i := range s.kids {
			if !s.kids[i].match(e) {
				return false
			}
		}
		return true
	case opOr:
		for i := range s.kids {
			if s.kids[i].match(e) {
				return true
			}
		}
		return false
	}
	return !s.kids[0].match(e)
}

// Can reports whether an event of which only known fields are known, those of e, may satisfy the tree. It is false only where no other
// field could change that.
func (m *Matcher) Can(e *ecs.Event, known ...ecs.Field) bool {
	may, _ := m.root.can(e, known)
	return may
}

// can says whether the step may hold, and whether it must.
func (s *step) can(e *ecs.Event, known []ecs.Field) (may, must bool) {
	switch s.op {
	case opAll:
		return true, true
	case opNone:
		return false, false
	case opTest:
		if s.test.Any || !slices.Contains(known, s.test.Field) {
			return true, false
		}
		holds := s.test.Match(e)
		return holds, holds
	case opNot:
		may, must = s.kids[0].can(e, known)
		return !must, !may
	}
	may, must = s.op == opAnd, s.op == opAnd
	for i := range s.kids {
		kidMay, kidMust := s.kids[i].can(e, known)
		if s.op == opAnd {
			may, must = may && kidMay, must && kidMust
		} else {
			may, must = may || kidMay, must || kidMust
		}
	}
	return may, must
}

// Match reports whether a value of e satisfies the test.
func (t *Test) Match(e *ecs.Event) bool {
	if t.Any {
		if t.Text(e.ID) || t.Text(e.System) || t.Text(e.Source) {
			return true
		}
		for i := range e.Len() {
			if _, v := e.At(i); v.Kind == ecs.String && t.Text(v.Text) {
				return true
			}
		}
		return false
	}
	if t.Field.Virtual() {
		return t.virtual(e)
	}
	field := t.Field
	if field.Asked() {
		field = t.bound.Field()
	}
	for i := range e.Len() {
		if f, v := e.At(i); f == field && v.Kind != ecs.Null && t.Text(v.Text) {
			return true
		}
	}
	return false
}

// virtual answers from the event's struct fields, where an unset one is missing.
func (t *Test) virtual(e *ecs.Event) bool {
	switch t.Field {
	case ecs.Timestamp:
		return e.Time != 0 && t.Millis(e.Time)
	case ecs.EventCreated:
		return e.Created != 0 && t.Millis(e.Created)
	case ecs.EventIngested:
		return e.Ingested != 0 && t.Millis(e.Ingested)
	case ecs.EventID:
		return e.ID != "" && t.Text(e.ID)
	case ecs.SystemID:
		return e.System != "" && t.Text(e.System)
	}
	return e.Source != "" && t.Text(e.Source)
}
