package bulk

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/valyala/fastjson"

	"hoalu/collector/source/listen"
	"hoalu/ecs/wire"
)

const (
	sliceDocuments = 256 << 10 // bytes of documents put together
	sliceItems     = 512 << 10 // bytes of items kept until they are put
	itemCost       = 96        // bytes of an item beside its texts
	maxAction      = 8 << 10   // bytes of an action line: parsed, it takes up to 400 times as many
	maxID          = 512       // bytes, as Elasticsearch
	maxIndex       = 255       // bytes, as Elasticsearch
	firstBuffer    = 16 << 10  // of a request, not counted in the budget: as many as there are places for requests
)

// item is one action of a request and its answer.
type item struct {
	action string // create, index, delete, update
	index  string
	id     string
	status int
	kind   string // of the error
	reason string
}

func (it *item) refuse(status int, kind, reason string) {
	it.status, it.kind, it.reason = status, kind, reason
}

func reasonOf(it item) string {
	switch it.kind {
	case "content_too_long_exception":
		return TooLarge
	case "action_request_validation_exception":
		return BadAction
	}
	return BadJSON
}

// account is what one request holds of the memory that all requests share.
type account struct {
	budget *listen.Budget
	peer   string
	mine   int64
}

func (a *account) take(n int) bool {
	if !a.budget.Take(a.peer, int64(n)) {
		return false
	}
	a.mine += int64(n)
	return true
}

func (a *account) give(n int64) {
	a.budget.Give(a.peer, n)
	a.mine -= n
}

// close gives back all.
func (a *account) close() { a.give(a.mine) }

// reading takes a body apart. What it keeps of it is taken from account before.
type reading struct {
	lines   *lines
	index   string
	max     int // bytes of a document
	peer    string
	binding Binding
	limit   int64 // bytes of the body
	account *account
	kept    int64 // bytes of the last slice
	tight   bool  // others hold so much that this slice ends with its first item
}

// free gives back what the last slice held.
func (d *reading) free() {
	d.account.give(d.kept)
	d.kept, d.tight = 0, false
}

// keep takes n bytes for the slice. What is small is kept beside the budget, so that a request goes on item by item when others hold all.
func (d *reading) keep(n int) bool {
	if d.account.take(n) {
		d.kept += int64(n)
		return true
	}
	d.tight = true
	return n <= firstBuffer
}

var (
	errTooLong = errors.New("request body is longer than the limit")
	errBusy    = errors.New("too many requests with long lines or answers at once; try again later")
	errItems   = fmt.Errorf("the answer to all items of this request would be longer than %d MiB; send fewer items in one request",
		maxAnswer>>20)
	parsers fastjson.ParserPool
)

// slice reads items up to about sliceDocuments; at[i] is the item of frames[i]. The error is io.EOF at the end.
func (d *reading) slice() (items []item, frames []wire.Frame, at []int, err error) {
	now := time.Now().UnixMilli()
	documents, kept := 0, 0
	for documents < sliceDocuments && kept < sliceItems && len(items) < 4*wire.MaxFrames && !d.tight {
		line, large, err := d.lines.next()
		if err != nil {
			return items, frames, at, d.beyond(err)
		}
		if len(line) == 0 && !large {
			continue // rsyslog writes blank lines between items
		}
		if large || len(line) > maxAction {
			return items, frames, at, fmt.Errorf("malformed action line, longer than %d bytes", maxAction)
		}
		it, err := d.action(line)
		if err != nil {
			return items, frames, at, err
		}
		cost := itemCost + len(it.id) + len(it.index)
		if !d.keep(cost) {
			return items, frames, at, errBusy
		}
		kept += cost
		if it.action == "delete" {
			it.refuse(http.StatusBadRequest, "action_request_validation_exception", "delete is not possible here: what was collected stays")
			items = append(items, it)
			continue
		}
		doc, large, err := d.document()
		if err != nil {
			if errors.Is(err, io.EOF) && d.lines.read <= d.limit {
				err = errors.New("the bulk request must be terminated by a newline; the last action has no document")
			}
			return items, frames, at, d.beyond(err)
		}
		if it.action == "update" {
			it.refuse(http.StatusBadRequest, "action_request_validation_exception",
				"update is not possible here: what was collected stays; use create")
		} else if it.check(doc, large, d.max); it.status == http.StatusCreated {
			if !d.keep(len(doc)) {
				return items, frames, at, errBusy
			}
			at = append(at, len(items))
			frames = append(frames, d.frame(now, identity(it.index, it.id, doc), doc))
			documents += len(doc)
		}
		items = append(items, it)
	}
	return items, frames, at, nil
}

// beyond says that the body was too long where that is why it ended.
func (d *reading) beyond(err error) error {
	if d.lines.read > d.limit {
		return errTooLong
	}
	return err
}

func (d *reading) frame(now int64, id string, doc []byte) wire.Frame {
	return wire.Frame{Source: d.binding.Source, Peer: d.peer, Received: now, Format: wire.FormatJSON, ID: id,
		Dataset: d.binding.Dataset, Trust: d.binding.Trust, Data: bytes.Clone(doc)}
}

