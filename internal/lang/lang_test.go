package lang

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"hoalu/internal/wording"
)

func TestDecimal(t *testing.T) {
	defer Use("en")
	for _, tt := range []struct {
		code string
		v    float64
		want string
	}{{"en", 30, "30"}, {"en", 0.34, "0.3"}, {"en", 1.96, "2"}, {"vi", 0.34, "0,3"}, {"vi", 90, "90"}} {
		Use(tt.code)
		if got := Decimal(tt.v); got != tt.want {
			t.Errorf("Decimal(%v) in %s is %q, want %q", tt.v, tt.code, got, tt.want)
		}
	}
}

func TestSpan(t *testing.T) {
	defer Use("en")
	for _, tt := range []struct {
		code string
		d    time.Duration
		want string
	}{{"en", 0, "0 s"}, {"en", 999 * time.Millisecond, "0 s"}, {"en", 61 * time.Second, "1 min 1 s"}, {"vi", 2*time.Hour + 5*time.Minute + 9*time.Second, "2 giờ 5 phút"},
		{"vi", 30 * time.Second, "30 giây"}, {"en", 49 * time.Hour, "2 d 1 h"}} {
		Use(tt.code)
		if got := Span(tt.d); got != tt.want {
			t.Errorf("Span(%v) in %s is %q, want %q", tt.d, tt.code, got, tt.want)
		}
	}
}

// TestWhatTheSystemSaysIsWorded: what the operating system, the network and a certificate say stands in brackets behind sentences of ours,
// and is in the reader's language too; only what nobody has words for is given as it is.
func TestWhatTheSystemSaysIsWorded(t *testing.T) {
	for _, err := range []error{
		syscall.ENOSPC, syscall.EACCES, syscall.EPERM, syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.ETIMEDOUT,
		syscall.ENOENT, syscall.EADDRINUSE, syscall.EADDRNOTAVAIL, syscall.EISDIR, syscall.ENOTDIR, syscall.EMFILE,
		syscall.ENFILE, syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.EIO, syscall.EROFS, syscall.EDQUOT, syscall.EBUSY,
		syscall.ENOTEMPTY, syscall.EXDEV, syscall.EPIPE, syscall.ENOMEM, syscall.ENOSYS, os.ErrDeadlineExceeded, context.DeadlineExceeded,
		net.ErrClosed, io.ErrUnexpectedEOF, io.EOF, tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"},
		tls.AlertError(42), x509.UnknownAuthorityError{}, x509.CertificateInvalidError{Reason: x509.Expired},
		x509.HostnameError{Certificate: &x509.Certificate{}, Host: "h"},
		&net.DNSError{Name: "h", IsNotFound: true}, syscall.Errno(4095),
	} {
		wrapped := fmt.Errorf("open: %w", &net.OpError{Op: "dial", Net: "tcp", Err: err})
		for _, e := range []error{err, wrapped} {
			both := Both(wording.Of(e))
			if both["vi"] == both["en"] || strings.Contains(both["vi"], err.Error()) || both["vi"] == "" {
				t.Errorf("%v is said as %q", e, both)
			}
			if numbered := strings.Contains(both["en"], "(error "); numbered != (err == syscall.Errno(4095)) {
				t.Errorf("%v is said as %q: a number is for what has no words", e, both)
			}
		}
	}
	if both := Both(wording.Of(errors.New("zip: strange"))); both["vi"] != "zip: strange" {
		t.Errorf("what nobody has words for is said as %q", both)
	}
}
