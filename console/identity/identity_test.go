package identity

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"github.com/tink-crypto/tink-go/v2/aead/subtle"

	"hoalu/soc"
	"hoalu/state"
	"hoalu/state/statetest"
)

var cheap = Argon{Memory: 64, Passes: 1, Lanes: 1}

func register(t *testing.T, db *state.DB, record Record) *Accounts {
	t.Helper()
	key := make([]byte, 32)
	rand.Read(key)
	seal, err := subtle.NewAESGCM(key)
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(Config{DB: db, AEAD: seal, Record: record, Argon: cheap})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func quiet(context.Context, *sql.Tx, soc.Deed) error { return nil }

func TestArgon(t *testing.T) {
	phc, err := cheap.hash("mật khẩu")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(phc, "$argon2id$v=19$m=64,t=1,p=1$") {
		t.Errorf("hash %q does not name its cost", phc)
	}
	for _, c := range []struct {
		phc, password string
		want          bool
	}{
		{phc, "mật khẩu", true},
		{phc, "mật khâu", false},
		{phc, "", false},
		{strings.Replace(phc, "t=1", "t=2", 1), "mật khẩu", false},
		{"", "", false},
		{"$argon2id$v=19$m=64,t=1,p=1$$", "", false},
		{"$argon2i$v=19$m=64,t=1,p=1$AAAA$AAAA", "x", false},
	} {
		if got := verify(c.phc, c.password); got != c.want {
			t.Errorf("verify(%q, %q) = %v, want %v", c.phc, c.password, got, c.want)
		}
	}
	if again, _ := cheap.hash("mật khẩu"); again == phc {
		t.Error("two hashes of one password are equal: no salt")
	}
}

// A name without an account is checked against this hash: its cost must be that of a real one, or the clock tells who has an account.
func TestUnmatchedCostsWhatAHashCosts(t *testing.T) {
	real, err := cheap.hash("mật khẩu")
	if err != nil {
		t.Fatal(err)
	}
	none, err := cheap.unmatched()
	if err != nil {
		t.Fatal(err)
	}
	r, n := strings.Split(real, "$"), strings.Split(none, "$")
	if len(r) != 6 || len(n) != 6 || !slices.Equal(r[:4], n[:4]) || len(r[4]) != len(n[4]) || len(r[5]) != len(n[5]) || r[5] == n[5] {
		t.Errorf("%q does not cost what %q costs", none, real)
	}
	if verify(none, "") || verify(none, "mật khẩu") {
		t.Errorf("a password matches %q", none)
	}
	if again, _ := cheap.unmatched(); again == none {
		t.Error("two are equal: whoever reads one knows the other")
	}
	if _, err := (Argon{}).unmatched(); err == nil {
		t.Error("no cost at all is taken")
	}
}

func TestPasswords(t *testing.T) {
	for password, want := range map[string]string{
		"ngắn": "short", "truc.ban-2026!": "login", "aaaaaaaaaaaaab": "repeats", "0123456789012": "sequence", "abcdefghijklm": "sequence",
		"password1234!": "known", "chuồn chuồn bay": "",
	} {
		err := checkPassword(password, "truc.ban")
		var p *soc.Problem
		got := ""
		if errors.As(err, &p) {
			got = p.Values["because"]
		}
		if got != want {
			t.Errorf("checkPassword(%q) = %q, want %q", password, got, want)
		}
	}
}

func TestMatchStep(t *testing.T) {
	const secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" // RFC 6238 appendix B
	at := time.Unix(1111111109, 0)
	step := at.Unix() / 30
	for _, c := range []struct {
		name, code string
		now        time.Time
		last, want int64
	}{
		{"RFC 6238, 8 digits 07081804", "081804", at, 0, step},
		{"one step late", "081804", at.Add(30 * time.Second), 0, step},
		{"one step early", "081804", at.Add(-30 * time.Second), 0, step},
		{"two steps late", "081804", at.Add(61 * time.Second), 0, 0},
		{"used", "081804", at, step, 0},
		{"a later one was used", "081804", at, step + 1, 0},
		{"wrong", "081805", at, 0, 0},
		{"empty", "", at, 0, 0},
	} {
		if got := matchStep(secret, c.code, c.now, c.last); got != c.want {
			t.Errorf("%s: step %d, want %d", c.name, got, c.want)
		}
	}
}

// TestOneCodeOneSession: the same code sent many times at once makes one session.
func TestOneCodeOneSession(t *testing.T) {
	statetest.Each(t, func(t *testing.T, db *state.DB, _ func() *state.DB) {
		a := register(t, db, quiet)
		ctx := t.Context()
		l, err := a.FirstLink(ctx)
		if err != nil {
			t.Fatal(err)
		}
		s, err := a.StartLink(ctx, l.Token, "")
		if err != nil {
			t.Fatal(err)
		}
		first, _ := totp.GenerateCode(s.Secret, time.Now().Add(-30*time.Second))
		if _, _, err := a.FinishLink(ctx, Finish{Token: l.Token, Login: "a.b", Password: "chuồn chuồn bay", Code: first}); err != nil {
			t.Fatal(err)
		}
		code, _ := totp.GenerateCode(s.Secret, time.Now())
		var wg sync.WaitGroup
		var mu sync.Mutex
		entered := 0
		for range 4 {
			wg.Go(func() {
				_, cookie, err := a.Enter(ctx, Login{Login: "a.b", Password: "chuồn chuồn bay", Code: code, Address: "127.0.0.1"}, false)
				var p *soc.Problem
				if err != nil && !errors.As(err, &p) {
					t.Errorf("Enter: %v", err)
				}
				if cookie != nil {
					mu.Lock()
					entered++
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if entered != 1 {
			t.Errorf("one code made %d sessions", entered)
		}
	})
}

// TestANameThatShowsNothingIsRefused: a name of what a name may not hold alone was kept as an empty one, which no list shows.
func TestANameThatShowsNothingIsRefused(t *testing.T) {
	statetest.Each(t, func(t *testing.T, db *state.DB, _ func() *state.DB) {
		a := register(t, db, quiet)
		actor := soc.Actor{ID: "ng-1", Name: "an"}
		for _, name := range []string{"\u200b", "\u202e\u2066", " \ufeff ", "  ", "\u3164"} {
			_, _, made := a.CreateToken(t.Context(), actor, TokenRequest{Name: name, Roles: []soc.Role{soc.Auditor}, Life: time.Hour})
			_, _, invited := a.Invite(t.Context(), actor, Invitation{Login: "binh", Name: name, Roles: []soc.Role{soc.Auditor}})
			_, kept := a.KeepSearch(t.Context(), actor, Search{Name: name, Text: "x"})
			for what, err := range map[string]error{"token": made, "account": invited, "search": kept,
				"setting": a.SetSetting(t.Context(), actor, "site", name)} {
				var p *soc.Problem
				if !errors.As(err, &p) || p.Code != "invalid" || p.Values["name"] != "required" {
					t.Errorf("a %s named %q: %v, want invalid", what, name, err)
				}
			}
		}
	})
}

// TestTokenBesideARunningAppliance makes a token through a database handle of another process.
func TestTokenBesideARunningAppliance(t *testing.T) {
	statetest.Each(t, func(t *testing.T, db *state.DB, reopen func() *state.DB) {
		a := register(t, db, quiet)
		recorded := 0
		other := reopen()
		_, secret, err := CreateToken(t.Context(), other, func(_ context.Context, tx *sql.Tx, d soc.Deed) error { recorded++; return nil },
			soc.Actor{ID: "system", Name: "hoalu token create"},
			TokenRequest{Name: "máy", Roles: []soc.Role{soc.Owner}, Unit: "DV-01", Life: time.Hour})
		if err != nil || recorded != 1 {
			t.Fatalf("CreateToken: %v, %d deeds", err, recorded)
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Authorization", "bearer "+secret)
		id, err := a.Authenticate(r, "127.0.0.1", true)
		if err != nil || id.Actor.Unit != "DV-01" || !strings.HasPrefix(id.Actor.ID, "token:") {
			t.Errorf("Authenticate: %+v, %v", id, err)
		}
		for _, wrong := range []string{secret + "x", secret[1:], "hlt1_", "Basic abc", ""} {
			r.Header.Set("Authorization", "Bearer "+wrong)
			if _, err := a.Authenticate(r, "127.0.0.1", true); !errors.Is(err, ErrAnonymous) {
				t.Errorf("Authenticate(%q): %v, want ErrAnonymous", wrong, err)
			}
		}
		for _, bad := range []TokenRequest{{}, {Roles: []soc.Role{"x"}}, {Roles: []soc.Role{soc.Owner}},
			{Roles: []soc.Role{soc.Analyst}, Life: 366 * 24 * time.Hour}, {Roles: []soc.Role{soc.Analyst}, Life: -1}} {
			var p *soc.Problem
			if _, _, err := a.CreateToken(t.Context(), soc.Actor{}, bad); !errors.As(err, &p) {
				t.Errorf("CreateToken(%+v): %v, want a problem", bad, err)
			}
		}
	})
}

// TestDeedAndChangeAreOne: where the audit log does not take the deed, nothing is done.
func TestDeedAndChangeAreOne(t *testing.T) {
	broken := errors.New("audit log is down")
	db := statetest.Open(t)
	a := register(t, db, func(context.Context, *sql.Tx, soc.Deed) error { return broken })
	if _, err := a.FirstLink(t.Context()); !errors.Is(err, broken) {
		t.Errorf("FirstLink: %v", err)
	}
	if _, _, err := a.CreateToken(t.Context(), soc.Actor{}, TokenRequest{Roles: []soc.Role{soc.Analyst}}); !errors.Is(err, broken) {
		t.Errorf("CreateToken: %v", err)
	}
	if _, _, err := a.Enter(t.Context(), Login{Login: "x", Password: "y"}, false); !errors.Is(err, broken) {
		t.Errorf("Enter: %v", err)
	}
	for _, table := range []string{"one_time_link", "api_token", "login_failure"} {
		var n int
		if err := db.Read().QueryRow("SELECT count(*) FROM " + table).Scan(&n); err != nil || n != 0 {
			t.Errorf("%s has %d rows, %v", table, n, err)
		}
	}
}

func TestTooManyTriesFromOneAddress(t *testing.T) {
	a := register(t, statetest.Open(t), quiet)
	var last error
	for range 32 {
		_, _, last = a.Enter(t.Context(), Login{Login: "x", Password: "y", Address: "10.0.0.1"}, false)
	}
	var p *soc.Problem
	if !errors.As(last, &p) || p.Code != "login_too_often" {
		t.Errorf("the 32nd try answers %v", last)
	}
	if _, _, err := a.Enter(t.Context(), Login{Login: "x", Password: "y", Address: "10.0.0.2"}, false); !errors.As(err, &p) ||
		p.Code != "login_failed" {
		t.Errorf("another address answers %v", err)
	}
}

// TestIdentities: an account is who its issuers say it is. Our own identity comes with the password and is what log-in looks for; of an
// outside one the methods of its last log-in say whether there was a second factor.
func TestIdentities(t *testing.T) {
	ctx := context.Background()
	db := statetest.Open(t)
	a := register(t, db, quiet)
	l, err := a.FirstLink(ctx)
	if err != nil {
		t.Fatal(err)
	}
	s, err := a.StartLink(ctx, l.Token, "")
	if err != nil {
		t.Fatal(err)
	}
	code, err := totp.GenerateCode(s.Secret, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	const password = "chuồn chuồn bay thấp 7"
	actor, _, err := a.FinishLink(ctx, Finish{Token: l.Token, Login: "quan.tri", Password: password, Code: code})
	if err != nil {
		t.Fatal(err)
	}
	count := func(where string, args ...any) (n int) {
		t.Helper()
		if err := db.Read().QueryRowContext(ctx, "SELECT count(*) FROM account_identity WHERE "+where, args...).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := count("issuer = $1 AND subject = $2 AND account = $2 AND amr = '[\"pwd\",\"otp\",\"mfa\"]'", OwnIssuer, actor.ID); n != 1 {
		t.Errorf("%d identities of the first account, want ours", n)
	}
	invited, _, err := a.Invite(ctx, actor, Invitation{Login: "truc.ban", Name: "Trực ban", Roles: []soc.Role{soc.Analyst}})
	if err != nil {
		t.Fatal(err)
	}
	if n := count("account = $1", invited.ID); n != 0 {
		t.Errorf("an invited person has %d identities before they have a password", n)
	}
	// The issuer of the province vouches for the invited person; there is no password here.
	vouch := func(account, amr string) {
		t.Helper()
		if err := db.Tx(ctx, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx,
				`INSERT INTO account_identity (issuer, subject, account, amr, last_use) VALUES ('https://sso.tinh.example', $1, $1, $2, 1)
				ON CONFLICT (issuer, subject) DO UPDATE SET amr = excluded.amr`, account, amr)
			if err == nil {
				_, err = tx.ExecContext(ctx, "UPDATE account SET state = 'active' WHERE id = $1", account)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		amr  string
		want bool
	}{{`[]`, false}, {`["pwd"]`, false}, {`["pwd","pin"]`, false}, {`["otp"]`, false}, {`["user","wia"]`, false}, {`["pwd","otp"]`, true},
		{`["hwk","fpt"]`, true}, {`["mfa"]`, true}} {
		vouch(invited.ID, c.amr)
		if got, err := a.Get(ctx, invited.ID); err != nil || got.SecondFactor != c.want {
			t.Errorf("second factor after a log-in by %s: %v %v, want %v", c.amr, got.SecondFactor, err, c.want)
		}
	}
	if _, _, err := a.Enter(ctx, Login{Login: "truc.ban", Password: "", Code: code, Address: "198.51.100.7"}, false); !is(err,
		"login_failed") {
		t.Errorf("log-in here of somebody whose issuer is elsewhere: %v, want login_failed", err)
	}
	if err := a.SetPassword(ctx, soc.Actor{ID: invited.ID}, "", "", code, "diều hâu bay cao 8"); !is(err, "person_only") {
		t.Errorf("a password of somebody who has none here: %v, want person_only", err)
	}
	// Two ways in: the weaker one counts.
	if got, err := a.Get(ctx, actor.ID); err != nil || !got.SecondFactor {
		t.Errorf("our own log-in without a second factor: %+v %v", got, err)
	}
	vouch(actor.ID, `["pwd"]`)
	if got, err := a.Get(ctx, actor.ID); err != nil || got.SecondFactor {
		t.Errorf("a way in by a password alone is not seen: %+v %v", got, err)
	}
	vouch(actor.ID, `{`)
	if _, err := a.List(ctx); err == nil {
		t.Error("methods that cannot be read are taken for some")
	}
}

func is(err error, code string) bool {
	var p *soc.Problem
	return errors.As(err, &p) && p.Code == code
}
