package console

import (
	"cmp"
	"context"
	"maps"
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
	return LedgerItem{Minute: Time(r.Minute), Source: source, Received: r.Received, Stored: r.Stored, Quarantined: r.Quarantined,
		Rejected: r.Rejected, Duplicate: r.Duplicate,
		Dropped: r.Dropped, InFlight: r.InFlight, Difference: r.Difference(), Checked: r.Minute <= last, Reasons: r.Reasons}
}

// ledgerLate is how long after its end a minute has been checked while the ledger works: two minutes to settle, one between checks.
const ledgerLate = 6 * time.Minute

// ledgerStatus judges the ledger at now: where nothing was checked lately its state is not known, however the last minute stood.
func ledgerStatus(s LedgerSummary, now int64) LedgerStatus {
	out := LedgerStatus{State: "balanced", Minute: Time(s.LastMinute), Difference: s.Difference, Since: Time(s.Since),
		NotMeasured: s.NotMeasured}
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
	rows, sum, err := h.visible(ctx, k, from, to, in.Source)
	if err != nil {
		return nil, err
	}
	b := balanced(rows, sum.LastMinute)
	out := &LedgerAnswer{Status: ledgerStatus(sum, h.clock().UnixMilli()), Kept: Time(sum.Kept)}
	end := sum.LastMinute + time.Minute.Milliseconds() // of what was checked
	// A minute that ought to have been checked by now and was not is as little known as one in which nothing ran: of a ledger that has
	// checked nothing yet, or stands still, the map would otherwise say that what is blank is balanced.
	due := h.clock().Add(-ledgerLate).Truncate(time.Minute).UnixMilli()
	cells, err := h.notMeasured(ctx, from, min(to, max(end, due)), b.minutes)
	if err != nil {
		return nil, err
	}
	out.NotMeasured = len(cells)
	if in.Map {
		out.Map = append(b.cells(), cells...)
		slices.SortFunc(out.Map, func(a, b LedgerCell) int { return cmp.Compare(b.Minute, a.Minute) })
	}
	out.Sum = ledgerItem(b.total, Ref{}, sum.LastMinute)
	out.Sum.Minute, out.Sum.Checked = Time(from), to <= end
	items := b.view(in.View, in.Source, rows, h.names())
	shown, next, err := page(items, func(i LedgerItem) string { return strconv.FormatInt(int64(i.Minute), 10) + "." + i.Source.ID }, in.After,
		in.Limit)
	if err != nil {
		return nil, err
	}
	out.Items = orEmpty(shown)
	out.Frame = h.frame(int64(len(items)), next, ledgerFresh)
	return out, nil
}

// visible are the rows of [from, to) of the sources that the person may see, with the judgement over just these.
func (h *ledger) visible(ctx context.Context, k *call, from, to int64, source string) ([]soc.LedgerRow, LedgerSummary, error) {
	sum, err := h.ledger.Summary(ctx)
	if err != nil {
		return nil, sum, err
	}
	rows, err := h.ledger.Rows(ctx, from, to, source)
	if err != nil || h.scope(k).All {
		return rows, sum, err
	}
	own := map[string]bool{}
	for _, s := range h.visibleSources(k) {
		own[s.ID] = true
	}
	if source != "" && !own[source] {
		return nil, sum, absent(source)
	}
	rows = slices.DeleteFunc(rows, func(r soc.LedgerRow) bool { return !own[r.Source] })
	return rows, ownSummary(rows, sum), nil
}

// balance is the sum of rows over all and by minute. A minute is off when any of its sources is: their differences must not cancel out.
type balance struct {
	last    int64 // newest minute checked
	total   soc.LedgerRow
	minutes map[int64]*soc.LedgerRow
	off     map[int64]bool
}

func balanced(rows []soc.LedgerRow, last int64) balance {
	b := balance{last: last, minutes: map[int64]*soc.LedgerRow{}, off: map[int64]bool{}}
	for _, r := range rows {
		b.total.Add(r)
		m := b.minutes[r.Minute]
		if m == nil {
			m = &soc.LedgerRow{Minute: r.Minute}
			b.minutes[r.Minute] = m
		}
		m.Add(r)
		if b.differs(r) {
			b.off[r.Minute] = true
		}
	}
	return b
}

// differs reports whether a row that was checked does not balance.
func (b balance) differs(r soc.LedgerRow) bool { return r.Minute <= b.last && r.Difference() != 0 }

// cells are the minutes that do not balance or were not checked yet.
func (b balance) cells() (out []LedgerCell) {
	for m, sum := range b.minutes {
		switch {
		case b.off[m]:
			out = append(out, LedgerCell{Minute: Time(m), State: "off", Difference: sum.Difference()})
		case m > b.last:
			out = append(out, LedgerCell{Minute: Time(m), State: "unchecked"})
		}
	}
	return out
}

// view is what one of the views lists: minutes, newest first, or the rows of sources.
func (b balance) view(view, source string, rows []soc.LedgerRow, n names) (out []LedgerItem) {
	if view == "" || view == "minute" {
		ref := Ref{}
		if source != "" {
			ref = n.source(source)
		}
		for _, m := range slices.Backward(slices.Sorted(maps.Keys(b.minutes))) {
			out = append(out, ledgerItem(*b.minutes[m], ref, b.last))
		}
		return out
	}
	for _, r := range rows {
		if view == "source" || (view == "off" && b.differs(r)) || (view == "dropped" && r.Dropped > 0) {
			out = append(out, ledgerItem(r, n.source(r.Source), b.last))
		}
	}
	return out
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
