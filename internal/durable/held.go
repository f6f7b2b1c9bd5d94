package durable

import (
	"os"

	"hoalu/internal/wording"
)

// Held is a file that stays open for long. Its name may be taken away or given to another file meanwhile (a restore over a running
// appliance, a folder moved, a volume mounted over it): every write then goes on without an error, and is gone at the next stop.
// The zero value holds nothing.
type Held struct {
	path string
	info os.FileInfo
}

// Hold remembers which file path leads to now; it is to be open, or about to be.
func Hold(path string) (Held, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Held{}, err
	}
	return Held{path: path, info: info}, nil
}

// Err is nil while the path leads to the file that was held, or nothing is held.
func (h Held) Err() error {
	if h.info == nil {
		return nil
	}
	now, err := os.Stat(h.path)
	switch {
	case err != nil && !os.IsNotExist(err):
		return wording.New("the file in use cannot be looked at: %s", err)
	case err != nil || !os.SameFile(h.info, now):
		return wording.New("%s was taken away or replaced while it is in use: what is written from then on is gone at the next stop; put the file back, or stop the appliance and restore the data folder from the backup", h.path)
	}
	return nil
}
