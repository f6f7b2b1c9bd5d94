package local

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	macsubtle "github.com/tink-crypto/tink-go/v2/mac/subtle"

	"hoalu/internal/wording"
	"hoalu/vault"
)

// ring is what a sealed file of a signer or MAC holds: all versions, the newest last.
type ring struct {
	Keys []ringKey `json:"keys"`
}

type ringKey struct {
	ID      string    `json:"id"`
	Created time.Time `json:"created"`
	Key     []byte    `json:"key"`
}

// load reads a ring, making it with one key at first use. add, where set, appends one more version.
func (v *Vault) load(file string, add bool, make func() (ringKey, error)) (ring, error) {
	for {
		content, err := v.unseal(file)
		if errors.Is(err, fs.ErrNotExist) {
			k, err := make()
			if err != nil {
				return ring{}, err
			}
			r := ring{[]ringKey{k}}
			err = v.put(file, r, v.create)
			if errors.Is(err, fs.ErrExist) {
				continue // another process was faster
			}
			return r, err
		}
		if err != nil {
			return ring{}, err
		}
		var r ring
		err = json.Unmarshal(content, &r)
		clear(content)
		if err != nil || len(r.Keys) == 0 {
			return ring{}, wording.New("%s: %s holds no key; restore it from a backup", vault.ErrDamaged, file)
		}
		if !add {
			return r, nil
		}
		k, err := make()
		if err != nil {
			return ring{}, err
		}
		r.Keys = append(r.Keys, k)
		return r, v.put(file, r, v.replace)
	}
}

func (v *Vault) put(file string, r ring, store func(string, []byte) error) error {
	content, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("store %s: %w", file, err)
	}
	defer clear(content)
	if err := store(file, content); err != nil {
		return fmt.Errorf("store %s: %w", file, err)
	}
	return nil
}

// signer is the newest version of a name's key; the others only verify.
type signer struct {
	key    *ecdsa.PrivateKey
	id     string
	public map[string]crypto.PublicKey
}

func (s *signer) Public() crypto.PublicKey { return &s.key.PublicKey }

// KeyID names the key version.
func (s *signer) KeyID() string { return s.id }

func (s *signer) Sign(r io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return s.key.Sign(r, digest, opts)
}

func (v *Vault) newSigner() (ringKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return ringKey{}, fmt.Errorf("make signing key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return ringKey{}, fmt.Errorf("make signing key: %w", err)
	}
	id, err := vault.KeyID(&key.PublicKey)
	if err != nil {
		return ringKey{}, err
	}
	return ringKey{id, v.now().UTC(), der}, nil
}

func (v *Vault) signer(name string, add bool) (*signer, error) {
	if err := vault.CheckName(name); err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if s := v.signers[name]; s != nil && !add {
		return s, nil
	}
	r, err := v.load("signer-"+name+".key", add, v.newSigner)
	if err != nil {
		return nil, fmt.Errorf("signing key %s: %w", name, err)
	}
	s := &signer{public: map[string]crypto.PublicKey{}}
	for _, k := range r.Keys {
		parsed, err := x509.ParsePKCS8PrivateKey(k.Key)
		key, ok := parsed.(*ecdsa.PrivateKey)
		if err != nil || !ok {
			return nil, wording.New("signing key %s: %s: version %s is no ECDSA key", name, vault.ErrDamaged, k.ID)
		}
		clear(k.Key)
		s.key, s.id = key, k.ID
		s.public[k.ID] = &key.PublicKey
	}
	v.signers[name] = s
	return s, nil
}

// Signer implements vault.Vault.
func (v *Vault) Signer(_ context.Context, name string) (crypto.Signer, error) {
	s, err := v.signer(name, false)
	if err != nil {
		return nil, unavailable(err)
	}
	return s, nil
}

// PublicKeys implements vault.Vault.
func (v *Vault) PublicKeys(_ context.Context, name string) (map[string]crypto.PublicKey, error) {
	s, err := v.signer(name, false)
	if err != nil {
		return nil, unavailable(err)
	}
	out := make(map[string]crypto.PublicKey, len(s.public))
	for id, k := range s.public {
		out[id] = k
	}
	return out, nil
}

// mac holds all versions, newest first.
type mac struct {
	ids  []string
	keys []*macsubtle.HMAC
}

func (m *mac) KeyID() string { return m.ids[0] }

func (m *mac) ComputeMAC(data []byte) ([]byte, error) { return m.keys[0].ComputeMAC(data) }

func (m *mac) VerifyMAC(tag, data []byte) error {
	var err error
	for _, k := range m.keys {
		if err = k.VerifyMAC(tag, data); err == nil {
			return nil
		}
	}
	return err
}

func (m *mac) Versions(data []byte) ([][]byte, error) {
	out := make([][]byte, len(m.keys))
	for i, k := range m.keys {
		tag, err := k.ComputeMAC(data)
		if err != nil {
			return nil, err
		}
		out[i] = tag
	}
	return out, nil
}

func (v *Vault) newMAC() (ringKey, error) {
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return ringKey{}, fmt.Errorf("make MAC key: %w", err)
	}
	id := sha256.Sum256(append([]byte("hoalu mac key id\x00"), key...))
	return ringKey{hex.EncodeToString(id[:8]), v.now().UTC(), key}, nil
}

func (v *Vault) mac(name string, add bool) (*mac, error) {
	if err := vault.CheckName(name); err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if m := v.macs[name]; m != nil && !add {
		return m, nil
	}
	r, err := v.load("mac-"+name+".key", add, v.newMAC)
	if err != nil {
		return nil, fmt.Errorf("MAC key %s: %w", name, err)
	}
	m := &mac{}
	for i := len(r.Keys) - 1; i >= 0; i-- {
		h, err := macsubtle.NewHMAC("SHA256", r.Keys[i].Key, 32) // keeps the slice
		if err != nil {
			return nil, fmt.Errorf("MAC key %s: %w", name, err)
		}
		m.ids, m.keys = append(m.ids, r.Keys[i].ID), append(m.keys, h)
	}
	v.macs[name] = m
	return m, nil
}

// MAC implements vault.Vault.
func (v *Vault) MAC(_ context.Context, name string) (vault.MAC, error) {
	m, err := v.mac(name, false)
	if err != nil {
		return nil, unavailable(err)
	}
	return m, nil
}
