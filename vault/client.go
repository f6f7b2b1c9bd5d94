package vault

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"
	"time"

	"hoalu/internal/durable"
)

// RenewBefore is how long before its end a client certificate is replaced.
const RenewBefore = 30 * 24 * time.Hour

// Client is a client certificate that is made when it is first needed and anew before it ends: a process may run for years. Safe for
// concurrent use.
type Client struct {
	issue func(context.Context) (tls.Certificate, error)

	mu   sync.Mutex
	cert *tls.Certificate
}

// NewClient returns a Client of what issue makes; nothing is made yet.
func NewClient(issue func(context.Context) (tls.Certificate, error)) *Client {
	return &Client{issue: issue}
}

// Get is the certificate. An error leaves it to the next Get to try again.
func (c *Client) Get(ctx context.Context) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cert != nil && time.Until(c.cert.Leaf.NotAfter) > RenewBefore {
		return c.cert, nil
	}
	next, err := c.issue(ctx)
	if err != nil {
		return nil, err
	}
	if next.Leaf == nil {
		if next.Leaf, err = x509.ParseCertificate(next.Certificate[0]); err != nil {
			return nil, fmt.Errorf("read the certificate made: %w", err)
		}
	}
	c.cert = &next
	return c.cert, nil
}

// KeptClient is a client certificate that a restart does not change, because the far side may know us by it: it lies in file, sealed by the
// AEAD called name, and is made anew only when it nears its end or another authority made it. life is how long a new one is good.
func KeptClient(v Vault, name, uri, file string, life time.Duration) *Client {
	return NewClient(func(ctx context.Context) (tls.Certificate, error) {
		seal, err := v.AEAD(ctx, name)
		if err != nil {
			return tls.Certificate{}, err
		}
		sealed, err := os.ReadFile(file)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return tls.Certificate{}, err
		}
		if err == nil {
			text, err := seal.Decrypt(sealed, []byte(name))
			if err != nil {
				return tls.Certificate{}, fmt.Errorf("open %s: %w", file, err)
			}
			cert, err := tls.X509KeyPair(text, text)
			clear(text)
			if err == nil && cert.Leaf != nil && time.Until(cert.Leaf.NotAfter) > RenewBefore &&
				cert.Leaf.CheckSignatureFrom(v.Authority().Root()) == nil {
				return cert, nil
			}
		}
		cert, err := v.Authority().Client(ctx, uri, life)
		if err != nil {
			return cert, err
		}
		chain, key, err := EncodePEM(cert)
		if err != nil {
			return cert, err
		}
		text := slices.Concat(chain, key)
		sealed, err = seal.Encrypt(text, []byte(name))
		clear(text)
		clear(key)
		if err != nil {
			return cert, fmt.Errorf("seal %s: %w", file, err)
		}
		return cert, durable.Write(file, sealed)
	})
}

// EncodePEM writes a certificate with its chain, and its private key, as PEM.
func EncodePEM(cert tls.Certificate) (chain, key []byte, err error) {
	der, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		return nil, nil, fmt.Errorf("write private key: %w", err)
	}
	defer clear(der)
	return EncodeChain(cert), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// EncodeChain writes a certificate with its chain as PEM.
func EncodeChain(cert tls.Certificate) []byte {
	var out bytes.Buffer
	for _, der := range cert.Certificate {
		out.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	return out.Bytes()
}

// Digest is the SHA-256 of a certificate in hexadecimal digits.
func Digest(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.Raw)
	return hex.EncodeToString(sum[:])
}

// WithRoot is a listener's configuration whose certificates are shown with the authority's own behind them, so that a sensor that enrols
// can check the digest in its token.
func WithRoot(conf *tls.Config, root *x509.Certificate) *tls.Config {
	conf = conf.Clone()
	add := func(c *tls.Certificate) *tls.Certificate {
		x := *c
		x.Certificate = append(slices.Clone(c.Certificate), root.Raw)
		return &x
	}
	if get := conf.GetCertificate; get != nil {
		conf.GetCertificate = func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
			c, err := get(h)
			if err != nil {
				return nil, err
			}
			return add(c), nil
		}
	}
	certs := make([]tls.Certificate, len(conf.Certificates))
	for i := range conf.Certificates {
		certs[i] = *add(&conf.Certificates[i])
	}
	conf.Certificates = certs
	return conf
}
