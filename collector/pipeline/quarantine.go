package pipeline

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/cespare/xxhash/v2"

	"hoalu/ecs/wire"
	"hoalu/internal/durable"
	"hoalu/soc"
)

// AEAD seals what is in quarantine: raw lines may hold anything a citizen wrote.
type AEAD interface {
	Encrypt(plaintext, associatedData []byte) ([]byte, error)
	Decrypt(ciphertext, associatedData []byte) ([]byte, error)
}

// ErrNotFound says that no quarantined frame has this id.
var ErrNotFound = errors.New("nothing in quarantine has this number")

var errClosed = errors.New("quarantine is closed")

// Entry is what is known of a quarantined frame without opening it.
type Entry struct {
	ID       string `json:"id"`
	Seq      uint64 `json:"seq"`
	Index    int    `json:"index"`
	Source   string `json:"source,omitempty"`
	Minute   int64  `json:"minute"`
	Received int64  `json:"received"`
	Reason   string `json:"reason"`
	Size     int    `json:"size"`
	Replayed bool   `json:"replayed,omitempty"`

	file   uint32
	offset int64
	length int
}

// QuarantinePage is one page of a list, newest first.
type QuarantinePage struct {
	Items   []Entry
	Total   int              // that match
	Next    string           // After of the next page, "" this is the last
	Reasons map[string]int64 // of all that match, by reason
}

// QuarantineFilter narrows List; zero values do not.
type QuarantineFilter struct {
	Sources  []string // nil: all of them; empty: none
	Reason   string
	From, To int64 // receipt, Unix ms
	After    string
	Limit    int  // 0: 100
	Replayed bool // list those already replayed too
}

// QuarantineConfig of a Quarantine.
type QuarantineConfig struct {
	Dir      string
	MaxBytes int64 // on disk; past it the oldest file goes and its frames are counted as dropped. 0: 1 GiB
	AEAD     AEAD
}

// Quarantine keeps sealed frames in append-only files of at most 16 MiB.
//
//	file:    "HLX" version(1), then records
//	record:  length(4, little endian) crc32c(4) of what follows · length of meta(4) · meta(JSON of Entry) · sealed bytes
//	sealed:  AEAD(meta as associated data) of detail length(4) · detail · wire batch with the one frame
//
// A record with an empty seal marks the Entry of the same id as replayed. Add and Replay are durable on return. A record cut off
// by a crash is truncated at open: it was never acknowledged. Safe for concurrent use.
type Quarantine struct {
	cfg QuarantineConfig

	mu      sync.Mutex
	file    *os.File
	held    durable.Held // file: nothing is acknowledged that is gone at the next stop
	number  uint32
	size    int64
	total   int64
	entries map[string]*Entry
	sizes   map[uint32]int64
	dropped int64
}

const quarantineFile = 16 << 20

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// OpenQuarantine reads the index of what is there.
func OpenQuarantine(cfg QuarantineConfig) (*Quarantine, error) {
	if cfg.AEAD == nil {
		return nil, errors.New("open quarantine: no key to seal frames with; give it an AEAD")
	}
	if cfg.MaxBytes <= 0 {
		cfg.MaxBytes = 1 << 30
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("open quarantine: %w", err)
	}
	q := &Quarantine{cfg: cfg, entries: map[string]*Entry{}, sizes: map[uint32]int64{}}
	names, err := filepath.Glob(filepath.Join(cfg.Dir, "*.hlx"))
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	for i, name := range names {
		var n uint32
		if _, err := fmt.Sscanf(filepath.Base(name), "%08d.hlx", &n); err != nil {
			continue
		}
		if err := q.scan(name, n, i == len(names)-1); err != nil {
			return nil, fmt.Errorf("open quarantine %s: %w", name, err)
		}
		q.number = max(q.number, n)
	}
	if err := q.next(); err != nil {
		return nil, fmt.Errorf("open quarantine: %w", err)
	}
	return q, nil
}

func (q *Quarantine) path(n uint32) string {
	return filepath.Join(q.cfg.Dir, fmt.Sprintf("%08d.hlx", n))
}

