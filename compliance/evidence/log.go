package evidence

import (
	"bytes"
	"cmp"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/api/layout"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"

	"hoalu/internal/guarded"
	"hoalu/internal/wording"
	"hoalu/soc"
	"hoalu/state"
)

// Origin names the log in its checkpoints.
const Origin = "hoalu/evidence"

// LogConfig of a Log.
type LogConfig struct {
	Dir      string        // folder of the log's tiles and checkpoint
	Interval time.Duration // between checkpoints while the log grows; 0: 1 s, so that a pack holds the newest deeds and a stop does not wait
	Apart    Apart         // keeps the newest head outside the data folder; nil: nowhere
	Objects  Objects       // what deeds bind by a hash of its state; nil: nothing is compared with it

	taken bool // the log is taken as it is, whatever head is kept apart (Restored)
}

// Log is the transparency log behind the audit rows (C2SP tlog-tiles, RFC 6962 hashing): deed number n is entry n-1, its leaf the
// JSON of the soc.Deed. One appender puts rows in by their numbers; a signed checkpoint every Interval commits to all of it.
//
// How number and index stay one, whatever fails (a full disk, kill -9, a failing write that was done all the same):
//   - no position is kept beside the log: each batch begins where the log's own tree state says that the log ends;
//   - a batch is one flush of tessera, so it is in as a whole or not at all: its appender's queue holds exactly the batch. A long-lived
//     appender may cut rows into two flushes, and when the first fails the second takes the first one's places;
//   - before the first batch and after each error the log's newest entry is compared with the row of its number. Where they differ the
//     log does not grow: the two are not of one time, or the row was changed.
//
// All methods are safe for concurrent use; Run must be running for rows to get in.
type Log struct {
	cfg      LogConfig
	db       *state.DB
	log      *slog.Logger
	verifier *ecdsaNote
	storage  storage
	reader   tessera.LogReader
	told     error           // what the last round of Run logged, nil: that all is well
	ctx      context.Context // of the publisher of checkpoints
	cancel   context.CancelFunc

	mu     sync.Mutex
	known  uint64  // size that Append left behind and may go on from; unknown: compare first
	err    error   // of the newest Append
	late   error   // what the newest look at the head found: none that covers the entries, or one that cannot be read
	behind backlog // entries that wait for a signed head

	keptMu   sync.Mutex
	kept     keptHead // as written last
	keptErr  error
	onRecord bool          // the audit log says that heads are kept apart
	rewound  *RewoundError // what checkKept found of a log that is taken as it is

	compared comparison
}

// unknown stands for a log whose end has not been compared with the rows.
const unknown = ^uint64(0)

// batch is how many rows get in at once: as many as an entry bundle holds.
const batch = 256

// storage is the part of tessera's POSIX driver behind tessera.NewAppender.
type storage interface {
	Appender(context.Context, *tessera.AppendOptions) (*tessera.Appender, tessera.LogReader, error)
}

// OpenLog opens the log in cfg.Dir, making it when absent. signer is an ECDSA P-256 key of the vault.
func OpenLog(ctx context.Context, cfg LogConfig, db *state.DB, signer crypto.Signer, log *slog.Logger) (*Log, error) {
	if cfg.Interval == 0 {
		cfg.Interval = time.Second
	}
	n, err := newNote(Origin, signer.Public(), signer)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, wording.New("the folder of the evidence log cannot be made: %s", err)
	}
	l := &Log{cfg: cfg, db: db, log: log.With("component", "evidence"), verifier: n, known: unknown}
	quietKlog(l.log)
	l.ctx, l.cancel = context.WithCancel(context.WithoutCancel(ctx))
	driver, err := posix.New(l.ctx, posix.Config{Path: cfg.Dir})
	if err != nil {
		l.cancel()
		return nil, fmt.Errorf("open log %s: %w", cfg.Dir, err)
	}
	l.storage = driver.(storage)
	l.future()
	l.sweep()
	if _, l.reader, err = l.storage.Appender(l.ctx,
		l.options().WithCheckpointInterval(cfg.Interval).WithCheckpointRepublishInterval(max(time.Minute, cfg.Interval))); err != nil {
		l.cancel()
		return nil, fmt.Errorf("open log %s: %w", cfg.Dir, err)
	}
	size, err := l.reader.NextIndex(ctx)
	if err != nil {
		l.cancel()
		return nil, fmt.Errorf("read log %s: %w", cfg.Dir, err)
	}
	last, err := Last(ctx, db.Read())
	if err != nil {
		l.cancel()
		return nil, err
	}
	if int64(size) > last {
		l.cancel()
		return nil,
			wording.New("the evidence log holds %d entries but the audit table only %d: the state database is older than the log; restore both from one backup", size, last)
	}
	if err := l.checkKept(ctx, size); err != nil && !(cfg.taken && errors.As(err, &l.rewound)) {
		l.cancel()
		return nil, err
	}
	return l, nil
}

