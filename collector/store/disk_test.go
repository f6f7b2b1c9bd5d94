package store

import (
	"errors"
	"log/slog"
	"math"
	"path/filepath"
	"testing"
	"time"

	"hoalu/soc"
	"hoalu/state"
)

const gib = int64(1) << 30

// TestDiskForecast: the forecast follows the free space, whoever takes it; it says why it cannot be told; a restart does not forget.
func TestDiskForecast(t *testing.T) {
	db, err := state.Open(t.Context(), state.Config{Path: filepath.Join(t.TempDir(), "state.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	kept := db.Document("free space of the disk")
	now, total, free, failed := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), 1000*gib, 500*gib, error(nil)
	watch := func() *Disk {
		d := &Disk{kept: kept, log: slog.New(slog.DiscardHandler), now: func() time.Time { return now },
			look: func(string) (int64, int64, error) { return total, free, failed }}
		if err := d.begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		return d
	}
	d := watch()
	run := func(span time.Duration, change float64) {
		t.Helper()
		for range span / diskEvery {
			now, free = now.Add(diskEvery), free+int64(change)
			if err := d.measure(); err != nil {
				t.Fatal(err)
			}
		}
	}
	want := func(what string, days float64, cause string) {
		t.Helper()
		f, err := d.Forecast()
		if err != nil || f.Unknown != cause || cause == "" && math.Abs(f.Days-days) > days/100 || f.Total != total || f.Free != free {
			t.Errorf("%s: %+v, %v; want %v days, unknown %q, %d of %d", what, f, err, days, cause, free, total)
		}
	}
	run(50*time.Minute, -float64(gib)/144)
	want("measured for less than an hour", 0, soc.DiskMeasuring)
	run(24*time.Hour, -float64(gib)/144) // 1 GiB a day
	want("a day", float64(free/gib), "")
	run(7*24*time.Hour, -float64(gib)/14.4) // something else begins to fill the disk: 10 GiB a day
	want("another program fills the disk", float64(free)/float64(gib)/10, "")
	if len(d.points) > diskPoints {
		t.Errorf("%d points are kept, want at most %d", len(d.points), diskPoints)
	}
	if err := d.keep(t.Context()); err != nil {
		t.Fatal(err)
	}
	now = now.Add(diskEvery)
	d = watch()
	want("after a restart", float64(free)/float64(gib)/10, "")
	run(8*24*time.Hour, 0)
	want("nothing grows", 0, soc.DiskNotFalling)
	run(24*time.Hour, float64(gib)/10)
	want("retention gives back more than comes", 0, soc.DiskNotFalling)
	total *= 2
	run(diskEvery, 0)
	want("another disk", 0, soc.DiskMeasuring)
	failed = errors.New("input/output error")
	if f, err := d.Forecast(); !errors.Is(err, failed) || f.Total != 0 {
		t.Errorf("a disk that cannot be looked at: %+v, %v", f, err)
	}
}
