package inventory

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"hoalu/inventory/internal/db"
	"hoalu/soc"
	"hoalu/state"
)

// CreateUnit gives u a number and stores it.
func (s *Store) CreateUnit(ctx context.Context, actor soc.Actor, u soc.Unit) (soc.Unit, error) {
	err := s.change(ctx, actor, func(c *change) (err error) { u, err = c.addUnit(u); return err })
	return u, err
}

func (c *change) addUnit(u soc.Unit) (soc.Unit, error) {
	if err := c.checkUnit(&u); err != nil {
		return u, err
	}
	id, err := c.number("DV", 2)
	if err != nil {
		return u, err
	}
	u.ID, u.Version = id, 1
	return u, c.putUnit(nil, u, "unit.create")
}

// UpdateUnit stores u, whose Version is the one the person saw.
func (s *Store) UpdateUnit(ctx context.Context, actor soc.Actor, u soc.Unit) (soc.Unit, error) {
	err := s.change(ctx, actor, func(c *change) error {
		old := c.base.units[u.ID]
		if old == nil {
			return notFound(u.ID)
		}
		if err := c.mayUpdate(u.ID, old.Version, u.Version, old.Retired); err != nil {
			return err
		}
		u.Retired = 0
		if err := c.checkUnit(&u); err != nil {
			return err
		}
		u.Demo, u.Version = old.Demo, old.Version+1
		return c.putUnit(old, u, "unit.update")
	})
	return u, err
}

// CreateSystem gives v a number and stores it. What is empty takes its usual value.
func (s *Store) CreateSystem(ctx context.Context, actor soc.Actor, v soc.System) (soc.System, error) {
	err := s.change(ctx, actor, func(c *change) (err error) { v, err = c.addSystem(v); return err })
	return v, err
}

func (c *change) addSystem(v soc.System) (soc.System, error) {
	if err := c.checkSystem(&v); err != nil {
		return v, err
	}
	id, err := c.number("HT", 3)
	if err != nil {
		return v, err
	}
	v.ID, v.Version = id, 1
	return v, c.putSystem(nil, v, "system.create")
}

// UpdateSystem stores v, whose Version is the one the person saw.
func (s *Store) UpdateSystem(ctx context.Context, actor soc.Actor, v soc.System) (soc.System, error) {
	err := s.change(ctx, actor, func(c *change) error {
		old := c.base.systems[v.ID]
		if old == nil {
			return notFound(v.ID)
		}
		if err := c.mayUpdate(v.ID, old.Version, v.Version, old.Retired); err != nil {
			return err
		}
		v.Retired = 0
		if err := c.checkSystem(&v); err != nil {
			return err
		}
		if v.ID == c.base.self && (v.Unit != old.Unit || v.Operator != old.Operator) { // its alerts name the sources of every unit
			return own(v.ID)
		}
		v.Demo, v.Version = old.Demo, old.Version+1
		return c.putSystem(old, v, "system.update")
	})
	return v, err
}

// CreateAsset gives a a number and stores it.
func (s *Store) CreateAsset(ctx context.Context, actor soc.Actor, a soc.Asset) (soc.Asset, error) {
	err := s.change(ctx, actor, func(c *change) (err error) { a, err = c.addAsset(a); return err })
	return a, err
}

func (c *change) addAsset(a soc.Asset) (soc.Asset, error) {
	if err := c.checkAsset(&a); err != nil {
		return a, err
	}
	id, err := c.number("TS", 4)
	if err != nil {
		return a, err
	}
	a.ID, a.Version = id, 1
	return a, c.putAsset(nil, a, "asset.create")
}

// UpdateAsset stores a, whose Version is the one the person saw.
func (s *Store) UpdateAsset(ctx context.Context, actor soc.Actor, a soc.Asset) (soc.Asset, error) {
	err := s.change(ctx, actor, func(c *change) error {
		old := c.base.assets[a.ID]
		if old == nil {
			return notFound(a.ID)
		}
		if err := c.mayUpdate(a.ID, old.Version, a.Version, old.Retired); err != nil {
			return err
		}
		a.Retired = 0
		if err := c.checkAsset(&a); err != nil {
			return err
		}
		a.Demo, a.Version = old.Demo, old.Version+1
		return c.putAsset(old, a, "asset.update")
	})
	return a, err
}

