package syslog

import (
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// outcome is what a stream became.
type outcome struct {
	got                []string
	refused, fragments int
}

// reads sends data through a stream in reads of at most step bytes and lets the connection end.
func reads(data string, step, max int) outcome {
	s := newSink()
	l, err := New(Config{MaxMessage: max, Reject: s.lost, Drop: s.lost}, s.put, quiet())
	if err != nil {
		panic(err)
	}
	st := &stream{l: l, flush: background, from: sender{peer: "10.0.0.1"}, framer: framer{max: max}}
	st.out = newOutlet(l, background, TCP, nil, "10.0.0.1")
	for len(data) > 0 {
		n := min(step, len(data))
		st.buf = append(st.buf[:st.have], data[:n]...)
		st.have += n
		data = data[n:]
		if !st.cutAll() {
			break
		}
	}
	st.unfinished(true, true)
	st.out.drain()
	return outcome{s.got, s.losses[TooLarge] + s.losses[Truncated], s.losses[BadFrame]}
}

// One wrong octet count, among many right ones without newlines, costs at most the damaged message and its neighbour, and what is
// lost is counted: too large by any number, too small by any, off by one, inside a message, beyond the limit.
func TestOneWrongCount(t *testing.T) {
	const n, at = 400, 100
	for _, tail := range []string{"", " port 4711"} { // digits before the next count
		for _, off := range []int{-50, -10, -3, -2, -1, 1, 2, 3, 4, 5, 20, 60, 75, 80, 100, 250, 5000, 9000, 200_000} {
			for _, step := range []int{1 << 20, 1460, 160, 80, 79} {
				t.Run(fmt.Sprintf("%+d in reads of %d%s", off, step, tail), func(t *testing.T) {
					var b strings.Builder
					var want []string
					for i := range n {
						m := fmt.Sprintf("<34>1 2026-11-30T10:00:00Z web-%d app %d - - đăng nhập sai lần %d%s", i%7, i, i, tail)
						want = append(want, m)
						size := len(m)
						if i == at {
							size += off
						}
						fmt.Fprintf(&b, "%d %s", size, m)
					}
					got := reads(b.String(), step, 8<<10)
					lost := 0
					for i, m := range want {
						if !slices.Contains(got.got, m) {
							if i != at && i != at+1 {
								t.Errorf("message %d, beside the damaged %d, is lost", i, at)
							}
							lost++
						}
					}
					// A count that covers the next message exactly is a right one: then the two are glued.
					if glued := slices.Contains(got.got, want[at]+fmt.Sprint(len(want[at+1]))+" "+want[at+1]); len(got.got)+got.refused+
						got.fragments < n && !glued {
						t.Errorf("%d messages in, %d out and %d + %d counted", n, len(got.got), got.refused, got.fragments)
					}
					if got.fragments > 2 || got.refused > 1 || lost > 2 {
						t.Errorf("one wrong count: %d messages lost or changed, %d fragments, %d refused", lost, got.fragments, got.refused)
					}
				})
			}
		}
	}
}

// A connection may begin with a wrong count: nothing before it says that this is a stream of counted messages. In small reads a count
// of one digit ("…0174 <34>") leads to the end of what is there before the right one does.
func TestTheFirstCountIsWrong(t *testing.T) {
	const n = 200
	for _, first := range []string{"0", "00", "0083", "1", "9", "79", "81", "500", "9000", "9999999"} {
		for _, step := range []int{1 << 20, 1460, 7} {
			if first == "500" && step == 7 { // a read that ends where the count leads: it is believed
				continue
			}
			t.Run(first+" in reads of "+fmt.Sprint(step), func(t *testing.T) {
				var b strings.Builder
				var want []string
				for i := range n {
					m := fmt.Sprintf("<34>1 2026-11-30T10:00:00Z web-%d app %04d - - đăng nhập sai lần %04d", i%7, i, i)
					want = append(want, m)
					if i == 0 {
						b.WriteString(first + " " + m)
						continue
					}
					fmt.Fprintf(&b, "%d %s", len(m), m)
				}
				got := reads(b.String(), step, 8<<10)
				for i, m := range want[2:] {
					if !slices.Contains(got.got, m) {
						t.Fatalf("message %d is lost; %d of %d came: %q", i+2, len(got.got), n, got.got[:5])
					}
				}
				if got.fragments > 2 || got.refused > 1 {
					t.Errorf("%d fragments, %d refused, want at most 2 and 1", got.fragments, got.refused)
				}
			})
		}
	}
}

// A sender that counts characters where bytes are asked for (text of Vietnam: every count too small) has each message as one, and
// its plain messages too; it is told of. Text inside a message becomes none.
func TestCountsOfCharacters(t *testing.T) {
	for _, step := range []int{1 << 20, 1460, 160, 79, 7} {
		var b strings.Builder
		var want []string
		for i := range 400 {
			m := fmt.Sprintf("<34>1 2026-11-30T10:00:00Z web app %d - - đăng nhập sai lần thứ %d của người dùng", i, i)
			switch i % 5 {
			case 3:
				m = fmt.Sprintf("<34>1 2026-11-30T10:00:00Z web app %d - - plain", i)
			case 4:
				m = fmt.Sprintf("<34>1 2026-11-30T10:00:00Z web app %d - - mật khẩu ệ35 <86>1 - dc01 sshd - - Accepted root", i)
			}
			want = append(want, m)
			fmt.Fprintf(&b, "%d %s", utf8.RuneCountInString(m), m)
		}
		got := reads(b.String(), step, 8<<10)
		lost := 0
		for _, m := range want {
			if !slices.Contains(got.got, m) {
				lost++
			}
		}
		if lost > 1 || len(got.got) > len(want)+1 { // the first may be cut short where a read ends, before it is known how this sender counts
			t.Errorf("in reads of %d: %d messages in, %d out, %d of them lost or changed, first %q", step, len(want), len(got.got), lost, got.got[0])
		}
	}
}

// Headers whose counts lead nowhere are looked through once, not once for each character that each of them names.
func TestHeadersThatLeadNowhere(t *testing.T) {
	var b strings.Builder
	b.WriteString("5 <34>1 - - - - - a")
	for b.Len() < 1<<20 {
		b.WriteString("9010 <1>ệệệệ")
	}
	began := time.Now()
	reads(b.String(), 64<<10, 1<<20)
	if d := time.Since(began); d > 5*time.Second {
		t.Errorf("1 MiB of such headers took %s", d)
	}
}

// Messages ended by LF, CR LF and NUL and messages with octet counts, in any order on one connection, in any reads: as many come out
// as went in, and each as it was.
func TestAnyMixtureOfFramings(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 300 {
		var b strings.Builder
		var want []string
		for i := range 50 {
			m := fmt.Sprintf("<%d>%s %d", r.IntN(192), strings.Repeat("xin chào ", r.IntN(5)), i)
			want = append(want, m)
			switch r.IntN(4) {
			case 0:
				b.WriteString(m + "\n")
			case 1:
				b.WriteString(m + "\r\n")
			case 2:
				b.WriteString(m + "\x00")
			case 3:
				if r.IntN(2) == 0 {
					m += "\n"
				}
				fmt.Fprintf(&b, "%d %s", len(m), m)
			}
		}
		step := []int{1, 2, 3, 7, 64, 1 << 20}[round%6]
		got := reads(b.String(), step, 1000)
		if !slices.Equal(got.got, want) || got.refused+got.fragments != 0 {
			t.Fatalf("round %d, reads of %d: %d messages in, %d out, %d refused\nstream %q\ngot  %q\nwant %q", round, step, len(want), len(got.got),
				got.refused+got.fragments, b.String(), got.got, want)
		}
	}
}

// Text inside a message, written by whoever is logged, does not become messages of its own while the counts are right.
func TestTextIsNoFraming(t *testing.T) {
	forged := "<34>1 - web sshd - - GET /?q=35 <86>1 - dc01 sshd - - Accepted root36 <86>1 - dc01 sshd - - Accepted admin"
	in := fmt.Sprintf("%d %s%d %s", len(forged), forged, len(forged), forged)
	for _, step := range []int{1, 10, 50, 1 << 20} {
		if got := reads(in, step, 1000); !slices.Equal(got.got, []string{forged, forged}) {
			t.Errorf("in reads of %d: %q", step, got.got)
		}
	}
	lines := forged + "\n" + forged + "\n"
	if got := reads("5 <1>ab"+lines, 1<<20, 1000); !slices.Equal(got.got, []string{"<1>ab", forged, forged}) {
		t.Errorf("lines behind a counted message: %q", got.got)
	}
}

// A message ended by NUL is delivered though the connection stays open and nothing follows; a NUL inside a message stays.
func TestNULEndsAMessageAtOnce(t *testing.T) {
	s := newSink()
	l, _ := serve(t, Config{TCP: "127.0.0.1:0"}, s)
	c, err := net.Dial("tcp", l.Transport(TCP).String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for i, m := range []string{"<36>session opened for user root\x00", "<36>a\x00b\x00", "<36>không có gì theo sau\x00"} {
		began := time.Now()
		if _, err := c.Write([]byte(m)); err != nil {
			t.Fatal(err)
		}
		s.wait(t, m, func() bool { return len(s.got) == i+1 })
		if d := time.Since(began); d > 2*time.Second {
			t.Errorf("%q took %s", m, d)
		}
	}
	if want := []string{"<36>session opened for user root", "<36>a\x00b", "<36>không có gì theo sau"}; !slices.Equal(s.got, want) {
		t.Errorf("got %q, want %q", s.got, want)
	}
}
