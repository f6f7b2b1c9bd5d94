package privacy

import (
	hexadecimal "encoding/hex"
	"slices"
	"strings"

	"hoalu/ecs"
)

// foundSecret is a secret as it may stand elsewhere in the event, and what takes its place.
type foundSecret struct{ text, hidden string }

type foundSecrets []foundSecret

// maxFound bounds what is sought in all fields of one event.
const maxFound = 96

// add notes a secret as it stands, where it is long enough to be no common word, and in hex, as the records of the Linux audit system
// have a command beside its decoded form.
func (f *foundSecrets) add(kind, plain string) {
	if len(plain) < 4 || len(*f)+3 > maxFound {
		return
	}
	var b strings.Builder
	hide(&b, kind, plain)
	hidden := b.String()
	if len(plain) >= 6 && mixed(plain) {
		*f = append(*f, foundSecret{strings.Clone(plain), hidden})
	}
	low := hexadecimal.EncodeToString([]byte(plain))
	*f = append(*f, foundSecret{strings.ToUpper(low), hidden})
	if up := (*f)[len(*f)-1].text; up != low {
		*f = append(*f, foundSecret{low, hidden})
	}
}

// maxList bounds the fields of an event whose values are looked at together, and the bytes of each.
const (
	maxLists    = 16
	maxListSize = 64 << 10
)

// destroyLists replaces the secrets that no value shows by itself: "-u" and "an:secret" are two words of process.args, "password" and
// "secret" the name and the value of an item.
func destroyLists(e *ecs.Event, entries []uint32, found *foundSecrets) {
	var done []ecs.Field
	for i, entry := range entries {
		f, _ := e.At(i)
		if entry&listField == 0 || len(done) == maxLists || slices.Contains(done, f) {
			continue
		}
		done = append(done, f)
		at := placesOf(e, f)
		if name, ok := strings.CutSuffix(f.Name(), ".value"); ok {
			destroyValues(e, name, at, found)
		} else if len(at) > 1 {
			destroyWords(e, at, found)
		}
	}
}

// placesOf are the places of the values of f, as far as they fit.
func placesOf(e *ecs.Event, f ecs.Field) (at []int) {
	size := 0
	for i := range e.Len() {
		g, v := e.At(i)
		if g != f {
			continue
		}
		if size += len(v.Text) + 3; size > maxListSize {
			break
		}
		at = append(at, i)
	}
	return at
}

// destroyWords looks at the words of a command as at its line.
func destroyWords(e *ecs.Event, at []int, found *foundSecrets) {
	var line strings.Builder
	starts := make([]int, len(at))
	for k, i := range at {
		_, v := e.At(i)
		line.WriteString(`"`)
		starts[k] = line.Len()
		line.WriteString(v.Text)
		line.WriteString(`",`)
	}
	s := line.String()
	spans := secretsIn(nil, s)
	slices.Reverse(spans) // from the end, so that the places before stay
	for _, x := range spans {
		k, exact := slices.BinarySearch(starts, x.start)
		if !exact {
			k--
		}
		_, v := e.At(at[max(k, 0)])
		from, to := x.start-starts[max(k, 0)], x.end-starts[max(k, 0)]
		if k < 0 || to > len(v.Text) || s[x.start:x.end] != v.Text[from:to] {
			continue
		}
		found.add(x.kind, s[x.start:x.end])
		e.SetAt(at[k], without(v.Text, []span{{from, to, x.kind}}))
		e.SetKindAt(at[k], ecs.String)
	}
}

// destroyValues looks at the values of items beside their names: form.name, form.value.
func destroyValues(e *ecs.Event, item string, at []int, found *foundSecrets) {
	for _, end := range [...]string{".name", ".key"} {
		f, ok := ecs.Lookup(item + end)
		if !ok {
			continue
		}
		names := placesOf(e, f)
		if len(names) != len(at) {
			continue
		}
		for k, i := range at {
			_, name := e.At(names[k])
			_, v := e.At(i)
			if v.Kind > ecs.Number || v.Text == "" || keyOf(word(name.Text)) == "" {
				continue
			}
			if text := wholeSecret(word(name.Text), v.Text); text != v.Text {
				found.add(keyOf(word(name.Text)), v.Text)
				e.SetAt(i, text)
				e.SetKindAt(i, ecs.String)
			}
		}
	}
}
