package local

import (
	"fmt"

	"hoalu/collector/queue"
)

// AEAD seals batches and opens them again; its ciphertext says which key made it. Safe for concurrent use.
type AEAD interface {
	Encrypt(plaintext, associatedData []byte) ([]byte, error)
	Decrypt(ciphertext, associatedData []byte) ([]byte, error)
}

// sealMagic begins a sealed batch: "HLS" version(1), then the AEAD's ciphertext of a wire batch. A batch of a queue without AEAD begins as
// wire has it and is read as it is.
const sealMagic = "HLS\x01"

// sealFor is the associated data: a ciphertext of another use of the key is none of a queue.
var sealFor = []byte("hoalu queue batch 1")

func (q *Queue) seal(data []byte) ([]byte, error) {
	if q.cfg.AEAD == nil {
		return data, nil
	}
	box, err := q.cfg.AEAD.Encrypt(data, sealFor)
	if err != nil {
		return nil, fmt.Errorf("seal batch: %w", err)
	}
	return append([]byte(sealMagic), box...), nil
}

// open gives what a message holds. One that does not open is handed on as it is, for the pipeline to set aside as damaged; where the AEAD
// cannot work at all it is an error, so that a vault in trouble makes readers wait and damages nothing.
func (q *Queue) open(m queue.Message) ([]byte, error) {
	if q.cfg.AEAD == nil || len(m.Data) < len(sealMagic) || string(m.Data[:len(sealMagic)]) != sealMagic {
		return m.Data, nil
	}
	data, err := q.cfg.AEAD.Decrypt(m.Data[len(sealMagic):], sealFor)
	if err == nil {
		return data, nil
	}
	if _, works := q.cfg.AEAD.Encrypt(nil, sealFor); works != nil {
		return nil, fmt.Errorf("open batch: %w", err)
	}
	q.log.Error("a batch does not open: it is damaged or of another key", "queue.sequence", m.Seq, "error", err)
	return m.Data, nil
}
