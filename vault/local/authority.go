package local

import (
	"bufio"
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"hoalu/internal/wording"
	"hoalu/vault"
)

const (
	caName = "ca"
	year   = 365 * 24 * time.Hour
	skew   = time.Hour           // a sensor's clock may run behind ours by this much
	renew  = 30 * 24 * time.Hour // a server certificate is renewed when less is left
)

// authority is the appliance's own CA: one self-signed root that issues leaves only.
type authority struct {
	v    *Vault
	key  *signer
	root *x509.Certificate
	pem  []byte
	pool *x509.CertPool

	logMu  sync.Mutex
	size   int64 // of the log as read
	issued []vault.Issued
	serial map[string]int // index in issued
}

func openAuthority(_ context.Context, v *Vault) (*authority, error) {
	key, err := v.signer(caName, false)
	if err != nil {
		return nil, err
	}
	a := &authority{v: v, key: key, serial: map[string]int{}}
	file := filepath.Join(v.dir, "ca.crt")
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		if text, err = a.makeRoot(); err != nil {
			return nil, fmt.Errorf("make root certificate: %w", err)
		}
		if err = writeNew(file, text); errors.Is(err, fs.ErrExist) {
			text, err = os.ReadFile(file)
		}
	}
	if err != nil {
		return nil, wording.New("root certificate: %s", err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, wording.New("root certificate: %s: %s is no PEM; delete it, it is made again from its key", vault.ErrDamaged, file)
	}
	if a.root, err = x509.ParseCertificate(block.Bytes); err != nil {
		return nil, wording.New("root certificate: %s: %s: %s; delete it, it is made again from its key", vault.ErrDamaged, file, err)
	}
	if pub, ok := a.root.PublicKey.(*ecdsa.PublicKey); !ok || !pub.Equal(key.Public()) {
		return nil, wording.New("root certificate: %s: %s does not belong to the key beside it; delete it, it is made again", vault.ErrDamaged,
			file)
	}
	a.pem = pem.EncodeToMemory(block)
	a.pool = x509.NewCertPool()
	a.pool.AddCert(a.root)
	a.logMu.Lock()
	defer a.logMu.Unlock()
	if err := a.read(); err != nil {
		return nil, err
	}
	return a, nil
}

// makeRoot signs the root. Its subject and key identifier follow from the key, so a root made again verifies what the first one issued.
func (a *authority) makeRoot() ([]byte, error) {
	now := a.v.now()
	spki, err := x509.MarshalPKIXPublicKey(a.key.Public())
	if err != nil {
		return nil, err
	}
	skid := sha1.Sum(spki) // RFC 5280 4.2.1.2: an identifier, not a protection
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "Hoa Lư " + a.key.id[:8], Organization: []string{"Hoa Lư"}},
		NotBefore: now.Add(-skew), NotAfter: now.Add(10 * year), IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, SubjectKeyId: skid[:],
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, a.key.Public(), a.key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}

func newSerial() (*big.Int, error) {
	b := make([]byte, 16)
	if _, err := rand.Read(b); err != nil {
		return nil, err
	}
	b[0] = b[0]&0x3f | 0x40 // positive and of full length
	return new(big.Int).SetBytes(b), nil
}

// Root implements vault.Authority.
func (a *authority) Root() *x509.Certificate { return a.root }

// RootPEM implements vault.Authority.
func (a *authority) RootPEM() []byte { return bytes.Clone(a.pem) }

