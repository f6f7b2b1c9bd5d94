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

// add notes a secret as it stands, where it is long enough to be no common word or is the value of an argument of the Linux audit system
// (a5="secret"), and in hex, as its records have a command beside the decoded form.
func (f *foundSecrets) add(kind, plain string) {
	if len(plain) < 4 || len(*f)+4 > maxFound {
		return
	}
	var b strings.Builder
	hide(&b, kind, plain)
	hidden := b.String()
	if len(plain) >= 6 && mixed(plain) {
		*f = append(*f, foundSecret{strings.Clone(plain), hidden})
	}
	*f = append(*f, foundSecret{`="` + plain + `"`, `="` + hidden + `"`})
	low := hexadecimal.EncodeToString([]byte(plain))
	*f = append(*f, foundSecret{strings.ToUpper(low), hidden})
	if up := (*f)[len(*f)-1].text; up != low {
		*f = append(*f, foundSecret{low, hidden})
	}
}

// maxLists bounds the fields of an event whose values are looked at together. A command line longer than maxLine is looked at word by word
// alone behind it.
const (
	maxLists = 64
	maxLine  = 64 << 10
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

// placesOf are the places of the values of f.
func placesOf(e *ecs.Event, f ecs.Field) (at []int) {
	for i := range e.Len() {
		if g, _ := e.At(i); g == f {
			at = append(at, i)
		}
	}
	return at
}

// wordSigns are the bytes that end a word of a line, and quotes and what escapes them.
const wordSigns = " \t\n\r&\"'<>`|;#\\,(){}[]"

// destroyWords looks at the words of a command as at its line. In it a sign that would end a word stands as an underscore, so that each
// word is one and has the same length.
func destroyWords(e *ecs.Event, at []int, found *foundSecrets) {
	var line []byte
	var starts []int
	for _, i := range at {
		_, v := e.At(i)
		if len(line)+len(v.Text) > maxLine {
			break
		}
		starts = append(starts, len(line))
		line = append(append(line, v.Text...), ' ')
		for k, c := range line[starts[len(starts)-1] : len(line)-1] {
			if strings.IndexByte(wordSigns, c) >= 0 {
				line[starts[len(starts)-1]+k] = '_'
			}
		}
	}
	within := make([][]span, len(starts)) // by word, so that each is written once
	for _, x := range secretsIn(nil, string(line)) {
		k, exact := slices.BinarySearch(starts, x.start)
		if !exact {
			k--
		}
		_, v := e.At(at[k])
		from, to := x.start-starts[k], x.end-starts[k]
		if to > len(v.Text) || strings.Contains(v.Text[from:to], secretOpen) { // it is none any more
			continue
		}
		found.add(x.kind, v.Text[from:to])
		within[k] = append(within[k], span{from, to, x.kind})
	}
	for k, spans := range within {
		if len(spans) > 0 {
			_, v := e.At(at[k])
			e.SetAt(at[k], without(v.Text, spans))
			e.SetKindAt(at[k], ecs.String)
		}
	}
}

// destroyValues looks at the values of items beside their names: form.name, form.value. Where they are not as many as their names, which
// value is whose is not known: with a secret among them none of them stays.
func destroyValues(e *ecs.Event, item string, at []int, found *foundSecrets) {
	for _, end := range [...]string{".name", ".key"} {
		f, ok := ecs.Lookup(item + end)
		if !ok {
			continue
		}
		names := placesOf(e, f)
		paired, any := len(names) == len(at), ""
		for _, i := range names {
			_, v := e.At(i)
			if name := word(v.Text); any == "" && keyOf(name) != "" {
				any = name
			}
		}
		for k, i := range at {
			name := any
			if paired {
				_, v := e.At(names[k])
				name = word(v.Text)
			}
			_, v := e.At(i)
			if v.Kind > ecs.Number || v.Text == "" || keyOf(name) == "" || strings.Contains(v.Text, secretOpen) {
				continue
			}
			if text := wholeSecret(name, v.Text); text != v.Text {
				found.add(keyOf(name), v.Text)
				e.SetAt(i, text)
				e.SetKindAt(i, ecs.String)
			}
		}
	}
}
