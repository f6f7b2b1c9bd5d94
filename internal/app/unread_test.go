package app

import (
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"hoalu/console"
	"hoalu/soc"
)

// TestSearchOfAStoreThatCannotBeRead: a file of the event store turns to zeros. Whoever searches by the API gets the events that are left
// with the name of the file, each table says that its counts are at least so high, and so does the status bar once the file is set aside.
func TestSearchOfAStoreThatCannotBeRead(t *testing.T) {
	r := newRig(t)
	const lost, left = 30, 10
	r.feed(0, lost)
	ssh := r.query("process.name:sshd")
	r.eventually("the first events", func() bool { return r.count(ssh) == lost })
	r.end() // seals them
	r.start()
	secret, err := CreateToken(context.Background(), r.opts.Data, "analyst", []soc.Role{soc.Analyst}, "", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{rig: r}
	type answer struct {
		Histogram console.Histogram
		Terms     map[string]console.TermsTable
		console.Frame
	}
	ask := func(path string, out any) {
		t.Helper()
		if got := s.ask(secret, "GET", path, ""); got.status != 200 || json.Unmarshal([]byte(got.body), out) != nil {
			t.Fatalf("%s: %d %s", path, got.status, got.body)
		}
	}
	const path = "/api/events?query=process.name:sshd&limit=100&histogram=1h&terms=host.name"
	var whole answer
	if ask(path, &whole); whole.Total != lost || len(whole.Partial) > 0 || whole.Histogram.AtLeast || whole.Terms["host.name"].AtLeast {
		t.Fatalf("before: %+v", whole)
	}
	if zeroed(t, filepath.Join(r.opts.Data, "events")) == 0 {
		t.Fatal("the store has no file")
	}
	r.feed(lost, left) // in memory
	r.eventually("the events that are left", func() bool { return r.count(ssh) == left })
	for _, at := range []string{path, "/api/events/aggregate?query=process.name:sshd&histogram=1h&terms=host.name"} {
		var got answer
		if ask(at, &got); got.Total != left || len(got.Partial) == 0 || !got.Histogram.AtLeast || !got.Terms["host.name"].AtLeast {
			t.Errorf("%s: %+v; want %d events, what could not be read, and at_least", at, got, left)
		}
	}
	var fields console.FieldsAnswer
	if ask("/api/events/fields?query=process.name:sshd", &fields); fields.Sampled != left || len(fields.Partial) == 0 {
		t.Errorf("fields of %d events, partial %q", fields.Sampled, fields.Partial)
	}
	r.end()
	r.start() // sets the file aside
	var status console.Status
	if ask("/api/status", &status); status.Events == nil || !status.Events.AtLeast {
		t.Errorf("status of a store that set a file aside: %+v", status.Events)
	}
}

// zeroed overwrites the files of events in dir and says how many.
func zeroed(t *testing.T, dir string) (n int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !slices.Contains([]string{".hle", ".parquet"}, filepath.Ext(path)) {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		n++
		return os.WriteFile(path, make([]byte, info.Size()), 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
