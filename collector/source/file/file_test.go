package file

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/klauspost/compress/zstd"

	"hoalu/ecs/wire"
)

func zip(s string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte(s)) //nolint:errcheck // a buffer
	z.Close()
	return b.Bytes()
}

func TestImport(t *testing.T) {
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	text := "\xef\xbb\xbf{\"a\":1}\r\n\n<13>Nov 22 x\nplain line\n" + strings.Repeat("y", 5000) + "\n<999>no priority\nlast without newline"
	want := []string{`json {"a":1}`, "syslog <13>Nov 22 x", "line plain line", "line <999>no priority", "line last without newline"}
	for name, data := range map[string][]byte{"plain": []byte(text), "gzip": zip(text),
		"two gzip members": append(zip(text[:40]), zip(text[40:])...), "zstd": enc.EncodeAll([]byte(text), nil)} {
		t.Run(name, func(t *testing.T) {
			var got []string
			refused := 0
			done, err := Import(t.Context(), bytes.NewReader(data), name,
				ImportOptions{Source: "NG-1", MaxLine: 1000, Reject: func(_, _, _ string, n int) { refused += n }},
				func(_ context.Context, listener string, frames []wire.Frame) error {
					for _, f := range frames {
						got = append(got, f.Format+" "+string(f.Data))
						if listener != ImportName || f.Source != "NG-1" || f.Received == 0 {
							t.Errorf("%s %+v", listener, f)
						}
					}
					return nil
				})
			if err != nil || !slices.Equal(got, want) || done.Frames != 5 || done.Rejected != 1 || refused != 1 {
				t.Errorf("Import = %+v, %v\ngot  %q\nwant %q", done, err, got, want)
			}
		})
	}
}

