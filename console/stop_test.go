package console

import (
	"testing"
	"time"

	"hoalu/soc"
)

// TestPlannedStopEnds: a planned stop holds until its time or until it is ended, whichever is first. Afterwards the source's silence is
// silence: it is named as the longest, and nothing says that it was planned.
func TestPlannedStopEnds(t *testing.T) {
	now := time.Now().UnixMilli()
	parts := Parts{Inventory: twoUnits()}
	p := parts.Inventory.(*province)
	p.sources[0].StoppedUntil = now - 1
	p.sources[1].StoppedUntil = now + time.Hour.Milliseconds()
	parts.Readings = readings{{Source: "NG-0001", State: soc.SourceSilent, FirstEvent: 1, LastEvent: now - 2000},
		{Source: "NG-0002", State: soc.SourceSilent, Cause: "planned_stop", FirstEvent: 1, LastEvent: now - 9000}}
	b := newBench(t, parts)
	admin := b.as("", soc.Administrator)

	got := ask[SourcesAnswer](admin, get, "/api/sources", nil)
	if o := got.Counts.Oldest; o == nil || o.ID != "NG-0001" {
		t.Errorf("silent the longest: %+v, want NG-0001, whose planned stop is over", o)
	}
	for _, s := range got.Items {
		if in := s.StoppedUntil != 0; in != (s.ID == "NG-0002") {
			t.Errorf("%s: stopped until %v", s.ID, s.StoppedUntil)
		}
	}

	item := ask[SourceItem](admin, put, "/api/sources/NG-0002/stop", map[string]any{"reason": "xong sớm", "version": 1})
	if item.StoppedUntil != 0 {
		t.Errorf("an ended stop goes on until %v", item.StoppedUntil)
	}
	if o := ask[SourcesAnswer](admin, get, "/api/sources", nil).Counts.Oldest; o == nil || o.ID != "NG-0002" {
		t.Errorf("silent the longest: %+v, want NG-0002, whose planned stop was ended", o)
	}
	if b.did("source.resume", "done") != 1 || b.did("source.stop", "done") != 0 {
		t.Error("the audit log has no source.resume, or a source.stop")
	}
	until := time.Now().Add(time.Hour).Format(time.RFC3339)
	if ask[SourceItem](admin, put, "/api/sources/NG-0002/stop", map[string]any{"until": until, "reason": "bảo trì", "version": 1}).StoppedUntil == 0 {
		t.Error("a planned stop is not told")
	}
	if b.did("source.stop", "done") != 1 {
		t.Error("the audit log has no source.stop")
	}
}
