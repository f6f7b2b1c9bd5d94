package local

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"hoalu/collector/store"
	"hoalu/ecs"
	"hoalu/internal/needed"
)

// TestDocumentedDuckDBQuery runs the query that docs/formats/parquet.md gives, by DuckDB, over files of one system whose columns differ:
// as it was documented, it failed on the first field that the first file lacks.
func TestDocumentedDuckDBQuery(t *testing.T) {
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	python := func(program string, args ...string) ([]byte, error) {
		cmd := exec.Command("python3", append([]string{"-c", program}, args...)...)
		cmd.Env = append(os.Environ(), "PYTHONPATH="+filepath.Join(cache, "hoalu-peers", "python"))
		return cmd.CombinedOutput()
	}
	if out, err := python("import duckdb"); err != nil {
		needed.Missing(t, "duckdb of Python is not installed (test/peers/install.sh): %s", out)
	}
	doc, err := os.ReadFile("../../../docs/formats/parquet.md")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile("(?s)```sql\n(.*?)```").FindSubmatch(doc)
	if m == nil {
		t.Fatal("docs/formats/parquet.md holds no query")
	}
	dir := t.TempDir()
	s := open(t, Config{Dir: dir})
	// Three days: the first has no outcome, the second has one, the third knows failures of two hosts.
	seq := uint64(0)
	for day, outcomes := range [][]string{{"", ""}, {"success", "failure"}, {"failure", "failure"}} {
		var list []*ecs.Event
		for i := range 20 {
			e := &ecs.Event{ID: "q" + strings.Repeat("0", 10) + string(rune('a'+day)) + string(rune('a'+i)),
				Time: 1795132800000 + int64(day)*86_400_000 + int64(i), Created: 1795132800000, System: "HT-001", Source: "NG-0001"}
			e.AddString(ecs.HostName, []string{"web-01", "db-01"}[i%2])
			if o := outcomes[i%2]; o != "" {
				e.AddString(ecs.EventOutcome, o)
			}
			list = append(list, e)
		}
		seq++
		if err := s.Append(t.Context(), store.Block{First: seq, Last: seq, Events: list}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	sql := strings.ReplaceAll(string(m[1]), "'events/", "'"+dir+"/")
	out, err := python("import duckdb, sys\nfor row in duckdb.sql(sys.argv[1]).fetchall(): print(*row)", sql)
	if want := "db-01 20\nweb-01 10\n"; err != nil || string(out) != want {
		t.Errorf("%s\ngives %v:\n%s\nwant\n%s", sql, err, out, want)
	}
}
