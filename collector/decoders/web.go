package decoders

import (
	"net/url"
	"strings"
	"time"

	"hoalu/ecs"
)

// Access and error logs of nginx and Apache httpd: the common and combined formats with what is commonly put before (virtual
// host, X-Forwarded-For list) and behind them, mod_log_config and ngx_http_log_module.

var (
	fHTTPVersion  = ecs.Intern("http.version")
	fBodyBytes    = ecs.Intern("http.response.body.bytes")
	fSourceDomain = ecs.Intern("source.domain")
	fThreadID     = ecs.Intern("process.thread.id")
	fApacheModule = ecs.Intern("apache.error.module")
	fForwardedFor = ecs.Intern("http.request.headers.x_forwarded_for")
	fUpstream     = ecs.Intern("nginx.error.upstream")
	fURLPort      = ecs.Intern("url.port")
	fURLScheme    = ecs.Intern("url.scheme")
)

// cutQuoted takes a "…" with backslash escapes off s; the value keeps its escapes as both servers write \xHH for bytes.
func cutQuoted(s string) (value, rest string, ok bool) {
	if s == "" || s[0] != '"' {
		return "", s, false
	}
	end := strings.IndexByte(s[1:], '"') + 1
	if end == 0 {
		return "", s, false
	}
	i := strings.IndexByte(s[1:end], '\\') + 1
	if i == 0 { // as nearly always: no escape before the quote
		return s[1:end], s[end+1:], true
	}
	for ; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return s[1:i], s[i+1:], true
		}
	}
	return "", s, false
}

// access reads one line of an access log; product is nginx, apache or "" (not known). False where s is none.
func access(e *ecs.Event, s, product string, zone *time.Location) bool {
	open := strings.IndexByte(s, '[')
	for open >= 0 { // an IPv6 client in brackets is not the time
		if open+21 < len(s) && s[open+3] == '/' && s[open+7] == '/' {
			break
		}
		next := strings.IndexByte(s[open+1:], '[')
		if next < 0 {
			return false
		}
		open += 1 + next
	}
	if open == 0 {
		return sslRequest(e, s, product, zone)
	}
	if open < 2 {
		return false
	}
	end := strings.IndexByte(s[open:], ']')
	if end < 0 {
		return false
	}
	t, ok := commonTime(s[open+1:open+end], zone)
	if !ok {
		return false
	}
	rest := strings.TrimLeft(s[open+end+1:], " ")
	request, rest, ok := cutQuoted(rest)
	if !ok {
		return false
	}
	status, tail := word(strings.TrimLeft(rest, " "))
	if len(status) != 3 || !digits(status) {
		return false
	}
	e.Time = t

	accessHead(e, strings.TrimRight(s[:open], " "))
	putRequest(e, request, product)
	putStatus(e, status)
	set(e, ecs.EventCategory, "web")
	set(e, ecs.EventType, "access")
	accessTail(e, tail)
	e.SetLogsource(product, product, "webserver")
	return true
}

// putStatus stores the three digits of an answer's status and what they mean.
func putStatus(e *ecs.Event, status string) {
	setNumber(e, ecs.HTTPStatus, status)
	outcome := "success"
	if status[0] >= '4' {
		outcome = "failure"
	}
	set(e, ecs.EventOutcome, outcome)
}

// accessHead reads what stands before the time: [vhost ]client[, client …] ident user.
func accessHead(e *ecs.Event, head string) {
	var parts [12]string
	n := 0
	for head != "" && n < len(parts) {
		var w string
		w, head = word(head)
		if w != "" {
			parts[n] = w
			n++
		}
	}
	p := parts[:n]
	if n >= 3 && !strings.HasSuffix(p[0], ",") && p[1] != "-" && !isIP(strings.Trim(p[0], "[]")) &&
		(isIP(p[1]) || isIP(strings.TrimSuffix(p[1], ","))) ||
		n >= 4 && !strings.HasSuffix(p[0], ",") && isIP(p[1]) && p[2] == "-" {
		vhost := p[0]
		if i := strings.LastIndexByte(vhost, ':'); i > 0 && digits(vhost[i+1:]) {
			setNumber(e, ecs.DestPort, vhost[i+1:])
			vhost = vhost[:i]
		}
		set(e, ecs.URLDomain, vhost)
		p = p[1:]
	}
	clients := 0
	for clients < len(p)-1 && strings.HasSuffix(p[clients], ",") {
		clients++
	}
	if len(p) > 0 {
		// Of a list of addresses the first public one is the client, as no proxy of ours has one.
		client := p[clients]
		if clients > 0 {
			for _, c := range p[:clients+1] {
				c = strings.TrimSuffix(c, ",")
				if isIP(c) && !privateIP(c) {
					client = c
					break
				}
			}
		}
		if client == "unix:" { // nginx: the client came over a local socket
			client = "-"
		}
		setAddress(e, ecs.SourceIP, ecs.SourceAddress, ecs.SourcePort, strings.TrimSuffix(client, ","))
		if !e.Has(ecs.SourceIP) && client != "-" {
			set(e, fSourceDomain, e.Text(ecs.SourceAddress))
		}
		p = p[clients+1:]
	}
	if len(p) > 0 {
		if user := strings.Trim(strings.Join(p[min(1, len(p)-1):], " "), `"`); user != "-" && user != "" {
			set(e, ecs.UserName, user)
		}
	}
}

