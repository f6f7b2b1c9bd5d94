package local

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"hoalu/collector/store"
	"hoalu/collector/store/storetest"
	"hoalu/ecs"
	"hoalu/ecs/query"
)

// benchEvents is how many events the benchmarks store; HOALU_BENCH_EVENTS sets it (7200000 is an hour at 2,000/s).
func benchEvents(def int) int {
	if n, err := strconv.Atoi(os.Getenv("HOALU_BENCH_EVENTS")); err == nil {
		return n
	}
	return def
}

func dirSize(tb testing.TB, dir string) int64 {
	var n int64
	err := filepath.Walk(dir, func(_ string, fi os.FileInfo, err error) error {
		if err == nil && !fi.IsDir() {
			n += fi.Size()
		}
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

// BenchmarkStore appends, seals and compacts; generating the events is not counted.
func BenchmarkStore(b *testing.B) {
	ctx := context.Background()
	for b.Loop() {
		b.StopTimer()
		n := benchEvents(400_000)
		dir := b.TempDir()
		s, err := Open(Config{Dir: dir}, nil)
		if err != nil {
			b.Fatal(err)
		}
		g := storetest.NewGenerator(1)
		var appended, compacted time.Duration
		json := 0
		for done := 0; done < n; {
			var blocks []store.Block
			for range 32 {
				blocks = append(blocks, g.Block(500))
				done += 500
			}
			if json == 0 {
				for _, e := range blocks[0].Events {
					json += len(e.AppendJSON(nil))
				}
				json /= len(blocks[0].Events)
			}
			b.StartTimer()
			start := time.Now()
			for _, bl := range blocks {
				if err := s.Append(ctx, bl); err != nil {
					b.Fatal(err)
				}
			}
			appended += time.Since(start)
			var l0 int64
			s.mu.Lock()
			for _, seg := range s.level0 {
				l0 += int64(seg.Events)
			}
			s.mu.Unlock()
			if l0 >= s.cfg.CompactEvents {
				start = time.Now()
				if err := s.Compact(ctx); err != nil {
					b.Fatal(err)
				}
				compacted += time.Since(start)
			}
			b.StopTimer()
		}
		b.StartTimer()
		start := time.Now()
		if err := s.Seal(ctx); err != nil {
			b.Fatal(err)
		}
		appended += time.Since(start)
		l0 := dirSize(b, dir)
		start = time.Now()
		if err := s.Compact(ctx); err != nil {
			b.Fatal(err)
		}
		compacted += time.Since(start)
		b.StopTimer()
		b.ReportMetric(float64(json), "B/json")
		b.ReportMetric(float64(dirSize(b, dir))/float64(n), "B/event")
		b.ReportMetric(float64(l0)/float64(n), "B/event-l0")
		b.ReportMetric(float64(appended.Microseconds())/float64(n), "µs/append+seal")
		b.ReportMetric(float64(compacted.Microseconds())/float64(n), "µs/compact")
		b.ReportMetric(float64(len(s.files)), "files")
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// BenchmarkStoreSearch asks the queries of the storage comparison of a compacted store: count and the newest 50 whole events, or an
// aggregation.
func BenchmarkStoreSearch(b *testing.B) {
	ctx := context.Background()
	n := benchEvents(400_000)
	s, err := Open(Config{Dir: b.TempDir()}, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	g := storetest.NewGenerator(1)
	g.Rate = max(1, n/(4*24*3600)) // four days
	for done := 0; done < n; done += 500 {
		if err := s.Append(ctx, g.Block(500)); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Seal(ctx); err != nil {
		b.Fatal(err)
	}
	if err := s.Compact(ctx); err != nil {
		b.Fatal(err)
	}
	day := g.Start + 2*24*3600_000
	for _, q := range []struct {
		name, text string
		s          query.Search
	}{
		{"rare-user", "user.name:phuong.hoang17", query.Search{Limit: 50}},
		{"common-action", "event.action:network_flow", query.Search{Limit: 50}},
		{"word", "benh", query.Search{Limit: 50}},
		{"rare-word", "99999", query.Search{Limit: 50}},
		{"rare-ip", "source.ip:91.234.17.5 or destination.ip:91.234.17.5 or related.ip:91.234.17.5 or host.ip:91.234.17.5",
			query.Search{Limit: 50}},
		{"common-ip", "source.ip:10.3.0.13 or destination.ip:10.3.0.13 or related.ip:10.3.0.13 or host.ip:10.3.0.13", query.Search{Limit: 50}},
		{"prefix", `process.command_line:"\"C:\\Windows\\System32\\rundll32.exe\" -k"*`, query.Search{Limit: 50}},
		{"wildcard", `process.command_line:*rundll32*task\ 7f*`, query.Search{Limit: 50}},
		{"regex", `url.path:/hoso\/[0-9]+\/sua/`, query.Search{Limit: 50}},
		{"top-source-ip", "event.outcome:failure and event.category:authentication",
			query.Search{From: day, To: day + 6*3600_000, Aggs: []query.Agg{{Name: "a", Kind: query.AggTerms, Field: ecs.SourceIP, Size: 10}}}},
		{"histogram", "event.action:dns_query", query.Search{From: day, To: day + 24*3600_000,
			Aggs: []query.Agg{{Name: "a", Kind: query.AggHistogram, Interval: 300_000}}}},
		{"host-window", "host.name:may-ubnd-000", query.Search{From: day, To: day + 600_000, Limit: 50}},
		{"distinct-users", "*", query.Search{From: day, To: day + 24*3600_000,
			Aggs: []query.Agg{{Name: "a", Kind: query.AggCardinality, Field: ecs.UserName}}}},
		{"distinct-source-ip", "*", query.Search{Aggs: []query.Agg{{Name: "a", Kind: query.AggCardinality, Field: ecs.SourceIP}}}},
		{"range", "http.response.status_code:>=500", query.Search{From: day, To: day + 24*3600_000, Limit: 50}},
		{"newest", "*", query.Search{Limit: 50}},
	} {
		if q.name == "prefix" {
			q.s.Query = query.Prefix{Field: ecs.ProcessCommandLine, Value: `"C:\Windows\System32\rundll32.exe" -k`}
		} else if q.s.Query, err = query.Parse(q.text); err != nil {
			b.Fatal(err)
		}
		b.Run(q.name, func(b *testing.B) {
			var r query.Result
			for b.Loop() {
				if r, err = s.Search(ctx, q.s); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(r.Total), "hits")
		})
	}
}

// BenchmarkDecodeTok reads the head of a file of 64 columns with 8 pages each, as opening a store does for every file.
func BenchmarkDecodeTok(b *testing.B) {
	pages := func() []pageMeta {
		list := make([]pageMeta, 8)
		for i := range list {
			list[i] = pageMeta{Offset: int64(i) * 9000, Size: 9000, Plain: 30_000, Values: 4096, Rows: 4096, CRC: 0x12345678}
		}
		return list
	}
	meta := tokMeta{Rows: 32768, Length: 1 << 20}
	for _, c := range fixedColumns {
		c := columnMeta{Name: c.Name, Form: c.Form, Required: c.Required, Dict: c.Dict, Pages: pages()}
		if c.Dict {
			c.DictPage = &c.Pages[0]
		}
		meta.Fixed = append(meta.Fixed, c)
	}
	for i := range 64 {
		name := fmt.Sprint("labels.field", i)
		meta.Columns = append(meta.Columns, columnMeta{Name: name, Field: name, Form: formText, Pages: pages()})
	}
	data := encodeTok(meta, nil, nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decodeTok(data); err != nil {
			b.Fatal(err)
		}
	}
}
