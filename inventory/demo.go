package inventory

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"hoalu/soc"
)

//go:embed demo.yml
var demoText []byte

// demoSet is the form of demo.yml.
type demoSet struct {
	Units []struct {
		Name    string
		Kind    string
		Systems []struct {
			Name      string
			Level     int
			Basis     string
			Placement string
			Dossier   string
			Plan      string
			Investing bool
			Engine    string
			Hosts     []struct {
				Host    string
				Address string
				Zone    string
				Kind    string
				Source  string   // kind of its source, "" it sends nothing
				Layers  []string // the source proves
			}
		}
	}
}

// Sizes says how much of the sample set was loaded or removed.
type Sizes struct {
	Units   int `json:"units"`
	Systems int `json:"systems"`
	Assets  int `json:"assets"`
	Sources int `json:"sources"`
}

// DemoLoad loads the sample set, every row marked demo; where it is loaded already nothing changes and Sizes are 0.
func (s *Store) DemoLoad(ctx context.Context, actor soc.Actor) (Sizes, error) {
	var set demoSet
	dec := yaml.NewDecoder(bytes.NewReader(demoText))
	dec.KnownFields(true)
	if err := dec.Decode(&set); err != nil {
		return Sizes{}, fmt.Errorf("read sample set: %w", err)
	}
	var n Sizes
	err := s.change(ctx, actor, func(c *change) error {
		n = Sizes{}
		for _, v := range c.base.systems {
			if v.Demo {
				return nil
			}
		}
		for _, u := range set.Units {
			unit, err := c.addUnit(soc.Unit{Name: u.Name, Kind: u.Kind, Demo: true})
			if err != nil {
				return fmt.Errorf("load sample unit %s: %w", u.Name, err)
			}
			n.Units++
			for _, y := range u.Systems {
				system, err := c.addSystem(soc.System{Name: y.Name, Unit: unit.ID, Operator: unit.ID, Level: y.Level, Basis: y.Basis,
					Placement: y.Placement,
					Dossier:   y.Dossier, Plan: y.Plan, Investing: y.Investing, Engine: y.Engine, Demo: true})
				if err != nil {
					return fmt.Errorf("load sample system %s: %w", y.Name, err)
				}
				n.Systems++
				for _, h := range y.Hosts {
					if _, err := c.addAsset(soc.Asset{System: system.ID, Host: h.Host, Address: h.Address, Zone: h.Zone, Kind: h.Kind,
						Demo: true}); err != nil {
						return fmt.Errorf("load sample host %s: %w", h.Host, err)
					}
					n.Assets++
					if h.Source == "" {
						continue
					}
					_, err := c.addSource(soc.Source{Name: strings.TrimSuffix(h.Host, "-01"), Kind: h.Source, System: system.ID, Address: h.Address,
						Host: h.Host, Layers: h.Layers, Demo: true})
					if err != nil {
						return fmt.Errorf("load sample source %s: %w", h.Host, err)
					}
					n.Sources++
				}
			}
		}
		return nil
	})
	return n, err
}

// DemoRemove deletes every sample unit, system, asset and source. It is refused while
// something real belongs to a sample system.
func (s *Store) DemoRemove(ctx context.Context, actor soc.Actor) (Sizes, error) {
	var n Sizes
	err := s.change(ctx, actor, func(c *change) error {
		n = Sizes{}
		for _, id := range ids(c.base.assets) {
			a := c.base.assets[id]
			switch {
			case a.Demo:
				if err := c.dropAsset(a); err != nil {
					return err
				}
				n.Assets++
			case c.demoSystem(a.System):
				return inUse(a.System, []soc.Use{assetUse(a)})
			}
		}
		for _, id := range ids(c.base.sources) {
			v := c.base.sources[id]
			switch {
			case v.Demo:
				if err := c.dropSource(v); err != nil {
					return err
				}
				n.Sources++
			case c.demoSystem(v.System):
				return inUse(v.System, []soc.Use{sourceUse(v)})
			}
		}
		for _, id := range ids(c.base.systems) {
			v := c.base.systems[id]
			switch {
			case v.Demo:
				if err := c.dropSystem(v); err != nil {
					return err
				}
				n.Systems++
			case c.demoUnit(v.Unit):
				return inUse(v.Unit, []soc.Use{systemUse(v)})
			case c.demoUnit(v.Operator):
				return inUse(v.Operator, []soc.Use{systemUse(v)})
			}
		}
		for _, id := range ids(c.base.units) {
			if u := c.base.units[id]; u.Demo {
				if err := c.dropUnit(u); err != nil {
					return err
				}
				n.Units++
			}
		}
		return nil
	})
	return n, err
}

func (c *change) demoSystem(id string) bool {
	v := c.base.systems[id]
	return v != nil && v.Demo
}

func (c *change) demoUnit(id string) bool {
	v := c.base.units[id]
	return v != nil && v.Demo
}
