package vault_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"hoalu/vault"
)

func TestSecretIsNeverSeen(t *testing.T) {
	s := vault.NewSecret([]byte("hunter2"))
	type config struct {
		Token vault.Secret
		Ptr   *vault.Secret
	}
	c := config{s, &s}
	var seen []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		seen = append(seen, fmt.Sprintf(verb, s), fmt.Sprintf(verb, &s), fmt.Sprintf(verb, c), fmt.Sprintf(verb, []vault.Secret{s}))
	}
	j, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	y, err := yaml.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "token", s, "config", c, "err", fmt.Errorf("bad %v: %w", s, errors.New("x")))
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "token", s, "config", c)
	seen = append(seen, string(j), string(y), log.String(), s.String())
	for _, text := range seen {
		for _, leak := range []string{"hunter2", "68756e74657232", "68756E74657232", "104 117", "aHVudGVyMg"} {
			if strings.Contains(text, leak) {
				t.Errorf("%q shows the secret", text)
			}
		}
	}
	if string(s.Reveal()) != "hunter2" {
		t.Error("Reveal does not give it")
	}
	raw := s.Reveal()
	c.Ptr.Destroy()
	if len(s.Reveal()) != 0 || !bytes.Equal(raw, make([]byte, 7)) {
		t.Errorf("after Destroy: %q, bytes %v", s.Reveal(), raw)
	}
	if (vault.Secret{}).Reveal() != nil {
		t.Error("the zero Secret is not empty")
	}
}
