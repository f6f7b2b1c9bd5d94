// Package file takes lines in from files: Import reads one stream to its end, a Follower follows files, folders and the
// systemd journal of this host, as they grow and rotate.
//
// Words: a file's birth is a random word given when it is first seen, and again when it was truncated; with the offset it
// names a line for ever, so a line that is put twice is stored once (Frame.ID).
//
// Contract: a Follower keeps, for each file, device and inode, birth and the offset behind the last line that is durable, in one
// state file. A birth is kept before the first line is put, an offset after put has returned: a crash can put the last lines again
// under the same id, and never leaves any out. What is rotated away is read to its end, also when that happened while nobody
// followed, as long as it stays in its folder uncompressed. Lines of NDJSON become wire.FormatJSON, lines that begin with a syslog
// priority wire.FormatSyslog, others wire.FormatLine.
package file

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/text/encoding/unicode"

	"hoalu/ecs/wire"
)

// Put hands frames to intake and returns when they are durable.
type Put func(ctx context.Context, listener string, frames []wire.Frame) error

// Listener names, as they stand in wire.Batch.Listener.
const (
	ImportName = "import"
	FollowName = "file"
)

// ErrForeign is a file that holds no lines.
var ErrForeign = errors.New("no lines of text")

// TooLarge is the reason of a line that is not taken.
const TooLarge = "too_large"

const (
	defaultMaxLine = 1 << 20
	batchBytes     = 1 << 20
	maxWindow      = 8 << 20 // of zstd: what every decoder must take (RFC 8878 3.1.1.1.2); it is allocated by what a file's head claims
)

// ImportOptions of Import.
type ImportOptions struct {
	Source  string // NG-
	Dataset string
	Format  string // wire.Format…; "" finds out line by line
	Trust   bool
	MaxLine int // bytes, 0: 1 MiB
	Reject  func(source, peer, reason string, n int)
}

// Imported is what Import has done; it is valid with an error as well.
type Imported struct {
	Frames   int64 // durable
	Rejected int64 // lines that are too long
	Bytes    int64 // of lines, decompressed
}

// Import reads r to its end, gzip and zstd decompressed by what it begins with, UTF-16 with its mark made UTF-8, and puts every line that
// is not blank; name is for messages. A line's ID follows from it and all lines before, so that a file read again, also one that has
// grown or was broken off, is stored once where its lines carry their time. Lines before an error are durable and counted.
func Import(ctx context.Context, r io.Reader, name string, opts ImportOptions, put Put) (Imported, error) {
	if opts.MaxLine <= 0 {
		opts.MaxLine = defaultMaxLine
	}
	if opts.Reject == nil {
		opts.Reject = func(string, string, string, int) {}
	}
	var done Imported
	plain, stop, err := decompress(r)
	if err != nil {
		return done, fmt.Errorf("import %s: %w", name, advise(err))
	}
	defer stop()
	lines := bufio.NewReaderSize(plain, 64<<10)
	var frames []wire.Frame
	size := 0
	flush := func() error {
		if len(frames) == 0 {
			return nil
		}
		if err := put(ctx, ImportName, frames); err != nil {
			return fmt.Errorf("import %s behind line %d: %w", name, done.Frames+done.Rejected, err)
		}
		done.Frames += int64(len(frames))
		frames, size = nil, 0
		return nil
	}
	first := true
	var chain [sha256.Size]byte
	for {
		line, large, err := readLine(lines, opts.MaxLine)
		done.Bytes += int64(len(line))
		if first {
			line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
			first = false
		}
		if large {
			opts.Reject(opts.Source, "", TooLarge, 1)
			done.Rejected++
		} else if line = trim(line); len(line) > 0 {
			chain = sha256.Sum256(append(append(make([]byte, 0, len(chain)+len(line)), chain[:]...), line...))
			frames = append(frames, wire.Frame{ID: "import:" + base64.RawStdEncoding.EncodeToString(chain[:16]), Source: opts.Source,
				Received: time.Now().UnixMilli(), Format: formatOf(opts.Format, line),
				Dataset: opts.Dataset, Trust: opts.Trust, Data: line})
			size += len(line)
		}
		if len(frames) == wire.MaxFrames || size >= batchBytes || err != nil {
			if ferr := flush(); ferr != nil {
				return done, ferr
			}
		}
		if errors.Is(err, io.EOF) {
			return done, nil
		}
		if err != nil {
			err = advise(err)
			return done, fmt.Errorf("import %s behind line %d: %w", name, done.Frames+done.Rejected, err)
		}
		if err := ctx.Err(); err != nil {
			return done, err
		}
	}
}

