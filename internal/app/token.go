package app

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"time"

	"hoalu/console/identity"
	"hoalu/internal/control"
	"hoalu/privacy"
	"hoalu/soc"
	"hoalu/state"
)

// CreateToken makes an API token: through the running appliance, or, when none runs on the data directory, in it.
func CreateToken(ctx context.Context, data, name string, roles []soc.Role, unit string, life time.Duration) (string, error) {
	req := identity.TokenRequest{Name: name, Roles: roles, Unit: unit, Life: life}
	body, err := json.Marshal(req)
	if err != nil {
		return "", err
	}
	var got struct{ Token string }
	err = control.NewClient(data).Call(ctx, "POST", "/token", nil, bytes.NewReader(body), &got)
	if err == nil {
		return got.Token, nil
	}
	if !control.IsNotRunning(err) {
		return "", err
	}
	path := filepath.Join(data, "state.db")
	if _, serr := os.Stat(path); serr != nil { // never make a database where there was none
		return "", err
	}
	db, err := state.Open(ctx, state.Config{Path: path})
	if err != nil {
		return "", err
	}
	defer db.Close()
	if len(privacy.Find(name, true)) > 0 { // its pseudonym needs the vault of an appliance that runs
		return "", &soc.Problem{Status: 422, Code: "token_name", Detail: "The name of a token must not hold a citizen's number.",
			Do: "Choose another name, such as the program that uses it."}
	}
	_, secret, err := identity.CreateToken(ctx, db, record, machine, req)
	return secret, err
}
