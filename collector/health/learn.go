package health

import (
	"slices"
	"time"

	"hoalu/soc"
)

// between sums whole minutes [from, to).
func (s *source) between(from, to int64) (events, unparsed int64) {
	for _, c := range s.counts {
		if c.minute >= from && c.minute < to {
			events += c.events
			unparsed += c.unparsed
		}
	}
	return events, unparsed
}

// learn folds whole minutes up to now into what is usual. Minutes of silence or of a refusal of ours are not usual.
func (s *source) learn(now int64, skip bool) {
	to := now - now%minute
	if s.Learnt < to-(window-1)*minute {
		s.Learnt = to - (window-1)*minute
	}
	for ; s.Learnt < to; s.Learnt += minute {
		events, unparsed := s.between(s.Learnt, s.Learnt+minute)
		if skip || s.First == 0 || s.State == soc.SourceSilent && events == 0 {
			continue
		}
		a := max(1/float64(s.Minutes+1), 1.0/halfLearnt)
		s.Minutes++
		s.Usual += a * (float64(events) - s.Usual)
		if events > 0 {
			s.Share += max(a, 1.0/window) * (float64(unparsed)/float64(events) - s.Share)
		}
		s.Gap *= 1 - 1.0/(24*60) // a long gap is forgotten in days
	}
}

// patience is the silence after which a source is called silent.
func (m *Monitor) patience(s *source, known soc.Source) time.Duration {
	if known.ExpectEvery > 0 {
		return max(time.Duration(known.ExpectEvery)*time.Millisecond, m.cfg.Every)
	}
	if s.Total < 10 || s.Minutes < 5 {
		return max(m.cfg.MinSilence, time.Hour) // too young to tell
	}
	p := time.Duration(1.5*s.Gap) * time.Millisecond
	if s.Usual > 0 {
		p = max(p, time.Duration(10*float64(minute)/s.Usual)*time.Millisecond)
	}
	return min(max(p, m.cfg.MinSilence), maxSilence)
}

// rate is the events a minute over the last whole minutes.
func (s *source) rate(now int64) float64 {
	to := now - now%minute
	events, _ := s.between(to-rateOver*minute, to)
	minutes := float64(rateOver)
	if s.First > to-rateOver*minute { // younger than that: the present minute counts as well
		e, _ := s.between(to, to+minute)
		events += e
		minutes = max(1, float64(now-s.First)/float64(minute))
	}
	return float64(events) / minutes
}

// offset is the median of the newest offsets that are younger than that many ms; false where fewer than three are, which tells nothing.
func (s *source) offset(now, young int64) (int64, bool) {
	var list []int64
	for _, o := range s.offsets {
		if o.at > now-young {
			list = append(list, o.ms)
		}
	}
	if len(list) < 3 {
		return 0, false
	}
	slices.Sort(list)
	return list[len(list)/2], true
}
