package decoders

import (
	"fmt"
	"strings"

	"hoalu/ecs"
)

// conversion follows from the ECS name a value goes to.
type conversion uint8

const (
	asText conversion = iota
	asAddress
	asNumber
	asPort
	asMAC
	asTransport
	asLower
	asURL
	asHost
)

type target struct {
	f    ecs.Field
	conv conversion
}

func conversionOf(name string) conversion {
	switch {
	case name == "network.transport":
		return asTransport
	case name == "network.protocol", name == "event.outcome":
		return asLower
	case name == "url.original":
		return asURL
	case strings.HasSuffix(name, ".address") && !strings.HasPrefix(name, "email."):
		return asHost
	case strings.HasSuffix(name, ".ip"):
		return asAddress
	case strings.HasSuffix(name, ".port"):
		return asPort
	case strings.HasSuffix(name, ".mac"):
		return asMAC
	case strings.HasSuffix(name, ".bytes"), strings.HasSuffix(name, ".packets"), strings.HasSuffix(name, ".pid"),
		name == "http.response.status_code", name == "event.duration", name == "event.severity", name == "file.size":
		return asNumber
	}
	return asText
}

// pair is one source name and value.
type pair struct{ k, v string }

func joined(kvs []pair, names []string) string {
	var parts []string
	for _, n := range names {
		if v := find(kvs, n); v != "" {
			parts = append(parts, v)
		}
	}
	return strings.Join(parts, " ")
}

// numberTime reads seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by their size.
func numberTime(s string) (int64, bool) {
	whole, frac, _ := strings.Cut(s, ".")
	if !digits(whole) || len(whole) < 9 || len(whole) > 19 || frac != "" && !digits(frac) {
		return 0, false
	}
	n := int64(0)
	for _, c := range []byte(whole) {
		n = n*10 + int64(c-'0')
	}
	switch {
	case len(whole) <= 11:
		ms, _ := fraction("." + frac)
		return n*1000 + int64(ms), true
	case len(whole) <= 14:
		return n, true
	case len(whole) <= 17:
		return n / 1000, true
	}
	return n / 1_000_000, true
}

// textTime reads a time as text and returns what stands behind it.
func textTime(s string, received int64, o Options) (t int64, rest string, ok bool) {
	if s == "" {
		return 0, "", false
	}
	if t, n := isoTime(s, o.Zone); n > 0 {
		return t, s[n:], true
	}
	if t, n := bsdTime(s, received, o.Zone); n > 0 {
		return t, s[n:], true
	}
	if t, n := dayFirst(s, o.Zone); n > 0 {
		return t, s[n:], true
	}
	if t, n := compactTime(s, o.Zone); n > 0 {
		return t, s[n:], true
	}
	if t, n := monthFirst(s, received, o.Zone); n > 0 {
		return t, s[n:], true
	}
	if len(s) > 20 && s[3] == ' ' && weekday(s[:3]) { // "Mon Mar  2 14:53:21 2026"
		if t, n := bsdTime(s[4:], received, o.Zone); n > 0 {
			return t, s[4+n:], true
		}
	}
	t, ok = commonTime(s, o.Zone)
	return t, "", ok
}

// unknownZone says whether what stands behind a time is the name of a zone that nobody can tell.
func unknownZone(s string) bool {
	s = strings.TrimSpace(s)
	if len(s) < 2 || len(s) > 5 {
		return false
	}
	for i := range len(s) {
		if s[i] < 'A' || s[i] > 'Z' {
			return false
		}
	}
	return true
}

// put stores a value and says whether it was of the kind its name asks for.
func (t target) put(d *Decoder, e *ecs.Event, v string) bool {
	switch t.conv {
	case asAddress:
		v = strings.TrimPrefix(v, "::ffff:")
		if !isIP(v) {
			return false
		}
	case asPort:
		putPort(e, t.f, v)
		return digits(v) && v != "0"
	case asNumber:
		if !digits(v) {
			return false
		}
		setNumber(e, t.f, v)
		return true
	case asMAC:
		v = dashedMAC(v)
	case asTransport:
		v = transportName(v)
	case asLower:
		if strings.IndexByte(v, '/') >= 0 { // "tcp/8443" names no protocol
			return false
		}
		v = strings.ToLower(v)
	case asHost:
		if strings.IndexByte(v, ' ') >= 0 { // "AWS Internal" is no address
			return false
		}
	case asURL:
		putURL(e, ecs.URLOriginal, v)
		return true
	}
	e.SetString(t.f, v)
	return true
}

// keyByte are the bytes of a key.
func keyByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.' || c == '@'
}

// readPairs reads key=value and key="value" pairs; at least two, else the text is none of the kind.
func readPairs(kvs []pair, s, separator, equals string) ([]pair, bool) {
	from := len(kvs)
	sep := separator[0]
	for s != "" {
		for s != "" && (s[0] == sep || s[0] == ' ') {
			s = s[1:]
		}
		i := 0
		for i < len(s) && keyByte(s[i]) {
			i++
		}
		if i == 0 || !strings.HasPrefix(s[i:], equals) { // not a pair: on to the next separator
			j := strings.IndexByte(s, sep)
			if j < 0 {
				break
			}
			s = s[j+1:]
			continue
		}
		key := s[:i]
		s = s[i+len(equals):]
		var v string
		if s != "" && s[0] == '"' {
			if q, rest, ok := cutQuoted(s); ok {
				v, s = unescape(q), rest
			} else {
				v, s = s[1:], ""
			}
		} else {
			j := strings.IndexByte(s, sep)
			if j < 0 {
				j = len(s)
			}
			v, s = s[:j], s[j:]
		}
		if len(kvs) < 512 {
			kvs = append(kvs, pair{key, v})
		}
	}
	return kvs, len(kvs)-from >= 2
}

