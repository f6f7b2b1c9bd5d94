package shipper

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hoalu/internal/needed"
)

// TestKilled: a process that is killed with kill -9 at some moment, again and again, and a collector that is away half of the time: of
// what each process put the collector has a beginning without holes (what was in memory alone is lost), everything that was in the spool,
// and nothing twice.
func TestKilled(t *testing.T) {
	if dir := os.Getenv("HOALU_TEST_SPOOL"); dir != "" {
		killed(dir)
		return
	}
	c := newCollector(t)
	dir := t.TempDir()
	const rounds = 8
	spooled := map[int]int{} // by round, as the process said when it was in the spool
	for round := range rounds {
		c.mu.Lock()
		c.away = 0
		if round%2 == 1 {
			c.away = 1 << 30
		}
		c.mu.Unlock()
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilled$")
		cmd.Env = append(os.Environ(), "HOALU_TEST_SPOOL="+dir, "HOALU_TEST_SERVER="+c.URL, fmt.Sprint("HOALU_TEST_ROUND=", round))
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		s := bufio.NewScanner(out)
		for n := 0; s.Scan(); {
			if _, err := fmt.Sscanf(s.Text(), "spooled %d", &n); err == nil {
				if spooled[round] = n; n >= 150+60*round { // then amid its work
					if err := cmd.Process.Kill(); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		if err := cmd.Wait(); err == nil || spooled[round] == 0 {
			t.Fatalf("round %d ended by itself (%v) with %d records in the spool", round, err, spooled[round])
		}
	}
	c.mu.Lock()
	c.away = 0
	c.mu.Unlock()
	s, stop := start(t, c.config(dir))
	until(t, "the rest is sent", func() bool { return s.Stats().Waiting == 0 })
	stop()
	next := map[int]int{}
	for _, r := range c.records() {
		var round, n int
		if _, err := fmt.Sscanf(r, `{"round":%d,"n":%d}`, &round, &n); err != nil {
			t.Fatal(err)
		}
		if n != next[round] {
			t.Fatalf("round %d: record %d came where %d was due: lost, doubled or out of order", round, n, next[round])
		}
		next[round]++
	}
	for round := range rounds {
		if next[round] < spooled[round] {
			t.Errorf("round %d: %d records at the collector, %d were in the spool", round, next[round], spooled[round])
		}
	}
}

// killed puts records until it is killed and says how many left memory: they are in the spool or sent.
func killed(dir string) {
	s, err := Open(Config{Dir: dir, Server: os.Getenv("HOALU_TEST_SERVER"), TLS: insecure(), Batch: 10, Linger: time.Millisecond},
		slog.New(slog.DiscardHandler))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	found := int(s.Stats().Seen)
	go s.Run(context.Background())
	for n := 0; n < 100_000; n++ {
		s.Put(fmt.Appendf(nil, `{"round":%s,"n":%d}`, os.Getenv("HOALU_TEST_ROUND"), n))
		s.mu.Lock()
		in := 0
		for _, b := range s.spool {
			in += int(b.records)
		}
		gone := int(s.stats.Sent) + in - found
		s.mu.Unlock()
		fmt.Println("spooled", gone)
		time.Sleep(200 * time.Microsecond)
	}
}

// TestDiskFull: a spool that cannot be written loses nothing while the collector takes records or memory holds them; what does not fit is
// counted; when there is room again what waits is written, and a start after that sends it.
func TestDiskFull(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
			needed.Missing(t, "mount a small file system: %v (run as root)", err)
		}
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	c := newCollector(t)
	cfg := c.config(dir)
	cfg.Memory = 6000
	s, stop := start(t, cfg)
	put := func(from, to int) {
		for i := from; i < to; i++ {
			s.Put(fmt.Appendf(nil, `{"n":%d,"x":"%x"}`, i, i*7919))
		}
	}
	put(0, 50)
	until(t, "sent", func() bool { return s.Stats().Sent == 50 })
	fill := filepath.Join(dir, "fill")
	if err := os.WriteFile(fill, make([]byte, 1<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("fill the disk: %v", err)
	}
	put(50, 100)
	until(t, "sent from memory", func() bool { return s.Stats().Sent == 100 })
	if st := s.Stats(); len(st.Dropped) != 0 {
		t.Errorf("with the collector there: %+v, want nothing dropped", st)
	}
	c.mu.Lock()
	c.away = 1 << 30
	c.mu.Unlock()
	put(100, 150)
	until(t, "in memory", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return len(s.records) == 0 })
	put(150, 2000)
	until(t, "drops", func() bool { return s.Stats().Dropped[DropDisk] > 0 })
	st := s.Stats()
	if st.Seen != st.Sent+st.Waiting+st.Dropped[DropDisk] || st.Dropped[DropMemory] != 0 || st.Waiting < 50 {
		t.Errorf("with the collector away: %+v: want all of it sent, waiting or dropped as %s", st, DropDisk)
	}
	if err := os.Remove(fill); err != nil {
		t.Fatal(err)
	}
	stop() // writes what waits
	st = s.Stats()
	found, err := filepath.Glob(filepath.Join(dir, "*.hlb"))
	if err != nil || len(found) == 0 {
		t.Fatalf("nothing in the spool after the stop: %v %v", found, err)
	}
	c.mu.Lock()
	c.away = 0
	c.mu.Unlock()
	next, stop := start(t, cfg)
	until(t, "sent by the next", func() bool { return next.Stats().Sent == st.Waiting })
	stop()
	if got := c.records(); int64(len(got)) != st.Sent+st.Waiting {
		t.Errorf("%d records at the collector, want %d sent + %d that waited", len(got), st.Sent, st.Waiting)
	}
	seen := map[string]bool{}
	for _, r := range c.records() {
		if seen[r] {
			t.Errorf("%s came twice", r)
		}
		seen[r] = true
	}
}

// TestRoom: who waits for room leaves half of the memory to those who cannot wait, and goes on when there is room or ctx ends.
func TestRoom(t *testing.T) {
	s, err := Open(Config{Dir: t.TempDir(), Server: "https://127.0.0.1:1", Memory: 1000}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer s.sequence.Close()
	s.Room(t.Context())
	s.Put(make([]byte, 501))
	ended, end := context.WithCancel(t.Context())
	end()
	s.Room(ended)
	passed := make(chan struct{})
	go func() { s.Room(t.Context()); close(passed) }()
	select {
	case <-passed:
		t.Error("room with more than half of the memory used")
	case <-time.After(20 * time.Millisecond):
	}
	s.Put(make([]byte, 400)) // one that cannot wait
	if st := s.Stats(); len(st.Dropped) != 0 {
		t.Errorf("dropped %v: the other half is for those who cannot wait", st.Dropped)
	}
	for s.spoolOne() {
	}
	<-passed
}

// TestOneProcess: two senders from one spool would give their batches the same numbers.
func TestOneProcess(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(Config{Dir: dir, Server: "https://127.0.0.1:1"}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer s.sequence.Close()
	if _, err := Open(Config{Dir: dir, Server: "https://127.0.0.1:1"}, slog.New(slog.DiscardHandler)); err == nil ||
		!strings.Contains(err.Error(), "in use") {
		t.Errorf("a second one: %v, want a refusal that says why", err)
	}
}

// TestNumbersAreNotUsedAgain: a start without the collector goes on behind what was acknowledged, though the spool is empty.
func TestNumbersAreNotUsedAgain(t *testing.T) {
	c := newCollector(t)
	dir := t.TempDir()
	s, stop := start(t, c.config(dir))
	s.Put([]byte(`{"n":0}`))
	until(t, "sent", func() bool { return s.Stats().Sent == 1 })
	stop()
	c.Server.Close()
	next, stop := start(t, c.config(dir))
	defer stop()
	next.Put([]byte(`{"n":1}`))
	until(t, "in the spool", func() bool { next.mu.Lock(); defer next.mu.Unlock(); return len(next.spool) == 1 })
	next.mu.Lock()
	defer next.mu.Unlock()
	if got := next.spool[0].seq; got != 2 {
		t.Errorf("the next batch has number %d, want 2", got)
	}
}

// TestUplink: the collector's address is known before the first packet goes there, and no other of its port.
func TestUplink(t *testing.T) {
	c := newCollector(t)
	at := netip.MustParseAddrPort(c.Listener.Addr().String())
	s, stop := start(t, c.config(t.TempDir()))
	defer stop()
	s.Put([]byte(`{"n":0}`))
	until(t, "sent", func() bool { return s.Stats().Sent == 1 })
	for a, want := range map[netip.AddrPort]bool{at: true, netip.AddrPortFrom(at.Addr(), at.Port()+1): false,
		netip.AddrPortFrom(netip.MustParseAddr("192.0.2.1"), at.Port()): false} {
		if got := s.Uplink(a); got != want {
			t.Errorf("Uplink(%v) = %v, want %v", a, got, want)
		}
	}
}
