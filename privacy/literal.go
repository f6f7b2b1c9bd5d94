package privacy

import (
	"time"

	"hoalu/internal/wording"
)

// Literal gives a rule what stands in events in place of a citizen's number it names (decision 17). A number without any
// context around it may have been left in place, so the literal itself stays beside its tokens.
func (p *Protector) Literal(literal string, whole bool) ([]string, error) {
	if whole {
		tokens, _, err := p.TokenFor(literal)
		if err != nil {
			return nil, err
		}
		if tokens != nil {
			return append(tokens, literal), nil
		}
		return p.glued(literal)
	}
	for _, m := range append(Find(literal, false), full(nil, look(literal), anywhere, time.Now().Year())...) {
		return nil,
			wording.New("holds a citizen's number (%s), which events hold as a pseudonym only: compare the whole value, or leave the number out",
				m.Kind)
	}
	return nil, nil
}

// glued gives what stands in events in place of a value that is longer than the number in it ("pc-037…"), and the value itself; nil when no
// number is in it.
func (p *Protector) glued(value string) ([]string, error) {
	found := inOrder(full(nil, look(value), anywhere, time.Now().Year()))
	if len(found) == 0 {
		return nil, nil
	}
	if len(found) > 1 {
		return nil, wording.New("holds more than one citizen's number, which events hold as pseudonyms only: compare with one of them")
	}
	m := found[0]
	tokens, _, err := p.TokenFor(m.Normal)
	if err != nil {
		return nil, err
	}
	for i, t := range tokens {
		tokens[i] = value[:m.Start] + t + value[m.End:]
	}
	return append(tokens, value), nil
}