func (l *Log) options() *tessera.AppendOptions {
	return tessera.NewAppendOptions().WithCheckpointSigner(l.verifier)
}

// future takes back the time of a checkpoint signed by a clock that ran ahead: tessera signs the next one only when that is old enough.
func (l *Log) future() {
	file := filepath.Join(l.cfg.Dir, "checkpoint")
	if st, err := os.Stat(file); err == nil && time.Until(st.ModTime()) > l.cfg.Interval {
		now := time.Now()
		_ = os.Chtimes(file, now, now) // the head is only late if this fails
	}
}

// sweep removes what tessera's failed or killed writes left behind: it writes beside, under the file's name and a number. Names of the log
// itself (C2SP tlog-tiles) end in at most three digits. What is young may be in use.
func (l *Log) sweep() {
	digits := func(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
	_ = filepath.WalkDir(l.cfg.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // what cannot be read stays
		}
		name := d.Name()
		rest := strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(name, "checkpoint"), "treeState"), "gcState")
		if !digits(rest) || rest == name && len(name) <= 3 {
			return nil
		}
		if info, err := d.Info(); err == nil && time.Since(info.ModTime()).Abs() > stale {
			_ = os.Remove(path)
		}
		return nil
	})
}

// stale is how old a half-written file is when nobody writes it any more.
const stale = 30 * time.Second

// leaf is the entry of a deed. Its bytes are what heads commit to, so they must stay what they are for rows that exist
// (TestLeafStaysAsItIs).
func leaf(d soc.Deed) ([]byte, error) { return json.Marshal(d) }