// action reads an action line: an object with one of the four actions as key. Other keys beside it are passed over, as Elasticsearch 8
// does.
func (d *reading) action(line []byte) (item, error) {
	p := parsers.Get() // for this line only: a request that waits for its next one holds none
	defer parsers.Put(p)
	it := item{index: d.index, status: http.StatusCreated}
	v, err := p.ParseBytes(line)
	if err != nil || v.Type() != fastjson.TypeObject {
		return it, fmt.Errorf("malformed action/metadata line, expected one of [create, delete, index, update] but found [%.80q]", line)
	}
	var meta *fastjson.Value
	v.GetObject().Visit(func(key []byte, value *fastjson.Value) {
		switch string(key) {
		case "create", "index", "update", "delete":
			if it.action == "" {
				it.action, meta = string(key), value
			}
		}
	})
	if it.action == "" || meta.Type() != fastjson.TypeObject {
		return it, fmt.Errorf("malformed action/metadata line, expected one of [create, delete, index, update] with an object but found [%.80q]",
			line)
	}
	if s := meta.GetStringBytes("_index"); len(s) > 0 {
		it.index = string(s[:min(len(s), maxIndex)])
	}
	it.id = textOf(meta.Get("_id"))
	if len(it.id) > maxID {
		length := len(it.id)
		it.id = strings.Clone(it.id[:maxID]) // the answer must say which one; the whole would be as long as the sender likes
		it.refuse(http.StatusBadRequest, "illegal_argument_exception",
			fmt.Sprintf("id is too long, must be no longer than %d bytes but was: %d", maxID, length))
	}
	return it, nil
}

// check refuses what cannot be a document.
func (it *item) check(doc []byte, large bool, max int) {
	switch {
	case it.status != http.StatusCreated: // refused already
	case large:
		it.refuse(http.StatusBadRequest, "content_too_long_exception", fmt.Sprintf("document is longer than %d bytes", max))
	case len(doc) == 0 || doc[0] != '{':
		it.refuse(http.StatusBadRequest, "document_parsing_exception", "failed to parse: a document is a JSON object")
	case tooDeep(doc):
		it.refuse(http.StatusBadRequest, "document_parsing_exception",
			fmt.Sprintf("failed to parse: the document is nested deeper than %d levels", maxDepth))
	default:
		if err := fastjson.ValidateBytes(doc); err != nil {
			it.refuse(http.StatusBadRequest, "document_parsing_exception", "failed to parse: "+err.Error())
		}
	}
}

// textOf reads an _id, which some senders write as a number.
func textOf(v *fastjson.Value) string {
	switch {
	case v == nil || v.Type() == fastjson.TypeNull:
		return ""
	case v.Type() == fastjson.TypeString:
		return string(v.GetStringBytes())
	}
	return v.String()
}

// document reads the next line that is not blank.
func (d *reading) document() (line []byte, large bool, err error) {
	for {
		line, large, err = d.lines.next()
		if err != nil || large || len(line) > 0 {
			return line, large, err
		}
	}
}

// lines reads lines of at most max bytes; longer ones are stepped over and told as large.
type lines struct {
	r       io.Reader
	buf     []byte
	at      int // begin of what was not handed out
	have    int
	max     int
	read    int64
	account *account
	err     error
}

func newLines(r io.Reader, max int, a *account) *lines {
	return &lines{r: r, buf: make([]byte, firstBuffer), max: max, account: a}
}

// next returns the next line without its end and surrounding blanks; it is valid until the next call.
func (l *lines) next() (line []byte, large bool, err error) {
	from := l.at
	for {
		if i := bytes.IndexByte(l.buf[from:l.have], '\n'); i >= 0 {
			line = l.buf[l.at : from+i]
			l.at = from + i + 1
			return l.done(line, large)
		}
		if l.err != nil {
			line = l.buf[l.at:l.have]
			l.at = l.have
			if errors.Is(l.err, io.EOF) && (len(line) > 0 || large) {
				return l.done(line, large) // the last line may lack its newline
			}
			return nil, false, l.err
		}
		if l.have-l.at > l.max { // too long: forget its begin
			large = true
			l.at, l.have = 0, 0
		} else if l.at > 0 {
			l.have = copy(l.buf, l.buf[l.at:l.have])
			l.at = 0
		}
		if l.have == len(l.buf) {
			if !l.account.take(len(l.buf)) {
				l.err = errBusy
				return nil, false, l.err
			}
			l.buf = append(l.buf, make([]byte, len(l.buf))...)
		}
		from = l.have
		var n int
		n, l.err = l.r.Read(l.buf[l.have:])
		l.have += n
		l.read += int64(n)
	}
}

func (l *lines) done(line []byte, large bool) ([]byte, bool, error) {
	line = bytes.TrimSpace(line)
	if large || len(line) > l.max {
		return nil, true, nil
	}
	return line, false, nil
}

func decompress(r *http.Request) (io.Reader, error) {
	switch strings.ToLower(r.Header.Get("Content-Encoding")) {
	case "", "identity":
		return r.Body, nil
	case "gzip":
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			return nil, fmt.Errorf("read gzip body: %w", err)
		}
		return z, nil
	case "deflate":
		z, err := zlib.NewReader(r.Body)
		if err != nil {
			return nil, fmt.Errorf("read deflate body: %w", err)
		}
		return z, nil
	}
	return nil, fmt.Errorf("content encoding %q is not known; use gzip or none", r.Header.Get("Content-Encoding"))
}
