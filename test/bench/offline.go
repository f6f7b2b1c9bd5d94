package main

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"hoalu/collector/decoders"
	"hoalu/collector/pipeline"
	"hoalu/collector/store"
	"hoalu/collector/store/local"
	"hoalu/collector/store/storetest"
	"hoalu/ecs"
	"hoalu/ecs/wire"
	"hoalu/privacy"
	"hoalu/soc"
)

// storeArea: what events/ holds after compaction. The simulated time is shorter than an hour by default; systems and their shares are
// the hour's. HOALU_BENCH_EVENTS=7200000 is the hour at 2,000 events/s.
func storeArea(ctx context.Context, b *bench) error {
	n := 720_000
	if v, err := strconv.Atoi(os.Getenv("HOALU_BENCH_EVENTS")); err == nil {
		n = v
	}
	g := storetest.NewGenerator(1)
	size, took, checked, err := fill(ctx, n, func() store.Block { return g.Block(500) })
	if err != nil {
		return err
	}
	b.add(row{figure: "stored after compaction, 46 systems, 6 kinds of telemetry", value: float64(size) / float64(n), unit: "B/event",
		floor: 130, atMost: true})
	b.add(row{figure: "append, seal and compaction", value: took.Seconds() * 1e6 / float64(n), unit: "µs/event"})
	b.note("%d events, %.1f simulated minutes at 2,000 events/s (an hour: HOALU_BENCH_EVENTS=7200000); %d events compared field by field, 0 differ", n, float64(n)/2000/60, checked)

	mix := n / 3
	next, err := decodedMix()
	if err != nil {
		return err
	}
	size, _, checked, err = fill(ctx, mix, next)
	if err != nil {
		return fmt.Errorf("mix of the chain: %w", err)
	}
	b.add(row{figure: "the chain's 870 B mix, decoded, original lines kept", value: float64(size) / float64(mix), unit: "B/event"})
	b.note("the mix: %d events through decoders and protection; every second one is a text line whose original is kept whole; %d compared",
		mix, checked)
	return nil
}

// fill stores n events, compacts, compares a sample and returns the size of the folder and the time the store took.
func fill(ctx context.Context, n int, next func() store.Block) (size int64, took time.Duration, checked int, err error) {
	dir, err := os.MkdirTemp(os.Getenv("HOALU_BENCH_DIR"), "hoalu-bench-")
	if err != nil {
		return 0, 0, 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s, err := local.Open(local.Config{Dir: dir}, nil)
	if err != nil {
		return 0, 0, 0, err
	}
	closed := false
	defer func() {
		if !closed {
			err = errors.Join(err, s.Close())
		}
	}()
	want := map[string]map[string]any{}
	var ids []string
	stride := max(1, n/1000)
	sinceCompact := 0
	for done := 0; done < n; {
		if err := ctx.Err(); err != nil {
			return 0, 0, 0, err
		}
		bl := next()
		for i, e := range bl.Events {
			if (done+i)%stride == 0 {
				ids, want[e.ID] = append(ids, e.ID), fields(e)
			}
		}
		begin := time.Now()
		if err := s.Append(ctx, bl); err != nil {
			return 0, 0, 0, err
		}
		done, sinceCompact = done+len(bl.Events), sinceCompact+len(bl.Events)
		if sinceCompact >= 1_000_000 {
			if err := errors.Join(s.Seal(ctx), s.Compact(ctx)); err != nil {
				return 0, 0, 0, err
			}
			sinceCompact = 0
		}
		took += time.Since(begin)
	}
	begin := time.Now()
	if err := errors.Join(s.Seal(ctx), s.Compact(ctx)); err != nil {
		return 0, 0, 0, err
	}
	took += time.Since(begin)
	for i := 0; i < len(ids); i += 100 {
		part := ids[i:min(i+100, len(ids))]
		got, err := s.Get(ctx, part)
		if err != nil {
			return 0, 0, 0, err
		}
		if len(got) != len(part) {
			return 0, 0, 0, fmt.Errorf("%d of %d events are not there after compaction", len(part)-len(got), len(part))
		}
		for _, e := range got {
			if f := fields(e); !reflect.DeepEqual(f, want[e.ID]) {
				return 0, 0, 0, fmt.Errorf("event %s is not what was stored:\n got %v\nwant %v", e.ID, f, want[e.ID])
			}
		}
	}
	closed = true
	if err := s.Close(); err != nil {
		return 0, 0, 0, err
	}
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		fi, err := d.Info()
		size += fi.Size()
		return err
	})
	return size, took, len(ids), err
}

