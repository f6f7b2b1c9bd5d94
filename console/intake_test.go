package console

import (
	"net/url"
	"testing"
	"time"

	"hoalu/soc"
)

// A search of one system named the silent sources of all others.
func TestMissingSourcesAreThoseSearched(t *testing.T) {
	parts, _ := somethingHappened()
	now := time.Now().UnixMilli()
	inv := parts.Inventory.(*province)
	inv.sources = []soc.Source{
		{ID: "NG-0001", Name: "one", System: "HT-001", Host: "web-01"}, {ID: "NG-0002", Name: "two", System: "HT-002"},
		{ID: "NG-0003", Name: "by host"}, {ID: "NG-0004", Name: "gone", System: "HT-001", Retired: 1},
		{ID: "NG-0005", Name: "sends", System: "HT-001"},
	}
	parts.Readings = readings{{Source: "NG-0005", State: soc.SourceReceiving, FirstEvent: 1, LastEvent: now}}
	b := newBench(t, parts)
	analyst := b.as("", soc.Analyst)
	for text, want := range map[string]string{
		"admin":                            "NG-0001 NG-0002 NG-0003",
		"hoalu.system.id:HT-001":           "NG-0001 NG-0003",
		"hoalu.system.id:HT-002":           "NG-0002 NG-0003",
		"not hoalu.system.id:HT-002":       "NG-0001 NG-0003",
		"hoalu.source.id:NG-0005":          "",
		"host.name:db-01":                  "NG-0002 NG-0003",
		"host.name:db-01 or user.name:lan": "NG-0001 NG-0002 NG-0003",
	} {
		got := ""
		for _, s := range ask[EventsAnswer](analyst, get, "/api/events?query="+url.QueryEscape(text), nil).MissingSources {
			if got != "" {
				got += " "
			}
			got += s.ID
		}
		if got != want {
			t.Errorf("%s: %q are named, want %q", text, got, want)
		}
	}
}

// The officer was told 0 new alerts while a new one of his stood in the list below, and 0 where no source had ever sent anything.
func TestOfficerCountsHisAlerts(t *testing.T) {
	parts, _ := somethingHappened()
	b := newBench(t, parts)
	dpo := b.as("", soc.DPO)
	o := ask[Overview](dpo, get, "/api/overview", nil)
	if o.Alerts == nil || o.Alerts.New != 1 || o.Alerts.Open != 1 || o.Alerts.Intake != "nothing" {
		t.Errorf("alerts of the officer: %+v, want one new, and that nothing was received", o.Alerts)
	}
	if s := ask[Status](dpo, get, "/api/status", nil); s.Alerts == nil || s.Alerts.New != 1 {
		t.Errorf("status of the officer: %+v, want one new alert", s.Alerts)
	}
	parts.Readings = readings{{Source: parts.Inventory.Sources()[0].ID, State: soc.SourceReceiving, FirstEvent: 1,
		LastEvent: time.Now().UnixMilli()}}
	if o := ask[Overview](newBench(t, parts).as("", soc.DPO), get, "/api/overview", nil); o.Alerts == nil || o.Alerts.Intake != "received" {
		t.Errorf("with a source that sends: %+v", o.Alerts)
	}
}
