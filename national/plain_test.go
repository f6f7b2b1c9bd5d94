package national

import (
	"context"
	"database/sql"
	"encoding/pem"
	"errors"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hoalu/national/delivery"
	"hoalu/soc"
	"hoalu/state"
	"hoalu/state/statetest"
)

// plain is a far side that can do nothing but take reports.
type plain struct {
	mu     sync.Mutex
	bodies []string
	poison string // reports with it are not taken
}

func (p *plain) Render(o delivery.Outgoing) ([]byte, error) {
	return []byte("plain " + o.Kind + " " + o.Alert.Number + " " + o.Organ), nil
}

func (p *plain) Deliver(_ context.Context, _ delivery.Link, r soc.Report) (soc.Receipt, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.poison != "" && strings.Contains(string(r.Body), p.poison) {
		return soc.Receipt{}, errors.New("cannot take this")
	}
	p.bodies = append(p.bodies, string(r.Body))
	return soc.Receipt{ID: "T-1", Verified: true, Raw: []byte("250 queued")}, nil
}

// plainService runs a link whose table has one more row, with an endpoint on it.
func plainService(t *testing.T, receipts delivery.Receipts, p *plain, before func(*Service, *state.DB)) *Service {
	t.Helper()
	return serve(t, receipts, p, before)
}

// serve is plainService with any adapter on the row "plain".
func serve(t *testing.T, receipts delivery.Receipts, p Adapter, before func(*Service, *state.DB)) *Service {
	t.Helper()
	table := forwarders
	t.Cleanup(func() { forwarders = table })
	forwarders = append(slices.Clone(table), forwarder{Channel{Name: "plain", Receipts: receipts}, func() Adapter { return p }})
	ctx, cancel := context.WithCancel(context.Background())
	st := statetest.Open(t)
	cfg := DefaultConfig()
	cfg.RetryFirst, cfg.RetryMost, cfg.Heartbeat = time.Millisecond, 20*time.Millisecond, 10*time.Millisecond
	s := New(cfg, st, Hooks{Alert: func(_ context.Context, number string) (soc.Alert, bool, error) {
		return soc.Alert{Number: number, Severity: soc.High}, number != "CB-gone", nil
	}}, slog.New(slog.DiscardHandler))
	before(s, st)
	srv := httptest.NewTLSServer(nil)
	t.Cleanup(srv.Close)
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}))
	if err := setEndpoint(s, ctx, soc.Actor{Name: "admin"}, Endpoint{Channel: "plain", URL: srv.URL, ServerCA: ca, OrganID: "O"}); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done; st.Close() })
	return s
}

func enqueue(t *testing.T, s *Service, st *state.DB, number string) {
	t.Helper()
	if err := st.Tx(context.Background(), func(tx *sql.Tx) error {
		return s.Enqueue(context.Background(), tx, soc.Alert{ID: number, Number: number, Severity: soc.High, State: soc.AlertNew}, true)
	}); err != nil {
		t.Fatal(err)
	}
}

