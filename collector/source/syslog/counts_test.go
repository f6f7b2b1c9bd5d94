package syslog

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// differ is how many messages did not come out as they are, and how many others came out; all are different.
func differ(want, got []string) (missing, more int) {
	left := map[string]bool{}
	for _, m := range want {
		left[m] = true
	}
	for _, m := range got {
		if !left[m] {
			more++
		}
		delete(left, m)
	}
	return len(left), more
}

var bodies = map[string]func(r *rand.Rand, i int) string{
	"one length": func(_ *rand.Rand, i int) string {
		return fmt.Sprintf("<34>1 2026-11-30T10:00:00Z web app %d - - failed password for root", 10000+i)
	},
	"digits at the end": func(_ *rand.Rand, i int) string {
		return fmt.Sprintf("<34>1 2026-11-30T10:00:00Z web-%d app %d - - đăng nhập sai lần %d port 4711", i%7, i, i)
	},
	"any length": func(r *rand.Rand, i int) string {
		return fmt.Sprintf("<%d>Nov 30 10:00:00 web sshd[%d]: %s", r.IntN(192), i, strings.Repeat("người dùng ", 3+r.IntN(40))) + "."
	},
	"lines and markup": func(r *rand.Rand, i int) string {
		return fmt.Sprintf("<13>1 - dc01.so.gov.vn evt %d - - <Event>\n <System>%s</System>\n <Id>%d</Id>\n</Event>", i, strings.Repeat("<x/>\n", r.IntN(9)), i)
	},
}

// A sender whose every count is wrong by the same number has each message as an event of its own, in whatever reads it comes; and so has
// one that is wrong in some of them only.
func TestCountsWrongByAConstant(t *testing.T) {
	const n = 120
	for name, body := range bodies {
		for k := -40; k <= 40; k++ {
			for _, share := range []float64{1, 0.7, 0.3} {
				for _, step := range []int{1 << 20, 1460, 79, 1} {
					r := rand.New(rand.NewPCG(uint64(k+100), uint64(step)))
					var b strings.Builder
					var want []string
					for i := range n {
						m := body(r, i)
						want = append(want, m)
						size := len(m)
						if r.Float64() < share {
							size += k
						}
						fmt.Fprintf(&b, "%d %s", size, m)
					}
					got := reads(b.String(), step, 64<<10)
					missing, more := differ(want, got.got)
					// The first of all may lose digits at its end, which look like the begin of the next count; and where the first wrong
					// count comes among right ones, it and its neighbours may be cut short, or into lines.
					may, others := 0, 0
					if name == "digits at the end" {
						may, others = 1, 1
					}
					if share < 1 {
						may, others = 4, 12
					}
					if missing > may || more > others {
						t.Errorf("%s, %.0f %% of the counts wrong by %+d, reads of %d: %d messages in, %d out, %d missing, %d others; counted %d+%d", name,
							100*share, k, step, n, len(got.got), missing, more, got.refused, got.fragments)
					}
				}
			}
		}
	}
}

// A message whose count is right is never cut, whatever stands in it: headers with counts that lead to its end, to other headers or
// nowhere, digits, line ends; in any reads and with pauses anywhere.
func TestRightCountsAreNeverCut(t *testing.T) {
	for round := range 400 {
		r := rand.New(rand.NewPCG(7, uint64(round)))
		piece := func() string {
			switch r.IntN(9) {
			case 7:
				return "4 "
			case 8:
				return "38 <86>1 - dc01 sshd - - Accepted password38 <86>1 - dc01 sshd - - Accepted password1 "
			case 0:
				return fmt.Sprintf("%d <86>1 - dc01 sshd - - Accepted root", r.IntN(120))
			case 1:
				return "38 <86>1 - dc01 sshd - - Accepted password"
			case 2:
				return fmt.Sprint(r.IntN(20000))
			case 3:
				return "\n<34>"
			case 4:
				return "ệ 4 <1>"
			case 5:
				return strings.Repeat("x", r.IntN(90))
			}
			return " "
		}
		var b strings.Builder
		var want []string
		for i := range 60 {
			m := fmt.Sprintf("<%d>1 - - app %d - - ", r.IntN(192), i)
			for range r.IntN(8) {
				m += piece()
			}
			want = append(want, m)
			fmt.Fprintf(&b, "%d %s", len(m), m)
		}
		f, got := framer{max: 4096}, []string(nil)
		var buf []byte
		take := func() {
			for {
				c, msg, n := f.next(buf)
				if c == need {
					return
				}
				if c != message {
					t.Fatalf("round %d: %d (%d) at %.300q ways %v trust %d quiet %v", round, c, n, buf, f.ways, f.trust, f.quiet)
				}
				got, buf = append(got, string(msg)), buf[n:]
			}
		}
		for data := b.String(); len(data) > 0; {
			n := min(1+r.IntN([]int{1, 8, 200, 5000}[round%4]), len(data))
			buf, data = append(buf, data[:n]...), data[n:]
			take()
			if f.open && r.IntN(4) == 0 {
				f.quiet = true
				take()
				f.quiet = false
			}
		}
		f.quiet = true
		take()
		if !slices.Equal(got, want) || f.guessed != 0 {
			for i := range want {
				if i >= len(got) || got[i] != want[i] {
					t.Fatalf("round %d: message %d of %d\ngot  %q\nwant %q", round, i, len(got), got[min(i, len(got)-1)], want[i])
				}
			}
			t.Fatalf("round %d: %d guessed", round, f.guessed)
		}
	}
}

