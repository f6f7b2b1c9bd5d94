package health

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"hoalu/collector/queue"
	"hoalu/soc"
)

// judge says how s is doing.
func (m *Monitor) judge(s *source, known soc.Source, now int64) (state, cause string) {
	switch {
	case s.Last == 0 && s.Exercised > 0:
		return soc.SourceNever, CauseExerciseOnly
	case s.Last == 0:
		return soc.SourceNever, CauseNeverConnected
	case known.StoppedUntil > now && now-s.Last > m.cfg.MinSilence.Milliseconds():
		return soc.SourceSilent, CausePlannedStop
	case m.refusing != "":
		if now-s.Last > m.cfg.MinSilence.Milliseconds() {
			if s.State == soc.SourceSilent {
				return s.State, m.refusing
			}
			return soc.SourceUnknown, m.refusing // ours, not its: what it sends meanwhile nobody sees
		}
	case time.Duration(now-max(s.Last, m.resumed))*time.Millisecond > m.patience(s, known):
		return soc.SourceSilent, m.silence(s, known, now)
	case s.State == soc.SourceSilent && s.Last < m.resumed:
		return s.State, m.silence(s, known, now) // silent before we stopped, and nothing came since
	case s.Last < m.resumed && (s.State == soc.SourceUnknown || time.Duration(now-s.Last)*time.Millisecond > m.patience(s, known)):
		return soc.SourceUnknown, "" // we take events again, it has sent none since, and nobody saw whether it did meanwhile
	}
	if off, ok := s.offset(now, 10*minute); ok {
		switch {
		case off > m.cfg.MaxSkew.Milliseconds():
			return soc.SourceSkewed, CauseClockAhead
		case off < -m.cfg.MaxSkew.Milliseconds():
			return soc.SourceSkewed, CauseClockBehind
		}
	}
	to := now - now%minute
	if events, unparsed := s.between(to-10*minute, to+minute); events >= garbledLeast && s.Minutes >= warm {
		share := float64(unparsed) / float64(events)
		if share >= garbledFrom && (s.Share <= garbledUsual || s.State == soc.SourceGarbled) {
			return soc.SourceGarbled, CauseFormatChanged
		}
	}
	if s.Minutes >= warm && s.Usual >= thinUsual && known.StoppedUntil <= now && now-m.resumed > rateOver*minute+minute {
		below := thinBelow
		if s.State == soc.SourceThin {
			below *= 2 // come back clearly before it counts as recovered
		}
		if s.rate(now) < below*s.Usual {
			return soc.SourceThin, CauseRateLow
		}
	}
	return soc.SourceReceiving, ""
}

// silence names the cause of a silence.
func (m *Monitor) silence(s *source, known soc.Source, now int64) string {
	if known.Sensor != "" {
		switch {
		case now-s.beat < 2*minute:
			return CauseSensorHeartbeats
		case m.cfg.Connected != nil && m.cfg.Connected(known.Sensor):
			return CauseConnectedNoData
		}
		return CauseNoConnection
	}
	if m.cfg.Connected != nil && known.Address != "" {
		addr := known.Address
		if p, err := netip.ParsePrefix(addr); err == nil && p.IsSingleIP() {
			addr = p.Addr().String()
		}
		if m.cfg.Connected(addr) {
			return CauseConnectedNoData
		}
	}
	return CauseNoConnection
}

