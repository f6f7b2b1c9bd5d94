package collector

import (
	"log/slog"

	"hoalu/collector/store"
	"hoalu/collector/store/local"
)

// Stores are the event stores that the configuration chooses from by name (store.engine). Each opens on a folder of its own.
var Stores = map[string]func(dir string, h store.Hooks, log *slog.Logger) (store.Store, error){
	"local": func(dir string, h store.Hooks, log *slog.Logger) (store.Store, error) {
		return local.Open(local.Config{Dir: dir, Hooks: h}, log)
	},
}
