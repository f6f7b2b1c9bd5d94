package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"database/sql"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"hoalu/compliance/evidence"
	"hoalu/soc"
	"hoalu/state"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"hoalu": main})
}

// TestScripts runs the commands as a person does (testdata/script). "code N hoalu …" wants exit code N; "pack FILE" makes a small
// evidence pack; "flip FILE TEXT" changes a byte of TEXT in FILE.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("XDG_CONFIG_HOME", filepath.Join(e.WorkDir, "config"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg || len(args) < 2 {
					ts.Fatalf("usage: code N command …")
				}
				err := ts.Exec(args[1], args[2:]...)
				got := "0"
				if x, ok := err.(interface{ ExitCode() int }); ok {
					got = string(rune('0' + x.ExitCode()))
				} else if err != nil {
					ts.Fatalf("%v", err)
				}
				if got != args[0] {
					ts.Fatalf("exit code %s, want %s", got, args[0])
				}
			},
			"pack": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), makePack(t), 0o600))
			},
			"flip": func(ts *testscript.TestScript, _ bool, args []string) {
				raw, err := os.ReadFile(ts.MkAbs(args[0]))
				ts.Check(err)
				i := bytes.Index(raw, []byte(args[1]))
				if i < 0 {
					ts.Fatalf("%s does not hold %q", args[0], args[1])
				}
				raw[i] ^= 1
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), raw, 0o600))
			},
		},
	})
}

// makePack writes a pack of one alert and one deed under a real log.
func makePack(t *testing.T) []byte {
	t.Helper()
	ctx := context.Background()
	dir := t.TempDir()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	db, err := state.Open(ctx, state.Config{Path: filepath.Join(dir, "state.db")})
	check(err)
	defer db.Close()
	var signer crypto.Signer
	signer, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	log, err := evidence.OpenLog(ctx, evidence.LogConfig{Dir: filepath.Join(dir, "log"), Interval: time.Second}, db, signer,
		slog.New(slog.DiscardHandler))
	check(err)
	defer log.Close()
	check(db.Tx(ctx, func(tx *sql.Tx) error {
		_, err := evidence.Record(ctx, tx, soc.Deed{Actor: soc.Actor{ID: "an", Name: "An"}, Action: "alert.close", Object: "CB-2026-000001",
			Reason: "false alarm"})
		return err
	}))
	check(log.Append(ctx))
	deeds, err := evidence.After(ctx, db.Read(), 0, 10)
	check(err)
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if head, err := log.Head(ctx); err == nil && head.Size == 1 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the log has no head within 20 s")
		}
	}
	var out bytes.Buffer
	check(log.WritePack(ctx, &out, evidence.Header{System: "HT-001", Name: "Cổng dịch vụ công", Level: 3, To: 1, Reason: "test"},
		[]evidence.PackRecord{{Kind: "alert", ID: "CB-2026-000001", Data: map[string]string{"title": "guessed password"}}}, deeds, signer))
	return out.Bytes()
}
