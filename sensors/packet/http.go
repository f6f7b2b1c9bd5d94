package packet

import (
	"bytes"
	"unsafe"
)

// HTTP/1 (RFC 9112): requests and responses paired in order; bodies are counted, never kept.

const (
	maxHTTPHeader = 64 << 10
	maxPending    = 64
	maxHTTPText   = 8 << 10 // of one kept header value
	maxHTTPLine   = 8 << 10 // of a chunk's length or a trailer
)

type httpPhase uint8

const (
	httpHead     httpPhase = iota
	httpBody               // remain bytes
	httpChunk              // a chunk's length line
	httpChunkEnd           // the line end after a chunk
	httpTrailer
	httpClose // until the connection ends
)

type httpHalf struct {
	phase  httpPhase
	lost   bool // after a gap: only a start line at the beginning of a segment goes on
	remain int64
	chunk  bool
	tx     *httpTx // whose body is read
	resp   bool
}

type httpStream struct {
	txs []*httpTx // in order of requests; responses belong to the first without one
}

// httpTx is one request and its response.
type httpTx struct {
	at, answered        int64
	side                int
	req, resp           bool // heads seen
	reported            bool
	partial             bool
	respDone            bool
	method, uri, host   []byte
	version             []byte
	agent, referrer     []byte
	reqType, respType   []byte
	status              int
	reqBytes, respBytes int64
	held                int // bytes of Config.MaxBytes
}

func (tx *httpTx) reset() {
	const usual = 1 << 10 // of a text
	*tx = httpTx{method: spent(tx.method, usual), uri: spent(tx.uri, usual), host: spent(tx.host, usual),
		version: spent(tx.version, usual), agent: spent(tx.agent, usual), referrer: spent(tx.referrer, usual),
		reqType: spent(tx.reqType, usual), respType: spent(tx.respType, usual)}
}

// newTx makes an exchange that will hold texts; nil where no memory is left for it.
func (a *Analyzer) newTx(texts ...[]byte) *httpTx {
	held := int(unsafe.Sizeof(httpTx{}))
	for _, v := range texts {
		held += min(len(v), maxHTTPText)
	}
	if !a.reserve(held) {
		return nil
	}
	var tx *httpTx
	if n := len(a.pools.txs); n > 0 {
		tx = a.pools.txs[n-1]
		a.pools.txs = a.pools.txs[:n-1]
	} else {
		tx = new(httpTx)
	}
	tx.held = held
	return tx
}

func (a *Analyzer) freeTx(tx *httpTx) {
	a.held -= tx.held
	if len(a.pools.txs) < maxPooled {
		tx.reset()
		a.pools.txs = append(a.pools.txs, tx)
	}
}

// skip takes n missing bytes out of a body; false when they are not all body.
func (h *httpHalf) skip(n int64) bool {
	switch h.phase {
	case httpBody:
		if n > h.remain || h.chunk && n == h.remain {
			return false
		}
		h.count(n)
		h.remain -= n
		return true
	case httpClose:
		h.count(n)
		return true
	}
	return false
}

func (h *httpHalf) count(n int64) {
	if h.tx == nil {
		return
	}
	if h.resp {
		h.tx.respBytes += n
	} else {
		h.tx.reqBytes += n
	}
}

func (a *Analyzer) httpGap(f *flow, s *stream, side int) {
	h := &s.dir[side].http
	if tx := h.tx; tx != nil {
		tx.partial = true
		a.httpEnd(f, s, h)
	}
	*h = httpHalf{lost: true}
}

// httpHeadEnd finds the end of a message's head in b, searching from; -1 when it is not there.
func httpHeadEnd(b []byte, from int) int {
	i := max(from-3, 0)
	for {
		j := bytes.IndexByte(b[i:], '\n')
		if j < 0 {
			return -1
		}
		i += j + 1
		if i < len(b) && b[i] == '\n' {
			return i + 1
		}
		if i+1 < len(b) && b[i] == '\r' && b[i+1] == '\n' {
			return i + 2
		}
	}
}

