package app

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"hoalu/collector"
	"hoalu/collector/decoders"
	"hoalu/collector/health"
	"hoalu/collector/ledger"
	"hoalu/collector/pipeline"
	"hoalu/collector/queue"
	queuelocal "hoalu/collector/queue/local"
	"hoalu/collector/source/listen"
	"hoalu/collector/store"
	"hoalu/compliance/evidence"
	"hoalu/compliance/facts"
	"hoalu/detections"
	"hoalu/internal/demo"
	"hoalu/internal/exercise"
	"hoalu/inventory"
	"hoalu/national"
	"hoalu/privacy"
	"hoalu/soc"
	"hoalu/state"
	"hoalu/triage"
	"hoalu/vault"
	vaultlocal "hoalu/vault/local"
)

func (a *App) openVault(ctx context.Context) error {
	_, err := os.Stat(a.path("state.db"))
	v, err := vaultlocal.Open(ctx, vaultlocal.Config{Data: a.opts.Data, MasterKeyFile: a.opts.MasterKey, Apart: a.cfg.Evidence.Apart,
		Used: err == nil}, a.log)
	if err != nil {
		return err
	}
	a.vault = v
	return nil
}

func (a *App) openState(ctx context.Context) error {
	cfg := state.Config{DSN: string(a.cfg.State.DSN), Readers: a.cfg.State.Readers}
	if cfg.DSN == "" {
		cfg.Path = a.path("state.db")
		if err := state.PrivateFile(cfg.Path); err != nil {
			return err
		}
	}
	db, err := state.Open(ctx, cfg)
	if err != nil {
		return err
	}
	a.state = db
	a.leases = db.Leases(hostname()+":"+a.path(), a.log)
	a.down.Push("state", db.Close)
	if cfg.DSN == "" {
		return nil
	}
	mac, err := a.vault.MAC(ctx, "state")
	if err != nil {
		return err
	}
	return db.Own(ctx, mac)
}

// document is a document of the state database, taken over once from the file of the data folder in which earlier versions kept it.
// Whatever is kept so is learnt again: a damaged file is told and set aside, and is no reason not to start.
func (a *App) document(ctx context.Context, name, file string) (*state.Document, error) {
	d := a.state.Document(name)
	err := d.Adopt(ctx, a.path(file))
	if errors.Is(err, state.ErrDamaged) {
		a.log.Error("what was learnt is learnt anew", "error.message", err.Error())
		err = nil
	}
	return d, err
}

func (a *App) openInventory(ctx context.Context) error {
	inv, err := inventory.Open(ctx, a.state, inventory.Config{Record: a.recordDeed, Changed: a.notify, Refers: a.refers,
		Protect: a.protector.ProtectName, Words: a.protector.ProtectText}, a.log)
	if err != nil {
		return err
	}
	a.inventory = inv
	host, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("host name: %w", err)
	}
	var addrs []netip.Addr
	for _, ip := range listen.OwnAddresses() {
		if x, ok := netip.AddrFromSlice(ip); ok {
			addrs = append(addrs, x.Unmap())
		}
	}
	a.self, a.selfFeed, err = inv.EnsureSelf(ctx, host, addrs)
	return err
}

// refers names what the other parts keep of a thing of the inventory.
func (a *App) refers(ctx context.Context, kind, id string) ([]soc.Use, error) {
	switch kind {
	case soc.KindUnit:
		return a.accounts.OfUnit(ctx, id)
	case soc.KindSystem, soc.KindSource:
		uses, err := a.triage.Refers(ctx, kind, id)
		if err != nil {
			return nil, err
		}
		held, err := store.Refers(ctx, a.store, kind, id)
		return append(uses, held...), err
	}
	return nil, nil
}

// notify tells open consoles; it is replaced once the console is there.
func (a *App) notify(n soc.Notice) { a.notices(n) }

func (a *App) openPrivacy(ctx context.Context) error {
	mac, err := a.vault.MAC(ctx, "pseudonym")
	if err != nil {
		return err
	}
	a.protector, err = privacy.New(privacy.Config{MAC: mac, Groups: []string{"province"}})
	return err
}

func (a *App) openTriage(ctx context.Context) error {
	a.triage = triage.New(a.state, triage.Config{
		Record:  a.recordDeed,
		Words:   func(text string) (string, error) { return a.protector.ProtectText(text) },
		Changed: a.notify,
		Outbox: func(ctx context.Context, tx *sql.Tx, al soc.Alert, created bool) error {
			return a.national.Enqueue(ctx, tx, al, created)
		},
	}, a.log)
	return nil
}

