// Package durable replaces small files so that after a crash the old content or the new one is there, whole.
package durable

import (
	"errors"
	"os"
	"path/filepath"
)

// New is what the name of a file ends with while it is written; one that a crash left is overwritten by the next write.
const New = ".new"

// Write makes path hold data, readable by its owner alone, and returns when disk and folder know it. After an error the old
// content is there. Two writers of one path must not write at once.
func Write(path string, data []byte) error {
	tmp := path + New
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	err = f.Chmod(0o600) // one that was left may be open to others
	if err == nil {
		_, err = f.Write(data)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		os.Remove(tmp) //nolint:errcheck // the first error counts
		return err
	}
	return SyncDir(filepath.Dir(path))
}

// SyncDir makes the disk know which files a folder has: a file made or renamed in it may be gone after a power cut until then.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
