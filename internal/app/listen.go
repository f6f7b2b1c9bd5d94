package app

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"

	"hoalu/collector"
	"hoalu/collector/source/file"
	"hoalu/collector/source/listen"
	"hoalu/ecs/wire"
	"hoalu/internal/lifecycle"
	"hoalu/internal/wording"
	"hoalu/inventory"
	"hoalu/soc"
	"hoalu/vault"
)

// put binds frames of a kind of listener to their source and makes them durable.
func (a *App) put(kind string) func(ctx context.Context, listener string, frames []wire.Frame) error {
	return a.intake.Bound(kind, a.sender)
}

// sender finds the source of a sender, and registers who is new.
func (a *App) sender(ctx context.Context, s collector.Sender) (soc.Source, error) {
	seen := inventory.Seen{Kind: s.Kind, Peer: s.Peer, Host: s.Host}
	if src, ok := a.inventory.Snapshot().FindSource(seen); ok {
		return src, nil
	}
	return a.inventory.EnsureSource(ctx, seen)
}

// keyed finds the source whose key or certificate hashes to sum, and notes a key's first use.
func (a *App) keyed(kind, sum string) (soc.Source, bool) {
	src, key, ok := a.inventory.Snapshot().FindKey(sum, time.Now().UnixMilli())
	if !ok || key.Kind != kind {
		return soc.Source{}, false
	}
	if key.Used == 0 {
		if err := a.inventory.UseKey(context.Background(), src.ID, key.ID); err != nil { // the next use tries again
			a.log.Warn("first use of a source's key not noted", "hoalu.source.id", src.ID, "key", key.ID, "error.message", err.Error())
		}
	}
	return src, true
}

// address is what the listener of a key listens on, nil without it.
func (a *App) address(key string) net.Addr {
	if l := a.opened[key]; l != nil {
		return l.Addr()
	}
	return nil
}

func (a *App) openListeners(ctx context.Context) error {
	l := a.cfg.Listen
	var errs []error // of every listener: whoever frees ports wants all of them
	names := append([]string{"localhost", "127.0.0.1", "::1"}, l.Names...)
	for _, ip := range listen.OwnAddresses() {
		names = append(names, ip.String())
	}
	o := collector.Opening{Allow: l.Allow(), Log: a.log, Reject: a.intake.Reject, Drop: a.intake.Drop, Connection: a.peers.Change,
		Keyed: a.keyed, Sender: a.sender, TrustPlain: l.BulkTrust, Sensor: a.listenForSensors(),
		PutSensor: a.intake.FromSensors(a.enrolment.Source), Miscounted: a.health.Miscounted,
		TLS: func(name string) (*tls.Config, error) {
			conf, err := a.vault.Authority().ServerTLS(ctx, name, names)
			if err != nil {
				return nil, err
			}
			return vault.WithRoot(conf, a.vault.Authority().Root()), nil
		}}
	a.opened = map[string]collector.Listener{}
	for _, row := range collector.Sources {
		if row.Key == "" || l.Address(row.Key) == "" {
			continue
		}
		o.Address, o.Put = l.Address(row.Key), a.put(row.Kind)
		open, err := row.Open(o)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		a.opened[row.Key] = open
		a.down.Push("listener "+row.Key, open.Close)
		a.listeners = append(a.listeners, named{"listener " + row.Key, open.Run})
	}
	if a.opened["sensors"] != nil {
		a.listeners = append(a.listeners, named{"sensors' certificates", a.enrolment.Run})
	}
	if l.Console != "" {
		ln, err := net.Listen("tcp", l.Console)
		if err != nil {
			errs = append(errs, wording.New("the console cannot be opened on %s: %s; stop what uses that port (see: ss -lntp) or change listen.console",
				l.Console, err))
		} else {
			a.consoleListener, a.consoleAddr = ln, ln.Addr()
			a.down.Push("console listener", func() error { ln.Close(); return nil })
		}
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	if a.cfg.Files.Host || a.cfg.Files.Journal != "" {
		// The name binds the source and reads alike in every language; earlier versions registered it in English.
		src, ok := a.inventory.Snapshot().FindSource(inventory.Seen{Kind: soc.SourceImport, Name: "files of this host"})
		if !ok {
			var err error
			if src, err = a.inventory.EnsureSource(ctx, inventory.Seen{Kind: soc.SourceImport, Name: "/var/log, journald"}); err != nil {
				return err
			}
		}
		cfg := file.Config{State: a.path("files.json"), Reject: a.intake.Reject}
		if a.cfg.Files.Host {
			cfg.Paths, cfg.Journal = file.HostPaths(src.ID), file.HostJournal(src.ID)
		}
		if a.cfg.Files.Journal != "" {
			cfg.Journal = file.Journal(src.ID, a.cfg.Files.Journal)
		}
		if len(cfg.Paths) > 0 || cfg.Journal != nil {
			f, err := file.New(cfg, a.put(soc.SourceImport), a.log)
			if err != nil {
				return err
			}
			a.listeners = append(a.listeners, named{"files", f.Run})
		}
	}
	return nil
}

type named struct {
	name string
	run  func(context.Context) error
}

// runFront starts what lets events in.
func (a *App) runFront(g *lifecycle.Group) {
	g.Run("intake", a.intake.Run)
	g.Run("sample province", a.demo.Run)
	for _, l := range a.listeners {
		g.Run(l.name, l.run)
	}
	g.Run("control socket", func(ctx context.Context) error { return a.control.Serve(ctx, a.operations()) })
	if a.consoleListener != nil {
		g.Run("console", func(ctx context.Context) error { return a.console.Serve(ctx, a.consoleListener) })
	}
}
