package console

import (
	"bufio"
	"net/http"
	"strings"
	"testing"
	"time"

	"hoalu/soc"
)

// TestSeveralRolesAreAcknowledged: what one person should not hold together is said before it is given, and stands in every list after.
func TestSeveralRolesAreAcknowledged(t *testing.T) {
	b := newBench(t, Parts{Inventory: twoUnits()})
	w, _, _ := b.first("quan.tri")
	body := map[string]any{"login": "hai.vai", "name": "Hai Vai", "roles": []string{"analyst", "owner"}, "unit": "DV-01"}
	p := w.refused(post, "/api/accounts", body, 409, "roles_conflict")
	if !strings.Contains(p.Values["conflicts"], word("en", "role.owner")) || !strings.Contains(p.Detail, word("en", "role.analyst")) {
		t.Errorf("the warning names %q: %s", p.Values["conflicts"], p.Detail)
	}
	body["acknowledged"] = true
	made := ask[AccountMade](w, post, "/api/accounts", body)
	if len(made.Account.Conflicts) != 1 || made.Account.Conflicts[0].Text["en"] == "" {
		t.Errorf("after: %+v", made.Account)
	}
	for _, a := range ask[Page[Account]](w, get, "/api/accounts", nil).Items {
		if a.Login == "hai.vai" && len(a.Conflicts) != 1 {
			t.Errorf("the list shows %+v", a)
		}
	}
	change := map[string]any{"name": "Hai Vai Trò", "roles": []string{"owner", "analyst"}, "unit": "DV-01", "enabled": true,
		"version": made.Account.Version}
	a := ask[Account](w, put, "/api/accounts/"+made.Account.ID, change) // the roles are as they were
	change["version"], change["roles"] = a.Version, []string{"lead", "liaison"}
	w.refused(put, "/api/accounts/"+a.ID, change, 409, "roles_warning")
	change["acknowledged"] = true
	if a = ask[Account](w, put, "/api/accounts/"+a.ID, change); len(a.Conflicts) != 0 {
		t.Errorf("lead and liaison: %+v", a.Conflicts)
	}
	acknowledged := 0
	b.mu.Lock()
	for _, d := range b.deeds {
		if d.Details["acknowledged"] == "roles" {
			acknowledged++
		}
	}
	b.mu.Unlock()
	if acknowledged != 2 {
		t.Errorf("%d deeds say that the warning was read, want 2", acknowledged)
	}
}

// TestInvitationIsForSomebodyElsewhere: the link carries a served name and lives three days, once; that of the first administrator is
// for this machine and a quarter of an hour.
func TestInvitationIsForSomebodyElsewhere(t *testing.T) {
	b := newBench(t, Parts{Inventory: twoUnits()})
	w, _, _ := b.first("quan.tri")
	b.console.Hosts = []string{"soc.tinh.example"}
	inv := ask[AccountMade](w, post, "/api/accounts",
		map[string]any{"login": "chu.quan", "name": "B", "roles": []string{"owner"}, "unit": "DV-01"})
	if !strings.HasPrefix(inv.Link, "https://soc.tinh.example/first#") {
		t.Errorf("link %s", inv.Link)
	}
	if life := time.UnixMilli(int64(inv.Expires)).Sub(b.now()); life < 71*time.Hour || life > 73*time.Hour {
		t.Errorf("it lives %s", life)
	}
	_, token, _ := strings.Cut(inv.Link, "#")
	b.console.Hosts = nil
	b.pass(71 * time.Hour)
	b.open(token, "chu.quan")
	b.browser().refused(post, "/api/first/start", map[string]any{"token": token}, 410, "link_ended")
	l, err := b.people.FirstLink(t.Context())
	if err != nil || time.UnixMilli(l.Expires).Sub(b.now()) > 15*time.Minute {
		t.Errorf("the link of another administrator ends at %d, %v", l.Expires, err)
	}
}

