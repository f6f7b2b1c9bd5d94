package decoders

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"hoalu/ecs"
	"hoalu/ecs/wire"
)

// corpus are messages of every kind: our own variants and, where they are, the published samples.
func corpus(t testing.TB) []variant {
	out := append([]variant(nil), variants...)
	files, _ := filepath.Glob("testdata/*.log")
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(data) {
			out = append(out, variant{dataset: strings.TrimSuffix(filepath.Base(name), ".log"), line: string(bytes.TrimRight(line, "\n"))})
		}
	}
	if _, err := os.Stat(publishedLogs()); err == nil {
		for _, r := range records(t) {
			out = append(out, variant{dataset: r.Dataset, line: r.Raw})
		}
	}
	return out
}

func publishedLogs() string {
	dir := os.Getenv("HOALU_TESTDATA")
	if dir == "" {
		dir = "../../../shared/data"
	}
	return filepath.Join(dir, "logs")
}

// mutate breaks a message as networks, editors and attackers do.
func mutate(rng *rand.Rand, s string, all []variant) string {
	b := []byte(s)
	for range 1 + rng.IntN(4) {
		if len(b) == 0 {
			return "x"
		}
		i := rng.IntN(len(b))
		switch rng.IntN(10) {
		case 0:
			b = b[:i] // cut off
		case 1:
			b = b[i:]
		case 2:
			b[i] = byte(rng.UintN(256))
		case 3:
			b = append(b[:i], b[min(len(b), i+1+rng.IntN(8)):]...)
		case 4: // a piece of another message
			o := all[rng.IntN(len(all))].line
			if o != "" {
				j := rng.IntN(len(o))
				b = append(b[:i:i], append([]byte(o[j:min(len(o), j+1+rng.IntN(60))]), b[i:]...)...)
			}
		case 5:
			b = append(b[:i:i], append([]byte{" \"'[]{}()<>:;,=|\\\x00\xff\n"[rng.IntN(20)]}, b[i:]...)...)
		case 6:
			j := min(len(b), i+1+rng.IntN(20))
			b = append(b[:j:j], append(append([]byte(nil), b[i:j]...), b[j:]...)...)
		case 7:
			if b[i] >= '0' && b[i] <= '9' {
				b[i] = '0' + byte(rng.UintN(10))
			}
		case 8:
			b = append(b[:i:i], append([]byte("\xef\xbb\xbf"), b[i:]...)...)
		default:
			b[i] ^= 0x20
		}
	}
	return string(b)
}

// TestMutations: whatever becomes of a message, it stays an event with a time that is not of the future, what it holds can be
// written and read again, and a document that is broken is an error that says so.
func TestMutations(t *testing.T) {
	all := corpus(t)
	rounds := 3
	if n, err := strconv.Atoi(os.Getenv("HOALU_MUTATIONS")); err == nil {
		rounds = n
	}
	d := newDecoder(t)
	rng := rand.New(rand.NewPCG(20, 26))
	var parser ecs.Parser
	for round := range rounds {
		for _, v := range all {
			s := v.line
			if round > 0 {
				s = mutate(rng, s, all)
			}
			dataset := v.dataset
			if !d.set.Known(dataset) || rng.IntN(3) == 0 {
				dataset = ""
			}
			for _, format := range [...]string{wire.FormatLine, wire.FormatSyslog, wire.FormatJSON} {
				if format == wire.FormatJSON && !strings.HasPrefix(s, "{") {
					continue
				}
				var e ecs.Event
				f := wire.Frame{Received: received.UnixMilli(), Format: format, Data: []byte(s)}
				func() {
					defer func() {
						if p := recover(); p != nil {
							t.Fatalf("as %q: %q: panic: %v", dataset, s, p)
						}
					}()
					if err := d.DecodeFrame(&e, &f, Options{Dataset: dataset}); err != nil {
						if format != wire.FormatJSON {
							t.Fatalf("as %q: %q: %v", dataset, s, err)
						}
						return
					}
					if e.Time > e.Created+day {
						t.Fatalf("as %q: %q: time %s is of the future", dataset, s, ecs.FormatTime(e.Time))
					}
					if format != wire.FormatJSON && s != "" && !e.Has(ecs.Message) && !e.Has(ecs.EventOriginal) && !d.document {
						t.Fatalf("as %q: %q: nothing of the text is kept: %s", dataset, s, e.AppendJSON(nil))
					}
					var back ecs.Event
					if err := parser.ParseStored(&back, e.AppendJSON(nil)); err != nil {
						t.Fatalf("as %q: %q: written as what cannot be read: %v", dataset, s, err)
					}
				}()
			}
		}
	}
}

