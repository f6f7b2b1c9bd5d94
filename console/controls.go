package console

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// controls is the catalogue of requirements.
type controls struct {
	*desk
	posture Posture
}

func (h *controls) operations() (string, []operation) {
	return "systems", []operation{
		{get, "/api/controls", "listControls", "posture.read", "The catalogue of requirements", needs(partPosture), to(h.list)},
		{get, "/api/controls/{id}", "getControl", "posture.read", "One requirement and its state on each system",
			needs(partPosture), to(h.get)},
	}
}

func controlItem(ct Control) ControlItem {
	out := ControlItem{ID: ct.ID, Group: ct.Group, Title: ct.Title, Req: ct.Req, Param: ct.Param, Mode: ct.Mode, How: ct.How,
		Clauses: ct.Clauses, Basis: []BasisItem{}, Checked: ct.Checked}
	if out.Req == nil { // a layer has none
		out.Req = Text{}
	}
	if out.Clauses == nil {
		out.Clauses = map[string]string{}
	}
	for _, b := range ct.Basis {
		x := BasisItem{Part: b.Part, Law: Law{Document: b.Document, Article: b.Clause, Mark: b.Mark}}
		switch {
		case b.Mapped:
			x.Note = both("basis.mapped", nil, "")
		case b.Part == "text":
			x.Note = both("basis.text", nil, "")
		case b.Document == "" && b.Mark == "own":
			x.Note = both("basis.figure_own", nil, "")
		case b.Document == "":
			x.Note = both("basis.figure_unread", nil, "")
		}
		out.Basis = append(out.Basis, x)
	}
	return out
}

func (h *controls) list(_ context.Context, _ *call, _ *none) (*Page[ControlItem], error) {
	p := &Page[ControlItem]{Items: []ControlItem{}}
	for _, ct := range h.posture.Controls() {
		p.Items = append(p.Items, controlItem(ct))
	}
	p.Frame = h.frame(int64(len(p.Items)), "", time.Hour)
	return p, nil
}

func (h *controls) get(ctx context.Context, k *call, in *idIn) (*ControlDetail, error) {
	list := h.posture.Controls()
	i := slices.IndexFunc(list, func(ct Control) bool { return ct.ID == in.ID })
	if i < 0 {
		return nil, absent(in.ID)
	}
	out := &ControlDetail{ControlItem: controlItem(list[i]), Systems: []ControlSystem{}}
	systems := h.visibleSystems(k)
	n := h.names()
	for _, s := range systems {
		findings, err := h.posture.Findings(ctx, s.ID, 0)
		if err != nil {
			return nil, fmt.Errorf("posture of %s: %w", s.ID, err)
		}
		for _, f := range findings {
			if f.Control == in.ID {
				out.Systems = append(out.Systems, ControlSystem{System: n.system(s.ID), State: f.State, Since: Time(f.Since)})
			}
		}
	}
	return out, nil
}
