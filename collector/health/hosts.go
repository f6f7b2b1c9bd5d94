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
	by    map[string]int64 // lower case
	asked map[string]time.Time
}

// AskedLately says that the store answered within five minutes that it has nothing of a host.
func (h *Hosts) AskedLately(host string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return time.Since(h.asked[host]) < AskAgain
}

// Answered remembers that the store gave an answer of a host.
func (h *Hosts) Answered(host string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.asked == nil || len(h.asked) > maxHosts {
		h.asked = map[string]time.Time{}
	}
	h.asked[host] = time.Now()
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

// Last is when a host was last heard of (Unix ms), 0 when not in this run.
func (h *Hosts) Last(host string) int64 {
	host = strings.ToLower(host)
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.by[host]
}
