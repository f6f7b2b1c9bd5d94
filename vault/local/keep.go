package local

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"hoalu/internal/durable"
	"hoalu/vault"
)

// Records kept apart lie beside the master key, or in the user's configuration folder where the key has no folder of its own that this
// process may write (a systemd credential, the environment, a key of root's). Their names end in the identity of the data folder: one
// master key may serve several. They are sealed with the master key, so whoever can write that folder but has no key can remove a record
// and no more.

// maxKept bounds what is read back of a record.
const maxKept = 64 << 10

// identity names the keys of this data folder: check.key is made once and holds a random nonce.
func (v *Vault) identity() (string, error) {
	box, err := os.ReadFile(filepath.Join(v.dir, "check.key"))
	if err != nil {
		return "", fmt.Errorf("name the keys: %w", err)
	}
	sum := sha256.Sum256(box)
	return hex.EncodeToString(sum[:8]), nil
}

// keepDirs are the folders a record may lie in, the wanted one first.
func (v *Vault) keepDirs() ([]string, error) {
	var dirs []string
	add := func(dir string) error {
		if err := outside(dir, v.data); err != nil {
			return err
		}
		dirs = append(dirs, dir)
		return nil
	}
	if v.apart != "" {
		return dirs, add(v.apart)
	}
	if filepath.IsAbs(v.keyFile) && v.keyFile != filepath.Join(os.Getenv("CREDENTIALS_DIRECTORY"), Credential) {
		if err := add(filepath.Dir(v.keyFile)); err != nil {
			return nil, err
		}
	}
	dir := v.userConfig
	if dir == "" {
		var err error
		if dir, err = os.UserConfigDir(); err != nil {
			if len(dirs) > 0 {
				return dirs, nil
			}
			return nil, fmt.Errorf("%w: there is no configuration folder (%w)", vault.ErrNowhere, err)
		}
	}
	return dirs, add(filepath.Join(dir, "hoalu"))
}

func (v *Vault) keptFile(dir, name string) (string, error) {
	if err := vault.CheckName(name); err != nil {
		return "", err
	}
	id, err := v.identity()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, name+"-"+id+".kept"), nil
}

// Keep writes a record apart from the data folder.
func (v *Vault) Keep(_ context.Context, name string, content []byte) (err error) {
	defer func() { err = unavailable(err) }()
	dirs, err := v.keepDirs()
	if err != nil {
		return err
	}
	box, err := v.seal("kept/"+name, content)
	if err != nil {
		return err
	}
	var failed []error
	for _, dir := range dirs {
		file, err := v.keptFile(dir, name)
		if err != nil {
			return err
		}
		if err = os.MkdirAll(dir, 0o700); err == nil {
			if err = durable.Write(file, box); err == nil {
				return nil
			}
		}
		failed = append(failed, err)
	}
	return fmt.Errorf("%w: %w", vault.ErrNowhere, errors.Join(failed...))
}

// Kept reads a record; of several places the one written last counts.
func (v *Vault) Kept(_ context.Context, name string) (_ []byte, _ string, err error) {
	defer func() { err = unavailable(err) }()
	dirs, err := v.keepDirs()
	if err != nil {
		return nil, "", err
	}
	newest, at := "", int64(0)
	for _, dir := range dirs {
		file, err := v.keptFile(dir, name)
		if err != nil {
			return nil, "", err
		}
		st, err := os.Stat(file)
		switch {
		case err == nil && (newest == "" || st.ModTime().UnixNano() > at):
			newest, at = file, st.ModTime().UnixNano()
		case err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission):
			return nil, file, fmt.Errorf("read what is kept apart: %w", err)
		}
	}
	if newest == "" {
		return nil, dirs[0], fmt.Errorf("nothing is kept apart as %s: %w", name, fs.ErrNotExist)
	}
	f, err := os.Open(newest)
	if err != nil {
		return nil, newest, fmt.Errorf("read what is kept apart: %w%s", err, hint(err, newest))
	}
	defer f.Close()
	box, err := io.ReadAll(io.LimitReader(f, maxKept))
	if err != nil {
		return nil, newest, fmt.Errorf("read what is kept apart: %w", err)
	}
	content, err := v.open("kept/"+name, box)
	if err != nil {
		return nil, newest, fmt.Errorf("read what is kept apart in %s: %w", newest, err)
	}
	return content, newest, nil
}
