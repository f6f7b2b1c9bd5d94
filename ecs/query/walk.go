package query

// Walk visits n and every node below it, parents first.
func Walk(n Node, visit func(Node)) {
	visit(n)
	switch n := n.(type) {
	case And:
		for _, x := range n {
			Walk(x, visit)
		}
	case Or:
		for _, x := range n {
			Walk(x, visit)
		}
	case Not:
		Walk(n.Node, visit)
	}
}

// Rewrite is n with leaf's answer in place of every leaf: every node but And, Or and Not. n itself stays as it is. The first error
// of leaf ends it.
func Rewrite(n Node, leaf func(Node) (Node, error)) (Node, error) {
	switch n := n.(type) {
	case And:
		out, err := rewriteAll(n, leaf)
		return And(out), err
	case Or:
		out, err := rewriteAll(n, leaf)
		return Or(out), err
	case Not:
		x, err := Rewrite(n.Node, leaf)
		return Not{Node: x}, err
	}
	return leaf(n)
}

func rewriteAll(in []Node, leaf func(Node) (Node, error)) ([]Node, error) {
	out := make([]Node, len(in))
	for i, x := range in {
		y, err := Rewrite(x, leaf)
		if err != nil {
			return nil, err
		}
		out[i] = y
	}
	return out, nil
}

// Values are the texts that a leaf compares with: values, words, patterns and bounds. Of And, Or and Not there are none.
func Values(n Node) []string {
	switch n := n.(type) {
	case Term:
		return []string{n.Value}
	case Terms:
		return n.Values
	case Words:
		return []string{n.Text}
	case Prefix:
		return []string{n.Value}
	case Wildcard:
		return []string{n.Pattern}
	case Regexp:
		return []string{n.Pattern}
	case Range:
		return []string{n.GT, n.GTE, n.LT, n.LTE}
	}
	return nil
}
