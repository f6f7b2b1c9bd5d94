package app

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"hoalu/state"
)

// TestFilesOfEarlierVersions: what earlier versions kept in files of the data folder counts after the first start, is in the state
// database from then on, and the files are gone; a damaged one is set aside and stops nothing.
func TestFilesOfEarlierVersions(t *testing.T) {
	t.Parallel()
	files := map[string]string{"sensor positions": "sensors.json", "systems of sources": "resolved.json", "health of sources": "health.json",
		"revision of the rules": "rules.json"}
	r := newRig(t)
	r.feed(0, 20)
	var source string
	r.eventually("20 events of a source", func() bool {
		for _, x := range r.health.Readings() {
			if x.Source != r.selfFeed.ID && x.Total == 20 {
				source = x.Source
			}
		}
		return source != ""
	})
	r.end()
	data := filepath.Join(r.dir, "d")
	earlier := func(change func(name string, doc []byte) []byte) { // puts the documents back into their files
		db, err := state.Open(t.Context(), state.Config{Path: filepath.Join(data, "state.db")})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		for name, file := range files {
			doc, err := db.Document(name).Load(t.Context())
			if err != nil || doc == nil && name != "systems of sources" { // no event of this test resolves to a system
				t.Fatalf("document %q after a run: %q, %v", name, doc, err)
			}
			if _, err := os.Stat(filepath.Join(data, file)); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s is there after a run: %v", file, err)
			}
			if err := os.WriteFile(filepath.Join(data, file), change(name, doc), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := db.Tx(t.Context(), func(tx *sql.Tx) error {
				_,
					err := tx.Exec("DELETE FROM document WHERE name = $1", name)
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	since := regexp.MustCompile(`"since":\d+`)
	earlier(func(name string, doc []byte) []byte {
		switch name {
		case "revision of the rules":
			return since.ReplaceAll(doc, []byte(`"since":7`))
		case "systems of sources":
			return []byte(`[{"source":"NG-7","system":"HT-007","last":7,"layers":["network"]}]`)
		}
		return doc
	})
	r.start()
	if got := r.rulesAt.Load(); got != 7 {
		t.Errorf("the rules stand since %d, want 7 of the file", got)
	}
	if got := r.systems.Last("NG-7", "HT-007"); got != 7 {
		t.Errorf("NG-7 spoke for HT-007 at %d, want 7 of the file", got)
	}
	if got := r.health.Reading(source); got.Total != 20 {
		t.Errorf("source %s after the files were taken over: %+v; want 20 events", source, got)
	}
	r.end()
	earlier(func(string, []byte) []byte { return []byte("{") })
	r.start()
	if got := r.health.Reading(source); got.Total != 0 {
		t.Errorf("source %s after its file was damaged: %+v; want it learnt anew", source, got)
	}
	for _, file := range files {
		if _, err := os.Stat(filepath.Join(data, file+".damaged")); err != nil {
			t.Errorf("%s was damaged and not set aside: %v", file, err)
		}
	}
}
