package health

import (
	"strings"
	"sync"
	"time"
)

// AskAgain is how long the store's answer that it has nothing of a host counts.
const AskAgain = 5 * time.Minute

// Hosts remembers when each host was last heard of in this run, and which ones the store was asked for. Its zero value is ready; safe for
// concurrent use.
type Hosts struct {
	mu    sync.Mutex
	by    map[string]int64     // lower case
	asked map[string]time.Time // lower case
}

// LastOf is when a host was last heard of (Unix ms, 0 for never): in this run, else what ask finds in what is stored. That nothing is there
// counts for five minutes; an error says that it could not be told, and is not remembered.
func (h *Hosts) LastOf(host string, ask func() (int64, error)) (int64, error) {
	host = strings.ToLower(host)
	h.mu.Lock()
	at, asked := h.by[host], h.asked[host]
	h.mu.Unlock()
	if at != 0 || time.Since(asked) < AskAgain {
		return at, nil
	}
	at, err := ask()
	if err != nil {
		return 0, err
	}
	h.mu.Lock()
	if h.asked == nil || len(h.asked) > maxHosts {
		h.asked = map[string]time.Time{}
	}
	h.asked[host] = time.Now()
	h.mu.Unlock()
	if at != 0 {
		h.Seen(host, at)
	}
	return at, nil
}

const maxHosts = 200_000

// Seen notes that a host was heard of at a receipt time (Unix ms).
func (h *Hosts) Seen(host string, at int64) {
	host = strings.ToLower(host)
	h.mu.Lock()
	if h.by == nil {
		h.by = map[string]int64{}
	}
	if _, ok := h.by[host]; ok || len(h.by) < maxHosts {
		h.by[host] = max(h.by[host], at)
	}
	h.mu.Unlock()
}
