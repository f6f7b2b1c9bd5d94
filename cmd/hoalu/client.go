package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"hoalu/internal/config"
	"hoalu/internal/control"
	"hoalu/soc"
)

// program is how this binary was called, for hints.
func program() string {
	if len(os.Args) > 0 {
		return os.Args[0]
	}
	return "hoalu"
}

// command is a command of this binary as one types it, for hints: called as this process was, and with the data directory where that is not
// the one it takes by itself.
func command(words, data string) string {
	line := strings.TrimSpace(program()) + " " + words
	if data == config.DefaultData() {
		return line
	}
	if strings.ContainsFunc(data, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("/._-", r)
	}) {
		data = "'" + strings.ReplaceAll(data, "'", `'\''`) + "'" // for a shell
	}
	return line + " --data " + data
}

// atData is the flag of commands that talk to the running appliance.
type atData struct {
	Data string `help:"Data directory of the running appliance." default:"${data}" type:"path"`
}

func (d atData) control() *control.Client { return control.NewClient(d.Data) }

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// span is a length of time on the command line: what Go writes, and days.
type span time.Duration

// UnmarshalText reads 90m, 24h, 7d.
func (s *span) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	if days, ok := strings.CutSuffix(string(text), "d"); ok {
		var n uint64
		n, err = strconv.ParseUint(days, 10, 16)
		d = time.Duration(n) * 24 * time.Hour
	}
	if err != nil || d <= 0 {
		return fmt.Errorf(say("must be a time as 90m, 24h or 7d, is %q"), text)
	}
	*s = span(d)
	return nil
}

// padded fills s with blanks up to n letters.
func padded(s string, n int) string {
	return s + strings.Repeat(" ", max(n-utf8.RuneCountInString(s), 1))
}

// local is an instant as people read it, with its zone.
func local(ms int64) string {
	return time.UnixMilli(ms).In(soc.Zone).Format("2006-01-02 15:04:05 -07")
}
