package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"sort"
	"strings"
	"testing"

	"hoalu/collector/store"
	"hoalu/ecs"
	"hoalu/ecs/query"
)

// Queries are texts that between them use every kind of node.
var Queries = []string{
	"*", "not *",
	"user.name:SYSTEM", "user.name:\"hệ thống\"", "event.code:4624", "event.code:(4624 or \"4624.0\" or 1)", "event.code:()", "tags:x",
	"tags:3", "tags:true",
	"event.action:network_flow", "event.action:NETWORK_FLOW and destination.port:443", "hoalu.system.id:HT-001",
	"hoalu.system.id:(HT-002 or HT-901)", "not hoalu.system.id:HT-001",
	"hoalu.source.id:NG-0001", "hoalu.source.id:*", "not hoalu.source.id:*",
	"host.name:may-*", "process.command_line:*netsvcs*", `process.executable:C:\\windows\\system32\\p*.exe`, "url.path:/dichvucong/*/xem",
	"user.name:?n.nguyen0",
	`url.path:/hoso\/[0-9]+\/sua/`, `message:/(?i)FAILED/`,
	"failed", "benh an", `"so y te"`, "message:failed", "tags:~ngoai", "NINHBINH", "10.0.0.53", "HT-901", "khongcotunao", "sysmon 4624",
	"http.response.status_code:>=500", "destination.port:[80 to 443]", "destination.port:{80 to 443}", "source.bytes:>100000",
	"event.code:>4623.5", "nginx.upstream.response_time:<0.1", "user.name:[an to binh]",
	`@timestamp:>="2026-11-20T00:10:00Z"`, `event.created:<"2026-11-20T00:00:30Z"`, "event.ingested:*", `@timestamp:2026*`, "@timestamp:*",
	"source.ip:10.0.0.0/8", "host.ip:10.9.0.0/16", "host.ip:fe80::/10", "related.ip:10.1.0.0/16 and not destination.ip:10.1.0.0/16",
	"dns.resolved_ip:*", "not dns.resolved_ip:*", "source.geo.name:*", "postgresql.superuser:true", "postgresql.superuser:false", "pg.la.3:*",
	"pg.la.3:hiem or pg.la.4:hiếm",
	`"field with \"quotes\" and, commas":v`, "ext:*", "\"event.code#integer\":*", "winlog.record_id:<3000 and host.os.type:windows",
	"process.pid:404",
	"(event.category:authentication and event.outcome:failure) or (event.category:web and http.response.status_code:404)",
	"not (failed or accepted)", "not not failed",
	"event.action:dns_query and not (dns.question.type:A or dns.question.type:AAAA) and source.ip:*",
}

func testSearch(t *testing.T, open func(*testing.T) Opened) {
	o := open(t)
	all := fixture(t, o.Store, 1300)
	start := int64(1795132800000)
	type asked struct {
		query.Search
		want []string
	}
	var list []asked
	found := 0
	for i, text := range Queries {
		n, err := query.Parse(text)
		if err != nil {
			t.Fatalf("Parse(%q): %v", text, err)
		}
		for j, q := range []query.Search{
			{Query: n, Limit: 40},
			{Query: n, Limit: 7, Ascending: true, From: start + 300_000, To: start + 1_400_000},
			{Query: n, To: start + 1_000_000},
			{Query: n, Limit: 10_000, From: start + 1},
		} {
			if j > 0 && j != 1+i%3 {
				continue
			}
			w := ids(want(t, all, q))
			if text == "event.ingested:*" { // set by the store
				w = ids(want(t, all, query.Search{Query: query.All{}, From: q.From, To: q.To, Ascending: q.Ascending}))
			}
			list = append(list, asked{q, w})
			found += len(w)
		}
	}
	if found < 10000 {
		t.Errorf("only %d events are to be found: the fixture tests little", found)
	}
	for _, q := range random(all) {
		list = append(list, asked{q, ids(want(t, all, q))})
	}
	forms(t, o, func(t *testing.T, s store.Store) {
		for _, q := range list {
			r := search(t, s, q.Search)
			if r.Total != int64(len(q.want)) || r.Capped {
				t.Errorf("Search(%s, from %d to %d): Total = %d (capped %v), want %d", query.Print(q.Query), q.From, q.To, r.Total, r.Capped,
					len(q.want))
			}
			page := q.want[:min(len(q.want), q.Limit)]
			if got := ids(r.Events); !reflect.DeepEqual(got, page) {
				t.Errorf("Search(%s, from %d to %d, limit %d, ascending %v): events differ\n got %v\nwant %v", query.Print(q.Query), q.From, q.To,
					q.Limit, q.Ascending, got, page)
			}
			if (r.Next == "") != (len(q.want) <= q.Limit) && q.Limit > 0 {
				t.Errorf("Search(%s, limit %d) of %d: Next = %q", query.Print(q.Query), q.Limit, len(q.want), r.Next)
			}
		}
		testAggs(t, s, all)
	})
}

