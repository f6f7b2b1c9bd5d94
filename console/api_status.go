package console

import "hoalu/soc"

// Status is the status bar and the counts of the rail. A part that cannot be told is state unknown; one the person may not know
// of is left out.
type Status struct {
	Ledger   *LedgerStatus   `json:"ledger,omitempty"`
	Sources  *SourcesStatus  `json:"sources,omitempty"`
	National *NationalStatus `json:"national,omitempty"`
	Disk     *DiskStatus     `json:"disk,omitempty"`
	Clock    ClockStatus     `json:"clock"`
	Events   *EventsStatus   `json:"events,omitempty"`
	Alerts   *AlertsStatus   `json:"alerts,omitempty"`
	Parts    []soc.Part      `json:"parts" doc:"parts that are not ready, with the reason"`
	Broken   []Broken        `json:"broken,omitempty" doc:"what does not answer now, with the reason: ledger, sources, national, disk, events, alerts"`
	AsOf     Time            `json:"as_of"`
	Stale    Time            `json:"stale_after"`
}

// LedgerStatus says whether nothing was lost.
type LedgerStatus struct {
	State       string `json:"state" enum:"balanced,off,unknown"`
	Minute      Time   `json:"minute,omitzero" doc:"last minute checked"`
	Difference  int64  `json:"difference"`
	Since       Time   `json:"since,omitzero" doc:"start of the unbroken run of checked minutes that balance"`
	NotMeasured int    `json:"not_measured" doc:"minutes of the last 24 hours in which nothing ran or was checked: neither balanced nor off"`
}

// SourceCounts counts sources by state.
type SourceCounts struct {
	Total     int `json:"total"`
	Receiving int `json:"receiving"`
	Thin      int `json:"thin"`
	Silent    int `json:"silent"`
	Skewed    int `json:"skewed"`
	Garbled   int `json:"garbled"`
	Never     int `json:"never"`
}

// SourcesStatus counts the real sources within scope. Those of the sample set fall silent when their recording ends; they stand
// apart, so that a real silent source does not drown among them.
type SourcesStatus struct {
	State string `json:"state" enum:"good,bad,unknown"`
	SourceCounts
	Oldest  *SilentSource `json:"oldest,omitempty" doc:"silent the longest"`
	Samples SourceCounts  `json:"samples" doc:"sources of the sample set, in no other figure here"`
}

// SilentSource is the one the status bar names.
type SilentSource struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Since Time   `json:"since"`
}

// NationalStatus says whether the centre has everything.
type NationalStatus struct {
	State       string `json:"state" enum:"unset,good,late,bad,unknown" doc:"late: no receipt for 15 min, bad: 60 min (own)"`
	LastReceipt Time   `json:"last_receipt,omitzero"`
	Waiting     int64  `json:"waiting"`
	Refused     int64  `json:"refused"`
	Oldest      Time   `json:"oldest_waiting,omitzero"`
}

// DiskStatus is the forecast.
type DiskStatus struct {
	State   string   `json:"state" enum:"good,low,full,unknown"`
	Total   int64    `json:"total_bytes"`
	Free    int64    `json:"free_bytes"`
	Days    *float64 `json:"days,omitempty" doc:"full in about so many days; left out while it cannot be told"`
	Unknown string   `json:"unknown,omitempty" enum:"measuring,not_falling" doc:"why days cannot be told: free space was not measured for an hour yet, or does not shrink"`
}

// ClockStatus is the appliance's clock.
type ClockStatus struct {
	State    string `json:"state" enum:"good,off,unknown"`
	OffsetMS *int64 `json:"offset_ms,omitempty"`
	Server   string `json:"server,omitempty" doc:"what it is compared with"`
	Now      Time   `json:"now"`
}

// EventsStatus is the inflow.
type EventsStatus struct {
	PerSecond *float64 `json:"per_second,omitempty" doc:"left out: the rate of a source is not measured yet, after a start"`
	Total     *int64   `json:"total,omitempty" doc:"events stored; left out while the store does not tell"`
	AtLeast   bool     `json:"at_least,omitempty" doc:"files that cannot be read hold events that total lacks"`
	Last      Time     `json:"last,omitzero"`
}

