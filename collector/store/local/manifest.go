package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
)

// MANIFEST names the filed segments that count and how far the first level is filed. One that is lost is made anew (rebuild.go). Its first
// line is "hoalu-manifest 1 <crc32c of the rest, hex>", the rest is JSON. It is replaced by rename.
type manifest struct {
	Epoch    string      `json:"epoch"`
	Position uint64      `json:"position"` // last sequence filed
	Filed    uint64      `json:"filed"`    // first-level segments below this number are filed
	Next     uint64      `json:"next"`     // number of the next segment or file
	Files    []fileEntry `json:"files"`
	Damaged  []string    `json:"damaged,omitempty"` // files a rebuild set aside, for Result.Partial
}

// fileEntry is what is known of a filed segment without opening it.
type fileEntry struct {
	System  string `json:"system"`
	Day     string `json:"day"`
	Name    string `json:"name"` // without .parquet and .tok
	Rows    int64  `json:"rows"`
	Bytes   int64  `json:"bytes"` // Parquet and filter
	Min     int64  `json:"min"`   // @timestamp
	Max     int64  `json:"max"`
	Created int64  `json:"created"` // newest receipt
	First   uint64 `json:"first"`   // sequences its events came from
	Last    uint64 `json:"last"`
	SHA256  string `json:"sha256"` // of the Parquet file
}

// errLost is a manifest that is gone or cannot be read; the files themselves say what counts.
var errLost = errors.New("lost")

const (
	manifestName    = "MANIFEST"
	manifestVersion = 1
)

func readManifest(dir string) (*manifest, error) {
	path := filepath.Join(dir, manifestName)
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		// A fresh store, unless filed segments lie there: then the manifest was lost, and with it which files count.
		if files, _ := filepath.Glob(filepath.Join(dir, "*", "*-*-*", "*.parquet")); len(files) > 0 {
			return nil, fmt.Errorf("%w: %s is missing but %d filed segments are there", errLost, path, len(files))
		}
		m := &manifest{Next: 1}
		return m, m.write(dir, func(string) error { return nil })
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	head, body, _ := strings.Cut(string(data), "\n")
	var version int
	var sum uint32
	if _, err := fmt.Sscanf(head, "hoalu-manifest %d %x", &version, &sum); err != nil {
		return nil, fmt.Errorf("%w: %s is damaged (first line %.60q)", errLost, path, head)
	}
	if version > manifestVersion {
		return nil, fmt.Errorf("%s is of version %d, this program reads up to %d: install the newer program", path, version, manifestVersion)
	}
	if crc32.Checksum([]byte(body), castagnoli) != sum {
		return nil, fmt.Errorf("%w: %s is damaged (checksum)", errLost, path)
	}
	m := new(manifest)
	if err := json.Unmarshal([]byte(body), m); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

func (m *manifest) encode() ([]byte, error) {
	body, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode manifest: %w", err)
	}
	head := fmt.Sprintf("hoalu-manifest %d %08x\n", manifestVersion, crc32.Checksum(body, castagnoli))
	return append([]byte(head), body...), nil
}

// write replaces the manifest on disk.
func (m *manifest) write(dir string, step func(string) error) error {
	data, err := m.encode()
	if err != nil {
		return err
	}
	return writeFile(dir, manifestName, data, step, nil)
}
