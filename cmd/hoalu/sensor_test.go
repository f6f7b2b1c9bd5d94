package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"hoalu/internal/lang"
	"hoalu/soc"
)

// TestVietnameseSensor: whatever keeps a sensor from being enrolled or from running is said in Vietnamese.
func TestVietnameseSensor(t *testing.T) {
	t.Setenv("LC_ALL", "vi_VN.UTF-8")
	defer lang.Use("en")
	dir := t.TempDir()
	code, status := "", http.StatusForbidden
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		switch code {
		case "redirect":
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(http.StatusTemporaryRedirect)
		case "nonsense":
			fmt.Fprint(w, "<html>")
		case "no certificate":
			fmt.Fprint(w, `{"Sensor":"x","Certificate":"x","Authority":"x"}`)
		default:
			w.WriteHeader(status)
			fmt.Fprintf(w, `{"code":%q,"detail":"The detail is English.","do":"Do it."}`, code)
		}
	}))
	defer srv.Close()
	sum := sha256.Sum256(srv.Certificate().Raw)
	token := "secret." + hex.EncodeToString(sum[:])
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	damaged := filepath.Join(dir, "damaged")
	if err := os.Mkdir(damaged, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(damaged, "sensor.pem"), []byte("no PEM"), 0o600); err != nil {
		t.Fatal(err)
	}
	said := regexp.MustCompile(`(?i)\b(must|is|the|of|and|not|no|at|with|error|refused|dial|tls|x509|lookup|such|token|answer|certificate)\b`)
	enroll := func(server, token, identity string) []string {
		return []string{"sensor", "enroll", "--server", server, "--token", token, "--identity", identity}
	}
	enrolled := filepath.Join(dir, "enrolled")
	keepIdentity(t, enrolled)
	good := filepath.Join(dir, "id")
	for _, c := range []struct {
		code string
		args []string
		want string
	}{
		{"", enroll("http://x", token, good), "https://máy:8443"},
		{"", enroll(srv.URL, "short", good), "mã mời chưa đủ"},
		{"", enroll(srv.URL, token, filepath.Join(file, "x")), "không tạo được thư mục chứng thư"},
		{"", enroll("https://127.0.0.1:1", token, good), "máy chủ không trả lời ở cổng này"},
		{"", enroll("https://nowhere.invalid", token, good), "không biết tên nowhere.invalid"},
		{"", enroll(strings.Replace(srv.URL, "127.0.0.1", "localhost", 1), token, good), "chứng thư bên đó không cấp cho localhost"},
		{"", enroll(srv.URL, "secret."+strings.Repeat("0", 64), good), "không phải bộ thu nhận"},
		{"redirect", enroll(srv.URL, token, good), "chuyển hướng"},
		{"nonsense", enroll(srv.URL, token, good), "không đọc được trả lời"},
		{"no certificate", enroll(srv.URL, token, good), "không phải chứng thư cho khóa này"},
		{"enrolment_refused", enroll(srv.URL, token, good), "đã dùng hoặc đã quá hạn"},
		{"enrolment_off", enroll(srv.URL, token, good), "không ghi danh cảm biến"},
		{"not_allowed", enroll(srv.URL, token, good), "listen.senders"},
		{"unavailable", enroll(srv.URL, token, good), "chưa cấp được chứng thư"},
		{"", []string{"sensor", "run", "--identity", filepath.Join(dir, "none")}, "chưa ghi danh"},
		{"", []string{"sensor", "run", "--identity", damaged}, "đã hỏng"},
		{"", []string{"sensor", "run", "--identity", enrolled, "--no-host", "--interfaces", "khong-co"}, `không có giao diện mạng "khong-co"`},
		{"", []string{"sensor", "run", "--identity", dir, "--no-packet", "--no-host"}, "--no-packet"},
	} {
		code = c.code
		var out, errs bytes.Buffer
		got := run(c.args, &out, &errs)
		// but for commands, paths, flags and the log, which is in English for whoever reads many machines'
		bare := regexp.MustCompile("`[^`]*`|/\\S+|--\\S+|(?m)^time=.*$").ReplaceAllString(errs.String(), "")
		if got == 0 || !strings.Contains(errs.String(), c.want) {
			t.Errorf("hoalu %s, answered %s: exit code %d, said %q, want %q", strings.Join(c.args, " "), c.code, got, errs.String(), c.want)
		}
		if m := said.FindString(bare); m != "" {
			t.Errorf("hoalu %s says in English (%q): %s", strings.Join(c.args, " "), m, errs.String())
		}
	}
}

// TestSourceKeysCommandNoTerminal: what others wrote into labels and names reaches the terminal as text, and the rest in Vietnamese.
func TestSourceKeysCommandNoTerminal(t *testing.T) {
	t.Setenv("LC_ALL", "vi_VN.UTF-8")
	defer lang.Use("en")
	const attack = "\x1b]0;x\x07\x1b[2J\x1b[31mnhãn\u202e\u009b31m\r\n"
	dir := t.TempDir()
	socket, err := net.Listen("unix", filepath.Join(dir, "control.sock"))
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("source") == "NG-0002" {
			json.NewEncoder(w).Encode(map[string]any{"keys": []soc.SourceKey{}})
			return
		}
		json.NewEncoder(w).Encode(map[string]any{"keys": []soc.SourceKey{
			{ID: "k1" + attack, Kind: "key" + attack, Label: attack, By: "Người " + attack, Made: 1},
			{ID: "k2", Kind: soc.KeyCertificate, Label: "web-01", By: "An", Made: 1, Ends: 2, Used: 3}}})
	})}
	go srv.Serve(socket) //nolint:errcheck // ends with Close
	defer srv.Close()
	var out, errs bytes.Buffer
	if code := run([]string{"source", "key", "list", "--data", dir, "NG-0001"}, &out, &errs); code != 0 {
		t.Fatalf("exit code %d: %s", code, errs.String())
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], "nhãn") || !strings.Contains(lines[0], "không thời hạn") ||
		!strings.Contains(lines[0], "chưa") || !strings.Contains(lines[1], "web-01") || !strings.Contains(lines[1], "chứng thư") {
		t.Errorf("two keys are told as %q", out.String())
	}
	for _, line := range lines {
		if i := strings.IndexFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
			t.Errorf("%q is written to the terminal", line)
		}
	}
	out.Reset()
	code := run([]string{"source", "key", "list", "--data", dir, "NG-0002"}, &out, &errs)
	if code != 0 || out.Len() > 0 || !strings.Contains(errs.String(), "NG-0002 chưa có khóa hoặc chứng thư nào") {
		t.Errorf("a source without keys: exit code %d, %q and %q", code, out.String(), errs.String())
	}
}

// keepIdentity writes into dir what an enrolment with a collector that does not answer would have kept.
func keepIdentity(t *testing.T, dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)},
		&x509.Certificate{}, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"collector-ca.crt": certificate, "collector.url": []byte("https://127.0.0.1:1\n"),
		"sensor.pem": append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), certificate...)} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
