package app

import (
	"cmp"
	"context"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"hoalu/collector/source/file"
	"hoalu/console"
	"hoalu/console/identity"
	"hoalu/internal/control"
	"hoalu/internal/wording"
	"hoalu/national"
	"hoalu/soc"
)

// openControl opens the socket, so that it is there once the appliance says that it is ready.
func (a *App) openControl(context.Context) (err error) {
	if a.control, err = control.Listen(a.opts.Data, a.log); err != nil {
		return err
	}
	a.down.Push("control socket", a.control.Close)
	return nil
}

// machine is who acts over the control socket: whoever may open the data folder.
var machine = soc.Actor{ID: "machine", Name: "quản trị tại máy", Roles: []soc.Role{soc.Administrator}}

// operations are the requests of the control socket, each with the part that answers it.
func (a *App) operations() []control.Operation {
	return slices.Concat(a.ownOperations(), a.sampleOperations(), a.intakeOperations(), a.senderOperations(), a.nationalOperations())
}

// ownOperations are about the appliance itself: state, people, rules, evidence.
func (a *App) ownOperations() []control.Operation {
	return []control.Operation{
		{Pattern: "GET /status", Do: func(r *http.Request) (any, error) { return a.status(r.Context()) }},
		{Pattern: "POST /admin/link", Do: func(r *http.Request) (any, error) {
			link, err := a.accounts.FirstLink(r.Context())
			return map[string]any{"url": a.firstURL(link.Token), "ends": link.Expires}, err
		}},
		{Pattern: "POST /token", Do: func(r *http.Request) (any, error) {
			var t identity.TokenRequest
			if err := control.Decode(r, &t); err != nil {
				return nil, err
			}
			if _, known := a.inventory.Snapshot().Unit(t.Unit); t.Unit != "" && !known {
				return nil, &soc.Problem{Status: 422, Code: "unit_unknown", Detail: "Unit " + t.Unit + " is not in the inventory.",
					Do: "Give its DV- number, as on the page Systems.", Values: map[string]string{"unit": t.Unit}}
			}
			tok, secret, err := a.accounts.CreateToken(r.Context(), machine, t)
			return map[string]any{"token": secret, "id": tok.ID, "ends": tok.Expires}, err
		}},
		{Pattern: "POST /rules/reload", Do: func(r *http.Request) (any, error) { return a.ReloadRules(r.Context(), machine) }},
		{Pattern: "GET /evidence/key", Do: func(r *http.Request) (any, error) {
			id, err := a.evidenceKey(r.Context())
			return map[string]string{"id": id}, err
		}},
		{Pattern: "POST /evidence", Stream: func(w io.Writer, r *http.Request) error {
			return a.exportPack(r.Context(), w, r.URL.Query(), machine)
		}},
	}
}

// sampleOperations put in and take out what did not happen: demo set and exercises.
func (a *App) sampleOperations() []control.Operation {
	return []control.Operation{
		{Pattern: "POST /demo/load", Do: func(r *http.Request) (any, error) { return a.DemoLoad(r.Context(), machine) }},
		{Pattern: "POST /demo/remove", Do: func(r *http.Request) (any, error) { return a.DemoRemove(r.Context(), machine) }},
		{Pattern: "POST /exercise", Do: func(r *http.Request) (any, error) { return a.exercises().Begin(r.Context(), machine) }},
		{Pattern: "POST /exercise/send", Do: func(r *http.Request) (any, error) {
			n, err := a.exercises().Send(r.Context(), r.URL.Query().Get("format"), r.Body)
			return map[string]int{"taken": n}, err
		}},
		{Pattern: "GET /exercise", Do: func(r *http.Request) (any, error) {
			alerts, err := a.exercises().Raised(r.Context(), r.URL.Query().Get("token"))
			return map[string]any{"alerts": alerts}, err
		}},
	}
}

// intakeOperations are about events that come by hand: files, and what the quarantine holds.
func (a *App) intakeOperations() []control.Operation {
	return []control.Operation{
		{Pattern: "POST /import", Do: func(r *http.Request) (any, error) {
			q := r.URL.Query()
			if set := q.Get("dataset"); set != "" && !a.datasets.Known(set) {
				return nil, &soc.Problem{Status: 422, Code: "dataset_unknown", Detail: "No decoder is called " + strconv.Quote(set) + ".",
					Do: "hoalu source list names them; without --dataset it is found out.", Values: map[string]string{"dataset": set}}
			}
			src, err := a.inventory.ImportSource(r.Context(), q.Get("source"))
			if err != nil {
				return nil, err
			}
			return file.Import(r.Context(), r.Body, q.Get("name"),
				file.ImportOptions{Source: src.ID, Dataset: q.Get("dataset"), Format: q.Get("format"), Trust: src.TrustLogsource,
					Reject: a.intake.Reject}, a.put(soc.SourceImport))
		}},
		{Pattern: "GET /quarantine", Do: func(r *http.Request) (any, error) {
			limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
			var sources []string
			if s := r.URL.Query().Get("source"); s != "" {
				sources = []string{s}
			}
			return quarantinePart{a}.List(r.Context(), sources, r.URL.Query().Get("reason"), r.URL.Query().Get("after"), max(1, min(limit, 1000)))
		}},
		{Pattern: "POST /quarantine/replay", Do: func(r *http.Request) (any, error) {
			var ids []string
			if s := r.URL.Query().Get("ids"); s != "" {
				ids = strings.Split(s, ",")
			}
			n, held, err := quarantinePart{a}.Replay(r.Context(), machine, ids, r.URL.Query().Get("source"), r.URL.Query().Get("reason"))
			return map[string]int64{"replayed": n, "held": held}, err
		}},
	}
}