// advise adds what to do to an error of reading.
func advise(err error) error {
	switch {
	case errors.Is(err, zstd.ErrWindowSizeExceeded):
		return fmt.Errorf("%w; compress the file without --long and --ultra", err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: the file is cut off; get it whole and import it again, what is stored stays single", err)
	}
	return err
}

// foreign are formats people try that hold no lines, by what they begin with.
var foreign = []struct{ magic, do string }{
	{"PK\x03\x04", "a zip archive or office document; unpack it, or save it as CSV or text"},
	{"ElfFile\x00", "a Windows event log; send it with Winlogbeat, or export it as JSON lines"},
	{"BZh", "bzip2; unpack it first"},
	{"\xfd7zXZ\x00", "xz; unpack it first"},
	{"\xd4\xc3\xb2\xa1", "a packet capture; read it with hoalu sensor packet"},
	{"\x0a\x0d\x0d\x0a", "a packet capture; read it with hoalu sensor packet"},
	{"\x7fELF", "a program"},
}

// decompress looks at what r begins with, and at what that holds.
func decompress(r io.Reader) (plain io.Reader, stop func(), err error) {
	raw, stop, err := unpack(r)
	if err != nil {
		return nil, nil, err
	}
	b := bufio.NewReaderSize(raw, 64<<10)
	head, err := b.Peek(8)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		stop()
		return nil, nil, err
	}
	for _, f := range foreign {
		if bytes.HasPrefix(head, []byte(f.magic)) {
			stop()
			return nil, nil, fmt.Errorf("%w: this is %s", ErrForeign, f.do)
		}
	}
	if bytes.HasPrefix(head, []byte{0xff, 0xfe}) || bytes.HasPrefix(head, []byte{0xfe, 0xff}) { // PowerShell and the event viewer write it
		return unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder().Reader(b), stop, nil
	}
	return b, stop, nil
}

// unpack takes compression off.
func unpack(r io.Reader) (plain io.Reader, stop func(), err error) {
	b := bufio.NewReaderSize(r, 64<<10)
	head, err := b.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, err
	}
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, nil, fmt.Errorf("read gzip: %w", err)
		}
		return z, func() { z.Close() }, nil
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(b, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, nil, fmt.Errorf("read zstd: %w", err)
		}
		return z, z.Close, nil
	}
	return b, func() {}, nil
}

// readLine returns the next line, its memory its own; a line over max is stepped over and told as large. With io.EOF the line may
// be the last one without its newline.
func readLine(r *bufio.Reader, max int) (line []byte, large bool, err error) {
	for {
		part, err := r.ReadSlice('\n')
		if !large {
			line = append(line, part...)
			if len(line) > max+2 { // newline and carriage return
				line, large = nil, true
			}
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, large, err
		}
	}
}

func trim(line []byte) []byte { return bytes.TrimRight(line, "\r\n\x00 \t") }

// formatOf is the format of a line, where it is not given.
func formatOf(given string, line []byte) string {
	if given != "" {
		return given
	}
	switch {
	case line[0] == '{' && line[len(line)-1] == '}':
		return wire.FormatJSON
	case priority(line):
		return wire.FormatSyslog
	}
	return wire.FormatLine
}

// priority says whether line begins like a syslog message: <0> to <191>.
func priority(line []byte) bool {
	if line[0] != '<' {
		return false
	}
	i := bytes.IndexByte(line[:min(len(line), 5)], '>')
	if i < 2 {
		return false
	}
	n := 0
	for _, c := range line[1:i] {
		if c < '0' || c > '9' {
			return false
		}
		n = n*10 + int(c-'0')
	}
	return n <= 191
}
