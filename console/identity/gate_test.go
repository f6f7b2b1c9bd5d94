package identity

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"hoalu/soc"
	"hoalu/state/statetest"
)

// TestTheGateIsFair: 250 log-ins from one address do not make a person wait, and nobody waits without end.
func TestTheGateIsFair(t *testing.T) {
	const work = 40 * time.Millisecond // as long as one hash takes
	g := newGate()
	var wg sync.WaitGroup
	refused := 0
	var mu sync.Mutex
	hash := func(address string) bool {
		if !g.enter(address) {
			return false
		}
		time.Sleep(work)
		g.leave()
		return true
	}
	for range 250 {
		wg.Go(func() {
			if !hash("203.0.113.66") {
				mu.Lock()
				refused++
				mu.Unlock()
			}
		})
	}
	for { // until the flood waits
		g.mu.Lock()
		n := g.waiting
		g.mu.Unlock()
		if n == hashPerAddress {
			break
		}
		time.Sleep(time.Millisecond)
	}
	start := time.Now()
	if !hash("192.0.2.1") {
		t.Error("a person is turned away")
	}
	if waited := time.Since(start); waited > hashWait {
		t.Errorf("a person waited %s", waited)
	}
	wg.Wait()
	if refused < 250-hashPlaces-hashPerAddress-20 {
		t.Errorf("%d of the flood were turned away", refused)
	}
	// Places that never come free: one is told after hashWait, and the gate is as it was.
	g = newGate()
	for range hashPlaces {
		g.enter("x")
	}
	start = time.Now()
	if g.enter("192.0.2.1") || time.Since(start) < hashWait {
		t.Errorf("entered a full gate after %s", time.Since(start))
	}
	for i := range hashWaiting {
		wg.Go(func() { g.enter(fmt.Sprintf("10.0.0.%d", i)) })
	}
	wg.Wait()
	for range hashPlaces {
		g.leave()
	}
	if g.free != hashPlaces || g.waiting != 0 || len(g.queues) != 0 || len(g.turn) != 0 {
		t.Errorf("after all: %+v", g)
	}
}

// TestALockedNameHasNoTriesLeft, whichever of the two locks it is.
func TestALockedNameHasNoTriesLeft(t *testing.T) {
	a := register(t, statetest.Open(t), quiet)
	left := ""
	for i := range LockAllAfter + 1 {
		_, _, err := a.Enter(t.Context(), Login{Login: "x", Password: "y", Address: fmt.Sprintf("10.0.%d.1", i)}, false)
		var p *soc.Problem
		if !errors.As(err, &p) {
			t.Fatal(err)
		}
		left = p.Values["left"]
	}
	if left != "0" {
		t.Errorf("a name locked for all addresses says %s are left", left)
	}
}
