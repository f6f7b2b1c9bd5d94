package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"regexp"
	"strings"
	"syscall"
	"unicode"

	"github.com/alecthomas/kong"

	"hoalu/console"
	"hoalu/internal/lang"
	"hoalu/internal/wording"
	"hoalu/soc"
)

// say is a text of this command line in the person's language. Every sentence it prints goes through it, so that a test can ask
// whether internal/lang/vi.yml has the Vietnamese.
var say = lang.T

// translateHelp puts what commands, flags and arguments say of themselves into the language in use.
func translateHelp(k *kong.Kong) {
	var visit func(n *kong.Node)
	visit = func(n *kong.Node) {
		n.Help, n.Detail = say(n.Help), say(n.Detail)
		for _, f := range n.Flags {
			f.Help, f.OrigHelp = say(f.Help), say(f.OrigHelp)
			f.PlaceHolder = say(f.PlaceHolder)
		}
		for _, p := range n.Positional {
			p.Help, p.OrigHelp = say(p.Help), say(p.OrigHelp)
			p.Name = strings.Trim(say("<"+p.Name+">"), "<>")
		}
		for _, c := range n.Children {
			visit(c)
		}
	}
	k.Model.Help = say(k.Model.Help)
	visit(k.Model.Node)
	k.Model.HelpFlag.Help = say("Show this help.")
}

// frame are the words that the parser's library puts around our own.
var frame = []struct {
	english *regexp.Regexp
	vi      string
}{
	{regexp.MustCompile(`(?m)^Usage: `), "Cách dùng: "},
	{regexp.MustCompile(`(?m)^Arguments:$`), "Đối số:"},
	{regexp.MustCompile(`(?m)^Flags:$`), "Tùy chọn:"},
	{regexp.MustCompile(`(?m)^Commands:$`), "Các lệnh:"},
	{regexp.MustCompile(`(?m)^Run "(.+) <command> --help" for more information on a command\.$`), `Xem thêm về một lệnh: $1 <lệnh> --help`},
	{regexp.MustCompile(`(?m)^Run "(.+)" for more information\.$`), `Xem thêm: $1`},
	{regexp.MustCompile(`<command>`), "<lệnh>"},
	{regexp.MustCompile(`\[flags\]`), "[tùy chọn]"},
}

// printHelp is kong's own, with its words in the language in use.
func printHelp(options kong.HelpOptions, ctx *kong.Context) error {
	if lang.Code() != "vi" {
		return kong.DefaultHelpPrinter(options, ctx)
	}
	out := ctx.Stdout
	var b bytes.Buffer
	ctx.Stdout = &b
	err := kong.DefaultHelpPrinter(options, ctx)
	ctx.Stdout = out
	text := b.String()
	for _, f := range frame {
		text = f.english.ReplaceAllString(text, f.vi)
	}
	if _, werr := fmt.Fprint(out, text); err == nil {
		err = werr
	}
	return err
}