// Windows writes UTF-16 with a mark; NUL bytes and a very long line cost no other line; read again, lines have the ids they had.
func TestImportOdd(t *testing.T) {
	wide := func(s string, big bool) []byte {
		var b []byte
		for _, u := range utf16.Encode([]rune("\ufeff" + s)) {
			if big {
				b = append(b, byte(u>>8), byte(u))
			} else {
				b = append(b, byte(u), byte(u>>8))
			}
		}
		return b
	}
	text := "Đăng nhập thất bại\r\n{\"a\":1}\r\ncuối"
	take := func(data io.Reader) (lines []string, ids map[string]bool, done Imported, err error) {
		ids = map[string]bool{}
		done, err = Import(t.Context(), data, "x", ImportOptions{}, func(_ context.Context, _ string, frames []wire.Frame) error {
			for _, f := range frames {
				lines, ids[f.ID] = append(lines, string(f.Data)), true
			}
			return nil
		})
		return lines, ids, done, err
	}
	want := []string{"Đăng nhập thất bại", `{"a":1}`, "cuối"}
	for name, data := range map[string][]byte{"little": wide(text, false), "big": wide(text, true), "zipped": zip(string(wide(text, false))),
		"CRLF": []byte(text), "NUL": []byte("Đăng nhập thất bại\x00\n\x00\n{\"a\":1}\n\ncuối")} {
		if lines, _, _, err := take(bytes.NewReader(data)); err != nil || !slices.Equal(lines, want) {
			t.Errorf("%s: %q, %v", name, lines, err)
		}
	}
	// A line of 100 MB, never held in memory.
	if lines, _, done, err := take(io.MultiReader(strings.NewReader("a\n"), io.LimitReader(endless{}, 100<<20),
		strings.NewReader("\nb\n"))); err != nil || !slices.Equal(lines, []string{"a", "b"}) || done.Rejected != 1 {
		t.Errorf("long line: %q, %+v, %v", lines, done, err)
	}
	for head, word := range map[string]string{"PK\x03\x04....": "zip", "ElfFile\x00": "Winlogbeat", "BZh91AY": "bzip2", "": ""} {
		if _, _, done, err := take(strings.NewReader(head)); (head != "") != errors.Is(err, ErrForeign) ||
			head != "" && !strings.Contains(err.Error(), word) || done.Frames != 0 {
			t.Errorf("%q: %+v, %v", head, done, err)
		}
	}
	// The same line twice has two ids; a file cut off, then whole, gives the lines in common the ids they had.
	var long strings.Builder
	for i := range 30_000 {
		fmt.Fprintf(&long, "như nhau\n%x\n", i*7919)
	}
	packed := zip(long.String())
	_, some, cut, err := take(bytes.NewReader(packed[:len(packed)-9]))
	if !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), "cut off") || cut.Frames == 0 {
		t.Errorf("cut off: %+v, %v", cut, err)
	}
	_, all, _, err := take(strings.NewReader(long.String()))
	if err != nil || len(all) != 60_000 {
		t.Errorf("%d ids of 60,000 lines, %v", len(all), err)
	}
	n := 0
	for id := range some {
		if all[id] {
			n++
		}
	}
	if n < len(some)-1 { // the last line may be half of one
		t.Errorf("%d of the %d ids of the cut file are those of the whole one", n, len(some))
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func TestImportErrors(t *testing.T) {
	ok := func(context.Context, string, []wire.Frame) error { return nil }
	broken := zip(strings.Repeat("line\n", 5000))
	if _, err := Import(t.Context(), bytes.NewReader(broken[:len(broken)-9]), "x.gz", ImportOptions{}, ok); !errors.Is(err,
		io.ErrUnexpectedEOF) {
		t.Errorf("truncated gzip: %v", err)
	}
	full := errors.New("full")
	n := 0
	done, err := Import(t.Context(), strings.NewReader(strings.Repeat("line\n", 2500)), "x", ImportOptions{},
		func(context.Context, string, []wire.Frame) error {
			if n++; n == 3 {
				return full
			}
			return nil
		})
	if !errors.Is(err, full) || done.Frames != 2000 {
		t.Errorf("put fails at the third batch: %+v, %v", done, err)
	}
}

// follower drives a Follower look by look.
type follower struct {
	*Follower
	t    *testing.T
	got  []string
	ids  map[string]string
	fail error
	now  time.Time
}

func follow(t *testing.T, cfg Config) *follower {
	t.Helper()
	w := &follower{t: t, ids: map[string]string{}, now: time.Now()}
	var err error
	w.Follower, err = New(cfg, func(_ context.Context, _ string, frames []wire.Frame) error {
		if w.fail != nil {
			return w.fail
		}
		for _, f := range frames {
			w.got = append(w.got, string(f.Data))
			if other, ok := w.ids[f.ID]; ok || f.ID == "" {
				t.Errorf("id %q of %q was that of %q", f.ID, f.Data, other)
			}
			w.ids[f.ID] = string(f.Data)
		}
		return nil
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, f := range w.open {
			f.f.Close()
		}
	})
	return w
}

func (w *follower) step(want ...string) {
	w.t.Helper()
	w.got = nil
	for {
		more, err := w.look(w.t.Context(), w.now)
		if err != nil {
			w.t.Fatal(err)
		}
		if !more {
			break
		}
	}
	if !slices.Equal(w.got, want) {
		w.t.Errorf("got %q, want %q", w.got, want)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func TestFollow(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "log", "auth.log")
	if err := os.Mkdir(filepath.Dir(log), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, log, "old\n")
	cfg := Config{Paths: []Path{{Path: log, Source: "NG-1"}}, State: filepath.Join(dir, "state"), MaxLine: 100}
	w := follow(t, cfg)
	w.step() // what was there before is not read
	write(t, log, "a\nb\npart")
	w.step("a", "b")
	write(t, log, "ial\n")
	w.step("partial")

	// Rotated: the writer goes on in the old file for a while, the new one is read from its begin.
	rename(t, log, log+".1")
	write(t, log+".1", "c\n")
	write(t, log, "d\n")
	w.step("c", "d")
	write(t, log+".1", "e\nunended")
	w.step("e")
	w.now = w.now.Add(time.Minute)
	w.step("unended")

	// Truncated in place.
	if err := os.Truncate(log, 0); err != nil {
		t.Fatal(err)
	}
	w.step()
	write(t, log, "f\n")
	w.step("f")

	// A line too long is counted, what follows is read.
	refused := 0
	w.cfg.Reject = func(_, _, _ string, n int) { refused += n }
	write(t, log, strings.Repeat("x", 150))
	w.step()
	write(t, log, strings.Repeat("x", 150)+"\ng\n"+strings.Repeat("y", 101)+"\nh\n")
	w.step("g", "h")
	if refused != 2 {
		t.Errorf("%d lines refused, want 2", refused)
	}

	// Stopped, written to, rotated, written to, started again: nothing is missing, nothing comes twice.
	write(t, log, "i\n")
	rename(t, log, log+".1")
	write(t, log, "j\n")
	ids := w.ids
	w = follow(t, cfg)
	w.ids = ids
	w.step("i", "j")

	// put fails: the same lines come again under the same ids.
	write(t, log, "k\n")
	w.fail = errors.New("full")
	if _, err := w.look(t.Context(), w.now); err == nil {
		t.Error("the error of put was swallowed")
	}
	w.fail = nil
	w.step("k")
	w = follow(t, cfg)
	w.step()
}

// A crash after put and before the position is kept: the lines come again with the ids they had.
func TestFollowCrash(t *testing.T) {
	dir := t.TempDir()
	log, state := filepath.Join(dir, "a.log"), filepath.Join(dir, "state")
	cfg := Config{Paths: []Path{{Path: filepath.Join(dir, "*.log"), Begin: true}}, State: state}
	write(t, log, "a\n")
	w := follow(t, cfg)
	w.step("a")
	before, err := os.ReadFile(state)
	if err != nil {
		t.Fatal(err)
	}
	write(t, log, "b\n")
	w.step("b")
	if err := os.WriteFile(state, before, 0o600); err != nil {
		t.Fatal(err)
	}
	again := follow(t, cfg)
	again.step("b")
	for id, line := range again.ids {
		if w.ids[id] != line {
			t.Errorf("line %q came again as %s, it was another before", line, id)
		}
	}
}

func TestFollowMany(t *testing.T) {
	dir := t.TempDir()
	w := follow(t, Config{Paths: []Path{{Path: dir, Begin: true}}, State: filepath.Join(t.TempDir(), "state")})
	var want []string
	for i := range 3 {
		var b strings.Builder
		for j := range 40_000 {
			fmt.Fprintf(&b, "file %d line %d %s\n", i, j, strings.Repeat("z", 20))
			want = append(want, fmt.Sprintf("file %d line %d %s", i, j, strings.Repeat("z", 20)))
		}
		write(t, filepath.Join(dir, fmt.Sprint(i, ".log")), b.String())
	}
	write(t, filepath.Join(dir, "old.log.gz"), "not a line")
	w.got = nil
	for more := true; more; {
		var err error
		if more, err = w.look(t.Context(), w.now); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(w.got)
	slices.Sort(want)
	if !slices.Equal(w.got, want) {
		t.Errorf("%d lines, want %d", len(w.got), len(want))
	}
}

func TestJournalEntries(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")
	w := follow(t, Config{State: state})
	in := `{"__CURSOR":"c1","__REALTIME_TIMESTAMP":"1700000000123456","_HOSTNAME":"máy-1","PRIORITY":"4","SYSLOG_FACILITY":"10","SYSLOG_IDENTIFIER":"sshd","_PID":"77","MESSAGE":"Failed password"}
not json
{"__CURSOR":"c2","__REALTIME_TIMESTAMP":"1700000000123456","_COMM":"a b","MESSAGE":[104,105,255]}
`
	err := w.entries(t.Context(), Path{Source: "NG-1"}, bufio.NewReader(strings.NewReader(in)))
	want := []string{"<84>1 2023-11-14T22:13:20.123456Z my-1 sshd 77 - - Failed password",
		"<30>1 2023-11-14T22:13:20.123456Z - ab - - - hi\xff"}
	if !errors.Is(err, io.EOF) || !slices.Equal(w.got, want) {
		t.Errorf("entries: %v\ngot  %q\nwant %q", err, w.got, want)
	}
	if again := follow(t, Config{State: state}); again.state.Cursor != "c2" {
		t.Errorf("cursor kept: %q, want c2", again.state.Cursor)
	}
}
