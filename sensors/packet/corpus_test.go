package packet

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"testing"
	"time"

	"hoalu/internal/needed"
	"hoalu/internal/wording"
)

// The corpus: captures of several projects with what Suricata 7.0.10 and tshark 4.0.17 make of them.
// must = values both agree on, may = values either has.

type values map[string]map[string]bool // kind → value

func (v values) add(kind, val string) {
	if val == "" {
		return
	}
	if v[kind] == nil {
		v[kind] = map[string]bool{}
	}
	v[kind][val] = true
}

func corpus(t testing.TB) string {
	dir := os.Getenv("HOALU_TESTDATA")
	if dir == "" {
		dir = "../../../shared/data"
	}
	dir = filepath.Join(dir, "packets")
	if _, err := os.Stat(filepath.Join(dir, "index.jsonl")); err != nil {
		needed.Missing(t, "no packet corpus (set HOALU_TESTDATA): %v", err)
	}
	return dir
}

type captureInfo struct {
	File   string                          `json:"file"`
	SHA256 string                          `json:"sha256"`
	Size   int64                           `json:"size"`
	Frames int                             `json:"tshark_frames"`
	EVE    string                          `json:"eve_error"`
	Refs   []struct{ Corpus, Path string } `json:"refs"`
}

func captures(t testing.TB, dir string) (list []captureInfo) {
	f, err := os.Open(filepath.Join(dir, "index.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		var c captureInfo
		if err := json.Unmarshal(s.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		list = append(list, c)
	}
	return list
}

func gunzip(path string) []byte {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil
	}
	b, _ := io.ReadAll(z)
	return b
}

func host(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	if i := strings.LastIndexByte(s, ':'); i >= 0 && !strings.Contains(s[i:], "]") && digits([]byte(s[i+1:])) {
		s = s[:i]
	}
	return s
}

func suricata(b []byte) values {
	v := values{}
	for _, line := range bytes.Split(b, []byte("\n")) {
		var r struct {
			Event string `json:"event_type"`
			CID   string `json:"community_id"`
			DNS   struct {
				Name string `json:"rrname"`
			} `json:"dns"`
			HTTP struct {
				Host   string `json:"hostname"`
				Method string `json:"http_method"`
			} `json:"http"`
			TLS, QUIC struct {
				SNI  string          `json:"sni"`
				JA4  string          `json:"ja4"`
				JA3  json.RawMessage `json:"ja3"`
				JA3S json.RawMessage `json:"ja3s"`
			}
		}
		if json.Unmarshal(line, &r) != nil {
			continue
		}
		v.add("community_id", r.CID)
		if r.Event == "dns" {
			v.add("dns", r.DNS.Name)
		}
		if r.Event == "http" && r.HTTP.Host != "" && r.HTTP.Method != "" {
			v.add("http", r.HTTP.Method+" "+host(r.HTTP.Host))
		}
		hash := func(m json.RawMessage) string {
			var h struct{ Hash string }
			_ = json.Unmarshal(m, &h) // absent, or a list
			return h.Hash
		}
		for _, x := range []struct {
			sni, ja4, ja3, ja3s string
		}{{r.TLS.SNI, r.TLS.JA4, hash(r.TLS.JA3), hash(r.TLS.JA3S)}, {r.QUIC.SNI, r.QUIC.JA4, hash(r.QUIC.JA3), ""}} {
			v.add("sni", x.sni)
			v.add("ja4", x.ja4)
			v.add("ja3", x.ja3)
			v.add("ja3s", x.ja3s)
		}
	}
	return v
}

func tshark(b []byte) values {
	v := values{}
	lines := strings.Split(string(b), "\n")
	if len(lines) == 0 {
		return v
	}
	col := map[string]int{}
	for i, n := range strings.Split(lines[0], "\t") {
		col[n] = i
	}
	for _, l := range lines[1:] {
		c := strings.Split(l, "\t")
		get := func(n string) []string {
			if i, found := col[n]; found && i < len(c) && c[i] != "" {
				return strings.Split(c[i], "|") // several of a frame
			}
			return nil
		}
		for kind, n := range map[string]string{"dns": "dns.qry.name", "sni": "tls.handshake.extensions_server_name", "ja3": "tls.handshake.ja3",
			"ja3s": "tls.handshake.ja3s"} {
			for _, x := range get(n) {
				v.add(kind, x)
			}
		}
		m, h := get("http.request.method"), get("http.host")
		for i := range m {
			if i < len(h) {
				v.add("http", m[i]+" "+host(h[i]))
			}
		}
	}
	return v
}

// ours reads a capture with an Analyzer and collects the same values; it fails on records that are not JSON.
func ours(t testing.TB, path string) (v values, st Stats, notices []string, took time.Duration) {
	v = values{}
	a := strict(Config{Notice: func(p *wording.Problem) { notices = append(notices, p.String()) }}, func(b []byte, _ Class) {
		var r map[string]any
		if err := json.Unmarshal(b, &r); err != nil {
			t.Errorf("%s: record is not JSON: %v\n%s", path, err, b)
			return
		}
		text := func(k string) string { s, _ := r[k].(string); return s }
		v.add("community_id", text("network.community_id"))
		if text("event.dataset") == "hoalu.dns" {
			v.add("dns", text("dns.question.name"))
		}
		if m, h := text("http.request.method"), text("url.domain"); m != "" && h != "" {
			v.add("http", m+" "+host(h))
		}
		v.add("sni", text("tls.client.server_name"))
		v.add("ja4", text("tls.client.ja4"))
		v.add("ja4_hashes", ja4Hashes(text("tls.client.ja4")))
		if text("network.protocol") != "dtls" { // neither peer has JA3 for DTLS
			v.add("ja3", text("tls.client.ja3"))
			v.add("ja3s", text("tls.server.ja3s"))
		}
	})
	from := time.Now()
	if err := ReadFile(context.Background(), path, a); err != nil {
		t.Errorf("%s: %v", path, err)
	}
	return v, a.Stats(), notices, time.Since(from)
}

// floors are the shares of must values this package has to find, in per cent, and the most values that neither peer has and
// testdata/corpus_outside.txt gives no reason for. community_id is compared with Suricata alone, which makes no flow of packets it finds
// invalid, of ICMP errors (it adds them to the flow they quote) and of some encapsulations.
var floors = map[string]struct{ must, outside float64 }{
	"dns": {100, 0}, "http": {100, 0}, "sni": {100, 0}, "ja3": {100, 0}, "ja4": {100, 0}, "ja3s": {100, 0}, "ja4_hashes": {97, 3},
	"community_id": {99.9, 4},
}

// explained reads the reasons: "<capture> <kind> <reason>" a line.
func explained(t *testing.T) map[string]string {
	b, err := os.ReadFile(filepath.Join("testdata", "corpus_outside.txt"))
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]string{}
	for _, l := range strings.Split(string(b), "\n") {
		if f := strings.SplitN(l, " ", 3); len(f) == 3 && !strings.HasPrefix(l, "#") {
			m[f[0]+" "+f[1]] = f[2]
		}
	}
	return m
}

