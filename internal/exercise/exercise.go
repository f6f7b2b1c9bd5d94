// Package exercise plays harmless attacks on this host's own listeners, so that people see an alert of each way in before a real
// one comes, and knows an exercise from the real thing.
//
// Words: a Token proves that an event was made by an exercise: "hlx" and 29 letters of time, kind, chance and a keyed MAC. A Kind is
// the way in that a token is good for. A Plan is what one exercise does and which alerts it must raise. A Marker sets
// hoalu.exercise.
//
// Who cannot compute the MAC cannot mark a real attack as an exercise. Who sees a token (it stands in a URL, an argument, a DNS
// label) cannot use it either: it is good for ten minutes, for one kind, and only in an event that can do no harm: from
// 198.18.0.0/15 (RFC 2544, not routed) for log-ins and requests, for one fixed command, for names below one domain that does not
// exist (RFC 6761).
//
// Contract: Mark is a pure function of the event and the key, and safe for concurrent use.
package exercise

import (
	"crypto/hmac"
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"hoalu/ecs"
)

// Life is how long a token marks events, by their receipt.
const Life = 10 * time.Minute

// Prefix is how every token begins.
const Prefix = "hlx"

const (
	payload  = 8  // seconds (4), kind, chance (3)
	macBytes = 10 // 80 bits of HMAC-SHA-256
	early    = time.Minute
	maxTries = 4 // token-shaped texts looked at in one event: a MAC each
)

var letters = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// TokenLength is the length of every token.
var TokenLength = len(Prefix) + letters.EncodedLen(payload+macBytes)

// Kind is the way in a token is good for.
type Kind byte

// The kinds.
const (
	SSH Kind = iota + 1
	Web
	Process
	DNS
)

// Kinds are all of them.
var Kinds = []Kind{SSH, Web, Process, DNS}

func (k Kind) String() string {
	switch k {
	case SSH:
		return "ssh"
	case Web:
		return "web"
	case Process:
		return "process"
	case DNS:
		return "dns"
	}
	return "unknown"
}

// MAC is the keyed hash of tokens (vault.MAC); Versions gives those of older keys too.
type MAC interface {
	ComputeMAC(data []byte) ([]byte, error)
	Versions(data []byte) ([][]byte, error)
}

// Marker makes and knows tokens.
type Marker struct{ mac MAC }

// NewMarker returns a Marker over a key.
func NewMarker(mac MAC) *Marker { return &Marker{mac} }

func subject(p []byte) []byte { return append([]byte("hoalu exercise 1\x00"), p...) }

// Tokens is one exercise: the same time and chance, a token a kind.
type Tokens map[Kind]string

// New makes the tokens of a new exercise.
func (m *Marker) New(now time.Time) (Tokens, error) {
	var p [payload]byte
	binary.BigEndian.PutUint32(p[:], uint32(now.Unix()))
	if _, err := rand.Read(p[5:]); err != nil {
		return nil, fmt.Errorf("make exercise: %w", err)
	}
	return m.tokens(p)
}

func (m *Marker) tokens(p [payload]byte) (Tokens, error) {
	out := Tokens{}
	for _, k := range Kinds {
		p[4] = byte(k)
		sum, err := m.mac.ComputeMAC(subject(p[:]))
		if err != nil {
			return nil, fmt.Errorf("make exercise token: %w", err)
		}
		out[k] = Prefix + letters.EncodeToString(append(p[:], sum[:macBytes]...))
	}
	return out, nil
}

// ErrToken means that a text is no token of this appliance, or too old.
var ErrToken = errors.New("not an exercise of this appliance")

// Read verifies a token.
func (m *Marker) Read(token string) (kind Kind, at time.Time, err error) {
	rest, ok := strings.CutPrefix(token, Prefix)
	if !ok || len(token) != TokenLength {
		return 0, at, ErrToken
	}
	var room [payload + macBytes]byte
	n, err := letters.Decode(room[:], []byte(rest))
	// The last letter holds a bit that means nothing: only one spelling counts.
	if err != nil || n != len(room) || letters.EncodeToString(room[:]) != rest {
		return 0, at, ErrToken
	}
	all, err := m.mac.Versions(subject(room[:payload]))
	if err != nil {
		return 0, at, fmt.Errorf("check exercise token: %w", err)
	}
	if !slices.ContainsFunc(all, func(sum []byte) bool { return hmac.Equal(sum[:macBytes], room[payload:]) }) {
		return 0, at, ErrToken
	}
	return Kind(room[4]), time.Unix(int64(binary.BigEndian.Uint32(room[:])), 0), nil
}

