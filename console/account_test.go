package console

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"hoalu/soc"
)

func TestFirstAccount(t *testing.T) {
	b := newBench(t, Parts{Inventory: twoUnits()})
	l, err := b.people.FirstLink(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	w := b.browser()
	if s := ask[Site](w, get, "/api/site", nil); !s.First {
		t.Error("site does not say that the first account is missing")
	}
	start := ask[FirstStart](w, post, "/api/first/start", map[string]any{"token": l.Token})
	if start.Kind != "first" || !strings.HasPrefix(start.URL, "otpauth://totp/") || !strings.HasPrefix(start.QR, "data:image/png;base64,") {
		t.Errorf("start of the first link: %+v", start)
	}
	body := map[string]any{"token": l.Token, "login": "truc.ban", "name": "Nguyễn Văn A", "password": goodPassword, "code": "000000"}
	w.refused(post, "/api/first", body, 422, "code_wrong")
	body["code"], body["password"] = b.code(start.Secret), "truc.ban.2026"
	w.refused(post, "/api/first", body, 422, "password_weak")
	body["password"] = "short"
	w.refused(post, "/api/first", body, 422, "input_wrong")
	body["password"], body["site_name"] = goodPassword, "SOC tỉnh"
	done := ask[FirstDone](w, post, "/api/first", body)
	if len(done.RecoveryCodes) != 10 {
		t.Errorf("%d recovery codes, want 10", len(done.RecoveryCodes))
	}
	if got := done.Me.Roles; len(got) != 2 || !done.Me.TwoRoles || done.Me.Site.Name != "SOC tỉnh" || done.Me.Site.First {
		t.Errorf("first account: %+v", done.Me)
	}
	w.refused(post, "/api/first", body, 410, "link_ended") // once
	me := ask[Me](w, get, "/api/me", nil)
	if me.Permissions.Pages["alerts"] != "write" || me.Permissions.Pages["admin"] != "write" || me.Codes != 10 || len(me.Checklist) != 6 {
		t.Errorf("me: %+v", me)
	}
	if b.did("account.first", "done") != 1 || b.did("account.login", "done") != 1 {
		t.Errorf("deeds: %+v", b.deeds)
	}
	// The database holds neither the token nor the password nor the second factor.
	for _, q := range []string{"SELECT count(*) FROM one_time_link WHERE hash = $1",
		"SELECT count(*) FROM account WHERE password = $1 OR login = $1"} {
		for _, secret := range []string{l.Token, goodPassword, start.Secret} {
			var n int
			if err := b.db.Read().QueryRow(q, secret).Scan(&n); err != nil || n != 0 {
				t.Errorf("%s with a secret: %d, %v", q, n, err)
			}
		}
	}
}

func TestLinkEnds(t *testing.T) {
	b := newBench(t, Parts{})
	l, err := b.people.FirstLink(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	w := b.browser()
	ask[FirstStart](w, post, "/api/first/start", map[string]any{"token": l.Token})
	b.pass(15*time.Minute + time.Second)
	w.refused(post, "/api/first/start", map[string]any{"token": l.Token}, 410, "link_ended")
	w.refused(post, "/api/first/start", map[string]any{"token": strings.Repeat("x", 43)}, 410, "link_ended")
	// A new link ends the one before.
	l1, _ := b.people.FirstLink(context.Background())
	if _, err := b.people.FirstLink(context.Background()); err != nil {
		t.Fatal(err)
	}
	w.refused(post, "/api/first/start", map[string]any{"token": l1.Token}, 410, "link_ended")
}

func TestLogin(t *testing.T) {
	b := newBench(t, Parts{})
	_, secret, codes := b.first("truc.ban")
	w := b.browser()
	try := func(login, password, code string) map[string]any {
		return map[string]any{"login": login, "password": password, "code": code}
	}
	used := b.code(secret)
	// The code that made the account is not taken again (replay); whatever is wrong, the answer is the same.
	p1 := w.refused(post, "/api/login", try("truc.ban", goodPassword, used), 401, "login_failed")
	p2 := w.refused(post, "/api/login", try("khong.co", goodPassword, used), 401, "login_failed")
	if p1.Detail != p2.Detail {
		t.Errorf("a wrong code and an unknown name answer differently: %q and %q", p1.Detail, p2.Detail)
	}
	b.pass(30 * time.Second)
	me := ask[Me](w, post, "/api/login", try("Truc.Ban ", goodPassword, b.code(secret)))
	if me.Login != "truc.ban" {
		t.Errorf("log-in answers %+v", me)
	}
	if ask[Me](w, get, "/api/me", nil).ID != me.ID {
		t.Error("the cookie does not log in")
	}
	// A recovery code works once, typed in any form.
	v := b.browser()
	folded := strings.ToUpper(strings.ReplaceAll(codes[3], "-", " "))
	if got := ask[Me](v, post, "/api/login", try("truc.ban", goodPassword, folded)).Codes; got != 9 {
		t.Errorf("%d recovery codes left, want 9", got)
	}
	v.refused(post, "/api/login", try("truc.ban", goodPassword, codes[3]), 401, "login_failed")
	// The right log-in cleared the count; five wrong ones lock, known and unknown alike, even for the right password.
	for _, login := range []string{"truc.ban", "khong.co"} {
		var last Problem
		for range 5 {
			last = v.refused(post, "/api/login", try(login, "sai mật khẩu rồi", "123456"), 401, "login_failed")
		}
		if last.Values["left"] != "0" {
			t.Errorf("%s: after 5 wrong tries %s are left", login, last.Values["left"])
		}
	}
	b.pass(30 * time.Second)
	v.refused(post, "/api/login", try("truc.ban", goodPassword, b.code(secret)), 401, "login_failed")
	b.pass(15 * time.Minute)
	ask[Me](v, post, "/api/login", try("truc.ban", goodPassword, b.code(secret)))
	if b.did("account.login", "denied") < 10 {
		t.Error("wrong log-ins are not in the audit log")
	}
}

func TestSessions(t *testing.T) {
	b := newBench(t, Parts{})
	w, secret, _ := b.first("quan.tri")
	b.pass(time.Minute)
	v := b.browser()
	ask[Me](v, post, "/api/login", map[string]any{"login": "quan.tri", "password": goodPassword, "code": b.code(secret)})
	list := ask[Page[Session]](w, get, "/api/sessions", nil)
	if len(list.Items) != 2 {
		t.Fatalf("%d sessions, want 2", len(list.Items))
	}
	for _, s := range list.Items {
		if !s.Current {
			ask[Done](w, del, "/api/sessions/"+s.ID, nil)
		}
	}
	v.refused(get, "/api/me", nil, 401, "not_logged_in")
	ask[Me](w, get, "/api/me", nil)
	// The status bar asks by itself: it does not keep an administrator's session alive.
	b.pass(10 * time.Minute)
	ask[Status](w, get, "/api/status", nil)
	b.pass(6 * time.Minute)
	w.refused(get, "/api/me", nil, 401, "not_logged_in")

	ask[Me](w, post, "/api/login", map[string]any{"login": "quan.tri", "password": goodPassword, "code": b.code(secret)})
	b.pass(10 * time.Minute)
	ask[Me](w, get, "/api/me", nil)
	b.pass(10 * time.Minute)
	ask[Me](w, get, "/api/me", nil) // used meanwhile
	// A new password ends other sessions and needs the old one and a code.
	body := map[string]any{"password": "không phải cái này", "new": "mật khẩu mới dài hơn", "code": b.code(secret)}
	w.refused(put, "/api/me/password", body, 403, "confirm_failed")
	body["password"] = goodPassword
	ask[Done](w, put, "/api/me/password", body)
	w.refused(put, "/api/me/password", body, 403, "confirm_failed") // the code is used up, the password is new
	ask[Done](w, post, "/api/logout", nil)
	w.refused(get, "/api/me", nil, 401, "not_logged_in")
	if b.did("account.password", "done") != 1 || b.did("account.logout", "done") != 1 || b.did("session.end", "done") != 1 {
		t.Errorf("deeds: %+v", b.deeds)
	}
}

func TestTokensAndPeople(t *testing.T) {
	b := newBench(t, Parts{Inventory: twoUnits()})
	w, _, _ := b.first("quan.tri")
	w.refused(post, "/api/tokens", map[string]any{"name": "x", "roles": []string{"king"}}, 422, "role_unknown")
	w.refused(post, "/api/tokens", map[string]any{"name": "x", "roles": []string{"owner"}}, 422, "unit_missing")
	w.refused(post, "/api/tokens", map[string]any{"name": "x", "roles": []string{"owner"}, "unit": "DV-99"}, 422, "unit_unknown")
	made := ask[TokenMade](w, post, "/api/tokens", map[string]any{"name": "máy quét", "roles": []string{"auditor"}, "days": 7})
	if !strings.HasPrefix(made.Secret, "hlt1_") {
		t.Errorf("secret %q does not say what it is", made.Secret)
	}
	v := b.browser()
	v.bearer = made.Secret
	if me := ask[Me](v, get, "/api/me", nil); !me.Token || me.Roles[0] != soc.Auditor {
		t.Errorf("token is %+v", me)
	}
	v.refused(post, "/api/me/recovery-codes", map[string]any{"password": "x", "code": "1"}, 403, "person_only")
	v.refused(get, "/api/tokens", nil, 403, "no_right")
	ask[Done](w, del, "/api/tokens/"+made.Token.ID, nil)
	v.refused(get, "/api/me", nil, 401, "not_logged_in")
	if len(ask[Page[Token]](w, get, "/api/tokens", nil).Items) != 1 {
		t.Error("the revoked token is not listed")
	}
	short := ask[TokenMade](w, post, "/api/tokens", map[string]any{"name": "ngắn", "roles": []string{"analyst"}, "days": 1})
	v.bearer = short.Secret
	ask[Me](v, get, "/api/me", nil)
	b.pass(25 * time.Hour)
	v.refused(get, "/api/me", nil, 401, "not_logged_in")
	b.pass(-25 * time.Hour)

	// Invite, open the link, change roles, disable.
	inv := ask[AccountMade](w, post, "/api/accounts",
		map[string]any{"login": "chu.quan", "name": "Trần Thị B", "roles": []string{"owner"}, "unit": "DV-01"})
	w.refused(post, "/api/accounts", map[string]any{"login": "chu.quan", "name": "C", "roles": []string{"dpo"}}, 409, "login_taken")
	_, token, ok := strings.Cut(inv.Link, "/first#")
	if !ok || inv.Account.State != "invited" {
		t.Fatalf("invitation %+v", inv)
	}
	o, _, _ := b.open(token, "chu.quan")
	me := ask[Me](o, get, "/api/me", nil)
	if me.Unit == nil || me.Unit.Name != "Sở Y tế" || me.Permissions.Pages["alerts"] != "own" {
		t.Errorf("owner is %+v", me)
	}
	accounts := ask[Page[Account]](w, get, "/api/accounts", nil)
	if len(accounts.Items) != 2 {
		t.Fatalf("%d accounts, want 2", len(accounts.Items))
	}
	for _, a := range accounts.Items {
		change := map[string]any{"roles": []string{"dpo"}, "enabled": true, "version": a.Version}
		if a.Login == "quan.tri" {
			w.refused(put, "/api/accounts/"+a.ID, change, 409, "last_administrator")
			continue
		}
		change["version"] = a.Version - 1
		w.refused(put, "/api/accounts/"+a.ID, change, 409, "changed_meanwhile")
		change["version"], change["enabled"] = a.Version, false
		ask[Account](w, put, "/api/accounts/"+a.ID, change)
	}
	o.refused(get, "/api/me", nil, 401, "not_logged_in")
	w.refused(put, "/api/accounts/ng-none", map[string]any{"roles": []string{"dpo"}, "enabled": true, "version": 1}, 404, "absent")
}

func TestPreferencesChooseTheLanguage(t *testing.T) {
	b := newBench(t, Parts{})
	w, _, _ := b.first("quan.tri")
	if p := w.refused(get, "/api/quarantine", nil, 503,
		"part_unavailable"); p.Detail != "The part quarantine does not answer or is not switched on." {
		t.Errorf("English by Accept-Language: %q", p.Detail)
	}
	ask[Preferences](w, put, "/api/me/preferences", map[string]any{"language": "vi", "theme": "dark", "keys": true})
	if p := w.refused(get, "/api/quarantine", nil, 503, "part_unavailable"); p.Detail != "Phần cách ly không trả lời hoặc chưa bật." {
		t.Errorf("Vietnamese by preference: %q", p.Detail)
	}
	if got := ask[Me](w, get, "/api/me", nil).Preferences; got.Theme != "dark" {
		t.Errorf("preferences: %+v", got)
	}
	w.refused(put, "/api/me/preferences", map[string]any{"language": "xx", "theme": "dark", "keys": true}, 422, "input_wrong")
}

func TestCookieAndSites(t *testing.T) {
	b := newBench(t, Parts{})
	_, secret, _ := b.first("quan.tri")
	b.pass(time.Minute)
	req, _ := http.NewRequest(post, b.server.URL+"/api/login",
		strings.NewReader(`{"login":"quan.tri","password":"`+goodPassword+`","code":"`+b.code(secret)+`"}`))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 403 {
		t.Errorf("log-in from another site: %d, want 403", res.StatusCode)
	}
	req, _ = http.NewRequest(post, b.server.URL+"/api/login",
		strings.NewReader(`{"login":"quan.tri","password":"`+goodPassword+`","code":"`+b.code(secret)+`"}`))
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	res, err = http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	set := res.Header.Get("Set-Cookie")
	if res.StatusCode != 200 || !strings.Contains(set, "HttpOnly") || !strings.Contains(set, "SameSite=Strict") ||
		strings.Contains(set, "Secure") {
		t.Errorf("log-in: %d, cookie %q", res.StatusCode, set)
	}
}
