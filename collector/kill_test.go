package collector

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"hoalu/collector/ledger"
	"hoalu/collector/queue/local"
	"hoalu/collector/source/bulk"
	"hoalu/collector/store"
	"hoalu/ecs/wire"
	"hoalu/state"
)

// The child of TestKill: queue, intake, _bulk, a plain route for sensors' batches, the ledger, and a store that seals 20 messages
// at a time. It prints the address of both and runs until it is killed.
func child(dir string) error {
	ctx := context.Background()
	q, err := local.Open(local.Config{Dir: filepath.Join(dir, "queue"), Reserve: 1}, quiet())
	if err != nil {
		return err
	}
	books, err := ledger.Open(ctx, ledger.Config{Path: filepath.Join(dir, "ledger.db")}, quiet())
	if err != nil {
		return err
	}
	db, err := state.Open(ctx, state.Config{Path: filepath.Join(dir, "state.db")})
	if err != nil {
		return err
	}
	in, err := NewIntake(ctx, Options{Queue: q, State: db.Document("sensor positions"), Count: books.Add}, quiet())
	if err != nil {
		return err
	}
	b, err := bulk.New(bulk.Config{Address: "127.0.0.1:0"}, in.Put, quiet())
	if err != nil {
		return err
	}
	errs := make(chan error, 8)
	go func() { errs <- b.Run(ctx) }()
	go func() { errs <- in.Run(ctx) }()
	go func() { errs <- books.Run(ctx) }()
	go func() { // as often as a test can have it, not every 10 s
		for errs := errs; ; time.Sleep(20 * time.Millisecond) {
			if err := in.sensors.save(ctx, in.opts); err != nil {
				errs <- err
			}
		}
	}()
	go func() { errs <- keep(ctx, q, books, filepath.Join(dir, "segments")) }()
	go func() {
		for seq := books.Position() + 1; ; seq++ {
			m, err := q.Read(ctx, seq)
			if err != nil {
				errs <- err
				return
			}
			batch, err := wire.Decode(m.Data)
			if err != nil {
				errs <- err
				return
			}
			if err := books.Received(ctx, seq, int64(len(batch.Frames)), counts(batch)); err != nil {
				errs <- err
				return
			}
		}
	}()
	sensors := http.NewServeMux()
	sensors.HandleFunc("POST /{sensor}/{sequence}", func(w http.ResponseWriter, r *http.Request) {
		seq, err := strconv.ParseUint(r.PathValue("sequence"), 10, 64)
		data, rerr := io.ReadAll(r.Body)
		if err == nil && rerr == nil {
			_, err = in.PutSensor(r.Context(), r.PathValue("sensor"), seq, []wire.Frame{{Format: wire.FormatECS, Data: data}})
		}
		if err != nil || rerr != nil {
			http.Error(w, fmt.Sprint(err, rerr), http.StatusServiceUnavailable)
		}
	})
	srv := &http.Server{Handler: sensors}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() { errs <- srv.Serve(l) }()
	fmt.Printf("http://%s http://%s\n", b.Addr(), l.Addr())
	return <-errs
}

func counts(b *wire.Batch) []ledger.Count {
	n := map[int64]int64{}
	for _, f := range b.Frames {
		n[f.Received/60_000*60_000]++
	}
	var list []ledger.Count
	for at, n := range n {
		list = append(list, ledger.Count{Source: b.Listener, Minute: at, N: n})
	}
	return list
}

type segment struct {
	First, Last uint64
	Outcomes    []store.Outcome
}

