package console

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"time"

	"hoalu/console/authz"
	"hoalu/soc"
)

// topics says which right a notice's topic needs.
var topics = map[string]string{
	"alert": "alerts.read", "source": "sources.read", "ledger": "ledger.read", "posture": "posture.read", "national": "national.read",
	"system": "systems.read", "rule": "rules.read",
}

// rights of a stream, renewed every 30 s.
type streamRights map[string]soc.Scope

func (c *Console) streamRights(k *call) (streamRights, error) {
	out := streamRights{}
	for topic, action := range topics {
		if !c.may(k.r.Context(), k, action) {
			continue
		}
		scope, filter, err := c.scopeFor(k.r.Context(), k, action)
		if err != nil {
			return nil, err
		}
		if filter.PersonalOnly() {
			scope = soc.Scope{} // which alerts are personal is not in a notice: such a reader polls
		}
		out[topic] = scope
	}
	return out, nil
}

// covers: a notice of no system is for those who see every row.
func (r streamRights) covers(n soc.Notice) bool {
	scope, ok := r[n.Topic]
	return ok && authz.Covers(scope, n.System)
}

// Times of a stream; tests shorten them.
var (
	streamRecheck = 30 * time.Second
	streamBeat    = 15 * time.Second
	streamFold    = 100 * time.Millisecond
)

// stream answers GET /api/stream. It sends notices as server-sent events: "hello", "notice" with {topic, id, version} (id "*": anything
// of the topic, sent when notices were lost), "beat" every 15 s, "end" with a reason. Notices of the same object within a tenth of a
// second are folded.
func (c *Console) stream(w http.ResponseWriter, r *http.Request) {
	k := &call{Lang: languageOf(r, ""), w: w, r: r, secure: overTLS(r),
		op: operation{Method: get, Path: "/api/stream", ID: "stream", Action: "me.read"}}
	if err := c.identify(k, k.op.Action); err != nil {
		c.refuse(r.Context(), k, err)
		return
	}
	s := &stream{console: c, k: k, rc: http.NewResponseController(w), waiting: map[[2]string]soc.Notice{}}
	// The server's bound on reading a request would end the stream: net/http watches the connection under it.
	err := s.rc.SetReadDeadline(time.Time{})
	if err == nil {
		s.rights, err = c.streamRights(k)
	}
	if err != nil {
		c.refuse(r.Context(), k, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	s.me = c.notices.join(k.Identity.Session + k.Identity.Token)
	defer c.notices.leave(s.me)
	if _, err := w.Write([]byte("retry: 3000\n\n")); err != nil {
		return
	}
	if err := s.send("hello", map[string]any{"now": c.now(), "version": c.Version}); err != nil {
		return
	}
	s.run(r.Context())
}

// stream is one open browser. Only its request's goroutine uses it.
type stream struct {
	console *Console
	k       *call
	rc      *http.ResponseController
	me      *client
	rights  streamRights
	waiting map[[2]string]soc.Notice // by topic and id, until the next fold
	order   [][2]string
}

// run sends until the browser is gone, the stream is ended or the person may no longer read.
func (s *stream) run(ctx context.Context) {
	beat := time.NewTicker(streamBeat)
	defer beat.Stop()
	recheck := time.NewTicker(streamRecheck)
	defer recheck.Stop()
	fold := time.NewTicker(streamFold)
	defer fold.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-s.me.ended:
			s.send("end", map[string]string{"reason": s.me.reason}) //nolint:errcheck // ends anyway
			return
		case <-s.me.lost:
			err = s.again()
		case n := <-s.me.c:
			s.keep(n)
		case <-fold.C:
			err = s.flush()
		case <-beat.C:
			err = s.send("beat", map[string]any{"now": s.console.now()})
		case <-s.me.check:
			err = s.recheck()
		case <-recheck.C:
			err = s.recheck()
		}
		if err != nil {
			return
		}
	}
}

func (s *stream) send(event string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	// A browser that takes nothing for 10 s is gone.
	if err := s.rc.SetWriteDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return err
	}
	var b bytes.Buffer
	b.WriteString("event: " + event + "\ndata: ")
	b.Write(data)
	b.WriteString("\n\n")
	if _, err := s.k.w.Write(b.Bytes()); err != nil {
		return err
	}
	return s.rc.Flush()
}

// again has the browser read everything again: notices were lost.
func (s *stream) again() error {
	for topic := range s.rights {
		if err := s.send("notice", soc.Notice{Topic: topic, ID: "*"}); err != nil {
			return err
		}
	}
	return nil
}

func (s *stream) keep(n soc.Notice) {
	if !s.rights.covers(n) {
		return
	}
	at := [2]string{n.Topic, n.ID}
	if _, ok := s.waiting[at]; !ok {
		s.order = append(s.order, at)
	}
	s.waiting[at] = n
}

func (s *stream) flush() error {
	for _, at := range s.order {
		if err := s.send("notice", s.waiting[at]); err != nil {
			return err
		}
		delete(s.waiting, at)
	}
	s.order = s.order[:0]
	return nil
}

// recheck asks again who the stream is for and what they may see; the error ends it.
func (s *stream) recheck() error {
	err := s.console.identify(s.k, s.k.op.Action)
	if err == nil {
		s.rights, err = s.console.streamRights(s.k)
	}
	if err != nil {
		s.send("end", map[string]string{"reason": "rights"}) //nolint:errcheck // ends anyway
	}
	return err
}