func (a *App) openNational(ctx context.Context) error {
	a.linkCert = vault.KeptClient(a.vault, "national-link", "hoalu://national-link", a.path("national-link.sealed"), 365*24*time.Hour)
	a.national = national.New(a.cfg.National, a.state, national.Hooks{
		Lookup: func(id string) (soc.System, soc.Unit) {
			snap := a.inventory.Snapshot()
			sys, _ := snap.System(id)
			unit, _ := snap.Unit(sys.Unit)
			return sys, unit
		},
		Alert: func(ctx context.Context, number string) (soc.Alert, bool, error) {
			al, err := a.triage.Get(ctx, soc.Scope{All: true}, number)
			var p *soc.Problem
			if errors.As(err, &p) && p.Status == 404 {
				return al, false, nil
			}
			return al, err == nil, err
		},
		Certificate: a.nationalCertificate,
		Record:      a.record,
		Notify:      a.notify,
		Words:       a.protector.ProtectText,
	}, a.log)
	return nil
}

// recordDeed puts a deed on record without citizens' numbers: what people typed (a reason, a search, a log-in name) cannot be taken
// out of the log again.
func (a *App) recordDeed(ctx context.Context, tx *sql.Tx, d soc.Deed) (int64, error) {
	var words func(string) (string, error)
	if a.protector != nil { // the appliance's own first rows come before it
		words = a.protector.ProtectText
	}
	return evidence.RecordProtected(ctx, tx, d, words)
}

func (a *App) record(ctx context.Context, tx *sql.Tx, d soc.Deed) error {
	_, err := a.recordDeed(ctx, tx, d)
	return err
}

func record(ctx context.Context, tx *sql.Tx, d soc.Deed) error {
	_, err := evidence.Record(ctx, tx, d)
	return err
}

func (a *App) openQueue(ctx context.Context) error {
	// A queue made anew must not use sequences again that others count as done: what came under them would never be stored.
	cp, err := a.triage.Position(ctx, detections.ReaderName)
	if err != nil {
		return err
	}
	after := max(a.store.Position(), a.ledger.Position(), cp.Seq)
	aead, err := a.vault.AEAD(ctx, "queue")
	if err != nil {
		return err
	}
	q, err := queuelocal.Open(queuelocal.Config{AEAD: aead, Dir: a.path("queue"), After: after, MaxBytes: int64(a.cfg.Queue.MaxBytes),
		Reserve: int64(a.cfg.Queue.Reserve),
		Hole:    a.queueHole}, a.log)
	if err != nil {
		return err
	}
	a.queue, a.queueSize = q, q.Size
	a.down.Push("queue", q.Close)
	return nil
}

// queueHole tells of queue sequences that are gone. Intake reads the queue before health is there: what it finds waits for it.
func (a *App) queueHole(first, last uint64) {
	n := health.QueueGone(first, last)
	if a.health == nil {
		a.early = append(a.early, n)
		return
	}
	a.health.Emit(n)
}

func (a *App) openStore(ctx context.Context) error {
	s, err := collector.Stores[a.cfg.Store.Engine](a.path("events"), store.Hooks{OnSeal: a.ledger.Tell, Retention: a.retention,
		OnRebuild: func(r store.Rebuilt) { a.rebuilt = &r }}, a.log)
	if err != nil {
		return err
	}
	a.store = s
	a.down.Push("event store", s.Close)
	a.applied.Store(s.Position())
	if a.disk, err = store.WatchDisk(ctx, a.path("events"), a.state.Document("free space of the disk"),
		a.log.With("component", "store")); err != nil {
		return err
	}
	aead, err := a.vault.AEAD(ctx, "quarantine")
	if err != nil {
		return err
	}
	if a.quarantine, err = pipeline.OpenQuarantine(pipeline.QuarantineConfig{Dir: a.path("quarantine"), AEAD: aead}); err != nil {
		return err
	}
	a.down.Push("quarantine", a.quarantine.Close)
	return nil
}

// retention keeps a system's events as configured, never shorter than the floor of its level.
func (a *App) retention(system, _ string) (keepDays int, hold bool) {
	level := 0
	if sys, ok := a.inventory.Snapshot().System(system); ok {
		level = sys.Level
	}
	return a.keepDays(level), false
}

// keepDays is how long events of a system of this level are kept, 0 for ever.
func (a *App) keepDays(level int) int { return a.cfg.Store.Keep(facts.RetentionFloorDays(level)) }

func (a *App) openLedger(ctx context.Context) error {
	path := a.path("ledger.db")
	if err := state.PrivateFile(path); err != nil {
		return err
	}
	l, err := ledger.Open(ctx, ledger.Config{Path: path,
		Live: func() ledger.Live {
			if a.store == nil {
				return ledger.Live{}
			}
			return ledger.Live{Sealed: a.store.Position(), Applied: a.applied.Load(), Outcomes: a.store.Live()}
		},
		OnImbalance: func(r soc.LedgerRow) { a.health.Imbalance(r) },
	}, a.log)
	if err != nil {
		return err
	}
	a.ledger = l
	a.counted.Store(l.Position())
	a.down.Push("ledger", l.Close)
	return nil
}

