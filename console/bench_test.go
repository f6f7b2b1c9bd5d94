package console

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"github.com/tink-crypto/tink-go/v2/aead/subtle"

	"hoalu/console/authz"
	"hoalu/console/identity"
	"hoalu/ecs"
	"hoalu/ecs/query"
	"hoalu/soc"
	"hoalu/state"
	"hoalu/state/statetest"
)

// bench is a console over real HTTP with a real SQLite state and the real policy. Its other parts keep what the test gives them.
type bench struct {
	t       *testing.T
	console *Console
	server  *httptest.Server
	people  *identity.Accounts
	db      *state.DB

	mu    sync.Mutex
	deeds []soc.Deed
	skew  time.Duration // of the clock
}

var compiled = sync.OnceValues(func() (*authz.Policy, error) { return authz.New(context.Background()) })

// newBench has parts in which nothing ever happened where the test gives none.
func newBench(t *testing.T, parts Parts) *bench {
	t.Helper()
	return openBench(t, func(b *bench) Parts { return b.filled(parts) })
}

func openBench(t *testing.T, with func(*bench) Parts) *bench {
	t.Helper()
	b := &bench{t: t, db: statetest.Open(t)}
	policy, err := compiled()
	if err != nil {
		t.Fatal(err)
	}
	key := sha256.Sum256([]byte(t.Name()))
	seal, err := subtle.NewAESGCM(key[:])
	if err != nil {
		t.Fatal(err)
	}
	b.people, err = identity.New(identity.Config{DB: b.db, AEAD: seal, Now: b.now, Argon: identity.Argon{Memory: 64, Passes: 1, Lanes: 1},
		Record: func(_ context.Context, tx *sql.Tx, d soc.Deed) error {
			if tx == nil {
				return fmt.Errorf("deed %s outside a transaction", d.Action)
			}
			return b.keep(d)
		}})
	if err != nil {
		t.Fatal(err)
	}
	b.console, err = New(Config{Accounts: b.people, Policy: policy, Parts: with(b), Version: "test", Now: b.now})
	if err != nil {
		t.Fatal(err)
	}
	b.server = httptest.NewServer(b.console.Handler())
	t.Cleanup(func() {
		b.console.Notices().Close()
		b.server.Close()
	})
	return b
}

// filled puts a part in which nothing ever happened where the test gives none. Of the machine nothing is known then.
func (b *bench) filled(p Parts) Parts {
	fill(&p.Audit, Audit(auditLog{b}))
	fill(&p.Inventory, Inventory(&province{}))
	fill(&p.Alerts, Alerts(&queue{}))
	fill(&p.Events, Events(shelf{}))
	fill(&p.Readings, Readings(readings{}))
	fill(&p.Ledger, Ledger(book{}))
	fill(&p.Posture, Posture(&cells{}))
	fill(&p.National, National(centre{}))
	fill(&p.Rules, Rules(titles{}))
	fill(&p.Identifiers, Identifiers(numbers{}))
	return p
}

func fill[P comparable](p *P, quiet P) {
	var none P
	if *p == none {
		*p = quiet
	}
}

// centre is a national link over which nothing was ever sent.
type centre struct{}

func (centre) Summary(context.Context) (NationalState, error) {
	return NationalState{Today: NationalDay{Day: "2026-11-30", State: "open"}}, nil
}
func (centre) About(context.Context, string) ([]soc.Report, error) { return nil, nil }
func (centre) Outbox(context.Context, int64, string, string, string, int) (ReportPage, error) {
	return ReportPage{}, nil
}
func (centre) Report(_ context.Context, id string) (soc.Report, []ReportTry, error) {
	return soc.Report{}, nil, &soc.Problem{Status: 404, Code: "not_found", Values: map[string]string{"id": id}}
}
func (centre) Endpoint(context.Context, int64) (EndpointItem, error) { return EndpointItem{}, nil }
func (centre) SetEndpoint(_ context.Context, _ soc.Actor, e EndpointItem, _ bool, _ string) (EndpointItem, error) {
	return e, nil
}
func (centre) Test(context.Context, soc.Actor, int64) (TestDone, error) { return TestDone{}, nil }
func (centre) Reconcile(_ context.Context, _ soc.Actor, _ int64, day string) (NationalDay, error) {
	return NationalDay{Day: day, State: "balanced"}, nil
}