// random makes trees of values that are there.
func random(all []*ecs.Event) (out []query.Search) {
	r := rand.New(rand.NewPCG(11, uint64(len(all))))
	leaf := func() query.Node {
		e := all[r.IntN(len(all))]
		if e.Len() == 0 {
			return query.Term{Field: ecs.EventID, Value: e.ID}
		}
		f, v := e.At(r.IntN(e.Len()))
		switch r.IntN(9) {
		case 0:
			return query.Prefix{Field: f, Value: strings.ToValidUTF8(v.Text[:min(len(v.Text), 1+r.IntN(5))], "")}
		case 1:
			return query.Words{Field: f, Text: v.Text[:min(len(v.Text), 60)]}
		case 2:
			return query.Words{Any: true, Text: strings.Fields(v.Text + " x")[0]}
		case 3:
			return query.Exists{Field: f}
		case 4:
			return query.Range{Field: f, GTE: v.Text, LT: v.Text + "9"}
		case 5:
			return query.Terms{Field: f, Values: []string{v.Text, "1", "x"}}
		case 6:
			if a, err := netip.ParseAddr(v.Text); err == nil {
				return query.CIDR{Field: f, Prefix: netip.PrefixFrom(a, a.BitLen()-r.IntN(17))}
			}
			return query.Wildcard{Field: f, Pattern: "*" + strings.ToUpper(strings.Trim(v.Text[:min(len(v.Text), 9)], `\`)) + "*"}
		}
		return query.Term{Field: f, Value: v.Text}
	}
	var tree func(depth int) query.Node
	tree = func(depth int) query.Node {
		if depth == 0 {
			return leaf()
		}
		switch r.IntN(5) {
		case 0:
			return query.And{tree(depth - 1), tree(depth - 1)}
		case 1:
			return query.Or{tree(depth - 1), tree(depth - 1), leaf()}
		case 2:
			return query.Not{Node: tree(depth - 1)}
		}
		return leaf()
	}
	for range 80 {
		out = append(out, query.Search{Query: tree(r.IntN(4)), Limit: r.IntN(30), Ascending: r.IntN(2) == 0})
	}
	return out
}

func testAggs(t *testing.T, s store.Store, all []*ecs.Event) {
	start := int64(1795132800000)
	for _, text := range []string{"*", "event.category:network", "failed", "tags:*", "not *"} {
		n, err := query.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		q := query.Search{Query: n, From: start - 10_000, To: start + 2_000_000}
		fields := []ecs.Field{ecs.SourceIP, ecs.Tags, ecs.EventCode, ecs.DestPort, ecs.Intern("postgresql.superuser"), ecs.SystemID, ecs.SourceID,
			ecs.EventType, ecs.Intern("pg.la.3"), ecs.Intern("missing")}
		for i, f := range fields {
			q.Aggs = append(q.Aggs, query.Agg{Name: fmt.Sprint("t", i), Kind: query.AggTerms, Field: f, Size: 5},
				query.Agg{Name: fmt.Sprint("c", i), Kind: query.AggCardinality, Field: f})
		}
		q.Aggs = append(q.Aggs, query.Agg{Name: "h", Kind: query.AggHistogram, Interval: 60_000})
		w := want(t, all, q)
		r := search(t, s, q)
		if r.Total != int64(len(w)) {
			t.Errorf("aggregations of %q: Total = %d, want %d", text, r.Total, len(w))
		}
		for i, f := range fields {
			counts := map[string]int64{}
			for _, e := range w {
				seen := map[string]bool{}
				for _, v := range e.Values(nil, f) {
					if v.Kind != ecs.Null && !seen[v.Text] {
						seen[v.Text] = true
						counts[v.Text]++
					}
				}
			}
			if got := r.Aggs[fmt.Sprint("c", i)].Value; got != int64(len(counts)) {
				t.Errorf("cardinality of %s in %q = %d, want %d", f, text, got, len(counts))
			}
			var list []query.Bucket
			for k, c := range counts {
				list = append(list, query.Bucket{Key: k, Count: c})
			}
			sort.Slice(list, func(i, j int) bool {
				return list[i].Count > list[j].Count || list[i].Count == list[j].Count && list[i].Key < list[j].Key
			})
			var other int64
			for len(list) > 5 {
				other += list[len(list)-1].Count
				list = list[:len(list)-1]
			}
			got := r.Aggs[fmt.Sprint("t", i)]
			if len(got.Buckets) != len(list) || len(list) > 0 && !reflect.DeepEqual(got.Buckets, list) || got.Other != other {
				t.Errorf("terms of %s in %q\n got %v and %d others\nwant %v and %d", f, text, got.Buckets, got.Other, list, other)
			}
		}
		counts := map[int64]int64{}
		for _, e := range w {
			counts[e.Time/60_000*60_000]++
		}
		var hist []query.Bucket
		for at := (start - 10_000) / 60_000 * 60_000; at < start+2_000_000; at += 60_000 {
			hist = append(hist, query.Bucket{Key: ecs.FormatTime(at), Count: counts[at]})
		}
		if got := r.Aggs["h"].Buckets; !reflect.DeepEqual(got, hist) {
			t.Errorf("histogram of %q: %d intervals\n got %v\nwant %v", text, len(hist), got, hist)
		}
	}
}

// testPages: a cursor walks through everything once, in order, also when the store changes its form between pages.
func testPages(t *testing.T, open func(*testing.T) Opened) {
	for _, asc := range []bool{false, true} {
		o := open(t)
		all := fixture(t, o.Store, 1500)
		q := query.Search{Query: query.Exists{Field: ecs.SourceIP}, Limit: 97, Ascending: asc}
		w := ids(want(t, all, q))
		var got []string
		for page := 0; ; page++ {
			r := search(t, o.Store, q)
			got = append(got, ids(r.Events)...)
			if r.Next == "" || page > 100 {
				break
			}
			q.After = r.Next
			if o.Settle != nil && page%4 == 1 {
				if err := o.Settle(t.Context()); err != nil {
					t.Fatalf("Settle: %v", err)
				}
			}
		}
		if !reflect.DeepEqual(got, w) {
			t.Errorf("pages (ascending %v) give %d events, want %d in order", asc, len(got), len(w))
		}
		capped := search(t, o.Store, query.Search{Query: query.All{}, Limit: 5, CountCap: 100})
		if capped.Total != 100 || !capped.Capped || len(capped.Events) != 5 {
			t.Errorf("CountCap 100: Total = %d, Capped = %v, %d events; want 100, true, 5", capped.Total, capped.Capped, len(capped.Events))
		}
		if !reflect.DeepEqual(ids(capped.Events), ids(want(t, all, query.Search{Query: query.All{}})[:5])) {
			t.Errorf("CountCap: the page is not the newest events")
		}
	}
	o := open(t)
	for _, bad := range []query.Search{
		{Query: query.Regexp{Field: ecs.Message, Pattern: "("}}, {Query: query.All{}, Aggs: []query.Agg{{Name: "x", Kind: "median"}}},
		{Query: query.All{}, Aggs: []query.Agg{{Name: "x", Kind: query.AggHistogram}}},
	} {
		if _, err := o.Store.Search(t.Context(), bad); !errors.Is(err, store.ErrQuery) {
			t.Errorf("Search(%#v): %v, want ErrQuery", bad, err)
		}
	}
	for _, after := range []string{"!", "AAAA", "e30x", "bnVsbA", "W10", strings.Repeat("A", 4000)} {
		if _, err := o.Store.Search(t.Context(), query.Search{Query: query.All{}, After: after}); !errors.Is(err, query.ErrCursor) ||
			!errors.Is(err, store.ErrQuery) {
			t.Errorf("Search after %.40q: %v, want ErrCursor", after, err)
		}
	}
}

// testFields: every field of every event reads back equal.
func testFields(t *testing.T, open func(*testing.T) Opened) {
	o := open(t)
	all := fixture(t, o.Store, 1200)
	forms(t, o, func(t *testing.T, s store.Store) {
		list := ids(all)
		got, err := s.Get(t.Context(), append([]string{"qnotthere"}, list...))
		if err != nil {
			t.Fatalf("Get: %v", err)
		}
		if len(got) != len(all) {
			t.Fatalf("Get(%d ids) gives %d events", len(all), len(got))
		}
		for i, e := range got {
			if w := all[i]; !Same(e, w) {
				t.Errorf("event %d reads back as\n%s\nwant\n%s", i, e.AppendJSON(nil), w.AppendJSON(nil))
			}
			if e.Ingested == 0 {
				t.Errorf("event %s has no event.ingested", e.ID)
			}
		}
		fields, err := s.Fields(t.Context())
		if err != nil || len(fields) < 30 {
			t.Errorf("Fields = %d names, %v", len(fields), err)
		}
		for _, f := range fields {
			if f.Share <= 0 || f.Share > 1 {
				t.Errorf("Fields: share of %s is %v", f.Field, f.Share)
			}
		}
		usage, partial, err := s.Usage(t.Context())
		if err != nil || len(partial) > 0 {
			t.Fatalf("Usage: %v, %v", partial, err)
		}
		var n int64
		for _, u := range usage {
			n += u.Events
		}
		if n != int64(len(all)) {
			t.Errorf("Usage counts %d events, want %d", n, len(all))
		}
	})
}
