package inventory

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"hoalu/soc"
)

// Retire does r. It is refused as in_use while anything in use refers to the thing, naming what does; a retired source's keys end.
func (s *Store) Retire(ctx context.Context, actor soc.Actor, r soc.Retirement) error {
	uses, err := s.refers(ctx, r.Kind, r.ID)
	if err != nil {
		return err
	}
	return s.change(ctx, actor, func(c *change) error {
		c.reason = r.Reason
		if err := c.seen(r.Kind, r.ID, r.Version); err != nil {
			return err
		}
		at, action := int64(0), r.Kind+".restore"
		if r.Retired {
			at, action = c.now, r.Kind+".retire"
			now := slices.DeleteFunc(append(c.uses(r.Kind, r.ID, false), uses...), func(u soc.Use) bool { return u.Past })
			if len(now) > 0 {
				return inUse(r.ID, now)
			}
		}
		switch r.Kind {
		case soc.KindUnit:
			return retire(c, c.base.units[r.ID], r, at, func(v *soc.Unit) (*int64, *int64) { return &v.Version, &v.Retired },
				c.checkUnit,
				func(old *soc.Unit, v soc.Unit) error { return c.putUnit(old, v, action) })
		case soc.KindSystem:
			return retire(c, c.base.systems[r.ID], r, at, func(v *soc.System) (*int64, *int64) { return &v.Version, &v.Retired },
				c.checkSystem,
				func(old *soc.System, v soc.System) error { return c.putSystem(old, v, action) })
		case soc.KindAsset:
			return retire(c, c.base.assets[r.ID], r, at, func(v *soc.Asset) (*int64, *int64) { return &v.Version, &v.Retired },
				c.checkAsset, func(old *soc.Asset, v soc.Asset) error { return c.putAsset(old, v, action) })
		case soc.KindSource:
			old := c.base.sources[r.ID]
			if err := removable(old); err != nil && r.Retired {
				return err
			}
			if !r.Retired && old.Retired != 0 && old.Sensor != "" {
				return sensorWithdrawn(old.ID, old.Sensor)
			}
			return c.retireSource(old, r, at, action)
		}
		return nil // seen knows every kind
	})
}

func (c *change) retireSource(old *soc.Source, r soc.Retirement, at int64, action string) error {
	return retire(c, old, r, at, func(v *soc.Source) (*int64, *int64) { return &v.Version, &v.Retired },
		c.checkSource, func(old *soc.Source, v soc.Source) error {
			if r.Retired {
				v.Keys = nil // they end; back in use it gets new ones
			}
			return c.putSource(old, v, action)
		})
}

// RetireSensor retires what is in use of the sources of a sensor from which nothing is taken any more, so that nobody waits for its
// events. None in use is as asked. Only its withdrawal leads here: who may retire sources withdraws no sensor by it (Retire refuses).
func (s *Store) RetireSensor(ctx context.Context, actor soc.Actor, sensor, reason string) error {
	return s.change(ctx, actor, func(c *change) error {
		c.reason = reason
		for _, id := range ids(c.base.sources) {
			old := c.base.sources[id]
			if sensor == "" || old.Sensor != sensor || old.Retired != 0 {
				continue
			}
			if err := c.retireSource(old, soc.Retirement{Kind: soc.KindSource, ID: id, Retired: true, Reason: reason}, c.now,
				"source.retire"); err != nil {
				return err
			}
		}
		return nil
	})
}

// retire stores old with its time of retirement; what comes back into use must fit what is in use now.
func retire[T any](c *change, old *T, r soc.Retirement, at int64, fields func(*T) (version, retired *int64), check func(*T) error,
	put func(*T, T) error) error {
	v := *old
	version, since := fields(&v)
	if (*since != 0) == r.Retired {
		return nil // as asked
	}
	*since = at
	if !r.Retired {
		if err := check(&v); err != nil {
			return err
		}
	}
	*version++
	return put(old, v)
}

// Delete deletes a thing that nothing refers to. Its number is never given again. A source found by itself may go although events of
// it are kept: nobody ever said that there is such a sender.
func (s *Store) Delete(ctx context.Context, actor soc.Actor, kind, id string, version int64) error {
	past, err := s.refers(ctx, kind, id)
	if err != nil {
		return err
	}
	return s.change(ctx, actor, func(c *change) error { return c.remove(kind, id, version, past) })
}

// seen refuses what is not there and what has changed since the person read it.
func (c *change) seen(kind, id string, version int64) error {
	have := int64(0)
	switch kind {
	case soc.KindUnit:
		if v := c.base.units[id]; v != nil {
			have = v.Version
		}
	case soc.KindSystem:
		if v := c.base.systems[id]; v != nil {
			have = v.Version
		}
	case soc.KindAsset:
		if v := c.base.assets[id]; v != nil {
			have = v.Version
		}
	case soc.KindSource:
		if v := c.base.sources[id]; v != nil {
			have = v.Version
		}
	default:
		return fmt.Errorf("change %s: no kind %q", id, kind)
	}
	if have == 0 {
		return notFound(id)
	}
	return c.same(id, have, version)
}