// scan indexes one file; of the last one a torn end is cut off.
func (q *Quarantine) scan(name string, n uint32, last bool) error {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	var head [4]byte
	if _, err := io.ReadFull(f, head[:]); err != nil {
		if last {
			return f.Truncate(0)
		}
		return errors.New("it has no header")
	}
	if string(head[:3]) != "HLX" {
		return errors.New("not a quarantine file")
	}
	if head[3] > 1 {
		return fmt.Errorf("version %d, this program reads up to 1", head[3])
	}
	at := int64(4)
	for {
		meta, sealed, length, err := readRecord(f, at)
		if err == io.EOF {
			break
		}
		if err != nil {
			if last {
				if err := f.Truncate(at); err != nil {
					return err
				}
				break
			}
			return fmt.Errorf("at byte %d: %w", at, err)
		}
		var e Entry
		if err := json.Unmarshal(meta, &e); err != nil {
			return fmt.Errorf("at byte %d: %w", at, err)
		}
		if len(sealed) == 0 {
			if old := q.entries[e.ID]; old != nil {
				old.Replayed = true
			}
		} else {
			e.file, e.offset, e.length = n, at, length
			q.entries[e.ID] = &e
		}
		at += int64(length)
	}
	q.sizes[n] = at
	q.total += at
	return nil
}

// readRecord reads the record at a place; io.EOF only where the file ends exactly there.
func readRecord(f io.ReaderAt, at int64) (meta, sealed []byte, length int, err error) {
	var head [8]byte
	n, err := f.ReadAt(head[:], at)
	if n == 0 && err == io.EOF {
		return nil, nil, 0, io.EOF
	}
	if n < len(head) {
		return nil, nil, 0, io.ErrUnexpectedEOF
	}
	size := binary.LittleEndian.Uint32(head[:])
	if size < 4 || size > wire.MaxBody {
		return nil, nil, 0, errors.New("length of a record is out of bounds")
	}
	// What a record claims to hold is allocated as it is read: a length gone bad costs no more than the file has.
	body, err := io.ReadAll(io.NewSectionReader(f, at+8, int64(size)))
	if err != nil {
		return nil, nil, 0, err
	}
	if len(body) < int(size) {
		return nil, nil, 0, io.ErrUnexpectedEOF
	}
	if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(head[4:]) {
		return nil, nil, 0, errors.New("checksum differs")
	}
	m := binary.LittleEndian.Uint32(body)
	if int(m) > len(body)-4 {
		return nil, nil, 0, errors.New("meta is longer than its record")
	}
	return body[4 : 4+m], body[4+m:], int(size) + 8, nil
}

func appendRecord(dst, meta, sealed []byte) []byte {
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0, 0, 0, 0, 0)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(meta)))
	dst = append(append(dst, meta...), sealed...)
	binary.LittleEndian.PutUint32(dst[at:], uint32(len(dst)-at-8))
	binary.LittleEndian.PutUint32(dst[at+4:], crc32.Checksum(dst[at+8:], castagnoli))
	return dst
}

