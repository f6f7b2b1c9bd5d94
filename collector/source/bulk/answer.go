package bulk

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"hoalu/collector/queue"
)

// maxAnswer is how many bytes the answer to one request may have. It is built while the request is read, and a compressed request
// names a thousand times as many items as it has bytes.
const maxAnswer = 32 << 20

// answers are those to the items of one request, rendered as they become known.
type answers struct {
	account *account
	blocks  [][]byte
	size    int
	failed  bool // an item was refused
	taken   bool // an item is durable
}

// add renders the answers to items.
func (a *answers) add(items []item) error {
	if len(items) == 0 {
		return nil
	}
	b := make([]byte, 0, 160*len(items))
	for i := range items {
		if a.size > 0 || i > 0 {
			b = append(b, ',')
		}
		b = items[i].render(b)
		if items[i].status == http.StatusCreated {
			a.taken = true
		} else {
			a.failed = true
		}
	}
	switch {
	case a.size+len(b) > maxAnswer:
		return errItems
	case !a.account.take(cap(b)):
		return errBusy
	}
	a.size += len(b)
	a.blocks = append(a.blocks, b)
	return nil
}

// send writes the whole answer.
func (a *answers) send(w http.ResponseWriter, took time.Duration) {
	w.Header().Set("Content-Type", "application/json")
	head := strconv.AppendInt([]byte(`{"took":`), took.Milliseconds(), 10)
	head = strconv.AppendBool(append(head, `,"errors":`...), a.failed)
	head = append(head, `,"items":[`...)
	for _, b := range append(append([][]byte{head}, a.blocks...), []byte("]}\n")) {
		if _, err := w.Write(b); err != nil { // the sender went away: it will send again
			return
		}
	}
}

// render writes the answer to one item.
func (it *item) render(b []byte) []byte {
	b = append(b, '{')
	b = quote(b, it.action)
	b = append(b, ':')
	b = it.result(b)
	return append(b, '}')
}

// result is what stands under the action of an item, and is the whole answer to a single document.
func (it *item) result(b []byte) []byte {
	b = append(b, `{"_index":`...)
	b = quote(b, it.index)
	b = append(b, `,"_id":`...)
	b = quote(b, it.id) // empty where the sender gave none: the event's own id is made behind the queue
	b = append(b, `,"status":`...)
	b = strconv.AppendInt(b, int64(it.status), 10)
	if it.status == http.StatusCreated {
		b = append(b, `,"_version":1,"result":"created","_shards":{"total":1,"successful":1,"failed":0},"_seq_no":0,"_primary_term":1`...)
	} else {
		b = append(b, `,"error":{"type":`...)
		b = quote(b, it.kind)
		b = append(b, `,"reason":`...)
		b = quote(b, it.reason)
		b = append(b, '}')
	}
	return append(b, '}')
}

func quote(b []byte, s string) []byte {
	q, err := json.Marshal(s)
	if err != nil { // a string always has JSON
		return append(b, `""`...)
	}
	return append(b, q...)
}

// refusal answers the whole request when nothing of it was taken and nothing can be.
func refusal(w http.ResponseWriter, err error, nothing bool) bool {
	if !nothing || !errors.Is(err, queue.ErrNoSpace) && !errors.Is(err, queue.ErrDown) && !errors.Is(err, queue.ErrClosed) {
		return false
	}
	w.Header().Set("Retry-After", retryAfter)
	fail(w, http.StatusServiceUnavailable, "unavailable_exception", err.Error())
	return true
}

func statusOf(err error) (int, string) {
	switch {
	case errors.Is(err, queue.ErrTooLarge):
		return http.StatusBadRequest, "content_too_long_exception"
	default: // all others pass; 429 makes shippers send the item again
		return http.StatusTooManyRequests, "es_rejected_execution_exception"
	}
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v) //nolint:errcheck // the sender went away
}

// fail answers as Elasticsearch words errors.
func fail(w http.ResponseWriter, status int, kind, reason string) {
	cause := map[string]any{"type": kind, "reason": reason}
	answer(w, status, map[string]any{"error": map[string]any{"root_cause": []any{cause}, "type": kind, "reason": reason}, "status": status})
}
