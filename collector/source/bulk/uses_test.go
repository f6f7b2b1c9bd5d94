package bulk

import (
	"net"
	"strings"
	"testing"
)

// TestURL: a shipper is told the TLS listener before the plain one, by the name its certificate has, and nothing where nothing listens.
func TestURL(t *testing.T) {
	t.Parallel()
	at := func(s string) net.Addr {
		a, err := net.ResolveTCPAddr("tcp", s)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	for _, tt := range []struct {
		tls, plain net.Addr
		names      []string
		want       string
	}{
		{nil, nil, []string{"soc", "h"}, ""},
		{at("127.0.0.1:9243"), at("127.0.0.1:9201"), []string{"soc.tinh.gov.vn", "h"}, "https://soc.tinh.gov.vn:9243"},
		{nil, at("127.0.0.1:9201"), []string{"h"}, "http://127.0.0.1:9201"},
		{at("10.1.2.3:9243"), nil, []string{"h"}, "https://10.1.2.3:9243"},
	} {
		if got := URL(tt.tls, tt.plain, tt.names); got != tt.want {
			t.Errorf("URL(%v, %v, %v) = %q, want %q", tt.tls, tt.plain, tt.names, got, tt.want)
		}
	}
	if got := URL(at("0.0.0.0:9243"), nil, []string{"h"}); !strings.HasSuffix(got, ":9243") || strings.Contains(got, "0.0.0.0") {
		t.Errorf("a listener on every address is told as %q", got)
	}
}

// TestUses: lines for shippers carry the key; only those for an https URL name the authority.
func TestUses(t *testing.T) {
	t.Parallel()
	for url, safe := range map[string]bool{"https://[2001:db8::1]:9243": true, "http://soc:9201": false, "": false} {
		list := Uses(url, "k1", "s3cr", "ab12")
		if len(list) != 3 {
			t.Fatalf("%d kinds of shippers", len(list))
		}
		for _, u := range list {
			if !strings.Contains(u.Text, "k1") || !strings.Contains(u.Text, "s3cr") ||
				strings.Contains(u.Text, "ca_") != safe && strings.Contains(u.Text, "ca_file") != safe {
				t.Errorf("%s of %q:\n%s", u.Name, url, u.Text)
			}
		}
	}
}
