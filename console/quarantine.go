package console

import (
	"context"
	"net/http"
	"slices"

	"hoalu/soc"
)

// quarantine holds what could not become an event.
type quarantine struct {
	*desk
	quarantine Quarantine
}

func (h *quarantine) operations() (string, []operation) {
	return "sources", []operation{
		{get, "/api/quarantine", "listQuarantine", "quarantine.read", "What could not become an event",
			needs(partQuarantine), to(h.list)},
		{post, "/api/quarantine/replay", "replayQuarantine", "quarantine.replay", "Decode again", needs(partQuarantine), to(h.replay)},
	}
}

func (h *quarantine) list(ctx context.Context, k *call, in *quarantineIn) (*QuarantineAnswer, error) {
	sources := one(in.Source)
	if !h.scope(k).All {
		visible := h.visibleSources(k)
		own := []string{}
		for _, s := range visible {
			own = append(own, s.ID)
		}
		switch {
		case in.Source == "":
			sources = own
		case !slices.Contains(own, in.Source):
			return nil, absent(in.Source)
		}
	}
	p, err := h.quarantine.List(ctx, sources, in.Reason, in.After, in.Limit)
	if err != nil {
		return nil, err
	}
	n := h.names()
	out := &QuarantineAnswer{Items: []QuarantineItem{}, Reasons: p.Reasons, Frame: h.frame(p.Total, p.Next, sourcesFresh)}
	if out.Reasons == nil {
		out.Reasons = map[string]int64{}
	}
	for _, q := range p.Items {
		out.Items = append(out.Items, QuarantineItem{ID: q.ID, Source: n.source(q.Source), Time: Time(q.Time), Reason: q.Reason, Size: q.Size})
	}
	return out, nil
}

func (h *quarantine) replay(ctx context.Context, k *call, in *bodyIn[replayBody]) (*Replayed, error) {
	b := in.Body
	if len(b.IDs) == 0 && b.Source == "" && b.Reason == "" {
		return nil, &soc.Problem{Status: http.StatusUnprocessableEntity, Code: "nothing_chosen", Detail: "Nothing was chosen."}
	}
	done, held, err := h.quarantine.Replay(ctx, k.Actor, b.IDs, b.Source, b.Reason)
	if err != nil {
		return nil, err
	}
	return &Replayed{Replayed: done, Held: held}, nil
}
