package console

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"hoalu/ecs"
	"hoalu/ecs/query"
	"hoalu/soc"
)

// identifiers keeps citizens' identifiers out of addresses and kept searches.
type identifiers struct{ finder Identifiers }

func usePost(kinds []string) error {
	return &soc.Problem{Status: http.StatusUnprocessableEntity, Code: "use_post",
		Detail: "The query holds a citizen's identifier; addresses are logged.",
		Do:     "Store the search with POST /api/searches and search with its name.",
		Values: map[string]string{"kinds": strings.Join(kinds, ", ")}}
}

// in names the kinds of citizen identifiers in a text and in the values of a query.
func (h *identifiers) in(text string, node query.Node) []string {
	var kinds []string
	look := func(s string) {
		for _, i := range h.finder.Find(s) {
			if !slices.Contains(kinds, i.Kind) {
				kinds = append(kinds, i.Kind)
			}
		}
	}
	if text != "" {
		look(text)
	}
	if node != nil {
		query.Walk(node, func(n query.Node) {
			for _, v := range query.Values(n) {
				look(v)
			}
		})
	}
	return kinds
}

// protect puts tokens in place of identifiers (decision 17): a whole value becomes any of its tokens, and so does the number in
// one word; a part of a pattern or of a longer text cannot and is refused by name. The kinds are those of the identifiers found.
func (h *identifiers) protect(ctx context.Context, n query.Node) (out query.Node, kinds []string, err error) {
	// token is any of the tokens in place of a value that is one identifier, nil when none is in it.
	token := func(field ecs.Field, anywhere bool, value string) (query.Node, error) {
		found := h.finder.Find(value)
		if len(found) == 0 {
			return nil, nil
		}
		if !slices.Contains(kinds, found[0].Kind) {
			kinds = append(kinds, found[0].Kind)
		}
		before, behind := value[:found[0].Start], value[found[0].End:]
		if len(found) > 1 || strings.TrimSpace(before+behind) != "" && strings.ContainsAny(value, " \t\r\n") {
			return nil, partial(found[0].Kind, "An identifier cannot be searched as part of a longer text.")
		}
		tokens, err := h.finder.Tokens(ctx, found[0].Kind, found[0].Value)
		if err != nil {
			return nil, err
		}
		if len(tokens) == 0 {
			return nil, unavailable(partIdentifiers)
		}
		if strings.TrimSpace(before+behind) != "" { // "pc-037…": the token stands where the number stood
			for i, t := range tokens {
				tokens[i] = before + t + behind
			}
		}
		return anyToken(field, anywhere, tokens), nil
	}
	out, err = query.Rewrite(n, func(n query.Node) (query.Node, error) {
		var in query.Node
		var err error
		switch n := n.(type) {
		case query.Term:
			// The token stands where the number stood, which may be within a longer value: a word of it.
			in, err = token(n.Field, false, n.Value)
		case query.Words:
			in, err = token(n.Field, n.Any, n.Text)
		case query.Terms:
			return eachTerm(n, token)
		default: // patterns and ranges
			for _, v := range query.Values(n) {
				if found := h.finder.Find(v); len(found) > 0 {
					return nil, partial(found[0].Kind, "An identifier cannot be searched as a pattern.")
				}
			}
		}
		if err != nil || in == nil {
			return n, err
		}
		return in, nil
	})
	return out, kinds, err
}

// eachTerm puts tokens in place of those values that are identifiers and leaves the others as they are.
func eachTerm(n query.Terms, token func(ecs.Field, bool, string) (query.Node, error)) (query.Node, error) {
	var or query.Or
	var plain []string
	for _, v := range n.Values {
		in, err := token(n.Field, false, v)
		switch {
		case err != nil:
			return nil, err
		case in == nil:
			plain = append(plain, v)
		default:
			or = append(or, in)
		}
	}
	if or == nil {
		return n, nil
	}
	if plain != nil {
		or = append(or, query.Terms{Field: n.Field, Values: plain})
	}
	return or, nil
}

func partial(kind, detail string) error {
	return &soc.Problem{Status: http.StatusUnprocessableEntity, Code: "identifier_partial", Detail: detail,
		Values: map[string]string{"kind": kind}}
}

func anyToken(field ecs.Field, anywhere bool, tokens []string) query.Node {
	var or query.Or
	for _, t := range tokens {
		or = append(or, query.Words{Field: field, Any: anywhere, Text: t})
	}
	if len(or) == 1 {
		return or[0]
	}
	return or
}
