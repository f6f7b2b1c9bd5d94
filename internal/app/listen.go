package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"hoalu/collector/source/bulk"
	"hoalu/collector/source/file"
	"hoalu/collector/source/listen"
	sensorsource "hoalu/collector/source/sensor"
	"hoalu/collector/source/syslog"
	"hoalu/ecs/wire"
	"hoalu/inventory"
	"hoalu/soc"
)

type put = func(ctx context.Context, listener string, frames []wire.Frame) error

// put binds frames of a kind of listener to their source before they are made durable: what is known is looked up, who is new is
// registered (decision 3).
func (a *App) put(kind string) put {
	return func(ctx context.Context, listener string, frames []wire.Frame) error {
		snap := a.inventory.Snapshot()
		var last inventory.Seen
		var src soc.Source
		for i := range frames {
			f := &frames[i]
			if f.Source == "" {
				seen := inventory.Seen{Kind: kind, Peer: f.Peer}
				if kind == soc.SourceSyslog {
					seen.Host = frameHost(f.Data)
				}
				if seen != last || src.ID == "" {
					known := false
					if src, known = snap.FindSource(seen); !known {
						var err error
						if src, err = a.inventory.EnsureSource(ctx, seen); err != nil {
							return fmt.Errorf("register the sender %s: %w", f.Peer, err)
						}
					}
					last = seen
				}
				f.Source = src.ID
				if f.Dataset == "" {
					f.Dataset = src.Dataset
				}
				f.Trust = f.Trust || src.TrustLogsource
			}
		}
		return a.intake.Put(ctx, listener, frames)
	}
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

// bulkBinding finds the source of a bulk sender by address.
func (a *App) bulkBinding(seen inventory.Seen) (bulk.Binding, bool) {
	src, ok := a.inventory.Snapshot().FindSource(seen)
	if !ok {
		return bulk.Binding{}, false
	}
	return bulk.Binding{Source: src.ID, Dataset: src.Dataset, Trust: src.TrustLogsource}, true
}

// senders are the networks syslog and _bulk are taken from: this machine always, everybody who can connect when none is named.
func (l Listen) senders() []netip.Prefix {
	if len(l.Senders) == 0 {
		return nil
	}
	out := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	for _, s := range l.Senders {
		if p, err := netip.ParsePrefix(s); err == nil { // Validate has named the others
			out = append(out, p.Masked())
		}
	}
	return out
}

// closeListeners closes the sockets of an appliance that did not come to run.
func (a *App) closeListeners() {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	for _, l := range a.listeners {
		if err := l.run(ended); err != nil && !errors.Is(err, context.Canceled) {
			a.log.Debug("close listener", "listener", l.name, "error", err)
		}
	}
}

func (a *App) openBulk(cfg bulk.Config, name string) error {
	b, err := bulk.New(cfg, a.put(soc.SourceBulk), a.log)
	if err != nil {
		return err
	}
	a.listeners = append(a.listeners, named{name, b.Run})
	if cfg.TLSConfig != nil {
		a.bulkTLS = b.Addr()
	} else {
		a.bulkPlain = b.Addr()
	}
	return nil
}

func (a *App) openListeners(ctx context.Context) error {
	l := a.cfg.Listen
	var errs []error // of every listener: whoever frees ports wants all of them
	names := append([]string{"localhost", "127.0.0.1", "::1"}, l.Names...)
	for _, ip := range hostAddresses() {
		names = append(names, ip.String())
	}
	if l.SyslogUDP != "" || l.SyslogTCP != "" || l.SyslogTLS != "" {
		cfg := syslog.Config{UDP: l.SyslogUDP, TCP: l.SyslogTCP, TLS: l.SyslogTLS, Allow: l.senders(), Reject: a.intake.Reject, Drop: a.intake.Drop, Connection: a.peers.change}
		if l.SyslogTLS != "" {
			conf, err := a.vault.Authority().ServerTLS(ctx, "syslog", names)
			if err != nil {
				return err
			}
			conf.ClientAuth = tls.VerifyClientCertIfGiven
			if len(l.Senders) == 0 && !listen.Loopback(l.SyslogTLS) { // then a certificate is what lets a sender in
				conf.ClientAuth = tls.RequireAndVerifyClientCert
			}
			cfg.TLSConfig = conf
			cfg.Certificate = func(sum string) (string, string, bool) {
				src, ok := a.keyed(soc.KeyCertificate, sum)
				return src.ID, src.Dataset, ok
			}
		}
		s, err := syslog.New(cfg, a.put(soc.SourceSyslog), a.log)
		if err != nil {
			errs = append(errs, err)
		} else {
			a.syslogTCP = func() net.Addr { return s.Addr(syslog.TCP) }
			a.listeners = append(a.listeners, named{"syslog", s.Run})
		}
	}
	if l.Bulk != "" || l.BulkTLS != "" {
		cfg := bulk.Config{Address: l.Bulk, Allow: l.senders(), Reject: a.intake.Reject, Connection: a.peers.change,
			Token: func(sum string) (bulk.Binding, bool) {
				src, ok := a.keyed(soc.KeyAPI, sum)
				return bulk.Binding{Source: src.ID, Dataset: src.Dataset, Trust: src.TrustLogsource}, ok
			},
			Peer: func(peer string) bulk.Binding {
				b, ok := a.bulkBinding(inventory.Seen{Kind: soc.SourceBulk, Peer: peer})
				if !ok {
					if src, err := a.inventory.EnsureSource(context.Background(), inventory.Seen{Kind: soc.SourceBulk, Peer: peer}); err == nil {
						b = bulk.Binding{Source: src.ID, Dataset: src.Dataset, Trust: src.TrustLogsource}
					}
				}
				b.Trust = b.Trust || a.cfg.Listen.BulkTrust
				return b
			}}
		if l.Bulk != "" {
			if err := a.openBulk(cfg, "bulk"); err != nil {
				errs = append(errs, err)
			}
		}
		if l.BulkTLS != "" {
			conf, err := a.vault.Authority().ServerTLS(ctx, "bulk", names)
			if err != nil {
				return err
			}
			cfg.Address, cfg.RequireToken = l.BulkTLS, true
			cfg.TLSConfig = withRoot(conf, a.vault.Authority().Root()) // so that a shipper can check it by the root's fingerprint alone
			if err := a.openBulk(cfg, "bulk over TLS"); err != nil {
				errs = append(errs, err)
			}
		}
	}
	if l.Sensors != "" {
		conf, err := a.vault.Authority().ServerTLS(ctx, "sensors", names)
		if err != nil {
			return err
		}
		s, err := sensorsource.New(sensorsource.Config{Address: l.Sensors, TLSConfig: withRoot(conf, a.vault.Authority().Root()), Identify: a.identifySensor, Enroll: a.enrollSensor, Renew: a.renewSensor, Stats: a.sensorStats,
			Position: a.intake.SensorPosition, Reject: a.intake.Reject, Connection: a.peers.change}, a.putSensor, a.log)
		if err != nil {
			errs = append(errs, err)
		} else {
			a.sensorListener = s
			a.listeners = append(a.listeners, named{"sensors", s.Run}, named{"sensors' certificates", a.certificateLoop})
		}
	}
	if l.Console != "" {
		ln, err := net.Listen("tcp", l.Console)
		if err != nil {
			errs = append(errs, fmt.Errorf("open the console on %s: %w; stop what uses that port (see: ss -lntp) or change listen.console", l.Console, err))
		} else {
			a.consoleListener, a.consoleAddr = ln, ln.Addr()
			a.down.push("console listener", func() error { ln.Close(); return nil })
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

// putSensor takes a sensor's batch.
func (a *App) putSensor(ctx context.Context, id string, sequence uint64, frames []wire.Frame) (bool, error) {
	src, ok := a.inventory.Snapshot().FindSource(inventory.Seen{Kind: soc.SourceSensor, Sensor: id})
	if !ok {
		var err error
		if src, err = a.inventory.EnsureSource(ctx, inventory.Seen{Kind: soc.SourceSensor, Sensor: id}); err != nil {
			return false, fmt.Errorf("register sensor %s: %w", id, err)
		}
	}
	for i := range frames {
		frames[i].Source = src.ID
		frames[i].Trust = true // our own sensors say what their records are
	}
	return a.intake.PutSensor(ctx, id, sequence, frames)
}

type named struct {
	name string
	run  func(context.Context) error
}

// runFront starts what lets events in.
func (a *App) runFront(g *group) {
	g.run("intake", a.intake.Run)
	g.run("sample province", a.demo.Run)
	for _, l := range a.listeners {
		g.run(l.name, l.run)
	}
	if a.consoleListener == nil {
		g.run("control socket", a.controlLoop)
		return
	}
	g.run("console", func(ctx context.Context) error { return a.console.Serve(ctx, a.consoleListener) })
	g.run("control socket", a.controlLoop)
}
