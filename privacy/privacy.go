// Package privacy finds citizens' identifiers in events and puts deterministic pseudonyms in their place (decision 17), so
// that what is stored stays searchable and joinable without showing who it is.
//
// Words: a Kind is a kind of identifier (cccd, phone); a Match is one place in a text; its Confidence is shape + check + context:
// confirmed from 0.9, likely from 0.6, weak below. A token is "tk:" + letter of the kind + base32 of a keyed MAC over kind, system
// group and the normalised digits. A system group is a set of systems whose tokens can be joined.
//
// What counts as an identifier: the rules of shape are those of Vietnam's personal numbers (63 province codes, century and sex,
// birth year: 1.35 % of random 12-digit numbers pass) and of its numbering plan (37 % of random numbers "0 + 9 digits" pass, which
// is why a telephone number needs separators, +84 or a key word). A general telephone library is not used: it knows no context.
// Context is the name of the field, the key the number is the value of (JSON member, SQL column, URL parameter) and words within
// 40 characters, with and without diacritics. What is glued to letters, digits, dots or dashes, or named by an id, trace,
// session, size or time, is a machine's number.
//
// Contract: Find and a Protector are safe for concurrent use. Protect is deterministic and changes only its event. Nothing here panics
// for want of a key: what needs the MAC returns its error.
//
// A full personal number (12 digits with a province, a century and sex, and a year of birth) is replaced in every field, whatever is
// glued to it ("pc-037…", "nv037….pdf", "037…@x.vn"), percent escapes undone. Two classes of fields are told apart: in ids, hashes,
// numbers and times of machines (testdata/by-itself.txt has those of ECS) it is replaced where no letter, dash or dot touches it; in
// running text (message, event.original, event.reason, error.message, error.stack_trace, log.original) beside a word for it, as the
// whole text, in a path or URL and as the user of an address. A part of a GUID or of 20 and more hex digits is none. Only a likely or
// confirmed Match is replaced, and then every occurrence of the same number in the event, so that none shows a number beside its token.
//
// Cost: linear in the text. How many numbers an event has and how often a text is escaped (read four times) is its sender's choice.
package privacy

import (
	"encoding/base32"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hoalu/ecs"
)

// Kind of a citizen identifier.
type Kind string

// The kinds found now.
const (
	CCCD  Kind = "cccd"  // 12-digit personal number (số định danh cá nhân, căn cước công dân)
	Phone Kind = "phone" // personal telephone number
)

// Confidence levels of a Match.
const (
	Confirmed = 0.9
	Likely    = 0.6
)

// letter of a kind in its tokens.
func (k Kind) letter() byte { return k[0] }

// MAC makes the keyed hash under which identifiers are stored; it returns at least 15 bytes and is safe for concurrent use. Versions
// are the hashes of all keys there were, newest first. An error means that it cannot be computed now.
type MAC interface {
	ComputeMAC(data []byte) ([]byte, error)
	Versions(data []byte) ([][]byte, error)
}

// Config of a Protector.
type Config struct {
	MAC    MAC
	Groups []string                   // system groups in use; empty: one group for all systems
	Group  func(system string) string // group of a system; nil: the first group
}

// Match is one identifier in a text.
type Match struct {
	Kind       Kind
	Start, End int    // bytes in the text
	Normal     string // CCCD: 12 digits; phone: +84 and the national number
	Confidence float64
}

// Protector replaces identifiers by tokens.
type Protector struct {
	cfg     Config
	classes fieldClasses
}

// New returns a Protector.
func New(cfg Config) (*Protector, error) {
	if cfg.MAC == nil {
		return nil, errors.New("protect identifiers: without a key they would be stored in clear; give it a MAC")
	}
	if len(cfg.Groups) == 0 {
		cfg.Groups = []string{""}
	}
	return &Protector{cfg: cfg}, nil
}

// Prefix is how every token begins.
const Prefix = "tk:"

// tokenBytes of the MAC are kept: 120 bits, 24 letters.
const tokenBytes = 15

// TokenLength is the length of every token.
const TokenLength = len(Prefix) + 1 + tokenBytes*8/5

