package decoders

import (
	"net/netip"
	"strings"

	"hoalu/ecs"
)

// Values of fields.

func digits(s string) bool {
	if s == "" {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

func isIP(s string) bool {
	if s == "" || len(s) > 45 {
		return false
	}
	c := s[0]
	if !(c >= '0' && c <= '9' || c == ':' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F') {
		return false
	}
	_, err := netip.ParseAddr(s)
	return err == nil
}

// unescape takes the backslash off the character behind it.
func unescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b = append(b, s[i])
	}
	return string(b)
}

// set puts a text value in place of any other; an empty one is left out.
func set(e *ecs.Event, f ecs.Field, s string) {
	if s != "" {
		e.SetString(f, s)
	}
}

// setNumber is set for a text of digits.
func setNumber(e *ecs.Event, f ecs.Field, s string) {
	if len(s) > 1 && s[0] == '0' {
		s = strings.TrimLeft(s, "0")
		if s == "" {
			s = "0"
		}
	}
	e.Set(f, s, ecs.Number)
}

// setAddress puts an address, host name or "address:port" under source or destination.
func setAddress(e *ecs.Event, ip, address, port ecs.Field, s string) {
	if s == "" || s == "-" {
		return
	}
	host, p := s, ""
	if isIP(s) && !strings.HasPrefix(s, "::ffff:") {
		e.SetString(ip, s)
		return
	}
	if s[0] == '[' {
		if i := strings.IndexByte(s, ']'); i > 0 {
			host, p = s[1:i], strings.TrimPrefix(s[i+1:], ":")
		}
	} else if i := strings.LastIndexByte(s, ':'); i > 0 && digits(s[i+1:]) && !isIP(s) {
		host, p = s[:i], s[i+1:]
	}
	host = strings.TrimPrefix(host, "::ffff:")
	if isIP(host) {
		e.SetString(ip, host)
	} else {
		e.SetString(address, host)
	}
	if p != "" && digits(p) && p != "0" {
		setNumber(e, port, p)
	}
}

// put writes what a document says to an event: s, made what f asks for, becomes the value of f. What says nothing, or what f cannot
// hold, is left out.
// set is one; the tables of members name the one that each of them goes through.
type put = func(e *ecs.Event, f ecs.Field, s string)

// putDigits sets a number that is written in digits only.
func putDigits(e *ecs.Event, f ecs.Field, s string) {
	if digits(s) {
		setNumber(e, f, s)
	}
}

func putLower(e *ecs.Event, f ecs.Field, s string) { set(e, f, strings.ToLower(s)) }

// oneOf sets what stands for s in words.
func oneOf(words map[string]string) put {
	return func(e *ecs.Event, f ecs.Field, s string) { set(e, f, words[s]) }
}