// accessTail reads what stands behind the status: size, numbers that modules add, referrer, agent and the list of forwarders.
func accessTail(e *ecs.Event, tail string) {
	size, tail := word(tail)
	if digits(size) {
		setNumber(e, fBodyBytes, size)
	}
	// %I %O and times
	for tail = strings.TrimLeft(tail, " "); len(tail) > 0 && tail[0] >= '0' && tail[0] <= '9'; tail = strings.TrimLeft(tail, " ") {
		_, tail = word(tail)
	}
	if v, rest, ok := cutQuoted(tail); ok {
		if v != "-" {
			set(e, ecs.HTTPReferrer, v)
		}
		tail = strings.TrimLeft(rest, " ")
		if v, rest, ok := cutQuoted(tail); ok {
			if v != "-" {
				set(e, ecs.UserAgent, unquote(v))
			}
			tail = strings.TrimLeft(rest, " ")
		}
		if v, ok := strings.CutPrefix(tail, "X-Forwarded-For="); ok {
			tail = v
		}
		if v, _, ok := cutQuoted(tail); ok && v != "-" {
			if first, _, _ := strings.Cut(v, ","); isIP(strings.TrimSpace(first)) {
				set(e, fForwardedFor, v)
			}
		}
	}
}

// sslRequest reads mod_ssl's "%t %h %{SSL_PROTOCOL}x %{SSL_CIPHER}x \"%r\" %b" (ssl_request_log).
func sslRequest(e *ecs.Event, s, product string, zone *time.Location) bool {
	end := strings.IndexByte(s, ']')
	if end < 0 {
		return false
	}
	t, ok := commonTime(s[1:end], zone)
	if !ok {
		return false
	}
	client, rest := word(strings.TrimLeft(s[end+1:], " "))
	version, rest := word(rest)
	cipher, rest := word(rest)
	request, rest, ok := cutQuoted(strings.TrimLeft(rest, " "))
	if !ok || !isIP(client) && !hostLike(client) {
		return false
	}
	e.Time = t
	setAddress(e, ecs.SourceIP, ecs.SourceAddress, ecs.SourcePort, client)
	if version != "-" {
		set(e, fTLSVersion, strings.TrimPrefix(version, "TLSv"))
	}
	if cipher != "-" {
		set(e, fTLSCipher, cipher)
	}
	putRequest(e, request, product)
	if size, _ := word(strings.TrimLeft(rest, " ")); digits(size) {
		setNumber(e, fBodyBytes, size)
	}
	set(e, ecs.EventCategory, "web")
	set(e, ecs.EventType, "access")
	e.SetLogsource(product, product, "webserver")
	return true
}

// unquote undoes \" and \\, and leaves \xHH as it is.
func unquote(s string) string {
	if !strings.Contains(s, `\"`) && !strings.Contains(s, `\\`) {
		return s
	}
	return strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(s)
}

// putRequest takes "METHOD URI HTTP/1.1" apart.
func putRequest(e *ecs.Event, r, product string) {
	if r == "" || r == "-" {
		return
	}
	i := strings.IndexByte(r, ' ')
	j := strings.LastIndex(r, " HTTP/")
	switch {
	case i > 0 && j > i:
		target := r[i+1 : j]
		if method := r[:i]; methodLike(method) {
			set(e, ecs.HTTPMethod, method)
		} else if k := strings.LastIndexByte(target, ' '); k >= 0 {
			target = target[k+1:]
		}
		set(e, fHTTPVersion, r[j+6:])
		if target != "-" {
			putURL(e, ecs.URLOriginal, target)
		}
	// HTTP/0.9
	case i > 0 && i+1 < len(r) && methodLike(r[:i]) && strings.IndexByte(r[i+1:], ' ') < 0 &&
		(r[i+1] == '/' || strings.Contains(r[i+1:], "://")):
		set(e, ecs.HTTPMethod, r[:i])
		putURL(e, ecs.URLOriginal, r[i+1:])
	case product == "apache" && (strings.HasPrefix(r, `\x`) || strings.HasPrefix(r, `\n`)):
		// bytes that are no request at all stay in event.original
	default:
		set(e, ecs.URLOriginal, r)
	}
}

