package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"hoalu/internal/app"
	"hoalu/internal/config"
	"hoalu/internal/wording"
)

// ServeCmd runs the appliance.
type ServeCmd struct {
	Config string `placeholder:"FILE" help:"Configuration file (YAML); without one everything listens on loopback with sensible bounds." type:"path"`
	Data   string `help:"Data directory; everything but the master key is in it." default:"${data}" type:"path"`
}

// badConfig lists what is wrong with a configuration, a line each.
func badConfig(kind, err error) error {
	lines := wording.Sentences(err, say)
	return fmt.Errorf("%w: %w", kind, errors.New(say("the configuration cannot be used:\n  ")+strings.Join(lines, "\n  ")))
}

// noCores keeps the keys in this process's memory out of core files.
func noCores() error {
	return syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{})
}

// Run serves until interrupted.
func (c ServeCmd) Run(e *env) error {
	cfg, err := config.Load(c.Config)
	if err != nil {
		return badConfig(errUsage, err)
	}
	syscall.Umask(0o077) // nothing this process makes is for other users
	if err := noCores(); err != nil {
		e.log.Warn("core dumps of this process are not switched off", "error", err)
	}
	a, err := app.New(e.ctx, app.Options{Data: c.Data, Config: cfg, Log: e.log, Version: version, Ready: func(url, first string) {
		fmt.Fprintf(e.out, "\nHoa Lư %s  %s\n", version, url)
		if err := tellFirstLink(e.out, filepath.Join(c.Data, "first-link"), first); err != nil {
			e.log.Error("write the first link", "error", err, "do", "hoalu admin link")
		}
		fmt.Fprintf(e.out, say("Data: %s   Stop: Ctrl-C\nTry it: %s")+"\n\n", c.Data, command("try", c.Data))
	}})
	if err != nil {
		return err
	}
	var holding sync.WaitGroup
	defer holding.Wait()
	ctx, stop := context.WithCancel(e.ctx)
	defer stop()
	holding.Go(func() { holdMemory(ctx) })
	if !isTerminal(os.Stdin) { // at a terminal SIGHUP says that the window was closed, and ends the process
		hup := make(chan os.Signal, 1)
		signal.Notify(hup, syscall.SIGHUP)
		defer signal.Stop(hup)
		holding.Go(func() { reloadOn(ctx, hup, a, e.log) })
	}
	return a.Run(e.ctx)
}

// tellFirstLink prints the link for the first account where a person reads it, at a terminal. Anything else may be a log, which more
// people read than may make the first account: then it is in a file for this user alone, whose path is printed. A file of an earlier
// start goes.
func tellFirstLink(out io.Writer, path, link string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	switch {
	case link == "":
		return nil
	case isTerminal(out):
		_, err := fmt.Fprintf(out, say("One-time link for the first account, good for 15 minutes:\n  %s")+"\n", link)
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(f, link); err != nil {
		f.Close() //nolint:errcheck // the first error says what is wrong
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, say("The one-time link for the first account, good for 15 minutes, is in %s")+"\n", path)
	return err
}

// isTerminal says whether a person reads or writes x.
func isTerminal(x any) bool {
	f, ok := x.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// reloadOn reads the rules again at each signal until ctx ends.
func reloadOn(ctx context.Context, hup <-chan os.Signal, a *app.App, log *slog.Logger) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hup:
			if _, err := a.Reload(ctx); err != nil {
				log.Error("SIGHUP: the rules were not loaded again", "error", err)
			}
		}
	}
}
