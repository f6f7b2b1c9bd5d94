package pipeline

import (
	"sync"

	"hoalu/ecs"
)

// names gives each source its share of the table of field names (ecs.Share): a sender that invents names fills its own share, past
// which a value is kept as "name=value" under hoalu.overflow, and the fields of everybody else stay searchable. Frames whose source
// is not known yet share one.
type names struct {
	mu   sync.Mutex
	of   map[string]*ecs.Share
	told map[string]bool
}

func (n *names) share(source string) *ecs.Share {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := n.of[source]
	if s == nil {
		s = new(ecs.Share)
		n.of[source] = s
	}
	return s
}

// spent tells once for each source that its share is used up.
func (n *names) spent(source string, tell func(source string)) {
	n.mu.Lock()
	told := n.told[source]
	n.told[source] = true
	n.mu.Unlock()
	if !told {
		tell(source)
	}
}

// NamesRefused is how many values since the start were kept under hoalu.overflow because their name was past their source's share.
func (p *Pipeline) NamesRefused() int64 {
	p.names.mu.Lock()
	defer p.names.mu.Unlock()
	var sum int64
	for _, s := range p.names.of {
		sum += s.Refused()
	}
	return sum
}
