package national

import (
	"context"
	"sync"

	"hoalu/national/delivery"
)

// destination is one receiving point at work: its loops, its connection, and what is known of its trouble. What a process before this one
// knew of trouble is found out again by the first delivery or heartbeat.
type destination struct {
	*Service
	id    int64
	wake  chan struct{} // there may be something to send
	beatc chan struct{} // asks for a heartbeat now

	linkMu  sync.Mutex
	linked  Endpoint // that link and adapter are for
	lnk     delivery.Link
	adapter Adapter

	mu        sync.Mutex
	test      string // test packet that has not been tried yet
	failing   int64  // since when deliveries fail, 0 if they do not
	lastError error
	mute      int64 // since when heartbeats fail, 0 if they do not
	muteError error
}

// destination is the one of this number, made when it is first asked for.
func (s *Service) destination(id int64) *destination {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.destinations[id]
	if d == nil {
		d = &destination{Service: s, id: id, wake: make(chan struct{}, 1), beatc: make(chan struct{}, 1)}
		s.destinations[id] = d
	}
	return d
}

// run sends, beats and reconciles until ctx ends.
func (d *destination) run(ctx context.Context) {
	var wg sync.WaitGroup
	for _, f := range []func(context.Context){d.deliverLoop, d.beatLoop, d.reconcileLoop} {
		wg.Go(func() { f(ctx) })
	}
	wg.Wait()
	d.quiet() // a heartbeat or delivery that was under way when it was removed says nothing of what is there now
}

// poke has what waits looked at now.
func (d *destination) poke() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// pokeAll has what waits for any destination looked at now.
func (s *Service) pokeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.destinations {
		d.poke()
	}
}

// troubled is since when deliveries or heartbeats fail (0: they do not) and why.
func (d *destination) troubled() (since int64, why error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.failing != 0 && (d.mute == 0 || d.failing <= d.mute) {
		return d.failing, d.lastError
	}
	return d.mute, d.muteError
}

// changed makes a new endpoint, or none, tell at once.
func (d *destination) changed() {
	d.quiet()
	d.poke()
	select {
	case d.beatc <- struct{}{}:
	default:
	}
	select {
	case d.changes <- struct{}{}:
	default:
	}
	d.notify("endpoint")
}
