package health

import (
	"net/netip"
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
	full  map[string]string    // label → the one full name heard of that begins with it; several: manyNames
}

// manyNames stands in Hosts.full for a label that begins several full names.
const manyNames = "*"

// Label is the first label of a full host name (web01 of web01.so-yte.gov.vn); ok is false for a short name and for an address.
func Label(host string) (label string, ok bool) {
	label, _, ok = strings.Cut(host, ".")
	if _, err := netip.ParseAddr(host); err == nil {
		return "", false
	}
	return label, ok && label != ""
}

// Full is the one full name heard of in this run whose first label is label, "" when there is none or when there are several.
func (h *Hosts) Full(label string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if name := h.full[strings.ToLower(label)]; name != manyNames {
		return name
	}
	return ""
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
		if label, ok := Label(host); ok {
			if h.full == nil {
				h.full = map[string]string{}
			}
			if was := h.full[label]; was == "" {
				h.full[label] = host
			} else if was != host {
				h.full[label] = manyNames
			}
		}
	}
	h.mu.Unlock()
}
