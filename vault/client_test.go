package vault

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"testing"
	"time"
)

// TestCertificateIsRenewed: a process may run for longer than a certificate.
func TestCertificateIsRenewed(t *testing.T) {
	t.Parallel()
	issued := 0
	c := NewClient(func(context.Context) (tls.Certificate, error) {
		issued++
		life := 365 * 24 * time.Hour
		if issued == 1 {
			life = RenewBefore - time.Minute
		}
		return tls.Certificate{Certificate: [][]byte{{1}}, Leaf: &x509.Certificate{NotAfter: time.Now().Add(life)}}, nil
	})
	for range 3 {
		if _, err := c.Get(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if issued != 2 {
		t.Errorf("%d certificates issued, want 2: the first neared its end", issued)
	}
}

// TestCertificateNotMade: an error is no certificate, and the next Get tries again.
func TestCertificateNotMade(t *testing.T) {
	t.Parallel()
	down := ErrUnavailable
	c := NewClient(func(context.Context) (tls.Certificate, error) {
		return tls.Certificate{Certificate: [][]byte{{1}}, Leaf: &x509.Certificate{NotAfter: time.Now().Add(2 * RenewBefore)}}, down
	})
	if cert, err := c.Get(context.Background()); cert != nil || !errors.Is(err, ErrUnavailable) {
		t.Errorf("Get() with the vault down = %v, %v", cert, err)
	}
	down = nil
	if cert, err := c.Get(context.Background()); cert == nil || err != nil {
		t.Errorf("Get() with the vault back = %v, %v", cert, err)
	}
}
