package evidence

import (
	"bytes"
	"cmp"
	"context"
	"crypto"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/transparency-dev/tessera/api/layout"
	"github.com/transparency-dev/tessera/client"

	"hoalu/compliance/evidence/internal/db"
	"hoalu/soc"
)

// Sources give what a pack holds; the appliance fills them in. All are asked once for many objects, never for each.
type Sources struct {
	// Alerts are a page of the system's alerts whose last hit is not before from, by first hit; next "" ends them.
	Alerts    func(ctx context.Context, system string, from int64, cursor string) (page []soc.Alert, next string, err error)
	Histories func(ctx context.Context, ids []string) (map[string][]soc.Note, error)
	Reports   func(ctx context.Context, numbers []string) (map[string][]soc.Report, error)
	// Posture are the intervals that touch [from, to), each a record of kind posture.
	Posture func(ctx context.Context, system string, from, to int64) ([]PackRecord, error)
}

// Request is one export.
type Request struct {
	System  soc.System
	From    int64 // [From, To) Unix ms
	To      int64
	By      soc.Actor
	Reason  string
	Product string
}

// maxPack bounds the records of a pack, which is put together in memory: some 500 MB.
const maxPack = 200_000

// ErrPackTooLarge says that the period holds more records than a pack may.
var ErrPackTooLarge = fmt.Errorf("the period holds more than %d records", maxPack)

