package soc

import "hoalu/ecs"

// Firing is one hit as detection hands it over.
type Firing struct {
	Hit   Hit
	Rule  RuleInfo
	Event *ecs.Event // the event of the hit; for a correlation the one that completed it; nil if it is gone
	Trace []Condition
	Unit  string // owner of the system
	Level int    // of the system, 0 to 5
	// Exposure is the system's placement (Placement…), "" unknown.
	Exposure string
}

// Position is how far a reader of the queue has come.
type Position struct {
	Reader string // "detect"; "" for alerts that do not come from the queue: no position is kept
	Epoch  string
	Seq    uint64
}

// Checkpoint is a stored Position with the newest snapshot of the correlator and the sequence it was taken at. Replay begins after
// SnapshotSeq; what is at or before Seq is written.
type Checkpoint struct {
	Position
	Snapshot    []byte
	SnapshotSeq uint64
}