// Run puts new rows into the log until ctx ends.
func (l *Log) Run(ctx context.Context) error {
	var swept time.Time
	for {
		wait, before := time.Second, l.told
		err := l.Append(ctx)
		if err == nil {
			err = l.signed(ctx)
		}
		if kept := l.Kept(); err == nil && ctx.Err() == nil {
			if now := l.keepHead(ctx, false); now != nil && (kept == nil || kept.Error() != now.Error()) {
				l.log.Error("keep the head of the evidence log apart; it is tried again", "error", now)
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		l.tell(err)
		l.future()
		if err != nil {
			wait = 5 * time.Second
		}
		if (err != nil || before != nil) && time.Since(swept) > stale {
			l.sweep()
			swept = time.Now()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

// tell logs what changed since the last round of Run, and nothing while a fault lasts.
func (l *Log) tell(err error) {
	before := l.told
	l.told = err
	switch {
	case err != nil && (before == nil || before.Error() != err.Error()):
		l.log.Error("rows do not get into the evidence log; it is tried again every few seconds", "error", err)
	case err == nil && before != nil:
		l.log.Info("the evidence log takes rows again")
	}
}

// unsigned is how long entries may wait for a signed head before that is a fault.
const unsigned = 15 * time.Second

// backlog tells how long the oldest entry without a signed head has waited. While the log grows the newest entry is never signed yet, so
// what counts is whether a head comes to cover the entries that waited when they were first seen.
type backlog struct {
	mark  uint64    // entries that wait since; 0 none
	since time.Time // when the log was seen to hold mark entries and its head fewer
}

// waited is how long the oldest unsigned entry has been seen to wait, at now, with size entries of which signed are under a head.
func (b *backlog) waited(now time.Time, size, signed uint64) time.Duration {
	switch {
	case signed >= size:
		b.mark = 0
		return 0
	case b.mark == 0 || signed >= b.mark: // what waited is signed; what came since waits from now on at the latest
		b.mark, b.since = size, now
		return 0
	}
	return now.Sub(b.since)
}

// signed checks that the head keeps up with the log. What it finds is what Taking says until the next look: an Append that has nothing to
// do between the two knows nothing of the head.
func (l *Log) signed(ctx context.Context) error {
	err := l.covered(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	if ctx.Err() == nil {
		l.late = err
	}
	return err
}

// covered says why the newest head does not cover what entered the log a while ago, nil where it does.
func (l *Log) covered(ctx context.Context) error {
	size, err := l.reader.NextIndex(ctx)
	if err != nil {
		return fmt.Errorf("read where the evidence log ends: %w", err)
	}
	h, err := l.Head(ctx)
	if err != nil && !errors.Is(err, ErrNoHead) {
		return err
	}
	if l.behind.waited(time.Now(), size, h.Size) > unsigned+2*l.cfg.Interval {
		return wording.New("the evidence log holds %d entries and its newest signed head covers %d, since %s: %s", size, h.Size,
			l.behind.since.Format(time.TimeOnly), l.whyUnsigned())
	}
	return nil
}

// whyUnsigned finds out why no head is published: the library that does it does not say.
func (l *Log) whyUnsigned() error {
	if err := l.verifier.failed(); err != nil {
		return wording.New("the key does not sign (%s); look at the vault", err)
	}
	f, err := os.CreateTemp(l.cfg.Dir, "checkpoint")
	if err == nil {
		_, err = f.Write(make([]byte, 4096))
		err = errors.Join(err, f.Sync(), f.Close(), os.Remove(f.Name()))
	}
	if err != nil {
		return wording.New("the head cannot be written (%s); look at the disk of %s", err, l.cfg.Dir)
	}
	return wording.New("the key signs and %s can be written, so the cause is not known; restart the appliance, and keep its log of level debug if it comes again", l.cfg.Dir)
}

// Append puts every row that is not in the log yet into it, in the order of their numbers. After an error the next call goes on from
// what the log holds.
func (l *Log) Append(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		var more bool
		err := guarded.Do(l.log, "appending of audit rows", func() (err error) { more, err = l.appendBatch(ctx); return err })
		if err != nil {
			l.known = unknown
			if ctx.Err() == nil {
				l.err = err
			}
			return err
		}
		if !more {
			l.err = nil
			return nil
		}
	}
}

// appendBatch appends the next rows and says whether there may be more. mu is held.
func (l *Log) appendBatch(ctx context.Context) (more bool, err error) {
	size, err := l.reader.NextIndex(ctx)
	if err != nil {
		return false, fmt.Errorf("read where the evidence log ends: %w", err)
	}
	if size != l.known {
		if err := l.compareEnd(ctx, size); err != nil {
			return false, err
		}
		l.known = size
	}
	deeds, err := After(ctx, l.db.Read(), int64(size), batch)
	if err != nil || len(deeds) == 0 {
		return false, err
	}
	entries := make([]*tessera.Entry, len(deeds))
	for i, d := range deeds {
		if want := int64(size) + int64(i) + 1; d.Number != want {
			return false, fmt.Errorf("audit row %d is missing: the next one is %d; restore the state database and the evidence log from one backup",
				want, d.Number)
		}
		data, err := leaf(d)
		if err != nil {
			return false, err
		}
		if len(data) > maxLeaf {
			return false, fmt.Errorf("audit row %d has %d bytes, a log entry at most %d", d.Number, len(data), maxLeaf)
		}
		entries[i] = tessera.NewEntry(data)
	}
	// Not ctx: what is begun is finished. The checkpoint is the publisher's to write.
	actx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	a, _, err := l.storage.Appender(actx, l.options().WithBatching(uint(len(entries)),
		never).WithCheckpointInterval(never).WithCheckpointRepublishInterval(0).WithGarbageCollectionInterval(0))
	if err != nil {
		return false, fmt.Errorf("append to the evidence log: %w", err)
	}
	futures := make([]tessera.IndexFuture, len(entries))
	for i, e := range entries {
		futures[i] = a.Add(actx, e)
	}
	for i, f := range futures {
		index, err := f()
		if err != nil {
			return false, fmt.Errorf("append audit rows %d to %d to the evidence log: %w", deeds[0].Number, deeds[len(deeds)-1].Number, err)
		}
		if int64(index.Index) != deeds[i].Number-1 {
			return false, fmt.Errorf("audit row %d became entry %d of the evidence log", deeds[i].Number, index.Index)
		}
	}
	l.known = size + uint64(len(deeds))
	return len(deeds) == batch, nil
}

// never is an interval that does not come.
const never = time.Duration(math.MaxInt64)

// maxLeaf is the longest entry (C2SP tlog-tiles: its length is 16 bits).
const maxLeaf = 1<<16 - 1

// compareEnd checks that the log's newest entry is the audit row of its number.
func (l *Log) compareEnd(ctx context.Context, size uint64) error {
	if size == 0 {
		return nil
	}
	held, err := client.GetEntryBundle(ctx, l.reader.ReadEntryBundle, (size-1)/layout.EntryBundleWidth, size)
	if err != nil {
		return fmt.Errorf("read entry %d of the evidence log: %w", size, err)
	}
	deeds, err := After(ctx, l.db.Read(), int64(size)-1, 1)
	if err != nil {
		return err
	}
	i := int((size - 1) % layout.EntryBundleWidth)
	if len(held.Entries) > i && len(deeds) == 1 && deeds[0].Number == int64(size) {
		if data, err := leaf(deeds[0]); err == nil && bytes.Equal(data, held.Entries[i]) {
			return nil
		}
	}
	return wording.New("audit row %d is not what the evidence log holds under its number: the state database and the log are not of one time, or the row was changed; nothing more is logged until both are restored from one backup", size)
}

// closing is how long Close may take to append what was recorded since the last look.
const closing = 10 * time.Second

// Close appends what was recorded up to now, waits until the signed head covers it, keeps that apart and stops. What waits until the next
// start could be changed unseen in between.
func (l *Log) Close() error {
	ctx := context.Background()
	actx, cancel := context.WithTimeout(ctx, closing)
	appended := l.Append(actx)
	cancel()
	if appended != nil {
		appended = fmt.Errorf("rows recorded last are not in the evidence log yet: %w", appended)
	}
	err := l.settle(ctx)
	if err == nil {
		if kept := l.keepHead(ctx, true); kept != nil { // said by Kept while it ran
			l.log.Error("keep the head of the evidence log apart", "error", kept)
		}
	}
	return errors.Join(appended, err, l.close())
}

// close stops without waiting for anything.
func (l *Log) close() error {
	l.cancel()
	return nil
}

// settle waits until the signed head covers everything appended.
func (l *Log) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second+2*l.cfg.Interval)
	defer cancel()
	for {
		size, err := l.reader.NextIndex(ctx)
		if err != nil {
			return fmt.Errorf("read where the evidence log ends: %w", err)
		}
		if h, err := l.Head(ctx); err == nil && h.Size >= size {
			return nil
		} else if err != nil && !errors.Is(err, ErrNoHead) {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.New("the evidence log could not sign its newest entries; they are signed at the next start")
		case <-time.After(min(50*time.Millisecond, l.cfg.Interval)):
		}
	}
}

// Head is the newest signed checkpoint.
type Head struct {
	Size uint64 `json:"size"`
	Root string `json:"root"` // hex
	At   int64  `json:"at"`   // when it was published, Unix ms
	Raw  []byte `json:"-"`
}

// ErrNoHead means that no checkpoint has been published yet.
var ErrNoHead = errors.New("the evidence log has no signed head yet")

// Head reads the newest checkpoint and checks its signature.
func (l *Log) Head(ctx context.Context) (Head, error) {
	raw, err := l.reader.ReadCheckpoint(ctx)
	if errors.Is(err, os.ErrNotExist) {
		return Head{}, ErrNoHead
	}
	if err != nil {
		return Head{}, fmt.Errorf("read checkpoint: %w", err)
	}
	h, err := openCheckpoint(raw, l.verifier)
	if err != nil {
		return Head{}, err
	}
	if st, err := os.Stat(filepath.Join(l.cfg.Dir, "checkpoint")); err == nil {
		h.At = st.ModTime().UnixMilli()
	}
	return h, nil
}

// Taking says why rows do not get in, nil when they do.
func (l *Log) Taking() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := cmp.Or(l.err, l.late)
	if err == nil {
		return nil
	}
	return wording.New("what people do does not get into the evidence log and waits for it: %s", err)
}

// openCheckpoint verifies a checkpoint and reads its head (C2SP tlog-checkpoint: origin, size, root hash).
func openCheckpoint(raw []byte, v note.Verifier) (Head, error) {
	n, err := note.Open(raw, note.VerifierList(v))
	if err != nil {
		return Head{}, fmt.Errorf("checkpoint is not signed by this log's key: %w", err)
	}
	var size uint64
	var root [32]byte
	lines := strings.Split(n.Text, "\n")
	if len(lines) < 3 || lines[0] != Origin {
		return Head{}, errors.New("checkpoint is of another log")
	}
	if _, err := fmt.Sscanf(lines[1], "%d", &size); err != nil {
		return Head{}, fmt.Errorf("checkpoint size %q: %w", lines[1], err)
	}
	b, err := decodeBase64(lines[2])
	if err != nil || copy(root[:], b) != 32 {
		return Head{}, fmt.Errorf("checkpoint root %q is not a hash", lines[2])
	}
	return Head{Size: size, Root: hex.EncodeToString(root[:]), Raw: raw}, nil
}

// Proof is the inclusion proof of a deed under a head.
func (l *Log) Proof(ctx context.Context, number int64, h Head) ([][]byte, error) {
	b, err := client.NewProofBuilder(ctx, h.Size, l.reader.ReadTile)
	if err != nil {
		return nil, fmt.Errorf("read log tiles: %w", err)
	}
	p, err := b.InclusionProof(ctx, uint64(number-1))
	if err != nil {
		return nil, fmt.Errorf("inclusion proof of audit row %d: %w", number, err)
	}
	return p, nil
}

// verifyInclusion checks that data is entry number-1 under the head.
func verifyInclusion(data []byte, number int64, path [][]byte, h Head) error {
	root, err := hex.DecodeString(h.Root)
	if err != nil {
		return err
	}
	return proof.VerifyInclusion(rfc6962.DefaultHasher, uint64(number-1), h.Size, rfc6962.DefaultHasher.HashLeaf(data), path, root)
}

// ecdsaNote signs and verifies notes with ECDSA over SHA-256 (C2SP signed-note algorithm 2).
type ecdsaNote struct {
	name   string
	hash   uint32
	public *ecdsa.PublicKey
	signer crypto.Signer

	mu  sync.Mutex
	err error // of the newest signature
}

func newNote(name string, public crypto.PublicKey, signer crypto.Signer) (*ecdsaNote, error) {
	k, ok := public.(*ecdsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("evidence key is %T, want ECDSA", public)
	}
	der, err := x509.MarshalPKIXPublicKey(k)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(append([]byte(name+"\n\x02"), der...))
	return &ecdsaNote{name: name, hash: binary.BigEndian.Uint32(sum[:4]), public: k, signer: signer}, nil
}

func (n *ecdsaNote) Name() string    { return n.name }
func (n *ecdsaNote) KeyHash() uint32 { return n.hash }

func (n *ecdsaNote) Sign(msg []byte) ([]byte, error) {
	d := sha256.Sum256(msg)
	sig, err := n.signer.Sign(rand.Reader, d[:], crypto.SHA256)
	n.mu.Lock()
	n.err = err
	n.mu.Unlock()
	return sig, err
}

// failed is why the newest signature was not made.
func (n *ecdsaNote) failed() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.err
}

func (n *ecdsaNote) Verify(msg, sig []byte) bool {
	d := sha256.Sum256(msg)
	return ecdsa.VerifyASN1(n.public, d[:], sig)
}