// wrongUse are the parser's complaints, each as a sentence. Groups of the expression are the sentence's values.
var wrongUse = []struct {
	complaint *regexp.Regexp
	sentence  string
}{
	{regexp.MustCompile(`^unexpected argument (.+), did you mean (?:one of )?(.+)\?$`), "There is no command %s here. Did you mean %s?"},
	{regexp.MustCompile(`^unexpected argument (.+)$`), "%s is neither a command here nor an argument that is asked for."},
	{regexp.MustCompile(`^unknown flag (.+), did you mean (?:one of )?(.+)\?$`), "There is no flag %s here. Did you mean %s?"},
	{regexp.MustCompile(`^unknown flag (.+)$`), "There is no flag %s here."},
	{regexp.MustCompile(`^unexpected flag argument (.+)$`), "The flag takes no value, but %s is given."},
	{regexp.MustCompile(`^missing flags?: (.+)$`), "These flags are needed and not given: %s."},
	{regexp.MustCompile(`^missing positional arguments (.+)$`), "What is to be worked on is not given: %s."},
	{regexp.MustCompile(`^(--[a-z0-9-]+)(?:=\S+)?: expected .* value but got .*; perhaps try (.+)\?$`),
		"%s needs a value behind it; one that begins with - is written as %s."},
	{regexp.MustCompile(`^expected one of (.+)$`), "One of these commands must follow: %s."},
	{regexp.MustCompile(`^expected "(<.+)"$`), "This must follow: %s."},
	{regexp.MustCompile(`^(--\S+) must be one of (.+?)(?:, "")? but got (.+)$`), "%s takes one of %s, not %s."},
	{regexp.MustCompile(`^(--[a-z0-9-]+)(?:=\S+)?: (?:missing value|expected .* value but got .*EOL.*)`), "%s needs a value behind it."},
	{regexp.MustCompile(`^(--[a-z0-9-]+)(?:=\S+)?: expected (?:a valid \d+ bit u?int|an int|a float) but got (".*?")`),
		"%s must be a whole number, not %s."},
	{regexp.MustCompile(`^(--[a-z0-9-]+)(?:=\S+)?: parsing time (".*?")`), "%s must be an instant as 2026-11-30T08:30:00+07:00, not %s."},
	{regexp.MustCompile(`^(--[a-z0-9-]+)(?:=\S+)?: (?:bool value must be .* but got|expected bool but got) (".*?")`),
		"%s must be true or false, not %s."},
	{regexp.MustCompile(`^(--\S+) and (--\S+) can't be used together$`), "%s and %s do not go together."},
	{regexp.MustCompile(`^(?:.*: )?(?:stat|open) (.+): no such file or directory$`), "There is no file or folder %s."},
	{regexp.MustCompile(`^(?:.*: )?(".+") exists but is a directory$`), "%s is a folder; a file is needed."},
}

// placeHolders stand behind the flags of a complaint about missing ones: --role=ROLE,...
var placeHolders = regexp.MustCompile(`(--[a-z0-9-]+)=[^ ,]+(?:,\.\.\.)?`)

// usageSentence says what is wrong with the arguments.
func usageSentence(err error) string {
	var own *sentence // of our own flags and Validate methods
	if errors.As(err, &own) {
		return err.Error()
	}
	text := err.Error()
	if strings.HasPrefix(text, "missing flag") {
		text = placeHolders.ReplaceAllString(text, "$1")
	}
	if strings.Contains(text, " must be one of ") {
		text = strings.ReplaceAll(text, `","`, `", "`)
	}
	for _, w := range wrongUse {
		if m := w.complaint.FindStringSubmatch(text); m != nil {
			values := make([]any, len(m)-1)
			for i, v := range m[1:] {
				values[i] = v
			}
			return fmt.Sprintf(say(w.sentence), values...)
		}
	}
	return text
}

// sentence is an error that is worded already.
type sentence struct{ error }

// errorSentence is an error for a person, in the person's language; paths and names stay.
func errorSentence(err error) string {
	return inWords(err.Error(), err)
}

// inWords puts the parts of text that errors below err gave into words: the product's own problems, and what the operating system, the
// network or the reader of JSON said in the words of its developers.
func inWords(text string, err error) string {
	switch e := err.(type) {
	case *soc.Problem:
		if lang.Code() != "vi" {
			return text
		}
		return strings.ReplaceAll(text, e.Error(), console.ProblemText("vi", e))
	case *wording.Problem:
		return strings.ReplaceAll(text, e.Error(), e.Say(say))
	case *fs.PathError, *os.LinkError, *os.SyscallError, *net.OpError, syscall.Errno, *json.SyntaxError, *json.UnmarshalTypeError:
		return strings.ReplaceAll(text, e.Error(), wording.Of(e).Say(say))
	case interface{ Unwrap() error }:
		if below := e.Unwrap(); below != nil {
			return inWords(text, below)
		}
	case interface{ Unwrap() []error }:
		for _, below := range e.Unwrap() {
			text = inWords(text, below)
		}
	}
	return text
}

// plain writes to a terminal what others wrote into files: control characters, which could change what the terminal shows, are left out.
type plain struct{ w io.Writer }

func (p plain) Write(b []byte) (int, error) {
	clean := bytes.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || unicode.IsPrint(r) {
			return r
		}
		return -1
	}, b)
	if _, err := p.w.Write(clean); err != nil {
		return 0, err
	}
	return len(b), nil
}
