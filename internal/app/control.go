package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"hoalu/collector/source/file"
	"hoalu/console/identity"
	"hoalu/inventory"
	"hoalu/national"
	"hoalu/soc"
)

// The control socket is how the other commands of this binary reach the running appliance: HTTP over a Unix socket in the data
// directory, open to whoever may open the directory (0700). One mechanism for all of them; nothing of it is reachable by network.

const controlName = "control.sock"

// openControl opens the socket, so that it is there once the appliance says that it is ready.
func (a *App) openControl(context.Context) error {
	path := a.path(controlName)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) { // the data lock says that nobody else serves it
		return fmt.Errorf("open control socket: %w", err)
	}
	ln, err := net.Listen("unix", path)
	if errors.Is(err, syscall.EINVAL) {
		return fmt.Errorf("open control socket: the path %s is longer than a socket's may be (107 bytes); give a data folder with a shorter path", path)
	}
	if err != nil {
		return fmt.Errorf("open control socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil { // the folder is closed to others already
		ln.Close()
		return err
	}
	a.control = ln
	a.down.push("control socket", func() error { ln.Close(); return nil })
	return nil
}

// operation is one request of the control socket: its pattern and what answers it, as JSON.
type operation struct {
	pattern string
	do      func(a *App, r *http.Request) (any, error)
}

// machine is who acts over the control socket: whoever may open the data folder.
var machine = soc.Actor{ID: "machine", Name: "quản trị tại máy", Roles: []soc.Role{soc.Administrator}}

