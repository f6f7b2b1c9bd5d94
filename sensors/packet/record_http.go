package packet

import (
	"bytes"
	"strconv"
)

func (a *Analyzer) httpRecord(f *flow, tx *httpTx) {
	if f.excluded || a.skipped(HTTP) {
		return
	}
	a.begin(tx.at, f, httpRecord)
	if tx.req {
		a.bytes(`,"http.request.method":`, tx.method)
		a.bytes(`,"url.original":`, tx.uri)
		path, query := tx.uri, []byte(nil)
		if i := bytes.Index(path, []byte("://")); i > 0 && i < 8 { // absolute form, to a proxy
			a.bytes(`,"url.scheme":`, path[:i])
			path = path[i+3:]
			if j := bytes.IndexByte(path, '/'); j >= 0 {
				path = path[j:]
			} else {
				path = []byte("/")
			}
		} else {
			a.raw(`,"url.scheme":"http"`)
		}
		if string(tx.method) != "CONNECT" {
			if i := bytes.IndexByte(path, '#'); i >= 0 {
				path = path[:i]
			}
			if i := bytes.IndexByte(path, '?'); i >= 0 {
				path, query = path[:i], path[i+1:]
			}
			a.option(`,"url.path":`, path)
			a.option(`,"url.query":`, query)
		}
		host := tx.host
		if len(host) == 0 && string(tx.method) == "CONNECT" {
			host = tx.uri
		}
		if len(host) > 0 {
			name, port := host, []byte(nil)
			if i := bytes.LastIndexByte(host, ':'); i >= 0 && bytes.IndexByte(host[i:], ']') < 0 && digits(host[i+1:]) {
				name, port = host[:i], host[i+1:]
			}
			a.bytes(`,"url.domain":`, name)
			a.bytes(`,"destination.domain":`, name)
			if len(port) > 0 {
				if n, err := strconv.ParseUint(str(port), 10, 16); err == nil {
					a.num(`,"url.port":`, n)
				}
			}
		}
		a.num(`,"http.request.body.bytes":`, uint64(tx.reqBytes))
		a.option(`,"http.request.mime_type":`, mime(tx.reqType))
		a.option(`,"http.request.referrer":`, tx.referrer)
		a.option(`,"user_agent.original":`, tx.agent)
	}
	a.option(`,"http.version":`, tx.version)
	if tx.resp {
		a.num(`,"http.response.status_code":`, uint64(tx.status))
		a.num(`,"http.response.body.bytes":`, uint64(tx.respBytes))
		a.option(`,"http.response.mime_type":`, mime(tx.respType))
		if tx.status < 400 {
			a.raw(`,"event.outcome":"success"`)
		} else {
			a.raw(`,"event.outcome":"failure"`)
		}
		if tx.req {
			a.num(`,"event.duration":`, uint64(max(tx.answered-tx.at, 0)))
		}
	} else {
		a.raw(`,"event.outcome":"unknown"`)
	}
	if tx.partial {
		a.raw(`,"hoalu.partial":true`)
	}
	a.send(HTTP)
}

func mime(b []byte) []byte {
	if i := bytes.IndexByte(b, ';'); i >= 0 {
		b = b[:i]
	}
	return bytes.TrimSpace(b)
}

func digits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0
}