func methodLike(s string) bool {
	if s == "" || len(s) > 24 {
		return false
	}
	for i := range len(s) {
		if c := s[i] | 0x20; (c < 'a' || c > 'z') && s[i] != '-' && s[i] != '_' {
			return false
		}
	}
	return true
}

// putURL stores a request target: as it is under original, path (percent decoded), query, and host, port and scheme where it is absolute.
func putURL(e *ecs.Event, original ecs.Field, target string) {
	if target == "" {
		return
	}
	set(e, original, target)
	path := target
	if i := strings.LastIndexByte(target, ':'); i > 0 && digits(target[i+1:]) && hostLike(target[:i]) { // CONNECT host:port
		set(e, ecs.URLDomain, target[:i])
		putPort(e, fURLPort, target[i+1:])
		return
	}
	if i := strings.Index(target, "://"); i > 0 && i < 12 {
		rest := target[i+3:]
		host := rest
		path = "/"
		if j := strings.IndexAny(rest, "/?#"); j >= 0 {
			host, path = rest[:j], rest[j:]
		}
		set(e, fURLScheme, target[:i])
		if j := strings.LastIndexByte(host, ':'); j > 0 && digits(host[j+1:]) {
			setNumber(e, fURLPort, host[j+1:])
			host = host[:j]
		}
		set(e, ecs.URLDomain, host)
	}
	if i := strings.IndexByte(path, '?'); i >= 0 {
		set(e, ecs.URLQuery, path[i+1:])
		path = path[:i]
	}
	if strings.IndexByte(path, '%') >= 0 {
		if p, err := url.PathUnescape(path); err == nil {
			path = p
		}
	}
	set(e, ecs.URLPath, path)
}

// apacheError reads "[Thu Oct 13 12:24:49.880562 2022] [module:level] [pid 10:tid 14] [client 1.2.3.4:5] text".
func apacheError(e *ecs.Event, s string, received int64, zone *time.Location) bool {
	if len(s) < 26 || s[0] != '[' || s[4] != ' ' {
		return false
	}
	end := strings.IndexByte(s, ']')
	if end < 20 {
		return false
	}
	t, n := bsdTime(s[5:end], received, zone)
	if n == 0 {
		return false
	}
	e.Time = t
	text := apacheParts(e, strings.TrimLeft(s[end+1:], " "))
	if i := strings.Index(text, "[client "); i >= 0 && i < 64 && !e.Has(ecs.SourceIP) { // "mod_rewrite.c(470): [client …] …"
		if a, ok := between(text[i:], "[client ", "]"); ok {
			setAddress(e, ecs.SourceIP, ecs.SourceAddress, ecs.SourcePort, a)
		}
	}
	set(e, ecs.Message, text)
	apacheText(e, text)
	if !e.Has(ecs.EventCategory) {
		set(e, ecs.EventCategory, "web")
		set(e, ecs.EventType, "error")
	}
	e.SetLogsource("apache", "apache")
	return true
}

// apacheParts reads the parts in brackets before the text, which it answers.
func apacheParts(e *ecs.Event, s string) string {
	for strings.HasPrefix(s, "[") {
		end := strings.Index(s, "] ")
		if end < 0 {
			break
		}
		part := s[1:end]
		switch {
		case strings.HasPrefix(part, "pid "):
			pid, tid, _ := strings.Cut(part[4:], ":")
			setNumber(e, ecs.ProcessPID, pid)
			if tid, ok := strings.CutPrefix(tid, "tid "); ok {
				putDigits(e, fThreadID, tid)
			}
		case strings.HasPrefix(part, "client "), strings.HasPrefix(part, "remote "):
			a := part[7:]
			if i := strings.LastIndexByte(a, ':'); i > 0 && e.Has(fApacheModule) && strings.Count(a, ":") > 1 && a[0] != '[' && digits(a[i+1:]) &&
				isIP(a[:i]) {
				putPort(e, ecs.SourcePort, a[i+1:]) // since 2.4 there is always a port, behind an IPv6 address without brackets
				a = a[:i]
			}
			setAddress(e, ecs.SourceIP, ecs.SourceAddress, ecs.SourcePort, a)
		default:
			if e.Has(ecs.LogLevel) && !strings.Contains(part, ":") {
				return s
			}
			module, level, ok := strings.Cut(part, ":")
			if !ok {
				level, module = module, ""
			}
			set(e, fApacheModule, module)
			set(e, ecs.LogLevel, level)
		}
		s = strings.TrimLeft(s[end+1:], " ")
	}
	return s
}

