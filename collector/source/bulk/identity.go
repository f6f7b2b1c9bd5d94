package bulk

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"slices"

	"hoalu/ecs/wire"
)

const (
	maxDepth   = 300     // levels of a document, as the decoders read it
	sortDepth  = 16      // levels down to which the order of an object's members does not matter; below, it does
	flushAt    = 1 << 10 // bytes fed at once
	maxMembers = 4096    // of an object whose members are put into order; those of a larger one stay as they came
)

// identity is by what a document that comes again under its sender's _id is known: the _id, and a digest of the index and of what
// the document says. An _id alone would let whoever knows it suppress the record that comes second, so another document under the
// same _id, or the same one for another index, is an event of its own. Empty where the sender gave no _id.
//
// doc is valid JSON. A shipper that sends a document again may write it anew: the order of members and blanks between them do not
// count, nor do the stamps of volatile.
func identity(index, id string, doc []byte) string {
	if id == "" {
		return ""
	}
	d := digest{h: sha256.New(), buf: make([]byte, 0, flushAt)}
	d.text([]byte(index))
	d.value(doc, 0, nil)
	d.h.Write(d.buf)
	return wire.SenderID(id, [wire.ContentSize]byte(d.h.Sum(d.buf[:0])))
}

// volatile are the members that an agent writes anew when it reads a record a second time, by the object they stand in, "" the document
// itself: they tell of the agent's run, not of the record. They count where the document has no time of its own.
var volatile = map[string]map[string]bool{
	"":      {"event.created": true, "event.ingested": true, "agent.ephemeral_id": true},
	"event": {"created": true, "ingested": true},
	"agent": {"ephemeral_id": true},
}

// digest feeds what a document says to h, so that no two documents that differ feed the same bytes.
type digest struct {
	h   hash.Hash
	buf []byte // not yet fed
}

// text feeds s with its length.
func (d *digest) text(s []byte) {
	d.buf = binary.BigEndian.AppendUint32(d.buf, uint32(len(s)))
	if len(d.buf)+len(s) > flushAt {
		d.h.Write(d.buf)
		d.buf = d.buf[:0]
		d.h.Write(s)
		return
	}
	d.buf = append(d.buf, s...)
}

// member is one of an object: its key with quotes, and its value.
type member struct{ key, value []byte }

// value feeds a whole value, at the given depth, without the members of left.
func (d *digest) value(v []byte, depth int, left map[string]bool) {
	var room [8]member
	var list []member
	if v[0] == '{' && depth < sortDepth {
		list = members(room[:0], v)
	}
	if len(list) == 0 {
		d.text(v)
		return
	}
	slices.SortStableFunc(list, func(a, b member) int { return bytes.Compare(a.key, b.key) })
	timed := false
	if depth == 0 {
		if timed = slices.ContainsFunc(list, func(m member) bool { return string(m.key) == `"@timestamp"` }); timed {
			left = volatile[""]
		}
	}
	d.buf = append(d.buf, '{')
	for _, m := range list {
		key := m.key[1 : len(m.key)-1]
		if left[string(key)] {
			continue
		}
		d.text(m.key)
		if timed {
			d.value(m.value, depth+1, volatile[string(key)])
		} else {
			d.value(m.value, depth+1, nil)
		}
	}
	d.buf = append(d.buf, '}')
}

// members adds those of an object to list; none where they are more than maxMembers.
func members(list []member, object []byte) []member {
	for i := 1; ; {
		i = blanks(object, i)
		if object[i] == ',' {
			i = blanks(object, i+1)
		}
		if object[i] == '}' {
			return list
		}
		if len(list) == maxMembers {
			return nil
		}
		key := skip(object, i)
		at := blanks(object, blanks(object, key)+1) // behind the colon
		end := skip(object, at)
		list = append(list, member{object[i:key], object[at:end]})
		i = end
	}
}

func blanks(doc []byte, i int) int {
	for i < len(doc) && (doc[i] == ' ' || doc[i] == '\t' || doc[i] == '\n' || doc[i] == '\r') {
		i++
	}
	return i
}

// skip is where the value that begins at doc[i] ends.
func skip(doc []byte, i int) int {
	switch doc[i] {
	case '"':
		return closing(doc, i)
	case '{', '[':
		for depth := 0; i < len(doc); {
			switch doc[i] {
			case '"':
				i = closing(doc, i)
				continue
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
			i++
		}
		return len(doc)
	}
	for ; i < len(doc); i++ {
		switch doc[i] {
		case ',', ']', '}', ' ', '\t', '\r', '\n':
			return i
		}
	}
	return i
}

// closing is behind the closing quote of the text that opens at doc[i].
func closing(doc []byte, i int) int {
	for i++; i < len(doc); i++ {
		if doc[i] == '"' {
			return i + 1
		}
		if doc[i] == '\\' {
			i++
		}
	}
	return len(doc)
}

// tooDeep reports whether a document, valid or not, opens more than maxDepth levels at once. It is asked before fastjson's check, which
// has no bound: it nests an error in an error for each level, and takes hours for a megabyte of braces.
func tooDeep(doc []byte) bool {
	if bytes.Count(doc, []byte("{"))+bytes.Count(doc, []byte("[")) <= maxDepth {
		return false
	}
	depth := 0
	for i := 0; i < len(doc); i++ {
		switch doc[i] {
		case '"':
			i = closing(doc, i) - 1
		case '{', '[':
			if depth++; depth > maxDepth {
				return true
			}
		case '}', ']':
			depth--
		}
	}
	return false
}
