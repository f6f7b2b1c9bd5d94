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
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	aeadsubtle "github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/tink"

	"hoalu/internal/wording"
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

	// Used says that the data folder has been used: then its keys must be there. New ones would open nothing of it, and its evidence log would
	// go on under another key.
	Used bool `yaml:"-"`

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
		return nil, wording.New("make folder of keys: %s%s", err, hint(err, c.Data))
	}
	check := filepath.Join(dir, "check.key")
	_, err := os.Stat(check)
	fresh := errors.Is(err, fs.ErrNotExist)
	if err != nil && !fresh {
		return nil, wording.New("look for keys: %s", err)
	}
	if fresh && c.Used {
		return nil, wording.New("%s: %s holds data but its keys are not there (%s); restore the whole data folder from one backup",
			vault.ErrDamaged, c.Data, dir)
	}
	if fresh {
		others, err := os.ReadDir(dir)
		if err != nil {
			return nil, wording.New("look for keys: %s%s", err, hint(err, dir))
		}
		for _, other := range others {
			if filepath.Ext(other.Name()) == ".key" {
				return nil, wording.New("%s: %s is missing but %s is there; restore the whole folder keys/ from a backup", vault.ErrDamaged, check,
					other.Name())
			}
		}
	}
	key, where, err := masterKey(c, fresh)
	if err != nil {
		return nil, err
	}
	if where == EnvKey {
		if err := forgetEnviron(EnvKey); err != nil {
			log.Warn("the master key stays in the environment that /proc shows of this process; give it as a file or credential", "variable", EnvKey,
				"error.message", err)
		}
	}
	defer key.Destroy()
	master, err := aeadsubtle.NewXChaCha20Poly1305(key.Reveal())
	if err != nil {
		return nil, wording.New("use the master key: %s", err)
	}
	v := &Vault{dir: dir, data: c.Data, apart: c.Apart, keyFile: where, userConfig: c.UserConfig, master: master,
		log: log.With("component", "vault"), now: c.Now, signers: map[string]*signer{}, macs: map[string]*mac{},
		aeads: map[string]tink.AEAD{}}
	if fresh {
		if err := v.create("check.key", []byte("hoalu")); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, wording.New("make the first key: %s%s", err, hint(err, dir))
		}
	}
	if _, err := v.unseal("check.key"); errors.Is(err, fs.ErrPermission) {
		return nil, wording.New("read the keys: %s%s", err, hint(err, dir))
	} else if err != nil {
		return nil,
			wording.New("%s: the key of %s does not open %s; give the master key that belongs to this data folder, or restore the data folder that belongs to this key (%s)",
				vault.ErrMasterKey, where, dir, err)
	}
	if v.ca, err = openAuthority(ctx, v); err != nil {
		return nil, err
	}
	return v, nil
}

// Rotate implements vault.Vault: each kind of key that name has gets one more version.
func (v *Vault) Rotate(_ context.Context, name string) error {
	if err := vault.CheckName(name); err != nil {
		return err
	}
	if name == caName {
		return wording.New("%s: %q is the authority's; a new root is a new enrolment of every sensor", vault.ErrName, name)
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
		there, err := exists(filepath.Join(v.dir, k.kind+"-"+name+".key"))
		if err != nil {
			return unavailable(fmt.Errorf("look for key %s: %w", name, err))
		}
		if !there {
			continue
		}
		found = true
		if err := k.rotate(); err != nil {
			return unavailable(err)
		}
		v.log.Info("key rotated", "key", name, "kind", k.kind)
	}
	if !found {
		return wording.New("%s: nothing is called %q", vault.ErrName, name)
	}
	return nil
}

// Authority implements vault.Vault.
func (v *Vault) Authority() vault.Authority { return v.ca }
