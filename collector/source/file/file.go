// Package file takes lines in from files: Import reads one stream to its end, a Follower follows files, folders and the
// systemd journal of this host, as they grow and rotate.
//
// Contract: a Follower keeps, for each file, its inode and the offset behind the last line that is durable, in one state file;
// the offset is written after put has returned, so a crash can send the last lines again but never leave any out. Lines of
// NDJSON become wire.FormatJSON, lines of syslog files wire.FormatSyslog, others wire.FormatLine.
package file

import (
	"context"
	"io"
	"log/slog"

	"hoalu/ecs/wire"
)

// Put hands frames to intake and returns when they are durable.
type Put func(ctx context.Context, listener string, frames []wire.Frame) error

// Listener names, as they stand in wire.Batch.Listener.
const (
	ImportName = "import"
	FollowName = "file"
)

// TooLarge is the reason of a line that is not taken.
const TooLarge = "too_large"

// ImportOptions of Import.
type ImportOptions struct {
	Source  string // NG-
	Dataset string
	Format  string // wire.Format…; "" finds out: NDJSON when the first line is an object, else lines
	Trust   bool
	MaxLine int // bytes, 0: 1 MiB
	Reject  func(source, peer, reason string, n int)
}

// Imported is what Import has done; it is valid with an error as well.
type Imported struct {
	Frames   int64
	Rejected int64
	Bytes    int64 // decompressed
}

// Import reads r to its end, gzip and zstd decompressed by what it begins with, and puts every line; name is for messages.
func Import(ctx context.Context, r io.Reader, name string, opts ImportOptions, put Put) (Imported, error) {
	return Imported{}, nil
}

// Path is a file, folder or pattern (/var/log/nginx/*.log) to follow.
type Path struct {
	Path    string
	Source  string
	Dataset string
	Format  string // as ImportOptions.Format
	Begin   bool   // read what is there already at the first sight of it; false: only what comes
}

// Config of a Follower.
type Config struct {
	Paths   []Path
	Journal *Path  // follow the systemd journal (Path is ignored); nil: not
	State   string // file of positions
	MaxLine int

	Reject func(source, peer, reason string, n int)
}

// Follower follows files.
type Follower struct{}

// New reads the positions.
func New(cfg Config, put Put, log *slog.Logger) (*Follower, error) { return &Follower{}, nil }

// HostPaths lists what this host has to follow by default: auth.log, syslog, nginx and Apache logs.
func HostPaths(source string) []Path { return nil }

// Run follows until ctx ends.
func (f *Follower) Run(ctx context.Context) error { <-ctx.Done(); return nil }
