package health

import (
	"sort"

	"hoalu/soc"
)

func (m *Monitor) reading(id string, s *source, now int64) soc.Reading {
	r := soc.Reading{Source: id, FirstEvent: s.First, LastEvent: s.Last, State: s.State, Since: s.Since, Cause: s.Cause, Rate: s.rate(now),
		Rated: s.First >= m.resumed || now-now%minute-rateOver*minute >= m.resumed, Usual: s.Usual, Total: s.Total}
	if events, unparsed := s.between(now-hour, now+minute); events > 0 {
		r.Unparsed = float64(unparsed) / float64(events)
	}
	r.OffsetMS, r.Timed = s.offset(now, day)
	if s.State == soc.SourceNever && s.Last > 0 { // first events, before the next look
		r.State, r.Cause = soc.SourceReceiving, ""
	} else if s.State == soc.SourceNever && s.Exercised > 0 {
		r.Cause = CauseExerciseOnly
	}
	return r
}

// Readings lists every source known, by id.
func (m *Monitor) Readings() []soc.Reading {
	now := m.cfg.Now().UnixMilli()
	m.mu.Lock()
	defer m.mu.Unlock()
	list := make([]soc.Reading, 0, len(m.sources))
	for id, s := range m.sources {
		list = append(list, m.reading(id, s, now))
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Source < list[j].Source })
	return list
}

// Reading is one of them; State never when unknown.
func (m *Monitor) Reading(id string) soc.Reading {
	now := m.cfg.Now().UnixMilli()
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.sources[id]; s != nil {
		return m.reading(id, s, now)
	}
	return soc.Reading{Source: id, State: soc.SourceNever, Cause: CauseNeverConnected}
}
