package file

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"hoalu/ecs/wire"
)

// stale is how old a syslog file must be before the journal is read in its stead: nobody writes it any more.
const stale = 24 * time.Hour

// HostJournal is the journal of this host; nil where there is none to read, or its lines are in a syslog file that is followed.
func HostJournal(source string) *Path {
	if _, err := exec.LookPath("journalctl"); err != nil {
		return nil
	}
	for _, same := range []string{"/var/log/syslog", "/var/log/messages"} {
		if st, err := os.Stat(same); err == nil && time.Since(st.ModTime()) < stale {
			return nil
		}
	}
	if newest, err := exec.Command("journalctl", "-n", "1", "-o", "json", "-q").Output(); err != nil || len(newest) == 0 {
		return nil
	}
	return Journal(source, "")
}

// Journal is a journal in a folder, as systemd-journal-remote writes it; "" is this host's. It is read from its begin.
func Journal(source, folder string) *Path {
	return &Path{Path: folder, Source: source, Dataset: "linux.syslog", Begin: folder != ""}
}

// followJournal runs journalctl behind the kept cursor, again and again until ctx ends.
func (f *Follower) followJournal(ctx context.Context, p Path) {
	for {
		err := f.journal(ctx, p)
		if ctx.Err() != nil {
			return
		}
		f.log.Warn("follow the systemd journal", "error.message", fmt.Sprint(err))
		select {
		case <-ctx.Done():
			return
		case <-time.After(5 * time.Second):
		}
	}
}

func (f *Follower) journal(ctx context.Context, p Path) error {
	args := []string{"-f", "-o", "json", "--all", "--no-pager", "-q"} // all: else a text over 4 KiB is null
	if p.Path != "" {
		args = append(args, "-D", p.Path)
	}
	f.mu.Lock()
	cursor := f.state.Cursor
	f.mu.Unlock()
	switch {
	case cursor != "":
		args = append(args, "--after-cursor", cursor, "-n", "all")
	case p.Begin:
		args = append(args, "-n", "all")
	default:
		args = append(args, "-n", "0")
	}
	cmd := exec.CommandContext(ctx, "journalctl", args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start journalctl: %w", err)
	}
	r := bufio.NewReaderSize(out, 256<<10)
	err = f.entries(ctx, p, r)
	cmd.Cancel() //nolint:errcheck // it may have ended
	return errors.Join(err, cmd.Wait())
}

// entries puts what r has of journal entries, as syslog lines, and keeps the cursor behind each batch.
func (f *Follower) entries(ctx context.Context, p Path, r *bufio.Reader) error {
	var frames []wire.Frame
	size, cursor := 0, ""
	for {
		line, large, err := readLine(r, f.cfg.MaxLine)
		if large {
			f.cfg.Reject(p.Source, "", TooLarge, 1)
		} else if line = trim(line); len(line) > 0 {
			e, perr := entry(line)
			if perr != nil {
				f.cfg.Reject(p.Source, "", "json", 1)
			} else {
				cursor = string(e.Cursor)
				frames = append(frames, wire.Frame{Source: p.Source, Received: time.Now().UnixMilli(), Format: wire.FormatSyslog, Dataset: p.Dataset,
					ID: string(e.Cursor), Data: e.line})
				size += len(e.line)
			}
		}
		if len(frames) > 0 && (err != nil || r.Buffered() == 0 || len(frames) == wire.MaxFrames || size >= batchBytes) {
			if err := f.put(ctx, FollowName, frames); err != nil {
				return err
			}
			f.mu.Lock()
			f.state.Cursor = cursor
			f.mu.Unlock()
			if err := f.save(); err != nil {
				return err
			}
			frames, size = nil, 0
		}
		if err != nil {
			return err
		}
	}
}

// journalText is a field of journalctl -o json: text, or bytes as numbers where it is not UTF-8; of a field that is there several times
// the first; "" where it is null.
type journalText string

func (t *journalText) UnmarshalJSON(data []byte) error {
	var list []json.RawMessage
	if json.Unmarshal(data, &list) != nil {
		var s string
		err := json.Unmarshal(data, &s)
		*t = journalText(s)
		return err
	}
	if len(list) == 0 {
		return nil
	}
	if first := list[0]; len(first) > 0 && (first[0] == '"' || first[0] == '[') {
		return t.UnmarshalJSON(first)
	}
	b := make([]byte, len(list))
	for i, n := range list {
		x, err := strconv.ParseUint(string(n), 10, 8)
		if err != nil {
			return fmt.Errorf("bytes of a journal field: %w", err)
		}
		b[i] = byte(x)
	}
	*t = journalText(b)
	return nil
}

// journalEntry is one line of journalctl -o json.
type journalEntry struct {
	Cursor     journalText `json:"__CURSOR"`
	Time       journalText `json:"__REALTIME_TIMESTAMP"` // µs
	Host       journalText `json:"_HOSTNAME"`
	Priority   journalText `json:"PRIORITY"`
	Facility   journalText `json:"SYSLOG_FACILITY"`
	Identifier journalText `json:"SYSLOG_IDENTIFIER"`
	Comm       journalText `json:"_COMM"`
	PID        journalText `json:"_PID"`
	SyslogPID  journalText `json:"SYSLOG_PID"`
	Message    journalText `json:"MESSAGE"`

	line []byte
}

// entry makes an RFC 5424 line of a journal entry.
func entry(data []byte) (*journalEntry, error) {
	var e journalEntry
	if err := json.Unmarshal(data, &e); err != nil {
		return nil, err
	}
	us, err := strconv.ParseInt(string(e.Time), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("time of a journal entry: %w", err)
	}
	number := func(s journalText, def, top int) int {
		if n, err := strconv.Atoi(string(s)); err == nil && n >= 0 && n <= top {
			return n
		}
		return def
	}
	word := func(t journalText) string {
		s := string(t)
		if s = strings.Map(func(r rune) rune {
			if r <= ' ' || r > '~' {
				return -1
			}
			return r
		}, s); s == "" {
			return "-"
		}
		return s
	}
	app := e.Identifier
	if app == "" {
		app = e.Comm
	}
	pid := e.PID
	if pid == "" {
		pid = e.SyslogPID
	}
	e.line = fmt.Appendf(nil, "<%d>1 %s %s %s %s - - %s", number(e.Facility, 3, 23)*8+number(e.Priority, 6, 7),
		time.UnixMicro(us).UTC().Format("2006-01-02T15:04:05.000000Z"), word(e.Host), word(app), word(pid), e.Message)
	return &e, nil
}