// CreateSource gives v a number and stores it.
func (s *Store) CreateSource(ctx context.Context, actor soc.Actor, v soc.Source) (soc.Source, error) {
	err := s.change(ctx, actor, func(c *change) (err error) { v, err = c.addSource(v); return err })
	return v, err
}

func (c *change) addSource(v soc.Source) (soc.Source, error) {
	if err := c.checkSource(&v); err != nil {
		return v, err
	}
	id, err := c.number("NG", 4)
	if err != nil {
		return v, err
	}
	v.ID, v.Version = id, 1
	return v, c.putSource(nil, v, "source.create")
}

// UpdateSource stores v, whose Version is the one the person saw. To confirm a source found by itself, set Auto to false.
func (s *Store) UpdateSource(ctx context.Context, actor soc.Actor, v soc.Source) (soc.Source, error) {
	err := s.change(ctx, actor, func(c *change) error {
		old := c.base.sources[v.ID]
		if old == nil {
			return notFound(v.ID)
		}
		if err := c.mayUpdate(v.ID, old.Version, v.Version, old.Retired); err != nil {
			return err
		}
		v.Retired = 0
		if err := c.checkSource(&v); err != nil {
			return err
		}
		v.Demo, v.Keys, v.Version = old.Demo, old.Keys, old.Version+1
		return c.putSource(old, v, "source.update")
	})
	return v, err
}

// same refuses a change of something that has changed since the person read it; version 0 does not check.
func (c *change) same(id string, have, saw int64) error {
	if saw == 0 || saw == have {
		return nil
	}
	st := c.base.changed[id]
	return conflict(id, st.by, st.at, have)
}

// mayUpdate refuses a change of what the person saw otherwise (see same), or of what is in use no longer.
func (c *change) mayUpdate(id string, have, saw, retiredAt int64) error {
	if err := c.same(id, have, saw); err != nil {
		return err
	}
	if retiredAt != 0 {
		return retired(id)
	}
	return nil
}

func (c *change) putUnit(old *soc.Unit, u soc.Unit, action string) (err error) {
	if old == nil {
		err = c.q.InsertUnit(c.ctx, db.InsertUnitParams{ID: u.ID, Name: u.Name, Kind: u.Kind, Demo: u.Demo, Retired: u.Retired,
			Version: u.Version, Changed: c.now, ChangedBy: c.by()})
	} else {
		err = c.q.UpdateUnit(c.ctx, db.UpdateUnitParams{ID: u.ID, Name: u.Name, Kind: u.Kind, Demo: u.Demo, Retired: u.Retired,
			Version: u.Version, Changed: c.now, ChangedBy: c.by()})
	}
	if err != nil {
		return fmt.Errorf("store %s: %w", u.ID, err)
	}
	c.d.units[u.ID] = &u
	return note(c, "unit", u.ID, old, &u, action)
}

func (c *change) dropUnit(old *soc.Unit) error {
	if err := c.q.DeleteUnit(c.ctx, old.ID); err != nil {
		return fmt.Errorf("delete %s: %w", old.ID, err)
	}
	c.d.units[old.ID] = nil
	return note(c, "unit", old.ID, old, nil, "unit.delete")
}

