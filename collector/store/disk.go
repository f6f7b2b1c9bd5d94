package store

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"hoalu/soc"
	"hoalu/state"
)

// Bounds of the forecast: what was measured for a shorter time says nothing of the days to come, and the last week says most.
const (
	diskLeast  = time.Hour
	diskSpan   = 7 * 24 * time.Hour
	diskEvery  = 10 * time.Minute
	diskPoints = int(diskSpan/diskEvery) + 1
)

// Disk watches the free space of the disk that a store lies on and foretells when it is full. Free space is what counts, not what the
// store wrote: the queue, the evidence, the system's logs and other programs fill the same disk, and retention gives some back.
type Disk struct {
	folder string
	kept   *state.Document
	log    *slog.Logger
	now    func() time.Time
	look   func(folder string) (total, free int64, err error)

	mu     sync.Mutex
	points []diskPoint // oldest first, at most diskPoints
	days   float64
	cause  string // why days is not known
}

// diskPoint is what was free at a time. Its names are those of the kept document.
type diskPoint struct {
	At    int64 `json:"at"` // Unix ms
	Total int64 `json:"total"`
	Free  int64 `json:"free"`
}

// WatchDisk watches the disk of folder; what was measured before is read from kept. Run measures on.
func WatchDisk(ctx context.Context, folder string, kept *state.Document, log *slog.Logger) (*Disk, error) {
	d := &Disk{folder: folder, kept: kept, log: log, now: time.Now, look: lookAtDisk}
	return d, d.begin(ctx)
}

// begin reads what was measured before and measures.
func (d *Disk) begin(ctx context.Context) error {
	data, err := d.kept.Load(ctx)
	if err != nil {
		return err
	}
	if len(data) > 0 {
		if err := json.Unmarshal(data, &d.points); err != nil {
			d.log.Warn("the free space of the disk is measured anew: what was kept of it cannot be read", "error", err)
			d.points = nil
		}
	}
	return d.measure()
}

func lookAtDisk(folder string) (total, free int64, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(folder, &st); err != nil {
		return 0, 0, fmt.Errorf("look at the disk of %s: %w", folder, err)
	}
	return int64(st.Blocks) * st.Bsize, int64(st.Bavail) * st.Bsize, nil
}

// Run measures every ten minutes until ctx ends. A disk that cannot be looked at, or a measurement that cannot be kept, is logged.
func (d *Disk) Run(ctx context.Context) error {
	tick := time.NewTicker(diskEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		err := d.measure()
		if err == nil {
			err = d.keep(ctx)
		}
		if err != nil && ctx.Err() == nil {
			d.log.Error("measure the free space of the disk", "error", err)
		}
	}
}

// measure adds a point and foretells anew.
func (d *Disk) measure() error {
	total, free, err := d.look(d.folder)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now().UnixMilli()
	var points []diskPoint
	for _, p := range d.points {
		// A disk of another size is another disk; a point of the future is of a clock that was set back.
		if p.Total == total && p.At <= now && p.At > now-diskSpan.Milliseconds() {
			points = append(points, p)
		}
	}
	if n := len(points); n == 0 || now-points[n-1].At >= diskEvery.Milliseconds()/2 { // starts in quick succession make no points
		points = append(points, diskPoint{now, total, free})
	}
	d.points = points[max(0, len(points)-diskPoints):]
	d.days, d.cause = foretell(d.points)
	return nil
}

func (d *Disk) keep(ctx context.Context) error {
	d.mu.Lock()
	data, err := json.Marshal(d.points)
	d.mu.Unlock()
	if err != nil {
		return err
	}
	return d.kept.Keep(ctx, data)
}

// foretell is days until nothing is free, from the line that fits the points best (least squares), or why it cannot be told.
func foretell(points []diskPoint) (days float64, cause string) {
	n := len(points)
	if n < 3 || points[n-1].At-points[0].At < diskLeast.Milliseconds() {
		return -1, soc.DiskMeasuring
	}
	const day = float64(24 * time.Hour / time.Millisecond)
	var x, y float64 // means; in days and bytes since the first point
	for _, p := range points {
		x += float64(p.At-points[0].At) / day / float64(n)
		y += float64(p.Free-points[0].Free) / float64(n)
	}
	var xy, xx float64
	for _, p := range points {
		dx := float64(p.At-points[0].At)/day - x
		xy += dx * (float64(p.Free-points[0].Free) - y)
		xx += dx * dx
	}
	if xy >= 0 {
		return -1, soc.DiskNotFalling
	}
	return float64(points[n-1].Free) / (-xy / xx), ""
}

// Forecast is what the disk holds now and when it is full, foretold at the last measurement: every screen shows the same.
func (d *Disk) Forecast() (soc.Disk, error) {
	total, free, err := d.look(d.folder)
	if err != nil {
		return soc.Disk{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return soc.Disk{Total: total, Free: free, Days: d.days, Unknown: d.cause}, nil
}
