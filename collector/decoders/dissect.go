package decoders

import (
	"strings"

	"hoalu/internal/wording"
)

// dissect takes a text apart at fixed texts (the word and the %{} are Logstash's): "new user: name=%{name}, UID=%{uid}" reads what
// stands between them. It is many times faster than a regular expression, and says as much for lines that a program formats.
type dissect struct {
	head  string // what the text must begin with
	parts []dissectPart
}

// dissectPart is a value and the text behind it; "" at the end: the value takes the rest.
type dissectPart struct{ key, stop string }

func compileDissect(p string) (dissect, error) {
	head, rest, ok := strings.Cut(p, "%{")
	ds := dissect{head: head}
	for ok {
		var key, stop string
		if key, rest, ok = strings.Cut(rest, "}"); !ok {
			return ds, wording.New("%%{ without }")
		}
		stop, rest, ok = strings.Cut(rest, "%{")
		if ok && stop == "" {
			return ds, wording.New("two values with nothing between them")
		}
		ds.parts = append(ds.parts, dissectPart{key, stop})
	}
	if len(ds.parts) == 0 && head == "" {
		return ds, wording.New("it is empty")
	}
	return ds, nil
}

// read appends the values of s; false where s does not fit.
func (ds *dissect) read(kvs []pair, s string) ([]pair, bool) {
	if !strings.HasPrefix(s, ds.head) {
		return kvs, false
	}
	s = s[len(ds.head):]
	from := len(kvs)
	for _, p := range ds.parts {
		v := s
		if p.stop != "" {
			i := strings.Index(s, p.stop)
			if i < 0 {
				return kvs[:from], false
			}
			v, s = s[:i], s[i+len(p.stop):]
		}
		if p.key != "" {
			kvs = append(kvs, pair{p.key, v})
		}
	}
	return kvs, true
}