// httpStep takes what it can of b, the bytes of one direction that come next: their number, and whether it may be called again with the
// rest.
func (a *Analyzer) httpStep(f *flow, s *stream, side int, b []byte) (int, bool) {
	h := &s.dir[side].http
	switch h.phase {
	case httpHead:
		return a.httpHeadStep(f, s, side, b)
	case httpBody:
		n := min(int64(len(b)), h.remain)
		h.count(n)
		h.remain -= n
		if h.remain == 0 {
			if h.chunk {
				h.phase = httpChunkEnd
			} else {
				a.httpEnd(f, s, h)
			}
		}
		return int(n), true
	case httpClose:
		h.count(int64(len(b)))
		return len(b), false
	case httpChunkEnd, httpChunk, httpTrailer:
		return a.httpLineStep(f, s, side, b)
	}
	return len(b), false
}

// httpHeadStep looks for the head of a message.
func (a *Analyzer) httpHeadStep(f *flow, s *stream, side int, b []byte) (int, bool) {
	hh := &s.dir[side]
	h := &hh.http
	if h.lost {
		if looksHTTP(f, b) == no {
			if hh.watch++; hh.watch >= maxWatch {
				hh.done = true
			}
			return len(b), false
		}
		h.lost = false
	}
	skip := 0
	for skip < len(b) && (b[skip] == '\r' || b[skip] == '\n') {
		skip++
	}
	if skip > 0 {
		return skip, true
	}
	if hh.scan == 0 && looksHTTP(f, b) == no {
		h.lost = true
		return len(b), false
	}
	if looksSimple(b) { // HTTP/0.9 has no head
		n := bytes.IndexByte(b, '\n') + 1
		a.httpMessage(f, s, side, b[:n], false)
		return n, true
	}
	end := httpHeadEnd(b, hh.scan)
	if end < 0 {
		hh.scan = len(b)
		if len(b) > maxHTTPHeader {
			a.over[overHeader]++
			a.httpMessage(f, s, side, b, true)
			h.lost = true
			return len(b), false
		}
		return 0, false
	}
	a.httpMessage(f, s, side, b[:end], false)
	return end, true
}

// httpLineStep takes a line around chunks (RFC 9112 §7.1): a chunk's length, the end of its line, the trailer.
func (a *Analyzer) httpLineStep(f *flow, s *stream, side int, b []byte) (int, bool) {
	h := &s.dir[side].http
	eol := bytes.IndexByte(b, '\n')
	if eol < 0 {
		if len(b) > maxHTTPLine {
			a.httpGap(f, s, side)
			return len(b), false
		}
		return 0, false
	}
	line := bytes.TrimRight(b[:eol], "\r")
	switch {
	case h.phase == httpChunkEnd && len(line) == 0:
		h.phase = httpChunk
	case h.phase == httpTrailer:
		if len(line) == 0 {
			a.httpEnd(f, s, h)
		}
	default:
		if i := bytes.IndexByte(line, ';'); i >= 0 {
			line = line[:i]
		}
		n, good := parseHex(bytes.TrimSpace(line))
		if !good {
			a.httpGap(f, s, side)
			return len(b), false
		}
		if n == 0 {
			h.phase = httpTrailer
		} else {
			h.phase, h.remain = httpBody, n
		}
	}
	return eol + 1, true
}

func parseHex(b []byte) (int64, bool) {
	if len(b) == 0 || len(b) > 12 {
		return 0, false
	}
	var n int64
	for _, c := range b {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		n = n<<4 | int64(c)
	}
	return n, true
}

// looksSimple reports an HTTP/0.9 request: "GET /path" and nothing else on the line.
func looksSimple(b []byte) bool {
	if len(b) < 6 || string(b[:4]) != "GET " {
		return false
	}
	eol := bytes.IndexByte(b, '\n')
	return eol > 0 && !bytes.HasPrefix(b[4:], []byte("HTTP/")) && bytes.IndexByte(bytes.TrimRight(b[4:eol], "\r "), ' ') < 0
}

// httpEnd closes the message h was reading.
func (a *Analyzer) httpEnd(f *flow, s *stream, h *httpHalf) {
	tx, resp := h.tx, h.resp
	*h = httpHalf{}
	if tx != nil && resp {
		tx.respDone = true
		a.httpReport(f, s)
	}
}