func (b *bench) now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return time.Now().Add(b.skew)
}

func (b *bench) pass(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.skew += d
}

func (b *bench) keep(d soc.Deed) error {
	if d.Action == "" || d.Actor.ID == "" { // as the evidence log refuses it
		return fmt.Errorf("deed %q of nobody", d.Action)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	d.Number = int64(len(b.deeds) + 1)
	if d.Time == 0 {
		d.Time = time.Now().UnixMilli()
	}
	b.deeds = append(b.deeds, d)
	return nil
}

// did counts deeds of an action with a result.
func (b *bench) did(action, result string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, d := range b.deeds {
		if d.Action == action && d.Result == result {
			n++
		}
	}
	return n
}

// auditLog reads what the bench kept.
type auditLog struct{ b *bench }

func (a auditLog) List(_ context.Context, q AuditQuery) (AuditPage, error) {
	a.b.mu.Lock()
	defer a.b.mu.Unlock()
	p := AuditPage{}
	for _, d := range slices.Backward(a.b.deeds) {
		if (q.Actor != "" && d.Actor.ID != q.Actor) || (len(q.Actions) > 0 && !slices.Contains(q.Actions, d.Action)) {
			continue
		}
		p.Total++
		if limit := max(q.Limit, 1); q.Before > 0 && d.Number >= q.Before || p.Next > 0 {
			continue
		} else if len(p.Items) == limit {
			p.Next = p.Items[limit-1].Number
			continue
		}
		p.Items = append(p.Items, d)
	}
	return p, nil
}
func (a auditLog) Head(context.Context) (*LogHead, error)     { return nil, nil }
func (a auditLog) Record(_ context.Context, d soc.Deed) error { return a.b.keep(d) }

// browser is one person's, with its cookies.
type browser struct {
	b      *bench
	client *http.Client
	bearer string
	header http.Header
}

func (b *bench) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return &browser{b: b, client: &http.Client{Jar: jar}, header: http.Header{"Accept-Language": {"en"}}}
}

// as is a program with an API token of the roles.
func (b *bench) as(unit string, roles ...soc.Role) *browser {
	b.t.Helper()
	_, secret, err := b.people.CreateToken(context.Background(), soc.Actor{ID: "system", Name: "test"},
		identity.TokenRequest{Name: "test", Roles: roles, Unit: unit})
	if err != nil {
		b.t.Fatal(err)
	}
	w := b.browser()
	w.bearer = secret
	return w
}

// do sends a request and answers status and body.
func (w *browser) do(method, path string, body any) (int, []byte) {
	w.b.t.Helper()
	var r io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			w.b.t.Fatal(err)
		}
		r = bytes.NewReader(raw)
	}
	req, err := http.NewRequest(method, w.b.server.URL+path, r)
	if err != nil {
		w.b.t.Fatal(err)
	}
	maps.Copy(req.Header, w.header)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if w.bearer != "" {
		req.Header.Set("Authorization", "Bearer "+w.bearer)
	}
	res, err := w.client.Do(req)
	if err != nil {
		w.b.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		w.b.t.Fatal(err)
	}
	return res.StatusCode, raw
}

// ask wants 200 and decodes the answer.
func ask[T any](w *browser, method, path string, body any) T {
	w.b.t.Helper()
	status, raw := w.do(method, path, body)
	var out T
	if status != http.StatusOK {
		w.b.t.Fatalf("%s %s: %d %s", method, path, status, raw)
	}
	if err := json.Unmarshal(raw, &out); err != nil {
		w.b.t.Fatalf("%s %s: %v in %s", method, path, err, raw)
	}
	return out
}

// refused wants a problem with status and code.
func (w *browser) refused(method, path string, body any, status int, code string) Problem {
	w.b.t.Helper()
	got, raw := w.do(method, path, body)
	var p Problem
	if err := json.Unmarshal(raw, &p); err != nil || got != status || p.Code != code {
		w.b.t.Errorf("%s %s: got %d %s, want %d %s", method, path, got, raw, status, code)
	}
	return p
}

