package identity

import (
	"bytes"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"image/png"
	"net/http"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"
	"golang.org/x/crypto/argon2"
)

// Argon is the cost of argon2id (RFC 9106).
type Argon struct {
	Memory uint32 // KiB
	Passes uint32
	Lanes  uint8
}

// hash renders a password in the PHC form $argon2id$v=19$m=…,t=…,p=…$salt$key.
func (c Argon) hash(password string) (string, error) {
	if err := c.check(); err != nil {
		return "", err
	}
	salt := random(saltBytes)
	return c.render(salt, argon2.IDKey([]byte(password), salt, c.Passes, c.Memory, c.Lanes, keyBytes)), nil
}

// unmatched renders a hash of no password, in the form of hash. Its key is drawn at random instead of being worked out, so making it
// costs nothing, and verifying a password against it costs what it costs against the hash of an account.
func (c Argon) unmatched() (string, error) {
	if err := c.check(); err != nil {
		return "", err
	}
	return c.render(random(saltBytes), random(keyBytes)), nil
}

// Lengths of the salt and of the key, in bytes (RFC 9106, 4).
const (
	saltBytes = 16
	keyBytes  = 32
)

func (c Argon) check() error {
	if c.Memory < 8*uint32(c.Lanes) || c.Passes == 0 || c.Lanes == 0 {
		return fmt.Errorf("hash password: %d KiB, %d passes, %d lanes is no argon2id", c.Memory, c.Passes, c.Lanes)
	}
	return nil
}

func (c Argon) render(salt, key []byte) string {
	enc := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.Memory, c.Passes, c.Lanes, enc(salt), enc(key))
}

func random(bytes int) []byte {
	b := make([]byte, bytes)
	rand.Read(b) //nolint:errcheck // never fails (Go 1.24)
	return b
}

// verify compares in constant time; a stored hash that cannot be read never matches.
func verify(phc, password string) bool {
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false
	}
	var version int
	var c Argon
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return false
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.Memory, &c.Passes, &c.Lanes); err != nil {
		return false
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	key, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(key) == 0 {
		return false
	}
	got := argon2.IDKey([]byte(password), salt, c.Passes, c.Memory, c.Lanes, uint32(len(key)))
	return subtle.ConstantTimeCompare(got, key) == 1
}

// verify compares a password with its hash, after waiting for a place at the gate.
func (a *Accounts) verify(address, phc, password string) (bool, error) {
	if !a.hashing.enter(address) {
		return false, busy()
	}
	defer a.hashing.leave()
	return verify(phc, password), nil
}

func (a *Accounts) hash(address, password string) (string, error) {
	if !a.hashing.enter(address) {
		return "", busy()
	}
	defer a.hashing.leave()
	return a.c.Argon.hash(password)
}

// checkPassword refuses what is too easy beyond its length.
func checkPassword(password, login string) error {
	weak := ""
	low := strings.ToLower(password)
	switch {
	case len([]rune(password)) < 12:
		weak = "short"
	case login != "" && strings.Contains(low, login):
		weak = "login"
	case strings.Count(low, low[:1]) > len(low)/2:
		weak = "repeats"
	case strings.Contains("0123456789012345678901234567890", low), strings.Contains("abcdefghijklmnopqrstuvwxyz", low):
		weak = "sequence"
	}
	for _, known := range []string{"password1234", "matkhau", "qwertyuiop", "administrator", "123456789"} {
		if weak == "" && strings.HasPrefix(low, known) && len(low) < len(known)+6 {
			weak = "known"
		}
	}
	if weak == "" {
		return nil
	}
	return problem(http.StatusUnprocessableEntity, "password_weak", "The password is too easy to guess.", map[string]string{"because": weak})
}

const (
	step   = 30 // seconds, RFC 6238
	digits = otp.DigitsSix
)

// newFactor makes a TOTP secret.
func newFactor(site, login string) (*otp.Key, error) {
	if login == "" {
		login = "hoalu"
	}
	key, err := totp.Generate(totp.GenerateOpts{Issuer: site, AccountName: login, Period: step, Digits: digits, SecretSize: 20})
	if err != nil {
		return nil, fmt.Errorf("make second factor: %w", err)
	}
	return key, nil
}

// qr is the key as a PNG data: address.
func qr(key *otp.Key) (string, error) {
	img, err := key.Image(232, 232)
	if err != nil {
		return "", fmt.Errorf("draw second factor: %w", err)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		return "", fmt.Errorf("draw second factor: %w", err)
	}
	return "data:image/png;base64," + base64.StdEncoding.EncodeToString(b.Bytes()), nil
}

// matchStep returns the time step whose code it is, one step either side of now and after last; 0 if none. All three are compared
// whatever matches.
func matchStep(secret, code string, now time.Time, last int64) int64 {
	current := now.Unix() / step
	found := int64(0)
	for s := current - 1; s <= current+1; s++ {
		want, err := hotp.GenerateCodeCustom(secret, uint64(s), hotp.ValidateOpts{Digits: digits})
		if err != nil {
			return 0
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 && s > last {
			found = s
		}
	}
	return found
}

func (a *Accounts) seal(secret, account string) ([]byte, error) {
	b, err := a.c.AEAD.Encrypt([]byte(secret), []byte("totp "+account))
	if err != nil {
		return nil, fmt.Errorf("seal second factor: %w", err)
	}
	return b, nil
}

func (a *Accounts) unseal(sealed []byte, account string) (string, error) {
	if len(sealed) == 0 {
		return "", errors.New("open second factor: none is set")
	}
	b, err := a.c.AEAD.Decrypt(sealed, []byte("totp "+account))
	if err != nil {
		return "", fmt.Errorf("open second factor: %w", err)
	}
	return string(b), nil
}

// newCodes makes recovery codes of 80 bits, in groups of four.
func newCodes() []string {
	out := make([]string, RecoveryKeys)
	for i := range out {
		s := strings.ToLower(letters.EncodeToString(random(10)))
		out[i] = s[0:4] + "-" + s[4:8] + "-" + s[8:12] + "-" + s[12:16]
	}
	return out
}

// foldCode is a recovery code as it is hashed: people type it with or without dashes, in any case.
func foldCode(code string) string {
	return strings.ToLower(strings.NewReplacer("-", "", " ", "").Replace(code))
}
