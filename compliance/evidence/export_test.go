package evidence

import (
	"bytes"
	"context"
	"crypto"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"hoalu/soc"
)

// exported makes a pack of [0, 10) with the alerts given.
func exported(t *testing.T, l *Log, key crypto.Signer, alerts []soc.Alert, posture []PackRecord) Verdict {
	t.Helper()
	var out bytes.Buffer
	src := Sources{
		Alerts:    func(context.Context, string, int64, string) ([]soc.Alert, string, error) { return alerts, "", nil },
		Histories: func(_ context.Context, ids []string) (map[string][]soc.Note, error) { return nil, nil },
		Reports:   func(_ context.Context, numbers []string) (map[string][]soc.Report, error) { return nil, nil },
		Posture:   func(context.Context, string, int64, int64) ([]PackRecord, error) { return posture, nil },
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { l.Run(ctx); close(done) }() // puts the deed of the export into the log
	err := l.Export(t.Context(), &out, Request{System: soc.System{ID: "HT-001"}, From: 1, To: 10, By: soc.Actor{ID: "a1"}, Reason: "test"},
		src, key)
	stop()
	<-done
	if err != nil {
		t.Fatal(err)
	}
	return VerifyPack(bytes.NewReader(out.Bytes()), Want{})
}

// TestPackSaysWhetherAnythingWasMeasured: a pack of a period without measurement is good and says that it proves nothing.
func TestPackSaysWhetherAnythingWasMeasured(t *testing.T) {
	ctx, db, key, cfg := filled(t, 3)
	l := opened(t, ctx, cfg, db, key)
	unknown := PackRecord{"posture", "L3-A@5", soc.Finding{Control: "L3-A", State: soc.Unknown}}
	for _, c := range []struct {
		name     string
		alerts   []soc.Alert
		posture  []PackRecord
		measured bool
	}{
		{"nothing", nil, nil, false},
		{"only unknown", nil, []PackRecord{unknown}, false},
		{"a posture", nil, []PackRecord{unknown, {"posture", "L3-B@5", map[string]any{"state": "met", "from": 5}}}, true},
		{"an alert", []soc.Alert{{ID: "1", Number: "CB-1", First: 2}}, nil, true},
	} {
		v := exported(t, l, key, c.alerts, c.posture)
		if !v.Good || v.Measured != c.measured || v.Comparison == nil || v.Comparison.State != NotCompared {
			t.Errorf("%s: good %v, measured %v, comparison %+v, %q; want it good, measured %v, not yet compared", c.name, v.Good, v.Measured,
				v.Comparison, v.Findings, c.measured)
		}
		if c.name == "a posture" && v.MeasuredFrom != 5 {
			t.Errorf("measured from %d, want 5", v.MeasuredFrom)
		}
	}
}

// TestPackTellsOfWhatWasChangedBefore: an alert or a row changed behind the log makes the pack that holds it not good, and named.
func TestPackTellsOfWhatWasChangedBefore(t *testing.T) {
	alert := soc.Alert{ID: "2", Number: "CB-2", First: 2}
	t.Run("an alert", func(t *testing.T) {
		ctx, db, key, cfg := filled(t, 3)
		cfg.Objects.(shelf)["CB-2"] = "2:xx"
		if v := exported(t, opened(t, ctx, cfg, db, key), key, []soc.Alert{alert}, nil); v.Good ||
			!strings.Contains(said(v), "alert CB-2 or its history is not as") {
			t.Errorf("good %v, %q", v.Good, said(v))
		}
	})
	t.Run("an alert and its newest deed", func(t *testing.T) {
		ctx, db, key, cfg := filled(t, 3)
		cfg.Objects.(shelf)["CB-2"] = "2:xx"
		change(t, db, "UPDATE audit SET hash_after = '2:xx' WHERE number = 6")
		if v := exported(t, opened(t, ctx, cfg, db, key), key, []soc.Alert{alert}, nil); v.Good ||
			!strings.Contains(said(v), "audit row 6 is not what") {
			t.Errorf("good %v, %q", v.Good, said(v))
		}
	})
	t.Run("what only the whole comparison finds", func(t *testing.T) {
		ctx, db, key, cfg := filled(t, 3)
		change(t, db, "DELETE FROM audit WHERE number = 2")
		l := opened(t, ctx, cfg, db, key)
		if err := l.comparePass(ctx); err != nil {
			t.Fatal(err)
		}
		if v := exported(t, l, key, []soc.Alert{alert}, nil); v.Good || !strings.Contains(said(v), "audit row 2 is missing") {
			t.Errorf("good %v, %q", v.Good, said(v))
		}
	})
}

// TestTwoPacks: packs of one log are told from packs of two logs under one key, whichever comes first.
func TestTwoPacks(t *testing.T) {
	ctx, db, key, cfg := filled(t, 3)
	l := opened(t, ctx, cfg, db, key)
	first := exported(t, l, key, nil, nil)
	recordN(t, ctx, db, 300)
	second := exported(t, l, key, nil, nil)
	ctx2, db2, _, cfg2 := logRig(t)
	other := exported(t, opened(t, ctx2, cfg2, db2, key), key, nil, nil)
	for _, c := range []struct {
		name string
		a, b Verdict
		want Relation
	}{{"one log", first, second, OneLog}, {"one log, the later first", second, first, OneLog}, {"itself", first, first, OneLog},
		{"no proof for that head", other, second, CannotBe}} {
		if got := Compare(c.a, c.b); got != c.want {
			t.Errorf("%s: Compare() = %s, want %s", c.name, got, c.want)
		}
	}
	forged := first
	forged.Head.Root = strings.Repeat("0", 64)
	if got := Compare(forged, second); got != TwoLogs {
		t.Errorf("another root of the same size: Compare() = %s, want %s", got, TwoLogs)
	}
}

// TestPackCostsMemoryByItsBytes: what a file claims costs no memory beyond its own bytes, whatever it is made of.
func TestPackCostsMemoryByItsBytes(t *testing.T) {
	const n = 8 << 20
	fill := func(head, unit, tail string) []byte {
		return []byte(head + strings.Repeat(unit, n/len(unit)) + tail)
	}
	end := "\n{\"kind\":\"signature\",\"key\":\"\",\"signature\":\"\"}\n"
	var members strings.Builder
	for i := range n / 9 {
		members.WriteString(`"` + string(rune('a'+i%26)) + fmt.Sprintf("%06x", i) + `":1,`)
	}
	for name, file := range map[string][]byte{
		"empty items of a manifest": fill(`{"kind":"manifest","records":[`, `{},`, `{}]}`+end),
		"hashes of a proof":         fill(`{"kind":"deed","id":"1","proof":[`, `"",`, `""]}`+"\n"+`{"kind":"manifest","records":[]}`+end),
		"members of an object": []byte(`{"kind":"alert","id":"1","data":{` + members.String() + `"z":1}}` + "\n" +
			`{"kind":"manifest","records":[]}` + end),
		"nesting": fill(`{"kind":"alert","id":"1","data":`, `[`, "\n"+`{"kind":"manifest","records":[]}`+end),
	} {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		if v := VerifyPack(bytes.NewReader(file), Want{}); v.Good {
			t.Errorf("%s: good", name)
		}
		runtime.ReadMemStats(&after)
		if got := (after.TotalAlloc - before.TotalAlloc) / uint64(len(file)); got > 12 {
			t.Errorf("%s: %d bytes allocated for each byte of the file, want at most 12", name, got)
		}
	}
}
