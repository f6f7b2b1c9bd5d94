package national

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"hoalu/national/delivery"
)

// notForwarders are folders of the part that hold no adapter.
var notForwarders = map[string]bool{"delivery": true, "forwardertest": true, "internal": true, "testdata": true}

// TestForwarders names what a forwarder lacks: its row, its test, a text, or an ability that its row claims.
func TestForwarders(t *testing.T) {
	rows := map[string]bool{} // folders
	names := map[string]bool{}
	for _, f := range forwarders {
		a := f.New()
		pkg := reflect.Indirect(reflect.ValueOf(a)).Type().PkgPath()
		folder := pkg[strings.LastIndex(pkg, "/")+1:]
		rows[folder] = true
		if f.Name == "" || names[f.Name] {
			t.Errorf("forwarder %s: the name %q is empty or taken", folder, f.Name)
		}
		names[f.Name] = true
		for _, lang := range []string{"vi", "en"} {
			if f.Title[lang] == "" {
				t.Errorf("forwarder %s: its row has no title in %s", f.Name, lang)
			}
		}
		_, checks := a.(Checker)
		_, beats := a.(Beater)
		_, lists := a.(Lister)
		switch f.Receipts {
		case delivery.Signed, delivery.Transport, delivery.NoReceipt:
		default:
			t.Errorf("forwarder %s: receipts are %q; want signed, transport or none", f.Name, f.Receipts)
		}
		if f.Receipts == delivery.Signed && !checks {
			t.Errorf("forwarder %s: its row says that receipts are signed, and it has no Check", f.Name)
		}
		if f.Beats != beats {
			t.Errorf("forwarder %s: its row says beats %v, and that it has a Heartbeat is %v", f.Name, f.Beats, beats)
		}
		if f.Lists != lists {
			t.Errorf("forwarder %s: its row says lists %v, and that it has a List is %v", f.Name, f.Lists, lists)
		}
	}
	if !names[DefaultChannel] {
		t.Errorf("the default channel %s has no row", DefaultChannel)
	}
	folders, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, d := range folders {
		if !d.IsDir() || notForwarders[d.Name()] {
			continue
		}
		seen++
		if !rows[d.Name()] {
			t.Errorf("forwarder %s has no row in forwarders.go", d.Name())
		}
		tests, err := filepath.Glob(filepath.Join(d.Name(), "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		runs := false
		for _, file := range tests {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			runs = runs || strings.Contains(string(text), "forwardertest.Run(")
		}
		if !runs {
			t.Errorf("forwarder %s has no test that calls forwardertest.Run", d.Name())
		}
	}
	if seen == 0 {
		t.Error("no forwarder's folder was looked at")
	}
}
