package national

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"hoalu/national/delivery"
)

// TestTroubleIsToldAgain: what is kept of a trouble as text is said in another language with the same values; the centre's own words stay.
func TestTroubleIsToldAgain(t *testing.T) {
	l := delivery.Link{URL: "https://centre.example:8443/", Timeout: 30 * time.Second}
	cert := &x509.Certificate{NotBefore: time.Unix(0, 0), NotAfter: time.Unix(86400, 0), DNSNames: []string{"other.example"}}
	for want, err := range map[string]error{
		"server_expired": x509.CertificateInvalidError{Cert: cert, Reason: x509.Expired},
		"server_name":    x509.HostnameError{Certificate: cert, Host: "centre.example"},
		"server_ca":      x509.UnknownAuthorityError{},
		"client_refused": &net.OpError{Op: "remote error", Err: errors.New("tls: bad certificate")},
		"no_name":        &net.DNSError{Name: "centre.example", Err: "no such host"},
		"no_service":     syscall.ECONNREFUSED,
		"no_route":       syscall.EHOSTUNREACH,
		"no_answer":      context.DeadlineExceeded,
	} {
		text := trouble(err, l).Error()
		if !errors.Is(trouble(err, l), err) || !strings.HasPrefix(text, want+": ") || !strings.HasSuffix(text, "("+err.Error()+")") {
			t.Errorf("%s is told as %q", want, text)
		}
		marked := Told(text).Say(func(english string) string {
			if english == "%s" {
				return english
			}
			return "VI " + english
		})
		if english := Told(text).String(); marked != "VI "+english || !strings.Contains(text, want+": "+english+" (") {
			t.Errorf("%s is told again as %q and %q", text, english, marked)
		}
	}
	if got := Told(NotYet).String(); "no_answer: "+got != NotYet {
		t.Errorf("%q is told as %q", NotYet, got)
	}
	long := strings.Repeat("a", 10<<20) // what the far side sends may stand in an error as a whole
	for _, err := range []error{errors.New("malformed HTTP response " + long), &net.OpError{Op: "remote error", Err: errors.New(long)}} {
		if text := trouble(err, l).Error(); len(text) > 2000 || !errors.Is(trouble(err, l), err) {
			t.Errorf("an error of %d bytes is told with %d", len(err.Error()), len(text))
		}
	}
	for _, own := range []string{"", "422 the organ is not known", "no_service: come back tomorrow", "server_ca: %s %s (x)"} {
		if got := Told(own).Say(func(english string) string { return english }); got != own {
			t.Errorf("the centre's own %q is told as %q", own, got)
		}
	}
}
