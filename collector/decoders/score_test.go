package decoders

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"hoalu/ecs"
	"hoalu/internal/needed"
)

// record is one raw message with the fields that another project's parser test expects of it.
type record struct {
	ID      string         `json:"id"`
	Product string         `json:"product"`
	Dataset string         `json:"dataset"`
	Format  string         `json:"format"`
	Raw     string         `json:"raw"`
	Expect  map[string]any `json:"expect"`
}

func testdata(t testing.TB) string {
	dir := os.Getenv("HOALU_TESTDATA")
	if dir == "" {
		dir = "../../../shared/data"
	}
	if _, err := os.Stat(filepath.Join(dir, "logs")); err != nil {
		needed.Missing(t, "published log samples are not here (%v); set HOALU_TESTDATA to score the decoders", err)
	}
	return dir
}

func records(t testing.TB) []record {
	files, err := filepath.Glob(filepath.Join(testdata(t), "logs", "*", "*.jsonl"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	var out []record
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		sc := bufio.NewScanner(f)
		sc.Buffer(nil, 8<<20)
		for sc.Scan() {
			var r record
			if err := json.Unmarshal(sc.Bytes(), &r); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			out = append(out, r)
		}
		f.Close()
	}
	return out
}

// normal brings a value to the form in which two are compared.
func normal(field, s string) string {
	s = strings.TrimSpace(s)
	switch {
	case field == "@timestamp":
		if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
			return strconv.FormatInt(t.UnixMilli(), 10)
		}
		return s
	case strings.HasSuffix(field, ".ip"):
		if a, err := netip.ParseAddr(s); err == nil {
			return a.Unmap().String()
		}
	case strings.HasSuffix(field, ".mac"):
		return strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' || r >= 'a' && r <= 'f' {
				return r
			}
			return -1
		}, strings.ToLower(s))
	case strings.HasSuffix(field, ".pid"):
		if h, ok := strings.CutPrefix(s, "0x"); ok {
			if n, err := strconv.ParseInt(h, 16, 64); err == nil {
				return strconv.FormatInt(n, 10)
			}
		}
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil && f == float64(int64(f)) && len(s) < 15 {
		return strconv.FormatInt(int64(f), 10)
	}
	low := strings.Contains(field, ".hash.") || field == "host.name" || strings.HasSuffix(field, ".domain") ||
		strings.HasPrefix(field, "dns.question.") ||
		field == "network.transport" || field == "network.protocol" || field == "network.direction" || field == "http.request.method" ||
		field == "event.outcome" || field == "log.level" ||
		strings.HasPrefix(field, "tls.version") || field == "tls.cipher" || field == "tls.client.server_name" ||
		strings.HasPrefix(field, "email.") && strings.HasSuffix(field, ".address")
	if low {
		s = strings.ToLower(s)
	}
	if field == "tls.version" {
		s = strings.TrimPrefix(strings.TrimPrefix(s, "tlsv"), "tls ")
	}
	if strings.HasSuffix(field, ".domain") || field == "dns.question.name" {
		s = strings.TrimSuffix(s, ".")
	}
	return s
}

type tally struct {
	found, missing, wrong, records, unparsed int
	faults                                   []string
}

func (t *tally) share() float64 {
	n := t.found + t.missing + t.wrong
	if n == 0 {
		return 0
	}
	return float64(t.found) / float64(n)
}

func score(t testing.TB, pick func(record) bool) map[string]*tally {
	set, err := New()
	if err != nil {
		t.Fatal(err)
	}
	d := set.Decoder()
	received := time.Date(2026, 3, 2, 3, 0, 0, 0, time.UTC)
	out := map[string]*tally{}
	for _, r := range records(t) {
		if !pick(r) {
			continue
		}
		ta := out[r.Dataset]
		if ta == nil {
			ta = &tally{}
			out[r.Dataset] = ta
		}
		ta.records++
		dataset := r.Dataset
		if !set.Known(dataset) {
			dataset = ""
		}
		e, err := d.Decode(dataset, []byte(r.Raw), received, nil)
		if err != nil {
			t.Errorf("%s: %v", r.ID, err)
			continue
		}
		hit := 0
		for f, want := range r.Expect {
			list, ok := want.([]any)
			if !ok {
				list = []any{want}
			}
			for _, w := range list {
				ws := fmt.Sprint(w)
				if x, ok := w.(float64); ok {
					ws = strconv.FormatFloat(x, 'f', -1, 64)
				}
				vals := e.Values(nil, ecs.Intern(f))
				state := "missing"
				for _, v := range vals {
					state = "wrong"
					if normal(f, v.Text) == normal(f, ws) || f == "@timestamp" && near(normal(f, v.Text), normal(f, ws)) {
						state = "found"
						break
					}
				}
				switch state {
				case "found":
					ta.found++
					hit++
				case "missing":
					ta.missing++
				default:
					ta.wrong++
				}
				if state != "found" {
					got := ""
					if len(vals) > 0 {
						got = vals[0].Text
					}
					ta.faults = append(ta.faults, fmt.Sprintf("%s %s: want %q got %q  <- %.220q", state, f, ws, got, r.Raw))
				}
			}
		}
		if hit == 0 && len(r.Expect) > 0 {
			ta.unparsed++
		}
	}
	return out
}

func near(a, b string) bool {
	x, err := strconv.ParseInt(a, 10, 64)
	y, err2 := strconv.ParseInt(b, 10, 64)
	return err == nil && err2 == nil && x-y <= 1 && y-x <= 1
}

// TestScore holds the share of expected fields per dataset against its floor. Run with -v for the table, and with
// HOALU_FAULTS=<dataset> for the fields that differ.
func TestScore(t *testing.T) {
	floors := map[string]float64{
		"linux.auth": 0.97, "linux.syslog": 0.95, "linux.sshd": 0.97, "nginx.access": 0.97, "apache.access": 0.97, "apache.error": 0.97,
		"nginx.ingress": 0.97,
		"suricata.eve":  0.97, "windows.security": 0.97, "windows.sysmon": 0.97, "windows.powershell": 0.95, "windows.applocker": 0.9,
		"linux.iptables": 0.9, "linux.auditd": 0.95,
		"aws.cloudtrail": 0.96, "bind": 0.92, "checkpoint.firewall": 0.42, "fortinet.fortigate": 0.96, "microsoft.iis": 0.73, "mysql.error": 0.98,
		"postgresql": 0.58, "snort": 0.36, "sophos.xg": 0.89,
	}
	faults := os.Getenv("HOALU_FAULTS")
	got := score(t, func(r record) bool {
		return true
	})
	var names []string
	for n := range got {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		ta := got[n]
		t.Logf("%-28s %6.1f %%  records %3d  wrong %3d  missing %3d  unparsed %2d", n, 100*ta.share(), ta.records, ta.wrong, ta.missing,
			ta.unparsed)
		if floor, ok := floors[n]; ok && ta.share() < floor {
			t.Errorf("%s: %.1f %% of expected fields, want at least %.0f %%", n, 100*ta.share(), 100*floor)
		}
		if n == faults {
			for _, f := range ta.faults {
				t.Log(f)
			}
		}
	}
}