var letters = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

func subject(kind Kind, group, normal string) []byte {
	b := make([]byte, 0, 64)
	b = append(b, "hoalu pseudonym 1\x00"...)
	b = append(append(b, kind...), 0)
	b = append(append(b, group...), 0)
	return append(b, normal...)
}

func token(kind Kind, mac []byte) (string, error) {
	if len(mac) < tokenBytes {
		return "", fmt.Errorf("a MAC of %d bytes is too short for a pseudonym, %d are needed", len(mac), tokenBytes)
	}
	var b [TokenLength]byte
	copy(b[:], Prefix)
	b[len(Prefix)] = kind.letter()
	letters.Encode(b[len(Prefix)+1:], mac[:tokenBytes])
	return string(b[:]), nil
}

// Token is the pseudonym of a normalised identifier in a group.
func (p *Protector) Token(kind Kind, group, normal string) (string, error) {
	mac, err := p.cfg.MAC.ComputeMAC(subject(kind, group, normal))
	if err != nil {
		return "", fmt.Errorf("compute pseudonym: %w", err)
	}
	return token(kind, mac)
}

// TokenFor gives the tokens under which text is stored, when the whole of it is an identifier (any spelling: blanks, dots, +84):
// one per system group and key version, none when it is no identifier. The console searches for them instead of the plain number.
func (p *Protector) TokenFor(text string) (tokens []string, kind Kind, err error) {
	kind, normal, ok := Normalise(text)
	if !ok {
		return nil, "", nil
	}
	for _, g := range p.cfg.Groups {
		macs, err := p.cfg.MAC.Versions(subject(kind, g, normal))
		if err != nil {
			return nil, kind, fmt.Errorf("compute pseudonym: %w", err)
		}
		for _, m := range macs {
			t, err := token(kind, m)
			if err != nil {
				return nil, kind, err
			}
			tokens = append(tokens, t)
		}
	}
	return tokens, kind, nil
}

// Normalise reads a text that is nothing but an identifier.
func Normalise(text string) (kind Kind, normal string, ok bool) {
	text = strings.Trim(strings.TrimSpace(text), `"'`)
	var d [16]byte
	n := 0
	plus := false
	for i := range len(text) {
		switch c := text[i]; {
		case c >= '0' && c <= '9':
			if n == len(d) {
				return "", "", false
			}
			d[n] = c
			n++
		case c == '+' && n == 0 && !plus:
			plus = true
		case c == ' ' || c == '.' || c == '-' || c == '(' || c == ')':
		default:
			return "", "", false
		}
	}
	s := string(d[:n])
	if !plus && n == 13 && s[:4] == "0084" {
		s, plus = s[2:], true
	}
	if !plus && validCCCD(s, time.Now().Year()) {
		return CCCD, s, true
	}
	if nat, ok := national(s, plus); ok && validPhone(nat) {
		return Phone, "+84" + nat[1:], true
	}
	return "", "", false
}

// Protect destroys the secrets of e, replaces every identifier of e by its token and names the kinds in hoalu.identifier. On an error
// (the MAC cannot be computed) identifiers stand as they were.
func (p *Protector) Protect(e *ecs.Event) error {
	var room [96]uint32
	entries, all := p.classes.entries(room[:0], e)
	p.destroySecrets(e, entries)
	if all&secretName != 0 {
		renameFields(e, keyInName)
		entries, all = p.classes.entries(entries[:0], e) // the renamed ones are others and stand elsewhere
	}
	known, year := p.known(e, entries, all)
	if len(known) == 0 {
		return nil
	}
	group := p.cfg.Groups[0]
	if p.cfg.Group != nil {
		group = p.cfg.Group(e.System)
	}
	r := replacement{known: known, tokens: make([]string, len(known))}
	for i, m := range known {
		t, err := p.Token(m.Kind, group, m.Normal)
		if err != nil {
			return err
		}
		r.tokens[i] = t
	}
	r.index()
	p.replace(e, &r, year)
	if all&keyed != 0 {
		p.rename(e, &r, year)
	}
	for _, k := range [...]Kind{CCCD, Phone} {
		for _, m := range known {
			if m.Kind == k {
				e.AddString(ecs.HoaluIdentifier, string(k))
				break
			}
		}
	}
	return nil
}

