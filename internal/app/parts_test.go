package app

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"database/sql"
	"encoding/json"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"hoalu/internal/config"
	"hoalu/internal/needed"
	"hoalu/national"
	"hoalu/soc"
	"hoalu/state"
)

// broken is an appliance whose parts are broken one by one while /readyz, the status bar and the alerts are read as people read them.
type broken struct {
	*site
	offset atomic.Int64 // of the clock, nanoseconds
}

func newBroken(t *testing.T, change ...func(*config.Config)) *broken {
	t.Helper()
	r := &rig{T: t, dir: t.TempDir(), cfg: testConfig()}
	b := &broken{site: &site{rig: r, tokens: map[soc.Role]string{}}}
	r.now = func() time.Time { return time.Now().Add(time.Duration(b.offset.Load())) }
	r.cfg.National.Heartbeat = 500 * time.Millisecond
	r.cfg.National.MinSeverity = soc.Critical // the alerts of this test are no reports
	for _, c := range change {
		c(&r.cfg)
	}
	t.Cleanup(func() {
		if r.stop != nil {
			r.end()
		}
	})
	return b
}

func (b *broken) begin() {
	b.Helper()
	b.rig.start()
	b.tokens = map[soc.Role]string{}
	for _, role := range []soc.Role{soc.Administrator, soc.Lead} {
		secret, err := CreateToken(b.Context(), b.opts.Data, string(role), []soc.Role{role}, "", time.Hour)
		if err != nil {
			b.Fatal(err)
		}
		b.tokens[role] = secret
	}
}

// told is a part as /readyz and the status bar have it; the latter names only those in trouble.
type told struct {
	ready, named bool
	reason       string
	code         int // of /readyz
}

func (b *broken) readyz(part string) told {
	b.Helper()
	r := b.ask("", "GET", "/readyz", "")
	var list struct {
		Ready bool
		Parts []soc.Part
	}
	if err := json.Unmarshal([]byte(r.body), &list); err != nil {
		b.Fatalf("/readyz: %d %s", r.status, r.body)
	}
	if list.Ready != (r.status == 200) {
		b.Errorf("/readyz says %v with status %d", list.Ready, r.status)
	}
	for _, p := range list.Parts {
		if p.Name == part {
			return told{p.Ready, true, p.Reason, r.status}
		}
	}
	return told{code: r.status}
}

type statusBar struct {
	Parts          []soc.Part
	Clock          struct{ State string }
	National, Disk struct{ State string }
}

func (b *broken) status() statusBar {
	b.Helper()
	r := b.ask(b.tokens[soc.Lead], "GET", "/api/status", "")
	var s statusBar
	if err := json.Unmarshal([]byte(r.body), &s); err != nil || r.status != 200 {
		b.Fatalf("/api/status: %d %s", r.status, r.body)
	}
	return s
}

func (b *broken) bar(part string) told {
	b.Helper()
	for _, p := range b.status().Parts {
		if p.Name == part {
			if !p.Ready && (p.Said["vi"] == "" || p.Said["vi"] == p.Said["en"]) {
				b.Errorf("%s is told in English alone: %q", part, p.Reason)
			}
			return told{p.Ready, true, p.Reason, 0}
		}
	}
	return told{ready: true}
}

// alert is the words of the alert about a part, "" without one.
func (b *broken) alert(part string) string {
	b.Helper()
	r := b.ask(b.tokens[soc.Lead], "GET", "/api/alerts?limit=200", "")
	var list struct {
		Items []struct {
			Evidence string
			Text     map[string]string `json:"evidence_text"`
		}
	}
	if err := json.Unmarshal([]byte(r.body), &list); err != nil || r.status != 200 {
		return ""
	}
	for _, a := range list.Items {
		if strings.HasPrefix(a.Evidence, part+" is in trouble") || part == "queue" && strings.HasPrefix(a.Evidence, "nothing more is accepted") {
			return a.Text["en"] + " | " + a.Evidence
		}
	}
	return ""
}

