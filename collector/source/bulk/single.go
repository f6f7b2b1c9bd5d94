package bulk

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"hoalu/ecs/wire"
)

// target is what the path of a write names.
type target struct {
	index string
	id    string
	kind  string // document, setup, search, update, index; "" none of them
	part  string // the segment that says setup or search
}

// targetOf reads a path without its outer slashes: _bulk is not among them.
//
//	index/_doc[/id] · index/_create/id · index/type[/id] of clients up to 7    a document
//	_index_template/… · index/_settings …                                     set up
//	index                                                                     an index, which is set up as well
func targetOf(path string) target {
	parts := strings.SplitN(path, "/", 5)
	t := target{index: plain(parts[0], maxIndex)}
	for _, p := range parts[:min(2, len(parts))] {
		switch {
		case searches[p]:
			t.kind, t.part = "search", p
			return t
		case setUp[p]:
			t.kind, t.part = "setup", p
			return t
		}
	}
	switch {
	case searches[path[strings.LastIndexByte(path, '/')+1:]]:
		t.kind = "search"
	case parts[len(parts)-1] == "_update": // index/type/id/_update of old clients
		t.kind = "update"
	case parts[0] == "" || strings.HasPrefix(parts[0], "_") || len(parts) > 3:
	case len(parts) == 1:
		t.kind = "index"
	case parts[1] == "_update":
		t.kind = "update"
	case parts[1] == "_doc" || parts[1] == "_create" || !strings.HasPrefix(parts[1], "_"):
		t.kind = "document"
		if len(parts) == 3 {
			t.id = plain(parts[2], maxID+1)
		}
	}
	return t
}

// plain is a segment of a path without its escapes, at most max bytes of it.
func plain(segment string, max int) string {
	if s, err := url.PathUnescape(segment); err == nil {
		segment = s
	}
	return segment[:min(len(segment), max)]
}

// route answers what is no _bulk request.
func (l *Listener) route(w http.ResponseWriter, r *http.Request, peer, path string, b Binding) {
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	if reads && l.known(w, r, path) {
		return
	}
	name := path[strings.LastIndexByte(path, '/')+1:]
	t := targetOf(path)
	switch {
	case t.kind == "search":
		fail(w, http.StatusBadRequest, "illegal_argument_exception", "this address takes events in and does not search; search in the console")
	case t.kind == "setup":
		l.ignore(w, r, t.part, name)
	case reads && t.kind == "document":
		answer(w, http.StatusNotFound, map[string]any{"_index": t.index, "_id": t.id, "found": false})
	case reads:
		l.ignore(w, r, "", name)
	case t.kind == "index" && r.Method == http.MethodPut:
		l.ignore(w, r, "index", t.index)
	case t.kind == "document" && (r.Method == http.MethodPost || r.Method == http.MethodPut):
		l.document(w, r, peer, t, b)
	case t.kind == "update" || t.kind == "document":
		l.cfg.Reject(b.Source, peer, BadAction, 1)
		fail(w, http.StatusBadRequest, "action_request_validation_exception",
			"update and delete are not possible here: what was collected stays; use create")
	default:
		l.cfg.Reject(b.Source, peer, BadAction, 1)
		fail(w, http.StatusBadRequest, "illegal_argument_exception",
			"nothing is stored by such a request; send documents by POST to /<index>/_doc or to /_bulk")
	}
}

// document stores one document, as index() and create() of the official clients send it.
func (l *Listener) document(w http.ResponseWriter, r *http.Request, peer string, t target, b Binding) {
	a := &account{budget: l.budget, peer: peer}
	defer a.close()
	it := item{action: "create", index: t.index, id: t.id, status: http.StatusCreated}
	doc, err := l.body(r, a)
	large := errors.Is(err, errTooLong)
	if err != nil && !large {
		l.broken(w, err, b, peer)
		return
	}
	if it.check(doc, large, l.cfg.MaxMessage); len(t.id) > maxID {
		it.refuse(http.StatusBadRequest, "illegal_argument_exception", "id is too long, must be no longer than 512 bytes")
	}
	if it.status != http.StatusCreated {
		l.cfg.Reject(b.Source, peer, reasonOf(it), 1)
		status := it.status
		if large {
			status = http.StatusRequestEntityTooLarge
		}
		fail(w, status, it.kind, it.reason)
		return
	}
	if bytes.IndexByte(doc, '\n') >= 0 { // an event's original is one line
		var one bytes.Buffer
		if json.Compact(&one, doc) == nil {
			doc = one.Bytes()
		}
	}
	frame := wire.Frame{Source: b.Source, Peer: peer, Received: time.Now().UnixMilli(), Format: wire.FormatJSON, Dataset: b.Dataset,
		ID: identity(t.index, t.id, doc), Trust: b.Trust, Data: doc}
	if err := l.store(r, []wire.Frame{frame}); err != nil {
		l.retried.Add(1)
		if refusal(w, err, true) {
			return
		}
		status, kind := statusOf(err)
		fail(w, status, kind, err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	w.Write(append(it.result(nil), '\n')) //nolint:errcheck // the sender went away
}

// body reads a body of one document whole; it is bounded before memory is taken for it, which then grows with what comes.
func (l *Listener) body(r *http.Request, a *account) ([]byte, error) {
	plain, err := decompress(r)
	if err != nil {
		return nil, err
	}
	limit := l.cfg.MaxMessage
	buf := make([]byte, 0, 4<<10)
	for {
		if len(buf) == cap(buf) {
			if !a.take(cap(buf)) {
				return nil, errBusy
			}
			buf = append(make([]byte, 0, 2*cap(buf)), buf...)
		}
		n, err := plain.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if len(bytes.TrimSpace(buf)) > limit {
			return nil, errTooLong
		}
		if errors.Is(err, io.EOF) {
			return bytes.TrimSpace(buf), nil
		}
		if err != nil {
			return nil, err
		}
		if len(buf) > limit+firstBuffer { // blanks without end
			return nil, errTooLong
		}
	}
}

// broken answers a request that could not be read to its end. What stood before is durable: only an answer without items makes the
// sender send it all again.
func (l *Listener) broken(w http.ResponseWriter, err error, b Binding, peer string) {
	l.cfg.Reject(b.Source, peer, BadRequest, 1)
	status, kind, reason := http.StatusBadRequest, "parse_exception", err.Error()
	switch {
	case errors.Is(err, errTooLong), errors.Is(err, errItems):
		status, kind = http.StatusRequestEntityTooLarge, "content_too_long_exception"
	case errors.Is(err, os.ErrDeadlineExceeded): // not the body's fault: the sender may try again
		status, kind, reason = http.StatusRequestTimeout, "timeout_exception",
			"the request took longer than "+l.cfg.Timeout.String()+"; send smaller ones"
	case errors.Is(err, errBusy):
		w.Header().Set("Retry-After", retryAfter)
		status, kind = http.StatusTooManyRequests, "es_rejected_execution_exception"
	}
	fail(w, status, kind, reason)
}