// known is what an event is sure to hold, each once by kind and normal form, and the year of its receipt where one was needed. entries
// are those of its fields, all what any of them says.
func (p *Protector) known(e *ecs.Event, entries []uint32, all uint32) (known []Match, year int) {
	var room [8]Match
	var set matchSet
	for i, entry := range entries {
		_, v := e.At(i)
		if len(v.Text) < 9 || v.Kind > ecs.Number {
			continue
		}
		class := fieldClass(entry & classMask)
		g := look(v.Text)
		if class == classNever {
			if v.Kind != ecs.String || !g.escaped && !fullRun(v.Text) {
				continue
			}
		} else if !g.digitRun() {
			continue
		}
		if year == 0 {
			year = yearOf(e.Created)
		}
		if v.Kind == ecs.String {
			for _, m := range full(room[:0], g, placeIn(entry), year) {
				set.add(m)
			}
		}
		if class == classNever {
			continue
		}
		for _, m := range find(room[:0], g, class, v.Kind == ecs.Number, year) {
			if m.Confidence >= Likely {
				set.add(m)
			}
		}
	}
	if all&keyed == 0 {
		return set.list, year
	}
	if year == 0 {
		year = yearOf(e.Created)
	}
	for i := range e.Len() {
		f, _ := e.At(i)
		for _, m := range findName(f.Name(), year) {
			set.add(m)
		}
	}
	return set.list, year
}

// few is up to how many entries a list is faster than a map. A sender decides how many there are.
const few = 12

// matchSet holds each identifier once, by its normal form, in the order of their coming.
type matchSet struct {
	list []Match
	seen map[string]bool // once there are more than a few
}

func (s *matchSet) add(m Match) {
	if s.seen == nil {
		if slices.ContainsFunc(s.list, func(k Match) bool { return k.Normal == m.Normal }) {
			return
		}
	} else if s.seen[m.Normal] {
		return
	}
	s.list = append(s.list, m)
	if s.seen == nil && len(s.list) > few {
		s.seen = make(map[string]bool, 2*len(s.list))
		for _, k := range s.list {
			s.seen[k.Normal] = true
		}
	} else if s.seen != nil {
		s.seen[m.Normal] = true
	}
}

// spellings are the runs of digits an identifier is written as.
func (m Match) spellings() []string {
	if m.Kind == Phone {
		return []string{"0" + m.Normal[3:], "84" + m.Normal[3:]}
	}
	return []string{m.Normal}
}

// yearOf is the year of receipt; an event without one is of this build's time.
func yearOf(ms int64) int {
	if ms <= 0 {
		return 2026
	}
	return time.UnixMilli(ms).UTC().Year()
}

// Find gives the identifiers in a text, in order. shape true asks for every number that has the shape of one, whatever stands
// around it and is glued to it: what a person searches for has no context. Otherwise only likely and confirmed ones are given.
func Find(text string, shape bool) []Match {
	var out []Match
	for _, m := range FindIn(nil, text, "") {
		if shape || m.Confidence >= Likely {
			out = append(out, m)
		}
	}
	if !shape {
		return out
	}
	return inOrder(append(out, full(nil, look(text), anywhere, time.Now().Year())...))
}

// inOrder sorts matches by their places and leaves out what overlaps one before it.
func inOrder(list []Match) []Match {
	slices.SortStableFunc(list, func(a, b Match) int { return a.Start - b.Start })
	end := 0
	return slices.DeleteFunc(list, func(m Match) bool {
		if m.Start < end {
			return true
		}
		end = m.End
		return false
	})
}

// FindIn appends every number of text that has the shape of an identifier, with its confidence. key is the name of the field, JSON
// member or column the text stands in, "" none.
func FindIn(dst []Match, text, key string) []Match {
	class := classify(key)
	if class == classNever || !digitRun(text) {
		return dst
	}
	return find(dst, look(text), class, false, time.Now().Year())
}