// Same gives the tokens of the exercise one of them belongs to, and when it began.
func (m *Marker) Same(token string) (Tokens, time.Time, error) {
	_, at, err := m.Read(token)
	if err != nil {
		return nil, at, err
	}
	var p [payload + macBytes]byte
	if _, err := letters.Decode(p[:], []byte(token[len(Prefix):])); err != nil {
		return nil, at, ErrToken
	}
	t, err := m.tokens([payload]byte(p[:payload]))
	return t, at, err
}

// Find calls f with every text of s that has the shape of a token, until f returns false.
func find(s string, f func(token string) bool) {
	for {
		i := strings.Index(s, Prefix)
		if i < 0 || len(s)-i < TokenLength {
			return
		}
		s = s[i:]
		ok := true
		for j := len(Prefix); j < TokenLength && ok; j++ {
			c := s[j]
			ok = c >= 'a' && c <= 'z' || c >= '2' && c <= '7'
		}
		if !ok {
			s = s[1:]
			continue
		}
		if !f(s[:TokenLength]) {
			return
		}
		s = s[TokenLength:]
	}
}

// Holds reports whether a text carries a good token not older than Life at now.
func (m *Marker) Holds(text string, now time.Time) bool {
	good := false
	tries := 0
	find(text, func(token string) bool {
		tries++
		_, at, err := m.Read(token)
		good = err == nil && fresh(at, now)
		return !good && tries < maxTries
	})
	return good
}

func fresh(at, now time.Time) bool { return !at.After(now.Add(early)) && now.Sub(at) <= Life }

// Mark sets hoalu.exercise on an event that carries a good token, and removes it from any other: only the key decides, never
// the sender.
func (m *Marker) Mark(e *ecs.Event) {
	tries := 0
	marked := false
	for i := 0; i < e.Len() && tries < maxTries && !marked; i++ {
		_, v := e.At(i)
		if len(v.Text) < TokenLength {
			continue
		}
		find(v.Text, func(token string) bool {
			tries++
			kind, at, err := m.Read(token)
			marked = err == nil && fresh(at, time.UnixMilli(e.Created)) && harmless(kind, token, e)
			return !marked && tries < maxTries
		})
	}
	switch {
	case marked:
		e.Set(ecs.HoaluExercise, "true", ecs.Bool)
	case e.Has(ecs.HoaluExercise):
		e.Delete(ecs.HoaluExercise)
	}
}

var attackers = netip.MustParsePrefix("198.18.0.0/15")

// Domain is what names of an exercise end with.
const Domain = "hoalu-dien-tap.invalid"

// Command is the one command an exercise runs.
func Command(token string) string { return "id # " + token }

// harmless reports whether an event is what an exercise of that kind makes and can be nothing worse.
func harmless(k Kind, token string, e *ecs.Event) bool {
	l := e.Logsource()
	outside := func() bool {
		ip, err := netip.ParseAddr(e.Text(ecs.SourceIP))
		return err == nil && attackers.Contains(ip.Unmap())
	}
	switch k {
	case SSH:
		return l.Product == "linux" && l.Service == "sshd" && outside()
	case Web:
		return slices.Contains(l.Category, "webserver") && outside()
	case Process:
		return slices.Contains(l.Category, "process_creation") && e.Text(ecs.ProcessCommandLine) == "sh -c "+Command(token)
	case DNS:
		return slices.Contains(l.Category, "dns") && strings.HasSuffix(strings.TrimSuffix(e.Text(ecs.DNSQuestionName), "."), "."+Domain)
	}
	return false
}

// Address is where the exercise a token belongs to pretends to come from: another one each time, so that each exercise raises
// alerts of its own.
func Address(token string) string {
	var p [payload + macBytes]byte
	if len(token) == TokenLength {
		letters.Decode(p[:], []byte(token[len(Prefix):]))
	}
	return netip.AddrFrom4([4]byte{198, 18 + p[5]&1, p[6], max(p[7], 1)}).String()
}