// AlertsStatus are the counts of the rail and the views, within scope, without exercises.
type AlertsStatus struct {
	New      int64 `json:"new"`
	Mine     int64 `json:"mine"`
	High     int64 `json:"high" doc:"open, critical and high"`
	Personal int64 `json:"personal"`
	Open     int64 `json:"open"`
}

// Overview is the first page; cards names those of the person's roles in their order, and only these are filled. A card whose part
// does not answer is named in broken.
type Overview struct {
	Cards    []string         `json:"cards" doc:"alerts, hours, next, systems, sources, ledger, national, health"`
	Shift    Shift            `json:"shift"`
	Alerts   *OverviewAlerts  `json:"alerts,omitempty"`
	Hours    *AlertHours      `json:"hours,omitempty"`
	Next     []AlertItem      `json:"next,omitempty" doc:"what to do first: highest score, unacknowledged"`
	Systems  *OverviewSystems `json:"systems,omitempty"`
	Sources  *SourcesStatus   `json:"sources,omitempty"`
	Ledger   *OverviewLedger  `json:"ledger,omitempty"`
	National *NationalStatus  `json:"national,omitempty"`
	Health   *Health          `json:"health,omitempty"`
	Broken   []Broken         `json:"broken,omitempty"`
	AsOf     Time             `json:"as_of"`
	Stale    Time             `json:"stale_after"`
}

// Broken is a card, or a figure of the status bar, whose part does not answer.
type Broken struct {
	Card string `json:"card"`
	Code string `json:"code"`
	Text string `json:"text"`
}

// Shift is the one on duty (setting, 07:00 and 19:00).
type Shift struct {
	Kind string `json:"kind" enum:"day,night"`
	From Time   `json:"from"`
	To   Time   `json:"to"`
}

// OverviewAlerts are the figures of the head.
type OverviewAlerts struct {
	AlertsStatus
	Intake    string `json:"intake" enum:"received,nothing,unknown" doc:"whether a source in scope has ever sent anything: with nothing, no alert says nothing"`
	OldestNew Time   `json:"oldest_new,omitzero"`
	Today     int64  `json:"today"`
	Closed    int64  `json:"closed_today"`
	AckMean   *int64 `json:"acknowledge_mean_seconds,omitempty"`
}

// AlertHours is the bar chart of alerts by hour and severity.
type AlertHours struct {
	From    Time        `json:"from"`
	To      Time        `json:"to"`
	Buckets []AlertHour `json:"buckets"`
}

// AlertHour is one bar, stacked by severity; unknown hours have no events at all: draw stripes.
type AlertHour struct {
	Start   Time                   `json:"start"`
	Counts  map[soc.Severity]int64 `json:"counts"`
	Unknown bool                   `json:"unknown,omitempty"`
}

// OverviewSystems are the tiles by placement.
type OverviewSystems struct {
	Total      int              `json:"total"`
	Placements []PlacementTiles `json:"placements"`
}

// PlacementTiles is one row of tiles.
type PlacementTiles struct {
	Placement string                   `json:"placement,omitempty" enum:"data_centre,cloud,internet"`
	Counts    map[soc.PostureState]int `json:"counts"`
	Tiles     []SystemTile             `json:"tiles"`
}

// SystemTile is one system: its digit is the level.
type SystemTile struct {
	ID    string           `json:"id"`
	Name  string           `json:"name"`
	Level int              `json:"level"`
	State soc.PostureState `json:"state"`
	Demo  bool             `json:"demo,omitempty"`
}

// OverviewLedger is the last checked minute, summed over sources.
type OverviewLedger struct {
	LedgerStatus
	Row *LedgerItem `json:"row,omitempty"`
}

// Health is the administrator's card.
type Health struct {
	Parts    []soc.Part  `json:"parts"`
	Started  Time        `json:"started"`
	Disk     *DiskStatus `json:"disk,omitempty"`
	BackupAt Time        `json:"backup_at,omitzero"`
}