func (a *App) openIntake(ctx context.Context) error {
	positions, err := a.document(ctx, "sensor positions", "sensors.json")
	if err != nil {
		return err
	}
	in, err := collector.NewIntake(ctx, collector.Options{Queue: a.queue, State: positions,
		Revision: a.revision,
		Count:    a.ledger.Add,
		SourceOf: func(peer string) string {
			s, _ := a.inventory.Snapshot().FindSource(inventory.Seen{Peer: peer})
			return s.ID
		},
		Gap: func(sensor string, first, last uint64) {
			a.health.Emit(health.SensorMissed(sensor, first, last))
		}}, a.log)
	if err != nil {
		return err
	}
	a.intake = in
	a.down.Push("intake", in.Close)
	a.demo = demo.Player{Sources: func() []soc.Source { return a.inventory.Snapshot().Sources() }, Put: in.Put,
		Log: a.log.With("component", "demo")}
	proved, err := a.document(ctx, "systems of sources", "resolved.json")
	if err != nil {
		return err
	}
	if a.systems, err = health.OpenSystems(ctx, proved, a.log); err != nil {
		return err
	}
	learnt, err := a.document(ctx, "health of sources", "health.json")
	if err != nil {
		return err
	}
	a.health, err = health.New(ctx, health.Config{State: learnt, Systems: a.systems, Hosts: &a.hosts, Put: a.put(soc.SourceSelf),
		Source:    a.selfFeed.ID,
		Sources:   func() []soc.Source { return a.inventory.Snapshot().Active() },
		Connected: a.peers.Connected,
		Ready:     func() error { return a.queue.State().Err },
		Direct:    a.detectDirectly,
		OnChange:  a.sourceChanged, Now: a.opts.now}, a.log)
	if err != nil {
		return err
	}
	for _, n := range a.early {
		a.health.Emit(n)
	}
	a.early = nil
	if r := a.rebuilt; r != nil {
		a.health.Emit(health.ListMadeAnew(r.Files, r.SetAside, r.LeftOut, r.Cause))
	}
	return nil
}

// revision is what a batch received now shall be decoded with.
func (a *App) revision() uint64 { return a.inventory.Revision() | a.archive.Number()<<decodersShift }

// sourceChanged tells open consoles of a source; who may know of it follows its system.
func (a *App) sourceChanged(r soc.Reading) {
	src, _ := a.inventory.Snapshot().Source(r.Source)
	a.notify(soc.Notice{Topic: "source", ID: r.Source, Version: time.Now().UnixMilli(), System: src.System})
}

// decodersShift: the upper bits of a batch's revision are the number of the set of decoders, the lower ones the revision of the inventory.
const decodersShift = 40

func (a *App) openDecoders(context.Context) error {
	set, err := decoders.Load(a.cfg.Decoders)
	if err != nil {
		return err
	}
	a.datasets = set
	a.feeds = detections.NewFeeds(a.store, set.Logsources())
	a.archive, err = decoders.OpenArchive(a.path("decoders"), set)
	return err
}

func (a *App) openPipeline(ctx context.Context) error {
	mac, err := a.vault.MAC(ctx, "exercise")
	if err != nil {
		return err
	}
	a.marker = exercise.NewMarker(mac)
	a.setups = pipeline.NewSetups(a.setupOf)
	a.pipeline = pipeline.New(a.setups.At)
	a.pipeline.NamesSpent = a.health.NamesSpent
	a.hub = pipeline.NewHub(pipeline.HubConfig{}, queue.Onward{Stream: a.queue}, a.pipeline, a.log)
	a.down.Push("hub", func() error { a.hub.Close(); return nil })
	return nil
}

// setupOf is what decoding a batch of a revision depends on.
func (a *App) setupOf(revision uint64) pipeline.Setup {
	snap := a.inventory.Snapshot()
	set, err := a.archive.Set(revision >> decodersShift)
	if err != nil {
		a.log.Error("read decoders of a past revision; the present ones decode", "revision", revision>>decodersShift, "error", err)
	}
	if kept := revision & (1<<decodersShift - 1); kept != snap.Revision {
		old, err := a.inventory.SnapshotAt(context.Background(), kept)
		if err != nil {
			a.log.Error("read inventory of a past revision; the present one decides", "revision", revision, "error", err)
		} else {
			snap = old
		}
	}
	return pipeline.Setup{Decoders: set, Resolver: resolver{snap, a.inventory},
		Protector: exercise.Marked{Protector: a.protector, Marker: a.marker},
		Retention: func(level int) time.Duration { return time.Duration(a.keepDays(level)) * 24 * time.Hour }}
}

// resolver answers the pipeline from one state of the inventory.
type resolver struct {
	snap  *inventory.Snapshot
	store *inventory.Store
}

func (r resolver) Resolve(sensor, source, peer, host string, ips []netip.Addr) pipeline.Place {
	x := r.snap.Resolve(sensor, source, peer, host, ips)
	if x.ConflictBy == inventory.ByHost && x.Source != "" {
		r.store.Claim(x.Source, x.Conflict, time.Now().UnixMilli())
	}
	return pipeline.Place{System: x.System, Unit: x.Unit, Level: x.Level, Zone: x.Zone, Asset: x.Asset, Source: x.Source, By: x.By,
		Conflict: x.Conflict != "", Demo: x.Demo, Err: x.Err}
}

func (r resolver) SourceByID(id string) (soc.Source, bool) { return r.snap.Source(id) }