// senderOperations are about sensors and sources: invitations, keys and certificates.
func (a *App) senderOperations() []control.Operation {
	return []control.Operation{
		{Pattern: "POST /sensor/invite", Do: func(r *http.Request) (any, error) {
			ttl, err := control.Duration(r.URL.Query(), "ttl", time.Hour)
			if err != nil {
				return nil, err
			}
			token, err := a.Invite(r.Context(), machine, r.URL.Query().Get("system"), ttl)
			return map[string]string{"token": token}, err
		}},
		{Pattern: "POST /sensor/revoke", Do: func(r *http.Request) (any, error) {
			q := r.URL.Query()
			return map[string]bool{"revoked": true}, a.enrolment.Revoke(r.Context(), machine, q.Get("sensor"), q.Get("reason"))
		}},
		{Pattern: "POST /source/key", Do: func(r *http.Request) (any, error) {
			q := r.URL.Query()
			d, err := control.Duration(q, "follow", -1)
			if err != nil {
				return nil, err
			}
			return a.issueKey(r.Context(), machine, q.Get("source"), q.Get("label"), d)
		}},
		{Pattern: "POST /source/certificate", Do: func(r *http.Request) (any, error) {
			q := r.URL.Query()
			d, err := control.Duration(q, "follow", -1)
			if err != nil {
				return nil, err
			}
			key, cert, private, err := a.issueCertificate(r.Context(), machine, q.Get("source"), q.Get("label"), d)
			return map[string]any{"key": key, "certificate": string(cert), "private": string(private),
				"authority": string(a.vault.Authority().RootPEM())}, err
		}},
		{Pattern: "GET /source/keys", Do: func(r *http.Request) (any, error) {
			src, err := a.inventory.KnownSource(r.URL.Query().Get("source"))
			return map[string]any{"keys": src.Keys}, err
		}},
		{Pattern: "POST /source/key/revoke", Do: func(r *http.Request) (any, error) {
			return map[string]bool{"revoked": true}, a.inventory.RevokeKey(r.Context(), machine, r.URL.Query().Get("source"),
				r.URL.Query().Get("key"))
		}},
		{Pattern: "GET /source/authority", Do: func(r *http.Request) (any, error) {
			return map[string]string{"pem": string(a.vault.Authority().RootPEM()), "fingerprint": a.rootDigest()}, nil
		}},
	}
}

// nationalOperations are about receiving points and reports.
func (a *App) nationalOperations() []control.Operation {
	return []control.Operation{
		{Pattern: "GET /national", Do: func(r *http.Request) (any, error) { return a.national.Summary(r.Context()) }},
		{Pattern: "POST /national/endpoint", Do: func(r *http.Request) (any, error) {
			var e national.Endpoint
			if err := control.Decode(r, &e); err != nil {
				return nil, err
			}
			id, err := a.national.PutEndpoint(r.Context(), machine, "", r.URL.Query().Get("add") != "", e)
			return map[string]int64{"destination": id}, national.Problem(err, e.ID)
		}},
		{Pattern: "DELETE /national/endpoint", Do: func(r *http.Request) (any, error) {
			return map[string]bool{"removed": true}, toDestination(r,
				func(id int64) error { return a.national.ClearEndpoint(r.Context(), machine, "", id, 0) })
		}},
		{Pattern: "POST /national/retry", Do: func(r *http.Request) (any, error) {
			n, err := a.national.Retry(r.Context(), machine, r.URL.Query().Get("report"))
			return map[string]int64{"reports": n}, err
		}},
		{Pattern: "POST /national/test", Do: func(r *http.Request) (any, error) {
			var out console.TestDone
			err := toDestination(r, func(id int64) (err error) { out, err = nationalPart{a}.Test(r.Context(), machine, id); return err })
			return out, err
		}},
		{Pattern: "POST /national/reconcile", Do: func(r *http.Request) (any, error) {
			var out national.Reconciliation
			err := toDestination(r, func(id int64) (err error) {
				out, err = a.national.Reconcile(r.Context(), machine, id, cmp.Or(r.URL.Query().Get("day"), day(time.Now())))
				return err
			})
			return out, err
		}},
	}
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
	return Status{Console: a.consoleURL(), Parts: machinePart{a}.Parts(ctx), Last: a.queue.State().Last, Stored: a.store.Position(),
		Counted: a.counted.Load(), Detected: a.detector.Detected(), Events: a.rate.PerSecond(), Accounts: any}, err
}

func (a *App) consoleURL() string {
	if a.consoleAddr == nil {
		return ""
	}
	_, port, _ := net.SplitHostPort(a.consoleAddr.String())
	return "http://localhost:" + port // WebAuthn has no name for an address
}

func (a *App) firstURL(token string) string { return a.consoleURL() + "/first#" + token }

// toDestination does something with the receiving point whose number is asked for, 0 the first one.
func toDestination(r *http.Request, do func(id int64) error) error {
	var id int64
	if text := r.URL.Query().Get("destination"); text != "" {
		var err error
		if id, err = strconv.ParseInt(text, 10, 64); err != nil || id < 1 {
			return wording.New("destination: must be the number of a receiving point, is %q", text)
		}
	}
	return national.Problem(do(id), id)
}
