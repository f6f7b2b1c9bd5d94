package collector

import "sync"

// Peers counts open connections by peer address or sensor. Its zero value is ready; safe for concurrent use.
type Peers struct {
	mu   sync.Mutex
	open map[string]int
}

// Change notes that a peer connected, or that a connection of it ended.
func (p *Peers) Change(peer string, open bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open == nil {
		p.open = map[string]int{}
	}
	if open {
		p.open[peer]++
	} else if p.open[peer]--; p.open[peer] <= 0 {
		delete(p.open, peer)
	}
}

// Connected says whether a peer has a connection open.
func (p *Peers) Connected(peer string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.open[peer] > 0
}
