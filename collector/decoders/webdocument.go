package decoders

import (
	"strings"

	"hoalu/ecs"
)

// Members of access logs in JSON, in the words of nginx's variables, of the formats that Apache, Caddy and Traefik are set to, and
// of the grok patterns shippers use. The first that is there counts.
var (
	accessClient = members("remote_addr", "remote_ip", "remoteIP", "remoteAddr", "clientip", "client_ip", "clientIP", "request.remote_ip",
		"request.client_ip", "ClientHost")
	accessPort     = members("remote_port", "request.remote_port", "client_port", "ClientPort")
	accessStatus   = members("status", "status_code", "response", "http_status", "DownstreamStatus")
	accessRequest  = members("request", "request_line")
	accessMethod   = members("request_method", "method", "verb", "http_method", "request.method", "RequestMethod")
	accessURI      = members("request_uri", "uri", "url", "path", "request.uri", "RequestPath")
	accessQuery    = members("args", "query_string", "query")
	accessHost     = members("http_host", "vhost", "virtual_host", "server_name", "host", "request.host", "RequestHost")
	accessAgent    = members("http_user_agent", "user_agent", "userAgent", "agent", "request_User-Agent", "request.headers.User-Agent")
	accessReferrer = members("http_referer", "http_referrer", "referer", "referrer", "request_Referer", "request.headers.Referer")
	accessBytes    = members("body_bytes_sent", "bytes_sent", "bytes", "size", "response_size", "DownstreamContentSize")
	accessUser     = members("remote_user", "auth", "username", "user", "user_id", "ClientUsername")
	accessVersion  = members("server_protocol", "httpversion", "protocol", "proto", "request.proto", "RequestProtocol")
	accessForward  = members("http_x_forwarded_for", "x_forwarded_for", "xff")
	accessTLS      = members("ssl_protocol", "tls_version", "TLSVersion")
	accessCipher   = members("ssl_cipher", "tls_cipher", "TLSCipher")
	accessTime     = members("StartUTC", "time_iso8601", "msec", "time_local", "timestamp", "time", "ts", "date")
)

func members(names ...string) []ecs.Field {
	var out []ecs.Field
	for _, n := range names {
		out = append(out, ecs.Intern(n))
	}
	return out
}

// member is the text of the first of list that is there, with "-" read as nothing.
func member(e *ecs.Event, list []ecs.Field) string {
	for _, f := range list {
		if v, ok := e.Get(f); ok && v.Kind != ecs.Null {
			return dash(v.Text)
		}
	}
	return ""
}

// accessMembers are those that become one field whatever else the document holds.
var accessMembers = []struct {
	from []ecs.Field
	to   ecs.Field
	put  put
}{
	{accessBytes, fBodyBytes, putDigits}, {accessAgent, ecs.UserAgent, set}, {accessReferrer, ecs.HTTPReferrer, set},
	{accessUser, ecs.UserName, set}, {accessForward, fForwardedFor, set}, {accessCipher, fTLSCipher, set},
	{accessTLS, fTLSVersion, func(e *ecs.Event, f ecs.Field, s string) { set(e, f, strings.TrimPrefix(s, "TLSv")) }},
	{accessVersion, fHTTPVersion, func(e *ecs.Event, f ecs.Field, s string) {
		if v := strings.TrimPrefix(s, "HTTP/"); v != "" && v[0] >= '0' && v[0] <= '9' {
			set(e, f, v)
		}
	}},
}

// accessDocument reads an access log in JSON; false where the document has neither a request nor a status.
func accessDocument(e *ecs.Event, doc *document, o Options) bool {
	status, request, uri := member(e, accessStatus), member(e, accessRequest), member(e, accessURI)
	if status == "0" { // Caddy: the client was gone before an answer
		status = ""
	}
	if request == "" && uri == "" || status != "" && (len(status) != 3 || !digits(status)) {
		return false
	}
	product := webProduct(o.Dataset)
	if e.Time == 0 {
		e.Time = accessTimeOf(e)
	}
	client, _, _ := strings.Cut(member(e, accessClient), ",")
	setAddress(e, ecs.SourceIP, ecs.SourceAddress, ecs.SourcePort, client)
	putPort(e, ecs.SourcePort, member(e, accessPort))
	accessTarget(e, request, uri, product)
	if host := member(e, accessHost); host != "" {
		if doc.v[rHost] == host { // the virtual host is not the host that logs
			doc.has[rHost] = false
		}
		if i := strings.LastIndexByte(host, ':'); i > 0 && digits(host[i+1:]) {
			host = host[:i]
		}
		set(e, ecs.URLDomain, host)
	}
	if status != "" {
		putStatus(e, status)
	}
	for i := range accessMembers {
		m := &accessMembers[i]
		m.put(e, m.to, member(e, m.from))
	}
	set(e, ecs.EventCategory, "web")
	set(e, ecs.EventType, "access")
	e.SetLogsource(product, product, "webserver")
	return true
}

// accessTimeOf is the first member that is a time, in Unix milliseconds; 0 where none is.
func accessTimeOf(e *ecs.Event) int64 {
	for _, f := range accessTime {
		s := strings.Trim(e.Text(f), "[]")
		if s == "" {
			continue
		}
		if t, ok := numberTime(s); ok {
			return t
		}
		if t, ok := anyTime(s, utc); ok {
			return t
		}
	}
	return 0
}

// accessTarget stores what was asked for: from the line of the request where the document has it, else from its parts.
func accessTarget(e *ecs.Event, request, uri, product string) {
	switch {
	case strings.Contains(request, " HTTP/") || uri == "" && strings.IndexByte(request, ' ') > 0:
		putRequest(e, request, product)
	case uri == "":
		uri = request
	}
	if !e.Has(ecs.HTTPMethod) {
		set(e, ecs.HTTPMethod, member(e, accessMethod))
	}
	if uri == "" || e.Has(ecs.URLOriginal) {
		return
	}
	if query := strings.TrimPrefix(member(e, accessQuery), "?"); query != "" && strings.IndexByte(uri, '?') < 0 {
		uri += "?" + query
	}
	putURL(e, ecs.URLOriginal, uri)
}