// httpReport makes records of leading exchanges that are complete.
func (a *Analyzer) httpReport(f *flow, s *stream) {
	t := s.http.txs
	for len(t) > 0 && (t[0].respDone || len(t) > maxPending) {
		tx := t[0]
		if !tx.reported {
			a.httpRecord(f, tx)
		}
		for i := range s.dir {
			if s.dir[i].http.tx == tx {
				s.dir[i].http.tx = nil
			}
		}
		copy(t, t[1:])
		t[len(t)-1] = nil
		t = t[:len(t)-1]
		a.freeTx(tx)
	}
	s.http.txs = t
}

func (a *Analyzer) httpFlush(f *flow, s *stream, last bool) {
	if last {
		for side := range s.dir { // a head that was cut off still tells who asked what
			h := &s.dir[side]
			if s.app == appHTTP && h.http.phase == httpHead && !h.done && !h.http.lost && bytes.IndexByte(h.buf, '\n') > 0 {
				a.httpMessage(f, s, side, h.buf, true)
			}
		}
	}
	for _, tx := range s.http.txs {
		if !tx.reported && (last || a.now-tx.at >= a.update) {
			if last && !tx.respDone && !(tx.resp && (s.dir[0].http.phase == httpClose || s.dir[1].http.phase == httpClose)) {
				tx.partial = true
			}
			a.httpRecord(f, tx)
			tx.reported = true
		}
	}
}

// httpHeader is what a head says.
type httpHeader struct {
	request         bool
	method, uri     []byte
	version         []byte
	status          int
	host, agent     []byte
	referrer, ctype []byte
	length          int64 // -1: not given
	chunked         bool
}

// parseHTTPHead reads the head of a message. good is false when its first line is neither a request nor a status line.
func parseHTTPHead(b []byte) (h httpHeader, good bool) {
	h.length = -1
	line, b := cutLine(b)
	if !h.startLine(bytes.TrimRight(line, "\r ")) {
		return h, false
	}
	for len(b) > 0 {
		line, b = cutLine(b)
		line = bytes.TrimRight(line, "\r")
		if i := bytes.IndexByte(line, ':'); i > 0 {
			h.field(bytes.TrimRight(line[:i], " \t"), bytes.TrimSpace(line[i+1:]))
		}
	}
	return h, true
}

// cutLine takes the first line off b, without its '\n'.
func cutLine(b []byte) (line, rest []byte) {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		return b[:i], b[i+1:]
	}
	return b, nil
}

// startLine reads a request line or a status line (RFC 9112 §3, §4); false for anything else.
func (h *httpHeader) startLine(line []byte) bool {
	i := bytes.IndexByte(line, ' ')
	if bytes.HasPrefix(line, []byte("HTTP/")) {
		if i < 0 {
			i = len(line)
		}
		h.version = line[5:i]
		rest := bytes.TrimLeft(line[i:], " ")
		if len(rest) < 3 {
			return false
		}
		for _, c := range rest[:3] {
			if c < '0' || c > '9' {
				return false
			}
			h.status = h.status*10 + int(c-'0')
		}
		return true
	}
	h.request = true
	if i <= 0 {
		return false
	}
	h.method = line[:i]
	h.uri = bytes.TrimLeft(line[i:], " \t")
	if j := bytes.LastIndexByte(h.uri, ' '); j >= 0 && len(h.uri) >= j+6 && bytes.EqualFold(h.uri[j+1:j+6], []byte("HTTP/")) {
		h.version = h.uri[j+6:]
		h.uri = bytes.TrimRight(h.uri[:j], " \t")
	} else if bytes.HasPrefix(h.uri, []byte("HTTP/")) {
		h.version, h.uri = h.uri[5:], nil
	}
	return true
}

// field notes a field line, where a record tells of it. Its name's length, compared first, rules most out.
func (h *httpHeader) field(name, v []byte) {
	switch len(name) {
	case 4:
		if bytes.EqualFold(name, []byte("host")) && h.host == nil {
			h.host = v
		}
	case 7:
		if bytes.EqualFold(name, []byte("referer")) {
			h.referrer = v
		}
	case 10:
		if bytes.EqualFold(name, []byte("user-agent")) && h.agent == nil {
			h.agent = v
		}
	case 12:
		if bytes.EqualFold(name, []byte("content-type")) {
			h.ctype = v
		}
	case 14:
		if bytes.EqualFold(name, []byte("content-length")) {
			if n := contentLength(v); n >= 0 {
				h.length = n
			}
		}
	case 17:
		if bytes.EqualFold(name, []byte("transfer-encoding")) && containsFold(v, "chunked") {
			h.chunked = true
		}
	}
}

