package console

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"hoalu/console/identity"
	"hoalu/soc"
)

// nonceMark stands in index.html where the nonce of its styles goes.
const nonceMark = "__CSP_NONCE__"

// index is the built web console.
type index struct {
	files fs.FS
	html  []byte
}

func openIndex(files fs.FS) (*index, error) {
	html, err := fs.ReadFile(files, "index.html")
	if err != nil {
		return nil, err
	}
	return &index{files: files, html: html}, nil
}

// guard stands before everything: it answers only to its own names (DNS rebinding), refuses writes from other sites and sets what
// browsers shall not do.
func (c *Console) guard(next http.Handler) http.Handler {
	cross := http.NewCrossOriginProtection()
	next = cross.Handler(next)
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		writeProblem(w, newProblem(languageOf(r, ""),
			&soc.Problem{Status: http.StatusForbidden, Code: "other_site", Detail: "This request comes from another site."}))
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		r = c.proxied(r)
		if overTLS(r) {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		if strings.HasPrefix(r.URL.Path, "/api/") {
			h.Set("Cache-Control", "no-store")
		}
		if !c.ours(r.Host) {
			writeProblem(w, newProblem(languageOf(r, ""),
				&soc.Problem{Status: http.StatusMisdirectedRequest, Code: "other_host", Detail: "This appliance does not answer to that name.",
					Values: map[string]string{"host": r.Host}}))
			return
		}
		defer func() {
			if v := recover(); v != nil {
				if v == http.ErrAbortHandler {
					panic(v)
				}
				writeProblem(w, c.problem(r.Context(), &call{Lang: languageOf(r, ""), op: operation{Method: r.Method, Path: r.URL.Path}},
					fmt.Errorf("panic: %v", v)))
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// hostName is the name in a Host header.
func hostName(host string) string {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(name, "[]"), "."))
}

func (c *Console) named(name string) bool {
	return slices.ContainsFunc(c.Hosts, func(h string) bool { return strings.EqualFold(h, name) })
}

type proxiedKey struct{}

// proxied is the request as the person made it, when it comes under one of Hosts without TLS of our own: through the TLS proxy of this
// machine that an administrator has declared by that name. The proxy adds whom it speaks for at the end of X-Forwarded-For; what
// stands before that is the asker's own word. Without it the asker is not known, and is nobody of this machine either.
func (c *Console) proxied(r *http.Request) *http.Request {
	if c.TLS != nil || !c.named(hostName(r.Host)) {
		return r
	}
	peer := "proxy"
	if via := r.Header.Values("X-Forwarded-For"); len(via) > 0 {
		last := via[len(via)-1]
		if a, err := netip.ParseAddr(strings.TrimSpace(last[strings.LastIndex(last, ",")+1:])); err == nil {
			peer = a.Unmap().String()
		}
	}
	r = r.WithContext(context.WithValue(r.Context(), proxiedKey{}, true))
	r.RemoteAddr = net.JoinHostPort(peer, "0")
	return r
}

// overTLS reports whether the person's browser speaks TLS.
func overTLS(r *http.Request) bool {
	return r.TLS != nil || r.Context().Value(proxiedKey{}) != nil
}

func (c *Console) ours(host string) bool {
	name := hostName(host)
	if name == "localhost" || c.named(name) {
		return true
	}
	ip := net.ParseIP(name)
	return ip != nil && ip.IsLoopback()
}

// web registers what is not an operation of the API.
func (c *Console) web() {
	r := c.router
	r.Get("/api/stream", c.stream)
	r.Get("/healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Write([]byte("ok\n")) //nolint:errcheck // the asker is gone
	})
	r.Get("/readyz", c.readyz)
	if c.Metrics != nil {
		r.Get("/metrics", c.metrics)
	}
	r.NotFound(c.file)
	r.MethodNotAllowed(func(w http.ResponseWriter, r *http.Request) {
		for _, m := range []string{get, http.MethodHead, post, put, del} {
			if c.router.Match(chi.NewRouteContext(), m, r.URL.Path) {
				w.Header().Add("Allow", m)
			}
		}
		writeProblem(w, newProblem(languageOf(r, ""),
			&soc.Problem{Status: http.StatusMethodNotAllowed, Code: "method_wrong", Detail: "This address does not take " + r.Method + "."}))
	})
}

// readyz tells each part with its reason; 503 when one is not ready.
func (c *Console) readyz(w http.ResponseWriter, r *http.Request) {
	parts := partStates(r.Context(), c.Parts, c.Accounts)
	ready := !slices.ContainsFunc(parts, func(p soc.Part) bool { return !p.Ready })
	if c.aboutMachine(r, "readyz") != nil { // reasons tell of folders and addresses
		for i := range parts {
			parts[i].Reason, parts[i].Said = "", nil
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if !ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	json.NewEncoder(w).Encode(map[string]any{"ready": ready, "parts": parts}) //nolint:errcheck // the asker is gone
}

// partsWait is how long the accounts may take to be read when the parts are asked how they are.
const partsWait = 3 * time.Second

// partStates are how the parts are, for /readyz, the status bar and the page alike.
func partStates(ctx context.Context, p Parts, people *identity.Accounts) []soc.Part {
	parts := []soc.Part{}
	if p.missing(needs(partMachine)) != "" {
		parts = append(parts, soc.Part{Name: "machine", Reason: "nothing is known of this machine"})
	} else {
		parts = append(parts, p.Machine.Parts(ctx)...)
	}
	ctx, cancel := context.WithTimeout(ctx, partsWait) // a state database that hangs must not hide which part hangs
	defer cancel()
	if _, err := people.Any(ctx); err != nil {
		parts = append(parts, soc.Part{Name: "console", Reason: err.Error(),
			Said: map[string]string{"vi": word("vi", "accounts_unread"), "en": word("en", "accounts_unread")}})
	} else {
		parts = append(parts, soc.Part{Name: "console", Ready: true})
	}
	return parts
}

// metrics are for this machine, and for tokens that may read the parts.
func (c *Console) metrics(w http.ResponseWriter, r *http.Request) {
	if refuse := c.aboutMachine(r, "metrics"); refuse != nil {
		refuse(w)
		return
	}
	c.Metrics.ServeHTTP(w, r)
}

// aboutMachine is nil for who may know how the machine is: somebody on it, and whoever may read the parts. Else it refuses.
func (c *Console) aboutMachine(r *http.Request, id string) (refuse func(http.ResponseWriter)) {
	if ip := net.ParseIP(address(r)); ip != nil && ip.IsLoopback() {
		return nil
	}
	k := &call{Lang: languageOf(r, ""), r: r, op: operation{Method: get, Path: r.URL.Path, ID: id, Action: "parts.read"}}
	err := c.identify(k, k.op.Action)
	if err == nil {
		return nil
	}
	return func(w http.ResponseWriter) {
		k.w = w
		c.refuse(r.Context(), k, err)
	}
}

// file serves the web console: files under assets/ never change under their name; every other path that is no file is a page of it.
func (c *Console) file(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/api/") || c.site == nil || (r.Method != http.MethodGet && r.Method != http.MethodHead) {
		writeProblem(w, newProblem(languageOf(r, ""),
			&soc.Problem{Status: http.StatusNotFound, Code: "no_such_address", Detail: "There is nothing at this address."}))
		return
	}
	name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
	if name == "" || name == "index.html" || (path.Ext(name) == "" && !strings.HasPrefix(name, "assets/")) {
		c.page(w, r)
		return
	}
	if strings.HasPrefix(name, ".") || strings.Contains(name, "/.") { // what the build left for itself
		http.NotFound(w, r)
		return
	}
	// Precompressed beside the file by the build; the browser says what it takes.
	accept := r.Header.Get("Accept-Encoding")
	data, encoding := []byte(nil), ""
	for _, e := range []struct{ ext, name string }{{".br", "br"}, {".gz", "gzip"}} {
		if strings.Contains(accept, e.name) {
			if b, err := fs.ReadFile(c.site.files, name+e.ext); err == nil {
				data, encoding = b, e.name
				break
			}
		}
	}
	if data == nil {
		b, err := fs.ReadFile(c.site.files, name)
		if err != nil || strings.HasSuffix(name, ".br") || strings.HasSuffix(name, ".gz") {
			http.NotFound(w, r)
			return
		}
		data = b
	}
	h := w.Header()
	kind := mime.TypeByExtension(path.Ext(name))
	if kind == "" {
		kind = "application/octet-stream"
	}
	h.Set("Content-Type", kind)
	h.Set("Vary", "Accept-Encoding")
	if encoding != "" {
		h.Set("Content-Encoding", encoding)
	}
	if strings.HasPrefix(name, "assets/") {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		h.Set("Cache-Control", "no-cache")
	}
	h.Set("Content-Length", strconv.Itoa(len(data)))
	if r.Method == http.MethodGet {
		w.Write(data) //nolint:errcheck // the browser is gone
	}
}

// page answers index.html with a nonce of its own.
func (c *Console) page(w http.ResponseWriter, r *http.Request) {
	b := make([]byte, 18)
	rand.Read(b) //nolint:errcheck // never fails (Go 1.24)
	nonce := base64.StdEncoding.EncodeToString(b)
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-"+nonce+
		"'; img-src 'self' data:; font-src 'self'; "+
		"connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'")
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	if r.Method == http.MethodGet {
		w.Write(bytes.ReplaceAll(c.site.html, []byte(nonceMark), []byte(nonce))) //nolint:errcheck // the browser is gone
	}
}

// link is a one-time link under a name others can reach: the one asked under where it is one of the served names, else the first of
// them. Without any this appliance is reached on this machine only.
func (c *Console) link(l identity.Link, r *http.Request) string {
	host, scheme := r.Host, "http"
	if !c.named(hostName(host)) && len(c.Hosts) > 0 {
		host, scheme = c.Hosts[0], "https" // a served name stands behind TLS, ours or the proxy's
	} else if overTLS(r) {
		scheme = "https"
	}
	return scheme + "://" + host + l.Path()
}
