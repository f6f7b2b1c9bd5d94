package privacy

import (
	"os"
	"strings"
	"testing"

	"hoalu/ecs"
	"hoalu/internal/golden"
)

// TestAFullNumberInEveryECSField: a full personal number, of whatever province and with no word for it, stands in no field of the
// schema, in none of the spellings that documents have. The fields in which one glued to something longer stays are in
// testdata/by-itself.txt: ids, hashes, numbers and times of machines. Running text is told apart in TestAFullNumberInRunningText.
func TestAFullNumberInEveryECSField(t *testing.T) {
	const id = "079085012345"
	percent := strings.NewReplacer("0", "%30", "7", "%37", "9", "%39", "8", "%38", "5", "%35", "1", "%31", "2", "%32", "3", "%33", "4", "%34")
	p := protector()
	tok := tokenOf(p, CCCD, "", id)
	spellings := []struct {
		name, before, spelled, behind string
		glued                         bool
	}{
		{"bare", "", id, "", false},
		{"in quotes", `"`, id, `"`, false},
		{"among words", "x ", id, " y", false},
		{"glued before by a dash", "pc-", id, "", true},
		{"glued before", "nv", id, "", true},
		{"glued before by a word in hex", "pc-2026-", id, "", true},
		{"glued behind", "", id, ".pdf", true},
		{"glued behind by a dash", "", id, "-1", true},
		{"glued on both sides", "pc-", id, ".tinh.example.vn", true},
		{"in a domain's account", `TINH\`, id, "", false},
		{"in the path of a URL", "https://x.vn/ho-so/", id, "/xem", false},
		{"at the end of a URL", "https://x.vn/ho-so/", id, "", false},
		{"in the query of a URL", "https://x.vn/tim?q=", id, "&trang=1", false},
		{"as an id in a query", "https://x.vn/tim?id=", id, "", false},
		{"in the fragment of a URL", "https://x.vn/tim#", id, "", false},
		{"behind an escaped blank", "https://x.vn/tim?q=a%20", id, "", false},
		{"between escaped slashes", "https://x.vn/tim?u=%2Fho-so%2F", id, "%2Fxem", false},
		{"escaped twice", "https://x.vn/tim?u=a%2520", id, "", false},
		{"with escaped digits", "https://x.vn/tim?q=", percent.Replace(id), "", false},
		{"glued behind an escape", "https://x.vn/tim?q=%20pc-", id, "", true},
		{"in an address", "", id, "@x.vn", false},
		{"in an address of a name", `"An" <`, id, "@x.vn>", false},
		{"in a JSON member", `{"a":"`, id, `","b":1}`, false},
		{"in a JSON list", `{"a":[{"v":["x","`, id, `"]}]}`, false},
		{"in JSON with escaped quotes", `{\u0022a\u0022:\u0022`, id, `\u0022}`, false},
		{"behind an escaped word", `ng\u01b0\u1eddi\u0020`, id, "", false},
		{"in JSON inside JSON", `{"a":"{\"b\":\"`, id, `\"}"}`, false},
	}
	names, err := os.ReadFile("../ecs/names.txt")
	if err != nil {
		t.Fatal(err)
	}
	var kept strings.Builder
	fields := 0
	for name := range strings.Lines(string(names) + "labels.cccd\ncustom.so_cccd\nlabels.x\nwinlog.event_data.X\nwinlog.provider_name\n") {
		if name = strings.TrimSpace(name); name == "" || runningText(name) {
			continue
		}
		fields++
		f := ecs.Intern(name)
		stays := 0
		for _, s := range spellings {
			text := s.before + s.spelled + s.behind
			e := &ecs.Event{Created: 1_772_414_131_000}
			e.AddString(f, text)
			if e.Text(f) != text { // a time, which takes no other text
				continue
			}
			protect(t, p, e)
			got := e.Text(f)
			switch {
			case got == s.before+tok+s.behind, strings.HasPrefix(got, "[secret:"):
			case s.glued && got == text:
				stays++
			default:
				t.Errorf("%s, %s: %q became %q", name, s.name, text, got)
			}
		}
		if stays > 0 {
			kept.WriteString(name + "\n")
		}
	}
	if fields < 1000 {
		t.Fatalf("only %d fields: too few to tell", fields)
	}
	golden.Compare(t, "testdata/by-itself.txt", []byte(kept.String()))
}

// TestAFullNumberInRunningText: where programs write sentences, a number without a word for it is one only where it can be nothing else a
// reader knows of: random numbers of orders and transfers stay.
func TestAFullNumberInRunningText(t *testing.T) {
	const id = "079085012345"
	p := protector()
	tok := tokenOf(p, CCCD, "", id)
	for _, c := range []struct {
		text     string // N is the number
		replaced bool
	}{
		{"N", true}, {` "N" `, true}, {"GET https://x.vn/ho-so/N/xem 200", true}, {"GET /ho-so/N HTTP/1.1", true}, {"GET /ho-so/N.pdf", true},
		{"to https://x.vn/tim?q=N&trang=1", true}, {"to https://x.vn/tim?u=%2Fho-so%2FN%2Fxem", true}, {"see https://x.vn/tim#N", true},
		{`open C:\scan\N.pdf`, true}, {`open \\may-01\scan\N.pdf`, true}, {"mail to N@x.vn sent", true}, {"mail to <nvN@x.vn>", true},
		{`got {"a":"N"}`, true}, {"CCCD N", true}, {"số định danh N hợp lệ", true},

		{"ref N seq 1", false}, {"a,N,b", false}, {"order DH-N", false}, {"order_id=N", false}, {"GET /x?id=N", false}, {"trace_id: N", false},
		{"GET /x/abN", false}, {"10/N rows", false}, {"4f1c2c1e-1111-4222-8333-N", false}, {"N.001 seconds", false},
	} {
		for _, f := range []string{"message", "event.original", "event.reason", "error.message", "error.stack_trace", "log.original"} {
			e := &ecs.Event{Created: 1_772_414_131_000}
			in, want := strings.Replace(c.text, "N", id, 1), strings.Replace(c.text, "N", id, 1)
			if c.replaced {
				want = strings.Replace(c.text, "N", tok, 1)
			}
			e.AddString(ecs.Intern(f), in)
			protect(t, p, e)
			if got := e.Text(ecs.Intern(f)); got != want {
				t.Errorf("%s: %q became %q, want %q", f, in, got, want)
			}
		}
	}
}
