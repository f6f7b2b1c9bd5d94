package inventory

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"hoalu/soc"
	"hoalu/state"
)

// A source's keys say whose events a sender brings, wherever it sends from (decision 27). They are part of the source, so each change
// of them is a version of it with an audit row. A key that is followed by another stays good for a while, so that senders can
// be changed one after the other.

const (
	maxKeys    = 16                  // of one source, so that the inventory stays small
	maxOverlap = 30 * 24 * time.Hour // a key that was followed ends then at the latest
)

type heldKey struct {
	source *soc.Source
	key    soc.SourceKey
}

// IssueKey makes a key of a source. The secret is answered here and kept nowhere; follow is as for AddKey.
func (s *Store) IssueKey(ctx context.Context, by soc.Actor, source, label string,
	follow time.Duration) (key soc.SourceKey, secret string, err error) {
	secret, hash := NewSecret()
	key, err = s.AddKey(ctx, by, source, soc.SourceKey{Kind: soc.KeyAPI, Label: label, Hash: hash}, follow)
	if err != nil {
		return key, "", err
	}
	return key, secret, nil
}

// NewSecret makes the secret of a key and the hash that is kept of it. It has no colon, so that it stands in id:secret and user:password.
func NewSecret() (secret, hash string) {
	b := make([]byte, 32)
	rand.Read(b) //nolint:errcheck // it never fails
	secret = base64.RawURLEncoding.EncodeToString(b)
	sum := sha256.Sum256([]byte(secret))
	return secret, hex.EncodeToString(sum[:])
}

// AddKey gives a source one more key; k holds Kind, Label, Hash and Ends. With follow 0 or more the keys of that kind it had end after
// follow, with less they stay as they are.
func (s *Store) AddKey(ctx context.Context, actor soc.Actor, source string, k soc.SourceKey, follow time.Duration) (soc.SourceKey, error) {
	err := s.change(ctx, actor, func(c *change) error {
		old, ok := c.base.sources[source]
		if !ok {
			return noSource(source)
		}
		if old.Retired != 0 {
			return retired(source)
		}
		w := wrong{}
		w.oneOf("kind", k.Kind, soc.KeyAPI, soc.KeyCertificate)
		if k.Label = strings.TrimSpace(k.Label); len([]rune(k.Label)) > 100 {
			w["label"] = "too_long"
		}
		if follow > maxOverlap {
			w["follow"] = "range"
		}
		if k.Ends != 0 && k.Ends <= c.now {
			w["ends"] = "range"
		}
		if err := w.problem(); err != nil {
			return err
		}
		k.Label = state.Line(k.Label)
		if err := c.words(&k.Label); err != nil {
			return err
		}
		if want := map[string]string{soc.KeyAPI: soc.SourceBulk, soc.KeyCertificate: soc.SourceSyslog}[k.Kind]; old.Kind != want {
			return &soc.Problem{Status: 422, Code: "key_kind",
				Detail: source + " is a source of kind " + old.Kind + "; a " + k.Kind + " is for sources of kind " + want + ".",
				Do:     "Choose a source of that kind, or declare one on the page Sources.",
				Values: map[string]string{"id": source, "kind": old.Kind, "want": want}}
		}
		v := *old
		v.Keys = nil
		for _, o := range old.Keys {
			if o.Ends != 0 && o.Ends <= c.now {
				continue // it is over; the audit log has it
			}
			if o.Hash == k.Hash {
				return exists("key", o.ID, source)
			}
			if end := c.now + follow.Milliseconds(); follow >= 0 && o.Kind == k.Kind && (o.Ends == 0 || o.Ends > end) {
				if o.Ends = end; follow == 0 {
					continue
				}
			}
			v.Keys = append(v.Keys, o)
		}
		if len(v.Keys) >= maxKeys {
			return &soc.Problem{Status: 409, Code: "many_keys", Detail: source + " has " + strconv.Itoa(len(v.Keys)) + " keys that are good.",
				Do:     "Revoke those that are no longer used.",
				Values: map[string]string{"id": source, "n": strconv.Itoa(len(v.Keys))}}
		}
		id := make([]byte, 5)
		rand.Read(id) //nolint:errcheck // it never fails
		k.ID, k.Made, k.By, k.Used = "kh-"+hex.EncodeToString(id), c.now, c.by(), 0
		v.Keys = append(v.Keys, k)
		v.Version++
		return c.putSource(old, v, "source.key")
	})
	return k, err
}

// RevokeKey ends a key at once.
func (s *Store) RevokeKey(ctx context.Context, actor soc.Actor, source, id string) error {
	return s.change(ctx, actor, func(c *change) error {
		old, ok := c.base.sources[source]
		if !ok {
			return noSource(source)
		}
		v := *old
		v.Keys = slices.DeleteFunc(slices.Clone(old.Keys), func(k soc.SourceKey) bool { return k.ID == id })
		if len(v.Keys) == len(old.Keys) {
			return noKey(source, id)
		}
		v.Version++
		return c.putSource(old, v, "source.key_revoke")
	})
}

// UseKey notes the first use of a key: from now on its source is found by keys alone, not by address or host name.
func (s *Store) UseKey(ctx context.Context, source, id string) error {
	return s.change(ctx, soc.Machine, func(c *change) error {
		old, ok := c.base.sources[source]
		if !ok {
			return nil
		}
		i := slices.IndexFunc(old.Keys, func(k soc.SourceKey) bool { return k.ID == id })
		if i < 0 || old.Keys[i].Used != 0 {
			return nil
		}
		v := *old
		v.Keys = slices.Clone(old.Keys)
		v.Keys[i].Used = c.now
		v.Version++
		return c.putSource(old, v, "source.key_used")
	})
}

// FindKey finds the source of a key by the hash of its secret or certificate; one that is over at a time (Unix ms) is not found.
func (sn *Snapshot) FindKey(hash string, at int64) (soc.Source, soc.SourceKey, bool) {
	h, ok := sn.keys[hash]
	if !ok || h.key.Ends != 0 && h.key.Ends <= at {
		return soc.Source{}, soc.SourceKey{}, false
	}
	return *h.source, h.key, true
}
