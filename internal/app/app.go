// Package app builds, wires, starts and stops the appliance. Parts never import each other; what one needs of another it declares,
// and this package hands it over.
//
// Words: an App is one running appliance on one data directory; a step is what closes one part; steps run in reverse order when the
// appliance stops. New opens everything and fails with all that is wrong; Run serves until its context ends and returns after everything
// has stopped and what was in memory is on disk. A part that stops by itself stops the App: half an appliance would mislead.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"sync/atomic"
	"time"

	"hoalu/collector"
	"hoalu/collector/decoders"
	"hoalu/collector/health"
	"hoalu/collector/ledger"
	"hoalu/collector/pipeline"
	"hoalu/collector/queue"
	"hoalu/collector/source/sensor"
	"hoalu/collector/store"
	"hoalu/compliance"
	"hoalu/compliance/evidence"
	"hoalu/console"
	"hoalu/console/identity"
	"hoalu/detections"
	"hoalu/internal/config"
	"hoalu/internal/control"
	"hoalu/internal/demo"
	"hoalu/internal/exercise"
	"hoalu/internal/lifecycle"
	"hoalu/internal/wording"
	"hoalu/inventory"
	"hoalu/inventory/enrol"
	"hoalu/national"
	"hoalu/privacy"
	"hoalu/sensors"
	"hoalu/soc"
	"hoalu/state"
	"hoalu/triage"
	"hoalu/vault"
)

// Options of an App.
type Options struct {
	Data   string // data directory
	Config config.Config
	Log    *slog.Logger

	// MasterKey is where the master key is kept when no credential gives one; "" the user's configuration folder.
	MasterKey string
	Version   string
	// Ready is called once everything listens, with the console's address and, as long as there is no account, the one-time link
	// of the first one. May be nil.
	Ready func(url, first string)

	now func() time.Time // the clock that is watched for jumps; nil: this machine's
}

// App is the appliance.
type App struct {
	opts    Options
	cfg     config.Config
	log     *slog.Logger
	started int64
	down    lifecycle.Teardown

	vault     vault.Vault
	state     *state.DB
	leases    *state.Leases // work of one process at a time
	inventory *inventory.Store
	enrolment *enrol.Register
	self      soc.System
	selfFeed  soc.Source
	queue     queue.Stream
	queueSize func() (queue.Size, error)
	intake    *collector.Intake
	ledger    *ledger.Ledger
	health    *health.Monitor
	parts     *health.Parts
	store     store.Store
	disk      *store.Disk
	pipeline  *pipeline.Pipeline
	datasets  *decoders.Set
	archive   *decoders.Archive // of the sets that batches in the queue came under
	hub       *pipeline.Hub
	engine    *detections.Engine
	detector  *detections.Reader
	triage    *triage.Store
	national  *national.Service
	posture   *compliance.Service
	gatherer  *compliance.Gatherer
	evidence  *evidence.Log
	accounts  *identity.Accounts
	console   *console.Console
	protector *privacy.Protector
	marker    *exercise.Marker
	demo      demo.Player
	opened    map[string]collector.Listener // by key of the configuration

	quarantine      *pipeline.Quarantine
	own             *sensors.Host // of this host; nil where it is switched off
	consoleAddr     net.Addr
	consoleListener net.Listener
	control         *control.Socket
	listeners       []named

	linkCert *vault.Client // of the national link

	early   []health.Note  // notes from before health ran
	rebuilt *store.Rebuilt // what Open made anew of the store's list, told once health runs

	setups     *pipeline.Setups
	peers      collector.Peers
	hosts      health.Hosts
	systems    *health.Systems
	sensorBook *sensor.Book
	rate       health.Rate
	rulesSince *state.Document   // since when the rules are what they are
	rulesAt    atomic.Int64      // last change of rules
	feeds      *detections.Feeds // what reaches the rules
	applied    atomic.Uint64     // last sequence the store has taken
	counted    atomic.Uint64     // last sequence the ledger's reader has taken
	observed   uint64            // last sequence health was told of; the ledger's reader only

	watch *lifecycle.Group // this host's own sensor: it ends while the listener still takes what it has
	front *lifecycle.Group // listeners
	back  *lifecycle.Group // readers of the queue and everything behind

	notices func(soc.Notice)
}

