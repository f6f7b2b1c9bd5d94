package app

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"hoalu/soc"
)

// hostile are the values that an attacker gives an input of the API, by its name.
var hostile = map[string][]string{
	"time": {"", "0", "-1", "1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9223372036854775807", "-9223372036854775808", "253402300799999",
		"9999-12-31", "2026-11-21T22:46:09.123456789+07:00", "99999999999999999999999"},
	"count": {"0", "-1", "1", "9223372036854775807", "-9223372036854775808", "1000000000", "1e9", "0x7fffffff", "10000"},
	"step":  {"auto", "1s", "1ns", "0", "-1h", "1d", "106751d", "9223372036854775807d", "2540400h"},
	"after": {"", "!", "AAAA", "eyJ0IjotOTIyMzM3MjAzNjg1NDc3NTgwOCwiaSI6IiJ9", "9223372036854775807", "-1", "0.NG-0001",
		strings.Repeat("A", 300)},
}

func kindOfInput(name string) string {
	switch name {
	case "from", "to", "at", "since":
		return "time"
	case "limit", "top", "level":
		return "count"
	case "histogram":
		return "step"
	case "after":
		return "after"
	}
	return ""
}

// TestHostileInputs gives every operation of the API that takes a time, a count, a step or a cursor the values of hostile, in pairs,
// as the lowest role that may ask it: each is answered soon, within a bounded body and without a fault of the appliance, and the
// appliance is as it was afterwards.
func TestHostileInputs(t *testing.T) {
	r := newRig(t)
	ctx := context.Background()
	unit, err := r.inventory.CreateUnit(ctx, soc.Actor{ID: "machine", Name: "test"}, soc.Unit{Name: "Sở", Kind: "department"})
	if err != nil {
		t.Fatal(err)
	}
	system, err := r.inventory.CreateSystem(ctx, soc.Actor{ID: "machine", Name: "test"},
		soc.System{Name: "Hệ thống", Unit: unit.ID, Level: 3, Placement: soc.PlacementCloud})
	if err != nil {
		t.Fatal(err)
	}
	secret, err := CreateToken(ctx, r.opts.Data, "every role", []soc.Role{soc.Lead, soc.Auditor, soc.DPO, soc.Administrator, soc.Liaison}, "",
		time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	r.feed(0, 200)
	client := &http.Client{Timeout: 10 * time.Second}
	ask := func(path string) (int, []byte) {
		req, err := http.NewRequest(http.MethodGet, "http://"+r.consoleAddr.String()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+secret)
		res, err := client.Do(req)
		if err != nil {
			t.Fatalf("GET %s: %v", path, err)
		}
		defer res.Body.Close()
		var body bytes.Buffer
		if _, err := body.ReadFrom(http.MaxBytesReader(nil, res.Body, 4<<20)); err != nil {
			t.Fatalf("GET %s: %v", path, err)
		}
		return res.StatusCode, body.Bytes()
	}
	status, raw := ask("/api/openapi.json")
	var api struct {
		Paths map[string]map[string]struct {
			Parameters []struct{ Name, In string }
		}
	}
	if err := json.Unmarshal(raw, &api); err != nil || status != 200 {
		t.Fatalf("openapi.json: %d, %v", status, err)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	asked, operations := 0, 0
	for path, methods := range api.Paths {
		op, ok := methods["get"]
		if !ok {
			continue
		}
		var names []string
		for _, p := range op.Parameters {
			if p.In == "query" && kindOfInput(p.Name) != "" {
				names = append(names, p.Name)
			}
		}
		if len(names) == 0 {
			continue
		}
		operations++
		path = strings.ReplaceAll(path, "{id}", system.ID)
		try := func(v url.Values) {
			at := path + "?" + v.Encode()
			status, body := ask(at)
			asked++
			if status >= 500 || status == 401 || status == 403 {
				t.Errorf("GET %s: %d %.300s", at, status, body)
			}
		}
		for i, one := range names {
			for _, v := range hostile[kindOfInput(one)] {
				try(url.Values{one: {v}})
				for _, other := range names[i+1:] {
					for _, w := range hostile[kindOfInput(other)] {
						try(url.Values{one: {v}, other: {w}})
					}
				}
			}
		}
		for _, step := range hostile["step"] { // the attack itself, and its kin
			for _, from := range hostile["time"] {
				if strings.HasPrefix(path, "/api/events") {
					try(url.Values{"from": {from}, "to": {"9223372036854775807"}, "histogram": {step}})
					try(url.Values{"from": {from}, "to": {"9999-12-31"}, "histogram": {step}})
				}
			}
		}
	}
	if operations < 8 || asked < 1000 {
		t.Errorf("%d operations were asked %d times: the walk does not see the API", operations, asked)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 64<<20 {
		t.Errorf("the appliance holds %d MB more after %d requests", grown>>20, asked)
	}
	r.feed(200, 5)
	r.eventually("events are still taken", func() bool { return r.count(nil) >= 205 })
}
