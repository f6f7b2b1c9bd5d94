package soc

// Why it cannot be told when a disk is full.
const (
	DiskMeasuring  = "measuring"   // free space was not measured for long enough
	DiskNotFalling = "not_falling" // free space does not shrink at present
)

// Disk is what the disk of the event store holds, in bytes, and when it is full.
type Disk struct {
	Total, Free int64
	Days        float64 // until nothing is free; only where Unknown is ""
	Unknown     string  // why Days cannot be told: DiskMeasuring, DiskNotFalling; "" when it can
}