// fields of an event without when it was stored.
func fields(e *ecs.Event) map[string]any {
	e = e.Clone()
	e.Ingested = 0
	var m map[string]any
	if err := json.Unmarshal(e.AppendJSON(nil), &m); err != nil {
		panic(err) // our own rendering
	}
	return m
}

// spread gives each host to one of 46 systems, the first ones getting most.
type spread struct{}

func (spread) Resolve(_, source, _, host string, _ []netip.Addr) pipeline.Place {
	h := fnv.New32a()
	io.WriteString(h, host) //nolint:errcheck // never fails
	x := h.Sum32()
	k := 1 + min(x%46, x/46%46)
	return pipeline.Place{System: fmt.Sprintf("HT-%03d", k), Source: fmt.Sprintf("NG-%04d", k), By: "host"}
}

func (spread) SourceByID(string) (soc.Source, bool) { return soc.Source{}, false }

type benchMAC struct{}

func (benchMAC) ComputeMAC(data []byte) ([]byte, error) {
	h := hmac.New(sha256.New, []byte("a key for measuring only"))
	h.Write(data)
	return h.Sum(nil), nil
}

func (m benchMAC) Versions(data []byte) ([][]byte, error) {
	sum, err := m.ComputeMAC(data)
	return [][]byte{sum}, err
}

// decodedMix decodes the chain's messages as the pipeline does.
func decodedMix() (func() store.Block, error) {
	set, err := decoders.New()
	if err != nil {
		return nil, err
	}
	protect, err := privacy.New(privacy.Config{MAC: benchMAC{}, Groups: []string{"province"}})
	if err != nil {
		return nil, err
	}
	p := pipeline.New(func(uint64) pipeline.Setup {
		return pipeline.Setup{Decoders: set, Resolver: spread{}, Protector: protect}
	})
	m := newMessages(3)
	at := time.Now().Add(-time.Hour).UnixMilli()
	seq := uint64(0)
	return func() store.Block {
		seq++
		batch := &wire.Batch{Listener: "bench", Epoch: "e1", Revision: 1}
		for i := range 500 {
			at += int64(i & 1)
			f := wire.Frame{Source: "NG-0001", Peer: "10.0.0.2", Received: at, Format: wire.FormatSyslog}
			if i%2 == 0 {
				f.Data = []byte(m.syslog(time.UnixMilli(at)))
			} else {
				f.Format, f.Data = wire.FormatJSON, []byte(m.document(time.UnixMilli(at)))
			}
			batch.Frames = append(batch.Frames, f)
		}
		d, err := p.Decode(batch, seq)
		if err != nil {
			panic(err) // the MAC above does not fail
		}
		return store.Block{Epoch: "e1", First: seq, Last: seq, Events: d.Events}
	}, nil
}

// goBench runs one benchmark of the repository on so many cores and returns its metrics by name.
func goBench(ctx context.Context, pkg, name string, cores int, benchtime string) (map[string]map[string]float64, error) {
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", name, "-benchtime", benchtime, "-cpu", strconv.Itoa(cores), pkg)
	cmd.Env = append(os.Environ(), "GOMAXPROCS="+strconv.Itoa(cores))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", cmd, err, out.Bytes())
	}
	found := map[string]map[string]float64{}
	for line := range strings.Lines(out.String()) {
		f := strings.Fields(line)
		if len(f) < 4 || !strings.HasPrefix(f[0], "Benchmark") {
			continue
		}
		m := map[string]float64{}
		for i := 2; i+1 < len(f); i += 2 {
			if v, err := strconv.ParseFloat(f[i], 64); err == nil {
				m[f[i+1]] = v
			}
		}
		found[strings.TrimPrefix(f[0], "Benchmark")] = m
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s: no such benchmark, or it was skipped\n%s", cmd, out.Bytes())
	}
	return found, nil
}

