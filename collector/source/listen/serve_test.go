package listen

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A request that runs when a listener stops is answered; one that runs longer than grace is cut off; a server that ends by itself is told.
func TestServeEndsWithGrace(t *testing.T) {
	for name, tc := range map[string]struct {
		grace    time.Duration
		answered bool
	}{
		"answered within grace": {time.Minute, true},
		"cut off after it":      {20 * time.Millisecond, false},
	} {
		t.Run(name, func(t *testing.T) {
			socket, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			in, release := make(chan struct{}), make(chan struct{})
			srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				close(in)
				<-release
			})}
			ctx, stop := context.WithCancel(t.Context())
			served := make(chan error, 1)
			go func() { served <- Serve(ctx, "lines", srv, func() error { return srv.Serve(socket) }, tc.grace) }()
			answer := make(chan error, 1)
			go func() {
				res, err := http.Get("http://" + socket.Addr().String())
				if err == nil {
					res.Body.Close()
				}
				answer <- err
			}()
			<-in
			stop()
			if tc.answered {
				close(release)
			} else {
				defer close(release)
			}
			if err := <-answer; (err == nil) != tc.answered {
				t.Errorf("the request that ran got %v, want it answered: %v", err, tc.answered)
			}
			if err := <-served; err != nil {
				t.Errorf("Serve = %v, want nil at a stop that was asked for", err)
			}
		})
	}
	broken := errors.New("socket is gone")
	err := Serve(t.Context(), "lines", &http.Server{}, func() error { return broken }, time.Second)
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "serve lines") {
		t.Errorf("Serve = %v, want %q of what was served", err, broken)
	}
}
