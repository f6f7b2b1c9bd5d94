// Package local is the vault of one machine: keys in files under the data folder, each sealed with one master key that is kept
// somewhere else, so that a copy of the data folder (a backup, a stolen disk) opens nothing by itself.
//
// The master key is 32 random bytes, written as 64 hex digits. It is looked for, in this order, in Config.MasterKeyFile, in the file
// named by HOALU_MASTER_KEY_FILE, in the service's credential hoalu-master-key ($CREDENTIALS_DIRECTORY, systemd LoadCredential), in
// HOALU_MASTER_KEY, and in hoalu/master.key of the user's configuration folder, which is made with mode 0600 when there are no keys
// yet. It is never made anew for keys that exist, and a master key under the data folder is refused.
//
// Layout of <data>/keys: check.key tells a wrong master key at once; signer-*, mac-*, aead-* and server-* hold one name's versions;
// ca.crt is the public root; certificates.jsonl the log of what was issued and revoked. A sealed file is "HLK" version(1) and
// XChaCha20-Poly1305 of its content with its own name as associated data, so files cannot be swapped. Files are written beside, synced
// and renamed; several processes may open one vault.
package local

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/tink-crypto/tink-go/v2/aead"
	aeadsubtle "github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/keyset"
	macsubtle "github.com/tink-crypto/tink-go/v2/mac/subtle"
	"github.com/tink-crypto/tink-go/v2/tink"

	"hoalu/vault"
)

// Names of the environment and of files.
const (
	EnvFile    = "HOALU_MASTER_KEY_FILE"
	EnvKey     = "HOALU_MASTER_KEY"
	Credential = "hoalu-master-key"

	version = 1
)

// Config of a local vault.
type Config struct {
	Data          string `yaml:"-"`               // data folder
	MasterKeyFile string `yaml:"master_key_file"` // "" looks as the package says
	UserConfig    string `yaml:"-"`               // user's configuration folder; "" os.UserConfigDir
	Apart         string `yaml:"apart"`           // folder of records kept apart from the data (Keep); "" beside the master key

	// Now is the clock; nil is time.Now.
	Now func() time.Time `yaml:"-"`
}

// Vault is the open vault.
type Vault struct {
	dir   string
	data  string // data folder
	apart string // Config.Apart
	// Where the master key was found and where Keep looks when that is no folder to write in.
	keyFile, userConfig string

	master tink.AEAD
	log    *slog.Logger
	now    func() time.Time
	ca     *authority

	mu      sync.Mutex
	signers map[string]*signer
	macs    map[string]*mac
	aeads   map[string]tink.AEAD
}

var _ vault.Vault = (*Vault)(nil)

// Open opens the vault of a data folder, making it and its master key at first start.
func Open(ctx context.Context, c Config, log *slog.Logger) (*Vault, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	dir := filepath.Join(c.Data, "keys")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make folder of keys: %w%s", err, hint(err, c.Data))
	}
	check := filepath.Join(dir, "check.key")
	_, err := os.Stat(check)
	fresh := errors.Is(err, fs.ErrNotExist)
	if err != nil && !fresh {
		return nil, fmt.Errorf("look for keys: %w", err)
	}
	if fresh {
		if others, _ := filepath.Glob(filepath.Join(dir, "*.key")); len(others) > 0 {
			return nil, fmt.Errorf("%w: %s is missing but %s is there; restore the whole folder keys/ from a backup", vault.ErrDamaged, check, filepath.Base(others[0]))
		}
	}
	key, where, err := masterKey(c, fresh)
	if err != nil {
		return nil, err
	}
	if where == EnvKey {
		if err := forgetEnviron(EnvKey); err != nil {
			log.Warn("the master key stays in the environment that /proc shows of this process; give it as a file or credential", "variable", EnvKey, "error.message", err)
		}
	}
	defer key.Destroy()
	master, err := aeadsubtle.NewXChaCha20Poly1305(key.Reveal())
	if err != nil {
		return nil, fmt.Errorf("use the master key: %w", err)
	}
	v := &Vault{dir: dir, data: c.Data, apart: c.Apart, keyFile: where, userConfig: c.UserConfig, master: master, log: log.With("component", "vault"), now: c.Now, signers: map[string]*signer{}, macs: map[string]*mac{},
		aeads: map[string]tink.AEAD{}}
	if fresh {
		if err := v.create("check.key", []byte("hoalu")); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("make the first key: %w%s", err, hint(err, dir))
		}
	}
	if _, err := v.unseal("check.key"); errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("read the keys: %w%s", err, hint(err, dir))
	} else if err != nil {
		return nil, fmt.Errorf("%w: the key of %s does not open %s; give the master key that belongs to this data folder, or restore the data folder that belongs to this key (%w)",
			vault.ErrMasterKey, where, dir, err)
	}
	if v.ca, err = openAuthority(ctx, v); err != nil {
		return nil, err
	}
	return v, nil
}