// queueArea: the append alone.
func queueArea(ctx context.Context, b *bench) error {
	got, err := goBench(ctx, "./collector/queue/local", "^BenchmarkAppend$", 2, "3s")
	if err != nil {
		return err
	}
	for _, frames := range []string{"100", "500"} {
		rate := func(durable string) float64 {
			for name, m := range got {
				if strings.HasPrefix(name, "Append/frames="+frames+"/durable="+durable) {
					return m["events/s"]
				}
			}
			return 0
		}
		durable, not := rate("true"), rate("false")
		if durable == 0 || not == 0 {
			return fmt.Errorf("BenchmarkAppend gave no figure for batches of %s", frames)
		}
		r := row{figure: "durable append, batches of " + frames, value: durable, unit: "events/s",
			ratio: fmt.Sprintf("%.2fx slower than without fsync", not/durable)}
		b.add(r)
	}
	b.note("32 senders at once, 110 B lines; the design's floor for the ratio is < 1.5x on a real disk")
	return nil
}

// packetArea: captures of the corpus as one stream.
func packetArea(ctx context.Context, b *bench) error {
	if _, err := os.Stat(filepath.Join(b.data, "packets", "pcaps")); err != nil {
		return fmt.Errorf("captures are read from HOALU_TESTDATA/packets: %w", err)
	}
	got, err := goBench(ctx, "./sensors/packet", "^Benchmark(Packets|Read)$", 1, "5s")
	if err != nil {
		return err
	}
	b.add(row{figure: "decode, flows, streams, all records; packets in memory", value: got["Packets"]["Mpps"], unit: "Mpps/core", floor: 1})
	b.add(row{figure: "the same, reading one pcap", value: got["Read"]["Mpps"], unit: "Mpps/core"})
	b.add(row{figure: "records a packet", value: got["Packets"]["records/packet"], unit: ""})
	if mb, ns := got["Packets"]["MB/s"], got["Packets"]["ns/op"]; mb > 0 {
		b.note("the Ethernet captures of packets/pcaps in order, %.0f B a packet on average, %.0f ns each: %.2f Gbit/s on one core", mb*ns/1000,
			ns, mb*8/1000)
	}
	return nil
}

var processCreation = regexp.MustCompile(`(?m)^\s+category:\s*process_creation\s*$`)
var windows = regexp.MustCompile(`(?m)^\s+product:\s*windows\s*$`)

// detection: the matcher alone, on SigmaHQ's rules and the labelled events.
func detection(ctx context.Context, b *bench) error {
	dir, err := os.MkdirTemp("", "hoalu-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	rules := filepath.Join(b.data, "sigma", "sigma-rules.zip")
	process := filepath.Join(dir, "process_creation")
	if err := takeProcessRules(rules, process); err != nil {
		return err
	}
	all, creations := filepath.Join(dir, "all.jsonl"), filepath.Join(dir, "creations.jsonl")
	if err := joinEvents(filepath.Join(b.data, "sigma"), all, creations); err != nil {
		return err
	}
	one, err := b.matching(ctx, process, creations, true)
	if err != nil {
		return err
	}
	whole, err := b.matching(ctx, rules, all, false)
	if err != nil {
		return err
	}
	b.add(row{figure: fmt.Sprintf("%d windows/process_creation rules", one.Rules), value: one.EventsPerSecond, unit: "events/s",
		ratio: fmt.Sprintf("%.0fx a plain loop of the same evaluator (%s events/s)", one.Ratio, number(one.NaiveEventsPerSecond))})
	b.add(row{figure: "allocations an event", value: one.AllocsPerEvent, unit: ""})
	b.add(row{figure: fmt.Sprintf("all %d rules, mixed Windows events", whole.Rules), value: whole.EventsPerSecond, unit: "events/s"})
	b.add(row{figure: "compile all rules", value: whole.CompileSeconds, unit: "s"})
	b.add(row{figure: "heap of all compiled rules", value: whole.HeapBytes / 1e6, unit: "MB"})
	b.note("matching only, events decoded before, GOMAXPROCS=1; floors for speed belong to a later version (100,000 and 150,000 events/s, 60x)")
	return nil
}

// takeProcessRules writes the rules of windows/process_creation in a .zip to a new folder.
func takeProcessRules(zipped, folder string) error {
	z, err := zip.OpenReader(zipped)
	if err != nil {
		return fmt.Errorf("rules are read from HOALU_TESTDATA/sigma: %w", err)
	}
	defer z.Close()
	if err := os.Mkdir(folder, 0o700); err != nil {
		return err
	}
	for i, f := range z.File {
		if !strings.HasSuffix(f.Name, ".yml") {
			continue
		}
		raw, err := fs.ReadFile(z, f.Name)
		if err != nil {
			return err
		}
		if processCreation.Match(raw) && windows.Match(raw) {
			if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("%05d.yml", i)), raw, 0o600); err != nil {
				return err
			}
		}
	}
	return nil
}

