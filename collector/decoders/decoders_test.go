package decoders

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hoalu/ecs"
	"hoalu/ecs/wire"
	"hoalu/internal/golden"
)

var received = time.Date(2026, 3, 2, 3, 0, 0, 0, time.UTC)

func newDecoder(t testing.TB) *Decoder {
	set, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return set.Decoder()
}

// TestGolden decodes testdata/<dataset>.log line by line; detect.log is decoded without saying what it is.
func TestGolden(t *testing.T) {
	d := newDecoder(t)
	files, _ := filepath.Glob("testdata/*.log")
	if len(files) == 0 {
		t.Fatal("no cases")
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			dataset := strings.TrimSuffix(filepath.Base(name), ".log")
			if dataset == "detect" {
				dataset = ""
			}
			var out []byte
			for line := range bytes.Lines(data) {
				e, err := d.Decode(dataset, bytes.TrimRight(line, "\n"), received, nil)
				if err != nil {
					t.Fatalf("%s: %v", line, err)
				}
				out = append(e.AppendJSON(out), '\n')
			}
			golden.Compare(t, strings.TrimSuffix(name, ".log")+".json", out)
		})
	}
}

// TestDefinitions runs the test lines inside every YAML decoder, told what they are and not told.
func TestDefinitions(t *testing.T) {
	set, err := New()
	if err != nil {
		t.Fatal(err)
	}
	if len(set.defs) < 8 {
		t.Errorf("%d definitions", len(set.defs))
	}
	if len(set.hosts) < 10 || len(set.programs) < 40 {
		t.Errorf("%d definitions of %d programs", len(set.hosts), len(set.programs))
	}
	for _, list := range []map[string]*definition{set.defs, set.hosts} {
		for _, def := range list {
			if err := set.check(def); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestTime(t *testing.T) {
	d := newDecoder(t)
	hanoi := time.FixedZone("", 7*3600)
	for _, c := range []struct {
		line     string
		received time.Time
		zone     *time.Location
		want     string
		suspect  bool
	}{
		{"<13>Mar  2 09:59:59 h a: x", received, nil, "2026-03-02T02:59:59.000Z", false},
		{"<13>Mar  2 09:59:59 h a: x", received, time.UTC, "2026-03-02T09:59:59.000Z", false}, // less than a day ahead: a fast clock
		{"<13>Mar  4 09:59:59 h a: x", received, nil, "2025-03-04T02:59:59.000Z", false},      // the nearest past
		{"<13>Dec 31 23:59:59 h a: x", time.Date(2026, 1, 1, 0, 0, 5, 0, hanoi), nil, "2025-12-31T16:59:59.000Z", false},
		{"<13>Jan  1 00:00:01 h a: x", time.Date(2025, 12, 31, 23, 59, 58, 0, hanoi), nil, "2025-12-31T17:00:01.000Z", false},
		{"<13>Feb 29 12:00:00 h a: x", received, nil, "2024-02-29T05:00:00.000Z", false},
		{"<13>1 2026-03-02T08:00:00.9999+07:00 h a - - - x", received, nil, "2026-03-02T03:00:00.000Z", false}, // no such form: text
		{"<13>1 2026-03-09T08:00:00+07:00 h a - - - x", received, nil, "2026-03-02T03:00:00.000Z", true},
		{"<13>1 2016-03-09T08:00:00+07:00 h a - - - x", received, nil, "2016-03-09T01:00:00.000Z", false},
		{"no time at all", received, nil, "2026-03-02T03:00:00.000Z", false},
		{`{"@timestamp":"2031-01-01T00:00:00Z","message":"x"}`, received, nil, "2026-03-02T03:00:00.000Z", true},
		{`{"@timestamp":"2026-03-02T01:00:00.123456789Z","message":"x"}`, received, nil, "2026-03-02T01:00:00.123Z", false},
		{`{"time":1772414131123,"message":"x"}`, received, nil, "2026-03-02T01:15:31.123Z", false},
	} {
		if c.line == "<13>1 2026-03-02T08:00:00.9999+07:00 h a - - - x" {
			c.want = "2026-03-02T01:00:00.999Z" // cut, not rounded
		}
		e, err := d.Decode("", []byte(c.line), c.received, c.zone)
		if err != nil {
			t.Fatal(err)
		}
		if got := ecs.FormatTime(e.Time); got != c.want || e.Has(ecs.HoaluTimeSuspect) != c.suspect {
			t.Errorf("%s: time %s suspect %v, want %s %v", c.line, got, e.Has(ecs.HoaluTimeSuspect), c.want, c.suspect)
		}
	}
}

// TestTrust: only a trusted document keeps its own logsource, and then nothing is added to it but time and host.
func TestTrust(t *testing.T) {
	d := newDecoder(t)
	doc := []byte(`{"sigma":{"logsource":{"product":"windows","service":"sysmon","category":["process_creation"]}},"Channel":"x","EventID":1,"Image":"C:\\a.exe","ParentImage":null}`)
	for _, trust := range []bool{true, false} {
		var e ecs.Event
		if err := d.DecodeFrame(&e, &wire.Frame{Received: received.UnixMilli(), Format: wire.FormatJSON, Data: doc},
			Options{Trust: trust}); err != nil {
			t.Fatal(err)
		}
		l := e.Logsource()
		if trust && (l.Service != "sysmon" || len(l.Category) != 1 || e.Has(ecs.ProcessExecutable)) {
			t.Errorf("trusted: %s", e.AppendJSON(nil))
		}
		if !trust && l.Service == "sysmon" {
			t.Errorf("not trusted: %s", e.AppendJSON(nil))
		}
	}
}

// TestReserved: a sender that is not trusted cannot mark its events as exercise or sample.
func TestReserved(t *testing.T) {
	d := newDecoder(t)
	for _, trust := range []bool{true, false} {
		var e ecs.Event
		if err := d.DecodeFrame(&e, &wire.Frame{Format: wire.FormatJSON, Data: []byte(`{"hoalu":{"exercise":true,"demo":true},"message":"x"}`)},
			Options{Trust: trust}); err != nil {
			t.Fatal(err)
		}
		if e.Has(ecs.HoaluExercise) != trust || e.Has(ecs.HoaluDemo) != trust {
			t.Errorf("trust %v: %s", trust, e.AppendJSON(nil))
		}
	}
}

func TestBroken(t *testing.T) {
	d := newDecoder(t)
	var e ecs.Event
	for _, bad := range []string{``, `[]`, `{"a":`, `{"a":1}}`, "\x00", `{"a":"` + "\n" + `"}`} {
		e.Reset()
		if err := d.DecodeFrame(&e, &wire.Frame{Format: wire.FormatJSON, Data: []byte(bad)}, Options{}); !errors.Is(err, ecs.ErrJSON) {
			t.Errorf("DecodeFrame(JSON %q) = %v, want ErrJSON", bad, err)
		}
		e.Reset()
		if err := d.DecodeFrame(&e, &wire.Frame{Received: 1, Format: wire.FormatLine, Data: []byte(bad)}, Options{}); err != nil ||
			!e.Has(ecs.Message) && !e.Has(ecs.EventOriginal) {
			t.Errorf("DecodeFrame(line %q) = %v, %s; a line is never lost", bad, err, e.AppendJSON(nil))
		}
	}
	if _, err := d.Decode("no.such", []byte("x"), received, nil); !errors.Is(err, ErrDataset) {
		t.Errorf("unknown dataset: %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.log")
	for _, name := range files {
		data, _ := os.ReadFile(name)
		for line := range bytes.Lines(data) {
			f.Add(strings.TrimSuffix(filepath.Base(name), ".log"), bytes.TrimRight(line, "\n"))
		}
	}
	d := newDecoder(f)
	f.Fuzz(func(t *testing.T, dataset string, raw []byte) {
		if !d.set.Known(dataset) {
			dataset = ""
		}
		e, err := d.Decode(dataset, raw, received, nil)
		if err != nil {
			t.Fatalf("Decode(%q, %q): %v", dataset, raw, err)
		}
		var back ecs.Event
		if err := new(ecs.Parser).ParseStored(&back, e.AppendJSON(nil)); err != nil {
			t.Fatalf("Decode(%q, %q) renders what cannot be read: %v", dataset, raw, err)
		}
	})
}
