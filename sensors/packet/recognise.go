package packet

import (
	"bytes"
)

// verdict of a recogniser on the first bytes of a segment.
type verdict uint8

const (
	no verdict = iota
	wait
	yes
)

// recognise finds the protocol by content; the port only breaks ties. It looks at the beginnings of segments, so that a protocol that
// starts late is found too.
func (a *Analyzer) recognise(f *flow, s *stream, side int, b []byte) (int, bool) {
	h := &s.dir[side]
	waiting := false
	for _, r := range tcpRecognisers {
		switch r.look(f, b) {
		case yes:
			s.app = r.app
			f.app = r.app
			return 0, true
		case wait:
			waiting = true
		}
	}
	if waiting {
		return 0, false
	}
	if h.watch++; h.watch >= maxWatch {
		h.done = true
	}
	return len(b), false
}

// tcpRecognisers is the table of protocols over TCP.
var tcpRecognisers = []struct {
	app  app
	look func(*flow, []byte) verdict
}{
	{appTLS, looksTLS},
	{appHTTP, looksHTTP},
	{appSSH, looksSSH},
	{appDNS, looksDNSTCP},
}

func looksTLS(_ *flow, b []byte) verdict {
	want := [...][2]byte{{0x16, 0x16}, {3, 3}, {0, 4}, {0, 0x48}, {0, 255}, {1, 2}, {0, 1}}
	for i, w := range want {
		if i >= len(b) {
			return wait
		}
		if b[i] < w[0] || b[i] > w[1] {
			return no
		}
	}
	return yes
}

func looksSSH(_ *flow, b []byte) verdict {
	const p = "SSH-"
	if len(b) >= len(p) {
		if string(b[:len(p)]) == p {
			return yes
		}
		return no
	}
	if string(b) == p[:len(b)] {
		return wait
	}
	return no
}

func looksHTTP(_ *flow, b []byte) verdict {
	if b[0] == 'H' {
		const p = "HTTP/"
		n := min(len(p), len(b))
		if string(b[:n]) == p[:n] {
			if n < len(p) {
				return wait
			}
			return yes
		}
	}
	i := 0
	for i < len(b) && i < 24 && (b[i] >= 'A' && b[i] <= 'Z' || i > 0 && (b[i] == '-' || b[i] == '_' || b[i] >= 'a' && b[i] <= 'z')) {
		i++
	}
	if i == len(b) {
		if i < 24 {
			return wait
		}
		return no
	}
	if i < 2 || b[i] != ' ' {
		return no
	}
	eol := bytes.IndexByte(b, '\n')
	if eol < 0 {
		if len(b) < 16<<10 && !bytes.ContainsRune(b[:min(len(b), 256)], 0) {
			return wait
		}
		return no
	}
	line := bytes.TrimRight(b[:eol], "\r ")
	if len(line) <= i {
		return no
	}
	if j := bytes.LastIndexByte(line, ' '); j > i && len(line) >= j+6 && bytes.EqualFold(line[j+1:j+6], []byte("HTTP/")) {
		return yes
	}
	if bytes.HasPrefix(line[i+1:], []byte("HTTP/1.")) { // no target at all
		return yes
	}
	if string(line[:i]) == "GET" && len(line) > i+1 && line[i+1] == '/' && bytes.IndexByte(line[i+1:], ' ') < 0 { // HTTP/0.9
		return yes
	}
	return no
}

func looksDNSTCP(f *flow, b []byte) verdict {
	if f.key.pa != 53 && f.key.pb != 53 {
		return no
	}
	if len(b) < 14 {
		return wait
	}
	n := int(b[0])<<8 | int(b[1])
	if n < 17 || !dnsHeader(b[2:]) {
		return no
	}
	return yes
}