const goodPassword = "chuồn chuồn bay thấp 7"

// first opens the first link and returns the browser, the second factor's secret and the recovery codes.
func (b *bench) first(login string) (*browser, string, []string) {
	b.t.Helper()
	l, err := b.people.FirstLink(context.Background())
	if err != nil {
		b.t.Fatal(err)
	}
	return b.open(l.Token, login)
}

func (b *bench) open(token, login string) (*browser, string, []string) {
	b.t.Helper()
	w := b.browser()
	start := ask[FirstStart](w, post, "/api/first/start", map[string]any{"token": token})
	done := ask[FirstDone](w, post, "/api/first",
		map[string]any{"token": token, "login": login, "name": "Nguyễn Văn A", "password": goodPassword, "code": b.code(start.Secret),
			"site_name": "SOC tỉnh"})
	return w, start.Secret, done.RecoveryCodes
}

func (b *bench) code(secret string) string {
	b.t.Helper()
	code, err := totp.GenerateCode(secret, b.now())
	if err != nil {
		b.t.Fatal(err)
	}
	return code
}

// shelf is a memory of events that answers with the real evaluator.
type shelf []*ecs.Event

func (l shelf) Search(_ context.Context, s query.Search) (query.Result, error) {
	m, err := query.Compile(s.Query)
	if err != nil {
		return query.Result{}, err
	}
	r := query.Result{Aggs: map[string]query.AggResult{}}
	for _, e := range l {
		if e.Time < s.From || (s.To != 0 && e.Time >= s.To) || !m.Match(e) {
			continue
		}
		r.Total++
		if len(r.Events) < s.Limit {
			r.Events = append(r.Events, e)
		}
		for _, a := range s.Aggs {
			if a.Kind != query.AggTerms {
				continue
			}
			t := r.Aggs[a.Name]
			if v := e.Text(a.Field); v != "" {
				i := slices.IndexFunc(t.Buckets, func(b query.Bucket) bool { return b.Key == v })
				if i < 0 {
					t.Buckets = append(t.Buckets, query.Bucket{Key: v})
					i = len(t.Buckets) - 1
				}
				t.Buckets[i].Count++
			}
			r.Aggs[a.Name] = t
		}
	}
	return r, nil
}

func (l shelf) Get(_ context.Context, ids []string) ([]*ecs.Event, error) {
	var out []*ecs.Event
	for _, e := range l {
		if slices.Contains(ids, e.ID) {
			out = append(out, e)
		}
	}
	return out, nil
}

func (l shelf) Stored(context.Context) (int64, []string, error) { return int64(len(l)), nil, nil }
func (l shelf) Freshness() time.Duration                        { return 0 }

// province is a fixed inventory.
type province struct {
	units   []soc.Unit
	systems []soc.System
	assets  []soc.Asset
	sources []soc.Source
}

func (p *province) Claims(string) []soc.Claim { return nil }
func (p *province) Units() []soc.Unit         { return p.units }
func (p *province) Systems() []soc.System     { return p.systems }
func (p *province) Assets() []soc.Asset       { return p.assets }
func (p *province) Sources() []soc.Source     { return p.sources }
func (p *province) CreateUnit(_ context.Context, _ soc.Actor, u soc.Unit) (soc.Unit, error) {
	u.ID = fmt.Sprintf("DV-%02d", len(p.units)+1)
	p.units = append(p.units, u)
	return u, nil
}
func (p *province) CreateSystem(_ context.Context, _ soc.Actor, s soc.System) (soc.System, error) {
	s.ID = fmt.Sprintf("HT-%03d", len(p.systems)+1)
	p.systems = append(p.systems, s)
	return s, nil
}
func (p *province) UpdateSystem(_ context.Context, _ soc.Actor, s soc.System) (soc.System, error) {
	return s, nil
}
func (p *province) CreateSource(_ context.Context, _ soc.Actor, s soc.Source) (soc.Source, error) {
	s.ID = fmt.Sprintf("NG-%04d", len(p.sources)+1)
	p.sources = append(p.sources, s)
	return s, nil
}
func (p *province) UpdateSource(_ context.Context, _ soc.Actor, s soc.Source) (soc.Source, error) {
	for i := range p.sources {
		if p.sources[i].ID == s.ID {
			p.sources[i] = s
		}
	}
	return s, nil
}

