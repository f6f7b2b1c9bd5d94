package evidence

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api/layout"
	"github.com/transparency-dev/tessera/client"

	"hoalu/compliance/evidence/internal/db"
	"hoalu/internal/guarded"
	"hoalu/internal/wording"
	"hoalu/soc"
)

// Objects are what deeds bind: a deed's After is the hash of its object's state, so the state as it stands must be what the newest deed
// about it left. triage.Store is one, for alerts.
type Objects interface {
	// States gives the hash of each object as deeds record it; one that is not there is left out.
	States(ctx context.Context, numbers []string) (map[string]string, error)
	// Numbers lists up to limit objects behind after, in order.
	Numbers(ctx context.Context, after string, limit int) ([]string, error)
}

// BoundPrefix begins a hash that can be computed again from the object as it stands. Deeds of versions before it hold hashes of a state
// that hits change without a deed, so nothing can be concluded from them.
const BoundPrefix = "2:"

// Comparison is how far the comparison of all rows with the log has come and what it found. It runs at each start and once a day.
type Comparison struct {
	Started  int64     `json:"started"`  // of the pass under way or last, Unix ms; 0: none yet
	Finished int64     `json:"finished"` // of the last whole pass, Unix ms; 0: not yet compared
	Rows     uint64    `json:"rows"`     // audit rows that the last whole pass compared
	Alerts   int64     `json:"alerts"`   // alerts it compared with their newest deed
	Unbound  int64     `json:"unbound"`  // alerts that cannot be compared: their newest deed is of an older version
	Findings []Finding `json:"findings"` // of the last whole pass and of the one under way; none is good only when Finished is not 0
	More     int       `json:"more"`     // findings left out
	Failed   string    `json:"failed"`   // why the pass does not go on, "" when it does
}

// States of a Comparison.
const (
	NotCompared = "not_yet" // since the start; nothing is known
	Same        = "same"
	Different   = "different"
)

// State sums the comparison up.
func (c Comparison) State() string {
	switch {
	case len(c.Findings) > 0:
		return Different
	case c.Finished == 0:
		return NotCompared
	}
	return Same
}

// comparison guards what RunComparison has found.
type comparison struct {
	mu   sync.Mutex
	last Comparison // last whole pass
	now  *pass      // under way, nil between passes
}

// Compared says what the comparison has found so far.
func (l *Log) Compared() Comparison {
	l.compared.mu.Lock()
	defer l.compared.mu.Unlock()
	c := l.compared.last
	c.Findings = append([]Finding{}, c.Findings...)
	if p := l.compared.now; p != nil {
		c.Started, c.Failed = p.started, p.failed
		for _, f := range p.findings {
			if !slices.Contains(c.Findings, f) {
				c.Findings = append(c.Findings, f)
			}
		}
		c.More = max(c.More, p.more)
	}
	return c
}

// Times of the comparison.
const (
	compareFirst = 2 * time.Second // after the start, so that it does not slow it
	compareAgain = 24 * time.Hour
	compareRetry = 30 * time.Second // after an error; the pass goes on where it stopped
	// compareRest is how many times as long as a step took it rests before the next: at most a tenth of one processor is taken.
	compareRest = 9
)

// RunComparison compares all rows with the log, a batch at a time, at once and then daily, until ctx ends. A pass begins anew at each
// start, because whoever owns the data folder could change it while nothing ran; within a run it goes on where an error stopped it.
func (l *Log) RunComparison(ctx context.Context) error {
	wait := compareFirst
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
		err := l.comparePass(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, ErrNoHead):
			wait = compareFirst
		case err != nil:
			l.log.Error("compare the audit rows with the evidence log; it goes on in a while", "error", err)
			wait = compareRetry
		default:
			wait = compareAgain
		}
	}
}

