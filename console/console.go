// Package console is the HTTP side of Hoa Lư: the API of /api (OpenAPI 3.1 at /api/openapi.json), the log-in, the notices of
// open browsers and the files of the web console.
//
// Words: an operation is one method and path of the API, with an action of the policy ("alerts.read"); a call is one request with
// its Actor; a Frame says how much an answer holds and until when it may be believed (decision 26); a Problem is an error for a
// person (RFC 9457) with a stable code.
//
// What the console needs of other parts it declares in parts.go in words of soc; internal/app hands the implementations in. A part
// that is not there is answered with the Problem part_unavailable, never with invented data. Rights are decided by console/authz on
// every call; rows outside an actor's scope are answered exactly like rows that do not exist.
//
// A Console is safe for concurrent use. Handler never blocks on a browser that does not read; Run blocks until ctx ends.
package console

//go:generate go test -run TestOpenAPI -update .

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"
)

// Console answers the API and serves the web console.
type Console struct {
	router chi.Router
	api    huma.API
}

// New builds a Console.
func New() *Console {
	huma.DefaultArrayNullable = false
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
		return &Problem{Status: status, Title: http.StatusText(status), Detail: msg}
	}
	r := chi.NewRouter()
	c := &Console{router: r}
	c.api = newAPI(r, "1")
	c.operations()
	return c
}
