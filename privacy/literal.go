package privacy

import "fmt"

// Literal gives a rule what stands in events in place of a citizen's number it names (decision 17). A number without any
// context around it may have been left in place, so the literal itself stays beside its tokens.
func (p *Protector) Literal(literal string, whole bool) ([]string, error) {
	if whole {
		tokens, _, err := p.TokenFor(literal)
		if err != nil || tokens == nil {
			return nil, err
		}
		return append(tokens, literal), nil
	}
	for _, m := range Find(literal, false) {
		return nil,
			fmt.Errorf("%q holds a citizen's number (%s), which events hold as a pseudonym only: compare the whole value, or leave the number out",
				literal, m.Kind)
	}
	return nil, nil
}
