package decoders

import (
	"strings"
	"unicode"
)

// The host and the program that stand behind the time of a BSD header, and what only looks like them.

// hostPlace is what tag may take for a host's name.
type hostPlace uint8

const (
	noHost        hostPlace = iota
	mayHost                 // the first word, where it may be one
	hostBeforeTag           // the first word, where a program's tag follows: files of programs have a thread, a level or a stream there
)

// hostLike says whether w may be a host name or address.
func hostLike(w string) bool {
	if w == "" || len(w) > 255 {
		return false
	}
	for i := range len(w) {
		switch c := w[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '-', c == '_', c == ':':
		default:
			return false
		}
	}
	return w[len(w)-1] != ':'
}

// hostWord takes the name out of what relays and devices write in its place: "[10.0.0.1]", "web/10.0.0.1", "fe80::1%eth0"; plain is
// false for these. "" where w is no host: it has other marks, or digits only.
func hostWord(w string) (name string, plain bool) {
	if hostLike(w) {
		if strings.IndexByte(w, ':') >= 0 && !isIP(w) || digits(w) {
			return "", false
		}
		return w, true
	}
	if len(w) > 2 && w[0] == '[' && w[len(w)-1] == ']' {
		w = w[1 : len(w)-1]
	}
	if i := strings.IndexAny(w, "/%"); i > 0 {
		w = w[:i]
	}
	if !hostLike(w) || level(w) || strings.IndexByte(w, ':') >= 0 && !isIP(w) || digits(w) {
		return "", false
	}
	return w, false
}

// tag reads "[host ]app[pid]: text"; where none of it is there all of s is text.
func (h *header) tag(s string, where hostPlace) {
	s = trimLead(s)
	h.text = s
	if where == noHost {
		h.program(s)
		return
	}
	w, rest := word(s)
	rest = strings.TrimLeft(rest, " ")
	name, plain := hostWord(w)
	if name == "" || rest == "" {
		h.program(s)
		return
	}
	whole := s
	h.host = name
	s, h.text = rest, rest
	if w2, r := word(s); w2 == w && r != "" { // relays repeat it
		s, h.text = r, r
	}
	h.program(s)
	if h.app == "" && (!plain || where == hostBeforeTag) && !strings.HasPrefix(s, "%") && !(h.relayed() && (h.pri >= 0 || h.text[0] == '1')) {
		h.host = ""
		h.program(whole)
		if h.app == "" {
			h.text = whole
		}
	}
}

// program reads "app[pid]: text".
func (h *header) program(s string) {
	h.split(s)
	// A word and a colon are no program in a line that no syslog daemon wrote, nor is a level, a number or a path to a file.
	if h.app != "" && h.pid == "" && (h.pri < 0 && !h.timed && !h.nested || notProgram(h.app)) {
		h.app, h.text = "", s
	}
}

// notProgram says whether a tag is a level or a number.
func notProgram(s string) bool {
	if s[0] < 'A' && s[0] != '/' && strings.IndexFunc(s, unicode.IsLetter) < 0 {
		return true
	}
	return level(s)
}

// level says whether a word is a level of importance.
func level(s string) bool {
	if len(s) > 13 {
		return false
	}
	var low [13]byte
	for i := range len(s) {
		low[i] = s[i]
		if c := s[i]; c >= 'A' && c <= 'Z' {
			low[i] += 'a' - 'A'
		}
	}
	switch string(low[:len(s)]) {
	case "emerg", "emergency", "alert", "crit", "critical", "err", "error", "warn", "warning", "notice", "info", "information",
		"informational", "debug", "trace", "fatal", "severe", "panic", "note", "log", "detail", "hint", "statement", "context":
		return true
	}
	return false
}

// split cuts s where a tag ends; app stays "" where there is none.
func (h *header) split(s string) {
	// The tag ends at the first ": " (or ":" at the end) or, as sudo and su write it, at ":" and blanks.
	limit := min(len(s), 128)
	if j := strings.IndexByte(s[:limit], ']'); j > 2 && j+1 < len(s) && s[j+1] == ':' { // "app[12]: text", "app[12]:text"
		if k := strings.IndexByte(s[:j], '['); k > 0 && digits(s[k+1:j]) && tagLike(s[:k]) {
			h.app, h.pid, h.text = s[:k], s[k+1:j], trimLead(s[j+2:])
			return
		}
	}
	// "app[12] text", whatever colons the text has
	if j := strings.IndexByte(s[:limit], ' '); j > 3 && s[j-1] == ']' && j+1 < len(s) && s[j+1] != '(' {
		if k := strings.IndexByte(s[:j], '['); k > 0 && digits(s[k+1:j-1]) && tagLike(s[:k]) {
			h.app, h.pid, h.text = s[:k], s[k+1:j-1], trimLead(s[j:])
			return
		}
	}
	i := strings.Index(s[:limit], ": ")
	if i < 0 {
		if limit == len(s) && strings.HasSuffix(s, ":") {
			i = len(s) - 1
		} else {
			return
		}
	}
	tag := strings.TrimSuffix(s[:i], " ") // "app : text"
	if k := strings.IndexByte(tag, '('); k > 0 && strings.Contains(tag[k:], ")") && strings.IndexByte(tag[:k], ' ') < 0 &&
		strings.IndexByte(tag[:k], '[') < 0 {
		if end := k + strings.IndexByte(tag[k:], ')') + 1; !strings.HasPrefix(tag[k:], "(pam_") && (end == len(tag) || tag[end] == '[') {
			tag = tag[:k] + tag[end:] // "polkitd(authority=local)[12]": what the brackets say is not the name
		}
	}
	if !tagLike(tag) {
		return
	}
	text := trimLead(s[i+1:])
	if k := strings.IndexByte(tag, '['); k > 0 {
		j := strings.IndexByte(tag[k:], ']')
		if j < 0 {
			return
		}
		if k+j+1 < len(tag) { // launchd: "com.apple.xpc.launchd[1] (com.apple.quicklook[21581])": the tag says more than name and pid
			h.app = tag
		} else {
			h.app = strings.TrimSuffix(tag[:k], "]") // "gdm-password][12]"
			if id := tag[k+1 : k+j]; digits(id) {
				h.pid = id
			}
		}
	} else {
		h.app = tag
	}
	h.text = text
}

// tagLike refuses texts that merely hold a colon: a tag has at most three words and no odd marks.
func tagLike(s string) bool {
	if s == "" || s[0] == ' ' || s[0] == '%' || s[0] == '{' || s[0] == '[' {
		return false
	}
	blanks := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == ' ':
			blanks++
		case c < 0x20, c == '"', c == '=', c == '{', c == '<', c == '>', c == ',', c == ';', c == '|', c == '*', c == '?':
			return false
		}
	}
	if blanks == 0 {
		return true
	}
	i := strings.IndexByte(s, '[')
	return blanks <= 2 && i > 0 && s[i-1] != ' '
}
