package health

import (
	"sync"
	"time"
)

// Rate is events per second, over the last ten seconds. Its zero value is ready; safe for concurrent use.
type Rate struct {
	mu   sync.Mutex
	ring [10]int64
	at   int64
}

// Add counts events of now.
func (r *Rate) Add(n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.advance()
	r.ring[r.at%10] += n
}

func (r *Rate) advance() {
	now := time.Now().Unix()
	if now < r.at || now-r.at >= int64(len(r.ring)) { // the first time, long ago, or the clock was set back
		r.ring, r.at = [10]int64{}, now
	}
	for ; r.at < now; r.ring[r.at%10] = 0 {
		r.at++
	}
}

// PerSecond is the rate over the nine whole seconds before this one.
func (r *Rate) PerSecond() float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.advance()
	var sum int64
	for i, n := range r.ring {
		if int64(i) != r.at%10 {
			sum += n
		}
	}
	return float64(sum) / 9
}
