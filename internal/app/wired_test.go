package app

import (
	"hoalu/internal/config"

	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// unwired are the hooks that the appliance leaves empty on purpose, by package.Type.Field, each with its reason. A line that is no
// longer true fails, too.
var unwired = map[string]string{
	"privacy.Config.Group": "all systems of a province are one group in this version: the first of Groups",
}

// mustSee are the settings that the walk has to come by: without them it would be a walk past nothing.
var mustSee = []string{
	"collector.Options", "collector/health.Config", "collector/ledger.Config", "collector/pipeline.HubConfig", "collector/pipeline.Setup",
	"collector/queue/local.Config",
	"collector/store.Hooks", "collector/store/local.Config", "compliance.GatherConfig", "compliance.Hooks", "console.Parts",
	"detections.Config", "inventory.Config", "national.Hooks", "privacy.Config", "triage.Config",
}

// walker looks at all settings that can be reached from a value.
type walker struct {
	seen  map[visit]bool
	types map[string]bool // settings it came by
	empty map[string]bool // package.Type.Field of nil funcs, interfaces and pointers to what registers metrics
}

type visit struct {
	at uintptr
	t  reflect.Type
}

// isSettings says whether a struct is what one part is given by another.
func isSettings(t reflect.Type) bool {
	n := t.Name()
	return strings.HasSuffix(n, "Config") || strings.HasSuffix(n, "Hooks") || strings.HasSuffix(n, "Setup") || n == "Options" || n == "Parts"
}

func (w *walker) walk(v reflect.Value, depth int) {
	if depth > 40 || !v.IsValid() {
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() || w.seen[visit{v.Pointer(), v.Type()}] {
			return
		}
		w.seen[visit{v.Pointer(), v.Type()}] = true
		w.walk(v.Elem(), depth+1)
	case reflect.Interface:
		if !v.IsNil() {
			w.walk(v.Elem(), depth+1)
		}
	case reflect.Slice, reflect.Array:
		for i := range min(v.Len(), 64) {
			w.walk(v.Index(i), depth+1)
		}
	case reflect.Map:
		for it, n := v.MapRange(), 0; n < 64 && it.Next(); n++ {
			w.walk(it.Value(), depth+1)
		}
	case reflect.Struct:
		pkg, ours := strings.CutPrefix(v.Type().PkgPath(), "hoalu/")
		if !ours {
			return
		}
		name := pkg + "." + v.Type().Name()
		if isSettings(v.Type()) {
			w.types[name] = true
		}
		for i := range v.NumField() {
			f, x := v.Type().Field(i), v.Field(i)
			if isSettings(v.Type()) && f.IsExported() {
				hook := x.Kind() == reflect.Func || x.Kind() == reflect.Interface ||
					x.Kind() == reflect.Pointer && strings.HasSuffix(x.Type().String(), "prometheus.Registry")
				if hook && x.IsNil() {
					w.empty[name+"."+f.Name] = true
				}
			}
			w.walk(x, depth+1)
		}
	}
}

// TestNothingIsUnwired: every hook that a part offers is given by the appliance, or stands in the list above with a reason. A part that
// is built, tested and documented and then handed to nobody is found here.
func TestNothingIsUnwired(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *config.Config) { c.Sensor.Packet, c.Sensor.Host, c.Files.Host = false, false, true })
	r.feed(0, 3) // what is set up by batch is set up
	r.eventually("a batch is decoded", func() bool { return r.detector.Detected() == r.queue.State().Last && r.queue.State().Last > 0 })
	r.end() // nothing changes under the walk
	w := &walker{map[visit]bool{}, map[string]bool{}, map[string]bool{}}
	w.walk(reflect.ValueOf(r.App), 0)
	for _, name := range mustSee {
		if !w.types[name] {
			t.Errorf("the walk did not come by %s; it came by %v", name, slices.Sorted(maps.Keys(w.types)))
		}
	}
	for _, hook := range slices.Sorted(maps.Keys(w.empty)) {
		if unwired[hook] == "" {
			t.Errorf("%s is nil: hand it over in internal/app, delete it from its part, or list it here with the reason", hook)
		}
	}
	for _, hook := range slices.Sorted(maps.Keys(unwired)) {
		if !w.empty[hook] {
			t.Errorf("%s is listed as not wired, but it is, or is gone: take it out of the list", hook)
		}
	}
	if t.Failed() {
		t.Log(fmt.Sprint("settings seen: ", slices.Sorted(maps.Keys(w.types))))
	}
}
