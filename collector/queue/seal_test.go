package queue

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

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
	before := q.Epoch()
	q.Close()
	if err := NewEpoch(dir); err != nil {
		t.Fatal(err)
	}
	q = open(t, Config{Dir: dir})
	defer q.Close()
	if q.Epoch() == before || q.Epoch() == "" {
		t.Errorf("epoch %q, before %q", q.Epoch(), before)
	}
	seq, err := q.Append(t.Context(), batch())
	if err != nil || seq != 2 {
		t.Fatalf("Append = %d, %v; want 2: the sequence goes on", seq, err)
	}
	for seq, want := range map[uint64]string{1: before, 2: q.Epoch()} {
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
		if _, err := q.open(Message{Data: sealed}); err != nil {
			b.Fatal(err)
		}
	}
}
