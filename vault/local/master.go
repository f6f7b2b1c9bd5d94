package local

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"hoalu/internal/wording"
	"hoalu/vault"
)

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
	case credentials != "" && isThere(filepath.Join(credentials, Credential)):
		p = place{filepath.Join(credentials, Credential), 0o007, true} // systemd gives the service its right by an ACL, seen as group bits
	case os.Getenv(EnvKey) != "":
		key, err := parseKey([]byte(os.Getenv(EnvKey)))
		if err != nil {
			return vault.Secret{}, "", wording.New("read the master key of %s: %s", EnvKey, err)
		}
		_ = os.Unsetenv(EnvKey) // children need not inherit it
		return key, EnvKey, nil
	default:
		dir := c.UserConfig
		if dir == "" {
			var err error
			if dir, err = os.UserConfigDir(); err != nil {
				return vault.Secret{}, "", wording.New("%s: no configuration folder (%s); set %s to a file outside the data folder", vault.ErrNoMaster,
					err, EnvFile)
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
			return vault.Secret{}, "",
				wording.New("%s: %s is not there; correct the path, or make a new key for this new data folder: (umask 077; openssl rand -hex 32 > %s)",
					vault.ErrNoMaster, p.file, p.file)
		case !fresh:
			return vault.Secret{}, "",
				wording.New("%s: %s is not there; put back the file that was there when the keys in %s were made, or give its path in %s",
					vault.ErrNoMaster, p.file, filepath.Join(c.Data, "keys"), EnvFile)
		}
		if text, err = makeKey(p.file); err != nil {
			return vault.Secret{}, "", err
		}
	} else if err != nil {
		return vault.Secret{}, "", wording.New("read the master key: %s%s", err, hint(err, p.file))
	}
	info, err := os.Stat(p.file)
	if err != nil {
		return vault.Secret{}, "", wording.New("read the master key: %s", err)
	}
	if info.Mode().Perm()&p.mode != 0 {
		return vault.Secret{}, "", wording.New("%s: %s has mode %04o; run: chmod 600 %s", vault.ErrExposed, p.file, info.Mode().Perm(), p.file)
	}
	key, err := parseKey(text)
	clear(text)
	if err != nil {
		return vault.Secret{}, "", wording.New("read the master key of %s: %s", p.file, err)
	}
	return key, p.file, nil
}

// makeKey makes a new master key; if another process was faster, its key is read.
func makeKey(file string) ([]byte, error) {
	raw := make([]byte, 32)
	if _, err := rand.Read(raw); err != nil {
		return nil, wording.New("make the master key: %s", err)
	}
	text := append(hex.AppendEncode(nil, raw), '\n')
	clear(raw)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, wording.New("make the master key: %s", err)
	}
	err := writeNew(file, text)
	if errors.Is(err, fs.ErrExist) {
		return os.ReadFile(file)
	}
	if err != nil {
		return nil, wording.New("make the master key: %s", err)
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
	return vault.Secret{}, wording.New("want 32 bytes: 64 hex digits (openssl rand -hex 32), base64 or raw")
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
	return wording.New("%s: %s lies under the data folder %s, where every backup would carry it; move it elsewhere", vault.ErrExposed, file,
		data)
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

// isThere says whether a file can be looked at; one that cannot is no source of a key.
func isThere(file string) bool {
	there, err := exists(file)
	return there && err == nil
}
