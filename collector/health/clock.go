package health

import (
	"fmt"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"hoalu/internal/wording"
)

// Bounds of what is said of this machine's clock.
const (
	clockOff    = time.Second // more than this from what the time service says is wrong
	clockSettle = time.Hour   // a clock that jumped and that nobody confirms counts as wrong so long
)

// KernelClock is the kernel's own idea of how far this machine's clock is off (adjtimex): a time service of this host (NTP, PTP) tells
// it. known is false when no service disciplines the clock, so that nothing is known.
func KernelClock() (offset time.Duration, known bool) {
	var t unix.Timex
	st, err := unix.Adjtimex(&t)
	if err != nil || st == unix.TIME_ERROR || t.Status&unix.STA_UNSYNC != 0 {
		return 0, false
	}
	if t.Status&unix.STA_NANO != 0 {
		return time.Duration(t.Offset), true
	}
	return time.Duration(t.Offset) * time.Microsecond, true
}

// Clock says what is wrong with this machine's clock, nil when nothing is known to be: the time service says that it is off, or it was
// set to another time while the appliance ran. A jump is over when the clock is set back, when the time service confirms the new time, or
// after clockSettle. A clock that nobody has confirmed and that did not jump is not called wrong (nor right: KernelClock says so).
func (m *Monitor) Clock() error {
	offset, known := m.cfg.Kernel()
	if known && offset.Abs() > clockOff {
		return wording.New("this machine's clock is off by %s by its time service: times of events, alerts and deadlines are wrong by as much; look at the time service (NTP)", offset.Round(time.Millisecond))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	// What the monitor has not looked at yet counts as well.
	wall, mono := m.cfg.Now(), m.cfg.Elapsed()
	off := m.jumped + wall.Round(0).Sub(m.lastWall.Round(0)) - (mono - m.lastMono)
	if known || off.Abs() <= jump || m.jumped.Abs() > jump && mono-m.jumpedAt > clockSettle {
		return nil
	}
	if m.started && m.jumped.Abs() > jump {
		return wording.New("this machine's clock is %s behind the newest event received before this start and no time service has confirmed it: it was set back, or stood ahead then; set the clock or start its time service (NTP)", m.jumped.Abs().Round(time.Second))
	}
	return wording.New("this machine's clock jumped by %s while the appliance ran and no time service has confirmed it: times of events, alerts and deadlines may be wrong; set the clock or start its time service (NTP)", off.Round(time.Second))
}

// ClockKnown reports whether a time service says how far this machine's clock is off. Where none does, Clock finds nothing wrong in a
// clock that did not jump, and nothing says that it is right.
func (m *Monitor) ClockKnown() bool {
	_, known := m.cfg.Kernel()
	return known
}

// jumps notes that the clock was set; mu is held.
func (m *Monitor) jumps(by, mono time.Duration) {
	if m.jumped.Abs() > jump && mono-m.jumpedAt > clockSettle {
		m.jumped = 0 // the earlier one has become the time that is gone by
	}
	m.jumped += by
	m.jumpedAt = mono
	m.started = false
}

// behindAtStart takes a clock that stands behind what was received before this start for one that jumped: it was set back while nothing
// ran. One that was set ahead meanwhile looks like a long time off, and is not told from that.
func (m *Monitor) behindAtStart() {
	newest := int64(0)
	for _, s := range m.sources {
		newest = max(newest, s.Last)
	}
	d := time.Duration(m.lastWall.UnixMilli()-newest) * time.Millisecond
	if newest == 0 || d >= -jump {
		return
	}
	m.jumps(d, m.lastMono)
	m.started = true
	m.Emit(jumpNote(d))
}

func jumpNote(d time.Duration) Note {
	return Note{Action: ClockJump, Level: "warning", Message: fmt.Sprintf("this machine's clock jumped by %s", d.Round(time.Second)),
		Values: map[string]string{"offset_ms": strconv.FormatInt(d.Milliseconds(), 10)}}
}
