package console

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"hoalu/console/authz"
	"hoalu/soc"
)

// A desk is what every resource works with: who may do what, the systems and units of the province, the record of deeds and the time.
type desk struct {
	policy    *authz.Policy
	inventory Inventory
	audit     Audit
	log       *slog.Logger
	clock     func() time.Time
}

func (h *desk) now() Time { return Time(h.clock().UnixMilli()) }

// frame begins an answer that may be believed for the given time.
func (h *desk) frame(total int64, next string, fresh time.Duration) Frame {
	now := h.now()
	return Frame{Total: total, AsOf: now, StaleAfter: now + Time(fresh.Milliseconds()), Next: next}
}

// permit asks the policy for one more action of the same call and takes over its rows.
func (h *desk) permit(ctx context.Context, k *call, action string) error {
	d, err := h.policy.Decide(ctx, k.Actor, action)
	if err != nil {
		return err
	}
	if !d.Allow {
		return denial(k, action, d)
	}
	k.Masked = d.Masked
	k.Filter, err = h.policy.Filter(ctx, k.Actor, action)
	return err
}

// may reports whether the actor may do the action at all, for parts of an answer. A policy that does not answer allows nothing.
func (h *desk) may(ctx context.Context, k *call, action string) bool {
	d, err := h.policy.Decide(ctx, k.Actor, action)
	if err != nil {
		h.log.ErrorContext(ctx, "ask the policy for a part of an answer", "event.action", action, "error.message", err.Error())
	}
	return err == nil && d.Allow
}

// scopeFor is the scope of another action of the same call; no system where the person has no rows.
func (h *desk) scopeFor(ctx context.Context, k *call, action string) (soc.Scope, authz.Filter, error) {
	f, err := h.policy.Filter(ctx, k.Actor, action)
	if err != nil {
		return soc.Scope{Systems: []string{}}, authz.Filter{}, err
	}
	return f.Scope(h.inventory.Systems()), f, nil
}

// scope is the scope of the operation's action.
func (h *desk) scope(k *call) soc.Scope { return k.Filter.Scope(h.inventory.Systems()) }

func sourceIn(scope soc.Scope, s soc.Source) bool {
	return scope.All || (s.System != "" && slices.Contains(scope.Systems, s.System))
}

// deeds lists the actions of the given prefixes that the actor may do.
func (h *desk) deeds(ctx context.Context, k *call, prefixes ...string) ([]string, error) {
	m, err := h.policy.Menu(ctx, k.Actor)
	if err != nil {
		return nil, err
	}
	out := []string{}
	for _, d := range m.Deeds {
		if slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(d, p) }) {
			out = append(out, d)
		}
	}
	return out, nil
}

// knownUnit refuses a unit that is not there or retired, and for an owner the unit of this appliance: what its system reports of the
// health of sources names every unit's.
func (h *desk) knownUnit(unit string, roles []soc.Role) error {
	if unit == "" {
		return nil
	}
	if slices.Contains(roles, soc.Owner) && h.ownUnit(unit) {
		return &soc.Problem{Status: http.StatusUnprocessableEntity, Code: "unit_own", Detail: "The unit of this appliance has no owners.",
			Do: "Give the role lead or auditor instead.", Values: map[string]string{"unit": unit}}
	}
	if !slices.ContainsFunc(h.inventory.Units(), func(u soc.Unit) bool { return u.ID == unit && u.Retired == 0 }) {
		return &soc.Problem{Status: http.StatusUnprocessableEntity, Code: "unit_unknown", Detail: "There is no such unit.",
			Values: map[string]string{"unit": unit}}
	}
	return nil
}

// ownUnit reports whether a unit owns or operates the system of this appliance.
func (h *desk) ownUnit(unit string) bool {
	self := ""
	for _, s := range h.inventory.Sources() {
		if s.Kind == soc.SourceSelf {
			self = s.System
		}
	}
	return slices.ContainsFunc(h.inventory.Systems(),
		func(s soc.System) bool { return s.ID == self && (s.Unit == unit || s.Operator == unit) })
}

func (h *desk) unitRef(id string) *Ref {
	if id == "" {
		return nil
	}
	for _, u := range h.inventory.Units() {
		if u.ID == id {
			return &Ref{u.ID, u.Name}
		}
	}
	return &Ref{ID: id, Name: id}
}

// names resolves systems and units once for a whole answer.
type names struct {
	systems map[string]soc.System
	units   map[string]soc.Unit
	sources map[string]soc.Source
	now     int64 // ms; a planned stop that ended before is none
}

func (h *desk) names() names {
	n := names{map[string]soc.System{}, map[string]soc.Unit{}, map[string]soc.Source{}, h.clock().UnixMilli()}
	for _, s := range h.inventory.Systems() {
		n.systems[s.ID] = s
	}
	for _, u := range h.inventory.Units() {
		n.units[u.ID] = u
	}
	for _, s := range h.inventory.Sources() {
		n.sources[s.ID] = s
	}
	return n
}

func (n names) system(id string) SystemRef {
	s, ok := n.systems[id]
	if !ok {
		return SystemRef{ID: id, Name: id}
	}
	return SystemRef{ID: s.ID, Name: s.Name, Level: s.Level, Demo: s.Demo}
}

func (n names) unit(id string) *Ref {
	if id == "" {
		return nil
	}
	if u, ok := n.units[id]; ok {
		return &Ref{u.ID, u.Name}
	}
	return &Ref{id, id}
}

func (n names) source(id string) Ref {
	if s, ok := n.sources[id]; ok {
		return Ref{s.ID, s.Name}
	}
	return Ref{id, id}
}

func (h *desk) retire(ctx context.Context, k *call, kind string, in *retireIn) error {
	return h.inventory.Retire(ctx, k.Actor, soc.Retirement{Kind: kind, ID: in.ID, Version: in.Body.Version, Retired: in.Body.Retired,
		Reason: strings.TrimSpace(in.Body.Reason)})
}

func (h *desk) remove(ctx context.Context, k *call, kind string, in *deleteIn) (*Done, error) {
	if err := h.inventory.Delete(ctx, k.Actor, kind, in.ID, in.Version); err != nil {
		return nil, err
	}
	return &Done{true}, nil
}

func (h *desk) visibleSources(k *call) []soc.Source {
	scope := h.scope(k)
	var out []soc.Source
	for _, s := range h.inventory.Sources() {
		if sourceIn(scope, s) {
			out = append(out, s)
		}
	}
	return out
}

func (h *desk) visibleSource(k *call, id string) (soc.Source, error) {
	list := h.visibleSources(k)
	i := slices.IndexFunc(list, func(s soc.Source) bool { return s.ID == id })
	if i < 0 {
		return soc.Source{}, absent(id)
	}
	return list[i], nil
}

// visibleSystems are the systems of the operation's rows.
func (h *desk) visibleSystems(k *call) []soc.System {
	scope := h.scope(k)
	var out []soc.System
	for _, s := range h.inventory.Systems() {
		if authz.Covers(scope, s.ID) {
			out = append(out, s)
		}
	}
	return out
}

func (h *desk) visibleSystem(k *call, id string) (soc.System, error) {
	list := h.visibleSystems(k)
	i := slices.IndexFunc(list, func(s soc.System) bool { return s.ID == id })
	if i < 0 {
		return soc.System{}, absent(id)
	}
	return list[i], nil
}