// masterKey finds the key and says where; fresh says that there are no keys yet and one may be made.
func masterKey(c Config, fresh bool) (vault.Secret, string, error) {
	type place struct {
		file  string
		mode  fs.FileMode // bits that must not be set
		given bool        // must be there
	}
	var p place
	credentials := os.Getenv("CREDENTIALS_DIRECTORY")
	switch {
	case c.MasterKeyFile != "":
		p = place{c.MasterKeyFile, 0o077, true}
	case os.Getenv(EnvFile) != "":
		p = place{os.Getenv(EnvFile), 0o077, true}
	case credentials != "" && exists(filepath.Join(credentials, Credential)):
		p = place{filepath.Join(credentials, Credential), 0o007, true} // systemd gives the service its right by an ACL, seen as group bits
	case os.Getenv(EnvKey) != "":
		key, err := parseKey([]byte(os.Getenv(EnvKey)))
		if err != nil {
			return vault.Secret{}, "", fmt.Errorf("read the master key of %s: %w", EnvKey, err)
		}
		_ = os.Unsetenv(EnvKey) // children need not inherit it
		return key, EnvKey, nil
	default:
		dir := c.UserConfig
		if dir == "" {
			var err error
			if dir, err = os.UserConfigDir(); err != nil {
				return vault.Secret{}, "", fmt.Errorf("%w: no configuration folder (%w); set %s to a file outside the data folder", vault.ErrNoMaster, err, EnvFile)
			}
		}
		p = place{filepath.Join(dir, "hoalu", "master.key"), 0o077, false}
	}
	if err := outside(p.file, c.Data); err != nil {
		return vault.Secret{}, "", err
	}
	text, err := os.ReadFile(p.file)
	if errors.Is(err, fs.ErrNotExist) {
		switch {
		case fresh && p.given: // a mistyped path must not make a key where nobody looks for it
			return vault.Secret{}, "", fmt.Errorf("%w: %s is not there; correct the path, or make a new key for this new data folder: (umask 077; openssl rand -hex 32 > %s)",
				vault.ErrNoMaster, p.file, p.file)
		case !fresh:
			return vault.Secret{}, "", fmt.Errorf("%w: %s is not there; put back the file that was there when the keys in %s were made, or give its path in %s",
				vault.ErrNoMaster, p.file, filepath.Join(c.Data, "keys"), EnvFile)
		}
		if text, err = makeKey(p.file); err != nil {
			return vault.Secret{}, "", err
		}
	} else if err != nil {
		return vault.Secret{}, "", fmt.Errorf("read the master key: %w%s", err, hint(err, p.file))
	}
	info, err := os.Stat(p.file)
	if err != nil {
		return vault.Secret{}, "", fmt.Errorf("read the master key: %w", err)
	}
	if info.Mode().Perm()&p.mode != 0 {
		return vault.Secret{}, "", fmt.Errorf("%w: %s has mode %04o; run: chmod 600 %s", vault.ErrExposed, p.file, info.Mode().Perm(), p.file)
	}
	key, err := parseKey(text)
	clear(text)
	if err != nil {
		return vault.Secret{}, "", fmt.Errorf("read the master key of %s: %w", p.file, err)
	}
	return key, p.file, nil
}

// hint is what to do about a file that cannot be read or written, behind the error.
func hint(err error, path string) string {
	switch {
	case errors.Is(err, syscall.EROFS):
		return "; the disk of " + path + " is read-only: look in the kernel's messages whether it failed, then mount it writable"
	case errors.Is(err, syscall.ENOSPC):
		return "; the disk of " + path + " is full: free some space"
	case errors.Is(err, fs.ErrPermission):
		return "; " + path + " belongs to somebody else: start as the user it belongs to, or give it to this one (chown)"
	}
	return ""
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// makeKey makes a new master key; if another process was faster, its key is read.
func makeKey(file string) ([]byte, error) {
	raw := make([]byte, 32)
	if _, err := rand.Read(raw); err != nil {
		return nil, fmt.Errorf("make the master key: %w", err)
	}
	text := append(hex.AppendEncode(nil, raw), '\n')
	clear(raw)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, fmt.Errorf("make the master key: %w", err)
	}
	err := writeNew(file, text)
	if errors.Is(err, fs.ErrExist) {
		return os.ReadFile(file)
	}
	if err != nil {
		return nil, fmt.Errorf("make the master key: %w", err)
	}
	return text, nil
}