// extension reads CEF's and LEEF's "key=value key=value" where values hold blanks: a value ends before the next key.
func extension(kvs []pair, s string, sep byte) []pair {
	for s != "" {
		s = strings.TrimLeft(s, " \t")
		eq := strings.IndexByte(s, '=')
		if eq <= 0 {
			return kvs
		}
		key := s[:eq]
		s = s[eq+1:]
		end := len(s)
		if sep != 0 && sep != ' ' {
			if j := strings.IndexByte(s, sep); j >= 0 {
				end = j
			}
		} else {
			for i := 0; i < len(s); i++ { // an unescaped "=" behind " word"
				if s[i] == '\\' {
					i++
					continue
				}
				if s[i] == '=' {
					j := i
					for j > 0 && (keyByte(s[j-1]) || s[j-1] == '[' || s[j-1] == ']') {
						j--
					}
					if j < i && j > 0 && s[j-1] == ' ' {
						end = j - 1
						break
					}
					if j < i && j == 0 {
						end = 0
						break
					}
				}
			}
		}
		v := strings.TrimRight(s[:end], " ")
		if strings.IndexByte(v, '\\') >= 0 {
			v = cefUnescape(v)
		}
		if len(kvs) < 512 {
			kvs = append(kvs, pair{key, v})
		}
		s = s[min(end+1, len(s)):]
		if end == 0 && s == "" {
			break
		}
	}
	return kvs
}

func cefUnescape(s string) string {
	return strings.NewReplacer(`\=`, `=`, `\|`, `|`, `\n`, "\n", `\r`, "\r", `\\`, `\`).Replace(s)
}

// cutPipe cuts at the next unescaped "|".
func cutPipe(s string) (field, rest string, ok bool) {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '|':
			f := s[:i]
			if strings.IndexByte(f, '\\') >= 0 {
				f = cefUnescape(f)
			}
			return f, s[i+1:], true
		}
	}
	return s, "", false
}

var cefHeader = [...]string{"cef.version", "cef.device_vendor", "cef.device_product", "cef.device_version", "cef.device_event_class_id",
	"cef.name", "cef.severity"}

// readCEF reads the Common Event Format (ArcSight, revision 25); cs1Label=Name makes Name of cs1.
func readCEF(kvs []pair, s string) ([]pair, bool) {
	i := strings.Index(s, "CEF:")
	if i < 0 {
		return kvs, false
	}
	s = s[i+4:]
	for _, n := range cefHeader {
		v, rest, ok := cutPipe(s)
		if !ok && n != "cef.severity" {
			return kvs, false
		}
		kvs = append(kvs, pair{n, v})
		s = rest
	}
	return extension(kvs, s, 0), true
}

var leefHeader = [...]string{"leef.version", "leef.device_vendor", "leef.device_product", "leef.device_version", "leef.event_id"}

// readLEEF reads the Log Event Extended Format 1.0 and 2.0 (IBM).
func readLEEF(kvs []pair, s string) ([]pair, bool) {
	i := strings.Index(s, "LEEF:")
	if i < 0 {
		return kvs, false
	}
	s = s[i+5:]
	sep := byte('\t')
	for _, n := range leefHeader {
		v, rest, ok := cutPipe(s)
		if !ok {
			return kvs, false
		}
		kvs = append(kvs, pair{n, v})
		s = rest
	}
	if kvs[len(kvs)-5].v == "2.0" {
		if v, rest, ok := cutPipe(s); ok && len(v) <= 4 {
			s = rest
			switch {
			case v == "":
			case len(v) == 1:
				sep = v[0]
			case strings.HasPrefix(v, "x") || strings.HasPrefix(v, "0x"):
				if v = strings.TrimLeft(v, "0x"); len(v) == 2 {
					fmt.Sscanf(v, "%02x", &sep) //nolint:errcheck // stays a tab
				}
			}
		}
	}
	if strings.IndexByte(s, sep) < 0 {
		sep = 0
	}
	return extension(kvs, s, sep), true
}

// readCSV reads one record (RFC 4180) into columns; a column named "" is skipped.
func readCSV(kvs []pair, s string, sep byte, columns []string) ([]pair, bool) {
	i := 0
	for ; s != "" && i < len(columns); i++ {
		var v string
		if s[0] == '"' {
			j := 1
			for j < len(s) {
				if s[j] == '"' {
					if j+1 < len(s) && s[j+1] == '"' {
						j += 2
						continue
					}
					break
				}
				j++
			}
			v = strings.ReplaceAll(s[1:min(j, len(s))], `""`, `"`)
			s = s[min(j+1, len(s)):]
			s = strings.TrimPrefix(s, string(sep))
		} else if j := strings.IndexByte(s, sep); j >= 0 {
			v, s = s[:j], s[j+1:]
		} else {
			v, s = s, ""
		}
		if columns[i] != "" {
			kvs = append(kvs, pair{columns[i], v})
		}
	}
	return kvs, i >= 2
}