// comparePass does the pass under way, or a new one, to its end.
func (l *Log) comparePass(ctx context.Context) error {
	c := &l.compared
	c.mu.Lock()
	p := c.now
	c.mu.Unlock()
	if p == nil {
		head, err := l.Head(ctx)
		if err != nil {
			return err
		}
		p = l.newPass(head)
		c.mu.Lock()
		c.now = p
		c.mu.Unlock()
	}
	for {
		begin := time.Now()
		var done, returned bool
		err := guarded.Do(l.log, "comparison of the evidence log", func() (err error) {
			done, err = p.step(ctx)
			returned = true
			return err
		})
		c.mu.Lock()
		if !returned { // half a step is in it, which done again would look like a changed log: the pass begins anew
			found := p.findings
			p = l.newPass(p.head)
			p.findings, c.now = found, p
		}
		if p.failed = ""; err != nil {
			p.failed = err.Error()
		}
		if done {
			c.last = Comparison{Started: p.started, Finished: time.Now().UnixMilli(), Rows: p.head.Size, Alerts: p.alerts, Unbound: p.unbound,
				Findings: p.findings, More: p.more}
			c.now = nil
		}
		c.mu.Unlock()
		if err != nil || done {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(compareRest * time.Since(begin)):
		}
	}
}

// newPass compares what head covers from the start.
func (l *Log) newPass(head Head) *pass {
	return &pass{l: l, head: head, started: time.Now().UnixMilli(),
		tree: (&compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}).NewEmptyRange(0)}
}

// pass is one comparison of everything. Its steps are done by one goroutine; what Compared reads of it is guarded by comparison.mu.
type pass struct {
	l       *Log
	head    Head // the pass compares what this head covers
	started int64
	failed  string

	next     uint64         // entries compared
	tree     *compact.Range // of the entries compared: its root must be the head's
	rooted   bool           // that was checked
	after    string         // alerts whose making was looked up
	alerts   int64
	unbound  int64
	findings []Finding
	more     int
}

func (p *pass) found(en, vi string, args ...any) {
	f := Finding{Plain(fmt.Sprintf(en, args...)), Plain(fmt.Sprintf(vi, args...))}
	p.l.log.Error("the evidence log and the database differ", "finding", f.EN)
	p.l.compared.mu.Lock()
	defer p.l.compared.mu.Unlock()
	if slices.Contains(p.findings, f) {
		return // found before the pass began anew
	}
	if len(p.findings) == maxFindings {
		p.more++
		return
	}
	p.findings = append(p.findings, f)
}

// step compares the next batch; done says that it was the last.
func (p *pass) step(ctx context.Context) (done bool, err error) {
	if p.next < p.head.Size {
		return false, p.entries(ctx)
	}
	if !p.rooted {
		p.rooted = true
		if root, err := p.tree.GetRootHash(nil); err != nil {
			return false, err
		} else if p.head.Size > 0 && hex.EncodeToString(root) != p.head.Root {
			p.found("the entries of the evidence log are not those under its signed head of %d entries: files of the log were changed",
				"các mục của nhật ký chứng cứ không phải các mục dưới đầu chuỗi đã ký gồm %d mục: tệp của nhật ký đã bị sửa", p.head.Size)
		}
	}
	if p.l.cfg.Objects == nil {
		return true, nil
	}
	return p.made(ctx)
}