func (c *change) putSystem(old *soc.System, v soc.System, action string) (err error) {
	p := db.InsertSystemParams{ID: v.ID, Name: v.Name, Unit: v.Unit, Operator: v.Operator, Level: int64(v.Level), Basis: v.Basis,
		Placement: v.Placement, Dossier: v.Dossier, Plan: v.Plan, Investing: v.Investing, Engine: v.Engine, Demo: v.Demo, Retired: v.Retired,
		Version: v.Version, Changed: c.now, ChangedBy: c.by()}
	if old == nil {
		err = c.q.InsertSystem(c.ctx, p)
	} else {
		err = c.q.UpdateSystem(c.ctx, db.UpdateSystemParams(p))
	}
	if err != nil {
		return fmt.Errorf("store %s: %w", v.ID, err)
	}
	c.d.systems[v.ID] = &v
	return note(c, "system", v.ID, old, &v, action)
}

func (c *change) dropSystem(old *soc.System) error {
	if err := c.q.DeleteSystem(c.ctx, old.ID); err != nil {
		return fmt.Errorf("delete %s: %w", old.ID, err)
	}
	c.d.systems[old.ID] = nil
	return note(c, "system", old.ID, old, nil, "system.delete")
}

func (c *change) putAsset(old *soc.Asset, a soc.Asset, action string) (err error) {
	p := db.InsertAssetParams{ID: a.ID, System: a.System, Host: a.Host, Address: a.Address, Zone: a.Zone, Kind: a.Kind, Demo: a.Demo,
		Retired: a.Retired,
		Version: a.Version, Changed: c.now, ChangedBy: c.by()}
	if old == nil {
		err = c.q.InsertAsset(c.ctx, p)
	} else {
		err = c.q.UpdateAsset(c.ctx, db.UpdateAssetParams(p))
	}
	if err != nil {
		return fmt.Errorf("store %s: %w", a.ID, err)
	}
	c.d.assets[a.ID] = &a
	c.claim(old, &a)
	return note(c, "asset", a.ID, old, &a, action)
}

func (c *change) dropAsset(old *soc.Asset) error {
	if err := c.q.DeleteAsset(c.ctx, old.ID); err != nil {
		return fmt.Errorf("delete %s: %w", old.ID, err)
	}
	c.d.assets[old.ID] = nil
	c.claim(old, nil)
	return note(c, "asset", old.ID, old, nil, "asset.delete")
}

func (c *change) putSource(old *soc.Source, v soc.Source, action string) error {
	layers, err := json.Marshal(v.Layers)
	if err != nil {
		return fmt.Errorf("store %s: %w", v.ID, err)
	}
	if v.Keys == nil {
		v.Keys = []soc.SourceKey{}
	}
	keys, err := json.Marshal(v.Keys)
	if err != nil {
		return fmt.Errorf("store %s: %w", v.ID, err)
	}
	p := db.InsertSourceParams{ID: v.ID, Name: v.Name, Kind: v.Kind, System: v.System, Address: v.Address, Host: v.Host, Dataset: v.Dataset,
		Zone: v.Zone, Layers: string(layers), ExpectEvery: v.ExpectEvery, TrustLogsource: v.TrustLogsource, Keys: string(keys),
		Sensor: v.Sensor, Auto: v.Auto, StoppedUntil: v.StoppedUntil, Demo: v.Demo, Retired: v.Retired, Version: v.Version, Changed: c.now,
		ChangedBy: c.by()}
	if old == nil {
		err = c.q.InsertSource(c.ctx, p)
	} else {
		err = c.q.UpdateSource(c.ctx, db.UpdateSourceParams(p))
	}
	if err != nil {
		return fmt.Errorf("store %s: %w", v.ID, err)
	}
	c.d.sources[v.ID] = &v
	return note(c, "source", v.ID, old, &v, action)
}

func (c *change) dropSource(old *soc.Source) error {
	if err := c.q.DeleteSource(c.ctx, old.ID); err != nil {
		return fmt.Errorf("delete %s: %w", old.ID, err)
	}
	c.d.sources[old.ID] = nil
	return note(c, "source", old.ID, old, nil, "source.delete")
}

// note keeps history, who changed it, and the audit row.
func note[T any](c *change, kind, id string, old, new *T, action string) error {
	var before, after any // a nil *T in an any would not be nil
	if old != nil {
		before = old
	}
	if new != nil {
		after = new
	}
	if err := c.d.keep(kind, id, before); err != nil {
		return err
	}
	c.d.changed[id] = stamp{c.by(), c.now}
	return c.record(action, id, before, after)
}

