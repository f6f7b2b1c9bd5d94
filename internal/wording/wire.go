package wording

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// wireProblem is a Problem on its way to another process: its format, and each value as text, as a word or as a problem of its own.
type wireProblem struct {
	Format string      `json:"format"`
	Values []wireValue `json:"values,omitempty"`
}

// wireValue has one of its fields.
type wireValue struct {
	Text    string   `json:"text,omitempty"` // as the verb of the format gives it
	Word    Word     `json:"word,omitempty"`
	Problem *Problem `json:"problem,omitempty"`
}

// given is a value that another process has turned into text: every verb gives that text, whatever width it asks for.
type given string

// Format writes the text.
func (g given) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, string(g)) } // the State of package fmt takes everything

// verb is a verb as the product's own formats have them: no width beyond three digits, no value by its number, so that what is said is
// never much longer than what was sent.
var verb = regexp.MustCompile(`%[-+# 0]*[0-9]{0,3}(?:\.[0-9]{0,3})?[a-zA-SU-Z%]`)

// ErrFormat means that a Problem came with a format that is none of the product's own.
var ErrFormat = errors.New("a sentence whose values cannot be put in")

// MarshalJSON gives the Problem so that another process can say it in a language of its own. The error that Unwrap gives stays behind.
func (p *Problem) MarshalJSON() ([]byte, error) {
	verbs := slices.DeleteFunc(verb.FindAllString(p.Format, -1), func(v string) bool { return v[len(v)-1] == '%' })
	out := wireProblem{Format: p.Format, Values: make([]wireValue, len(p.Values))}
	for i, v := range p.Values {
		switch v := v.(type) {
		case Word:
			out.Values[i].Word = v
		case *Problem:
			out.Values[i].Problem = v
		case error:
			out.Values[i].Problem = Of(v)
		default:
			format := "%v"
			if i < len(verbs) {
				format = verbs[i]
			}
			out.Values[i].Text = fmt.Sprintf(format, v)
		}
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads what MarshalJSON gave, also from outside the appliance: what is said of it grows with data, and no faster.
// ErrFormat: its format asks for more.
func (p *Problem) UnmarshalJSON(data []byte) error {
	var in wireProblem
	if err := json.Unmarshal(data, &in); err != nil {
		return err
	}
	if strings.Contains(verb.ReplaceAllString(in.Format, ""), "%") {
		return ErrFormat
	}
	*p = Problem{Format: in.Format, Values: make([]any, len(in.Values))}
	for i, v := range in.Values {
		switch {
		case v.Problem != nil:
			p.Values[i] = v.Problem
		case v.Word != "":
			p.Values[i] = v.Word
		default:
			p.Values[i] = given(v.Text)
		}
	}
	return nil
}
