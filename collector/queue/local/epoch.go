package local

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"hoalu/collector/queue"
	"hoalu/internal/durable"
)

// epochsKey is where the stream's metadata name its epochs, oldest first, each as name:after, with a space between.
const epochsKey = "hoalu.epochs"

// maxEpochs are remembered: a position kept in an older one counts as of another stream.
const maxEpochs = 64

// Files of the queue's folder. epochFile held the epoch before the stream's metadata did; newEpochFile asks for another.
const (
	epochFile    = "epoch"
	newEpochFile = "epoch.new"
)

// NewEpoch makes the next Open of the queue in dir, which nobody has open, begin a new epoch; a restore calls it, so that sequences
// used after the backup was taken do not give two events one id.
func NewEpoch(dir string) error {
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return nil // the stream will be made anew, and its epoch with it
	}
	if err := durable.Write(filepath.Join(dir, newEpochFile), nil); err != nil {
		return fmt.Errorf("ask for a new queue epoch: %w", err)
	}
	return nil
}

// epochs reads the stream's epochs and begins one where there is none, or where NewEpoch asked for it.
func (c *conn) epochs(dir string) ([]queue.Epoch, error) {
	info := c.stream.CachedInfo()
	list, err := parseEpochs(info.Config.Metadata[epochsKey])
	if err != nil {
		return nil, err
	}
	kept := len(list)
	if kept == 0 {
		name, err := formerEpoch(dir, info.Created)
		if err != nil {
			return nil, err
		}
		if name == "" {
			name = word()
		}
		list = append(list, queue.Epoch{Name: name})
	}
	asked := filepath.Join(dir, newEpochFile)
	if _, err := os.Stat(asked); err == nil {
		list = append(list, queue.Epoch{Name: word(), After: info.State.LastSeq})
	} else if !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("read queue epoch: %w", err)
	}
	if len(list) == kept {
		return list, nil
	}
	list = list[max(0, len(list)-maxEpochs):]
	cfg := info.Config
	cfg.Metadata = maps.Clone(cfg.Metadata)
	if cfg.Metadata == nil {
		cfg.Metadata = map[string]string{}
	}
	cfg.Metadata[epochsKey] = formatEpochs(list)
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	if c.stream, err = c.js.UpdateStream(ctx, cfg); err != nil {
		return nil, fmt.Errorf("keep queue epoch: %w", err)
	}
	for _, name := range []string{asked, filepath.Join(dir, epochFile)} { // a crash before this begins one epoch too many, which harms nobody
		if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("keep queue epoch: %w", err)
		}
	}
	return list, nil
}

// formerEpoch is the epoch that a file beside the stream made at created names, "" without one.
func formerEpoch(dir string, created time.Time) (string, error) {
	data, err := os.ReadFile(filepath.Join(dir, epochFile))
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read queue epoch: %w", err)
	}
	if f := strings.Fields(string(data)); len(f) == 2 && f[1] == strconv.FormatInt(created.UnixNano(), 10) {
		return f[0], nil
	}
	return "", nil
}

func formatEpochs(list []queue.Epoch) string {
	var out []string
	for _, e := range list {
		out = append(out, e.Name+":"+strconv.FormatUint(e.After, 10))
	}
	return strings.Join(out, " ")
}

func parseEpochs(s string) ([]queue.Epoch, error) {
	var list []queue.Epoch
	for _, f := range strings.Fields(s) {
		name, after, ok := strings.Cut(f, ":")
		n, err := strconv.ParseUint(after, 10, 64)
		if !ok || name == "" || err != nil {
			return nil, fmt.Errorf("read queue epoch: the stream's metadata say %q", s)
		}
		list = append(list, queue.Epoch{Name: name, After: n})
	}
	return list, nil
}

// word is a random word of 64 bits.
func word() string {
	var b [8]byte
	rand.Read(b[:]) //nolint:errcheck // never fails
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b[:]))
}
