package sigma

import (
	"net/netip"
	"strings"
	"time"

	"hoalu/ecs"
)

// holds reads a comparison by the operator.
func holds(op predKind, c int) bool {
	switch op {
	case predLT:
		return c < 0
	case predLTE:
		return c <= 0
	case predGT:
		return c > 0
	case predGTE:
		return c >= 0
	}
	return c == 0
}

func timePart(ms int64, part string) int64 {
	t := time.UnixMilli(ms).UTC()
	switch part {
	case "minute":
		return int64(t.Minute())
	case "hour":
		return int64(t.Hour())
	case "day":
		return int64(t.Day())
	case "week":
		_, w := t.ISOWeek()
		return int64(w)
	case "month":
		return int64(t.Month())
	}
	return int64(t.Year())
}

func containsAny(s string, literals []string) bool {
	for _, l := range literals {
		if strings.Contains(s, l) {
			return true
		}
	}
	return false
}

// text is the value as an atom compares it.
func (m *Matcher) text(v *val, cased bool) string {
	if cased {
		return v.raw
	}
	m.fold(v)
	return v.folded
}

func (m *Matcher) testValue(a *atom, i int32) bool {
	v := &m.vals[i]
	switch a.kind {
	case predEqual:
		return m.text(v, a.cased) == a.text
	case predPrefix:
		return strings.HasPrefix(m.text(v, a.cased), a.text)
	case predSuffix:
		return strings.HasSuffix(m.text(v, a.cased), a.text)
	case predContains:
		return strings.Contains(m.text(v, a.cased), a.text)
	case predGlob:
		return a.glob.match(m.text(v, a.cased))
	case predPresent:
		return true
	case predRegexp:
		if len(v.raw) < a.min {
			return false
		}
		if len(a.must) > 0 {
			m.fold(v)
			for _, set := range a.must {
				if !containsAny(v.folded, set) {
					return false
				}
			}
		}
		if a.dfa != nil {
			d := m.dfas[a.nth]
			if d == nil {
				d = newDFAStates(a.dfa)
				m.dfas[a.nth] = d
			}
			if found, ok := d.match(v.raw); ok {
				return found
			}
		}
		return a.re.MatchString(v.raw)
	case predCIDR:
		addr, err := netip.ParseAddr(v.raw)
		return err == nil && a.net.Contains(addr.Unmap().WithZone(""))
	case predLT, predLTE, predGT, predGTE:
		x, ok := parseNumber(v.raw)
		if !ok {
			return false
		}
		return holds(a.kind, x.compare(a.num))
	case predTime:
		ms, ok := ecs.ParseTime(v.raw, v.kind)
		return ok && holds(a.than, number{whole: true, i: timePart(ms, a.part)}.compare(a.num))
	}
	// fieldref: two fields that are there; null is as empty text
	if m.stamp[a.ref] != m.epoch {
		return false
	}
	s := m.text(v, a.cased)
	for j := m.head[a.ref]; j >= 0; j = m.vals[j].next {
		t := m.text(&m.vals[j], a.cased)
		switch a.kind {
		case predFieldEqual:
			if s == t {
				return true
			}
		case predFieldPrefix:
			if strings.HasPrefix(s, t) {
				return true
			}
		case predFieldSuffix:
			if strings.HasSuffix(s, t) {
				return true
			}
		case predFieldContains:
			if strings.Contains(s, t) {
				return true
			}
		}
	}
	return false
}