// Export writes the evidence of a system and period: alerts with their history and reports, posture intervals, the audit rows about them
// with their proofs, and what a comparison of all these with the log says. The export is a deed of its own and in the pack.
func (l *Log) Export(ctx context.Context, w io.Writer, q Request, src Sources, signer crypto.Signer) error {
	records := []PackRecord{{Kind: "system", ID: q.System.ID, Data: q.System}}
	about := []string{q.System.ID}
	var numbers []string
	for cursor := ""; ; {
		page, next, err := src.Alerts(ctx, q.System.ID, q.From, cursor)
		if err != nil {
			return err
		}
		// one that goes on after the period belongs to it too
		if i := slices.IndexFunc(page, func(a soc.Alert) bool { return a.First >= q.To }); i >= 0 {
			page, next = page[:i], ""
		}
		some, err := alertRecords(ctx, page, src)
		if err != nil {
			return err
		}
		if records = append(records, some...); len(records) > maxPack {
			return ErrPackTooLarge
		}
		for _, a := range page {
			numbers = append(numbers, a.Number)
			about = append(about, a.ID, a.Number)
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	intervals, err := src.Posture(ctx, q.System.ID, q.From, q.To)
	if err != nil {
		return err
	}
	records = append(records, intervals...)
	if err := l.db.Tx(ctx, func(tx *sql.Tx) error {
		_, err := Record(ctx, tx, soc.Deed{Actor: q.By, Action: "evidence.export", Object: q.System.ID, Reason: q.Reason,
			Details: map[string]string{"from": time.UnixMilli(q.From).UTC().Format(time.RFC3339),
				"to": time.UnixMilli(q.To).UTC().Format(time.RFC3339)}})
		return err
	}); err != nil {
		return err
	}
	head, err := l.headOverAll(ctx)
	if err != nil {
		return err
	}
	deeds, err := l.about(ctx, about, q.From, q.To, head)
	if err != nil {
		return err
	}
	compared, err := l.compareFor(ctx, head, numbers, deeds)
	if err != nil {
		return err
	}
	heads, err := l.earlierHeads(ctx, head)
	if err != nil {
		return err
	}
	records = append(records, PackRecord{Kind: "comparison", Data: compared}, PackRecord{Kind: "heads", Data: heads})
	if len(records)+len(deeds) > maxPack {
		return ErrPackTooLarge
	}
	if err := l.writePack(ctx, w, Header{System: q.System.ID, Name: q.System.Name, Level: q.System.Level, From: q.From, To: q.To,
		Made: time.Now().UnixMilli(),
		By:   q.By.Name, Reason: q.Reason, Product: q.Product, Demo: q.System.Demo}, records, deeds, head, signer); err != nil {
		return err
	}
	return l.handedOut(ctx, head, headExport)
}

// alertRecords are the records of a page of alerts.
func alertRecords(ctx context.Context, page []soc.Alert, src Sources) ([]PackRecord, error) {
	ids, numbers := make([]string, len(page)), make([]string, len(page))
	for i, a := range page {
		ids[i], numbers[i] = a.ID, a.Number
	}
	histories, err := src.Histories(ctx, ids)
	if err != nil {
		return nil, err
	}
	reports, err := src.Reports(ctx, numbers)
	if err != nil {
		return nil, err
	}
	var out []PackRecord
	for _, a := range page {
		out = append(out, PackRecord{"alert", a.Number, a}, PackRecord{"history", a.Number, append([]soc.Note{}, histories[a.ID]...)})
		for _, r := range reports[a.Number] {
			out = append(out, PackRecord{"report", r.ID, r})
		}
	}
	return out, nil
}

// headOverAll waits for a signed head that covers every deed recorded so far.
func (l *Log) headOverAll(ctx context.Context) (Head, error) {
	last, err := Last(ctx, l.db.Read())
	if err != nil {
		return Head{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	for {
		head, err := l.Head(ctx)
		if err == nil && int64(head.Size) >= last {
			return head, nil
		}
		if err != nil && !errors.Is(err, ErrNoHead) {
			return head, err
		}
		select {
		case <-ctx.Done():
			return head, fmt.Errorf("wait for the evidence log to sign the newest entries: %w", errors.Join(ctx.Err(), l.Taking()))
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// aboutAtOnce is how many objects one query asks of.
const aboutAtOnce = 500

// about are the deeds on objects in [from, to) that head covers, in order, found by the index of objects.
func (l *Log) about(ctx context.Context, objects []string, from, to int64, head Head) ([]soc.Deed, error) {
	var deeds []soc.Deed
	for part := range slices.Chunk(objects, aboutAtOnce) {
		marks, args := placeholders(part, 4)
		rows, err := l.db.Read().QueryContext(ctx, "SELECT "+columns+
			" FROM audit WHERE time >= $1 AND time < $2 AND number <= $3 AND object IN ("+marks+")",
			append([]any{from, to, int64(head.Size)}, args...)...)
		if err != nil {
			return nil, fmt.Errorf("read audit log: %w", err)
		}
		some, err := scanDeeds(rows)
		if err != nil {
			return nil, err
		}
		if deeds = append(deeds, some...); len(deeds) > maxPack {
			return nil, ErrPackTooLarge
		}
	}
	slices.SortFunc(deeds, func(a, b soc.Deed) int { return cmp.Compare(a.Number, b.Number) })
	return deeds, nil
}

// PackComparison is the record "comparison" of a pack: whether the database it was made from is what the log and the deeds say.
type PackComparison struct {
	State    string    `json:"state"`    // NotCompared, Same, Different: of the whole log, by the last pass before the export
	Finished int64     `json:"finished"` // when that pass ended, Unix ms; 0: none since the start
	Rows     uint64    `json:"rows"`
	Unbound  int64     `json:"unbound"`
	Findings []Finding `json:"findings"` // of that pass, and of the rows and alerts of this pack, which were compared at the export
}

// compareFor compares the rows and alerts of a pack now, and adds what the last comparison of everything has found.
func (l *Log) compareFor(ctx context.Context, head Head, numbers []string, deeds []soc.Deed) (PackComparison, error) {
	c := l.Compared()
	p := &pass{l: l, head: head}
	var last map[string]soc.Deed // alert → newest deed that binds it
	if l.cfg.Objects != nil {
		var err error
		if last, err = l.newestDeeds(ctx, numbers); err != nil {
			return PackComparison{}, err
		}
	}
	rows := slices.Concat(deeds, slices.Collect(maps.Values(last)))
	slices.SortFunc(rows, func(a, b soc.Deed) int { return cmp.Compare(a.Number, b.Number) })
	rows = slices.CompactFunc(rows, func(a, b soc.Deed) bool { return a.Number == b.Number })
	var held entryReader
	for _, d := range rows {
		if uint64(d.Number) > head.Size {
			continue // made since; its alert has changed since, too, and is looked at again below
		}
		data, err := leaf(d)
		if err != nil {
			return PackComparison{}, err
		}
		entry, err := held.read(ctx, l, d.Number, head.Size)
		if err != nil {
			return PackComparison{}, err
		}
		if !bytes.Equal(data, entry) {
			p.found("audit row %d is not what the evidence log holds under its number: the row was changed",
				"dòng nhật ký thao tác %d không khớp với mục cùng số của nhật ký chứng cứ: dòng đã bị sửa", d.Number)
		}
	}
	if l.cfg.Objects != nil {
		newest := map[string]soc.Deed{}
		for part := range slices.Chunk(numbers, aboutAtOnce) {
			clear(newest)
			for _, n := range part {
				if d, ok := last[n]; ok {
					newest[n] = d
				} else {
					p.found("alert %s is in the database, but no audit row tells that it was made",
						"cảnh báo %s có trong cơ sở dữ liệu nhưng không dòng nhật ký nào ghi việc lập cảnh báo", n)
				}
			}
			if err := p.states(ctx, newest); err != nil {
				return PackComparison{}, err
			}
		}
	}
	for _, f := range p.findings {
		if !slices.Contains(c.Findings, f) {
			c.Findings = append(c.Findings, f)
		}
	}
	return PackComparison{State: c.State(), Finished: c.Finished, Rows: c.Rows, Unbound: max(c.Unbound, p.unbound),
		Findings: c.Findings[:min(len(c.Findings), maxFindings)]}, nil
}

// newestDeeds is the newest deed that binds each alert, as the log holds it.
func (l *Log) newestDeeds(ctx context.Context, numbers []string) (map[string]soc.Deed, error) {
	out := make(map[string]soc.Deed, len(numbers))
	for part := range slices.Chunk(numbers, aboutAtOnce) {
		marks, args := placeholders(part, 1)
		rows, err := l.db.Read().QueryContext(ctx, "SELECT "+columns+" FROM audit WHERE hash_after <> '' AND object IN ("+marks+")", args...)
		if err != nil {
			return nil, fmt.Errorf("read audit log: %w", err)
		}
		deeds, err := scanDeeds(rows)
		if err != nil {
			return nil, err
		}
		for _, d := range deeds {
			if strings.HasPrefix(d.Action, "alert.") && d.Number > out[d.Object].Number {
				out[d.Object] = d
			}
		}
	}
	return out, nil
}

// entryReader reads entries of the log in order of their numbers, each bundle once.
type entryReader struct {
	index   uint64
	entries [][]byte
}

func (e *entryReader) read(ctx context.Context, l *Log, number int64, size uint64) ([]byte, error) {
	at := uint64(number - 1)
	if i := at / layout.EntryBundleWidth; e.entries == nil || i != e.index {
		now, err := l.reader.NextIndex(ctx)
		if err != nil {
			return nil, fmt.Errorf("read where the evidence log ends: %w", err)
		}
		held, err := client.GetEntryBundle(ctx, l.reader.ReadEntryBundle, i, max(size, now))
		if err != nil {
			return nil, fmt.Errorf("read entry %d of the evidence log: %w", number, err)
		}
		e.index, e.entries = i, held.Entries
	}
	if i := at % layout.EntryBundleWidth; i < uint64(len(e.entries)) {
		return e.entries[i], nil
	}
	return nil, fmt.Errorf("entry %d of the evidence log is missing", number)
}

// EarlierHead is a head that was given out before, with the proof that the pack's log continues it.
type EarlierHead struct {
	Size  uint64   `json:"size"`
	Root  string   `json:"root"`  // hex
	Proof []string `json:"proof"` // RFC 6962 consistency with the pack's head, hex
}

// maxEarlier is how many earlier heads a pack proves itself to continue: the newest ones.
const maxEarlier = 100

func (l *Log) earlierHeads(ctx context.Context, head Head) ([]EarlierHead, error) {
	rows, err := db.New(l.db.Read()).HeadsBefore(ctx, db.HeadsBeforeParams{Size: int64(head.Size), Limit: maxEarlier})
	if err != nil {
		return nil, fmt.Errorf("read heads of the evidence log: %w", err)
	}
	out := []EarlierHead{}
	for _, r := range rows {
		if r.Size < 1 {
			continue
		}
		path, err := l.consistency(ctx, uint64(r.Size), head.Size)
		if err != nil {
			return nil, err
		}
		h := EarlierHead{Size: uint64(r.Size), Root: r.Root, Proof: []string{}}
		for _, p := range path {
			h.Proof = append(h.Proof, hex.EncodeToString(p))
		}
		out = append(out, h)
	}
	return out, nil
}

// handedOut remembers a head that left the data folder.
func (l *Log) handedOut(ctx context.Context, h Head, use string) error {
	err := l.db.Tx(ctx, func(tx *sql.Tx) error {
		return db.New(tx).InsertHead(ctx, db.InsertHeadParams{Size: int64(h.Size), Root: h.Root, Use: use, Time: time.Now().UnixMilli()})
	})
	if err != nil {
		return fmt.Errorf("remember the head that was given out: %w", err)
	}
	return nil
}
