package evidence

import (
	"context"
	"crypto"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/client"

	"hoalu/compliance/evidence/internal/db"
	"hoalu/internal/wording"
	"hoalu/soc"
	"hoalu/state"
)

// Apart keeps a small record sealed and apart from the data folder (vault.Vault does).
type Apart interface {
	Keep(ctx context.Context, name string, content []byte) error
	// Kept also says where the record lies; fs.ErrNotExist when there is none.
	Kept(ctx context.Context, name string) (content []byte, place string, err error)
}

// keptName is the record's name at Apart.
const keptName = "evidence-head"

// keptFormat begins the record (decision 15).
const keptFormat = "hoalu.kept-head/1"

// keepEvery is the least time between two writes of the kept head while the log grows. A log that is shorter than the kept head is
// refused, so an older copy of the data folder is found when it is older than this.
const keepEvery = 10 * time.Second

// keptHead is the last signed head of the log, kept where a copy of the data folder does not reach it.
type keptHead struct {
	Format string `json:"format"`
	Size   uint64 `json:"size"`
	Root   string `json:"root"` // hex
	At     int64  `json:"at"`   // Unix ms
}

// Uses of rows of evidence_head: why a head was given out of the data folder.
const (
	headApart    = "apart"    // the first that was kept apart
	headExport   = "export"   // in an evidence pack
	headNational = "national" // sent to the national centre
)

// RewoundError says that the log is not a continuation of the head kept apart: the data folder is an older copy, or the log was removed
// or made anew.
type RewoundError struct {
	Size  uint64 // entries of the log that was found
	Kept  uint64 // entries of the log when its head was last kept apart; 0 when that record is gone
	At    int64  // when it was kept, Unix ms
	Place string // where the record lies or lay
	Other bool   // as long or longer, with other entries
}

func (e *RewoundError) Error() string { return e.words().Error() }

// Unwrap is the same in words of any language.
func (e *RewoundError) Unwrap() error { return e.words() }

func (e *RewoundError) words() *wording.Problem {
	at := time.UnixMilli(e.At).Format(time.RFC3339)
	var what *wording.Problem
	switch {
	case e.Kept == 0:
		what = wording.New("the evidence log of this data folder holds %d entries and a head of it was kept apart, but that record is not there any more (%s): the data folder was moved or restored on another machine", e.Size, e.Place)
	case e.Other:
		what = wording.New("the evidence log of this data folder is another one: it does not continue the log of %d entries whose head was kept apart at %s (%s)", e.Kept, at, e.Place)
	default:
		what = wording.New("the evidence log of this data folder holds %d entries, and %d were signed when its head was kept apart at %s (%s): the folder is an older copy, or its log was removed", e.Size, e.Kept, at, e.Place)
	}
	return wording.New("%s; if the folder was restored on purpose, say so on record: hoalu restored --data DIR --reason \"…\"", what)
}

// continues checks that the log of size now, as its tiles are, begins with the size entries whose root was root; false says that it
// does not. An error says that it could not be told.
func (l *Log) continues(ctx context.Context, size uint64, root string, now uint64) (bool, error) {
	if size > now {
		return false, nil
	}
	want, err := hex.DecodeString(root)
	if err != nil || len(want) != rfc6962.DefaultHasher.Size() {
		return false, fmt.Errorf("%q is not the root of a log", root)
	}
	if size == 0 {
		return true, nil
	}
	nodes, err := client.FetchRangeNodes(ctx, now, l.reader.ReadTile)
	if err != nil {
		return false, fmt.Errorf("read tiles of the evidence log: %w", err)
	}
	r, err := (&compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}).NewRange(0, now, nodes)
	if err != nil {
		return false, err
	}
	top, err := r.GetRootHash(nil)
	if err != nil {
		return false, err
	}
	path, err := l.consistency(ctx, size, now)
	if err != nil {
		return false, err
	}
	return proof.VerifyConsistency(rfc6962.DefaultHasher, size, now, path, want, top) == nil, nil
}

// consistency is the proof that the log's first size entries are the beginning of its first now.
func (l *Log) consistency(ctx context.Context, size, now uint64) ([][]byte, error) {
	if size == now || size == 0 {
		return nil, nil
	}
	b, err := client.NewProofBuilder(ctx, now, l.reader.ReadTile)
	if err != nil {
		return nil, fmt.Errorf("read tiles of the evidence log: %w", err)
	}
	path, err := b.ConsistencyProof(ctx, size, now)
	if err != nil {
		return nil, fmt.Errorf("consistency of %d entries of the evidence log with %d: %w", size, now, err)
	}
	return path, nil
}