// words brings what a person typed into the form in which it may be kept.
func (c *change) words(texts ...*string) error {
	if c.s.c.Words == nil {
		return nil
	}
	for _, text := range texts {
		kept, err := c.s.c.Words(*text)
		if err != nil {
			return fmt.Errorf("protect what was typed: %w", err)
		}
		*text = kept
	}
	return nil
}

func (c *change) checkUnit(u *soc.Unit) error {
	w := wrong{}
	u.Name = state.Line(u.Name)
	w.text("name", u.Name, 200)
	w.oneOf("kind", u.Kind, "department", "commune", "police", "other")
	if err := w.problem(); err != nil {
		return err
	}
	return c.words(&u.Name)
}

func (c *change) checkSystem(v *soc.System) error {
	w := wrong{}
	v.Name = state.Line(v.Name)
	w.text("name", v.Name, 200)
	w.unit("unit", c.unit(v.Unit))
	if v.Operator == "" {
		v.Operator = v.Unit
	}
	w.unit("operator", c.unit(v.Operator))
	if v.Level < 0 || v.Level > 5 {
		w["level"] = "range"
	}
	if v.Basis == "" {
		v.Basis = "tcvn11930"
	}
	w.oneOf("basis", v.Basis, "tcvn11930", "tcvn14423")
	if v.Placement == "" {
		v.Placement = soc.PlacementDataCentre
	}
	w.oneOf("placement", v.Placement, soc.PlacementDataCentre, soc.PlacementCloud, soc.PlacementInternet)
	if v.Dossier == "" {
		v.Dossier = soc.DossierDrafting
	}
	w.oneOf("dossier", v.Dossier, soc.DossierDrafting, soc.DossierSubmitted, soc.DossierAppraised, soc.DossierApproved)
	if v.Plan == "" {
		v.Plan = soc.PlanNone
	}
	w.oneOf("plan", v.Plan, soc.PlanNone, soc.PlanPartial, soc.PlanFull)
	v.Engine = state.Line(v.Engine)
	if len(v.Engine) > 60 {
		w["engine"] = "too_long"
	}
	if err := w.problem(); err != nil {
		return err
	}
	return c.words(&v.Name, &v.Engine)
}

var hostName = regexp.MustCompile(`^[\p{L}\p{N}_]([\p{L}\p{N}_.-]{0,251}[\p{L}\p{N}_])?$`)

func (c *change) checkAsset(a *soc.Asset) error {
	w := wrong{}
	a.Host = foldHost(strings.TrimSpace(a.Host))
	if err := names(c.s.c.Protect).asset(a); err != nil {
		return err
	}
	if a.Host != "" && !isHost(a.Host) {
		w["host"] = "not_host"
	}
	a.Address = address(w, a.Address)
	if a.Host == "" && a.Address == "" {
		w["host"] = "required"
	}
	w.system(c.system(a.System))
	a.Kind, a.Zone = state.Line(a.Kind), state.Line(a.Zone)
	if a.Kind == "" {
		a.Kind = "server"
	}
	if len(a.Kind) > 60 {
		w["kind"] = "too_long"
	}
	if len(a.Zone) > 60 {
		w["zone"] = "too_long"
	}
	if err := w.problem(); err != nil {
		return err
	}
	if err := c.words(&a.Kind, &a.Zone); err != nil {
		return err
	}
	by := c.claims()
	if id := by.hosts[a.Host]; a.Host != "" && id != "" && id != a.ID {
		return exists("host", a.Host, id)
	}
	if p, ok := prefix(a.Address); ok {
		for _, other := range by.networks[p] {
			if other.ID != a.ID && other.System != a.System {
				return exists("address", a.Address, other.ID)
			}
		}
	}
	return nil
}

