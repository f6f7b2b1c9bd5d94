package query

import "fmt"

// Codes of a SyntaxError; the console translates them.
const (
	CodeUnexpected  = "query.unexpected"  // something stands where an expression should: {found}
	CodeEnd         = "query.end"         // the text ends where a condition is missing
	CodeUnclosed    = "query.unclosed"    // a quote, bracket or /regular expression/ is not closed: {open}
	CodeField       = "query.field"       // not a field name: {found}
	CodeValue       = "query.value"       // a value is missing after the field: {field}
	CodeRegexp      = "query.regexp"      // the regular expression does not compile: {reason}
	CodeRange       = "query.range"       // the range is not [a to b]: {found}
	CodeWildcard    = "query.wildcard"    // * or ? in a bare word, which needs a field: {word}
	CodeWords       = "query.words"       // a text to search holds no letter or digit: {found}
	CodeTooDeep     = "query.too_deep"    // more than {max} levels of brackets
	CodeTooLong     = "query.too_long"    // longer than {max} characters
	CodeUnsupported = "query.unsupported" // a node a store or matcher cannot execute: {reason}
)

// SyntaxError says where a query went wrong and what to do. Msg and Do are the English fallback of Code with Values.
type SyntaxError struct {
	Col    int // 1-based, in characters
	Code   string
	Values map[string]string
	Msg    string
	Do     string
}

func (e *SyntaxError) Error() string {
	s := fmt.Sprintf("query, column %d: %s", e.Col, e.Msg)
	if e.Do != "" {
		s += " " + e.Do
	}
	return s
}