// issue signs a leaf and logs it before handing it out.
func (a *authority) issue(use string, t *x509.Certificate, public crypto.PublicKey, life time.Duration) (*x509.Certificate, error) {
	if life <= 0 {
		life = year
	}
	now := a.v.now()
	serial, err := newSerial()
	if err != nil {
		return nil, fmt.Errorf("issue certificate: %w", err)
	}
	t.SerialNumber = serial
	t.NotBefore, t.NotAfter = now.Add(-skew), now.Add(min(life, 5*year))
	if t.NotAfter.After(a.root.NotAfter) {
		t.NotAfter = a.root.NotAfter
	}
	t.KeyUsage = x509.KeyUsageDigitalSignature
	t.BasicConstraintsValid = true
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	if use == "server" {
		t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}
	der, err := x509.CreateCertificate(rand.Reader, t, a.root, public, a.key)
	if err != nil {
		return nil, fmt.Errorf("issue certificate for %s: %w", t.Subject.CommonName, err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("issue certificate for %s: %w", t.Subject.CommonName, err)
	}
	id, err := vault.KeyID(public)
	if err != nil {
		return nil, err
	}
	entry := vault.Issued{Serial: serialText(cert), Use: use, Subject: t.Subject.CommonName, KeyID: id, NotBefore: cert.NotBefore,
		NotAfter: cert.NotAfter}
	entry.Names = append(entry.Names, t.DNSNames...)
	for _, ip := range t.IPAddresses {
		entry.Names = append(entry.Names, ip.String())
	}
	for _, u := range t.URIs {
		entry.Names = append(entry.Names, u.String())
	}
	a.logMu.Lock()
	defer a.logMu.Unlock()
	if err := a.append(entry); err != nil {
		return nil, err
	}
	return cert, nil
}

func serialText(c *x509.Certificate) string { return hex.EncodeToString(c.SerialNumber.Bytes()) }

// SignSensor implements vault.Authority.
func (a *authority) SignSensor(_ context.Context, id string, request []byte, life time.Duration) (_ []byte, err error) {
	defer func() { err = unavailable(err) }()
	if err := vault.CheckName(id); err != nil {
		return nil, err
	}
	if block, _ := pem.Decode(request); block != nil {
		request = block.Bytes
	}
	csr, err := x509.ParseCertificateRequest(request)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", vault.ErrRequest, err)
	}
	if err := csr.CheckSignature(); err != nil {
		return nil, fmt.Errorf("%w: the sender does not hold its key: %w", vault.ErrRequest, err)
	}
	switch k := csr.PublicKey.(type) {
	case *ecdsa.PublicKey:
		if k.Curve != elliptic.P256() && k.Curve != elliptic.P384() {
			return nil, fmt.Errorf("%w: curve %s; use P-256 or P-384", vault.ErrRequest, k.Params().Name)
		}
	case ed25519.PublicKey:
	case *rsa.PublicKey:
		if k.N.BitLen() < 3072 {
			return nil, fmt.Errorf("%w: RSA of %d bits; use 3072 or ECDSA P-256", vault.ErrRequest, k.N.BitLen())
		}
	default:
		return nil, fmt.Errorf("%w: key of an unknown kind", vault.ErrRequest)
	}
	cert, err := a.issue("sensor", identity(id, vault.SensorURI(id)), csr.PublicKey, life)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}), nil
}

func identity(name, uri string) *x509.Certificate {
	t := &x509.Certificate{Subject: pkix.Name{CommonName: name}}
	if u, err := url.Parse(uri); err == nil {
		t.URIs = []*url.URL{u}
	}
	return t
}

// Client implements vault.Authority.
func (a *authority) Client(_ context.Context, uri string, life time.Duration) (_ tls.Certificate, err error) {
	defer func() { err = unavailable(err) }()
	u, err := url.Parse(uri)
	if err != nil || u.Scheme == "" {
		return tls.Certificate{}, wording.New("%s: %q is no URI", vault.ErrName, uri)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make client key: %w", err)
	}
	cert, err := a.issue("client", identity(uri, uri), &key.PublicKey, life)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}, nil
}

// serverFile is the sealed certificate of a listener.
type serverFile struct {
	Key         []byte `json:"key"` // PKCS#8
	Certificate []byte `json:"certificate"`
}

// ServerTLS implements vault.Authority.
func (a *authority) ServerTLS(_ context.Context, name string, hosts []string) (_ *tls.Config, err error) {
	defer func() { err = unavailable(err) }()
	if err := vault.CheckName(name); err != nil {
		return nil, err
	}
	if len(hosts) == 0 {
		return nil, fmt.Errorf("certificate of listener %s: no host named; give at least one name or address", name)
	}
	hosts = slices.Clone(hosts)
	var mu sync.Mutex
	current, err := a.server(name, hosts)
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		ClientCAs:  a.pool,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			mu.Lock()
			defer mu.Unlock()
			if a.usable(current.Leaf, hosts) {
				return current, nil
			}
			next, err := a.server(name, hosts)
			if err != nil {
				if a.v.now().Before(current.Leaf.NotAfter) {
					a.v.log.Warn("server certificate not renewed, the old one still holds", "listener", name, "error.message", err)
					return current, nil
				}
				return nil, err
			}
			current = next
			return current, nil
		},
	}, nil
}