// New opens the appliance on opts.Data.
func New(ctx context.Context, opts Options) (_ *App, err error) {
	a, err := newApp(opts)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.down.Run())
		}
	}()
	if err := a.holdData(ctx); err != nil {
		return nil, err
	}
	for _, step := range []struct {
		name string
		open func(context.Context) error
	}{
		{"vault", a.openVault},
		{"state", a.openState},
		{"privacy", a.openPrivacy},
		{"inventory", a.openInventory},
		{"enrolment", a.openEnrolment},
		{"detections", a.openDetections},
		{"triage", a.openTriage},
		{"national link", a.openNational},
		{"ledger", a.openLedger},
		{"event store", a.openStore},
		{"detection", a.openDetector},
		{"queue", a.openQueue},
		{"decoders", a.openDecoders},
		{"intake", a.openIntake},
		{"pipeline", a.openPipeline},
		{"posture", a.openPosture},
		{"console", a.openConsole},
		{"listeners", a.openListeners},
		{"control socket", a.openControl},
		{"own sensor", a.openOwnSensor},
	} {
		start := time.Now()
		if err := step.open(ctx); err != nil {
			if _, ok := errors.AsType[*wording.Problem](err); ok {
				return nil, err // a whole sentence
			}
			return nil, fmt.Errorf("%s: %w", step.name, err)
		}
		a.log.Debug("opened", "part", step.name, "event.duration", time.Since(start).String())
	}
	return a, nil
}

// newApp is an App that holds nothing yet.
func newApp(opts Options) (*App, error) {
	if err := opts.Config.Validate(); err != nil {
		return nil, err
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	a := &App{opts: opts, cfg: opts.Config, log: opts.Log, started: time.Now().UnixMilli(), sensorBook: sensor.NewBook(),
		notices: func(soc.Notice) {}}
	a.down.Log = opts.Log
	return a, nil
}

// holdData makes the data folder where it is absent and keeps others from it.
func (a *App) holdData(ctx context.Context) error {
	lock, err := state.HoldFolder(ctx, a.opts.Data)
	if err != nil {
		return err
	}
	a.down.Push("data lock", lock.Close)
	return nil
}

func (a *App) path(parts ...string) string {
	return filepath.Join(append([]string{a.opts.Data}, parts...)...)
}

// Run serves until ctx ends.
func (a *App) Run(ctx context.Context) error {
	bg := context.WithoutCancel(ctx)
	a.back = lifecycle.NewGroup(bg, a.log)
	a.front = lifecycle.NewGroup(bg, a.log)
	a.runBack(a.back)
	a.runFront(a.front)
	a.watch = lifecycle.NewGroup(bg, a.log)
	if a.own != nil {
		a.watch.Run("own sensor", a.own.Run)
	}
	if a.opts.Ready != nil {
		first := ""
		if any, err := a.accounts.Any(ctx); err == nil && !any {
			link, err := a.accounts.FirstLink(ctx)
			if err != nil {
				a.log.Error("make the first link", "error", err)
			} else {
				first = a.firstURL(link.Token)
			}
		}
		a.opts.Ready(a.consoleURL(), first)
	}
	var cause error
	select {
	case <-ctx.Done():
	case <-a.back.Done():
		cause = a.back.Cause()
	case <-a.front.Done():
		cause = a.front.Cause()
	case <-a.watch.Done():
		cause = a.watch.Cause()
	}
	began := time.Now()
	watch := a.watch.Stop(lifecycle.StopTime(began))
	front := a.front.Stop(lifecycle.StopTime(began)) // nothing new comes in, what was taken is in the queue
	back := a.back.Stop(lifecycle.StopTime(began))
	return errors.Join(cause, watch, front, back, a.down.Bounded(lifecycle.StopTime(began)))
}