// TestHuge: what costs one byte to send costs about one byte to read: four times the size takes at most about eight times as long,
// and nothing of it stays behind in memory.
func TestHuge(t *testing.T) {
	d := newDecoder(t)
	x := strings.Repeat
	for _, c := range []struct {
		name    string
		dataset string
		make    func(n int) string
	}{
		{"one word", "", func(n int) string { return x("a", n) }},
		{"blanks", "linux.auth", func(n int) string { return "<13>Mar  2 09:00:01 h sshd[1]: " + x(" ", n) }},
		{"from from", "linux.auth", func(n int) string { return "<13>Mar  2 09:00:01 h sshd[1]: Invalid user " + x(" from 1.1.1.1", n/13) }},
		{"user user", "linux.auth", func(n int) string { return "<13>Mar  2 09:00:01 h sshd[1]: pam_x(a:b): " + x("user ", n/5) }},
		{"pairs", "", func(n int) string { return x("k=v ", n/4) }},
		{"quotes", "", func(n int) string { return x(`k="`, n/3) }},
		{"brackets", "", func(n int) string { return x("[", n) }},
		{"structured data", "", func(n int) string { return "<13>1 2026-03-02T08:00:00Z h a - - " + x(`[a b="c"]`, n/9) + " x" }},
		{"CEF", "cef", func(n int) string { return "CEF:0|a|b|c|d|e|1|" + x("a=b ", n/4) }},
		{"CEF equals", "cef", func(n int) string { return "CEF:0|a|b|c|d|e|1|a=" + x("=", n) }},
		{"CEF words", "cef", func(n int) string { return "CEF:0|a|b|c|d|e|1|a=" + x("b", n) + "=" }},
		{"audit", "linux.auditd", func(n int) string { return "type=SYSCALL msg=audit(1.2:3): " + x("a='", n/3) }},
		{"access", "nginx.access", func(n int) string { return x("[", n/2) + x("1, ", n/6) + combined }},
		{"nginx error", "nginx.error", func(n int) string { return "2026/03/02 09:00:01 [error] 1#1: x" + x(", client: a", n/11) }},
		{"XML", "", func(n int) string { return "<Event>" + x("<a>", n/3) }},
		{"XML data", "", func(n int) string {
			return "<Event><System><EventID>1</EventID><Channel>Security</Channel></System><EventData>" + x("<Data>x</Data>", n/14) +
				"</EventData></Event>"
		}},
		{"JSON deep", "", func(n int) string { return x(`{"a":`, n/6) + "1" + x("}", n/6) }},
		{"JSON arrays", "", func(n int) string { return `{"a":` + x("[", n/2) + x("]", n/2) + "}" }},
		{"JSON same key", "", func(n int) string { return `{` + x(`"a":1,`, n/6) + `"b":2}` }},
		{"JSON list", "", func(n int) string { return `{"a":[` + x(`1,`, n/2) + `2]}` }},
		{"JSON number", "", func(n int) string { return `{"timestamp":` + x("9", n) + `}` }},
		{"JSON long name", "", func(n int) string { return `{"` + x("n", n) + `":1}` }},
		{"JSON EVE names", "suricata.eve", func(n int) string {
			return `{"event_type":"dns","src_ip":"1.1.1.1","dns":{"queries":[` + x(`{"rrname":"a"},`, n/16) + `{"rrname":"b"}]}}`
		}},
		{"netfilter", "", func(n int) string {
			return "<4>Mar  2 09:00:01 h kernel: IN=a SRC=1.1.1.1 DST=1.1.1.1 " + x("A=B ", n/4)
		}},
		{"container lines", "", func(n int) string { return x("2026-03-02T07:52:16.123456789Z stdout F ", n/40) }},
		{"headers in headers", "", func(n int) string { return x("<13>Mar  2 09:00:01 h app[1]: ", n/30) }},
		{"not UTF-8", "", func(n int) string { return x("\xff", n) }},
		{"audit parts", "linux.auditd", func(n int) string { return "type=EXECVE msg=audit(1.2:3): " + x("a1[0]=41 ", n/9) }},
		{"journal bytes", "", func(n int) string {
			return `{"SYSLOG_IDENTIFIER":"sshd","PRIORITY":"6","MESSAGE":[` + x("65,", n/3) + `65]}`
		}},
		{"XML in data", "", func(n int) string {
			return "<Event><System><EventID>1</EventID><Channel>Security</Channel></System><EventData><Data>" + x("<a>", n/3) +
				"</Data></EventData></Event>"
		}},
		{"XML controls", "", func(n int) string {
			return "<Event><System><EventID>1</EventID><Channel>Security</Channel></System><EventData><Data>" + x("&#3;\x02", n/5) +
				"</Data></EventData></Event>"
		}},
		{"cron", "linux.syslog", func(n int) string { return "<4>Mar  2 09:00:01 h CRON[1]: (" + x("(", n) }},
	} {
		cost := func(n int) time.Duration {
			raw := []byte(c.make(n))
			best := time.Duration(1 << 62)
			for range 3 {
				start := cpu(t)
				if _, err := d.Decode(c.dataset, raw, received, nil); err != nil {
					t.Errorf("%s: %v", c.name, err)
				}
				best = min(best, cpu(t)-start)
			}
			return best
		}
		small, large := cost(256<<10), cost(1<<20)
		if large > 200*time.Millisecond && large > 12*small {
			t.Errorf("%s: 256 KB take %v, 1 MB %v", c.name, small, large)
		}
		if large > 2*time.Second {
			t.Errorf("%s: 1 MB takes %v", c.name, large)
		}
		if testing.Verbose() {
			t.Logf("%-16s %10v %10v", c.name, small, large)
		}
	}
	t.Run("many names", func(t *testing.T) {
		before := heap()
		for round := range 20 {
			var b strings.Builder
			b.WriteString(`{"x":0`)
			for i := range 5_000 {
				fmt.Fprintf(&b, `,"k%d_%d":%d`, round, i, i)
			}
			b.WriteByte('}')
			start := time.Now()
			e, err := d.Decode("", []byte(b.String()), received, nil)
			if err != nil || e.Len() < 5_000 {
				t.Fatalf("%v, %d of 5,001 members kept", err, e.Len())
			}
			if took := time.Since(start); took > 2*time.Second {
				t.Fatalf("5,000 new names take %v", took)
			}
		}
		if grew := heap() - before; grew > 64<<20 {
			t.Errorf("100,000 names of fields leave %d MB", grew>>20)
		}
	})
}

// cpu is the processor time of this process: other processes of the machine do not count.
func cpu(t *testing.T) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