// keep seals 20 messages into one line of a file, fsynced, and tells the ledger after.
func keep(ctx context.Context, q *local.Queue, books *ledger.Ledger, path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	last, end := uint64(0), int64(0)
	r := bufio.NewReader(f)
	for {
		line, err := r.ReadBytes('\n')
		var s segment
		if err != nil || json.Unmarshal(line, &s) != nil {
			break // a torn line: never sealed
		}
		end += int64(len(line))
		last = s.Last
		if err := books.Sealed(ctx, store.Segment{ID: fmt.Sprint(s.Last), First: s.First, Last: s.Last, Outcomes: s.Outcomes}); err != nil {
			return err
		}
	}
	if err := f.Truncate(end); err != nil {
		return err
	}
	if _, err := f.Seek(end, io.SeekStart); err != nil {
		return err
	}
	for {
		s := segment{First: last + 1, Last: last + 20}
		sums := map[ledger.Count]int64{}
		for seq := s.First; seq <= s.Last; seq++ {
			m, err := q.Read(ctx, seq)
			if err != nil {
				return err
			}
			b, err := wire.Decode(m.Data)
			if err != nil {
				return err
			}
			for _, c := range counts(b) {
				sums[ledger.Count{Source: c.Source, Minute: c.Minute}] += c.N
			}
		}
		for c, n := range sums {
			s.Outcomes = append(s.Outcomes, store.Outcome{Source: c.Source, Minute: c.Minute, Stored: n})
		}
		line, err := json.Marshal(s)
		if err != nil {
			return err
		}
		if _, err := f.Write(append(line, '\n')); err != nil {
			return err
		}
		if err := f.Sync(); err != nil {
			return err
		}
		if err := books.Sealed(ctx, store.Segment{ID: fmt.Sprint(s.Last), First: s.First, Last: s.Last, Outcomes: s.Outcomes}); err != nil {
			return err
		}
		last = s.Last
	}
}

// The process is killed (SIGKILL) at random moments under load, again and again. Every acknowledged document and sensor batch is
// in the queue, exactly once; the ledger balances to the frame.
func TestKill(t *testing.T) {
	if dir := os.Getenv("HOALU_KILL_CHILD"); dir != "" {
		fmt.Println(child(dir))
		os.Exit(1)
	}
	kills := 6
	if n, err := strconv.Atoi(os.Getenv("HOALU_KILLS")); err == nil {
		kills = n
	}
	dir := t.TempDir()
	l := &senders{sent: map[string]bool{}, acked: map[string]bool{}, client: http.Client{Timeout: 10 * time.Second}}
	ctx, stop := context.WithCancel(t.Context())
	var load sync.WaitGroup
	for w := range 4 {
		load.Go(func() { l.bulk(ctx, w) })
	}
	for s := range 2 {
		load.Go(func() { l.sensor(ctx, s) })
	}
	random := rand.New(rand.NewPCG(20261122, 1))
	for i := range kills {
		cmd, err := l.start(dir)
		if err != nil {
			t.Errorf("start %d: %v", i, err)
			break
		}
		time.Sleep(time.Duration(150+random.IntN(350)) * time.Millisecond)
		if err := cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
		cmd.Wait() //nolint:errcheck // killed
	}
	stop()
	load.Wait()

	q := openQueue(t, local.Config{Dir: filepath.Join(dir, "queue")})
	stored := map[string]int{}
	var frames int64
	eachBatch(t, q, 1, func(_ uint64, b *wire.Batch) {
		for _, f := range b.Frames {
			var d struct{ Tag string }
			if err := json.Unmarshal(bytes.TrimSpace(f.Data), &d); err != nil {
				t.Fatal(err)
			}
			stored[d.Tag]++
			frames++
		}
	})
	n := len(l.acked)
	for tag := range l.acked {
		if stored[tag] == 0 {
			t.Errorf("%s was acknowledged and is lost", tag)
		}
	}
	for tag, times := range stored {
		if times > 1 {
			t.Errorf("%s is in the queue %d times", tag, times)
		}
		if !l.sent[tag] {
			t.Errorf("%s was never sent", tag)
		}
	}
	if n < 100*kills {
		t.Errorf("only %d acknowledged in %d lives: the test did not load the process", n, kills)
	}
	received, settled := settle(t, dir, q)
	if received != frames || settled != frames {
		t.Errorf("ledger: received %d, stored and in flight %d; the queue holds %d", received, settled, frames)
	}
	t.Logf("%d kills, %d sent, %d acknowledged, %d in the queue", kills, len(l.sent), n, frames)
}

// senders load one process after the other and note what they sent and what was acknowledged, by tag.
type senders struct {
	client http.Client

	mu                 sync.Mutex
	bulkURL, sensorURL string // of the process that lives now
	sent, acked        map[string]bool
}

func (l *senders) urls() (bulk, sensor string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bulkURL, l.sensorURL
}

// note marks tags as sent, or as acknowledged.
func (l *senders) note(in map[string]bool, tags ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, tag := range tags {
		in[tag] = true
	}
}

