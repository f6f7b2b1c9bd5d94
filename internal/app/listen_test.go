package app

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"hoalu/collector"
	"hoalu/internal/config"
	"hoalu/soc"
)

// Each row of collector.Sources has its folder, key, opener, kind and words; each folder with a listener and each key of the
// configuration has its row. The appliance opens every row.
func TestEverySourceIsWired(t *testing.T) {
	c := testConfig()
	c.Listen.BulkTLS = "127.0.0.1:0"
	opened := map[string]string{}
	folders, keys, kinds := map[string]bool{"listen": true}, map[string]bool{"console": true}, map[string]bool{}
	for _, row := range collector.Sources {
		folders[row.Folder], kinds[row.Kind] = true, true
		if _, err := os.Stat(filepath.Join("../../collector/source", row.Folder)); err != nil {
			t.Errorf("row %s: %v", row.Name, err)
		}
		if (row.Key == "") != (row.Open == nil) || row.Name == "" || row.Kind == "" {
			t.Errorf("row %+v: name and kind are needed, and an opener exactly with a key", row)
		}
		if row.Key != "" {
			keys[row.Key] = true
			if c.Listen.Address(row.Key) == "" { // closed unless a file names it: this test opens it
				opened[row.Key] = "127.0.0.1:0"
			}
		}
		if row.Says["vi"] == "" || row.Says["en"] == "" || row.Says["vi"] == row.Says["en"] {
			t.Errorf("row %s: Says must tell in both languages what comes in this way", row.Name)
		}
	}
	entries, err := os.ReadDir("../../collector/source")
	if err != nil || len(entries) < 4 {
		t.Fatalf("%d folders: %v", len(entries), err)
	}
	for _, e := range entries {
		if e.IsDir() && !folders[e.Name()] {
			t.Errorf("collector/source/%s has no row in collector.Sources", e.Name())
		}
		if tests, err := filepath.Glob(filepath.Join("../../collector/source", e.Name(), "*_test.go")); e.IsDir() &&
			(err != nil || len(tests) == 0) {
			t.Errorf("collector/source/%s has no test", e.Name())
		}
	}
	list := reflect.TypeOf(config.Listen{})
	for i := range list.NumField() {
		if f := list.Field(i); f.Type.Kind() == reflect.String && !keys[f.Tag.Get("yaml")] {
			t.Errorf("listen.%s has no row in collector.Sources", f.Tag.Get("yaml"))
		}
	}
	schema, err := os.ReadFile("../../console/openapi.json")
	if err != nil {
		schema, err = os.ReadFile("../../console/api/openapi.json")
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range soc.SourceKinds {
		if !kinds[kind] {
			t.Errorf("kind %s: no row of collector.Sources is of it", kind)
		}
		if !strings.Contains(string(schema), `"`+kind+`"`) {
			t.Errorf("kind %s is not in the API", kind)
		}
	}
	for kind := range kinds {
		if !strings.Contains(" "+strings.Join(soc.SourceKinds, " ")+" ", " "+kind+" ") {
			t.Errorf("kind %s of a row is not in soc.SourceKinds", kind)
		}
	}
	r := newRig(t, func(x *config.Config) { x.Listen.BulkTLS, x.Listen.Others = "127.0.0.1:0", opened })
	for key := range keys {
		if key == "console" {
			continue
		}
		if addr, ok := r.address(key).(interface{ String() string }); !ok || addr.String() == "" {
			t.Errorf("listen.%s is not opened", key)
		}
	}
}

// keyed are the rows whose senders show a key or a certificate; adding one here is a decision (27).
var keyed = []string{"syslog_tls", "bulk_tls", "sensors"}

// Decision 27 holds for every other row: beyond this machine only with listen.senders.
func TestPlainSourcesNeedSenders(t *testing.T) {
	for _, row := range collector.Sources {
		if row.Key == "" {
			continue
		}
		if row.Keyed != slices.Contains(keyed, row.Key) {
			t.Errorf("row %s: Keyed is %v; the list of this test says otherwise", row.Key, row.Keyed)
		}
		for _, senders := range [][]string{nil, {"10.0.0.0/8"}} {
			c := testConfig()
			c.Listen.Senders = senders
			field := false
			v := reflect.ValueOf(&c.Listen).Elem()
			for i := range v.NumField() {
				if v.Type().Field(i).Tag.Get("yaml") == row.Key {
					v.Field(i).SetString("0.0.0.0:0")
					field = true
				}
			}
			if !field {
				c.Listen.Others = map[string]string{row.Key: "0.0.0.0:0"}
			}
			err := c.Validate()
			if refused := err != nil && strings.Contains(err.Error(), "listen."+row.Key); refused != (!row.Keyed && senders == nil) {
				t.Errorf("listen.%s on every address, senders %v: %v", row.Key, senders, err)
			}
		}
	}
}

// An appliance that cannot open one listener closes the others.
func TestListenersAreClosedWhenOpeningFails(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	addr := freeAddress(t, "127.0.0.1")
	r := &rig{T: t, dir: t.TempDir(), cfg: testConfig()}
	r.cfg.Listen.SyslogTCP, r.cfg.Listen.Sensors = addr, taken.Addr().String()
	if _, err := New(context.Background(), r.options()); err == nil || !strings.Contains(err.Error(), "listen.sensors") {
		t.Fatalf("New on a port that is taken: %v", err)
	}
	again, err := net.Listen("tcp", addr)
	if err != nil {
		t.Errorf("the syslog listener of the appliance that did not start is still open: %v", err)
	} else {
		again.Close()
	}
}
