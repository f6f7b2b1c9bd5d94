package national

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"syscall"
	"time"

	"hoalu/internal/wording"
	"hoalu/national/delivery"
	"hoalu/soc"
)

// troubles are the ways in which the centre is not reached, by the word that stays before each ("server_ca: …", for the console's own
// texts).
var troubles = map[string]wording.Word{
	"server_expired": "the centre's certificate holds from %s to %s, and this machine's clock says %s: set the clock if it is wrong, otherwise ask the centre to renew its certificate",
	"server_name":    "the centre's certificate is for %s, not for %s: set the address by a name that is in it, or ask the centre for a certificate with this one",
	"server_ca":      "the certificate that %s shows does not come from the authority that was set: compare the authority's certificate with the centre's, and make sure that nobody stands in between",
	"server_tls":     "what answers at %s does not speak TLS: check the port",
	"client_refused": "the centre does not take this machine's certificate: give it the one of the page National link, Receiving point",
	"no_name":        "the name %s is not known here: check the address and the name server",
	"no_service":     "nothing listens at %s: check the address and port, and ask the centre",
	"no_route":       "there is no way to %s from this machine: check the line and the firewall",
	"no_answer":      "no answer from %s within %s: check the line and the firewall",
}

// NotYet stands in place of an answer that has not come when a test packet was waited for.
const NotYet = "no_answer: the centre has not answered yet; the packet stays in the outbox"

// Told is a kept text of trouble (soc.Report.LastError, Summary.LastError) in words; what the centre itself said is given as it is. What
// the system said stands in brackets behind the trouble and is left out: the log has it.
func Told(text string) *wording.Problem {
	if text == NotYet {
		return wording.New("the centre has not answered yet; the packet stays in the outbox")
	}
	code, said, _ := strings.Cut(text, ": ")
	if format, ok := troubles[code]; ok {
		expr := strings.ReplaceAll(regexp.QuoteMeta(string(format)), "%s", "(.+)") // a verb has nothing to quote
		if m := regexp.MustCompile("(?s)^" + expr + ` \(.*\)$`).FindStringSubmatch(said); m != nil {
			values := make([]any, len(m)-1)
			for i, v := range m[1:] {
				values[i] = v
			}
			return wording.New("%s", wording.New(string(format), values...))
		}
	}
	return wording.New("%s", text)
}

// trouble says in plain words why the centre was not reached and what to do, behind its word of troubles. What the centre itself
// answered is left as it is, but for its length.
func trouble(err error, l delivery.Link) error {
	host := l.URL
	if u, perr := url.Parse(l.URL); perr == nil {
		host = u.Host
	}
	say := func(code string, args ...any) error {
		return wording.Because(err, "%s: %s (%s)", code, wording.New(string(troubles[code]), args...), clip(err.Error()))
	}
	var (
		invalid  x509.CertificateInvalidError
		name     x509.HostnameError
		unknown  x509.UnknownAuthorityError
		notTLS   tls.RecordHeaderError
		dns      *net.DNSError
		op       *net.OpError
		deadline interface{ Timeout() bool }
	)
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		c := invalid.Cert
		return say("server_expired",
			c.NotBefore.In(soc.Zone).Format("2006-01-02"), c.NotAfter.In(soc.Zone).Format("2006-01-02"),
			time.Now().In(soc.Zone).Format("2006-01-02 15:04"))
	case errors.As(err, &name):
		names := append([]string{}, name.Certificate.DNSNames...)
		for _, ip := range name.Certificate.IPAddresses {
			names = append(names, ip.String())
		}
		return say("server_name", clip(strings.Join(names, ", ")), host)
	case errors.As(err, &unknown), errors.As(err, &invalid):
		return say("server_ca", host)
	case errors.As(err, &notTLS), errors.Is(err, http.ErrSchemeMismatch):
		return say("server_tls", host)
	case errors.As(err, &op) && op.Op == "remote error":
		return say("client_refused")
	case errors.As(err, &dns):
		return say("no_name", dns.Name)
	case errors.Is(err, syscall.ECONNREFUSED):
		return say("no_service", host)
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return say("no_route", host)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &deadline) && deadline.Timeout():
		return say("no_answer", host, l.Timeout)
	}
	if text := err.Error(); clip(text) != text { // a line of its answer may be megabytes
		return wording.Because(err, "%s", clip(text))
	}
	return err
}
