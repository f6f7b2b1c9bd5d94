package sigma

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"hoalu/internal/wording"
)

func parseTimespan(s string) (int64, error) {
	if len(s) < 2 {
		return 0, wording.New("timespan %q: want a number and s, m, h, d or w", s)
	}
	n, err := strconv.ParseInt(s[:len(s)-1], 10, 64)
	if err != nil || n <= 0 {
		return 0, wording.New("timespan %q: want a number and s, m, h, d or w", s)
	}
	unit := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour,
		'w': 7 * 24 * time.Hour}[s[len(s)-1]]
	if unit == 0 {
		return 0, wording.New("timespan %q: want a number and s, m, h, d or w (months and years have no fixed length)", s)
	}
	ms := unit.Milliseconds()
	if n > (1<<53)/ms {
		return 0, wording.New("timespan %q is too long", s)
	}
	return n * ms, nil
}

func parseCorrelation(top *mapping, meta Meta) (*Correlation, error) {
	m, err := asMap(top.get("correlation"))
	if err != nil {
		return nil, within("correlation", err)
	}
	c := &Correlation{Meta: meta, Alert: true, Type: scalarText(m.get("type"))}
	switch c.Type {
	case EventCount, ValueCount, ValueSum, ValueAvg, Temporal, TemporalOrdered:
	case "value_percentile", "value_median":
		return nil, wording.New("correlation type %s is not supported: the specification does not say how the percentile of few values is formed",
			c.Type)
	case "":
		return nil, wording.New("correlation: type is missing")
	default:
		return nil,
			wording.New("correlation type %q is unknown; want event_count, value_count, value_sum, value_avg, temporal or temporal_ordered", c.Type)
	}
	if c.Refs, err = textList(m.get("rules")); err != nil {
		return nil, within("correlation: rules", err)
	}
	if len(c.Refs) == 0 {
		return nil, wording.New("correlation: rules is missing")
	}
	if (c.Type == Temporal || c.Type == TemporalOrdered) && len(c.Refs) < 2 {
		return nil, wording.New("correlation: %s needs two rules or more", c.Type)
	}
	if len(c.Refs) > 64 {
		return nil, wording.New("correlation: more than 64 rules")
	}
	span := m.get("timespan")
	if span == nil {
		span = m.get("timeframe")
	}
	if span == nil {
		return nil, wording.New("correlation: timespan is missing")
	}
	if c.Timespan, err = parseTimespan(scalarText(span)); err != nil {
		return nil, err
	}
	if c.GroupBy, err = textList(m.get("group-by")); err != nil {
		return nil, within("correlation: group-by", err)
	}
	gen := m.get("generate")
	if gen == nil {
		gen = top.get("generate")
	}
	if gen != nil {
		if gen.Kind != yaml.ScalarNode || gen.ShortTag() != "!!bool" {
			return nil, wording.New("correlation: generate must be true or false")
		}
		c.Generate = strings.EqualFold(gen.Value, "true")
	}
	if n := m.get("aliases"); n != nil {
		am, err := asMap(n)
		if err != nil {
			return nil, within("correlation: aliases", err)
		}
		c.Aliases = map[string]map[string]string{}
		for i, alias := range am.keys {
			rm, err := asMap(am.vals[i])
			if err != nil {
				return nil, within("correlation: aliases: "+alias, err)
			}
			c.Aliases[alias] = map[string]string{}
			for j, rule := range rm.keys {
				field := scalarText(rm.vals[j])
				if field == "" {
					return nil, wording.New("correlation: aliases: %s: %s names no field", alias, rule)
				}
				c.Aliases[alias][rule] = field
			}
		}
	}
	return c, c.parseCondition(m.get("condition"))
}

func (c *Correlation) parseCondition(n *yaml.Node) error {
	temporal := c.Type == Temporal || c.Type == TemporalOrdered
	if n == nil {
		if temporal {
			return nil
		}
		return wording.New("correlation: condition is missing")
	}
	if temporal {
		if c.Type == TemporalOrdered {
			return wording.New("correlation: temporal_ordered takes no condition; all rules must follow in their order")
		}
		if n.Kind != yaml.ScalarNode {
			return wording.New("correlation: the condition of temporal joins rule names by and, or")
		}
		cond, err := parseCondition(n.Value, c.Refs)
		if err != nil {
			return within(fmt.Sprintf("correlation: condition %q", n.Value), err)
		}
		if cond.negates() {
			return wording.New("correlation: condition %q: not is not supported; absence is known only after the window", n.Value)
		}
		c.Needs = func(seen []bool) bool {
			return cond.eval(func(name string) bool { return seen[slices.Index(c.Refs, name)] })
		}
		return nil
	}
	m, err := asMap(n)
	if err != nil {
		return within("correlation: condition", err)
	}
	for i, key := range m.keys {
		switch key {
		case "field":
			if c.Fields, err = textList(m.vals[i]); err != nil {
				return within("correlation: condition: field", err)
			}
		case "gt", "gte", "lt", "lte", "eq", "neq":
			x, err := strconv.ParseFloat(scalarText(m.vals[i]), 64)
			if err != nil {
				return wording.New("correlation: condition: %s needs a number", key)
			}
			if counts := c.Type == EventCount || c.Type == ValueCount; counts && (x != float64(int64(x)) || x < 0 || x > 1e6) {
				return wording.New("correlation: condition: %s needs a whole number from 0 to 1000000", key)
			}
			c.Bounds = append(c.Bounds, Bound{key, x})
		default:
			return wording.New("correlation: condition: %q is unknown; want field, gt, gte, lt, lte, eq or neq", key)
		}
	}
	if len(c.Bounds) == 0 {
		return wording.New("correlation: condition has no operator (gt, gte, lt, lte, eq, neq)")
	}
	switch {
	case c.Type == EventCount && len(c.Fields) > 0:
		return wording.New("correlation: event_count takes no field; value_count counts values")
	case c.Type != EventCount && len(c.Fields) == 0:
		return wording.New("correlation: %s needs a field in its condition", c.Type)
	case (c.Type == ValueSum || c.Type == ValueAvg) && len(c.Fields) != 1:
		return wording.New("correlation: %s takes one field", c.Type)
	}
	return nil
}

// Holds reports whether x satisfies every bound.
func (c *Correlation) Holds(x float64) bool {
	for _, b := range c.Bounds {
		ok := false
		switch b.Op {
		case "gt":
			ok = x > b.Value
		case "gte":
			ok = x >= b.Value
		case "lt":
			ok = x < b.Value
		case "lte":
			ok = x <= b.Value
		case "eq":
			ok = x == b.Value
		case "neq":
			ok = x != b.Value
		}
		if !ok {
			return false
		}
	}
	return true
}