func wait(t *testing.T, s *Service, what string, ok func(Summary) bool) Summary {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; {
		sum, err := s.Summary(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if ok(sum) {
			return sum
		}
		if time.Now().After(end) {
			t.Fatalf("waiting for %s: %+v", what, sum)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// TestPlainChannelClaimsNothing: over a channel without signed receipts, heartbeats and lists reports go out, and none of the three is
// claimed.
func TestPlainChannelClaimsNothing(t *testing.T) {
	ctx := context.Background()
	for _, receipts := range []delivery.Receipts{delivery.Transport, delivery.NoReceipt} {
		t.Run(string(receipts), func(t *testing.T) {
			p := &plain{}
			s := plainService(t, receipts, p, func(s *Service, st *state.DB) { enqueue(t, s, st, "CB-1"); enqueue(t, s, st, "CB-gone") })
			sum := wait(t, s, "a delivery and a refusal", func(x Summary) bool { return x.Accepted == 1 && x.Refused == 1 })
			if sum.Heartbeat != 0 || sum.HeartbeatSent != 0 || sum.Beats || sum.Lists || sum.Channel != "plain" {
				t.Errorf("the link claims heartbeats or lists: %+v", sum)
			}
			if (sum.LastReceipt != 0) != (receipts == delivery.Transport) {
				t.Errorf("last receipt %d on a channel with receipts %s", sum.LastReceipt, receipts)
			}
			p.mu.Lock()
			if got := strings.Join(p.bodies, "|"); got != "plain alert CB-1 O" {
				t.Errorf("the far side got %q; want the report made before the endpoint, rendered for this channel", got)
			}
			p.mu.Unlock()
			about, err := s.OfSubject(ctx, "CB-1")
			if err != nil || len(about) != 1 {
				t.Fatalf("reports about CB-1: %v, %v", about, err)
			}
			rc := about[0].Receipt
			if receipts == delivery.NoReceipt && rc != nil {
				t.Errorf("a receipt is shown that nobody gave: %+v", rc)
			}
			if receipts == delivery.Transport && (rc == nil || rc.Verified || rc.Kind != "transport") {
				t.Errorf("the transport's word is shown as %+v; want it unverified and named as what it is", rc)
			}
			gone, err := s.OfSubject(ctx, "CB-gone")
			if err != nil || len(gone) != 1 || !strings.Contains(gone[0].LastError, "made for channel json, and channel plain cannot carry it") {
				t.Errorf("a report that cannot be rendered anew: %+v, %v; want it refused with the cause", gone, err)
			}
			if _, err := s.Reconcile(ctx, soc.Actor{}, 0, time.Now().In(soc.Zone).Format(time.DateOnly)); !errors.Is(err, ErrNoList) {
				t.Errorf("Reconcile = %v, want ErrNoList", err)
			}
			if days, err := s.Reconciliations(ctx, 1, 10); err != nil || len(days) != 0 {
				t.Errorf("a day that could not be compared is kept as %+v, %v", days, err)
			}
		})
	}
}

// TestPlainChannelIsNotBlocked: without heartbeats too a report that the far side never takes lets the others go.
func TestPlainChannelIsNotBlocked(t *testing.T) {
	p := &plain{poison: "CB-1"}
	s := plainService(t, delivery.Transport, p, func(s *Service, st *state.DB) { enqueue(t, s, st, "CB-1"); enqueue(t, s, st, "CB-2") })
	if sum := wait(t, s, "the report behind", func(x Summary) bool { return x.Accepted == 1 }); sum.Waiting != 1 {
		t.Errorf("%d wait, want the one that is never taken", sum.Waiting)
	}
}

func setEndpoint(s *Service, ctx context.Context, by soc.Actor, e Endpoint) error {
	_, err := s.PutEndpoint(ctx, by, "", false, e)
	return err
}

// TestEndpointIsSetWithItsReason: why an administrator set or removed a receiving point is on record, and who saves over a state that
// somebody else has changed since is told. The reason was asked for and thrown away, and the last to save won.
func TestEndpointIsSetWithItsReason(t *testing.T) {
	var deeds []soc.Deed
	s := plainService(t, delivery.Transport, &plain{}, func(s *Service, _ *state.DB) {
		s.hooks.Record = func(_ context.Context, _ *sql.Tx, d soc.Deed) error {
			deeds = append(deeds, d)
			return nil
		}
	})
	ctx := context.Background()
	e, err := s.Endpoint(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	e.OrganID = "H43"
	if _, err := s.PutEndpoint(ctx, soc.Actor{Name: "lan"}, "new number", false, e); err != nil {
		t.Fatal(err)
	}
	_, err = s.PutEndpoint(ctx, soc.Actor{Name: "minh"}, "late", false, e) // of the state before
	var p *soc.Problem
	if !errors.As(err, &p) || p.Code != "conflict" || p.Values["by"] != "lan" || p.Values["at"] == "" {
		t.Errorf("saving over another's change: %v", err)
	}
	if now, err := s.Endpoint(ctx, 0); err != nil || now.SetBy != "lan" || now.Version != e.Version+1 {
		t.Errorf("the receiving point is %+v, %v; want lan's", now, err)
	}
	for _, seen := range []int64{e.Version, Seen(0)} { // the state before, and none
		p = nil
		err := s.ClearEndpoint(ctx, soc.Actor{Name: "minh"}, "late", e.ID, seen)
		if !errors.As(err, &p) || p.Code != "conflict" || p.Values["by"] != "lan" {
			t.Errorf("removing over another's change, seen version %d: %v", seen, err)
		}
	}
	first := e
	first.ID, first.Version, p = 0, Seen(0), nil
	if _, err = s.PutEndpoint(ctx, soc.Actor{Name: "minh"}, "first", false, first); !errors.As(err, &p) || p.Code != "conflict" {
		t.Errorf("setting the first one over another's first: %v", err)
	}
	if now, err := s.Endpoint(ctx, 0); err != nil || now.SetBy != "lan" || now.Version != e.Version+1 {
		t.Errorf("the receiving point is %+v, %v; want lan's", now, err)
	}
	if err := s.ClearEndpoint(ctx, soc.Actor{Name: "lan"}, "moved", e.ID, e.Version+1); err != nil {
		t.Fatal(err)
	}
	late := e
	late.ID, late.Version = 0, e.Version+1
	if _, err = s.PutEndpoint(ctx, soc.Actor{Name: "minh"}, "changed", false, late); !errors.Is(err, ErrNoEndpoint) {
		t.Errorf("changing what was removed meanwhile: %v", err)
	}
	var reasons []string
	for _, d := range deeds {
		if d.Action == "national.endpoint" {
			reasons = append(reasons, d.Actor.Name+": "+d.Reason)
		}
	}
	if got := strings.Join(reasons, ", "); got != "admin: , lan: new number, lan: moved" {
		t.Errorf("deeds: %s", got)
	}
}
