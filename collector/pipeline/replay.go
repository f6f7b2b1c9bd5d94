package pipeline

import (
	"context"

	"hoalu/ecs/wire"
)

// ReplayMatching is Replay of the frames of ids, or without ids of all of a source and reason ("" any), and says how many went in again and
// how many stay.
func (q *Quarantine) ReplayMatching(ctx context.Context, ids []string, source, reason string,
	put func(context.Context, []wire.Frame) error) (replayed, held int64, err error) {
	if len(ids) == 0 {
		f := QuarantineFilter{Reason: reason, Limit: 1000}
		if source != "" {
			f.Sources = []string{source}
		}
		for {
			page, err := q.List(f)
			if err != nil {
				return 0, 0, err
			}
			for _, e := range page.Items {
				ids = append(ids, e.ID)
			}
			if f.After = page.Next; f.After == "" {
				break
			}
		}
	}
	n, err := q.Replay(ctx, ids, put)
	return int64(n), int64(len(ids) - n), err
}
