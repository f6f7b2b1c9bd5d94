package query

import (
	"errors"
	"reflect"
	"slices"
	"testing"

	"hoalu/ecs"
)

// TestWalkAndRewrite: every node is seen, every value of a leaf is named, and a rewritten query is a new one.
func TestWalkAndRewrite(t *testing.T) {
	user, host := ecs.UserName, ecs.HostName
	n := And{
		Or{Term{user, "a"}, Terms{user, []string{"b", "c"}}},
		Not{Words{Field: host, Text: "d"}},
		Prefix{user, "e"}, Wildcard{user, "f*"}, Regexp{user, "g+"}, Range{Field: user, GTE: "h", LT: "i"}, Exists{host}, All{}, None{},
	}
	var values []string
	kinds := map[string]int{}
	Walk(n, func(n Node) {
		kinds[reflect.TypeOf(n).Name()]++
		for _, v := range Values(n) {
			if v != "" {
				values = append(values, v)
			}
		}
	})
	if want := []string{"a", "b", "c", "d", "e", "f*", "g+", "h", "i"}; !slices.Equal(values, want) {
		t.Errorf("Walk shows the values %q, want %q", values, want)
	}
	if len(kinds) != 13 || kinds["Not"] != 1 || kinds["And"] != 1 {
		t.Errorf("Walk shows %v", kinds)
	}
	before := Print(And{n[0], n[1]})
	out, err := Rewrite(n, func(leaf Node) (Node, error) {
		switch leaf := leaf.(type) {
		case Term:
			return Term{leaf.Field, leaf.Value + "!"}, nil
		case Words:
			return Or{Term{host, "x"}, Term{host, "y"}}, nil
		case And, Or, Not:
			t.Errorf("a leaf is %T", leaf)
		}
		return leaf, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := slices.Clone(n)
	want[0] = Or{Term{user, "a!"}, Terms{user, []string{"b", "c"}}}
	want[1] = Not{Or{Term{host, "x"}, Term{host, "y"}}}
	if !reflect.DeepEqual(out, want) {
		t.Errorf("Rewrite: got %#v, want %#v", out, want)
	}
	if after := Print(And{n[0], n[1]}); after != before {
		t.Errorf("Rewrite changed its input: %s, was %s", after, before)
	}
	stop := errors.New("stop")
	if _, err := Rewrite(n, func(Node) (Node, error) { return nil, stop }); !errors.Is(err, stop) {
		t.Errorf("Rewrite with a leaf that fails: %v, want %v", err, stop)
	}
}
