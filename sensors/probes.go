package sensors

import (
	"context"
	"errors"

	"hoalu/internal/wording"
	"hoalu/sensors/bpf/attach"
	"hoalu/sensors/bpf/process"
	"hoalu/sensors/bpf/socket"
)

// probe is what a row of the table gives.
type probe interface {
	Run(ctx context.Context, ready func(), emit func(record []byte)) error
	Books() attach.Books
}

// table is every eBPF probe: to add one, a folder in bpf/ and a row.
var table = []struct {
	name string
	make func(host string) probe
}{
	{"process", func(host string) probe { return process.New(host) }},
	{"socket", func(host string) probe { return socket.New(host) }},
}

func names() []string {
	out := make([]string, len(table))
	for i, p := range table {
		out[i] = p.name
	}
	return out
}

func (h *Host) runProbe(ctx context.Context, i int) {
	name := table[i].name
	p := table[i].make(h.cfg.Name)
	h.count(name, func() Counts {
		b := p.Books()
		c := Counts{Seen: b.Seen, Filtered: b.Filtered, Dropped: map[string]int64{}}
		if b.Dropped > 0 {
			c.Dropped["ring_"+name] = b.Dropped
		}
		if b.Unread > 0 {
			c.Dropped["unread_"+name] = b.Unread
		}
		return c
	})
	err := p.Run(ctx, func() { h.set(name, Running, nil, nil) }, func(record []byte) { h.hand(name, record) })
	if err == nil || ctx.Err() != nil {
		return
	}
	var u *attach.Unavailable
	if errors.As(err, &u) {
		h.set(name, Refused, u.Why, u.Do)
		return
	}
	h.set(name, Refused, wording.Of(err), nil)
}