// apacheText reads what the text of an error says of a file, or of a user who was not let in.
func apacheText(e *ecs.Event, s string) {
	if text, referrer, ok := strings.Cut(s, ", referer: "); ok {
		set(e, ecs.HTTPReferrer, referrer)
		s = text
	}
	if p, ok := strings.CutPrefix(s, "File does not exist: "); ok {
		set(e, ecs.FilePath, p)
		return
	}
	if i := strings.Index(s, ": File does not exist: "); i >= 0 {
		set(e, ecs.FilePath, s[i+len(": File does not exist: "):])
		return
	}
	for _, m := range [...]struct{ behind, before, after string }{ // of the user; of the target
		{" not found: ", " not found: ", ""},
		{": authentication failure for ", `failure for "`, `"`},
	} {
		if u, ok := between(s, "user ", m.behind); ok && strings.IndexByte(u, ' ') < 0 {
			set(e, ecs.UserName, u)
			target, _ := between(s, m.before, m.after)
			set(e, ecs.URLOriginal, target)
			authentication(e, "info", "http_login", "failure")
			return
		}
	}
}

// nginxPairs finds the "client: …, server: …" that nginx puts behind its text. The text before and the request in it are the
// client's to write: the place counts from which on everything is such a pair.
func nginxPairs(s string) string {
	const head = ", client: "
	first := ""
	for from := 0; from < 16<<10; {
		i := strings.Index(s[from:], head)
		if i < 0 {
			break
		}
		from += i + 2
		if first == "" {
			first = s[from:]
		}
		tail, whole := s[from:], true
		for tail != "" && whole {
			k, v, ok := strings.Cut(tail, ": ")
			if !ok {
				whole = tail == "server:" || strings.HasPrefix(tail, "bytes from/to ")
				break
			}
			switch k {
			case "client", "server", "request", "subrequest", "upstream", "host", "referrer", "login", "udp", "bytes from/to client",
				"bytes from/to upstream":
			default:
				whole = strings.HasPrefix(k, "bytes from/to ") || strings.HasPrefix(k, "server:,")
			}
			if _, r, ok := cutQuoted(v); ok {
				tail = strings.TrimPrefix(r, ", ")
			} else {
				_, tail, _ = strings.Cut(v, ", ")
			}
		}
		if whole {
			return s[from:]
		}
	}
	return first
}

// nginxError reads "2021/12/02 11:53:15 [error] 40#40: *42 text, client: …, server: …, request: "…", host: "…"".
func (d *Decoder) nginxError(e *ecs.Event, s string, zone *time.Location) bool {
	if len(s) < 22 || s[4] != '/' {
		return false
	}
	t, n := isoTime(s, zone)
	if n == 0 {
		return false
	}
	rest := strings.TrimLeft(s[n:], " ")
	level, ok := between(rest, "[", "] ")
	if !ok || rest[0] != '[' {
		return false
	}
	e.Time = t
	set(e, ecs.LogLevel, level)
	rest = rest[len(level)+3:]
	ids, rest, ok := strings.Cut(rest, ": ")
	if !ok {
		return false
	}
	pid, tid, _ := strings.Cut(ids, "#")
	if digits(pid) {
		setNumber(e, ecs.ProcessPID, pid)
	}
	if digits(tid) {
		setNumber(e, fThreadID, tid)
	}
	if strings.HasPrefix(rest, "*") {
		_, rest = word(rest)
	}
	set(e, ecs.Message, rest)
	if tail := nginxPairs(rest); tail != "" {
		for tail != "" {
			k, v, ok := strings.Cut(tail, ": ")
			if !ok {
				break
			}
			if q, r, ok := cutQuoted(v); ok {
				v, tail = q, strings.TrimPrefix(r, ", ")
			} else {
				v, tail, _ = strings.Cut(v, ", ")
			}
			switch k {
			case "client":
				setAddress(e, ecs.SourceIP, ecs.SourceAddress, ecs.SourcePort, v)
			case "request":
				putRequest(e, v, "nginx")
			case "host":
				if i := strings.LastIndexByte(v, ':'); i > 0 && digits(v[i+1:]) {
					v = v[:i]
				}
				set(e, ecs.URLDomain, v)
			case "server":
				if v != "" && v != "_" && !e.Has(ecs.URLDomain) && strings.IndexByte(v, ':') < 0 { // "0.0.0.0:443" is a listener
					set(e, ecs.URLDomain, v)
				}
			case "upstream":
				set(e, fUpstream, v)
			case "referrer":
				set(e, ecs.HTTPReferrer, v)
			}
		}
	}
	if u, ok := between(rest, `user "`, `"`); ok &&
		(strings.Contains(rest, "password mismatch") || strings.Contains(rest, "was not found in")) {
		set(e, ecs.UserName, u)
		authentication(e, "info", "http_login", "failure")
	} else {
		set(e, ecs.EventCategory, "web")
		set(e, ecs.EventType, "error")
	}
	e.SetLogsource("nginx", "nginx")
	return true
}
