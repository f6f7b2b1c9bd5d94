package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"hoalu/internal/durable"
	"hoalu/internal/wording"
	"hoalu/vault"
)

// hint is what to do about a file that cannot be read or written, behind the error.
func hint(err error, path string) any {
	switch {
	case errors.Is(err, syscall.EROFS):
		return wording.New("; the disk of %s is read-only: look in the kernel's messages whether it failed, then mount it writable", path)
	case errors.Is(err, syscall.ENOSPC):
		return wording.New("; the disk of %s is full: free some space", path)
	case errors.Is(err, fs.ErrPermission):
		return wording.New("; %s belongs to somebody else: start as the user it belongs to, or give it to this one (chown)", path)
	}
	return ""
}

// exists says whether a file is there. An error says that it could not be told.
func exists(file string) (bool, error) {
	_, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
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
		return nil, wording.New("%s: %s is no sealed key; restore it from a backup", vault.ErrDamaged, name)
	}
	if box[3] > version {
		return nil, fmt.Errorf("%s is of format %d, this program reads up to %d: start the newer program", name, box[3], version)
	}
	content, err := v.master.Decrypt(box[4:], []byte("hoalu/keys/"+name))
	if err != nil {
		return nil, wording.New("%s: %s does not open; restore it from a backup", vault.ErrDamaged, name)
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
	if err := durable.Write(filepath.Join(v.dir, name), box); err != nil {
		return fmt.Errorf("store %s: %w", name, err)
	}
	return nil
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
	return durable.SyncDir(filepath.Dir(file))
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

// unavailable marks an error of the disk, which says nothing about the key, as vault.ErrUnavailable. What is wrong with a key stays what it
// is.
func unavailable(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	var call *os.SyscallError
	if errors.Is(err, vault.ErrUnavailable) || errors.Is(err, vault.ErrNowhere) ||
		!errors.As(err, &path) && !errors.As(err, &link) && !errors.As(err, &call) {
		return err
	}
	return fmt.Errorf("%w: %w", vault.ErrUnavailable, err)
}
