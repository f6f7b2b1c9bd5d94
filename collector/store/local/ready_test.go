package local

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hoalu/collector/store/storetest"
	"hoalu/ecs"
	"hoalu/ecs/query"
)

// TestReadySaysWhatCannotBeRead: a segment that is gone, one whose bytes changed under a search, a folder that is away and a seal that
// cannot be written are each named, and no more once they are mended.
func TestReadySaysWhatCannotBeRead(t *testing.T) {
	ctx := context.Background()
	dir := filepath.Join(t.TempDir(), "events")
	s := open(t, Config{Dir: dir})
	g := storetest.NewGenerator(7)
	if err := s.Append(ctx, g.Block(300)); err != nil {
		t.Fatal(err)
	}
	for _, f := range []func(context.Context) error{s.Seal, s.Compact} {
		if err := f(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Append(ctx, g.Block(50)); err != nil {
		t.Fatal(err)
	}
	if err := s.Seal(ctx); err != nil {
		t.Fatal(err)
	}
	well := func(when string) {
		t.Helper()
		if err := s.Ready(ctx); err != nil {
			t.Errorf("%s: Ready() = %v, want nil", when, err)
		}
	}
	ill := func(when string, want ...string) {
		t.Helper()
		err := s.Ready(ctx)
		if err == nil {
			t.Errorf("%s: Ready() = nil", when)
			return
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: Ready() = %q, want %q in it", when, err, w)
			}
		}
	}
	search := func() query.Result {
		t.Helper()
		r, err := s.Search(ctx, query.Search{Limit: 1, Aggs: []query.Agg{{Name: "a", Kind: query.AggTerms, Field: ecs.HostName, Size: 3}}})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	well("after writing")
	for _, pattern := range []string{"l0/*.hle", "*/*/*.parquet"} {
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil || len(files) == 0 {
			t.Fatal(pattern, files, err)
		}
		path := files[0]
		name := strings.TrimSuffix(strings.TrimSuffix(filepath.Base(path), ".hle"), ".parquet")
		if err := os.Rename(path, path+".away"); err != nil {
			t.Fatal(err)
		}
		ill(pattern+" is gone", name, "restore")
		if err := os.Rename(path+".away", path); err != nil {
			t.Fatal(err)
		}
		well(pattern + " is back")

		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		bad := make([]byte, len(good))
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if r := search(); len(r.Partial) != 1 {
			t.Fatalf("%s of zeros: the search names %q, want that file once", pattern, r.Partial)
		}
		ill(pattern+" of zeros", name)
		if err := os.WriteFile(path, good, 0o600); err != nil {
			t.Fatal(err)
		}
		well(pattern + " restored, before anybody searches again")
		if r := search(); len(r.Partial) > 0 || r.Total != 350 {
			t.Errorf("%s restored: %d events, partial %v", pattern, r.Total, r.Partial)
		}
	}
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	ill("the folder is away", "folder of the event store")
	if err := s.Append(ctx, g.Block(10)); err != nil {
		t.Fatal(err)
	}
	if err := s.Seal(ctx); err == nil {
		t.Fatal("a seal without its folder works")
	}
	if err := os.Rename(dir+".away", dir); err != nil {
		t.Fatal(err)
	}
	ill("a seal failed", "stay in memory")
	if err := s.Seal(ctx); err != nil {
		t.Fatal(err)
	}
	well("sealed again")
}
