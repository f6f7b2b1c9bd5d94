package bulk

import (
	"io"
	"net/http"
	"strings"
)

// setUp names what shippers and clients make before they send: none of it is an event, and this collector needs none of it. Anything
// else that is written and is no document either is refused, because it might be one that its sender would believe stored.
var setUp = map[string]bool{
	"_index_template": true, "_template": true, "_component_template": true, "_data_stream": true, "_ilm": true, "_slm": true, "_ingest": true,
	"_alias": true, "_aliases": true, "_mapping": true, "_mappings": true, "_settings": true, "_cluster": true, "_nodes": true, "_cat": true,
	"_license": true, "_xpack": true, "_security": true, "_plugins": true, "_opendistro": true, "_refresh": true, "_flush": true,
	"_forcemerge": true,
	"_rollover":   true, "_open": true, "_close": true, "_block": true, "_enrich": true, "_transform": true, "_tasks": true, "_scripts": true,
}

// searches are requests of those who think this stores and searches.
var searches = map[string]bool{"_search": true, "_msearch": true, "_count": true, "_update_by_query": true, "_delete_by_query": true,
	"_reindex": true, "_query": true}

// known answers what clients ask before they send; false when path is none of it.
func (l *Listener) known(w http.ResponseWriter, r *http.Request, path string) bool {
	first, last, _ := strings.Cut(path, "/")
	switch {
	case path == "":
		answer(w, http.StatusOK, map[string]any{"name": "hoalu", "cluster_name": l.cfg.Cluster, "cluster_uuid": "hoalu-collector-0000000",
			"version": map[string]any{"number": Version, "build_flavor": "default", "build_type": "tar", "build_hash": "0",
				"build_date":     "2024-12-11T12:08:05.663969764Z",
				"build_snapshot": false, "lucene_version": "9.12.0", "minimum_wire_compatibility_version": "7.17.0",
				"minimum_index_compatibility_version": "7.0.0"},
			"tagline": "You Know, for Search"})
	case path == "_license":
		answer(w, http.StatusOK,
			map[string]any{"license": map[string]any{"status": "active", "uid": "hoalu", "type": "basic", "issue_date_in_millis": 0,
				"max_nodes": 1000, "issued_to": l.cfg.Cluster, "issuer": "hoalu", "start_date_in_millis": -1}})
	case path == "_xpack":
		answer(w, http.StatusOK, map[string]any{"build": map[string]any{},
			"license": map[string]any{"uid": "hoalu", "type": "basic", "mode": "basic", "status": "active"},
			"features": map[string]any{"ilm": map[string]any{"available": true, "enabled": true},
				"security": map[string]any{"available": true, "enabled": true}}, "tagline": "You know, for X"})
	case first == "_cluster" && strings.HasPrefix(last, "health") || path == "_cat/health":
		answer(w, http.StatusOK, map[string]any{"cluster_name": l.cfg.Cluster, "status": "green", "timed_out": false, "number_of_nodes": 1,
			"number_of_data_nodes": 1})
	case first == "_nodes":
		answer(w, http.StatusOK, map[string]any{"_nodes": map[string]int{"total": 1, "successful": 1, "failed": 0}, "cluster_name": l.cfg.Cluster,
			"nodes": map[string]any{"hoalu": map[string]any{"name": "hoalu", "version": Version, "roles": []string{"data", "ingest", "master"},
				"http": map[string]any{"publish_address": r.Host}}}})
	default:
		return false
	}
	return true
}

// ignore accepts what setUp names, tells of each kind once, and answers questions for it with "there already".
func (l *Listener) ignore(w http.ResponseWriter, r *http.Request, kind, name string) {
	io.Copy(io.Discard, io.LimitReader(r.Body, 4<<20)) //nolint:errcheck // nothing is made of it
	switch r.Method {
	case http.MethodHead:
		w.WriteHeader(http.StatusOK)
		return
	case http.MethodGet:
		// The body has the asked name as a key, which is what shippers look for.
		answer(w, http.StatusOK, map[string]any{name: map[string]any{}})
		return
	}
	l.mu.Lock()
	told := l.seen[kind]
	l.seen[kind] = true // as many as setUp has
	l.mu.Unlock()
	if !told {
		// Not the path: its sender writes there what it likes, also what the product's log must not keep.
		l.log.Info("requests accepted and ignored: this collector needs no templates, pipelines or lifecycle policies", "http.request.method",
			r.Method, "kind", kind)
	}
	answer(w, http.StatusOK, map[string]any{"acknowledged": true, "shards_acknowledged": true, "index": name})
}
