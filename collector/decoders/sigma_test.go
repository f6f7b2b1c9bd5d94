package decoders

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"hoalu/ecs"
	"hoalu/ecs/wire"
	"hoalu/internal/needed"
)

// TestLabelledEvents: documents of a trusted source come out with every field and value they had, their own logsource, and no
// other field than host and time: what the rules' labels were made for. Untrusted Windows documents get the same logsource from
// their channel and event id.
func TestLabelledEvents(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(testdata(t), "sigma", "*.jsonl"))
	d := newDecoder(t)
	var parser ecs.Parser
	events, windows := 0, 0
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		sc := bufio.NewScanner(f)
		sc.Buffer(nil, 16<<20)
		for sc.Scan() {
			var r struct {
				Src       string          `json:"src"`
				Logsource json.RawMessage `json:"logsource"`
				Event     json.RawMessage `json:"event"`
			}
			if json.Unmarshal(sc.Bytes(), &r) != nil || len(r.Event) == 0 || len(r.Logsource) == 0 {
				continue
			}
			events++
			doc := append(append([]byte(`{"sigma":{"logsource":`), r.Logsource...), '}')
			if body := bytes.TrimSpace(r.Event); len(body) > 2 {
				doc = append(append(doc, ','), body[1:]...)
			}
			var want, got, plain ecs.Event
			if err := parser.Parse(&want, r.Event); err != nil {
				t.Fatal(err)
			}
			frame := wire.Frame{Received: received.UnixMilli(), Format: wire.FormatJSON, Data: doc}
			if err := d.DecodeFrame(&got, &frame, Options{Trust: true}); err != nil {
				t.Fatalf("%s: %v", r.Src, err)
			}
			nested := bytes.Contains(r.Event, []byte(`"Event":{`)) // evtx_dump documents are Windows events by their shape and get ECS too
			for i := range want.Len() {
				f, v := want.At(i)
				if vals := got.Values(nil, f); !slices.Contains(vals, v) {
					t.Fatalf("%s: %s lost %q, has %v", r.Src, f, v.Text, vals)
				}
			}
			for i := range got.Len() {
				f, _ := got.At(i)
				switch f {
				case ecs.LogsourceProduct, ecs.LogsourceService, ecs.LogsourceCategory, ecs.HostName, ecs.HoaluTimeSuspect, ecs.HoaluSenderTime,
					ecs.Message, ecs.LogLevel:
				default:
					if !want.Has(f) && !nested {
						t.Fatalf("%s: %s was added", r.Src, f)
					}
				}
			}
			l := got.Logsource()
			frame.Data = r.Event
			if l.Product == "windows" && (want.Has(ecs.Intern("Channel")) || nested) && d.DecodeFrame(&plain, &frame, Options{}) == nil {
				windows++
				p := plain.Logsource()
				slices.Sort(l.Category)
				slices.Sort(p.Category)
				if p.Service != l.Service || !slices.Equal(p.Category, l.Category) {
					t.Errorf("%s: logsource from channel and id %+v, labelled %+v", r.Src, p, l)
				}
			}
		}
		f.Close()
	}
	t.Logf("%d events, %d Windows events whose logsource was found out", events, windows)
	if events < 1000 {
		needed.Missing(t, "too few labelled events here")
	}
}