// trouble breaks a part, sees the three agree on the cause, mends it and sees all of them well.
func (b *broken) trouble(part, cause string, breaks, mend func(), alertWhileBroken bool, more func(broken bool)) {
	b.Helper()
	if r := b.readyz(part); !r.ready {
		b.Fatalf("%s before it is broken: %+v", part, r)
	}
	breaks()
	var z, s told
	within := func(what string, ok func() bool) {
		b.Helper()
		for end := time.Now().Add(60 * time.Second); !ok(); time.Sleep(100 * time.Millisecond) {
			if time.Now().After(end) {
				b.Fatalf("%s: %s: not within a minute; readyz %+v, status %+v, alert %q", part, what, b.readyz(part), b.bar(part), b.alert(part))
			}
		}
	}
	within("/readyz and the status bar to name it with its cause", func() bool {
		z, s = b.readyz(part), b.bar(part)
		return z.named && !z.ready && s.named && !s.ready && strings.Contains(z.reason, cause) && strings.Contains(s.reason, cause)
	})
	if z.code != 503 {
		b.Errorf("%s: /readyz answers %d, want 503", part, z.code)
	}
	says := func() bool { return strings.Contains(b.alert(part), cause) }
	if alertWhileBroken {
		within("the alert with the cause", says)
	}
	if more != nil {
		more(true)
	}
	mend()
	within("all to be well again", func() bool { z, s := b.readyz(part), b.bar(part); return z.ready && s.ready })
	within("the alert with the cause, at the latest now", says)
	if more != nil {
		more(false)
	}
}

func (b *broken) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// TestTroubleIsToldAlike: each part of a running appliance is broken in turn. /readyz, the status bar and the alert name the same part
// with the same cause, and each is well again when the part is.
func TestTroubleIsToldAlike(t *testing.T) {
	t.Parallel()
	b := newBroken(t)
	b.begin()
	data := filepath.Join(b.dir, "d")
	b.feed(0, 20)
	b.eventually("events", func() bool { return b.count(host) == 20 })
	step := func(name string, run func(t *testing.T)) {
		t.Run(name, func(t *testing.T) {
			defer func(whole *testing.T) { b.T = whole }(b.T)
			b.T = t
			run(t)
		})
	}

	step("event store", func(t *testing.T) {
		dir := filepath.Join(data, "events")
		b.trouble("event_store", "folder of the event store", func() { b.must(os.Rename(dir, dir+".away")) },
			func() { b.must(os.Rename(dir+".away", dir)) }, true, nil)
	})
	step("state", func(t *testing.T) {
		other, err := state.Open(t.Context(), state.Config{Path: filepath.Join(data, "state.db")})
		b.must(err)
		give, held := make(chan struct{}), make(chan error, 1)
		done := make(chan error, 1)
		b.trouble("state", "takes no writes", func() {
			go func() {
				done <- other.Tx(context.Background(), func(*sql.Tx) error { held <- nil; <-give; return nil })
			}()
			select {
			case <-held:
			case err := <-done:
				b.Fatal(err)
			}
		}, func() { close(give); b.must(<-done) }, false, nil) // an alert is a row of the state database
		b.must(other.Close())
	})
	step("evidence log", func(t *testing.T) {
		dir := filepath.Join(data, "evidence")
		b.trouble("evidence_log", "evidence log", func() {
			b.must(os.Rename(dir, dir+".away"))
			b.must(b.state.Tx(t.Context(), func(tx *sql.Tx) error {
				return b.record(t.Context(), tx, soc.Deed{Actor: soc.Machine, Action: "account.invite", Object: "x", Result: "done"})
			}))
		}, func() { b.must(os.RemoveAll(dir)); b.must(os.Rename(dir+".away", dir)) }, true, nil)
	})
	step("posture", func(t *testing.T) {
		rename := func(from, to string) {
			b.Helper()
			b.must(b.state.Tx(t.Context(), func(tx *sql.Tx) error {
				_, err := tx.ExecContext(t.Context(), "ALTER TABLE "+from+" RENAME TO "+to)
				return err
			}))
		}
		b.trouble("posture", "posture_interval", func() {
			rename("posture_interval", "posture_away")
			// its first findings have to be written
			if r := b.ask(b.tokens[soc.Administrator], "POST", "/api/systems",
				`{"name":"Hệ thống mới","unit":"`+b.self.Unit+`","level":3}`); r.status != 200 {
				t.Fatalf("make a system: %+v", r)
			}
		}, func() { rename("posture_away", "posture_interval") }, true, nil)
	})
	step("national link", func(t *testing.T) {
		centre := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter,
			_ *http.Request) {
			w.WriteHeader(http.StatusNoContent)
		}))
		address := freeAddress(t, "127.0.0.1") // which nobody takes while it is away
		ln, err := net.Listen("tcp", address)
		b.must(err)
		centre.Listener.Close()
		centre.Listener = ln
		centre.StartTLS()
		ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: centre.Certificate().Raw}))
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		b.must(err)
		der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
		b.must(err)
		_, err = b.national.PutEndpoint(t.Context(), soc.Machine, "", false,
			national.Endpoint{Channel: "json", URL: "https://" + address, ServerCA: ca, OrganID: "H01",
				ReceiptKey: string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))})
		b.must(err)
		b.eventually("a heartbeat", func() bool { return b.status().National.State == "good" })
		b.trouble("national_link", "nothing listens at "+address, func() { centre.Close() }, func() {
			ln, err := net.Listen("tcp", address)
			b.must(err)
			again := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter,
				_ *http.Request) {
				w.WriteHeader(http.StatusNoContent)
			}))
			again.Listener.Close()
			again.Listener, again.TLS = ln, centre.TLS
			again.StartTLS()
			t.Cleanup(again.Close)
		}, true, func(broken bool) {
			if got := b.status().National.State; (got == "good") == broken {
				t.Errorf("national link in the status bar, broken %v: %s", broken, got)
			}
			if r := b.ask(b.tokens[soc.Lead], "POST", "/api/national/reconcile", `{}`); broken &&
				(r.status != http.StatusBadGateway || !strings.Contains(r.body, "centre_list") || !strings.Contains(r.body, address)) {
				t.Errorf("a day cannot be compared while the centre is away, and the officer is told %d %s", r.status, r.body)
			}
		})
	})
	step("clock", func(t *testing.T) {
		b.trouble("clock", "jumped by 1h0m", func() { b.offset.Store(int64(time.Hour)) }, func() { b.offset.Store(0) }, true, func(broken bool) {
			if got := b.status().Clock.State; (got == "off") != broken {
				t.Errorf("clock in the status bar, broken %v: %s", broken, got)
			}
		})
	})
	step("evidence compared", func(t *testing.T) {
		b.end()
		change := func(query string) {
			b.Helper()
			db, err := state.Open(t.Context(), state.Config{Path: filepath.Join(data, "state.db")})
			b.must(err)
			b.must(db.Tx(t.Context(), func(tx *sql.Tx) error { _, err := tx.Exec(query); return err }))
			b.must(db.Close())
		}
		change("UPDATE audit SET result = result || 'x' WHERE number = 2")
		b.begin()
		b.eventually("the comparison", func() bool { return !b.readyz("evidence_compared").ready })
		if s := b.bar("evidence_compared"); s.ready || !strings.Contains(s.reason, "audit row 2") {
			t.Errorf("status bar: %+v", s)
		}
		b.eventually("the alert", func() bool { return strings.Contains(b.alert("evidence_compared"), "audit row 2") })
		b.end()
		change("UPDATE audit SET result = substr(result, 1, length(result)-1) WHERE number = 2")
		b.begin()
		b.eventually("the comparison to end", func() bool { return b.evidence.Compared().Finished != 0 })
		if z, s := b.readyz("evidence_compared"), b.bar("evidence_compared"); !z.ready || !s.ready {
			t.Errorf("after the row is as it was: /readyz %+v, status bar %+v", z, s)
		}
	})
}

