package collector

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"hoalu/collector/ledger"
	"hoalu/collector/queue/local"
	"hoalu/ecs/wire"
	"hoalu/soc"
)

// TestReasonsAreBounded: reasons without end are all counted, under a bounded number of names, in the sums and in what the ledger is told.
func TestReasonsAreBounded(t *testing.T) {
	told := map[string]int64{}
	in := openIntake(t, Options{Queue: openQueue(t, local.Config{}), Count: func(e ledger.Entry) { told[e.Kind+" "+e.Reason] += e.N }})
	for i := range 10_000 {
		in.Drop("NG-001", "", fmt.Sprintf("reason_%d", i), 2)
		in.Reject("NG-001", "", fmt.Sprintf("reason_%d", i), 1)
	}
	in.Drop("NG-001", "", "reason_0", -3) // less than nothing is not lost
	s := in.Stats()
	for what, sums := range map[string]map[string]uint64{"dropped": s.Dropped, "rejected": s.Rejected} {
		var sum uint64
		for _, n := range sums {
			sum += n
		}
		if want := map[string]uint64{"dropped": 20_000, "rejected": 10_000}[what]; len(sums) != maxReasons+1 || sum != want ||
			sums[otherReasons] == 0 {
			t.Errorf("%s: %d reasons, %d together; want %d and %d", what, len(sums), sum, maxReasons+1, want)
		}
	}
	if len(told) != 2*(maxReasons+1) || told[ledger.Dropped+" other"] != 2*(10_000-maxReasons) {
		t.Errorf("the ledger was told of %d reasons, %d of them %q", len(told), told[ledger.Dropped+" other"], "other")
	}
}

// TestFromSensors: frames of a sensor are bound to its source and believed; of one that cannot be registered nothing is put.
func TestFromSensors(t *testing.T) {
	in := openIntake(t, Options{Queue: openQueue(t, local.Config{})})
	down := errors.New("state is down")
	put := in.FromSensors(func(_ context.Context, id string) (soc.Source, error) {
		if id == "s-2" {
			return soc.Source{}, down
		}
		return soc.Source{ID: "NG-007"}, nil
	})
	frames := lines(2, "x")
	if _, err := put(t.Context(), "s-1", 1, frames); err != nil || frames[1].Source != "NG-007" || !frames[1].Trust {
		t.Errorf("frames of a sensor: %+v, %v", frames[1], err)
	}
	if _, err := put(t.Context(), "s-2", 1, []wire.Frame{{Data: []byte("x")}}); !errors.Is(err, down) || in.SensorPosition("s-2") != 0 {
		t.Errorf("frames of a sensor that is not registered: %v, position %d", err, in.SensorPosition("s-2"))
	}
}
