// Package vault is the one place that holds keys, certificates and secrets. Other parts get a crypto.Signer, an AEAD, a MAC or a
// certificate by name and never key bytes to keep (decisions 10 and 21).
//
// Words: a name ("evidence", "pseudonym") stands for a key of one use; it is made at first use and may have several versions, each
// with a key id; the newest signs, encrypts and computes, all verify and decrypt. The Authority is the appliance's own certificate
// authority for its listeners and sensors. The master key seals everything at rest and is kept apart from the data (package local).
//
// Contract: every value handed out is safe for concurrent use and good until the process ends; after a rotation ask for the name
// again to use the new version. Names are lower-case letters, digits, "-" and ".".
//
// To add an implementation: a folder beside local/ whose Vault passes vaulttest.
package vault

import (
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"hoalu/internal/wording"
)

// Errors a caller may branch on.
var (
	ErrMasterKey = error(wording.New("the master key is not the one these keys were sealed with"))
	ErrNoMaster  = error(wording.New("the master key is missing"))
	ErrExposed   = error(wording.New("the master key is not protected"))
	ErrDamaged   = error(wording.New("a sealed key is damaged"))
	ErrRevoked   = errors.New("the certificate is revoked")
	ErrNotOurs   = errors.New("the certificate was not issued by this appliance")
	ErrName      = error(wording.New("not a name of a key"))
	// ErrUnavailable says that nothing is wrong with a key but that it cannot be used now (its disk or server does not answer): wait and
	// try again.
	ErrUnavailable = errors.New("the vault does not answer now")
	ErrRequest     = errors.New("the certificate request is refused")
	ErrNowhere     = errors.New("no place outside the data folder can be written")
)

// Vault hands out keys by name.
type Vault interface {
	// Signer is an ECDSA P-256 key; it signs digests (XML-DSig, X.509 and TLS need that). Public keys of older versions are
	// answered by PublicKeys.
	Signer(ctx context.Context, name string) (crypto.Signer, error)
	// PublicKeys are all versions of a Signer's key by key id.
	PublicKeys(ctx context.Context, name string) (map[string]crypto.PublicKey, error)
	AEAD(ctx context.Context, name string) (AEAD, error)
	MAC(ctx context.Context, name string) (MAC, error)
	// Rotate makes a new version of every key called name.
	Rotate(ctx context.Context, name string) error
	// Keep puts a small record (at most 32 KiB) sealed in a place apart from the data folder, instead of what lay there under name, so
	// that an older copy of the data folder does not bring an older record with it. It is durable when Keep returns; ErrNowhere says
	// that there is no such place.
	Keep(ctx context.Context, name string, content []byte) error
	// Kept reads the record and says where it lies, for people; fs.ErrNotExist when there is none for this data folder.
	Kept(ctx context.Context, name string) (content []byte, place string, err error)
	Authority() Authority
}

// AEAD encrypts with associated data; the ciphertext says which key version made it.
type AEAD interface {
	Encrypt(plaintext, associatedData []byte) ([]byte, error)
	Decrypt(ciphertext, associatedData []byte) ([]byte, error)
}

// MAC computes HMAC-SHA-256, 32 bytes, the same for the same data until the key is rotated. KeyID names the version that
// ComputeMAC uses; Versions computes with every version, newest first, so that what an older one made can still be found.
type MAC interface {
	ComputeMAC(data []byte) ([]byte, error)
	VerifyMAC(mac, data []byte) error
	Versions(data []byte) ([][]byte, error)
	KeyID() string
}

// Authority is the appliance's own certificate authority.
type Authority interface {
	// Root is the self-signed certificate people and sensors trust; RootPEM the same as a file.
	Root() *x509.Certificate
	RootPEM() []byte
	// ServerTLS serves a listener called name with a certificate for hosts (names and addresses), kept and renewed before it ends.
	// ClientCAs holds the root; the caller sets ClientAuth where it wants sensors.
	ServerTLS(ctx context.Context, name string, hosts []string) (*tls.Config, error)
	// SignSensor answers a certificate request (DER or PEM) with a client certificate (PEM) for hoalu://sensor/<id>. Only the
	// request's key is used, its wishes are not. Life 0 is a year.
	SignSensor(ctx context.Context, id string, request []byte, life time.Duration) (certificate []byte, err error)
	// Client issues a client certificate with a key of its own, for tools and tests; uri is its identity.
	Client(ctx context.Context, uri string, life time.Duration) (tls.Certificate, error)
	// Sensor verifies a peer's chain (issuer, time, use, revocation) and names its sensor.
	Sensor(peer []*x509.Certificate) (id string, err error)
	// Revoke ends a certificate by serial number (hex).
	Revoke(ctx context.Context, serial, reason string) error
	// RevokeSensor ends every certificate of a sensor and says how many.
	RevokeSensor(ctx context.Context, id, reason string) (int, error)
	// Issued lists what was issued, oldest first. An error means that the log could not be read whole: no part of it is answered, because a
	// revocation may be in what is missing.
	Issued(ctx context.Context) ([]Issued, error)
	// RevocationList is a signed X.509 CRL (DER).
	RevocationList(ctx context.Context) ([]byte, error)
}

// Issued is one line of the log of certificates.
type Issued struct {
	Serial    string    `json:"serial"` // hex
	Use       string    `json:"use"`    // server, sensor, client
	Subject   string    `json:"subject"`
	Names     []string  `json:"names"`
	KeyID     string    `json:"key_id"`
	NotBefore time.Time `json:"not_before"`
	NotAfter  time.Time `json:"not_after"`
	Revoked   time.Time `json:"revoked,omitzero"`
	Reason    string    `json:"reason,omitempty"`
}

// SensorURI is the identity in a sensor's certificate.
func SensorURI(id string) string { return "hoalu://sensor/" + id }

// KeyID names a public key: the first 16 bytes of SHA-256 over its SubjectPublicKeyInfo, in hex.
func KeyID(public crypto.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return "", fmt.Errorf("name public key: %w", err)
	}
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:16]), nil
}

// CheckName reports whether name may name a key.
func CheckName(name string) error {
	if name == "" || len(name) > 64 || name[0] == '.' || name[0] == '-' {
		return wording.New("%s: %q", ErrName, name)
	}
	for _, c := range name {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' {
			return wording.New("%s: %q; use lower-case letters, digits, '-' and '.'", ErrName, name)
		}
	}
	return nil
}