func (c *change) remove(kind, id string, version int64, refers []soc.Use) error {
	if err := c.seen(kind, id, version); err != nil {
		return err
	}
	if uses := append(c.uses(kind, id, true), slices.DeleteFunc(slices.Clone(refers),
		func(u soc.Use) bool { return u.Past })...); len(uses) > 0 {
		return inUse(id, uses)
	}
	past := slices.DeleteFunc(slices.Clone(refers), func(u soc.Use) bool { return !u.Past })
	drop := func() error { return nil }
	switch kind {
	case soc.KindUnit:
		drop = func() error { return c.dropUnit(c.base.units[id]) }
	case soc.KindSystem:
		drop = func() error { return c.dropSystem(c.base.systems[id]) }
	case soc.KindAsset:
		drop = func() error { return c.dropAsset(c.base.assets[id]) }
	case soc.KindSource:
		old := c.base.sources[id]
		if err := removable(old); err != nil {
			return err
		}
		if old.Auto {
			past = nil
		}
		drop = func() error { return c.dropSource(old) }
	}
	if len(past) > 0 {
		return hasHistory(id, past)
	}
	return drop()
}

// MaxForget bounds how many sources one call of Forget deletes.
const MaxForget = 1000

// Forget deletes sources that were found by themselves and never confirmed, in one transaction; of declared ones nothing is done.
func (s *Store) Forget(ctx context.Context, actor soc.Actor, list []string) (deleted []string, refused []soc.Refusal, err error) {
	if len(list) > MaxForget {
		return nil, nil, fmt.Errorf("delete sources: %d at once, at most %d", len(list), MaxForget)
	}
	err = s.change(ctx, actor, func(c *change) error {
		deleted, refused = nil, nil
		done := map[string]bool{}
		for _, id := range list {
			old := c.base.sources[id]
			var no *soc.Problem
			switch {
			case done[id]:
				continue
			case old == nil:
				no = notFound(id)
			case !old.Auto:
				no = &soc.Problem{Status: 409, Code: "source_declared", Detail: id + " was declared or confirmed.",
					Do: "Open it to retire or delete it.", Values: map[string]string{"id": id}}
			default:
				if p := removable(old); p != nil {
					no = p
				}
			}
			done[id] = true
			if no != nil {
				refused = append(refused, soc.Refusal{ID: id, Problem: no})
				continue
			}
			if err := c.dropSource(old); err != nil {
				return err
			}
			deleted = append(deleted, id)
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	return deleted, refused, nil
}

// removable says why a source must stay; nil: it need not.
func removable(v *soc.Source) *soc.Problem {
	switch {
	case v.Kind == soc.SourceSelf:
		return own(v.ID)
	case v.Sensor != "" && v.Retired == 0:
		return ofSensor(v.ID, v.Sensor)
	}
	return nil
}

func (s *Store) refers(ctx context.Context, kind, id string) ([]soc.Use, error) {
	if s.c.Refers == nil {
		return nil, nil
	}
	uses, err := s.c.Refers(ctx, kind, id)
	if err != nil {
		return nil, fmt.Errorf("look for what refers to %s: %w", id, err)
	}
	return uses, nil
}

// uses are the things of the inventory that refer to one; with all also those that are retired.
func (c *change) uses(kind, id string, all bool) []soc.Use {
	var out []soc.Use
	switch kind {
	case soc.KindUnit:
		for _, v := range c.base.systems {
			if (v.Unit == id || v.Operator == id) && (all || v.Retired == 0) {
				out = append(out, systemUse(v))
			}
		}
	case soc.KindSystem:
		for _, v := range c.base.assets {
			if v.System == id && (all || v.Retired == 0) {
				out = append(out, assetUse(v))
			}
		}
		for _, v := range c.base.sources {
			if v.System == id && (all || v.Retired == 0) {
				out = append(out, sourceUse(v))
			}
		}
	}
	slices.SortFunc(out, func(a, b soc.Use) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID)) })
	return out
}

func systemUse(v *soc.System) soc.Use { return soc.Use{Kind: soc.KindSystem, ID: v.ID, Name: v.Name} }

func assetUse(a *soc.Asset) soc.Use {
	return soc.Use{Kind: soc.KindAsset, ID: a.ID, Name: cmp.Or(a.Host, a.Address)}
}

func sourceUse(v *soc.Source) soc.Use { return soc.Use{Kind: soc.KindSource, ID: v.ID, Name: v.Name} }
