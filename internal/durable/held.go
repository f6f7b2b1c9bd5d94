package durable

import (
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/sys/unix"

	"hoalu/internal/wording"
)

// Held is a file that stays open for long. Its name may be taken away or given to another file meanwhile (a restore over a running
// appliance, a folder moved, a volume mounted over it): every write then goes on without an error, and is gone at the next stop.
// The zero value holds nothing.
type Held struct {
	path string
	file place
}

// place tells a file from every other of the machine while it exists. It is asked of the kernel itself: what package os is asked, a test
// binary writes down, and it fails where a test lets the disk be full.
type place struct{ device, inode uint64 }

func placeOf(path string) (place, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return place{}, fmt.Errorf("look at %s: %w", path, err)
	}
	return place{uint64(st.Dev), st.Ino}, nil
}

// Hold remembers which file path leads to now; it is to be open, or about to be.
func Hold(path string) (Held, error) {
	file, err := placeOf(path)
	if err != nil {
		return Held{}, err
	}
	return Held{path: path, file: file}, nil
}

// Err is nil while the path leads to the file that was held, or nothing is held.
func (h Held) Err() error {
	if h.path == "" {
		return nil
	}
	now, err := placeOf(h.path)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return wording.New("the file in use cannot be looked at: %s", err)
	case err != nil || now != h.file:
		return wording.New("%s was taken away or replaced while it is in use: what is written from then on is gone at the next stop; put the file back, or stop the appliance and restore the data folder from the backup", h.path)
	}
	return nil
}
