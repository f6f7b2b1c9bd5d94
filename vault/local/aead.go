package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"hoalu/internal/durable"
	"hoalu/internal/wording"
	"hoalu/vault"
)

// AEAD implements vault.Vault.
func (v *Vault) AEAD(_ context.Context, name string) (vault.AEAD, error) {
	a, err := v.aead(name, false)
	if err != nil {
		return nil, unavailable(err)
	}
	return a, nil
}

// aead reads a tink keyset: its ciphertexts begin with the key id, so every version decrypts what it made.
func (v *Vault) aead(name string, add bool) (tink.AEAD, error) {
	if err := vault.CheckName(name); err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if a := v.aeads[name]; a != nil && !add {
		return a, nil
	}
	file := "aead-" + name + ".key"
	path, data := filepath.Join(v.dir, file), []byte("hoalu/keys/"+file)
	write := func(h *keyset.Handle, store func(string, []byte) error) error {
		var b bytes.Buffer
		b.Write([]byte{'H', 'L', 'K', version})
		if err := h.WriteWithAssociatedData(keyset.NewBinaryWriter(&b), v.master, data); err != nil {
			return err
		}
		return store(path, b.Bytes())
	}
	handle, err := func() (*keyset.Handle, error) {
		box, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			h, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
			if err != nil {
				return nil, err
			}
			if err = write(h, writeNew); !errors.Is(err, fs.ErrExist) {
				return h, err
			}
			box, err = os.ReadFile(path) // another process was faster
			if err != nil {
				return nil, err
			}
		} else if err != nil {
			return nil, err
		}
		if len(box) < 4 || string(box[:3]) != "HLK" || box[3] > version {
			return nil, wording.New("%s: %s is no sealed key of a known format", vault.ErrDamaged, file)
		}
		h, err := keyset.ReadWithAssociatedData(keyset.NewBinaryReader(bytes.NewReader(box[4:])), v.master, data)
		if err != nil {
			return nil, wording.New("%s: %s does not open; restore it from a backup", vault.ErrDamaged, file)
		}
		if !add {
			return h, nil
		}
		m := keyset.NewManagerFromHandle(h)
		id, err := m.Add(aead.AES256GCMKeyTemplate())
		if err != nil {
			return nil, err
		}
		if err := m.SetPrimary(id); err != nil {
			return nil, err
		}
		if h, err = m.Handle(); err != nil {
			return nil, err
		}
		return h, write(h, durable.Write)
	}()
	if err != nil {
		return nil, fmt.Errorf("encryption key %s: %w", name, err)
	}
	a, err := aead.New(handle)
	if err != nil {
		return nil, fmt.Errorf("encryption key %s: %w", name, err)
	}
	v.aeads[name] = a
	return a, nil
}
