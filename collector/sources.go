package collector

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"hoalu/collector/health"
	"hoalu/collector/source/bulk"
	"hoalu/collector/source/file"
	"hoalu/collector/source/listen"
	"hoalu/collector/source/sensor"
	"hoalu/collector/source/syslog"
	"hoalu/ecs/wire"
	"hoalu/soc"
)

// Listener is one way in: it serves until its context ends, and then hands over what it has. Close closes the socket of one that does
// not run (any more); it may be called after Run.
type Listener interface {
	Run(ctx context.Context) error
	Addr() net.Addr
	Close() error
}

// Opening is what a row of Sources opens its listener with.
type Opening struct {
	Address string         // host:port of the row's key
	Allow   []netip.Prefix // who may send; nil: everybody who can connect
	Log     *slog.Logger

	// Put makes frames durable, each bound to its source.
	Put func(ctx context.Context, listener string, frames []wire.Frame) error
	// Reject and Drop count what is not taken; Connection is told when a peer connects and goes.
	Reject     func(source, peer, reason string, n int)
	Drop       func(source, peer, reason string, n int)
	Connection func(peer string, open bool)
	// Miscounted is told of syslog messages that were cut elsewhere than their octet count says.
	Miscounted func(source, peer string, n int)

	// TLS is the certificate of this appliance for a listener, ending with its authority, and the authority as ClientCAs.
	TLS func(name string) (*tls.Config, error)
	// Keyed finds the source of a key or certificate (kind soc.KeyAPI, soc.KeyCertificate) by its hash.
	Keyed func(kind, sum string) (soc.Source, bool)
	// Sender finds the source of a peer, and registers who is new.
	Sender func(ctx context.Context, s Sender) (soc.Source, error)
	// TrustPlain lets senders without a key name sigma.logsource themselves.
	TrustPlain bool
	// Sensor has what only the listener of sensors needs: certificates, enrolment, accounts.
	Sensor sensor.Config
	// PutSensor makes a sensor's batch durable.
	PutSensor sensor.Put
}

// Source is a row of the table of ways in.
type Source struct {
	Name   string // as it stands in wire.Batch.Listener
	Folder string // of collector/source; "": no listener of its own
	Kind   string // soc.Source… of the sources that send this way
	Key    string // of the configuration, below listen; "": no socket
	// its senders are hidden on the way and show a key or a certificate; any other needs listen.senders beyond this machine (decision 27),
	// a row that forgets to say so as well
	Keyed    bool
	Answered bool          // its sender waits for an answer that may be a refusal; else Put waits until the frames are durable
	Linger   time.Duration // most a frame waits for others

	Says map[string]string // what comes in this way, vi and en, for `hoalu source ways`

	// Open opens the listener; nil where Key is "".
	Open func(Opening) (Listener, error)
}

// Sources is the table of ways in. To add one: a folder in source/ with its test, and a row here; its key stands in the configuration
// below listen by itself, closed until an address is given.
var Sources = []Source{
	{Name: syslog.UDP, Folder: "syslog", Kind: soc.SourceSyslog, Key: "syslog_udp", Linger: linger, Open: openSyslog,
		Says: map[string]string{"vi": "syslog qua UDP (RFC 3164, RFC 5424)", "en": "syslog over UDP (RFC 3164, RFC 5424)"}},
	{Name: syslog.TCP, Folder: "syslog", Kind: soc.SourceSyslog, Key: "syslog_tcp", Linger: linger, Open: openSyslogTCP,
		Says: map[string]string{"vi": "syslog qua TCP (RFC 6587)", "en": "syslog over TCP (RFC 6587)"}},
	{Name: syslog.TLS, Folder: "syslog", Kind: soc.SourceSyslog, Key: "syslog_tls", Keyed: true, Linger: linger, Open: openSyslogTLS,
		Says: map[string]string{"vi": "syslog qua TLS (RFC 5425), chứng thư nhận ra nguồn",
			"en": "syslog over TLS (RFC 5425); a certificate names the source"}},
	{Name: bulk.Name, Folder: "bulk", Kind: soc.SourceBulk, Key: "bulk", Answered: true, Linger: lingerAnswered, Open: openBulk,
		Says: map[string]string{"vi": "giao thức _bulk của Elasticsearch", "en": "the bulk protocol of Elasticsearch"}},
	{Name: bulk.Name, Folder: "bulk", Kind: soc.SourceBulk, Key: "bulk_tls", Keyed: true, Answered: true, Linger: lingerAnswered, Open: openBulkTLS,
		Says: map[string]string{"vi": "giao thức _bulk của Elasticsearch qua TLS, cần khóa",
			"en": "the bulk protocol of Elasticsearch over TLS; needs a key"}},
	{Name: sensor.Name, Folder: "sensor", Kind: soc.SourceSensor, Key: "sensors", Keyed: true, Answered: true, Open: openSensors,
		// its batches are made already
		Says: map[string]string{"vi": "cảm biến của Hoa Lư, chứng thư hai chiều", "en": "sensors of Hoa Lư, over mutual TLS"}},
	{Name: file.ImportName, Folder: "file", Kind: soc.SourceImport, Linger: linger,
		Says: map[string]string{"vi": "tệp nhập bằng hoalu import", "en": "files by hoalu import"}},
	{Name: file.FollowName, Folder: "file", Kind: soc.SourceImport, Linger: linger,
		Says: map[string]string{"vi": "tệp nhật ký và journal của máy này", "en": "log files and the journal of this machine"}},
	{Name: Self, Kind: soc.SourceSelf, Linger: linger,
		Says: map[string]string{"vi": "sự kiện của chính Hoa Lư", "en": "Hoa Lư's own events"}},
}

