package privacy

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"hoalu/ecs"
)

// TestNoTextTakesLong: whoever writes an event chooses its text; no text of a size that is let in may hold a worker up.
func TestNoTextTakesLong(t *testing.T) {
	const size = 1 << 17
	distinct := func(before, behind string) string {
		var b strings.Builder
		for i := 0; b.Len() < size; i++ {
			fmt.Fprintf(&b, "%s0370%02d%06d%s", before, 50+i%40, i, behind)
		}
		return b.String()
	}
	for name, text := range map[string]string{
		"percent signs escaped over and over": "%" + strings.Repeat("25", size/2),
		"hex without an end":                  strings.Repeat("a037095001234", size/13),
		"numbers":                             distinct("cccd ", ","),
		"numbers in a path":                   distinct("/", ""),
		"numbers in one URL":                  "https://x.vn" + distinct("/", ""),
		"numbers in addresses":                distinct("", "@x.vn;"),
		"telephone numbers":                   strings.ReplaceAll(distinct("sdt ", ";"), " 0370", " 09"),
	} {
		for _, f := range []string{"message", "file.path", "labels.x", "trace.id"} {
			p := protector()
			e := &ecs.Event{Created: 1_772_414_131_000}
			e.AddString(ecs.Intern(f), text)
			start := time.Now()
			protect(t, p, e)
			took := time.Since(start)
			if took > 8*time.Second {
				t.Errorf("%s in %s, %d bytes: %v", name, f, len(text), took)
			}
			if strings.HasPrefix(name, "numbers") && e.Text(ecs.Intern(f)) == text {
				t.Errorf("%s in %s: nothing is replaced", name, f)
			}
		}
	}
}

// TestSecretsWithoutAnEnd: keys whose value is worth nothing and ends nowhere are not each sought to the end of the text.
func TestSecretsWithoutAnEnd(t *testing.T) {
	const size = 1 << 19
	for _, unit := range []string{"otp=", "otp%3D", "phpsessid=", "password%3Dtk:", "password=tk:", `-data; name="password" tk:`,
		"password=,", `enable secret "`, "(password)values('", "echo a|", "token=[secret:"} {
		start := time.Now()
		secretsIn(nil, strings.Repeat(unit, size/len(unit)))
		if took := time.Since(start); took > 8*time.Second {
			t.Errorf("%q again and again, %d bytes: %v", unit, size, took)
		}
	}
}
