package sensor

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"hoalu/internal/wording"
)

// TestNamesAreBounded: a sensor that invents reasons without end is counted whole, under a bounded number of names, also over many
// accounts, and told anew of the same time it is counted once.
func TestNamesAreBounded(t *testing.T) {
	t.Parallel()
	b := NewBook()
	var sum int64
	for i := range 10 {
		s := Stats{From: int64(i/2 + 1), Dropped: map[string]int64{}, Seen: map[string]int64{}, Values: map[string]string{}}
		for k := range 10_000 {
			name := fmt.Sprintf("reason_%d", k+i/2*10_000)
			s.Dropped[name], s.Seen[name], s.Values[name] = 1, 1, strings.Repeat("x", 5000)
		}
		told := b.take("s-1", s, 1)
		sum += total(told.Dropped)
		if len(told.Dropped) > maxNames+1 || len(told.Values) > maxValues || len(told.Values["reason_0"]) > maxValue {
			t.Fatalf("account %d gives on %d reasons, %d values", i, len(told.Dropped), len(told.Values))
		}
	}
	a := b.Of("s-1")
	if len(a.Lost) != maxNames+1 || a.Lost[Other] != 50_000-maxNames || sum != 50_000 || a.Dropped != 50_000 || a.Seen != 50_000 {
		t.Errorf("%d reasons, %d others, told %d, dropped %d, seen %d; want %d, %d and 50000 each", len(a.Lost), a.Lost[Other], sum, a.Dropped,
			a.Seen, maxNames+1, 50_000-maxNames)
	}
	told := b.take("s-1", Stats{From: 99, Dropped: map[string]int64{"reason_0": 3}}, 2)
	if fmt.Sprint(told.Dropped) != "map[reason_0:3]" {
		t.Errorf("a name that was there before: %v", told.Dropped)
	}
	if len(b.take("s-2", Stats{Dropped: map[string]int64{"ring": 1}}, 2).Dropped) != 1 || b.Of("s-2").Lost["ring"] != 1 ||
		b.Of("s-3").At != 0 {
		t.Error("another sensor has names of its own")
	}
}

// TestCountsAreBounded: neither a negative nor a huge count, nor a name that is no name, passes.
func TestCountsAreBounded(t *testing.T) {
	t.Parallel()
	b := NewBook()
	for i := range 3 {
		b.take("s-1", Stats{From: int64(i + 1), Dropped: map[string]int64{"ring": math.MaxInt64, "spool": -5, "zero": 0, "a b": 2, "": 3,
			strings.Repeat("n", maxName+1): 4, "đầy": 5}}, 1)
	}
	a := b.Of("s-1")
	if fmt.Sprint(a.Lost) != fmt.Sprintf("map[other:42 ring:%d]", 3*maxCount) || a.Dropped != 3*maxCount+42 {
		t.Errorf("lost %v, together %d", a.Lost, a.Dropped)
	}
	if n := plus(maxSum, maxCount); n != maxSum {
		t.Errorf("a sum goes on to %d", n)
	}
	a.Lost["ring"] = 0
	if b.Of("s-1").Lost["ring"] == 0 {
		t.Error("what Of gives is the book's own")
	}
}

func TestProbes(t *testing.T) {
	t.Parallel()
	b := NewBook()
	words := func(p *wording.Problem) string {
		data, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	b.take("s-1",
		Stats{Values: map[string]string{"probe.process": "refused: needs CAP_BPF\x1b[2J", "probe.packet": "running", "version": "1",
			"probe.socket": "refused: The kernel is 4.19.", "why.socket": words(wording.New("The kernel is %s.", "4.19")),
			"do.socket": words(wording.New("Upgrade the kernel.")),
			"probe.bad": "refused: no words", "why.bad": `{"format":"%999999T","values":[{"text":"x"}]}`, "do.bad": "{"}}, 1)
	type said struct{ name, state, why, do, vi string }
	var got []said
	for _, p := range b.Of("s-1").Last.Probes() {
		got = append(got, said{p.Name, p.State, p.Why.String(), p.Do.String(), p.Why.Say(func(string) string { return "nhân %s" })})
	}
	if want := []said{{"bad", "refused", "no words", "", "nhân no words"}, {"packet", "running", "", "", ""},
		{"process", "refused", "needs CAP_BPF [2J", "", "nhân needs CAP_BPF [2J"},
		{"socket", "refused", "The kernel is 4.19.", "Upgrade the kernel.", "nhân 4.19"}}; !slices.Equal(got, want) {
		t.Errorf("probes\n%+v, want\n%+v", got, want)
	}
}

// TestWhatIsLeftOutIsCounted: what a sensor filters is summed by class and stands in the metrics, so that nothing vanishes without a sign.
func TestWhatIsLeftOutIsCounted(t *testing.T) {
	t.Parallel()
	b := NewBook()
	for i := range 2 {
		b.take("s-1", Stats{From: int64(i + 1), Seen: map[string]int64{"own_traffic": 7, "packet": 3}, Sent: map[string]int64{"records": 3},
			Filtered: map[string]int64{"own_traffic": 7}}, 1)
	}
	if got := fmt.Sprint(b.Of("s-1").LeftOut); got != "map[own_traffic:14]" {
		t.Errorf("left out: %s", got)
	}
	reg := prometheus.NewRegistry()
	reg.MustRegister(b)
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			got[f.GetName()+"/"+m.GetLabel()[0].GetValue()+"/"+m.GetLabel()[1].GetValue()] = m.GetCounter().GetValue()
		}
	}
	for name, want := range map[string]float64{"hoalu_sensor_filtered_total/own_traffic/s-1": 14, "hoalu_sensor_records_total/s-1/seen": 20,
		"hoalu_sensor_records_total/s-1/sent": 6, "hoalu_sensor_records_total/s-1/filtered": 14, "hoalu_sensor_records_total/s-1/dropped": 0} {
		if v, ok := got[name]; !ok || v != want {
			t.Errorf("%s = %v, %v; want %v", name, v, ok, want)
		}
	}
}
