package vault

import (
	"fmt"
	"log/slog"
)

const hidden = "<secret>"

// Secret holds a password, token or key that must not be seen: every way of printing, logging or encoding it gives <secret>.
// Copies share the bytes; Destroy zeroes them for all.
type Secret struct{ b *[]byte }

// NewSecret takes over b.
func NewSecret(b []byte) Secret { return Secret{&b} }

// Reveal is the secret itself, to hand to the one call that needs it.
func (s Secret) Reveal() []byte {
	if s.b == nil {
		return nil
	}
	return *s.b
}

// Destroy zeroes the bytes; the Secret is empty afterwards.
func (s Secret) Destroy() {
	if s.b != nil {
		clear(*s.b)
		*s.b = nil
	}
}

// String, GoString, Format, MarshalJSON, MarshalText, MarshalYAML and LogValue give <secret>.
func (s Secret) String() string { return hidden }

// GoString is for %#v.
func (s Secret) GoString() string { return hidden }

// Format is for every verb, %x and %d too.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(hidden)) }

// MarshalJSON is for JSON.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }

// MarshalText is for encoders of text.
func (s Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// MarshalYAML is for YAML.
func (s Secret) MarshalYAML() (any, error) { return hidden, nil }

// LogValue is for slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(hidden) }