// TestATokenEndsWithItsMaker: whoever is disabled or no longer administers leaves no door open, nor does a token made by a token.
func TestATokenEndsWithItsMaker(t *testing.T) {
	b := newBench(t, Parts{Inventory: twoUnits()})
	w, _, _ := b.first("quan.tri")
	inv := ask[AccountMade](w, post, "/api/accounts", map[string]any{"login": "quan.tri.2", "name": "Hai", "roles": []string{"administrator"}})
	_, token, _ := strings.Cut(inv.Link, "#")
	second, _, _ := b.open(token, "quan.tri.2")
	made := ask[TokenMade](second, post, "/api/tokens", map[string]any{"name": "một năm", "roles": []string{"administrator"}, "days": 365})
	v := b.browser()
	v.bearer = made.Secret
	child := ask[TokenMade](v, post, "/api/tokens", map[string]any{"name": "của token", "roles": []string{"auditor"}, "days": 365})
	c := b.browser()
	c.bearer = child.Secret
	ask[Me](c, get, "/api/me", nil)
	a := ask[Page[Account]](w, get, "/api/accounts", nil)
	for _, x := range a.Items {
		if x.Login == "quan.tri.2" {
			ask[Account](w, put, "/api/accounts/"+x.ID,
				map[string]any{"name": "Hai", "roles": []string{"administrator"}, "enabled": false, "version": x.Version})
		}
	}
	v.refused(get, "/api/me", nil, 401, "not_logged_in")
	c.refused(get, "/api/me", nil, 401, "not_logged_in")
	for _, x := range ask[Page[Token]](w, get, "/api/tokens", nil).Items {
		if !x.Orphan {
			t.Errorf("the list does not say that %s opens nothing", x.Name)
		}
	}
}

// TestAStreamEndsWithItsAccount: within a second of the change, not with the next half minute.
func TestAStreamEndsWithItsAccount(t *testing.T) {
	b := newBench(t, Parts{Inventory: twoUnits()})
	w, _, _ := b.first("quan.tri")
	inv := ask[AccountMade](w, post, "/api/accounts", map[string]any{"login": "truc.ban", "name": "T", "roles": []string{"analyst"}})
	_, token, _ := strings.Cut(inv.Link, "#")
	o, _, _ := b.open(token, "truc.ban")
	req, err := http.NewRequestWithContext(t.Context(), get, b.server.URL+"/api/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := o.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() && lines.Text() != "event: hello" {
	}
	for _, a := range ask[Page[Account]](w, get, "/api/accounts", nil).Items {
		if a.Login == "truc.ban" {
			ask[Account](w, put, "/api/accounts/"+a.ID,
				map[string]any{"name": "T", "roles": []string{"analyst"}, "enabled": false, "version": a.Version})
		}
	}
	ended := make(chan struct{})
	go func() {
		for lines.Scan() {
		}
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(time.Second):
		t.Error("a second after the account was disabled its stream goes on")
	}
}

// TestALogInEndsTheBrowsersEarlierSession.
func TestALogInEndsTheBrowsersEarlierSession(t *testing.T) {
	b := newBench(t, Parts{})
	w, secret, _ := b.first("quan.tri")
	b.pass(time.Minute)
	ask[Me](w, post, "/api/login", map[string]any{"login": "quan.tri", "password": goodPassword, "code": b.code(secret)})
	if list := ask[Page[Session]](w, get, "/api/sessions", nil); len(list.Items) != 1 {
		t.Errorf("%d sessions of one browser", len(list.Items))
	}
}

// TestNoOwnerOfTheApplianceItself: what its system reports of the health of sources names those of every unit.
func TestNoOwnerOfTheApplianceItself(t *testing.T) {
	units := twoUnits()
	units.sources = append(units.sources, soc.Source{ID: "NG-0009", Kind: soc.SourceSelf, System: "HT-002"})
	b := newBench(t, Parts{Inventory: units})
	w, _, _ := b.first("quan.tri")
	w.refused(post, "/api/accounts", map[string]any{"login": "chu.quan", "name": "B", "roles": []string{"owner"}, "unit": "DV-02"}, 422,
		"unit_own")
	w.refused(post, "/api/tokens", map[string]any{"name": "B", "roles": []string{"owner"}, "unit": "DV-02"}, 422, "unit_own")
	ask[AccountMade](w, post, "/api/accounts", map[string]any{"login": "chu.quan", "name": "B", "roles": []string{"owner"}, "unit": "DV-01"})
}

// TestWhatIsWrongIsSaidRightly: a body that breaks off is the asker's fault and shows no hole, a wrong method names the right ones, and
// what the build left for itself is not served.
func TestWhatIsWrongIsSaidRightly(t *testing.T) {
	b := newBench(t, Parts{})
	p := inputProblem(nil, 500, "cannot read request body").(*Problem)
	if p.Status != 400 || strings.Contains(p.Detail+p.Do, "{") {
		t.Errorf("a broken body: %+v", p)
	}
	if p := inputProblem(nil, 500, "something else").(*Problem); p.Trace == "" || strings.Contains(p.Detail+p.Do, "{") {
		t.Errorf("trouble inside: %+v", p)
	}
	req, _ := http.NewRequestWithContext(t.Context(), "DELETE", b.server.URL+"/api/login", nil)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 405 || res.Header.Get("Allow") != "POST" {
		t.Errorf("DELETE /api/login: %d, Allow %q", res.StatusCode, res.Header.Get("Allow"))
	}
}
