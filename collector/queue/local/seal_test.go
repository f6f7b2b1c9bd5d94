package local

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"hoalu/collector/queue"
	"hoalu/ecs/wire"
)

// box is an AEAD of tests: AES-256-GCM, which may be down.
type box struct {
	c    cipher.AEAD
	down atomic.Bool
}

var errDown = errors.New("the vault does not answer")

func newBox(t testing.TB) *box {
	t.Helper()
	key := make([]byte, 32)
	rand.Read(key)
	b, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cipher.NewGCM(b)
	if err != nil {
		t.Fatal(err)
	}
	return &box{c: c}
}

func (b *box) Encrypt(p, ad []byte) ([]byte, error) {
	if b.down.Load() {
		return nil, errDown
	}
	nonce := make([]byte, b.c.NonceSize())
	rand.Read(nonce)
	return b.c.Seal(nonce, nonce, p, ad), nil
}

func (b *box) Decrypt(c, ad []byte) ([]byte, error) {
	if b.down.Load() {
		return nil, errDown
	}
	if len(c) < b.c.NonceSize() {
		return nil, errors.New("too short")
	}
	return b.c.Open(nil, c[:b.c.NonceSize()], c[b.c.NonceSize():], ad)
}

// TestBatchesLieSealed: nothing of a batch is to be read in the folder; with the key it is read after a restart, with another one it
// is handed on as damaged; while the AEAD does not work reading is an error and appending is refused.
func TestBatchesLieSealed(t *testing.T) {
	dir := t.TempDir()
	b := newBox(t)
	q := open(t, Config{Dir: dir, AEAD: b})
	random := make([]byte, 32) // what does not compress would stand in the block as it is
	rand.Read(random)
	secret := []byte("CCCD 037095001234 " + string(random))
	if _, err := q.Append(t.Context(), &wire.Batch{Listener: "t", Frames: []wire.Frame{{Format: wire.FormatLine, Data: secret}}}); err != nil {
		t.Fatal(err)
	}
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if bytes.Contains(data, random) || bytes.Contains(data, []byte("037095001234")) || bytes.Contains(data, []byte("HLB\x01")) {
			t.Errorf("%s holds the batch as it came", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	read := func(a AEAD) ([]byte, error) {
		t.Helper()
		q := open(t, Config{Dir: dir, AEAD: a})
		defer q.Close()
		m, err := q.Read(t.Context(), 1)
		return m.Data, err
	}
	data, err := read(b)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := wire.Decode(data); err != nil || !bytes.Equal(got.Frames[0].Data, secret) {
		t.Errorf("after a restart: %v", err)
	}
	if data, err := read(newBox(t)); err != nil {
		t.Errorf("with another key: %v, want the bytes as they are", err)
	} else if _, err := wire.Decode(data); !errors.Is(err, wire.ErrMagic) {
		t.Errorf("with another key: Decode = %v", err)
	}
	b.down.Store(true)
	if _, err := read(b); err == nil || !strings.Contains(err.Error(), errDown.Error()) {
		t.Errorf("while the vault is down: Read = %v, want its error and no bytes", err)
	}
	q = open(t, Config{Dir: dir, AEAD: b})
	defer q.Close()
	if _, err := q.Append(t.Context(), &wire.Batch{Frames: []wire.Frame{{Data: secret}}}); !errors.Is(err, errDown) {
		t.Errorf("while the vault is down: Append = %v", err)
	}
}

// TestNewEpoch: after it the same sequence with the same frame names another event, and what was in the queue is still read.
func TestNewEpoch(t *testing.T) {
	dir := t.TempDir()
	q := open(t, Config{Dir: dir})
	batch := func() *wire.Batch {
		return &wire.Batch{Frames: []wire.Frame{{Format: wire.FormatLine, Data: []byte("x")}}}
	}
	if _, err := q.Append(t.Context(), batch()); err != nil {
		t.Fatal(err)
	}
	before := q.epoch
	q.Close()
	if err := NewEpoch(dir); err != nil {
		t.Fatal(err)
	}
	q = open(t, Config{Dir: dir})
	defer q.Close()
	if q.epoch == before || q.epoch == "" {
		t.Errorf("epoch %q, before %q", q.epoch, before)
	}
	seq, err := q.Append(t.Context(), batch())
	if err != nil || seq != 2 {
		t.Fatalf("Append = %d, %v; want 2: the sequence goes on", seq, err)
	}
	for seq, want := range map[uint64]string{1: before, 2: q.epoch} {
		m, err := q.Read(t.Context(), seq)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := wire.Decode(m.Data); err != nil || b.Epoch != want {
			t.Errorf("batch %d is of epoch %q (%v), want %q", seq, b.Epoch, err, want)
		}
	}
}

// BenchmarkSeal is the cost of sealing a batch of 30 kB, some 1,000 frames.
func BenchmarkSeal(b *testing.B) {
	q := &Queue{cfg: Config{AEAD: newBox(b)}}
	data := make([]byte, 30<<10)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		sealed, err := q.seal(data)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := q.open(queue.Message{Data: sealed}); err != nil {
			b.Fatal(err)
		}
	}
}

// TestEpochOfAnOlderFolderStays: a folder whose epoch stands in a file beside the stream keeps it, and so do events that are stored.
func TestEpochOfAnOlderFolderStays(t *testing.T) {
	dir := t.TempDir()
	q := open(t, Config{Dir: dir})
	if _, err := q.Append(t.Context(), batch("x", 10)); err != nil {
		t.Fatal(err)
	}
	cfg := q.conn.stream.CachedInfo().Config
	stamp := q.conn.stream.CachedInfo().Created.UnixNano()
	delete(cfg.Metadata, epochsKey)
	if _, err := q.conn.js.UpdateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	q.Close()
	file := filepath.Join(dir, epochFile)
	if err := os.WriteFile(file, fmt.Appendf(nil, "formerword %d\n", stamp), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time from the metadata
		q = open(t, Config{Dir: dir})
		if want := []queue.Epoch{{Name: "formerword"}}; !slices.Equal(q.State().Epochs, want) {
			t.Errorf("epochs %v, want %v", q.State().Epochs, want)
		}
		if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the file is there still: %v", err)
		}
		q.Close()
	}
	if err := NewEpoch(dir); err != nil {
		t.Fatal(err)
	}
	q = open(t, Config{Dir: dir, MaxBytes: 70 << 20}) // other limits keep the metadata
	defer q.Close()
	if s := q.State(); len(s.Epochs) != 2 || s.Epochs[1].After != 1 || s.Reached("formerword", 5) != 1 {
		t.Errorf("after NewEpoch: %+v", s)
	}
	if q.conn.stream.CachedInfo().Config.Metadata[epochsKey] == "" {
		t.Error("the stream's metadata do not hold the epochs")
	}
}