// joinEvents writes the labelled Windows events of a folder to one file, and those of process_creation to another.
func joinEvents(folder, allFile, creationFile string) error {
	var all, creations bytes.Buffer
	for _, name := range []string{"windows-otrf", "windows-evtx-mitre", "synthetic-atomic", "sigmahq-regression", "windows-system-logs"} {
		f, err := os.Open(filepath.Join(folder, name+".jsonl"))
		if err != nil {
			return err
		}
		sc := bufio.NewScanner(f)
		sc.Buffer(nil, 16<<20)
		for sc.Scan() {
			all.Write(append(sc.Bytes(), '\n'))
			if bytes.Contains(sc.Bytes(), []byte(`"process_creation"`)) {
				creations.Write(append(sc.Bytes(), '\n'))
			}
		}
		err = errors.Join(sc.Err(), f.Close())
		if err != nil {
			return err
		}
	}
	return errors.Join(os.WriteFile(allFile, all.Bytes(), 0o600), os.WriteFile(creationFile, creations.Bytes(), 0o600))
}

// matched is what `hoalu rules bench --json` says.
type matched struct {
	EventsPerSecond      float64 `json:"events_per_second"`
	AllocsPerEvent       float64 `json:"allocs_per_event"`
	NaiveEventsPerSecond float64 `json:"naive_events_per_second"`
	Ratio                float64 `json:"ratio"`
	CompileSeconds       float64 `json:"compile_seconds"`
	Rules                int     `json:"rules"`
	HeapBytes            float64 `json:"heap_bytes"`
}

// matching runs the built binary's own measure on one core.
func (b *bench) matching(ctx context.Context, rules, events string, naive bool) (m matched, err error) {
	args := []string{"rules", "bench", "--rules", rules, "--events", events, "--json", "--time", "5s"}
	if naive {
		args = append(args, "--naive")
	}
	cmd := exec.CommandContext(ctx, b.hoalu, args...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return m, fmt.Errorf("%s: %w\n%s", cmd, err, errs.Bytes())
	}
	if err := json.Unmarshal(out, &m); err != nil {
		return m, fmt.Errorf("%s: %w", cmd, err)
	}
	return m, nil
}

// kill runs the crash test of the built binary, which kills ten times, as often as gives HOALU_KILLS.
func kill(ctx context.Context, b *bench) error {
	n := 100
	if v, err := strconv.Atoi(os.Getenv("HOALU_KILLS")); err == nil {
		n = v
	}
	times := max(1, (n+9)/10)
	begin := time.Now()
	cmd := exec.CommandContext(ctx, "go", "test", "-count", strconv.Itoa(times), "-timeout", "90m", "-run", "^TestKilledUnderLoad$", "-v",
		"./test")
	out, err := cmd.CombinedOutput()
	text := string(out)
	if err != nil {
		return fmt.Errorf("an event or alert was lost or doubled, or the test did not run: %w\n%s", err, text[max(0, len(text)-6000):])
	}
	passed := strings.Count(text, "--- PASS: TestKilledUnderLoad")
	if passed != times {
		return fmt.Errorf("the crash test passed %d of %d times", passed, times)
	}
	b.add(row{figure: "kill -9 at random moments under load", value: float64(10 * times), unit: "kills"})
	b.add(row{figure: "acknowledged events and alerts lost or doubled, ledgers off", value: 0, unit: ""})
	b.note("%d runs of go test -run TestKilledUnderLoad ./test in %s", times, time.Since(begin).Round(time.Second))
	shown := 0
	for line := range strings.Lines(text) {
		if _, said, ok := strings.Cut(line, "killed "); ok && shown < 3 { // what the test itself counts
			b.note("killed %s", strings.TrimSpace(said))
			shown++
		}
	}
	return nil
}
