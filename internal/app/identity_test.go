package app

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"hoalu/ecs"
	"hoalu/ecs/query"
	"hoalu/internal/config"
	"hoalu/soc"
)

// A document under an _id that was used before is answered 201 and stored, unless it is the same document for the same index once
// more: then it is counted as duplicate. Before, whoever knew an _id could send something under it first and have the record that
// came second thrown away behind its 201.
func TestOtherDocumentUnderTheSameIDIsStored(t *testing.T) {
	r := newRig(t, func(c *config.Config) { c.Listen.BulkTLS = "127.0.0.1:0" })
	src := r.source(soc.SourceBulk, "Filebeat web-01", "")
	key, err := r.issueKey(context.Background(), testAdmin, src.ID, "web-01", -1)
	if err != nil {
		t.Fatal(err)
	}
	c := r.client()
	defer c.CloseIdleConnections()
	send := func(method, path, body string) {
		t.Helper()
		req, err := http.NewRequest(method, key.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-ndjson")
		req.Header.Set("Authorization", "ApiKey "+key.APIKey)
		res, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if res.StatusCode != 200 && res.StatusCode != 201 {
			t.Fatalf("%s %s: %s", method, path, res.Status)
		}
	}
	item := func(action, index, id, doc string) string {
		return `{"` + action + `":{"_index":"` + index + `","_id":"` + id + `"}}` + "\n" + doc + "\n"
	}
	send("PUT", "/w/_doc/77", `{"message":"mã-mồi","user":{"name":"an"}}`)
	send("PUT", "/w/_doc/77", `{"message":"mã-thật","user":{"name":"an"}}`)     // other content
	send("PUT", "/w/_doc/77", `{"user":{"name":"an"},"message":"mã-thật"}`)     // again
	send("PUT", "/w/_create/77", `{"message":"mã-thật","user":{"name":"an"}}`)  // again
	send("PUT", "/w2/_create/77", `{"message":"mã-thật","user":{"name":"an"}}`) // other index
	send("POST", "/_bulk", item("create", "w", "79", `{"message":"mã-một"}`)+item("index", "w", "79", `{"message":"mã-hai"}`)+
		item("create", "w2", "79", `{"message":"mã-một"}`)+item("create", "w", "79", `{"message":"mã-một"}`))
	r.eventually("all that differs is stored", func() bool {
		return r.of(src.ID, "mã-mồi") == 1 && r.of(src.ID, "mã-thật") == 2 && r.of(src.ID, "mã-một") == 2 && r.of(src.ID, "mã-hai") == 1
	})
	var stored, duplicate int64
	for _, o := range r.store.Live() {
		if o.Source == src.ID {
			stored, duplicate = stored+o.Stored, duplicate+o.Duplicate
		}
	}
	if n := r.count(query.Term{Field: ecs.SourceID, Value: src.ID}); n != 6 || stored != 6 || duplicate != 3 {
		t.Errorf("%d events, %d stored and %d duplicates counted; want 6, 6 and 3", n, stored, duplicate)
	}
}
