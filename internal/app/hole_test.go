package app

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"hoalu/collector/health"
	"hoalu/ecs"
	"hoalu/ecs/query"
	"hoalu/state"
)

// TestAHoleFoundAtStartIsTold: intake reads the queue before health is there; a sequence that it finds missing raises its event as one
// that is found later does.
func TestAHoleFoundAtStartIsTold(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for i := range 4 {
		r.feed(i*10, 10)
	}
	r.eventually("40 events", func() bool { return r.count(host) == 40 })
	size, err := r.queueSize()
	if err != nil {
		t.Fatal(err)
	}
	first, last := size.First, r.queue.State().Last
	r.end()
	if last < first+3 {
		t.Fatalf("the queue holds %d to %d, too few to lose one", first, last)
	}
	dir := filepath.Join(r.dir, "d", "queue")
	srv, err := server.NewServer(&server.Options{DontListen: true, NoSigs: true, NoLog: true, JetStream: true, StoreDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	go srv.Start()
	if !srv.ReadyForConnections(30 * time.Second) {
		t.Fatal("the queue's server does not start")
	}
	nc, err := nats.Connect("", nats.InProcessServer(srv))
	if err != nil {
		t.Fatal(err)
	}
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), "events")
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.DeleteMsg(t.Context(), first+1); err != nil {
		t.Fatal(err)
	}
	nc.Close()
	srv.Shutdown()
	srv.WaitForShutdown()
	db, err := state.Open(t.Context(), state.Config{Path: filepath.Join(r.dir, "d", "state.db")})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Document("sensor positions").Keep(t.Context(), []byte(`{"version":1}`)); err != nil { // so that intake reads the whole queue
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	r.start()
	r.eventually("the event of the hole", func() bool {
		return r.count(query.Term{Field: ecs.EventAction, Value: string(health.QueueHole)}) == 1
	})
}
