// Package wording keeps what is wrong as an English sentence with its values apart, so that it can be said in the language of the person
// who reads it, with the same values in the same order.
//
// Words: a Problem is one such sentence; a Word is a value that is itself made of words. Who prints it (the command line) has the
// translations; a part that finds the problem needs none.
//
// Contract: everything here is immutable and safe for concurrent use. It imports nothing, so that every part may use it.
package wording

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"syscall"
)

// Problem is one thing that is wrong.
type Problem struct {
	Format string // English, as for fmt.Sprintf
	Values []any  // a Word or an error among them is worded in the language of the sentence

	cause error
}

// Word is a value of a Problem that is itself made of words.
type Word string

// New is a Problem. Its Unwrap gives the errors among values, nil without any.
func New(format string, values ...any) *Problem {
	var causes []error
	for _, v := range values {
		if err, ok := v.(error); ok {
			causes = append(causes, err)
		}
	}
	p := &Problem{Format: format, Values: values}
	if len(causes) == 1 {
		p.cause = causes[0]
	} else {
		p.cause = errors.Join(causes...)
	}
	return p
}

// Because is a Problem whose Unwrap is cause.
func Because(cause error, format string, values ...any) *Problem {
	return &Problem{Format: format, Values: values, cause: cause}
}

// String is the sentence in English, "" of no Problem.
func (p *Problem) String() string { return p.Say(func(english string) string { return english }) }

// Error is the sentence in English.
func (p *Problem) Error() string { return p.String() }

// Unwrap is the error that the Problem puts into words or among them, nil for one of its own.
func (p *Problem) Unwrap() error { return p.cause }

// Say is the sentence as translate gives its format and words, "" of no Problem.
func (p *Problem) Say(translate func(english string) string) string {
	if p == nil {
		return ""
	}
	values := make([]any, len(p.Values))
	for i, v := range p.Values {
		switch v := v.(type) {
		case Word:
			values[i] = translate(string(v))
		case *Problem:
			values[i] = v.Say(translate)
		case error:
			values[i] = Of(v).Say(translate)
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
	{syscall.ECONNREFUSED, "the server does not answer at this port"},
	{syscall.ECONNRESET, "the other side broke the connection off"},
	{syscall.EHOSTUNREACH, "there is no way there"},
	{syscall.ENETUNREACH, "there is no way there"},
	{syscall.ENODEV, "there is no such device"},
	{syscall.EADDRINUSE, "another program listens there already"},
	{syscall.EADDRNOTAVAIL, "this machine has no such address"},
	{syscall.ENOMEM, "the memory does not suffice"},
	{syscall.EMFILE, "too many files are open"},
	{syscall.ENFILE, "too many files are open"},
	{syscall.EDQUOT, "the share of the disk of this user is used up"},
	{syscall.EIO, "the disk or device fails"},
	{syscall.EBUSY, "another program uses it"},
	{syscall.ENOTEMPTY, "the folder is not empty"},
	{syscall.EXDEV, "it is on another disk"},
	{syscall.ENETDOWN, "the network is down"},
	{syscall.EHOSTDOWN, "there is no way there"},
	{syscall.ECONNABORTED, "the other side broke the connection off"},
	{syscall.ETIMEDOUT, "no answer came in time"},
	{syscall.ENOSYS, "this operating system cannot do it"},
	{syscall.EOPNOTSUPP, "this operating system cannot do it"},
	{syscall.EAFNOSUPPORT, "this operating system cannot do it"},
	{os.ErrDeadlineExceeded, "no answer came in time"},
	{net.ErrClosed, "the connection is closed"},
	{io.ErrUnexpectedEOF, "it ends in its middle"},
	{io.EOF, "it ends where more must follow"},
	{context.DeadlineExceeded, "no answer came in time"},
	{context.Canceled, "it was interrupted"},
}

// OfFile puts what the operating system said about a file into words: its path, then why.
func OfFile(path string, err error) *Problem {
	if errors.Is(err, syscall.EINVAL) {
		return Because(err, "%s: the name holds what no name may hold", path)
	}
	for _, s := range System {
		if errors.Is(err, s.Err) {
			return Because(err, "%s: %s", path, s.Text)
		}
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return Because(err, "%s: the operating system refuses it (error %d)", path, int(errno))
	}
	return Because(err, "%s: %s", path, err.Error())
}

// Of is err in words: the Problem in it, else what the operating system, the network or a certificate said. What nobody has words for is
// given as it is.
func Of(err error) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	if f, ok := errors.AsType[*fs.PathError](err); ok {
		return OfFile(f.Path, err)
	}
	if n, ok := errors.AsType[*net.DNSError](err); ok {
		return Because(err, "the name %s is not known here", n.Name)
	}
	if p := ofCertificate(err); p != nil {
		return p
	}
	if l, ok := errors.AsType[*os.LinkError](err); ok {
		return OfFile(l.New, err)
	}
	if p := ofJSON(err); p != nil {
		return p
	}
	if p := ofRegexp(err); p != nil {
		return p
	}
	for _, s := range System {
		if errors.Is(err, s.Err) {
			return Because(err, "%s", s.Text)
		}
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return Because(err, "the operating system refuses it (error %d)", int(errno))
	}
	if n, ok := errors.AsType[net.Error](err); ok && n.Timeout() {
		return Because(err, "%s", Word("no answer came in time"))
	}
	return Because(err, "%s", err.Error())
}

// ofJSON words why JSON cannot be read; nil: err is of something else.
func ofJSON(err error) *Problem {
	if s, ok := errors.AsType[*json.SyntaxError](err); ok {
		return Because(err, "is not JSON from character %d on", s.Offset)
	}
	if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if t.Field == "" {
			return Because(err, "is JSON of another kind: a %s where an object with named values must stand", t.Value)
		}
		return Because(err, "is JSON with a %s as %q, where it does not belong", t.Value, t.Field)
	}
	return nil
}

// ofCertificate words why a certificate is not taken; nil: err is of something else.
func ofCertificate(err error) *Problem {
	if h, ok := errors.AsType[x509.HostnameError](err); ok {
		return Because(err, "its certificate is not for %s", h.Host)
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return Because(err, "its certificate is of an authority that is not known here")
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return Because(err, "the other side does not speak TLS at this port")
	}
	if a, ok := errors.AsType[tls.AlertError](err); ok {
		return Because(err, "the other side refuses the TLS connection (alert %d)", uint8(a))
	}
	if c, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		if c.Reason == x509.Expired {
			return Because(err, "its certificate is not valid now; look at the clocks of both machines")
		}
		return Because(err, "its certificate is not valid")
	}
	return nil
}
