package console

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"hoalu/soc"
)

// ledger is the balance of every source and minute.
type ledger struct {
	*desk
	ledger Ledger
}

func (h *ledger) operations() (string, []operation) {
	return "sources", []operation{
		{get, "/api/ledger", "ledger", "ledger.read", "The ledger: received = stored + quarantined + rejected + duplicate + dropped + in flight",
			needs(partLedger), to(h.list)},
	}
}

func ledgerItem(r soc.LedgerRow, source Ref, last int64) LedgerItem {
	return LedgerItem{Minute: Time(r.Minute), Source: source, Received: r.Received, Stored: r.Stored, Quarantined: r.Quarantined, Rejected: r.Rejected, Duplicate: r.Duplicate,
		Dropped: r.Dropped, InFlight: r.InFlight, Difference: r.Difference(), Checked: r.Minute <= last, Reasons: r.Reasons}
}

// addRow sums rows, the reasons too.
func addRow(a *soc.LedgerRow, b soc.LedgerRow) {
	a.Received += b.Received
	a.Stored += b.Stored
	a.Quarantined += b.Quarantined
	a.Rejected += b.Rejected
	a.Duplicate += b.Duplicate
	a.Dropped += b.Dropped
	a.InFlight += b.InFlight
	for reason, n := range b.Reasons {
		if a.Reasons == nil {
			a.Reasons = map[string]int64{}
		}
		a.Reasons[reason] += n
	}
}

// ledgerLate is how long after its end a minute has been checked while the ledger works: two minutes to settle, one between checks.
const ledgerLate = 6 * time.Minute

// ledgerStatus judges the ledger at now: where nothing was checked lately its state is not known, however the last minute stood.
func ledgerStatus(s LedgerSummary, now int64) LedgerStatus {
	out := LedgerStatus{State: "balanced", Minute: Time(s.LastMinute), Difference: s.Difference, Since: Time(s.Since), NotMeasured: s.NotMeasured}
	switch {
	case s.LastMinute == 0 || now-s.LastMinute > ledgerLate.Milliseconds():
		out.State = "unknown"
	case !s.Balanced:
		out.State = "off"
	}
	return out
}

func (h *ledger) list(ctx context.Context, k *call, in *ledgerIn) (*LedgerAnswer, error) {
	from, to, err := stretch(in.From, in.To, h.clock().UnixMilli()+1, time.Hour)
	if err != nil {
		return nil, err
	}
	if to-from > (31 * 24 * time.Hour).Milliseconds() {
		return nil, wrongField("range_long", "from")
	}
	sum, err := h.ledger.Summary(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := h.ledger.Rows(ctx, from, to, in.Source)
	if err != nil {
		return nil, err
	}
	if scope := h.scope(k); !scope.All {
		own := map[string]bool{}
		sources := h.visibleSources(k)
		for _, s := range sources {
			own[s.ID] = true
		}
		if in.Source != "" && !own[in.Source] {
			return nil, absent(in.Source)
		}
		rows = slices.DeleteFunc(rows, func(r soc.LedgerRow) bool { return !own[r.Source] })
		sum = ownSummary(rows, sum)
	}
	n := h.names()
	out := &LedgerAnswer{Items: []LedgerItem{}, Status: ledgerStatus(sum, h.clock().UnixMilli()), Kept: Time(sum.Kept)}
	var total soc.LedgerRow
	minutes := map[int64]*soc.LedgerRow{}
	off := map[int64]bool{} // a minute is off when any of its sources is: differences of sources must not cancel out
	var items []LedgerItem
	for _, r := range rows {
		addRow(&total, r)
		m := minutes[r.Minute]
		if m == nil {
			m = &soc.LedgerRow{Minute: r.Minute}
			minutes[r.Minute] = m
		}
		addRow(m, r)
		checked := r.Minute <= sum.LastMinute
		if checked && r.Difference() != 0 {
			off[r.Minute] = true
		}
		if in.View == "source" || (in.View == "off" && checked && r.Difference() != 0) || (in.View == "dropped" && r.Dropped > 0) {
			items = append(items, ledgerItem(r, n.source(r.Source), sum.LastMinute))
		}
	}
	var order []int64
	for m := range minutes {
		order = append(order, m)
	}
	slices.SortFunc(order, func(a, b int64) int { return cmp.Compare(b, a) })
	for _, m := range order {
		if in.View == "" || in.View == "minute" {
			source := Ref{}
			if in.Source != "" {
				source = n.source(in.Source)
			}
			items = append(items, ledgerItem(*minutes[m], source, sum.LastMinute))
		}
		if in.Map {
			switch {
			case off[m]:
				out.Map = append(out.Map, LedgerCell{Minute: Time(m), State: "off", Difference: minutes[m].Difference()})
			case m > sum.LastMinute:
				out.Map = append(out.Map, LedgerCell{Minute: Time(m), State: "unchecked"})
			}
		}
	}
	cells, err := h.notMeasured(ctx, from, min(to, sum.LastMinute+time.Minute.Milliseconds()), minutes)
	if err != nil {
		return nil, err
	}
	out.NotMeasured = len(cells)
	if in.Map {
		out.Map = append(out.Map, cells...)
		slices.SortFunc(out.Map, func(a, b LedgerCell) int { return cmp.Compare(b.Minute, a.Minute) })
	}
	out.Sum = ledgerItem(total, Ref{}, sum.LastMinute)
	out.Sum.Minute, out.Sum.Checked = Time(from), to <= sum.LastMinute+time.Minute.Milliseconds()
	shown, next, err := page(items, func(i LedgerItem) string { return strconv.FormatInt(int64(i.Minute), 10) + "." + i.Source.ID }, in.After, in.Limit)
	if err != nil {
		return nil, err
	}
	out.Items = orEmpty(shown)
	out.Frame = h.frame(int64(len(items)), next, ledgerFresh)
	return out, nil
}

// notMeasured are the minutes of [from, to) in which nothing ran or was checked, newest last. A minute with rows was counted.
func (h *ledger) notMeasured(ctx context.Context, from, to int64, rows map[int64]*soc.LedgerRow) ([]LedgerCell, error) {
	const minute = int64(time.Minute / time.Millisecond)
	if from -= from % minute; to <= from {
		return nil, nil
	}
	list, err := h.ledger.Measured(ctx, from, to)
	if err != nil {
		return nil, err
	}
	var out []LedgerCell
	for m := from; m+minute <= to; m += minute {
		for len(list) > 0 && int64(list[0].To) <= m {
			list = list[1:]
		}
		if rows[m] == nil && (len(list) == 0 || int64(list[0].From) > m) {
			out = append(out, LedgerCell{Minute: Time(m), State: "not_measured"})
		}
	}
	return out, nil
}

// ownSummary judges only the rows an owner may see.
func ownSummary(rows []soc.LedgerRow, all LedgerSummary) LedgerSummary {
	out := LedgerSummary{Balanced: true, LastMinute: all.LastMinute, Kept: all.Kept, NotMeasured: all.NotMeasured}
	for _, r := range rows {
		if r.Minute <= all.LastMinute && r.Difference() != 0 {
			out.Balanced = false
			out.Difference += r.Difference()
		}
	}
	return out
}