func (a *authority) usable(c *x509.Certificate, hosts []string) bool {
	if a.v.now().After(c.NotAfter.Add(-renew)) || a.v.now().Before(c.NotBefore) || c.CheckSignatureFrom(a.root) != nil {
		return false
	}
	var have []string
	have = append(have, c.DNSNames...)
	for _, ip := range c.IPAddresses {
		have = append(have, ip.String())
	}
	want := slices.Clone(hosts)
	slices.Sort(have)
	slices.Sort(want)
	if !slices.Equal(have, slices.Compact(want)) {
		return false
	}
	revoked, err := a.revoked(serialText(c))
	return err == nil && !revoked
}

func (a *authority) server(name string, hosts []string) (*tls.Certificate, error) {
	file := "server-" + name + ".key"
	if content, err := a.v.unseal(file); err == nil {
		var s serverFile
		if err := json.Unmarshal(content, &s); err == nil {
			key, kerr := x509.ParsePKCS8PrivateKey(s.Key)
			cert, cerr := x509.ParseCertificate(s.Certificate)
			clear(content)
			clear(s.Key)
			if kerr == nil && cerr == nil && a.usable(cert, hosts) {
				return &tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}, nil
			}
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		a.v.log.Warn("server certificate made again", "listener", name, "error.message", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make server key: %w", err)
	}
	t := &x509.Certificate{Subject: pkix.Name{CommonName: hosts[0]}}
	names := slices.Clone(hosts)
	slices.Sort(names)
	for _, h := range slices.Compact(names) {
		if ip, err := netip.ParseAddr(h); err == nil {
			t.IPAddresses = append(t.IPAddresses, ip.AsSlice())
		} else {
			t.DNSNames = append(t.DNSNames, h)
		}
	}
	cert, err := a.issue("server", t, &key.PublicKey, year)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("keep server key: %w", err)
	}
	content, err := json.Marshal(serverFile{der, cert.Raw})
	if err != nil {
		return nil, fmt.Errorf("keep server key: %w", err)
	}
	defer clear(content)
	if err := a.v.replace(file, content); err != nil {
		return nil, fmt.Errorf("keep server key: %w", err)
	}
	return &tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}, nil
}

// Sensor implements vault.Authority.
func (a *authority) Sensor(peer []*x509.Certificate) (_ string, err error) {
	defer func() { err = unavailable(err) }()
	if len(peer) == 0 {
		return "", fmt.Errorf("%w: no certificate was shown", vault.ErrNotOurs)
	}
	leaf := peer[0]
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: a.pool, CurrentTime: a.v.now(),
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err != nil {
		return "", fmt.Errorf("%w: %w", vault.ErrNotOurs, err)
	}
	revoked, err := a.revoked(serialText(leaf))
	if err != nil {
		return "", err
	}
	if revoked {
		return "", fmt.Errorf("%w: serial %s", vault.ErrRevoked, serialText(leaf))
	}
	for _, u := range leaf.URIs {
		if id, ok := strings.CutPrefix(u.String(), vault.SensorURI("")); ok && vault.CheckName(id) == nil {
			return id, nil
		}
	}
	return "", fmt.Errorf("%w: it names no sensor", vault.ErrNotOurs)
}

// revoked says whether a serial has ended; one that is not in the log was not issued by this authority's log and is refused.
func (a *authority) revoked(serial string) (bool, error) {
	a.logMu.Lock()
	defer a.logMu.Unlock()
	if err := a.read(); err != nil {
		return false, err
	}
	i, ok := a.serial[serial]
	if !ok {
		return false, fmt.Errorf("%w: serial %s is not in the log", vault.ErrNotOurs, serial)
	}
	return !a.issued[i].Revoked.IsZero(), nil
}

// Revoke implements vault.Authority.
func (a *authority) Revoke(_ context.Context, serial, reason string) (err error) {
	defer func() { err = unavailable(err) }()
	a.logMu.Lock()
	defer a.logMu.Unlock()
	if err := a.read(); err != nil {
		return err
	}
	i, ok := a.serial[serial]
	if !ok {
		return fmt.Errorf("revoke %s: %w", serial, vault.ErrNotOurs)
	}
	return a.revoke(i, reason)
}

func (a *authority) revoke(i int, reason string) error {
	if !a.issued[i].Revoked.IsZero() {
		return nil
	}
	return a.append(vault.Issued{Serial: a.issued[i].Serial, Revoked: a.v.now().UTC(), Reason: reason})
}