// entries compares one bundle of the log with its rows, and the alerts whose newest deed is in it with that deed.
func (p *pass) entries(ctx context.Context) error {
	l := p.l
	size, err := l.reader.NextIndex(ctx)
	if err != nil {
		return fmt.Errorf("read where the evidence log ends: %w", err)
	}
	if size < p.head.Size {
		return fmt.Errorf("the evidence log holds %d entries, fewer than its signed head of %d", size, p.head.Size)
	}
	held, err := client.GetEntryBundle(ctx, l.reader.ReadEntryBundle, p.next/layout.EntryBundleWidth, size)
	if err != nil {
		return fmt.Errorf("read entries from %d of the evidence log: %w", p.next+1, err)
	}
	entries := held.Entries[min(uint64(len(held.Entries)), p.next%layout.EntryBundleWidth):]
	if rest := p.head.Size - p.next; uint64(len(entries)) > rest {
		entries = entries[:rest]
	}
	if len(entries) == 0 {
		return fmt.Errorf("entry %d of the evidence log is missing", p.next+1)
	}
	rows, err := db.New(l.db.Read()).DeedsAfter(ctx, db.DeedsAfterParams{Number: int64(p.next), Limit: int32(len(entries))})
	if err != nil {
		return fmt.Errorf("read audit log: %w", err)
	}
	byNumber := make(map[int64]db.Audit, len(rows))
	for _, r := range rows {
		byNumber[r.Number] = r
	}
	newest := map[string]soc.Deed{} // alert → its newest deed of this batch
	hashes := make([][]byte, len(entries))
	for i, entry := range entries {
		number := int64(p.next) + int64(i) + 1
		hashes[i] = rfc6962.DefaultHasher.HashLeaf(entry)
		if r, ok := byNumber[number]; !ok {
			p.found("audit row %d is missing from the database; the evidence log holds it",
				"dòng nhật ký thao tác %d không còn trong cơ sở dữ liệu; nhật ký chứng cứ vẫn giữ dòng này", number)
		} else if !sameRow(r, entry) {
			p.found("audit row %d is not what the evidence log holds under its number: the row was changed",
				"dòng nhật ký thao tác %d không khớp với mục cùng số của nhật ký chứng cứ: dòng đã bị sửa", number)
		}
		var d soc.Deed
		if json.Unmarshal(entry, &d) == nil && strings.HasPrefix(d.Action, "alert.") && d.Object != "" && d.After != "" {
			newest[d.Object] = d
		}
	}
	if err := p.states(ctx, newest); err != nil {
		return err
	}
	for _, h := range hashes { // last, so that an error above leaves nothing counted twice
		if err := p.tree.Append(h, nil); err != nil {
			return err
		}
	}
	p.next += uint64(len(entries))
	return nil
}

// sameRow is whether a row is what the log holds, by every column that people see or search.
func sameRow(r db.Audit, entry []byte) bool {
	d, err := deed(r)
	if err != nil {
		return false
	}
	data, err := leaf(d)
	if err != nil || !bytes.Equal(data, entry) {
		return false
	}
	// Rows of older versions hold the words of their details in any order.
	return slices.Equal(slices.Sorted(strings.FieldsSeq(r.Search)), slices.Sorted(strings.FieldsSeq(searchText(d))))
}

// states compares the alerts with their newest deeds.
func (p *pass) states(ctx context.Context, newest map[string]soc.Deed) error {
	if len(newest) == 0 || p.l.cfg.Objects == nil {
		return nil
	}
	for try := 0; ; try++ {
		last, err := lastDeeds(ctx, p.l.db.Read(), newest)
		if err != nil {
			return err
		}
		var ask []string
		for object, d := range newest {
			switch {
			case last[object] > d.Number: // a later batch or pass compares it
			case !strings.HasPrefix(d.After, BoundPrefix):
				p.unbound++
			default:
				ask = append(ask, object)
				continue
			}
			delete(newest, object)
		}
		if len(ask) == 0 {
			return nil
		}
		states, err := p.l.cfg.Objects.States(ctx, ask)
		if err != nil {
			return err
		}
		for _, object := range ask {
			if states[object] == newest[object].After || newest[object].Details["demo"] == "true" && states[object] == "" {
				p.alerts++
				delete(newest, object)
			}
		}
		if len(newest) == 0 {
			return nil
		}
		if try > 0 { // the second look finds no deed in between either
			break
		}
	}
	for object, d := range newest {
		p.alerts++
		if states, err := p.l.cfg.Objects.States(ctx, []string{object}); err != nil {
			return err
		} else if states[object] == "" {
			p.found("alert %s is missing from the database; audit row %d is its newest deed",
				"cảnh báo %s không còn trong cơ sở dữ liệu; thao tác mới nhất của nó là dòng %d", object, d.Number)
			continue
		}
		p.found("alert %s or its history is not as its newest deed left it (audit row %d): it was changed without a deed",
			"cảnh báo %s hoặc diễn biến của nó không như thao tác mới nhất để lại (dòng %d): đã bị sửa mà không có thao tác nào", object, d.Number)
	}
	return nil
}