func (p *province) UpdateUnit(_ context.Context, _ soc.Actor, u soc.Unit) (soc.Unit, error) {
	return u, nil
}
func (p *province) CreateAsset(_ context.Context, _ soc.Actor, a soc.Asset) (soc.Asset, error) {
	a.ID = fmt.Sprintf("TS-%d", len(p.assets)+1)
	return a, nil
}
func (p *province) UpdateAsset(_ context.Context, _ soc.Actor, a soc.Asset) (soc.Asset, error) {
	return a, nil
}
func (p *province) ImportAssets(context.Context, soc.Actor, soc.AssetImport) (soc.AssetsImported, error) {
	return soc.AssetsImported{}, nil
}
func (p *province) Retire(context.Context, soc.Actor, soc.Retirement) error        { return nil }
func (p *province) Delete(context.Context, soc.Actor, string, string, int64) error { return nil }
func (p *province) Forget(_ context.Context, _ soc.Actor, ids []string) ([]string, []soc.Refusal, error) {
	return ids, nil, nil
}

func twoUnits() *province {
	return &province{
		units: []soc.Unit{{ID: "DV-01", Name: "Sở Y tế"}, {ID: "DV-02", Name: "Sở Tư pháp"}},
		systems: []soc.System{{ID: "HT-001", Name: "Cổng dịch vụ công", Unit: "DV-01", Level: 3, Placement: soc.PlacementDataCentre},
			{ID: "HT-002", Name: "Hộ tịch", Unit: "DV-02", Level: 2}},
		sources: []soc.Source{{ID: "NG-0001", Name: "web", Kind: soc.SourceSyslog, System: "HT-001", Version: 1},
			{ID: "NG-0002", Name: "db", Kind: soc.SourceSyslog, System: "HT-002", Version: 1}},
	}
}

// queue is a memory of alerts that keeps to its contract about scopes.
type queue struct {
	mu     sync.Mutex
	alerts []soc.Alert
	last   AlertFilter
}

func (q *queue) in(scope soc.Scope, a soc.Alert) bool {
	return authz.Covers(scope, a.System)
}

func (q *queue) fits(f AlertFilter, a soc.Alert) bool {
	open := slices.Contains(f.States, "open") && a.State != soc.AlertClosed
	return (len(f.States) == 0 || open || slices.Contains(f.States, a.State)) &&
		(len(f.Systems) == 0 || slices.Contains(f.Systems, a.System)) &&
		(len(f.Rules) == 0 || slices.Contains(f.Rules, a.Rule)) && (len(f.Numbers) == 0 || slices.Contains(f.Numbers, a.Number)) &&
		strings.Contains(a.User, f.User) && strings.Contains(a.Host, f.Host) &&
		strings.Contains(a.Address, f.Address) && strings.Contains(a.User+a.Host+a.Address, f.Text) && (!f.Personal || a.Personal) &&
		(f.LastFrom == 0 || a.Last >= f.LastFrom) && (len(f.Severities) == 0 || slices.Contains(f.Severities, a.Severity)) &&
		a.Exercise == (f.Exercise == "only")
}

func (q *queue) List(_ context.Context, scope soc.Scope, query AlertQuery) (AlertPage, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.last = query.AlertFilter
	p := AlertPage{}
	for _, a := range q.alerts {
		if q.in(scope, a) && q.fits(query.AlertFilter, a) {
			p.Total++
			if len(p.Items) < query.Limit {
				p.Items = append(p.Items, a)
			}
		}
	}
	return p, nil
}

func (q *queue) find(scope soc.Scope, id string) *soc.Alert {
	for i := range q.alerts {
		if (q.alerts[i].ID == id || q.alerts[i].Number == id) && q.in(scope, q.alerts[i]) {
			return &q.alerts[i]
		}
	}
	return nil
}