func parseKey(text []byte) (vault.Secret, error) {
	if len(text) == 32 {
		return vault.NewSecret(bytes.Clone(text)), nil
	}
	s := strings.TrimSpace(string(text))
	if raw, err := hex.DecodeString(s); err == nil && len(raw) == 32 {
		return vault.NewSecret(raw), nil
	}
	if raw, err := base64.StdEncoding.DecodeString(s); err == nil && len(raw) == 32 {
		return vault.NewSecret(raw), nil
	}
	return vault.Secret{}, errors.New("want 32 bytes: 64 hex digits (openssl rand -hex 32), base64 or raw")
}

// outside refuses a master key under the data folder, by whatever link it is reached.
func outside(file, data string) error {
	f, err := real(file)
	if err != nil {
		return err
	}
	d, err := real(data)
	if err != nil {
		return err
	}
	rel, err := filepath.Rel(d, f)
	if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return nil
	}
	return fmt.Errorf("%w: %s lies under the data folder %s, where every backup would carry it; move it elsewhere", vault.ErrExposed, file, data)
}

// real is path without links, as far as it exists.
func real(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("find %s: %w", path, err)
	}
	rest := ""
	for p := path; ; p = filepath.Dir(p) {
		r, err := filepath.EvalSymlinks(p)
		if err == nil {
			return filepath.Join(r, rest), nil
		}
		if !errors.Is(err, fs.ErrNotExist) || p == filepath.Dir(p) {
			return "", fmt.Errorf("find %s: %w", path, err)
		}
		rest = filepath.Join(filepath.Base(p), rest)
	}
}

func (v *Vault) seal(name string, content []byte) ([]byte, error) {
	box, err := v.master.Encrypt(content, []byte("hoalu/keys/"+name))
	if err != nil {
		return nil, fmt.Errorf("seal %s: %w", name, err)
	}
	return append([]byte{'H', 'L', 'K', version}, box...), nil
}

func (v *Vault) unseal(name string) ([]byte, error) {
	box, err := os.ReadFile(filepath.Join(v.dir, name))
	if err != nil {
		return nil, err
	}
	return v.open(name, box)
}

// open opens what seal made under name.
func (v *Vault) open(name string, box []byte) ([]byte, error) {
	if len(box) < 4 || string(box[:3]) != "HLK" {
		return nil, fmt.Errorf("%w: %s is no sealed key; restore it from a backup", vault.ErrDamaged, name)
	}
	if box[3] > version {
		return nil, fmt.Errorf("%s is of format %d, this program reads up to %d: start the newer program", name, box[3], version)
	}
	content, err := v.master.Decrypt(box[4:], []byte("hoalu/keys/"+name))
	if err != nil {
		return nil, fmt.Errorf("%w: %s does not open; restore it from a backup", vault.ErrDamaged, name)
	}
	return content, nil
}

// create seals content into a new file; one that is there already is fs.ErrExist.
func (v *Vault) create(name string, content []byte) error {
	box, err := v.seal(name, content)
	if err != nil {
		return err
	}
	return writeNew(filepath.Join(v.dir, name), box)
}

// replace seals content into a file that may be there.
func (v *Vault) replace(name string, content []byte) error {
	box, err := v.seal(name, content)
	if err != nil {
		return err
	}
	tmp, err := writeTemp(filepath.Join(v.dir, name), box)
	if err != nil {
		return err
	}
	if err := os.Rename(tmp, filepath.Join(v.dir, name)); err != nil {
		return errors.Join(fmt.Errorf("store %s: %w", name, err), os.Remove(tmp))
	}
	return syncDir(v.dir)
}

func writeNew(file string, content []byte) error {
	tmp, err := writeTemp(file, content)
	if err != nil {
		return err
	}
	err = os.Link(tmp, file) // unlike a rename, refuses to replace
	if rm := os.Remove(tmp); err == nil {
		err = rm
	}
	if err != nil {
		return err
	}
	return syncDir(filepath.Dir(file))
}