func TestCorpus(t *testing.T) {
	dir := corpus(t)
	type score struct{ must, hit, ours, outside, explained int }
	total := map[string]*score{}
	reasons := explained(t)
	verbose := os.Getenv("HOALU_VERBOSE") != ""
	var packets, frames uint64
	var slowest time.Duration
	for _, c := range captures(t, dir) {
		got, st, notices, took := ours(t, filepath.Join(dir, c.File))
		packets += st.Packets
		frames += uint64(c.Frames)
		slowest = max(slowest, took)
		if took > time.Second {
			t.Errorf("%s: took %v", c.File, took)
		}
		if verbose && int(st.Packets) != c.Frames {
			t.Logf("%s: %d packets, tshark %d frames; %v", c.File, st.Packets, c.Frames, notices)
		}
		var errs uint64
		for _, n := range st.Errors {
			errs += n
		}
		if st.Packets != st.Decoded+st.NotIP+st.Unsupported+errs {
			t.Errorf("%s: packets %d ≠ decoded %d + not IP %d + unsupported %d + errors %d", c.File, st.Packets, st.Decoded, st.NotIP,
				st.Unsupported, errs)
		}
		if st.Unsupported > 0 && !strings.Contains(strings.Join(notices, "\n"), "unsupported link type") {
			t.Errorf("%s: unsupported link type not said: %q", c.File, notices)
		}
		h := c.SHA256[:12]
		eve := gunzip(filepath.Join(dir, "expected", h+".suricata-7.0.10.eve.json.gz"))
		tsv := gunzip(filepath.Join(dir, "expected", h+".tshark-4.0.17.tsv.gz"))
		if eve == nil {
			continue
		}
		s, ts := suricata(eve), tshark(tsv)
		if b, err := os.ReadFile(filepath.Join(dir, "expected", "ja4", h+".json")); err == nil {
			for _, m := range ja4Value.FindAllSubmatch(b, -1) {
				ts.add("ja4", string(m[2]))
				if string(m[1]) != "2" { // the second hello after a HelloRetryRequest: we tell of the first
					s.add("ja4", string(m[2]))
				}
			}
		}
		for _, m := range ja4Text.FindAllSubmatch(gunzip(filepath.Join(dir, "expected", "ndpi", h+".out.gz")), -1) {
			ts.add("ja4", string(m[1]))
			s.add("ja4_hashes", ja4Hashes(string(m[1])))
			ts.add("ja4_hashes", ja4Hashes(string(m[1])))
		}
		judged := func(kind string) bool { // whether there is anything to compare with
			switch kind {
			case "community_id":
				return len(s[kind]) > 0
			// Suricata 7.0.10 writes none: must is what the fingerprint's authors say; nDPI takes other letters of the ALPN, so it only adds to may
			case "ja4":
				return len(s[kind]) > 0
			case "ja4_hashes":
				return len(s[kind]) > 0
			}
			return true
		}
		deviant := suricataCommunityIDs(eve)
		for kind := range floors {
			sc := total[kind]
			if sc == nil {
				sc = &score{}
				total[kind] = sc
			}
			for x := range s[kind] {
				if ts[kind][x] || kind == "community_id" && !deviant[x] {
					sc.must++
					if got[kind][x] {
						sc.hit++
					} else if verbose {
						t.Logf("missing %s %s: %q", c.File, kind, x)
					}
				}
			}
			for x := range got[kind] {
				if !judged(kind) {
					continue
				}
				sc.ours++
				if !s[kind][x] && !ts[kind][x] {
					if reasons[h+" "+kind] != "" {
						sc.explained++
						continue
					}
					sc.outside++
					if verbose {
						t.Logf("outside %s %s: %q", c.File, kind, x)
					}
				}
			}
		}
	}
	kinds := make([]string, 0, len(total))
	for k := range total {
		kinds = append(kinds, k)
	}
	sort.Strings(kinds)
	for _, k := range kinds {
		sc := total[k]
		p, q := 100*float64(sc.hit)/float64(max(sc.must, 1)), 100*float64(sc.outside)/float64(max(sc.ours, 1))
		t.Logf("%-13s must %5d found %5d = %6.2f %%   ours %5d outside may, explained %3d, unexplained %3d = %5.2f %%", k, sc.must, sc.hit, p,
			sc.ours, sc.explained, sc.outside, q)
		if p < floors[k].must || q > floors[k].outside {
			t.Errorf("%s: %.2f %% of must (floor %.1f), %.2f %% outside may (at most %.1f)", k, p, floors[k].must, q, floors[k].outside)
		}
	}
	t.Logf("packets %d, tshark frames %d, slowest capture %v", packets, frames, slowest)
}