// next begins a new file and drops the oldest ones past the limit; mu is held or not yet needed.
func (q *Quarantine) next() error {
	if q.file != nil {
		if err := q.file.Close(); err != nil {
			return err
		}
		q.file = nil
	}
	if q.number > 0 && q.sizes[q.number] < quarantineFile && q.size == 0 { // go on with the last one after a restart
		f, err := os.OpenFile(q.path(q.number), os.O_RDWR, 0o600)
		if err != nil {
			return err
		}
		if q.size, err = f.Seek(0, io.SeekEnd); err != nil {
			f.Close()
			return err
		}
		if q.size == 0 {
			if _, err := f.Write([]byte{'H', 'L', 'X', 1}); err != nil {
				f.Close()
				return err
			}
			q.size = 4
		}
		if q.held, err = durable.Hold(f.Name()); err != nil {
			f.Close()
			return err
		}
		q.file = f
		return nil
	}
	q.number++
	f, err := os.OpenFile(q.path(q.number), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err := f.Write([]byte{'H', 'L', 'X', 1}); err != nil {
		f.Close()
		return err
	}
	if q.held, err = durable.Hold(f.Name()); err != nil {
		f.Close()
		return err
	}
	q.file, q.size = f, 4
	q.sizes[q.number] = 4
	q.total += 4
	for q.total > q.cfg.MaxBytes && len(q.sizes) > 1 {
		oldest := q.number
		for n := range q.sizes {
			oldest = min(oldest, n)
		}
		if oldest == q.number {
			break
		}
		if err := os.Remove(q.path(oldest)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		q.total -= q.sizes[oldest]
		delete(q.sizes, oldest)
		for id, e := range q.entries {
			if e.file == oldest {
				if !e.Replayed {
					q.dropped++
				}
				delete(q.entries, id)
			}
		}
	}
	return durable.SyncDir(q.cfg.Dir)
}

// write appends records durably; a failed write is taken back. mu is held.
func (q *Quarantine) write(data []byte) error {
	if err := q.held.Err(); err != nil {
		return err
	}
	if _, err := q.file.WriteAt(data, q.size); err != nil {
		q.file.Truncate(q.size) //nolint:errcheck // the next write overwrites it
		return err
	}
	if err := q.file.Sync(); err != nil {
		return err
	}
	q.size += int64(len(data))
	q.total += int64(len(data))
	q.sizes[q.number] = q.size
	return nil
}

// Add keeps frames; one that is there already (the same message read again after a crash) is left out.
func (q *Quarantine) Add(list []Quarantined) error {
	if len(list) == 0 {
		return nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.file == nil {
		return errClosed
	}
	if q.size > quarantineFile {
		if err := q.next(); err != nil {
			return fmt.Errorf("put into quarantine: %w", err)
		}
	}
	var data []byte
	var added []*Entry
	for i := range list {
		v := &list[i]
		id := compactID('x', xxhash.Sum64String(v.Epoch), v.Seq, v.Index)
		if q.entries[id] != nil {
			continue
		}
		e := &Entry{ID: id, Seq: v.Seq, Index: v.Index, Source: v.Source, Minute: v.Minute, Received: v.Frame.Received, Reason: v.Reason,
			Size: len(v.Frame.Data)}
		meta, err := json.Marshal(e)
		if err != nil {
			return err
		}
		plain := binary.LittleEndian.AppendUint32(nil, uint32(len(v.Detail)))
		plain = append(plain, v.Detail...)
		plain = append(plain, wire.Encode(&wire.Batch{Frames: []wire.Frame{v.Frame}})...)
		sealed, err := q.cfg.AEAD.Encrypt(plain, meta)
		if err != nil {
			return fmt.Errorf("put into quarantine: seal: %w", err)
		}
		e.file, e.offset = q.number, q.size+int64(len(data))
		before := len(data)
		data = appendRecord(data, meta, sealed)
		e.length = len(data) - before
		added = append(added, e)
	}
	if len(added) == 0 {
		return nil
	}
	if err := q.write(data); err != nil {
		return fmt.Errorf("put into quarantine: %w", err)
	}
	for _, e := range added {
		q.entries[e.ID] = e
	}
	return nil
}

// List gives one page of entries.
func (q *Quarantine) List(f QuarantineFilter) (QuarantinePage, error) {
	if f.Limit <= 0 {
		f.Limit = 100
	}
	page := QuarantinePage{Reasons: map[string]int64{}}
	q.mu.Lock()
	if q.file == nil {
		q.mu.Unlock()
		return page, errClosed
	}
	for _, e := range q.entries {
		if f.Sources != nil && !slices.Contains(f.Sources, e.Source) || f.Reason != "" && e.Reason != f.Reason ||
			f.From != 0 && e.Received < f.From || f.To != 0 && e.Received >= f.To || e.Replayed && !f.Replayed {
			continue
		}
		page.Items = append(page.Items, *e)
		page.Reasons[e.Reason]++
	}
	q.mu.Unlock()
	order := func(a, b Entry) int {
		return cmp.Or(cmp.Compare(b.Received, a.Received), strings.Compare(b.ID, a.ID))
	}
	slices.SortFunc(page.Items, order)
	page.Total = len(page.Items)
	if f.After != "" {
		last, err := parsePlace(f.After)
		if err != nil {
			return QuarantinePage{}, err
		}
		i, found := slices.BinarySearchFunc(page.Items, last, order)
		if found {
			i++
		}
		page.Items = page.Items[i:]
	}
	if len(page.Items) > f.Limit {
		page.Items = page.Items[:f.Limit]
		page.Next = place(page.Items[f.Limit-1])
	}
	return page, nil
}

// place is where a page ends: in the order of the list, so that the next one goes on there although the frame was replayed or had to go
// meanwhile.
func place(e Entry) string { return strconv.FormatInt(e.Received, 10) + "." + e.ID }

func parsePlace(s string) (Entry, error) {
	received, id, ok := strings.Cut(s, ".")
	at, err := strconv.ParseInt(received, 10, 64)
	if err != nil || !ok {
		return Entry{}, &soc.Problem{Status: http.StatusUnprocessableEntity, Code: "cursor_ended", Detail: "No page ended there.",
			Values: map[string]string{"field": "after"}}
	}
	return Entry{Received: at, ID: id}, nil
}

// Counts is how many frames wait, by reason; Dropped how many had to go for want of space since the start.
func (q *Quarantine) Counts() (waiting map[string]int64, dropped int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	waiting = map[string]int64{}
	for _, e := range q.entries {
		if !e.Replayed {
			waiting[e.Reason]++
		}
	}
	return waiting, q.dropped
}

// Has reports whether a frame with this id is held, replayed or not.
func (q *Quarantine) Has(id string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.entries[id] != nil
}

// Get opens one frame and says in detail why it is here.
func (q *Quarantine) Get(id string) (e Entry, frame wire.Frame, detail string, err error) {
	q.mu.Lock()
	p := q.entries[id]
	if p == nil {
		q.mu.Unlock()
		return e, frame, "", fmt.Errorf("%w: %s", ErrNotFound, id)
	}
	e = *p
	q.mu.Unlock()
	f, err := os.Open(q.path(e.file))
	if err != nil {
		return e, frame, "", fmt.Errorf("open quarantined frame %s: %w", id, err)
	}
	defer f.Close()
	meta, sealed, _, err := readRecord(f, e.offset)
	if err != nil {
		return e, frame, "", fmt.Errorf("read quarantined frame %s: %w", id, err)
	}
	plain, err := q.cfg.AEAD.Decrypt(sealed, meta)
	if err != nil {
		return e, frame, "", fmt.Errorf("open the seal of quarantined frame %s: %w", id, err)
	}
	if len(plain) < 4 || int(binary.LittleEndian.Uint32(plain)) > len(plain)-4 {
		return e, frame, "", fmt.Errorf("quarantined frame %s is damaged", id)
	}
	n := 4 + int(binary.LittleEndian.Uint32(plain))
	b, err := wire.Decode(plain[n:])
	if err != nil || len(b.Frames) != 1 {
		return e, frame, "", fmt.Errorf("quarantined frame %s is damaged: %v", id, err)
	}
	return e, b.Frames[0], string(plain[4:n]), nil
}

// Replay hands frames to put (intake) again, after a decoder was mended, and marks them as done. It goes on past frames that
// cannot be replayed and returns how many were, with the errors of the others. A frame without a sender's id gets one made of
// its number here, so that a replay cut short by a crash and repeated stores nothing twice.
func (q *Quarantine) Replay(ctx context.Context, ids []string, put func(context.Context, []wire.Frame) error) (int, error) {
	done := 0
	var errs []error
	for _, id := range ids {
		if err := ctx.Err(); err != nil {
			return done, errors.Join(append(errs, err)...)
		}
		e, frame, _, err := q.Get(id)
		switch {
		case err != nil:
			errs = append(errs, err)
			continue
		case e.Replayed:
			continue
		case e.Index < 0:
			errs = append(errs, fmt.Errorf("replay %s: it is a damaged batch, not a frame; take it out as a file", id))
			continue
		}
		if frame.ID == "" {
			frame.ID = "quarantine:" + id
		}
		if err := put(ctx, []wire.Frame{frame}); err != nil {
			return done, errors.Join(append(errs, fmt.Errorf("replay %s: %w", id, err))...)
		}
		if err := q.mark(&e); err != nil {
			return done, errors.Join(append(errs, fmt.Errorf("replay %s: it went in, but could not be marked: %w", id, err))...)
		}
		done++
	}
	return done, errors.Join(errs...)
}

func (q *Quarantine) mark(e *Entry) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.file == nil {
		return errClosed
	}
	meta, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if err := q.write(appendRecord(nil, meta, nil)); err != nil {
		return err
	}
	if p := q.entries[e.ID]; p != nil {
		p.Replayed = true
	}
	return nil
}

// Close releases the file.
func (q *Quarantine) Close() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.file == nil {
		return nil
	}
	err := q.file.Close()
	q.file = nil
	return err
}