// The long-lived parts of this package's children that are no sockets.
var (
	_ interface{ Run(context.Context) error } = (*file.Follower)(nil)
	_ interface{ Run(context.Context) error } = (*health.Monitor)(nil)
)

// ways finds a row by its name.
var ways = func() map[string]Source {
	m := map[string]Source{}
	for _, s := range Sources {
		m[s.Name] = s
	}
	return m
}()

// wayOf looks a listener up. A name that is missing waits like syslog.
func wayOf(listener string) Source {
	if s, ok := ways[listener]; ok {
		return s
	}
	return Source{Linger: linger}
}

func (o Opening) syslog() syslog.Config {
	return syslog.Config{Allow: o.Allow, Reject: o.Reject, Drop: o.Drop, Connection: o.Connection, Miscounted: o.Miscounted,
		Certificate: func(sum string) (string, string, bool) { // over TLS
			src, ok := o.Keyed(soc.KeyCertificate, sum)
			return src.ID, src.Dataset, ok
		}}
}

func openSyslog(o Opening) (Listener, error) {
	c := o.syslog()
	c.UDP = o.Address
	return syslog.New(c, o.Put, o.Log)
}

func openSyslogTCP(o Opening) (Listener, error) {
	c := o.syslog()
	c.TCP = o.Address
	return syslog.New(c, o.Put, o.Log)
}

func openSyslogTLS(o Opening) (Listener, error) {
	c := o.syslog()
	conf, err := o.TLS("syslog")
	if err != nil {
		return nil, err
	}
	conf.ClientAuth = tls.VerifyClientCertIfGiven
	if len(o.Allow) == 0 && !listen.Loopback(o.Address) { // then a certificate is what lets a sender in
		conf.ClientAuth = tls.RequireAndVerifyClientCert
	}
	c.TLS, c.TLSConfig = o.Address, conf
	return syslog.New(c, o.Put, o.Log)
}

func (o Opening) bulk() bulk.Config {
	binding := func(s soc.Source) bulk.Binding {
		return bulk.Binding{Source: s.ID, Dataset: s.Dataset, Trust: s.TrustLogsource}
	}
	return bulk.Config{Address: o.Address, Allow: o.Allow, Reject: o.Reject, Connection: o.Connection,
		Token: func(sum string) (bulk.Binding, bool) {
			src, ok := o.Keyed(soc.KeyAPI, sum)
			return binding(src), ok
		},
		Peer: func(ctx context.Context, peer string) (bulk.Binding, error) {
			src, err := o.Sender(ctx, Sender{Kind: soc.SourceBulk, Peer: peer})
			if err == nil && src.ID == "" {
				err = errors.New("the sender has no source")
			}
			b := binding(src)
			b.Trust = b.Trust || o.TrustPlain
			return b, err
		}}
}

func openBulk(o Opening) (Listener, error) { return bulk.New(o.bulk(), o.Put, o.Log) }

func openBulkTLS(o Opening) (Listener, error) {
	conf, err := o.TLS("bulk") // it shows the authority too, so that a shipper can check it by the root's fingerprint alone
	if err != nil {
		return nil, err
	}
	c := o.bulk()
	c.TLSConfig, c.RequireToken = conf, true
	return bulk.New(c, o.Put, o.Log)
}

func openSensors(o Opening) (Listener, error) {
	conf, err := o.TLS("sensors")
	if err != nil {
		return nil, err
	}
	c := o.Sensor
	c.Address, c.TLSConfig, c.Reject, c.Connection = o.Address, conf, o.Reject, o.Connection
	return sensor.New(c, o.PutSensor, o.Log)
}