func (q *queue) Get(_ context.Context, scope soc.Scope, id string) (soc.Alert, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if a := q.find(scope, id); a != nil {
		return *a, nil
	}
	return soc.Alert{}, &soc.Problem{Status: 404, Code: "not_found", Detail: id + " not found."}
}

func (q *queue) Counts(_ context.Context, scope soc.Scope, _ string, personal bool) (AlertCounts, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := AlertCounts{MeanAck: -1}
	for _, a := range q.alerts {
		if q.in(scope, a) && a.State != soc.AlertClosed && (a.Personal || !personal) {
			n.Open++
			if a.State == soc.AlertNew {
				n.Unacknowledged++
			}
			if a.Personal {
				n.Personal++
			}
		}
	}
	return n, nil
}

func (q *queue) Histogram(context.Context, soc.Scope, AlertFilter, int64, int64, int64) ([]AlertBucket, error) {
	return nil, nil
}
func (q *queue) Groups(_ context.Context, _ soc.Scope, _ AlertFilter, _ string, _ int) ([]AlertGroupRow, int64, error) {
	return []AlertGroupRow{{Kind: "host", Value: "dvc-web-02", Alerts: 2, Severity: soc.High}}, 1, nil
}
func (q *queue) Seen(context.Context, soc.Scope, string) (Seen, error) { return Seen{}, nil }
func (q *queue) History(context.Context, soc.Scope, string) ([]soc.Note, error) {
	return []soc.Note{{Action: "created", Time: 1}}, nil
}
func (q *queue) RuleAt(_ context.Context, rule, _ string) (soc.RuleInfo, error) {
	return soc.RuleInfo{ID: rule, Why: map[string]string{"vi": "vì sao"}, Runbook: map[string][]string{"vi": {"1", "2", "3"}}}, nil
}

func (q *queue) Act(_ context.Context, actor soc.Actor, scope soc.Scope, act AlertAct) (AlertResult, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	r := AlertResult{Undo: "undo-1"}
	for _, ref := range act.Alerts {
		a := q.find(scope, ref.ID)
		switch {
		case a == nil:
			r.Failed = append(r.Failed, AlertFailure{ref.ID, &soc.Problem{Status: 404, Code: "not_found"}})
		case ref.Version != 0 && ref.Version != a.Version:
			r.Failed = append(r.Failed, AlertFailure{ref.ID,
				&soc.Problem{Status: 409, Code: "conflict", Values: map[string]string{"by": "Trực ban 2", "at": "1763740000000"}}})
		default:
			switch act.Action {
			case "acknowledge":
				a.State, a.Holder, a.HolderName = soc.AlertAcknowledged, actor.ID, actor.Name
			case "close":
				a.State, a.CloseReason = soc.AlertClosed, act.Reason
			}
			a.Version++
			r.Changed = append(r.Changed, *a)
		}
	}
	return r, nil
}

func (q *queue) Undo(context.Context, soc.Actor, soc.Scope, string) (AlertResult, error) {
	return AlertResult{}, &soc.Problem{Status: 410, Code: "undo_expired"}
}

// numbers finds 12-digit numbers and gives each one token.
type numbers struct{}

func (numbers) Find(text string) []Identifier {
	var out []Identifier
	for i := 0; i+12 <= len(text); i++ {
		if strings.Trim(text[i:i+12], "0123456789") == "" {
			out = append(out, Identifier{Kind: "cccd", Start: i, End: i + 12, Value: text[i : i+12]})
			i += 11
		}
	}
	return out
}

func (numbers) Tokens(_ context.Context, _, value string) ([]string, error) {
	sum := sha256.Sum256([]byte(value))
	return []string{fmt.Sprintf("tk:c%x", sum[:4])}, nil
}

func event(id, system, message string) *ecs.Event {
	e := &ecs.Event{ID: id, Time: time.Now().UnixMilli() - 1000, Created: time.Now().UnixMilli(), System: system, Source: "NG-0001"}
	e.AddString(ecs.Message, message)
	e.AddString(ecs.HostName, "dvc-web-02")
	return e
}