// ja4Hashes are the last two parts of a JA4, on which nDPI and the authors agree but for an empty list.
func ja4Hashes(s string) string {
	_, s, _ = strings.Cut(s, "_")
	return strings.ReplaceAll(s, "e3b0c44298fc", "000000000000")
}

var (
	ja4Value = regexp.MustCompile(`"JA4(?:\.(\d+))?": "([^"]+)"`)
	ja4Text  = regexp.MustCompile(`\[JA4: ([^\]]+)\]`)
)

// suricataCommunityIDs are values that differ from the specification, by what Suricata does otherwise: between equal addresses it orders
// the ports byte-swapped; ESP gets ports made of its SPI; ICMP messages without a counterpart are ordered by address.
func suricataCommunityIDs(eve []byte) map[string]bool {
	m := map[string]bool{}
	for _, line := range bytes.Split(eve, []byte("\n")) {
		var r struct {
			CID      string   `json:"community_id"`
			Src      string   `json:"src_ip"`
			Dest     string   `json:"dest_ip"`
			Proto    string   `json:"proto"`
			ICMPType uint8    `json:"icmp_type"`
			Flow     struct{} `json:"flow"`
		}
		if json.Unmarshal(line, &r) != nil {
			continue
		}
		_, _, two := icmpPorts(r.Proto == "IPv6-ICMP", r.ICMPType, 0)
		if r.Src == r.Dest || r.Proto == "ESP" || strings.HasSuffix(r.Proto, "ICMP") && !two {
			m[r.CID] = true
		}
	}
	return m
}