// checkKept compares the log of size entries with the head kept apart; a *RewoundError says that it does not continue it.
func (l *Log) checkKept(ctx context.Context, size uint64) error {
	if l.cfg.Apart == nil {
		return nil
	}
	n, err := db.New(l.db.Read()).CountHeads(ctx, headApart)
	if err != nil {
		return fmt.Errorf("read heads of the evidence log: %w", err)
	}
	l.onRecord = n > 0
	content, place, err := l.cfg.Apart.Kept(ctx, keptName)
	if errors.Is(err, fs.ErrNotExist) {
		if l.onRecord {
			return &RewoundError{Size: size, Place: place}
		}
		return nil // a new log, or the first start of a version that keeps heads apart
	}
	if err != nil {
		return wording.New("the head of the evidence log that is kept apart cannot be read, so it cannot be told whether this data folder is an older copy: %s", err)
	}
	var k keptHead
	if err := json.Unmarshal(content, &k); err != nil || k.Format != keptFormat {
		return wording.New("the head of the evidence log kept apart in %s is of format %.40q, this program reads %s", place, k.Format, keptFormat)
	}
	ok, err := l.continues(ctx, k.Size, k.Root, size)
	if err != nil {
		return err
	}
	if !ok {
		return &RewoundError{Size: size, Kept: k.Size, At: k.At, Place: place, Other: k.Size <= size}
	}
	l.kept = k
	return nil
}

// keepHead keeps the newest signed head apart when it is due; now says that it is whatever the time. What fails is what Apart says.
func (l *Log) keepHead(ctx context.Context, now bool) error {
	if l.cfg.Apart == nil {
		return nil
	}
	h, err := l.Head(ctx)
	if err != nil {
		if errors.Is(err, ErrNoHead) {
			return nil
		}
		return err
	}
	l.keptMu.Lock()
	defer l.keptMu.Unlock()
	if h.Size == l.kept.Size || !now && time.Since(time.UnixMilli(l.kept.At)).Abs() < keepEvery {
		return l.keptErr
	}
	k := keptHead{keptFormat, h.Size, h.Root, time.Now().UnixMilli()}
	content, err := json.Marshal(k)
	if err == nil {
		err = l.cfg.Apart.Keep(ctx, keptName, content)
	}
	if err != nil {
		err = wording.New("the head of the evidence log is not kept apart, so an older copy of the data folder would not be noticed: %s; name a folder that this process may write in evidence.apart", err)
	} else {
		l.kept = k
	}
	if err == nil && !l.onRecord {
		err = l.recordKept(ctx, k)
	}
	l.keptErr = err
	return err
}

// recordKept puts on record that from here on a head is kept apart: a start that misses it asks why.
func (l *Log) recordKept(ctx context.Context, k keptHead) error {
	err := l.db.Tx(ctx, func(tx *sql.Tx) error {
		if _, err := Record(ctx, tx, soc.Deed{Actor: soc.Machine, Action: "evidence.kept_apart",
			Details: map[string]string{"size": fmt.Sprint(k.Size), "root": k.Root}}); err != nil {
			return err
		}
		return db.New(tx).InsertHead(ctx, db.InsertHeadParams{Size: int64(k.Size), Root: k.Root, Use: headApart, Time: k.At})
	})
	if err != nil {
		return fmt.Errorf("record that the head of the evidence log is kept apart: %w", err)
	}
	l.onRecord = true
	return nil
}

// Kept says what is wrong with the head kept apart, nil when it is kept.
func (l *Log) Kept() error {
	l.keptMu.Lock()
	defer l.keptMu.Unlock()
	return l.keptErr
}

// Restored takes the log in cfg.Dir as it is, though it does not continue the head kept apart, puts that on record with the reason, and
// keeps its head from then on. Nobody else may have the log open. before is what was kept, nil when there was no contradiction.
func Restored(ctx context.Context, cfg LogConfig, sdb *state.DB, signer crypto.Signer, log *slog.Logger, by soc.Actor,
	reason string) (before *RewoundError, head Head, err error) {
	cfg.taken = true
	l, err := OpenLog(ctx, cfg, sdb, signer, log)
	if err != nil {
		return nil, Head{}, err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	before = l.rewound
	details := map[string]string{}
	if before != nil {
		details = map[string]string{"entries": fmt.Sprint(before.Size), "kept_entries": fmt.Sprint(before.Kept),
			"kept_at": time.UnixMilli(before.At).UTC().Format(time.RFC3339), "other": fmt.Sprint(before.Other)}
	}
	if err := l.db.Tx(ctx, func(tx *sql.Tx) error {
		_, err := Record(ctx, tx, soc.Deed{Actor: by, Action: "evidence.restored", Reason: reason, Details: details})
		return err
	}); err != nil {
		return before, Head{}, err
	}
	if err := l.Append(ctx); err != nil {
		return before, Head{}, err
	}
	if err := l.settle(ctx); err != nil {
		return before, Head{}, err
	}
	l.kept = keptHead{}
	if err := l.keepHead(ctx, true); err != nil {
		return before, Head{}, err
	}
	if err := l.Append(ctx); err != nil { // what keepHead has recorded
		return before, Head{}, err
	}
	head, err = l.Head(ctx)
	return before, head, err
}
