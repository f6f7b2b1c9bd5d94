package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"hoalu/ecs/wire"
)

// embedded is one life of the NATS server in this process. It has no port: connect is the only way in.
type embedded struct {
	srv *server.Server
	dir string
}

// serve starts a server on the folder of cfg; it calls broken when no write will succeed any more.
func serve(cfg Config, log *slog.Logger, broken func()) (*embedded, error) {
	srv, err := server.NewServer(&server.Options{
		ServerName: "hoalu", DontListen: true, NoSigs: true, NoLog: false,
		JetStream: true, DisableJetStreamBanner: true, StoreDir: cfg.Dir, SyncAlways: !cfg.noSync,
		// the stream's own MaxBytes bounds it: a store's bound refuses to lower that one
		JetStreamMaxStore: 1 << 60, JetStreamMaxMemory: 16 << 20,
		MaxPayload: wire.MaxMessage, // with its header: more than 8 MiB the server warns of at each start
	})
	if err != nil {
		return nil, fmt.Errorf("make embedded server: %w", err)
	}
	srv.SetLoggerV2(&serverLog{log, broken}, false, false, false)
	go srv.Start()
	e := &embedded{srv: srv, dir: cfg.Dir}
	if !srv.ReadyForConnections(30 * time.Second) {
		e.stop()
		return nil, errors.New("embedded server is not ready after 30 s")
	}
	if !srv.JetStreamEnabled() {
		e.stop()
		return nil, fmt.Errorf("embedded server has no store in %s: see the log lines before this one", cfg.Dir)
	}
	return e, nil
}

// connect opens a connection within the process.
func (e *embedded) connect(opts ...nats.Option) (*nats.Conn, error) {
	return nats.Connect("", append(opts, nats.InProcessServer(e.srv))...)
}

// sync makes durable what the server recovered: a batch whose fsync failed may be in the page cache only.
func (e *embedded) sync() error {
	return filepath.WalkDir(e.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".blk" {
			return err
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		return f.Sync()
	})
}

func (e *embedded) stop() {
	e.srv.Shutdown()
	e.srv.WaitForShutdown()
}

// serverLog hands the embedded server's lines on and listens for the one that means no write will succeed any more.
type serverLog struct {
	log    *slog.Logger
	broken func()
}

func (l *serverLog) line(level slog.Level, format string, v []any) {
	text := fmt.Sprintf(format, v...)
	if strings.Contains(text, "critical write error") || strings.Contains(text, "disabling JetStream") {
		l.broken()
	}
	l.log.Log(context.Background(), level, "embedded server", "message", text)
}

func (l *serverLog) Noticef(format string, v ...any) { l.line(slog.LevelDebug, format, v) }
func (l *serverLog) Warnf(format string, v ...any)   { l.line(slog.LevelWarn, format, v) }
func (l *serverLog) Fatalf(format string, v ...any)  { l.line(slog.LevelError, format, v) }
func (l *serverLog) Errorf(format string, v ...any)  { l.line(slog.LevelError, format, v) }
func (l *serverLog) Debugf(string, ...any)           {}
func (l *serverLog) Tracef(string, ...any)           {}