// contentLength reads the digits that v begins with, 18 at most; -1 where it begins with none.
func contentLength(v []byte) int64 {
	var n int64
	for i, c := range v {
		if c < '0' || c > '9' || i > 17 {
			if i == 0 {
				return -1
			}
			break
		}
		n = n*10 + int64(c-'0')
	}
	if len(v) == 0 {
		return -1
	}
	return n
}

func containsFold(b []byte, s string) bool {
	for i := 0; i+len(s) <= len(b); i++ {
		if bytes.EqualFold(b[i:i+len(s)], []byte(s)) {
			return true
		}
	}
	return false
}

func keep(dst, v []byte) []byte { return append(dst[:0], v[:min(len(v), maxHTTPText)]...) }

// httpMessage takes a head; cut: the rest of it is missing.
func (a *Analyzer) httpMessage(f *flow, s *stream, side int, b []byte, cut bool) {
	m, good := parseHTTPHead(b)
	switch {
	case !good:
		s.dir[side].http.lost = true
	case m.request:
		f.client(side)
		a.httpRequest(f, s, side, &m, cut)
	default:
		f.client(side ^ 1)
		if m.status < 100 || m.status >= 200 || m.status == 101 { // else another follows
			a.httpResponse(f, s, side, &m, cut)
		}
	}
}

// httpRequest begins an exchange.
func (a *Analyzer) httpRequest(f *flow, s *stream, side int, m *httpHeader, cut bool) {
	h := &s.dir[side].http
	tx := a.newTx(m.method, m.uri, m.host, m.version, m.agent, m.referrer, m.ctype)
	if tx == nil {
		h.lost = true
		return
	}
	tx.at, tx.side, tx.req, tx.partial = a.p.t, side, true, cut
	tx.method, tx.uri, tx.host, tx.version = keep(tx.method, m.method), keep(tx.uri, m.uri), keep(tx.host, m.host),
		keep(tx.version, m.version)
	tx.agent, tx.referrer, tx.reqType = keep(tx.agent, m.agent), keep(tx.referrer, m.referrer), keep(tx.reqType, m.ctype)
	s.http.txs = append(s.http.txs, tx)
	h.tx, h.resp = tx, false
	switch {
	case m.chunked:
		h.phase, h.chunk = httpChunk, true
	case m.length > 0:
		h.phase, h.remain, h.chunk = httpBody, m.length, false
	default:
		h.tx = nil
	}
	if len(s.http.txs) > maxPending {
		a.httpReport(f, s)
	}
}

// httpResponse answers the first exchange that waits for it; where its request was not seen it makes one.
func (a *Analyzer) httpResponse(f *flow, s *stream, side int, m *httpHeader, cut bool) {
	h := &s.dir[side].http
	var tx *httpTx
	for _, t := range s.http.txs {
		if !t.resp && t.side != side {
			tx = t
			break
		}
	}
	if tx == nil {
		if tx = a.newTx(m.version); tx == nil {
			h.lost = true
			return
		}
		tx.at, tx.side, tx.partial = a.p.t, side^1, true
		tx.version = keep(tx.version, m.version)
		s.http.txs = append(s.http.txs, tx)
	}
	tx.resp, tx.answered, tx.status = true, a.p.t, m.status
	if n := min(len(m.ctype), maxHTTPText); a.reserve(n) {
		tx.respType = keep(tx.respType, m.ctype)
		tx.held += n
	} else {
		tx.partial = true
	}
	tx.partial = tx.partial || cut
	h.tx, h.resp = tx, true
	connect := string(tx.method) == "CONNECT" && m.status/100 == 2
	switch {
	case string(tx.method) == "HEAD" || m.status == 204 || m.status == 304:
		a.httpEnd(f, s, h)
	case connect || m.status == 101: // another protocol begins
		a.httpEnd(f, s, h)
		for i := range s.dir {
			d := &s.dir[i]
			d.http, d.watch = httpHalf{}, 0
		}
		s.app = appUnknown
	case m.chunked:
		h.phase, h.chunk = httpChunk, true
	case m.length == 0:
		a.httpEnd(f, s, h)
	case m.length > 0:
		h.phase, h.remain, h.chunk = httpBody, m.length, false
	default:
		h.phase = httpClose
	}
}