// operations are all requests of the control socket but the one that streams a pack.
var operations = []operation{
	{"GET /status", func(a *App, r *http.Request) (any, error) { return a.status(r.Context()) }},
	{"POST /admin/link", func(a *App, r *http.Request) (any, error) {
		link, err := a.accounts.FirstLink(r.Context())
		return map[string]any{"url": a.firstURL(link.Token), "ends": link.Expires}, err
	}},
	{"POST /token", func(a *App, r *http.Request) (any, error) {
		var t identity.TokenRequest
		if err := json.NewDecoder(r.Body).Decode(&t); err != nil {
			return nil, &soc.Problem{Status: 400, Code: "bad_request", Detail: err.Error()}
		}
		if t.Unit != "" && !slices.ContainsFunc(a.inventory.Snapshot().Units(), func(u soc.Unit) bool { return u.ID == t.Unit }) {
			return nil, &soc.Problem{Status: 422, Code: "unit_unknown", Detail: "Unit " + t.Unit + " is not in the inventory.", Do: "Give its DV- number, as on the page Systems."}
		}
		tok, secret, err := a.accounts.CreateToken(r.Context(), machine, t)
		return map[string]any{"token": secret, "id": tok.ID, "ends": tok.Expires}, err
	}},
	{"POST /import", func(a *App, r *http.Request) (any, error) {
		q := r.URL.Query()
		if set := q.Get("dataset"); set != "" && !a.datasets.Known(set) {
			return nil, &soc.Problem{Status: 422, Code: "dataset_unknown", Detail: "No decoder is called " + strconv.Quote(set) + ".", Do: "hoalu source list names them; without --dataset it is found out."}
		}
		src, err := a.importSource(r.Context(), q.Get("source"))
		if err != nil {
			return nil, err
		}
		return file.Import(r.Context(), r.Body, q.Get("name"), file.ImportOptions{Source: src.ID, Dataset: q.Get("dataset"), Format: q.Get("format"), Trust: src.TrustLogsource, Reject: a.intake.Reject}, a.put(soc.SourceImport))
	}},
	{"POST /rules/reload", func(a *App, r *http.Request) (any, error) { return a.ReloadRules(r.Context(), machine) }},
	{"POST /demo/load", func(a *App, r *http.Request) (any, error) { return a.DemoLoad(r.Context(), machine) }},
	{"POST /demo/remove", func(a *App, r *http.Request) (any, error) { return a.DemoRemove(r.Context(), machine) }},
	{"POST /exercise", func(a *App, r *http.Request) (any, error) { return a.beginExercise(r.Context(), machine) }},
	{"POST /exercise/send", func(a *App, r *http.Request) (any, error) {
		n, err := a.sendExercise(r.Context(), r.URL.Query().Get("format"), r.Body)
		return map[string]int{"taken": n}, err
	}},
	{"GET /exercise", func(a *App, r *http.Request) (any, error) {
		alerts, err := a.exerciseAlerts(r.Context(), r.URL.Query().Get("token"))
		return map[string]any{"alerts": alerts}, err
	}},
	{"POST /sensor/invite", func(a *App, r *http.Request) (any, error) {
		ttl, err := time.ParseDuration(r.URL.Query().Get("ttl"))
		if err != nil {
			return nil, &soc.Problem{Status: 400, Code: "bad_ttl", Detail: "ttl: must be a time, is " + strconv.Quote(r.URL.Query().Get("ttl")) + ".", Do: "Write it as 1h or 30m."}
		}
		token, err := a.Invite(r.Context(), machine, r.URL.Query().Get("system"), ttl)
		return map[string]string{"token": token}, err
	}},
	{"POST /sensor/revoke", func(a *App, r *http.Request) (any, error) {
		q := r.URL.Query()
		return map[string]bool{"revoked": true}, a.enrolment.Revoke(r.Context(), machine, q.Get("sensor"), q.Get("reason"))
	}},
	{"POST /source/key", func(a *App, r *http.Request) (any, error) {
		q := r.URL.Query()
		d, err := followedFor(q)
		if err != nil {
			return nil, err
		}
		return a.issueKey(r.Context(), machine, q.Get("source"), q.Get("label"), d)
	}},
	{"POST /source/certificate", func(a *App, r *http.Request) (any, error) {
		q := r.URL.Query()
		d, err := followedFor(q)
		if err != nil {
			return nil, err
		}
		key, cert, private, err := a.issueCertificate(r.Context(), machine, q.Get("source"), q.Get("label"), d)
		return map[string]any{"key": key, "certificate": string(cert), "private": string(private), "authority": string(a.vault.Authority().RootPEM())}, err
	}},
	{"GET /source/keys", func(a *App, r *http.Request) (any, error) {
		src, ok := a.inventory.Snapshot().Source(r.URL.Query().Get("source"))
		if !ok {
			return nil, noSource(r.URL.Query().Get("source"))
		}
		return map[string]any{"keys": src.Keys}, nil
	}},
	{"POST /source/key/revoke", func(a *App, r *http.Request) (any, error) {
		return map[string]bool{"revoked": true}, a.inventory.RevokeKey(r.Context(), machine, r.URL.Query().Get("source"), r.URL.Query().Get("key"))
	}},
	{"GET /source/authority", func(a *App, r *http.Request) (any, error) {
		return map[string]string{"pem": string(a.vault.Authority().RootPEM()), "fingerprint": a.rootDigest()}, nil
	}},
	{"GET /national", func(a *App, r *http.Request) (any, error) { return a.national.Summary(r.Context()) }},
	{"POST /national/endpoint", func(a *App, r *http.Request) (any, error) {
		var e national.Endpoint
		if err := json.NewDecoder(r.Body).Decode(&e); err != nil {
			return nil, &soc.Problem{Status: 400, Code: "bad_request", Detail: err.Error()}
		}
		return map[string]bool{"set": true}, a.national.SetEndpoint(r.Context(), machine, e)
	}},
	{"DELETE /national/endpoint", func(a *App, r *http.Request) (any, error) {
		return map[string]bool{"removed": true}, a.national.ClearEndpoint(r.Context(), machine)
	}},
	{"POST /national/retry", func(a *App, r *http.Request) (any, error) {
		n, err := a.national.Retry(r.Context(), machine, r.URL.Query().Get("report"))
		return map[string]int64{"reports": n}, err
	}},
	{"POST /national/test", func(a *App, r *http.Request) (any, error) {
		return nationalPart{a}.Test(r.Context(), machine)
	}},
	{"POST /national/reconcile", func(a *App, r *http.Request) (any, error) {
		d := r.URL.Query().Get("day")
		if d == "" {
			d = day(time.Now())
		}
		return a.national.Reconcile(r.Context(), machine, d)
	}},
	{"GET /quarantine", func(a *App, r *http.Request) (any, error) {
		limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
		var sources []string
		if s := r.URL.Query().Get("source"); s != "" {
			sources = []string{s}
		}
		return quarantinePart{a}.List(r.Context(), sources, r.URL.Query().Get("reason"), r.URL.Query().Get("after"), max(1, min(limit, 1000)))
	}},
	{"POST /quarantine/replay", func(a *App, r *http.Request) (any, error) {
		var ids []string
		if s := r.URL.Query().Get("ids"); s != "" {
			ids = strings.Split(s, ",")
		}
		n, held, err := quarantinePart{a}.Replay(r.Context(), machine, ids, r.URL.Query().Get("source"), r.URL.Query().Get("reason"))
		return map[string]int64{"replayed": n, "held": held}, err
	}},
	{"GET /evidence/key", func(a *App, r *http.Request) (any, error) {
		id, err := a.evidenceKey(r.Context())
		return map[string]string{"id": id}, err
	}},
}

// followedFor is how long the keys that are there stay good once another follows them; -1 when the request does not say.
func followedFor(q url.Values) (time.Duration, error) {
	if q.Get("follow") == "" {
		return -1, nil
	}
	d, err := time.ParseDuration(q.Get("follow"))
	if err != nil || d < 0 {
		return 0, &soc.Problem{Status: 400, Code: "bad_follow", Detail: fmt.Sprintf("--follow: %q is no time.", q.Get("follow")), Do: "Write how long the keys there are stay good, as 0s, 24h or 168h."}
	}
	return d, nil
}

