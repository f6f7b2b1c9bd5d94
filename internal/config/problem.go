package config

import (
	"errors"
	"fmt"
)

// Problem is one thing that is wrong with a configuration: an English sentence with its values, so that it can be said in another
// language with the same values in the same order.
type Problem struct {
	Format string // as for fmt.Sprintf
	Values []any  // a Word or *Problem among them is worded in the language of the sentence
}

// Word is a value of a Problem that is itself made of words.
type Word string

// Error is the sentence in English.
func (p *Problem) Error() string { return p.Say(func(english string) string { return english }) }

// Say is the sentence as translate gives its format and words.
func (p *Problem) Say(translate func(english string) string) string {
	values := make([]any, len(p.Values))
	for i, v := range p.Values {
		switch v := v.(type) {
		case Word:
			values[i] = translate(string(v))
		case *Problem:
			values[i] = v.Say(translate)
		default:
			values[i] = v
		}
	}
	return fmt.Sprintf(translate(p.Format), values...)
}

// Sentences says each problem of an error of Load or Validate. What is no Problem (a file that cannot be read, a complaint of a part about
// its own keys) is given as it is.
func Sentences(err error, translate func(english string) string) []string {
	if err == nil {
		return nil
	}
	if list, ok := err.(interface{ Unwrap() []error }); ok {
		var out []string
		for _, e := range list.Unwrap() {
			out = append(out, Sentences(e, translate)...)
		}
		return out
	}
	var p *Problem
	if errors.As(err, &p) {
		return []string{p.Say(translate)}
	}
	return []string{err.Error()}
}
