package identity

import (
	"net/http"
	"sync"
	"time"
)

// gate lets few hash passwords at a time (argon2id takes 46 MB each) and keeps the others waiting in turn by address, so that
// whoever sends many log-ins waits behind himself. Nobody waits longer than hashWait; past the bounds one is told at once.
type gate struct {
	mu      sync.Mutex
	free    int
	queues  map[string][]chan struct{} // by address
	turn    []string                   // addresses that wait, next first
	waiting int
}

// Bounds of a gate (own figures).
const (
	hashPlaces     = 2
	hashWaiting    = 64 // log-ins that wait, all together
	hashPerAddress = 4  // of one address
	hashWait       = 2 * time.Second
)

func newGate() *gate { return &gate{free: hashPlaces, queues: map[string][]chan struct{}{}} }

// busy is told to whom waited in vain; nothing was looked at, so it counts as no try.
func busy() error {
	return problem(http.StatusTooManyRequests, "login_busy", "Too many log-ins at once.", nil)
}

// enter waits for a place; the caller calls leave when it is true.
func (g *gate) enter(address string) bool {
	g.mu.Lock()
	if g.free > 0 && g.waiting == 0 {
		g.free--
		g.mu.Unlock()
		return true
	}
	if g.waiting >= hashWaiting || len(g.queues[address]) >= hashPerAddress {
		g.mu.Unlock()
		return false
	}
	mine := make(chan struct{}, 1)
	if len(g.queues[address]) == 0 {
		g.turn = append(g.turn, address)
	}
	g.queues[address] = append(g.queues[address], mine)
	g.waiting++
	g.mu.Unlock()
	wait := time.NewTimer(hashWait)
	defer wait.Stop()
	select {
	case <-mine:
		return true
	case <-wait.C:
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	list := g.queues[address]
	for i, c := range list {
		if c == mine {
			g.queues[address] = append(list[:i:i], list[i+1:]...)
			g.waiting--
			g.forget(address)
			return false
		}
	}
	return true // the place came in the same moment
}

// forget takes an address that no longer waits out of the turn.
func (g *gate) forget(address string) {
	if len(g.queues[address]) > 0 {
		return
	}
	delete(g.queues, address)
	for i, a := range g.turn {
		if a == address {
			g.turn = append(g.turn[:i], g.turn[i+1:]...)
			return
		}
	}
}

// leave gives the place to the next address in turn.
func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.turn) == 0 {
		g.free++
		return
	}
	address := g.turn[0]
	g.turn = g.turn[1:]
	list := g.queues[address]
	g.waiting--
	if list[0] <- struct{}{}; len(list) > 1 {
		g.queues[address] = list[1:]
		g.turn = append(g.turn, address)
	} else {
		delete(g.queues, address)
	}
}