// TestEpochsAreBounded: restores without end do not grow the stream's metadata without end.
func TestEpochsAreBounded(t *testing.T) {
	dir := t.TempDir()
	q := open(t, Config{Dir: dir})
	for i := range maxEpochs + 3 {
		list := q.conn.stream.CachedInfo().Config
		if n := len(list.Metadata[epochsKey]); n > maxEpochs*40 {
			t.Fatalf("after %d epochs: %d bytes", i, n)
		}
		if err := NewEpoch(dir); err != nil {
			t.Fatal(err)
		}
		var err error
		if q.epochs, err = q.conn.epochs(dir); err != nil {
			t.Fatal(err)
		}
	}
	if len(q.epochs) != maxEpochs {
		t.Errorf("%d epochs, want %d", len(q.epochs), maxEpochs)
	}
}

// TestEachBatchHasAnID: the stored message names its Append, also where two say the same.
func TestEachBatchHasAnID(t *testing.T) {
	q := open(t, Config{Dir: t.TempDir()})
	for range 2 {
		if _, err := q.Append(t.Context(), batch("same", 10)); err != nil {
			t.Fatal(err)
		}
	}
	msgs, ids, err := q.conn.fetch(1)
	if err != nil || len(msgs) != 2 || ids[0] == "" || ids[0] == ids[1] {
		t.Errorf("%d messages with ids %q, %v", len(msgs), ids, err)
	}
}

// TestLargestBatchFits: a sealed batch of exactly the limit is taken with its header.
func TestLargestBatchFits(t *testing.T) {
	q := open(t, Config{Dir: t.TempDir()})
	if _, err := q.append(t.Context(), nil, make([]byte, maxSealed)); err != nil {
		t.Fatal(err)
	}
}
