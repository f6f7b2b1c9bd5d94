# Facts of a level-3 system on which every check is met; tests change one thing.
package hoalu.fixture

now := 1795300000000

source(id, layers) := {"id": id, "name": id, "kind": "syslog", "layers": layers, "state": "receiving", "first_event": now - 86400000 * 120, "last_event": now - 5000, "since": 0, "max_age": 540000, "offset_ms": 12, "timed": true, "unparsed": 0, "planned_stop": false, "kinds": {k: v | some k in ["connection", "flow", "logon", "fault", "change", "process", "access", "data", "alert"]; v := now - 5000}}

good := {
	"now": now,
	"system": {"id": "HT-001", "level": 3, "placement": "data_centre", "engine": "PostgreSQL", "dossier": "approved", "investing": false, "demo": false},
	"retention_floor_days": 90,
	"assets": [{"id": "TS-1", "host": "web", "kind": "server", "last_event": now - 5000}],
	"sources": [source("NG-1", ["network", "application"]), source("NG-2", ["endpoint", "database"])],
	"store": {"checked": now, "oldest_event": now - 86400000 * 100, "keep_days": 400, "disk_days": 41, "ready": true, "checkpoint": now - 10000},
	"watch": {"checked": now, "rules": 25, "rules_changed": now - 86400000, "oldest_unacknowledged": 0, "started": now - 86400000},
	"national": {"checked": now, "endpoint": true, "last_accepted": now - 60000, "oldest_waiting": 0, "waiting": 0},
	"access": {"checked": now, "accounts": 2, "without_second_factor": 0, "last_deed": 412, "two_roles": 0},
	"clock": {"checked": now, "synchronised": true, "known": true},
}

set(path, value) := json.patch(good, [{"op": "replace", "path": path, "value": value}])

# second source silent, its last event long ago
silent := json.patch(good, [{"op": "replace", "path": "/sources/1/state", "value": "silent"}, {"op": "replace", "path": "/sources/1/last_event", "value": now - 3600000}, {"op": "replace", "path": "/sources/0/state", "value": "silent"}])

no_sources := json.patch(good, [{"op": "replace", "path": "/sources", "value": []}])

low_level := json.patch(good, [{"op": "replace", "path": "/retention_floor_days", "value": 0}, {"op": "replace", "path": "/system/level", "value": 1}])

unclassified := json.patch(low_level, [{"op": "replace", "path": "/system/level", "value": 0}])
