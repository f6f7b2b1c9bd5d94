package health

import (
	"fmt"
	"net/netip"
	"strconv"
	"time"
)

// countsEvery is the time between two notes of a sender that counts wrongly.
const countsEvery = time.Hour

// miscounted are the messages of a sender whose octet counts were wrong.
type miscounted struct {
	n    int64         // in this run of the Monitor
	told time.Duration // when last, on the clock that never jumps
}

// Miscounted notes n more syslog messages that were cut elsewhere than their octet count says, and emits the first and then once an hour
// how many there are of a sender. source is "" where only the address is known; syslog.Config.Miscounted fits it.
func (m *Monitor) Miscounted(source, peer string, n int) {
	now := m.cfg.Elapsed()
	m.mu.Lock()
	c := m.counts[peer]
	switch {
	case c == nil && len(m.counts) >= maxSources:
		m.mu.Unlock()
		return
	case c == nil:
		c = &miscounted{told: now - countsEvery}
		if m.counts == nil {
			m.counts = map[string]*miscounted{}
		}
		m.counts[peer] = c
	}
	c.n += int64(n)
	tell, all := now-c.told >= countsEvery, c.n
	if tell {
		c.told = now
	}
	m.mu.Unlock()
	if !tell {
		return
	}
	if source == "" {
		source = m.sourceAt(peer)
	}
	m.Emit(Note{Action: SourceCounts, Source: source, Level: "warning",
		Message: fmt.Sprintf("the sender at %s writes wrong octet counts before its syslog messages; %d of them were cut by what follows", peer, all),
		Values:  map[string]string{"sender": peer, "messages": strconv.FormatInt(all, 10)}})
}

// sourceAt is the source that is bound to an address, the address itself when none is.
func (m *Monitor) sourceAt(peer string) string {
	addr, err := netip.ParseAddr(peer)
	if m.cfg.Sources == nil || err != nil {
		return peer
	}
	found, most := peer, -1
	for _, s := range m.cfg.Sources() {
		if s.Address == peer {
			return s.ID
		}
		if network, err := netip.ParsePrefix(s.Address); err == nil && network.Bits() > most && network.Contains(addr) {
			found, most = s.ID, network.Bits() // the narrowest, as the inventory finds it
		}
	}
	return found
}