// TestTroubleOfTheQueueIsToldAlike: with the disk below its reserve nothing is taken, and all three say so, the alert too: it is made
// without the queue.
func TestTroubleOfTheQueueIsToldAlike(t *testing.T) {
	if os.Geteuid() != 0 {
		needed.Missing(t, "mounting a small disk needs root")
	}
	b := newBroken(t)
	data := filepath.Join(b.dir, "d")
	b.must(os.MkdirAll(data, 0o700))
	if err := syscall.Mount("tmpfs", data, "tmpfs", 0, "size=96m"); err != nil {
		needed.Missing(t, "mount a small disk: %v", err)
	}
	t.Cleanup(func() {
		if b.stop != nil {
			b.end()
		}
		if err := syscall.Unmount(data, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	b.cfg.Queue.Reserve = 8 << 20
	b.begin()
	filler := filepath.Join(data, "filler")
	b.trouble("queue", "reserve", func() {
		var st syscall.Statfs_t
		b.must(syscall.Statfs(data, &st))
		f, err := os.Create(filler)
		b.must(err)
		b.must(syscall.Fallocate(int(f.Fd()), 0, 0, int64(st.Bavail)*st.Bsize-6<<20))
		b.must(f.Close())
	}, func() { b.must(os.Remove(filler)) }, true, nil)
}