// look judges every source and the clock, and notes changes.
func (m *Monitor) look() {
	wall, mono := m.cfg.Now(), m.cfg.Elapsed()
	now := wall.UnixMilli()
	known := map[string]soc.Source{}
	if m.cfg.Sources != nil {
		for _, s := range m.cfg.Sources() {
			known[s.ID] = s
		}
	}
	var ready error
	if m.cfg.Ready != nil {
		ready = m.cfg.Ready()
	}
	var changed []soc.Reading
	var notes []Note
	m.mu.Lock()
	if d := wall.Round(0).Sub(m.lastWall.Round(0)) - (mono - m.lastMono); d > jump || d < -jump {
		m.resumed = now
		m.jumps(d, mono)
		notes = append(notes, jumpNote(d))
	}
	m.lastWall, m.lastMono = wall, mono
	notes = append(notes, m.refusal(ready, now)...)
	if m.cfg.Source != "" && m.refusing == "" && len(m.notes) == 0 && mono-m.alive >= time.Minute {
		// A well appliance has nothing else to say of itself, and would be taken for silent. While notes wait it is not well, and these
		// would take their room.
		m.alive = mono
		notes = append(notes, Note{Action: Alive, Level: "info", Message: "this appliance takes events"})
	}
	for id := range known {
		m.get(id)
	}
	for _, id := range slices.Sorted(maps.Keys(m.sources)) {
		s, k := m.sources[id], known[id]
		s.learn(now, m.refusing != "" || k.StoppedUntil > now)
		state, cause := m.judge(s, k, now)
		// Of what is retired or deleted nobody waits for events: that none come is no news. Back in use, how it does is news again.
		unwatched := m.cfg.Sources != nil && k.ID == ""
		back := s.unwatched && !unwatched
		s.unwatched = unwatched
		if state == s.State && cause == s.Cause && !back {
			continue
		}
		if state != s.State || back {
			if n, ok := m.changed(id, k, s, state, cause, now); ok && !unwatched {
				notes = append(notes, n)
			}
		}
		if state != s.State {
			s.Since = now
		}
		s.State, s.Cause = state, cause
		changed = append(changed, m.reading(id, s, now))
	}
	m.mu.Unlock()
	for _, n := range notes {
		m.Emit(n)
	}
	if m.cfg.OnChange != nil {
		for _, r := range changed {
			m.cfg.OnChange(r)
		}
	}
}

// refusal follows whether intake takes anything; mu is held.
func (m *Monitor) refusal(ready error, now int64) []Note {
	before := m.refusing
	m.refusing = ""
	if ready != nil {
		m.refusing = CauseQueueFull
		if errors.Is(ready, queue.ErrNoSpace) {
			m.refusing = CauseDiskLow
		}
	}
	if m.refusing == before {
		return nil
	}
	m.resumed = now
	switch m.refusing {
	case CauseDiskLow:
		return []Note{{Action: DiskLow, Level: "error", Message: "nothing more is accepted: " + ready.Error()}}
	case CauseQueueFull:
		return []Note{{Action: QueueFull, Level: "error", Message: "nothing more is accepted: " + ready.Error()}}
	}
	return []Note{{Action: DiskRecovered, Level: "info", Message: "events are accepted again", Values: map[string]string{"cause": before}}}
}

// habit is how long a source that registered itself must have sent before its silence is an alert.
const habit = 5 * minute

// changed makes the note of a new state; a planned stop and a first event are none, nor is anything about a sample source, whose
// recorded events end.
func (m *Monitor) changed(id string, k soc.Source, s *source, state, cause string, now int64) (Note, bool) {
	if k.Demo {
		return Note{}, false
	}
	n := Note{Source: id, System: k.System, Level: "warning", Values: map[string]string{"state": state, "cause": cause, "before": s.State,
		"last_event": time.UnixMilli(s.Last).UTC().Format(time.RFC3339)}}
	name := cmp.Or(k.Name, id)
	switch state {
	case soc.SourceSilent:
		if cause == CausePlannedStop || k.Auto && k.ExpectEvery == 0 && s.Last-s.First < habit {
			return Note{}, false // the page says that it is silent; nobody is woken for a sender that sent one burst
		}
		n.Action, n.Message = SourceSilent, fmt.Sprintf("source %s is silent for %s: %s", name,
			time.Duration(now-s.Last).Round(1)*time.Millisecond, cause)
	case soc.SourceThin:
		n.Values["rate"], n.Values["usual"] = strconv.FormatFloat(s.rate(now), 'f', 0, 64), strconv.FormatFloat(s.Usual, 'f', 0, 64)
		n.Action, n.Message = SourceThin, fmt.Sprintf("source %s sends %.1f events a minute, usual are %.1f", name, s.rate(now), s.Usual)
	case soc.SourceSkewed:
		off, _ := s.offset(now, 10*minute) // judge has just told it
		n.Action, n.Message = SourceSkewed, fmt.Sprintf("clock of source %s is off by %s", name, time.Duration(off)*time.Millisecond)
		n.Values["offset_ms"] = strconv.FormatInt(off, 10)
	case soc.SourceGarbled:
		n.Action, n.Message = SourceGarbled, fmt.Sprintf("source %s changed its format: most of its events are no longer understood", name)
	case soc.SourceReceiving:
		if s.State == soc.SourceNever || s.State == soc.SourceUnknown || s.Cause == CausePlannedStop {
			return Note{}, false
		}
		n.Action, n.Level, n.Message = SourceRecovered, "info", fmt.Sprintf("source %s is back to normal", name)
	default:
		return Note{}, false
	}
	return n, true
}
