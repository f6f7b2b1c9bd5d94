package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"hoalu/collector/queue"
	"hoalu/ecs/wire"
	"hoalu/internal/needed"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func open(t *testing.T, cfg Config) *Queue {
	t.Helper()
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	if cfg.Reserve == 0 {
		cfg.Reserve = 1
	}
	q, err := Open(cfg, quiet())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { q.Close() })
	return q
}

// batch is a batch of one frame of size bytes that do not compress.
func batch(name string, size int) *wire.Batch {
	data := make([]byte, size)
	x := uint64(len(name))*2654435761 + uint64(size) + 1
	for _, c := range name {
		x = x*31 + uint64(c)
	}
	for i := range data {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		data[i] = byte(x)
	}
	return &wire.Batch{Listener: "test", Frames: []wire.Frame{{Source: name, Format: wire.FormatLine, Data: data}}}
}

func names(t *testing.T, q *Queue, from, to uint64) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var got []string
	for seq := from; seq <= to; seq++ {
		m, err := q.Read(ctx, seq)
		if err != nil {
			t.Fatalf("Read(%d): %v", seq, err)
		}
		b, err := wire.Decode(m.Data)
		if err != nil {
			t.Fatalf("Decode of %d: %v", seq, err)
		}
		if m.Seq != seq || b.Epoch != q.epoch {
			t.Fatalf("Read(%d) = sequence %d, epoch %q, want epoch %q", seq, m.Seq, b.Epoch, q.epoch)
		}
		got = append(got, b.Frames[0].Source)
	}
	return got
}

func TestAppendReadReopen(t *testing.T) {
	dir := t.TempDir()
	q := open(t, Config{Dir: dir})
	for i := range 5 {
		seq, err := q.Append(t.Context(), batch(fmt.Sprint("b", i), 100))
		if err != nil || seq != uint64(i+1) {
			t.Fatalf("Append %d = %d, %v", i, seq, err)
		}
	}
	if got := fmt.Sprint(names(t, q, 1, 5)); got != "[b0 b1 b2 b3 b4]" {
		t.Errorf("read %s", got)
	}
	epoch := q.epoch
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := q.Append(t.Context(), batch("late", 1)); !errors.Is(err, queue.ErrClosed) {
		t.Errorf("Append after Close: %v, want queue.ErrClosed", err)
	}
	q = open(t, Config{Dir: dir})
	if q.epoch != epoch {
		t.Errorf("epoch after reopening %q, want %q", q.epoch, epoch)
	}
	if got := fmt.Sprint(names(t, q, 1, 5)); got != "[b0 b1 b2 b3 b4]" {
		t.Errorf("read after reopening %s", got)
	}
	if _, err := Open(Config{Dir: dir}, quiet()); err == nil {
		t.Error("a second process could open the folder")
	}
	q.Close()
	if err := NewEpoch(dir); err != nil {
		t.Fatal(err)
	}
	if q = open(t, Config{Dir: dir}); q.epoch == epoch {
		t.Error("NewEpoch: the epoch stayed")
	}
}