// refuseControl answers an error, with the status of a Problem and as 500 otherwise.
func refuseControl(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	var p *soc.Problem
	if errors.As(err, &p) {
		status = p.Status
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]string{"error": err.Error()})
}

// controlLoop serves the control socket until ctx ends.
func (a *App) controlLoop(ctx context.Context) error {
	mux := http.NewServeMux()
	for _, op := range operations {
		mux.HandleFunc(op.pattern, func(w http.ResponseWriter, r *http.Request) {
			v, err := op.do(a, r)
			if err != nil {
				refuseControl(w, err)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			json.NewEncoder(w).Encode(v)
		})
	}
	mux.HandleFunc("POST /evidence", func(w http.ResponseWriter, r *http.Request) {
		if err := a.exportPack(r.Context(), w, r.URL.Query(), machine); err != nil {
			refuseControl(w, err)
		}
	})
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { srv.Close() })
	defer stop()
	if err := srv.Serve(a.control); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return ctx.Err()
}

// Status is what `hoalu` commands and tests ask of the running appliance.
type Status struct {
	Console  string     `json:"console"`
	Parts    []soc.Part `json:"parts"`
	Last     uint64     `json:"queue_last"`
	Stored   uint64     `json:"stored"`
	Counted  uint64     `json:"counted"` // by the ledger's reader, since the start
	Detected uint64     `json:"detected"`
	Events   float64    `json:"events_per_second"`
	Accounts bool       `json:"accounts"`
}

func (a *App) status(ctx context.Context) (Status, error) {
	any, err := a.accounts.Any(ctx)
	return Status{Console: a.consoleURL(), Parts: machinePart{a}.Parts(ctx), Last: a.queue.State().Last, Stored: a.store.Position(), Counted: a.counted.Load(), Detected: a.detector.Detected(), Events: a.rate.perSecond(), Accounts: any}, err
}

func (a *App) importSource(ctx context.Context, name string) (soc.Source, error) {
	if strings.HasPrefix(name, "NG-") {
		src, ok := a.inventory.Snapshot().Source(name)
		if !ok {
			return src, noSource(name)
		}
		return src, nil
	}
	if name == "" {
		return soc.Source{}, &soc.Problem{Status: 400, Code: "no_source", Detail: "No source is named.", Do: "Give --source with a name for where the file comes from."}
	}
	return a.inventory.EnsureSource(ctx, inventory.Seen{Kind: soc.SourceImport, Name: name})
}

func noSource(id string) *soc.Problem {
	return &soc.Problem{Status: 404, Code: "not_found", Detail: "Source " + id + " is not in the inventory.", Do: "Give its NG- number from the page Sources, or a new name."}
}

func (a *App) consoleURL() string {
	if a.consoleAddr == nil {
		return ""
	}
	_, port, _ := net.SplitHostPort(a.consoleAddr.String())
	return "http://localhost:" + port // WebAuthn has no name for an address
}

func (a *App) firstURL(token string) string { return a.consoleURL() + "/first#" + token }

// Control talks to the appliance running on a data directory.
type Control struct {
	data   string
	client *http.Client
}

// NewControl returns a Control; nothing is contacted yet.
func NewControl(data string) *Control {
	path := filepath.Join(data, controlName)
	return &Control{data: data, client: &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}}}}
}

// ErrNotRunning means that no appliance runs on the data directory.
var ErrNotRunning = errors.New("no appliance is running")

// Call does one request and decodes the answer into v (nil: not wanted); body may be nil.
func (c *Control) Call(ctx context.Context, method, path string, q url.Values, body io.Reader, v any) error {
	res, err := c.open(ctx, method, path, q, body)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if v == nil {
		return nil
	}
	return json.NewDecoder(res.Body).Decode(v)
}

func (c *Control) open(ctx context.Context, method, path string, q url.Values, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://control"+path+"?"+q.Encode(), body)
	if err != nil {
		return nil, err
	}
	res, err := c.client.Do(req)
	if err != nil {
		var op *net.OpError
		if errors.Is(err, os.ErrPermission) {
			return nil, fmt.Errorf("reach the appliance on %s: %w; run this as the user the appliance runs as", c.data, os.ErrPermission)
		}
		if errors.As(err, &op) && op.Op == "dial" {
			return nil, fmt.Errorf("%w on %s; start it with `hoalu serve --data %s`", ErrNotRunning, c.data, c.data)
		}
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		defer res.Body.Close()
		var p struct{ Error string }
		if err := json.NewDecoder(res.Body).Decode(&p); err != nil || p.Error == "" {
			return nil, fmt.Errorf("the appliance answers %s", res.Status)
		}
		return nil, errors.New(p.Error)
	}
	return res, nil
}

// Download streams an answer to w.
func (c *Control) Download(ctx context.Context, path string, q url.Values, w io.Writer) error {
	res, err := c.open(ctx, http.MethodPost, path, q, nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, err = io.Copy(w, res.Body)
	return err
}
