package console

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	"hoalu/ecs/query"
	"hoalu/soc"
)

// searcher runs searches under each person's budget and a time bound.
type searcher struct {
	events Events
	bound  time.Duration

	mu      sync.Mutex
	running map[string]int // by actor
}

// run runs s under the person's budget and the time bound.
func (h *searcher) run(ctx context.Context, k *call, s query.Search) (query.Result, error) {
	h.mu.Lock()
	if h.running[k.Actor.ID] >= searchesEach {
		h.mu.Unlock()
		return query.Result{}, &soc.Problem{Status: http.StatusTooManyRequests, Code: "searches_running",
			Detail: "Too many searches are running.", Values: map[string]string{"most": strconv.Itoa(searchesEach)}}
	}
	h.running[k.Actor.ID]++
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.running[k.Actor.ID]--; h.running[k.Actor.ID] == 0 {
			delete(h.running, k.Actor.ID)
		}
	}()
	s.MaxBytes = pageBytes
	ctx, cancel := context.WithTimeout(ctx, h.bound)
	defer cancel()
	return h.events.Search(ctx, s)
}
