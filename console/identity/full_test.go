package identity

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"hoalu/soc"
	"hoalu/state"
)

// TestAFullDiskEndsNoSession: while the state database takes no writes, people and programs who are in stay in, as the console must tell
// of it; an idle session ends all the same, and nobody new comes in.
func TestAFullDiskEndsNoSession(t *testing.T) {
	db, err := state.Open(t.Context(), state.Config{Path: filepath.Join(t.TempDir(), "state.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	now := time.Now()
	a := register(t, db, quiet)
	a.c.Now = func() time.Time { return now }
	ctx := t.Context()
	l, err := a.FirstLink(ctx)
	if err != nil {
		t.Fatal(err)
	}
	s, err := a.StartLink(ctx, l.Token, "")
	if err != nil {
		t.Fatal(err)
	}
	code := func() string {
		c, err := totp.GenerateCode(s.Secret, now)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	actor, _, err := a.FinishLink(ctx, Finish{Token: l.Token, Login: "a.b", Password: "chuồn chuồn bay", Code: code()})
	if err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Minute)
	_, cookie, err := a.Enter(ctx, Login{Login: "a.b", Password: "chuồn chuồn bay", Code: code(), Address: "127.0.0.1"}, false)
	if err != nil {
		t.Fatal(err)
	}
	_, made, err := a.CreateToken(ctx, actor, TokenRequest{Name: "đọc", Roles: []soc.Role{soc.Auditor}, Life: 24 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	who := func() error {
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
		r.AddCookie(cookie)
		_, err := a.Authenticate(r, "127.0.0.1", true)
		return err
	}
	program := func() error {
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
		r.Header.Set("Authorization", "Bearer "+made)
		_, err := a.Authenticate(r, "127.0.0.1", true)
		return err
	}
	if err := errors.Join(who(), program()); err != nil {
		t.Fatal(err)
	}

	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	signal.Ignore(syscall.SIGXFSZ)
	full := old
	full.Cur = 1 // no byte behind the first one of any file
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &full); err != nil {
		t.Fatal(err)
	}
	defer syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old) //nolint:errcheck // set above
	now = now.Add(2 * time.Minute)
	if err := who(); err != nil {
		t.Errorf("somebody who is in: %v", err)
	}
	if err := program(); err != nil {
		t.Errorf("a program with a token: %v", err)
	}
	if _, _, err := a.Enter(ctx, Login{Login: "a.b", Password: "chuồn chuồn bay", Code: code(), Address: "127.0.0.1"}, false); !state.Unwritable(err) {
		t.Errorf("a log-in that cannot be recorded: %v", err)
	}
	now = now.Add(time.Hour)
	if err := who(); !errors.Is(err, ErrAnonymous) {
		t.Errorf("an idle session on a full disk: %v", err)
	}
}