// bulk sends each document once.
func (l *senders) bulk(ctx context.Context, worker int) {
	for i := 0; ctx.Err() == nil; i++ {
		url, _ := l.urls()
		var body strings.Builder
		var tags []string
		for j := range 20 {
			tag := fmt.Sprintf("b%d-%d-%d", worker, i, j)
			tags = append(tags, tag)
			fmt.Fprintf(&body, "{\"create\":{\"_index\":\"x\"}}\n{\"tag\":\"%s\"}\n", tag)
		}
		l.note(l.sent, tags...)
		resp, err := l.client.Post(url+"/_bulk", "application/x-ndjson", strings.NewReader(body.String()))
		if err != nil {
			pause(ctx)
			continue
		}
		var r struct {
			Items []map[string]struct{ Status int }
		}
		err = json.NewDecoder(resp.Body).Decode(&r)
		resp.Body.Close()
		if err != nil {
			continue
		}
		for j, it := range r.Items {
			if it["create"].Status == 201 {
				l.note(l.acked, tags[j])
			}
		}
	}
}

// sensor sends each batch until it is acknowledged.
func (l *senders) sensor(ctx context.Context, s int) {
	for seq := 1; ctx.Err() == nil; {
		_, url := l.urls()
		tag := fmt.Sprintf("s%d-%d", s, seq)
		l.note(l.sent, tag)
		resp, err := l.client.Post(fmt.Sprintf("%s/s%d/%d", url, s, seq), "", strings.NewReader(`{"tag":"`+tag+`"}`))
		if err != nil {
			pause(ctx)
			continue
		}
		resp.Body.Close()
		if resp.StatusCode == 200 {
			l.note(l.acked, tag)
			seq++
		}
	}
}

// start starts the process over dir and turns the senders to it.
func (l *senders) start(dir string) (*exec.Cmd, error) {
	cmd := exec.Command(os.Args[0], "-test.run=^TestKill$")
	cmd.Env = append(os.Environ(), "HOALU_KILL_CHILD="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	f := strings.Fields(line)
	if err != nil || len(f) != 2 {
		cmd.Process.Kill() //nolint:errcheck // it ended
		cmd.Wait()         //nolint:errcheck
		return nil, fmt.Errorf("child did not start: %q %w", line, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bulkURL, l.sensorURL = f[0], f[1]
	return cmd, nil
}

// eachBatch reads the queue from a sequence to its end.
func eachBatch(t *testing.T, q *local.Queue, from uint64, do func(seq uint64, b *wire.Batch)) {
	t.Helper()
	for seq := from; seq <= q.State().Last; seq++ {
		m, err := q.Read(t.Context(), seq)
		if err != nil {
			t.Fatal(err)
		}
		b, err := wire.Decode(m.Data)
		if err != nil {
			t.Fatal(err)
		}
		do(seq, b)
	}
}

// settle opens the ledger after the last death, tells it what was sealed, counts from where it stands to the end of the queue, and gives
// what its rows, none of them off, say was received, and is stored or in flight.
func settle(t *testing.T, dir string, q *local.Queue) (received, settled int64) {
	books, err := ledger.Open(t.Context(), ledger.Config{Path: filepath.Join(dir, "ledger.db")}, quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer books.Close()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	var sealing sync.WaitGroup
	sealing.Go(func() { ended <- keep(ctx, q, books, filepath.Join(dir, "segments")) })
	eachBatch(t, q, books.Position()+1, func(seq uint64, b *wire.Batch) {
		if err := books.Received(t.Context(), seq, int64(len(b.Frames)), counts(b)); err != nil {
			t.Fatal(err)
		}
	})
	for books.SealedPosition() < q.State().Last/20*20 {
		time.Sleep(5 * time.Millisecond)
	}
	cancel()
	sealing.Wait()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("store: %v", err)
	}
	rows, err := books.Rows(t.Context(), 0, 1<<62, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if r.Difference() != 0 {
			t.Errorf("%+v is off by %d", r, r.Difference())
		}
		received += r.Received - r.Duplicate - r.Rejected
		settled += r.Stored + r.InFlight
	}
	return received, settled
}

func pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(10 * time.Millisecond):
	}
}