func writeTemp(file string, content []byte) (string, error) {
	f, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+".*") // mode 0600
	if err != nil {
		return "", err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

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
			return ring{}, fmt.Errorf("%w: %s holds no key; restore it from a backup", vault.ErrDamaged, file)
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
			return nil, fmt.Errorf("signing key %s: %w: version %s is no ECDSA key", name, vault.ErrDamaged, k.ID)
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
		return nil, err
	}
	return s, nil
}

// PublicKeys implements vault.Vault.
func (v *Vault) PublicKeys(_ context.Context, name string) (map[string]crypto.PublicKey, error) {
	s, err := v.signer(name, false)
	if err != nil {
		return nil, err
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
		return nil, err
	}
	return m, nil
}

// AEAD implements vault.Vault.
func (v *Vault) AEAD(_ context.Context, name string) (vault.AEAD, error) {
	a, err := v.aead(name, false)
	if err != nil {
		return nil, err
	}
	return a, nil
}

// aead reads a tink keyset: its ciphertexts begin with the key id, so every version decrypts what it made.
func (v *Vault) aead(name string, add bool) (tink.AEAD, error) {
	if err := vault.CheckName(name); err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if a := v.aeads[name]; a != nil && !add {
		return a, nil
	}
	file := "aead-" + name + ".key"
	path, data := filepath.Join(v.dir, file), []byte("hoalu/keys/"+file)
	write := func(h *keyset.Handle, store func(string, []byte) error) error {
		var b bytes.Buffer
		b.Write([]byte{'H', 'L', 'K', version})
		if err := h.WriteWithAssociatedData(keyset.NewBinaryWriter(&b), v.master, data); err != nil {
			return err
		}
		return store(path, b.Bytes())
	}
	handle, err := func() (*keyset.Handle, error) {
		box, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			h, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
			if err != nil {
				return nil, err
			}
			if err = write(h, writeNew); !errors.Is(err, fs.ErrExist) {
				return h, err
			}
			box, err = os.ReadFile(path) // another process was faster
			if err != nil {
				return nil, err
			}
		} else if err != nil {
			return nil, err
		}
		if len(box) < 4 || string(box[:3]) != "HLK" || box[3] > version {
			return nil, fmt.Errorf("%w: %s is no sealed key of a known format", vault.ErrDamaged, file)
		}
		h, err := keyset.ReadWithAssociatedData(keyset.NewBinaryReader(bytes.NewReader(box[4:])), v.master, data)
		if err != nil {
			return nil, fmt.Errorf("%w: %s does not open; restore it from a backup", vault.ErrDamaged, file)
		}
		if !add {
			return h, nil
		}
		m := keyset.NewManagerFromHandle(h)
		id, err := m.Add(aead.AES256GCMKeyTemplate())
		if err != nil {
			return nil, err
		}
		if err := m.SetPrimary(id); err != nil {
			return nil, err
		}
		if h, err = m.Handle(); err != nil {
			return nil, err
		}
		return h, write(h, func(path string, content []byte) error {
			tmp, err := writeTemp(path, content)
			if err != nil {
				return err
			}
			if err := os.Rename(tmp, path); err != nil {
				return errors.Join(err, os.Remove(tmp))
			}
			return syncDir(v.dir)
		})
	}()
	if err != nil {
		return nil, fmt.Errorf("encryption key %s: %w", name, err)
	}
	a, err := aead.New(handle)
	if err != nil {
		return nil, fmt.Errorf("encryption key %s: %w", name, err)
	}
	v.aeads[name] = a
	return a, nil
}

// Rotate implements vault.Vault: each kind of key that name has gets one more version.
func (v *Vault) Rotate(_ context.Context, name string) error {
	if err := vault.CheckName(name); err != nil {
		return err
	}
	if name == caName {
		return fmt.Errorf("%w: %q is the authority's; a new root is a new enrolment of every sensor", vault.ErrName, name)
	}
	found := false
	for _, k := range []struct {
		kind   string
		rotate func() error
	}{
		{"signer", func() error { _, err := v.signer(name, true); return err }},
		{"mac", func() error { _, err := v.mac(name, true); return err }},
		{"aead", func() error { _, err := v.aead(name, true); return err }},
	} {
		if !exists(filepath.Join(v.dir, k.kind+"-"+name+".key")) {
			continue
		}
		found = true
		if err := k.rotate(); err != nil {
			return err
		}
		v.log.Info("key rotated", "key", name, "kind", k.kind)
	}
	if !found {
		return fmt.Errorf("%w: nothing is called %q", vault.ErrName, name)
	}
	return nil
}

// Authority implements vault.Vault.
func (v *Vault) Authority() vault.Authority { return v.ca }