// Streams made to be looked through again and again cost no more than their length.
func TestHostileStreamsCostTheirLength(t *testing.T) {
	long := strings.Repeat("a", 40000)
	for name, part := range map[string]string{
		"lines behind a count":         "x\n",
		"headers in lines":             "x 9 <1>\n",
		"counts that lead nowhere":     "50 <1>ab",
		"counts of their own length":   "7 <1>abcd",
		"digits before counts":         "1111111111 <1>",
		"growing digits":               "x123456789 <34>y",
		"blank ends":                   "9 <1>abcde\n\n\n\nx",
		"characters":                   "9000 <1>ệệệ",
		"one wrong count and long":     "5 <1>ab" + long,
		"a header every few bytes":     "300 <1>300 <1>",
		"right and wrong in turns":     "9 <1>abcde8 <1>abcde",
		"counts beyond what is there":  "60000 <1>",
		"headers behind a right count": "6 <1>abc9010 <1>x",
	} {
		for _, step := range []int{64 << 10, 700} {
			began := time.Now()
			reads("5 <34>1 - - - - - a"+strings.Repeat(part, (1<<20)/len(part)), step, 1<<20)
			if d := time.Since(began); d > 3*time.Second {
				t.Errorf("%s: 1 MiB in reads of %d took %s", name, step, d)
			} else {
				t.Logf("%s: 1 MiB in reads of %d took %s", name, step, d)
			}
		}
	}
}

// BenchmarkFrames is cutting alone, of a stream whose counts are right.
func BenchmarkFrames(b *testing.B) {
	line := []byte("114 <34>1 2026-11-22T00:00:00Z host1 sshd 1234 - - Failed password for invalid user admin from 10.1.2.3 port 2222 ssh2")
	buf := bytes.Repeat(line, 500)
	f := framer{max: 1 << 20}
	n := 0
	for b.Loop() {
		for rest := buf; ; {
			c, _, used := f.next(rest)
			if c != message {
				break
			}
			rest = rest[used:]
			n++
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/message")
}

// Over a real connection: a sender that counts the line end it does not send has its third message at once, though nothing follows, and
// those before; and it is told how many were cut elsewhere than their counts say.
func TestMiscountedOverTCP(t *testing.T) {
	s := newSink()
	told := make(chan int, 100)
	l, stop := serve(t, Config{TCP: "127.0.0.1:0", Miscounted: func(_, peer string, n int) {
		if peer == "127.0.0.1" {
			told <- n
		}
	}}, s)
	c, err := net.Dial("tcp", l.Transport(TCP).String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var want []string
	for i := range 5 {
		m := fmt.Sprintf("<34>1 - web app %d - - đăng nhập sai", i)
		want = append(want, m)
		if _, err := fmt.Fprintf(c, "%d %s", len(m)+1, m); err != nil {
			t.Fatal(err)
		}
		if i >= 2 {
			s.wait(t, m, func() bool { return len(s.got) == i+1 })
		}
	}
	stop()
	sum := 0
	for len(told) > 0 {
		sum += <-told
	}
	if !slices.Equal(s.got, want) || sum != len(want) {
		t.Errorf("got %q, %d told\nwant %q", s.got, sum, want)
	}
	if len(s.losses) > 0 {
		t.Errorf("losses %v", s.losses)
	}
}
