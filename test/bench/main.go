// Command bench measures the appliance: one area a run, a table a run. It is what `make bench` and `make bench-<area>` call.
//
// Words: an area is a group of figures (chain, latency, store, …); a figure is one measured number; its floor is what the product
// must reach, its baseline what the same run measured without the thing in question. An open loop sends by the clock whatever the
// appliance does, a closed loop sends as fast as it is let.
//
// A figure below its floor is marked, not an error: machines differ. A lost or doubled event is an error, whatever the speed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"
)

// area is one group of figures.
type area struct {
	name, about string
	run         func(context.Context, *bench) error
}

var areas = []area{
	{"detection", "matching alone, events decoded before, one core", detection},
	{"chain", "message in → durable → decoded → protected → matched → searchable, the built binary on one core", chain},
	{"latency", "an alert is visible after its event was due, 500 events/s by the clock", latency},
	{"store", "bytes kept for an event after compaction, every field compared", storeArea},
	{"rss", "memory of the whole appliance at 1,000 events/s by the clock", rss},
	{"start", "from starting the binary to the first searchable event", start},
	{"queue", "the durable append alone, against the same without fsync", queueArea},
	{"packet", "the packet sensor off line, one core", packetArea},
	{"console", "the alert queue in a real browser, 50,000 alerts stored", consoleArea},
	{"kill", "kill -9 under load", kill},
}

// bench is the run of one area.
type bench struct {
	hoalu   string // built binary
	data    string // HOALU_TESTDATA
	seconds time.Duration
	profile string
	rows    []row
	notes   []string
}

// row is one figure. floor 0: none asked for.
type row struct {
	figure string
	value  float64
	unit   string
	floor  float64
	atMost bool   // the floor is a ceiling
	ratio  string // against what, in the same run
}

func (b *bench) add(r row) { b.rows = append(b.rows, r) }
func (b *bench) note(format string, args ...any) {
	b.notes = append(b.notes, fmt.Sprintf(format, args...))
}

// length of a measured stretch: the area's own, or --seconds.
func (b *bench) length(def time.Duration) time.Duration {
	if b.seconds > 0 {
		return b.seconds
	}
	return def
}

func main() {
	b := &bench{}
	var names []string
	for _, a := range areas {
		names = append(names, a.name)
	}
	flag.StringVar(&b.hoalu, "hoalu", "bin/hoalu", "built binary")
	flag.StringVar(&b.data, "testdata", cmpOr(os.Getenv("HOALU_TESTDATA"), "../shared/data"), "folder of the large data sets")
	flag.DurationVar(&b.seconds, "time", 0, "length of each measured stretch; 0 is the area's own")
	flag.StringVar(&b.profile, "profile", "", "chain only: run the appliance inside this process and write its CPU profile here")
	flag.Usage = func() {
		fmt.Fprintf(os.Stderr, "usage: bench [flags] AREA…   (%s)\n", strings.Join(names, " "))
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	failed := false
	for _, name := range flag.Args() {
		i := slices.Index(names, name)
		if i < 0 {
			fmt.Fprintf(os.Stderr, "bench: no area %q; there are %s\n", name, strings.Join(names, ", "))
			os.Exit(2)
		}
		b.rows, b.notes = nil, nil
		load, began := loadAverage(), time.Now()
		err := areas[i].run(ctx, b)
		if errors.Is(err, context.Canceled) {
			os.Exit(1)
		}
		b.print(areas[i], load, time.Since(began))
		if err != nil {
			fmt.Printf("  FAILED: %v\n\n", err)
			failed = true
		}
	}
	if failed {
		os.Exit(1)
	}
}

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func (b *bench) print(a area, load string, took time.Duration) {
	fmt.Printf("%s: %s\n", a.name, a.about)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "  figure\tvalue\tfloor\tratio\t")
	for _, r := range b.rows {
		floor, mark := "", ""
		if r.floor != 0 {
			floor, mark = "≥ "+number(r.floor), "reached"
			if r.atMost {
				floor = "≤ " + number(r.floor)
			}
			if r.value < r.floor != r.atMost && r.value != r.floor {
				mark = "NOT REACHED"
			}
			floor += " " + r.unit
		}
		fmt.Fprintf(w, "  %s\t%s %s\t%s\t%s\t%s\n", r.figure, number(r.value), r.unit, floor, r.ratio, mark)
	}
	w.Flush()
	for _, n := range b.notes {
		fmt.Println("  " + n)
	}
	fmt.Printf("  machine: %s; %s; load average before %s\n  command: make bench-%s   (%s, %s)\n\n", machine(), runtime.Version(), load,
		a.name, time.Now().UTC().Format("2006-01-02 15:04Z"), took.Round(time.Second))
}

// number prints three or more significant figures with thousands apart.
func number(v float64) string {
	switch {
	case v == float64(int64(v)) && v < 1000 && v > -1000:
		return fmt.Sprintf("%.0f", v)
	case v != 0 && v < 10 && v > -10:
		return fmt.Sprintf("%.2f", v)
	case v < 100 && v > -100:
		return fmt.Sprintf("%.1f", v)
	}
	s := fmt.Sprintf("%.0f", v)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func loadAverage() string {
	raw, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(raw), " ")
	return first
}

// machine names processor, cores, memory and kernel.
func machine() string {
	cpu := "unknown processor"
	if raw, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(raw)) {
			if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == "model name" {
				cpu = strings.TrimSpace(v)
				break
			}
		}
	}
	mem := ""
	if raw, err := os.ReadFile("/proc/meminfo"); err == nil {
		var kb int64
		if _, err := fmt.Sscanf(string(raw), "MemTotal: %d kB", &kb); err == nil {
			mem = fmt.Sprintf(", %.0f GB", float64(kb)/1e6)
		}
	}
	kernel := ""
	if raw, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		kernel = ", Linux " + strings.TrimSpace(string(raw))
	}
	return fmt.Sprintf("%s, %d cores%s%s", cpu, runtime.NumCPU(), mem, kernel)
}