func TestReadWaits(t *testing.T) {
	q := open(t, Config{})
	got := make(chan string, 1)
	go func() {
		m, err := q.Read(t.Context(), 2)
		got <- fmt.Sprint(m.Seq, err)
	}()
	for range 2 {
		if _, err := q.Append(t.Context(), batch("x", 10)); err != nil {
			t.Fatal(err)
		}
	}
	if s := <-got; s != "2 <nil>" {
		t.Errorf("Read(2) = %s", s)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := q.Read(ctx, 9); !errors.Is(err, context.Canceled) {
		t.Errorf("Read of what never comes: %v", err)
	}
}

func TestPurge(t *testing.T) {
	q := open(t, Config{})
	for i := range 6 {
		if _, err := q.Append(t.Context(), batch(fmt.Sprint(i), 10)); err != nil {
			t.Fatal(err)
		}
	}
	if err := q.Purge(t.Context(), 4); err != nil {
		t.Fatal(err)
	}
	q.forget()
	var gone *queue.PurgedError
	if _, err := q.Read(t.Context(), 2); !errors.As(err, &gone) || gone.Next != 5 || gone.Hole || !errors.Is(err, queue.ErrPurged) ||
		errors.Is(err, queue.ErrHole) {
		t.Errorf("Read(2) after Purge(4): %v, want purged with next 5", err)
	}
	if s := q.State(); s.Last != 6 || s.Err != nil {
		t.Errorf("State() = %+v", s)
	}
	if s, err := q.Size(); err != nil || s.First != 5 || s.Bytes <= 0 {
		t.Errorf("Size() = %+v, %v", s, err)
	}
	if err := q.Purge(t.Context(), 99); err != nil {
		t.Fatal(err)
	}
	if seq, err := q.Append(t.Context(), batch("n", 10)); err != nil || seq != 7 {
		t.Errorf("Append to a purged queue = %d, %v, want 7", seq, err)
	}
}

// forget empties the cache, so that the next Read goes to the disk.
func (q *Queue) forget() {
	q.cacheMu.Lock()
	defer q.cacheMu.Unlock()
	clear(q.cache)
	q.order, q.cached = nil, 0
}

func TestHole(t *testing.T) {
	var mu sync.Mutex
	var holes []string
	q := open(t, Config{Hole: func(first, last uint64) {
		mu.Lock()
		defer mu.Unlock()
		holes = append(holes, fmt.Sprint(first, "-", last))
	}})
	for i := range 6 {
		if _, err := q.Append(t.Context(), batch(fmt.Sprint(i), 10)); err != nil {
			t.Fatal(err)
		}
	}
	for _, seq := range []uint64{3, 4} {
		if err := q.conn.stream.DeleteMsg(t.Context(), seq); err != nil {
			t.Fatal(err)
		}
	}
	q.forget()
	for range 2 {
		var gone *queue.PurgedError
		if _, err := q.Read(t.Context(), 3); !errors.As(err, &gone) || gone.Next != 5 || !errors.Is(err, queue.ErrHole) {
			t.Fatalf("Read(3): %v, want a hole with next 5", err)
		}
	}
	if fmt.Sprint(holes) != "[3-4]" || q.State().Holes != 2 {
		t.Errorf("holes told %v, counted %d; want [3-4], 2", holes, q.State().Holes)
	}
}

func TestFull(t *testing.T) {
	q := open(t, Config{MaxBytes: 1 << 20})
	var err error
	n := 0
	for ; n < 100 && err == nil; n++ {
		_, err = q.Append(t.Context(), batch(fmt.Sprint(n), 50_000))
	}
	if !errors.Is(err, queue.ErrFull) {
		t.Fatalf("after %d batches of 50 kB in 1 MiB: %v, want queue.ErrFull", n, err)
	}
	if err := q.Purge(t.Context(), 10); err != nil {
		t.Fatal(err)
	}
	if seq, err := q.Append(t.Context(), batch("after", 50_000)); err != nil || seq != uint64(n) {
		t.Errorf("after Purge: %d, %v, want %d: a refused batch must not take a sequence", seq, err, n)
	}
}

func TestReserve(t *testing.T) {
	q := open(t, Config{Reserve: 1 << 60})
	if _, err := q.Append(t.Context(), batch("x", 10)); !errors.Is(err, queue.ErrNoSpace) {
		t.Errorf("Append below the reserve: %v, want queue.ErrNoSpace", err)
	}
	if err := q.State().Err; !errors.Is(err, queue.ErrNoSpace) {
		t.Errorf("State().Err = %v, want queue.ErrNoSpace", err)
	}
}

func TestTooLarge(t *testing.T) {
	q := open(t, Config{})
	if _, err := q.Append(t.Context(), batch("x", 9<<20)); !errors.Is(err, queue.ErrTooLarge) {
		t.Errorf("Append of 9 MiB: %v, want queue.ErrTooLarge", err)
	}
	if seq, err := q.Append(t.Context(), batch("x", 7<<20)); err != nil || seq != 1 {
		t.Errorf("Append of 7 MiB = %d, %v", seq, err)
	}
	q.forget()
	if got := names(t, q, 1, 1); got[0] != "x" {
		t.Errorf("read back %q", got)
	}
}

// A disk that fills while the reserve is set too low: nothing acknowledged is lost, an error means not stored, and the queue
// takes writes again by itself once there is space.
func TestDiskFull(t *testing.T) {
	if os.Geteuid() != 0 {
		needed.Missing(t, "mounting a small tmpfs needs root")
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=12m"); err != nil {
		needed.Missing(t, "a small tmpfs cannot be mounted here: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) }) //nolint:errcheck // gone with the machine
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 4<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	q := open(t, Config{Dir: filepath.Join(dir, "queue"), Reserve: 1, AckTimeout: 2 * time.Second})
	t.Cleanup(func() { q.Close() })

	type result struct {
		name string
		seq  uint64
		err  error
	}
	results := make(chan result)
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	stop := make(chan struct{})
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				name := fmt.Sprintf("w%d-%d", w, i)
				seq, err := q.Append(ctx, batch(name, 60_000))
				select {
				case results <- result{name, seq, err}:
				case <-stop:
					return
				}
			}
		})
	}
	acked := map[uint64]string{}
	failed := map[string]bool{}
	freed, after := false, 0
	for after < 5 {
		r := <-results
		switch {
		case ctx.Err() != nil:
			t.Fatalf("no write succeeded after space was back: %d acknowledged, %d failed, state %+v", len(acked), len(failed), q.State())
		case r.err != nil:
			failed[r.name] = true
			if !freed && len(failed) > 20 {
				if err := os.Remove(ballast); err != nil {
					t.Fatal(err)
				}
				freed = true
			}
		default:
			acked[r.seq] = r.name
			if freed {
				after++
			}
		}
	}
	close(stop)
	writers.Wait()
	last := q.last.Load()
	q.forget()
	stored := map[string]uint64{}
	for seq := uint64(1); seq <= last; seq++ {
		name := names(t, q, seq, seq)[0]
		if failed[name] {
			t.Errorf("%s was refused and is in the queue as %d", name, seq)
		}
		if other, ok := stored[name]; ok {
			t.Errorf("%s is in the queue twice: %d and %d", name, other, seq)
		}
		stored[name] = seq
	}
	for seq, name := range acked {
		if stored[name] != seq {
			t.Errorf("%s was acknowledged as %d and is at %d", name, seq, stored[name])
		}
	}
	t.Logf("acknowledged %d, refused %d, restarts %d", len(acked), len(failed), q.State().Restarts)
}

