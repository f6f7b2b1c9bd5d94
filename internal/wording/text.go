package wording

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"strings"
)

// yamlWords are complaints of the reader of YAML in words: the first whose part the complaint has counts.
var yamlWords = []struct {
	part string
	said *Problem
}{
	{"mapping values are not allowed", New("a colon stands where none may; put the value in quotes, or correct the indentation")},
	{"could not find expected ':'", New("a key has no colon behind it")},
	{"did not find expected ',' or", errBracket},
	{"did not find expected node content", errBracket},
	{"did not find expected '-' indicator", New("the entries of a list do not stand in one column")},
	{"did not find expected key", New("the indentation does not fit the lines before")},
	{"block sequence entries are not allowed", New("a list begins where none may; correct the indentation")},
	{"tab character", errTab},
	{"cannot start any token", errTab},
	{"unexpected end of stream", New("a quotation mark is not closed")},
	{"unknown escape character", New("a backslash stands in double quotes; use single quotes")},
	{"unknown anchor", New("an alias (*) names nothing before it")},
	{"excessive aliasing", errUnfolds},
	{"exceeded max depth", errUnfolds},
	{"contains itself", errUnfolds},
	{"control characters", errNotText},
	{"UTF-8", errNotText},
}

var (
	errBracket = New("a bracket is not closed, or a comma is missing")
	errTab     = New("a tab stands where blanks must indent, or a value begins with a character that needs quotes")
	errUnfolds = New("its aliases or levels unfold to too much")
	errNotText = New("it is not text in UTF-8")
)

// YAML is what a reader of YAML complains about, in words; the line that it names is left out.
func YAML(complaint string) *Problem {
	for _, w := range yamlWords {
		if strings.Contains(complaint, w.part) {
			return w.said
		}
	}
	return New("cannot be read; look at indentation, colons, brackets and quotes")
}

// A decoder of YAML says of each key and value that it cannot take one line; these find what it is about.
var (
	yamlKey   = regexp.MustCompile(`^line (\d+): field (.+) not found in type \S+$`)
	yamlValue = regexp.MustCompile(`(?s)^line (\d+): cannot unmarshal .* into (\S+)$`)
	yamlTwice = regexp.MustCompile(`^line (\d+): mapping key (.+) already defined at line \d+$`)
	yamlLine  = regexp.MustCompile(`^yaml: line (\d+): (.*)`)
)

// OfYAML puts what a decoder of YAML returned into words; lists are the complaints of its error of types, nil of another error.
func OfYAML(err error, list []string) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	if len(list) == 0 {
		if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
			return Because(err, "line %s, or one near it: %s", m[1], YAML(m[2]))
		}
		return Because(err, "%s", YAML(err.Error()))
	}
	var all *Problem
	for _, said := range list {
		p := Because(err, "%s", said)
		if m := yamlKey.FindStringSubmatch(said); m != nil {
			p = Because(err, "line %s: there is no key %q here", m[1], m[2])
		} else if m := yamlTwice.FindStringSubmatch(said); m != nil {
			p = Because(err, "line %s: key %s stands twice", m[1], m[2])
		} else if m := yamlValue.FindStringSubmatch(said); m != nil {
			switch to := m[2]; {
			case strings.HasPrefix(to, "[]"):
				p = Because(err, "line %s: a list must stand here", m[1])
			case to == "string":
				p = Because(err, "line %s: a text must stand here", m[1])
			case to == "bool":
				p = Because(err, "line %s: true or false must stand here", m[1])
			case strings.Contains(to, "int") || strings.Contains(to, "float"):
				p = Because(err, "line %s: a number must stand here", m[1])
			default:
				p = Because(err, "line %s: keys with values must stand here", m[1])
			}
		}
		if all != nil {
			p = New("%s; %s", all, p)
		}
		all = p
	}
	return all
}

var regexpWords = map[syntax.ErrorCode]Word{
	syntax.ErrInvalidCharClass:      "no such class of characters",
	syntax.ErrInvalidCharRange:      "no such range of characters",
	syntax.ErrInvalidEscape:         "no such escape",
	syntax.ErrInvalidNamedCapture:   "no such name of a group",
	syntax.ErrInvalidPerlOp:         "no such group",
	syntax.ErrInvalidRepeatOp:       "no such repetition",
	syntax.ErrInvalidRepeatSize:     "repeated too often",
	syntax.ErrInvalidUTF8:           "it is not text in UTF-8",
	syntax.ErrMissingBracket:        "] is missing",
	syntax.ErrMissingParen:          ") is missing",
	syntax.ErrMissingRepeatArgument: "nothing stands before the repetition",
	syntax.ErrTrailingBackslash:     "ends in a backslash",
	syntax.ErrUnexpectedParen:       ") was not opened",
	syntax.ErrNestingDepth:          "nested too deep",
	syntax.ErrLarge:                 "is too large",
}

// ofRegexp words what is wrong with a regular expression; nil: err is of something else.
func ofRegexp(err error) *Problem {
	se, ok := errors.AsType[*syntax.Error](err)
	if !ok {
		return nil
	}
	word, ok := regexpWords[se.Code]
	if !ok {
		word = Word(se.Code)
	}
	if se.Code == syntax.ErrInvalidPerlOp || se.Code == syntax.ErrInvalidEscape {
		return Because(err, "%s: %s (look-around and back-references are no part of these regular expressions)", word, se.Expr)
	}
	return Because(err, "%s: %s", word, se.Expr)
}
