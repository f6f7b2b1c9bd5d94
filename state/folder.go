package state

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"hoalu/internal/wording"
)

// HoldFolder makes the data directory where it is absent, closes it to other users and keeps other processes from it until what it answers
// is closed. A folder with something else in it is refused.
func HoldFolder(ctx context.Context, dir string) (io.Closer, error) {
	if err := openFolder(dir); err != nil {
		return nil, err
	}
	return lockFolder(ctx, dir)
}

// PrivateFile makes a database file readable by its owner only; SQLite gives its journals the same mode.
func PrivateFile(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	err = f.Chmod(0o600)
	return errors.Join(err, f.Close())
}

// openFolder makes the data directory, or closes to others one that is ours. A folder with something else in it is left as it is:
// the rights of a home or of /tmp are not ours to change.
func openFolder(dir string) error {
	if dir == "" {
		return wording.New("no data folder is given: give one with --data")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return wording.New("the data folder cannot be made: %s; give another one with --data, or have its owner make it", err)
	}
	st, err := os.Stat(dir)
	if err != nil {
		return wording.New("the data folder cannot be read: %s", err)
	}
	if st.Mode().Perm()&0o077 == 0 {
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return wording.New("the data folder cannot be read: %s", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "state.db")); err != nil && len(entries) > 0 {
		return wording.New("folder %s is open to other users and holds files that are not ours: give an empty one with --data, or chmod 700 it if nobody else needs it", dir)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return wording.New("folder %s is open to other users (mode %04o) and cannot be closed to them: %s", dir, st.Mode().Perm(), err)
	}
	return nil
}

// lockWait is how long a start waits for an appliance that is still stopping; what is running does not let go in that time either.
const lockWait = 5 * time.Second

// lockFolder makes sure that one appliance at a time uses a data directory. It waits up to lockWait for one that is stopping.
func lockFolder(ctx context.Context, dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, wording.New("the data folder cannot be used: %s; start as the user it belongs to", err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	for end := time.Now().Add(lockWait); errors.Is(err, unix.EWOULDBLOCK) && time.Now().Before(end) && ctx.Err() == nil; {
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	}
	if err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, wording.New("data folder %s is in use by another hoalu; stop that one or give another folder with --data", dir)
		}
		return nil, wording.New("the data folder cannot be locked: %s", err)
	}
	return f, nil
}
