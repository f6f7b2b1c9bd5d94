// Package control is how the other commands of this binary reach the running appliance: HTTP over a Unix socket in the data directory.
//
// Words: an Operation is one request of the socket and what answers it. A client is a command of the same binary, run by somebody who may
// open the data directory; that is the whole of its rights, and nothing of the socket is reachable by network.
//
// Contract: the socket is open to its owner only (0600 in a folder that is 0700). An operation answers JSON, or writes a stream. Its error
// is answered as a Problem, with status, code and values, so that the command can say it in the person's language; any other error as its
// text. A stream that fails after its first byte breaks the connection off: the client never takes what came for the whole. Operations run
// concurrently.
package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"hoalu/internal/wording"
	"hoalu/soc"
)

// Name is the socket's in the data directory.
const Name = "control.sock"

// maxBody is the most a JSON body may have; streams in (an import) are bounded by what reads them.
const maxBody = 1 << 20

// Operation is one request of the socket. Exactly one of Do and Stream is set.
type Operation struct {
	Pattern string // method and path, as for http.ServeMux

	Do     func(r *http.Request) (any, error)       // its value is answered as JSON
	Stream func(w io.Writer, r *http.Request) error // what it writes is the answer
}

// Socket is the open socket.
type Socket struct {
	ln  net.Listener
	log *slog.Logger
}

// Listen opens the socket of a data directory, which nobody else may be serving: what an earlier process left there is removed. log may
// be nil.
func Listen(data string, log *slog.Logger) (*Socket, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	path := filepath.Join(data, Name)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("open control socket: %w", err)
	}
	ln, err := net.Listen("unix", path)
	if errors.Is(err, syscall.EINVAL) {
		return nil,
			fmt.Errorf("open control socket: the path %s is longer than a socket's may be (107 bytes); give a data folder with a shorter path", path)
	}
	if err != nil {
		return nil, fmt.Errorf("open control socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil { // the folder is closed to others already
		ln.Close()
		return nil, fmt.Errorf("open control socket: %w", err)
	}
	return &Socket{ln: ln, log: log.With("component", "control")}, nil
}

// Close closes the socket, whether it is served or not.
func (s *Socket) Close() error {
	if err := s.ln.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// Serve answers requests until ctx ends.
func (s *Socket) Serve(ctx context.Context, operations []Operation) error {
	mux := http.NewServeMux()
	for _, op := range operations {
		mux.HandleFunc(op.Pattern, func(w http.ResponseWriter, r *http.Request) {
			if op.Stream != nil {
				s.stream(w, r, op)
				return
			}
			s.answer(w, r, op)
		})
	}
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn)}
	stop := context.AfterFunc(ctx, func() { srv.Close() })
	defer stop()
	if err := srv.Serve(s.ln); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return ctx.Err()
}

func (s *Socket) answer(w http.ResponseWriter, r *http.Request, op Operation) {
	v, err := op.Do(r)
	var body bytes.Buffer
	if err == nil {
		err = json.NewEncoder(&body).Encode(v)
	}
	if err != nil {
		s.refuse(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	s.write(w, body.Bytes())
}

func (s *Socket) stream(w http.ResponseWriter, r *http.Request, op Operation) {
	out := counted{w: w}
	switch err := op.Stream(&out, r); {
	case err == nil:
	case out.n == 0:
		s.refuse(w, err)
	default:
		s.log.Error("answer broken off", "url.path", r.URL.Path, "error", err)
		panic(http.ErrAbortHandler) // the client must not take a part for the whole
	}
}

// counted counts the bytes of an answer.
type counted struct {
	w io.Writer
	n int64
}

func (c *counted) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

// problem is a soc.Problem on the wire.
type problem struct {
	Status int               `json:"status"`
	Code   string            `json:"code"`
	Detail string            `json:"detail"`
	Do     string            `json:"do,omitempty"`
	Values map[string]string `json:"values,omitempty"`
	Uses   []soc.Use         `json:"uses,omitempty"`
}

// failure is the body of an error: its English text, and the problem it is, if it is one.
type failure struct {
	Error   string           `json:"error"`
	Problem *problem         `json:"problem,omitempty"`
	Words   *wording.Problem `json:"words,omitempty"` // what of Error can be said in another language
}

// refuse answers an error, with the status of a Problem and as 500 otherwise.
func (s *Socket) refuse(w http.ResponseWriter, err error) {
	f := failure{Error: err.Error()}
	status := http.StatusInternalServerError
	var p *soc.Problem
	if errors.As(err, &p) {
		status, f.Problem = p.Status, &problem{p.Status, p.Code, p.Detail, p.Do, p.Values, p.Uses}
	}
	errors.As(err, &f.Words)
	body, err := json.Marshal(f)
	if err != nil {
		s.log.Error("answer an error", "error", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	s.write(w, body)
}

// write sends an answer. A client that is gone needs none: that it went is told at debug.
func (s *Socket) write(w io.Writer, body []byte) {
	if _, err := w.Write(body); err != nil {
		s.log.Debug("answer not taken", "error", err)
	}
}

// Decode reads the JSON body of a request into v.
func Decode(r *http.Request, v any) error {
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err == nil && len(raw) > maxBody {
		err = fmt.Errorf("the body has more than %d bytes", maxBody)
	}
	if err == nil {
		err = json.Unmarshal(raw, v)
	}
	if err != nil {
		return &soc.Problem{Status: http.StatusBadRequest, Code: "bad_request", Detail: "The request cannot be read: " + err.Error() + ".",
			Values: map[string]string{"reason": err.Error()}}
	}
	return nil
}

// Duration is the value of a query's key as a length of time, missing where the key is not there. A negative one is refused.
func Duration(q url.Values, key string, missing time.Duration) (time.Duration, error) {
	text := q.Get(key)
	if text == "" {
		return missing, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, &soc.Problem{Status: http.StatusBadRequest, Code: "bad_duration",
			Detail: key + ": must be a length of time, is " + strconv.Quote(text) + ".", Do: "Write it as 0s, 30m, 1h or 168h.",
			Values: map[string]string{"name": key, "given": text}}
	}
	return d, nil
}
