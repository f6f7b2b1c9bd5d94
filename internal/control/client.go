package control

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

	"hoalu/internal/wording"
	"hoalu/soc"
)

// Codes of the problems that a Client finds by itself; both have the data directory as value "data".
const (
	NotRunning = "not_running" // no appliance runs on the data directory
	NotAllowed = "not_allowed" // this user may not open the socket
)

// Client talks to the appliance running on a data directory. Safe for concurrent use.
type Client struct {
	data string
	http *http.Client
}

// NewClient returns a Client; nothing is contacted yet.
func NewClient(data string) *Client {
	path := filepath.Join(data, Name)
	return &Client{data: data,
		http: &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		}}}}
}

// IsNotRunning says whether an error of a Client means that no appliance runs on the data directory.
func IsNotRunning(err error) bool {
	var p *soc.Problem
	return errors.As(err, &p) && p.Code == NotRunning
}

// Call does one request and decodes the answer into v (nil: not wanted); body may be nil. What the appliance refuses, and what keeps it
// from being reached, is a *soc.Problem.
func (c *Client) Call(ctx context.Context, method, path string, q url.Values, body io.Reader, v any) error {
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

// Download writes a streamed answer to w. After an error w holds a part of it, or nothing.
func (c *Client) Download(ctx context.Context, path string, q url.Values, w io.Writer) error {
	res, err := c.open(ctx, http.MethodPost, path, q, nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, err = io.Copy(w, res.Body)
	return err
}

func (c *Client) open(ctx context.Context, method, path string, q url.Values, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://control"+path+"?"+q.Encode(), body)
	if err != nil {
		return nil, err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreached(err)
	}
	if res.StatusCode == http.StatusOK {
		return res, nil
	}
	defer res.Body.Close()
	var f failure
	if err := json.NewDecoder(io.LimitReader(res.Body, maxBody)).Decode(&f); err != nil || f.Error == "" {
		return nil, fmt.Errorf("the appliance answers %s", res.Status)
	}
	if p := f.Problem; p != nil {
		return nil, &soc.Problem{Status: p.Status, Code: p.Code, Detail: p.Detail, Do: p.Do, Values: p.Values, Uses: p.Uses}
	}
	if f.Words != nil {
		return nil, &answered{f.Error, f.Words}
	}
	return nil, errors.New(f.Error)
}

// answered is an error of the appliance; what of its text can be said in the language of who asked is the Problem that Unwrap gives.
type answered struct {
	text  string
	words *wording.Problem
}

func (a *answered) Error() string { return a.text }
func (a *answered) Unwrap() error { return a.words }

// unreached says why a request did not come to the appliance.
func (c *Client) unreached(err error) error {
	values := map[string]string{"data": c.data}
	if errors.Is(err, os.ErrPermission) {
		return &soc.Problem{Status: http.StatusForbidden, Code: NotAllowed, Values: values,
			Detail: "This user may not reach the appliance on " + c.data + " (permission denied).",
			Do:     "Run this as the user the appliance runs as."}
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return &soc.Problem{Status: http.StatusServiceUnavailable, Code: NotRunning, Values: values,
			Detail: "No appliance is running on " + c.data + ".", Do: "Start it with `hoalu serve --data " + c.data + "`."}
	}
	return err
}
