package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// dataFolder makes the data directory, or closes to others one that is ours. A folder with something else in it is left as it is:
// the rights of a home or of /tmp are not ours to change.
func dataFolder(dir string) error {
	if dir == "" {
		return errors.New("no data folder: give one with --data")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make data folder: %w; give another one with --data, or have its owner make it", err)
	}
	st, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("look at data folder: %w", err)
	}
	if st.Mode().Perm()&0o077 == 0 {
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("look at data folder: %w", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "state.db")); err != nil && len(entries) > 0 {
		return fmt.Errorf("folder %s is open to other users and holds files that are not ours: give an empty one with --data, or chmod 700 it if nobody else needs it", dir)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return fmt.Errorf("folder %s is open to other users (mode %04o) and cannot be closed to them: %w", dir, st.Mode().Perm(), err)
	}
	return nil
}

// lockData makes sure that one appliance at a time uses a data directory.
func lockData(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open data folder: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("data folder %s is in use by another hoalu; stop that one or give another folder with --data", dir)
		}
		return nil, fmt.Errorf("lock data folder: %w", err)
	}
	return f, nil
}