// made looks whether every alert that is there was made by a deed.
func (p *pass) made(ctx context.Context) (done bool, err error) {
	numbers, err := p.l.cfg.Objects.Numbers(ctx, p.after, batch)
	if err != nil || len(numbers) == 0 {
		return err == nil, err
	}
	marks, args := placeholders(numbers, 1)
	rows, err := p.l.db.Read().QueryContext(ctx, "SELECT object FROM audit WHERE action = 'alert.create' AND object IN ("+marks+")", args...)
	if err != nil {
		return false, fmt.Errorf("read audit log: %w", err)
	}
	defer rows.Close()
	told := map[string]bool{}
	for rows.Next() {
		var object string
		if err := rows.Scan(&object); err != nil {
			return false, fmt.Errorf("read audit log: %w", err)
		}
		told[object] = true
	}
	if err := rows.Err(); err != nil {
		return false, fmt.Errorf("read audit log: %w", err)
	}
	for _, n := range numbers {
		if !told[n] {
			p.found("alert %s is in the database, but no audit row tells that it was made",
				"cảnh báo %s có trong cơ sở dữ liệu nhưng không dòng nhật ký nào ghi việc lập cảnh báo", n)
		}
	}
	p.after = numbers[len(numbers)-1]
	return len(numbers) < batch, nil
}

// lastDeeds gives the number of the newest deed that binds each object.
func lastDeeds[T any](ctx context.Context, from *sql.DB, objects map[string]T) (map[string]int64, error) {
	names := make([]string, 0, len(objects))
	for o := range objects {
		names = append(names, o)
	}
	marks, args := placeholders(names, 1)
	rows, err := from.QueryContext(ctx, "SELECT object, max(number) FROM audit WHERE hash_after <> '' AND object IN ("+marks+
		") GROUP BY object", args...)
	if err != nil {
		return nil, fmt.Errorf("read audit log: %w", err)
	}
	defer rows.Close()
	out := make(map[string]int64, len(names))
	for rows.Next() {
		var object string
		var number int64
		if err := rows.Scan(&object, &number); err != nil {
			return nil, fmt.Errorf("read audit log: %w", err)
		}
		out[object] = number
	}
	return out, rows.Err()
}

// placeholders are $first, $first+1 … for a list of texts, which sqlc cannot write for both databases.
func placeholders(values []string, first int) (string, []any) {
	marks, args := make([]string, len(values)), make([]any, len(values))
	for i, v := range values {
		marks[i], args[i] = "$"+strconv.Itoa(first+i), v
	}
	return strings.Join(marks, ", "), args
}

// WasCompared reports whether a whole pass has ended since the start: before that Altered finds nothing, and nothing is known.
func (l *Log) WasCompared() bool { return l.Compared().Finished != 0 }

// Altered says what the comparison found changed behind the log, or why it cannot compare: then nobody knows. nil: nothing was found in
// what was compared so far.
func (l *Log) Altered() error {
	c := l.Compared()
	if len(c.Findings) == 0 {
		if c.Failed != "" {
			return wording.New("audit rows and alerts cannot be compared with the evidence log, so it is not known whether they were changed: %s",
				c.Failed)
		}
		return nil
	}
	return &alteredError{first: c.Findings[0], more: len(c.Findings) - 1 + c.More}
}

// alteredError tells of rows that were changed behind the log.
type alteredError struct {
	first Finding
	more  int
}

func (e *alteredError) Error() string { return e.Both()["en"] }

// Both is the error in Vietnamese (vi) and in English (en), as a finding is.
func (e *alteredError) Both() map[string]string {
	en, vi := e.first.EN, e.first.VI
	if e.more > 0 {
		en, vi = fmt.Sprintf("%s (and %d more findings)", en, e.more), fmt.Sprintf("%s (và %d phát hiện khác)", vi, e.more)
	}
	return map[string]string{
		"en": "the database was changed behind the evidence log: " + en +
			"; keep a copy of the data folder for the inquiry, then restore it from a backup",
		"vi": "cơ sở dữ liệu đã bị sửa ngoài nhật ký chứng cứ: " + vi +
			"; hãy giữ một bản sao thư mục dữ liệu để điều tra, rồi phục hồi từ bản sao lưu",
	}
}
