package evidence

import (
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
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"

	"hoalu/soc"
	"hoalu/state"
)

// Origin names the log in its checkpoints.
const Origin = "hoalu/evidence"

// LogConfig of a Log.
type LogConfig struct {
	Dir      string        // folder of the log's tiles and checkpoint
	Interval time.Duration // between checkpoints while the log grows; 0: 1 s, so that a pack holds the newest deeds and a stop does not wait
}

// Log is the transparency log behind the audit rows (C2SP tlog-tiles, RFC 6962 hashing): deed number n is entry n-1, its leaf the
// JSON of the soc.Deed. One appender puts rows in by their numbers; after a crash it reads how far the log is and goes on, so a row
// is in it once. A signed checkpoint every Interval commits to all of it.
//
// All methods are safe for concurrent use; Run must be running for rows to get in.
type Log struct {
	cfg      LogConfig
	db       *state.DB
	log      *slog.Logger
	verifier *ecdsaNote
	appender *tessera.Appender
	reader   tessera.LogReader
	shutdown func(context.Context) error
	cancel   context.CancelFunc

	mu   sync.Mutex
	next int64 // number of the next row to append
	err  error
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
		return nil, fmt.Errorf("make log folder: %w", err)
	}
	bg, cancel := context.WithCancel(context.WithoutCancel(ctx))
	driver, err := posix.New(bg, posix.Config{Path: cfg.Dir})
	if err != nil {
		cancel()
		return nil, fmt.Errorf("open log %s: %w", cfg.Dir, err)
	}
	appender, shutdown, reader, err := tessera.NewAppender(bg, driver, tessera.NewAppendOptions().WithCheckpointSigner(n).
		WithBatching(256, 100*time.Millisecond).WithCheckpointInterval(cfg.Interval).WithCheckpointRepublishInterval(max(time.Minute, cfg.Interval)))
	if err != nil {
		cancel()
		return nil, fmt.Errorf("open log %s: %w", cfg.Dir, err)
	}
	size, err := reader.NextIndex(ctx)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("read log %s: %w", cfg.Dir, err)
	}
	last, err := Last(ctx, db.Read())
	if err != nil {
		cancel()
		return nil, err
	}
	if int64(size) > last {
		cancel()
		return nil, fmt.Errorf("the evidence log holds %d entries but the audit table only %d: the state database is older than the log; restore both from one backup", size, last)
	}
	return &Log{cfg: cfg, db: db, log: log.With("component", "evidence"), verifier: n, appender: appender, reader: reader, shutdown: shutdown, cancel: cancel, next: int64(size) + 1}, nil
}

// leaf is the entry of a deed.
func leaf(d soc.Deed) ([]byte, error) { return json.Marshal(d) }

// Run puts new rows into the log until ctx ends.
func (l *Log) Run(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		if err := l.Append(ctx); err != nil && ctx.Err() == nil {
			l.log.Error("append to the evidence log", "error", err)
			l.mu.Lock()
			l.err = err
			l.mu.Unlock()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// Append puts every row that is not in the log yet into it, in the order of their numbers.
func (l *Log) Append(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		deeds, err := After(ctx, l.db.Read(), l.next-1, 256)
		if err != nil {
			return err
		}
		if len(deeds) == 0 {
			l.err = nil
			return nil
		}
		futures := make([]tessera.IndexFuture, 0, len(deeds))
		for i, d := range deeds {
			if d.Number != l.next+int64(i) {
				return fmt.Errorf("audit row %d is missing: the next one is %d", l.next+int64(i), d.Number)
			}
			data, err := leaf(d)
			if err != nil {
				return err
			}
			futures = append(futures, l.appender.Add(ctx, tessera.NewEntry(data)))
		}
		for i, f := range futures {
			index, err := f()
			if err != nil {
				return fmt.Errorf("append audit row %d: %w", deeds[i].Number, err)
			}
			if int64(index.Index) != deeds[i].Number-1 {
				return fmt.Errorf("audit row %d became log entry %d", deeds[i].Number, index.Index)
			}
			l.next = deeds[i].Number + 1
		}
	}
}

// Close publishes a last checkpoint over everything appended and stops.
func (l *Log) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	err := l.shutdown(ctx)
	l.cancel()
	return err
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

// Ready says what is wrong with the log, nil when rows get in.
func (l *Log) Ready() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
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
	return n.signer.Sign(rand.Reader, d[:], crypto.SHA256)
}

func (n *ecdsaNote) Verify(msg, sig []byte) bool {
	d := sha256.Sum256(msg)
	return ecdsa.VerifyASN1(n.public, d[:], sig)
}
