// Package wording keeps what is wrong as an English sentence with its values apart, so that it can be said in the language of the person
// who reads it, with the same values in the same order.
//
// Words: a Problem is one such sentence; a Word is a value that is itself made of words. Who prints it (the command line) has the
// translations; a part that finds the problem needs none.
//
// Contract: everything here is immutable and safe for concurrent use. It imports nothing, so that every part may use it.
package wording

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
)

// Problem is one thing that is wrong.
type Problem struct {
	Format string // English, as for fmt.Sprintf
	Values []any  // a Word or *Problem among them is worded in the language of the sentence

	cause error
}

// Word is a value of a Problem that is itself made of words.
type Word string

// New is a Problem.
func New(format string, values ...any) *Problem { return &Problem{Format: format, Values: values} }

// Error is the sentence in English.
func (p *Problem) Error() string { return p.Say(func(english string) string { return english }) }

// Unwrap is the error that the Problem puts into words, nil for one of its own.
func (p *Problem) Unwrap() error { return p.cause }

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

// Sentences says each problem of an error that joins several. What is no Problem is given as it is.
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

// System are errors of the operating system in words; the first that errors.Is finds counts.
var System = []struct {
	Err  error
	Text Word
}{
	{fs.ErrNotExist, "there is no such file or folder"},
	{fs.ErrPermission, "this user may not"},
	{fs.ErrExist, "it is there already"},
	{syscall.ENOSPC, "the disk is full"},
	{syscall.EISDIR, "it is a folder"},
	{syscall.ENOTDIR, "a part of the path is no folder"},
	{syscall.EROFS, "the disk takes no changes (read-only)"},
	{syscall.EPIPE, "nobody reads the output any more"},
	{syscall.ENAMETOOLONG, "the name is too long"},
	{syscall.ELOOP, "links lead in a circle"},
	{syscall.EINVAL, "the name holds what no name may hold"},
}

// OfFile puts what the operating system said about a file into words: its path, then why.
func OfFile(path string, err error) *Problem {
	for _, s := range System {
		if errors.Is(err, s.Err) {
			return &Problem{"%s: %s", []any{path, s.Text}, err}
		}
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return &Problem{"%s: the operating system refuses it (error %d)", []any{path, int(errno)}, err}
	}
	return &Problem{"%s: %s", []any{path, err.Error()}, err}
}