// longestSilence of a source, ms: 366 days. Longer is not expected of anything, and a time.Duration must hold it.
const longestSilence = 366 * 24 * 3600_000

// claims are the host names and addresses that the assets in use hold, as this transaction has left them.
type claims struct {
	hosts    map[string]string // → TS-
	networks map[netip.Prefix][]*soc.Asset
}

func (c *change) claims() *claims {
	if c.claimed == nil {
		c.claimed = &claims{hosts: map[string]string{}, networks: map[netip.Prefix][]*soc.Asset{}}
		for _, a := range merge(c.base.assets, c.d.assets) {
			c.claimed.add(a)
		}
	}
	return c.claimed
}

func (k *claims) add(a *soc.Asset) {
	if a.Retired != 0 {
		return
	}
	if a.Host != "" {
		k.hosts[a.Host] = a.ID
	}
	if p, ok := prefix(a.Address); ok {
		k.networks[p] = append(k.networks[p], a)
	}
}

func (k *claims) drop(a *soc.Asset) {
	if k.hosts[a.Host] == a.ID {
		delete(k.hosts, a.Host)
	}
	if p, ok := prefix(a.Address); ok {
		k.networks[p] = slices.DeleteFunc(k.networks[p], func(x *soc.Asset) bool { return x.ID == a.ID })
	}
}

// claim keeps claims in step with a change of an asset; nil is one that was or is not there.
func (c *change) claim(old, a *soc.Asset) {
	if c.claimed == nil {
		return
	}
	if old != nil {
		c.claimed.drop(old)
	}
	if a != nil {
		c.claimed.add(a)
	}
}

func (c *change) checkSource(v *soc.Source) error {
	w := wrong{}
	v.Name = state.Line(v.Name)
	w.text("name", v.Name, 200)
	w.oneOf("kind", v.Kind, soc.SourceKinds...)
	if v.System != "" {
		w.system(c.system(v.System))
	}
	v.Address = address(w, v.Address)
	v.Host = foldHost(strings.TrimSpace(v.Host))
	if err := names(c.s.c.Protect).source(v); err != nil {
		return err
	}
	v.Dataset = state.Line(v.Dataset)
	if err := c.words(&v.Dataset); err != nil {
		return err
	}
	if len(v.Host) > 253 {
		w["host"] = "too_long"
	}
	if v.Zone != "" {
		if _, err := time.LoadLocation(v.Zone); err != nil {
			w["zone"] = "not_zone"
		}
	}
	for _, l := range v.Layers {
		w.oneOf("layers", l, soc.LayerNetwork, soc.LayerApplication, soc.LayerDatabase, soc.LayerEndpoint)
	}
	if v.Layers == nil {
		v.Layers = []string{}
	}
	if v.ExpectEvery < 0 || v.ExpectEvery > longestSilence {
		w["expect_every"] = "range"
	}
	if v.Kind == soc.SourceSensor && v.Sensor == "" {
		w["sensor"] = "required"
	}
	if err := w.problem(); err != nil {
		return err
	}
	for _, other := range c.sources() {
		if other.ID == v.ID || other.Retired != 0 {
			continue
		}
		if v.Sensor != "" && other.Sensor == v.Sensor {
			return exists("sensor", v.Sensor, other.ID)
		}
	}
	return nil
}

// address reads an address or CIDR into its one form.
func address(w wrong, s string) string {
	s = strings.TrimSpace(s)
	if s == "" {
		return ""
	}
	p, ok := prefix(s)
	if !ok {
		w["address"] = "not_address"
		return s
	}
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

// unit, system and sources see what this transaction has already done.
func (c *change) unit(id string) *soc.Unit {
	if v, ok := c.d.units[id]; ok {
		return v
	}
	return c.base.units[id]
}

func (c *change) system(id string) *soc.System {
	if v, ok := c.d.systems[id]; ok {
		return v
	}
	return c.base.systems[id]
}

func (c *change) sources() map[string]*soc.Source { return merge(c.base.sources, c.d.sources) }
