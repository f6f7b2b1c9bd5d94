// Package bounded reads what others made without taking more memory than such a thing may need. What people name on a command line
// (ReadFile, Lines): a disk, a device or a log given by mistake is refused with a sentence instead of ending the machine. Binary bodies
// (Cursor): a length that a body claims is held against what is there.
//
// Contract: the functions hold at most the given number of bytes and a buffer; a Cursor holds nothing of its own. Every part may use it.
package bounded

import (
	"bufio"
	"io"
	"os"

	"hoalu/internal/wording"
)

const (
	// MaxSettings is the most that a configuration, a key or certificates may take.
	MaxSettings = 1 << 20
	// MaxLine is the longest line of a file of events.
	MaxLine = 64 << 20
)

// ReadFile is os.ReadFile for a file of at most most bytes; a longer one is a *wording.Problem.
func ReadFile(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > most {
		return nil, wording.New("%s is longer than %d MiB: it is another file than is asked for here", path, most>>20)
	}
	return data, nil
}

// Lines calls f with every line of in, with what ends it, numbered from 1, until f fails. A line longer than most bytes is a
// *wording.Problem. The line is valid until f returns.
func Lines(in io.Reader, most int, f func(n int, line []byte) error) error {
	r := bufio.NewReaderSize(in, 1<<20)
	var long []byte
	for n := 1; ; {
		part, err := r.ReadSlice('\n')
		if len(long)+len(part) > most {
			return wording.New("line %d is longer than %d MiB: it is another file than is asked for here", n, most>>20)
		}
		if err == bufio.ErrBufferFull {
			long = append(long, part...)
			continue
		}
		if err != nil && err != io.EOF {
			return wording.New("line %d cannot be read: %s", n, err)
		}
		line := part
		if len(long) > 0 {
			line = append(long, part...)
		}
		if len(line) > 0 {
			if err := f(n, line); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		long = long[:0]
		n++
	}
}
