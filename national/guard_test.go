package national

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"database/sql"
	"encoding/pem"
	"errors"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hoalu/national/delivery"
	"hoalu/soc"
	"hoalu/state"
)

// faulty panics, or fails, in what its words name; the rest is plain.
type faulty struct {
	plain
	panics, completes string
}

func (f *faulty) met(what, text string) {
	if word, ok := strings.CutPrefix(f.panics, what+" "); ok && strings.Contains(text, word) {
		panic("a fault of ours in " + what)
	}
}

func (f *faulty) Render(o delivery.Outgoing) ([]byte, error) {
	f.met("Render", o.Alert.Number)
	return f.plain.Render(o)
}

func (f *faulty) Complete(body []byte, _ delivery.Outgoing) ([]byte, error) {
	f.met("Complete", string(body))
	if f.completes != "" && strings.Contains(string(body), f.completes) {
		return nil, errors.New("it cannot be read")
	}
	return body, nil
}

func (f *faulty) Deliver(ctx context.Context, l delivery.Link, r soc.Report) (soc.Receipt, error) {
	f.met("Deliver", string(r.Body))
	return f.plain.Deliver(ctx, l, r)
}

func (f *faulty) Heartbeat(context.Context, delivery.Link, int64, int64) error {
	f.met("Heartbeat", "beat")
	return nil
}

// TestAFaultyForwarderStopsNothing: an adapter that panics (or fails) on one alert ends no process, holds up no other report and above all
// not the transaction that writes the alert; what became of the report is told with the cause.
func TestAFaultyForwarderStopsNothing(t *testing.T) {
	for _, f := range []*faulty{{panics: "Render CB-2"}, {panics: "Complete CB-2"}, {panics: "Deliver CB-2"}, {completes: "CB-2"}} {
		t.Run(f.panics+f.completes, func(t *testing.T) {
			s := serve(t, delivery.NoReceipt, f, func(*Service, *state.DB) {})
			for _, number := range []string{"CB-1", "CB-2", "CB-3"} {
				enqueue(t, s, s.state, number)
			}
			wait(t, s, "the others", func(x Summary) bool { return x.Accepted == 2 })
			var bad soc.Report
			wait(t, s, "the cause", func(Summary) bool {
				page, err := s.List(context.Background(), 0, "", "", "", 10)
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range page.Items {
					if r.Subject == "CB-2" {
						bad = r
					}
				}
				return bad.LastError != ""
			})
			if want := "a fault of ours in channel plain"; f.panics != "" && !strings.Contains(bad.LastError, want) {
				t.Errorf("the report says %q, want %q in it", bad.LastError, want)
			}
			if want := map[bool]string{true: soc.ReportRefused, false: soc.ReportWaiting}[strings.HasPrefix(f.panics, "Render")]; bad.State != want {
				t.Errorf("the report is %s, want %s", bad.State, want)
			}
		})
	}
}

// TestAFaultyHeartbeatIsToldAsTrouble: a heartbeat that panics is one that did not arrive.
func TestAFaultyHeartbeatIsToldAsTrouble(t *testing.T) {
	s := serve(t, delivery.NoReceipt, &faulty{panics: "Heartbeat beat"}, func(*Service, *state.DB) {})
	wait(t, s, "the trouble", func(Summary) bool {
		err := s.Ready(context.Background())
		return err != nil && strings.Contains(err.Error(), "a fault of ours in channel plain stopped it")
	})
}

// TestAnAlertOfAnUnknownChannelIsWritten: a database that an other version wrote may name a channel that this one does not have.
func TestAnAlertOfAnUnknownChannelIsWritten(t *testing.T) {
	s := serve(t, delivery.NoReceipt, &faulty{}, func(*Service, *state.DB) {})
	if err := s.state.Tx(context.Background(), func(tx *sql.Tx) error {
		if _, err := tx.Exec("UPDATE national_endpoint SET channel = 'other'"); err != nil {
			return err
		}
		return s.Enqueue(context.Background(), tx, soc.Alert{ID: "CB-9", Number: "CB-9", Severity: soc.High, State: soc.AlertNew}, true)
	}); err != nil {
		t.Error(err)
	}
}

// TestAListThatDoesNotComeIsToldInWords: why the centre's list was not got is said as everywhere, without the word that it is kept under.
func TestAListThatDoesNotComeIsToldInWords(t *testing.T) {
	st, err := state.Open(t.Context(), state.Config{Path: filepath.Join(t.TempDir(), "state.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	cfg := DefaultConfig()
	cfg.Timeout = 5 * time.Second
	s := New(cfg, st, Hooks{}, slog.New(slog.DiscardHandler))
	srv := httptest.NewTLSServer(nil)
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}))
	pub, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	key := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	if err := setEndpoint(s, t.Context(), soc.Actor{Name: "admin"},
		Endpoint{Channel: "json", URL: srv.URL, ServerCA: ca, ReceiptKey: key, OrganID: "O"}); err != nil {
		t.Fatal(err)
	}
	srv.Close() // nothing listens there any more
	_, err = s.Reconcile(t.Context(), soc.Actor{Name: "admin"}, 0, "2026-11-30")
	if err == nil || !strings.Contains(err.Error(), "get the centre's list of 2026-11-30: nothing listens at") {
		t.Errorf("Reconcile: %v", err)
	}
}
