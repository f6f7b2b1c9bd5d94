package main

import (
	"context"
	"errors"
	"fmt"
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
)

// ServeCmd runs the appliance.
type ServeCmd struct {
	Config string `help:"Configuration file (YAML); without one everything listens on loopback with sensible bounds." type:"path"`
	Data   string `help:"Data directory; everything but the master key is in it." default:"${data}" type:"path"`
}

// badConfig lists what is wrong with a configuration, a line each.
func badConfig(kind, err error) error {
	lines := strings.Split(err.Error(), "\n")
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
		if first != "" && os.Getenv("JOURNAL_STREAM") != "" { // as a service: a log is read by more people than may make the first account
			path := filepath.Join(c.Data, "first-link")
			if err := os.WriteFile(path, []byte(first+"\n"), 0o600); err != nil {
				e.log.Error("write the first link", "error", err)
			} else {
				fmt.Fprintf(e.out, say("The one-time link for the first account, good for 15 minutes, is in %s")+"\n", path)
			}
		} else if first != "" {
			fmt.Fprintf(e.out, say("One-time link for the first account, good for 15 minutes:\n  %s")+"\n", first)
		}
		fmt.Fprintf(e.out, say("Data: %s   Stop: Ctrl-C\nTry it: %s try")+"\n\n", c.Data, strings.TrimSpace(program()))
	}})
	if err != nil {
		return err
	}
	var holding sync.WaitGroup
	defer holding.Wait()
	ctx, stop := context.WithCancel(e.ctx)
	defer stop()
	holding.Go(func() { holdMemory(ctx) })
	if _, err := unix.IoctlGetTermios(int(os.Stdin.Fd()), unix.TCGETS); err != nil { // at a terminal SIGHUP says that the window was closed, and ends the process
		hup := make(chan os.Signal, 1)
		signal.Notify(hup, syscall.SIGHUP)
		defer signal.Stop(hup)
		holding.Go(func() { reloadOn(ctx, hup, a, e.log) })
	}
	return a.Run(e.ctx)
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