// RevokeSensor implements vault.Authority.
func (a *authority) RevokeSensor(_ context.Context, id, reason string) (_ int, err error) {
	defer func() { err = unavailable(err) }()
	a.logMu.Lock()
	defer a.logMu.Unlock()
	if err := a.read(); err != nil {
		return 0, err
	}
	n := 0
	for i := range a.issued {
		e := &a.issued[i]
		if e.Use != "sensor" || e.Subject != id || !e.Revoked.IsZero() || e.NotAfter.Before(a.v.now()) {
			continue
		}
		if err := a.revoke(i, reason); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// Issued implements vault.Authority.
func (a *authority) Issued(ctx context.Context) (_ []vault.Issued, err error) {
	defer func() { err = unavailable(err) }()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	a.logMu.Lock()
	defer a.logMu.Unlock()
	if err := a.read(); err != nil {
		return nil, err
	}
	return slices.Clone(a.issued), nil
}

// RevocationList implements vault.Authority.
func (a *authority) RevocationList(ctx context.Context) (_ []byte, err error) {
	defer func() { err = unavailable(err) }()
	issued, err := a.Issued(ctx)
	if err != nil {
		return nil, fmt.Errorf("revocation list: %w", err)
	}
	now := a.v.now()
	list := &x509.RevocationList{Number: big.NewInt(now.Unix()), ThisUpdate: now, NextUpdate: now.Add(7 * 24 * time.Hour)}
	for _, e := range issued {
		if e.Revoked.IsZero() {
			continue
		}
		raw, err := hex.DecodeString(e.Serial)
		if err != nil {
			return nil, fmt.Errorf("revocation list: serial %s: %w", e.Serial, err)
		}
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries,
			x509.RevocationListEntry{SerialNumber: new(big.Int).SetBytes(raw), RevocationTime: e.Revoked})
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, a.root, a.key)
	if err != nil {
		return nil, fmt.Errorf("sign revocation list: %w", err)
	}
	return der, nil
}

func (a *authority) logFile() string { return filepath.Join(a.v.dir, "certificates.jsonl") }

// read takes in what the log holds beyond what was read, also from other processes (hoalu sensor revoke while the server runs).
func (a *authority) read() error {
	f, err := os.Open(a.logFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read log of certificates: %w: %w", vault.ErrUnavailable, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("read log of certificates: %w: %w", vault.ErrUnavailable, err)
	}
	if info.Size() == a.size {
		return nil
	}
	if info.Size() < a.size { // restored from a backup
		a.size, a.issued, a.serial = 0, nil, map[string]int{}
	}
	if _, err := f.Seek(a.size, 0); err != nil {
		return fmt.Errorf("read log of certificates: %w: %w", vault.ErrUnavailable, err)
	}
	r := bufio.NewReader(f)
	for {
		line, err := r.ReadBytes('\n')
		if err == io.EOF {
			return nil // a line without its end was cut by a crash; nothing of it was handed out
		}
		if err != nil { // not the end: a later line may end a certificate
			return fmt.Errorf("read log of certificates: %w: %w", vault.ErrUnavailable, err)
		}
		a.size += int64(len(line))
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var e vault.Issued
		if err := json.Unmarshal(line, &e); err != nil {
			a.v.log.Warn("line of the log of certificates left out", "offset", a.size-int64(len(line)), "error.message", err)
			continue
		}
		if i, ok := a.serial[e.Serial]; ok {
			a.issued[i].Revoked, a.issued[i].Reason = e.Revoked, e.Reason
			continue
		}
		a.serial[e.Serial] = len(a.issued)
		a.issued = append(a.issued, e)
	}
}

// append writes one line and syncs it. A line that a crash cut short is ended first, so that it spoils only itself.
func (a *authority) append(e vault.Issued) error {
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("log certificate: %w", err)
	}
	f, err := os.OpenFile(a.logFile(), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("log certificate: %w", err)
	}
	err = func() error {
		info, err := f.Stat()
		if err != nil {
			return err
		}
		line = append(line, '\n')
		if info.Size() > 0 {
			last := make([]byte, 1)
			if _, err := f.ReadAt(last, info.Size()-1); err != nil {
				return err
			}
			if last[0] != '\n' {
				line = append([]byte{'\n'}, line...)
			}
		}
		if _, err := f.Write(line); err != nil {
			return err
		}
		return f.Sync()
	}()
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("log certificate: %w", err)
	}
	return a.read()
}