// One byte changed on the disk while the process is down: what is left is read, what is damaged is not handed out as good, and the
// reader learns that something is missing.
func TestDamagedBlock(t *testing.T) {
	dir := t.TempDir()
	q := open(t, Config{Dir: dir})
	for i := range 20 {
		if _, err := q.Append(t.Context(), batch(fmt.Sprint("d", i), 5000)); err != nil {
			t.Fatal(err)
		}
	}
	q.Close()
	blocks, err := filepath.Glob(filepath.Join(dir, "jetstream", "*", "streams", "*", "msgs", "*.blk"))
	if err != nil || len(blocks) != 1 {
		t.Fatalf("blocks: %v, %v", blocks, err)
	}
	data, err := os.ReadFile(blocks[0])
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(data, wire.Encode(&wire.Batch{})[:4]) // magic and version of the first batch
	data[at+10*(len(data)/20)+2500] ^= 0x40
	if err := os.WriteFile(blocks[0], data, 0o600); err != nil {
		t.Fatal(err)
	}
	q = open(t, Config{Dir: dir})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	good, missing := 0, uint64(0)
	for seq := uint64(1); seq <= 20; {
		if seq > q.last.Load() {
			missing += 20 - q.last.Load()
			break
		}
		m, err := q.Read(ctx, seq)
		var gone *queue.PurgedError
		switch {
		case errors.As(err, &gone):
			missing += gone.Next - seq
			seq = gone.Next
		case err != nil:
			t.Fatalf("Read(%d): %v", seq, err)
		default:
			if b, err := wire.Decode(m.Data); err != nil {
				missing++
			} else if want := fmt.Sprint("d", seq-1); b.Frames[0].Source != want {
				t.Errorf("Read(%d) = %s, want %s", seq, b.Frames[0].Source, want)
			} else {
				good++
			}
			seq++
		}
	}
	t.Logf("good %d, missing %d, last %d, state %+v", good, missing, q.last.Load(), q.State())
	if missing == 0 || good+int(missing) != 20 {
		t.Errorf("good %d + missing %d, want 20 with at least one missing", good, missing)
	}
}

// BenchmarkAppend says what durability costs: the same appends acknowledged after the fsync, and before it.
func BenchmarkAppend(b *testing.B) {
	for _, frames := range []int{100, 500, 1000} {
		for _, noSync := range []bool{true, false} {
			b.Run(fmt.Sprintf("frames=%d/durable=%v", frames, !noSync), func(b *testing.B) {
				q, err := Open(Config{Dir: b.TempDir(), Reserve: 1, noSync: noSync}, quiet())
				if err != nil {
					b.Fatal(err)
				}
				defer q.Close()
				b.SetParallelism(16)
				b.ResetTimer()
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						bt := &wire.Batch{Listener: "bench", Frames: make([]wire.Frame, frames)}
						for i := range bt.Frames {
							bt.Frames[i] = wire.Frame{Peer: "10.0.0.1", Received: 1, Format: wire.FormatSyslog,
								Data: fmt.Appendf(nil,
									"<34>1 2026-11-22T00:00:%02dZ host%d sshd %d - - Failed password for user%d from 10.1.%d.9 port 22%d ssh2: key %x %x", i%60, i%46,
									i, i%900, i%250, i, i*2654435761, i*40503)}
						}
						if _, err := q.Append(context.Background(), bt); err != nil {
							b.Error(err)
							return
						}
					}
				})
				b.ReportMetric(float64(b.N*frames)/b.Elapsed().Seconds(), "events/s")
			})
		}
	}
}

func BenchmarkRead(b *testing.B) {
	q, err := Open(Config{Dir: b.TempDir(), Reserve: 1}, quiet())
	if err != nil {
		b.Fatal(err)
	}
	defer q.Close()
	const n = 200
	for i := range n {
		if _, err := q.Append(context.Background(), batch(fmt.Sprint(i), 40_000)); err != nil {
			b.Fatal(err)
		}
	}
	b.ResetTimer()
	for i := range b.N {
		if i%n == 0 {
			q.forget()
		}
		if _, err := q.Read(context.Background(), uint64(i%n)+1); err != nil {
			b.Fatal(err)
		}
	}
}
