package console

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"hoalu/soc"
)

const cookieName = "hoalu"

// A call is one request with its actor.
type call struct {
	Actor soc.Actor
	Lang  string
}

type callKey struct{}

func callOf(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call)
	if c == nil {
		c = &call{Lang: "vi"}
	}
	return c
}

// Problem is an error for a person (RFC 9457, decision 26).
type Problem struct {
	Type   string            `json:"type" doc:"urn:hoalu:problem:<code>"`
	Title  string            `json:"title"`
	Status int               `json:"status"`
	Code   string            `json:"code" doc:"stable"`
	Detail string            `json:"detail" doc:"what is wrong, in the request's language"`
	Do     string            `json:"do,omitempty" doc:"what to do"`
	Fields []ProblemField    `json:"fields,omitempty"`
	Values map[string]string `json:"values,omitempty"`
	Trace  string            `json:"trace,omitempty" doc:"give it to the administrator"`
}

// ProblemField is one place of the input.
type ProblemField struct {
	Name   string `json:"name"`
	Detail string `json:"detail"`
	Column int    `json:"column,omitempty" doc:"1-based, in a query"`
}

func (p *Problem) Error() string { return p.Detail }

// GetStatus is the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is that of RFC 9457.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

func unavailable(part string) error {
	return &soc.Problem{Status: http.StatusServiceUnavailable, Code: "part_unavailable", Detail: part + " does not answer.", Values: map[string]string{"part": part}}
}

func (c *Console) problem(ctx context.Context, call *call, op operation, err error) error {
	var p *soc.Problem
	if errors.As(err, &p) {
		return &Problem{Status: p.Status, Code: p.Code, Detail: p.Detail, Do: p.Do, Values: p.Values}
	}
	return err
}

func (c *Console) authorise(op operation) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) { next(ctx) }
}
