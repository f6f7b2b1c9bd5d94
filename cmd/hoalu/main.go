// Command hoalu is Hoa Lư: one static binary, a command a task. Exit code 0 is good, 1 found something or failed, 2 wrong usage.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"hoalu/internal/app"
)

// version is set by the build (-ldflags -X main.version=…).
var version = "dev"

type commands struct {
	Serve      ServeCmd      `cmd:"" help:"Run the appliance: collector, detection, console, all parts the configuration switches on."`
	Try        TryCmd        `cmd:"" help:"Play harmless exercise attacks on this host's own listeners and watch their alerts appear."`
	Import     ImportCmd     `cmd:"" help:"Store a file's events like live ones."`
	Demo       DemoCmd       `cmd:"" help:"The sample province: 46 systems and their recorded events, marked as sample everywhere."`
	Admin      AdminCmd      `cmd:"" help:"A new one-time link for the first account."`
	Token      TokenCmd      `cmd:"" help:"API tokens."`
	Rules      RulesCmd      `cmd:"" help:"Sigma rules: check, match, correlate, bench."`
	Source     SourceCmd     `cmd:"" help:"Log sources: their formats, and the keys of their senders."`
	Sensor     SensorCmd     `cmd:"" help:"Packet and host sensors; enrolment."`
	Evidence   EvidenceCmd   `cmd:"" help:"Evidence packs: export, and verify without any server."`
	National   NationalCmd   `cmd:"" help:"The link to the national centre."`
	Quarantine QuarantineCmd `cmd:"" help:"What could not become an event: list, replay."`
	Config     ConfigCmd     `cmd:"" help:"Check a configuration file, or show what is in force."`
	Version    VersionCmd    `cmd:"" help:"What this binary is."`
}

// env is what commands get.
type env struct {
	ctx context.Context
	out io.Writer
	err io.Writer
	log *slog.Logger
}

// found is an error that says: it worked, and found something (exit 1).
var errFound = errors.New("found something")

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) (code int) {
	var c commands
	parser, err := kong.New(&c, kong.Name("hoalu"), kong.Description("Hoa Lư: security operations and data-protection monitoring for a province, on one machine, without the Internet."),
		kong.Writers(stdout, stderr), kong.ConfigureHelp(kong.HelpOptions{Compact: true}), kong.Vars{"data": app.DefaultData(), "version": version},
		kong.Exit(func(n int) { panic(exit(n)) }))
	if err != nil {
		fmt.Fprintln(stderr, "hoalu:", err)
		return 2
	}
	defer func() {
		if x := recover(); x != nil {
			n, ok := x.(exit)
			if !ok {
				panic(x)
			}
			code = int(n)
		}
	}()
	if len(args) == 0 {
		args = []string{"--help"}
	}
	k, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(stderr, "hoalu: %v\nSee hoalu --help, or hoalu COMMAND --help.\n", err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends at once
	e := &env{ctx: ctx, out: stdout, err: stderr, log: slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: logLevel()}))}
	k.BindTo(ctx, (*context.Context)(nil))
	switch err := k.Run(e); {
	case err == nil:
		return 0
	case errors.Is(err, errFound):
		if err != errFound { // it has more to say than the output has said
			fmt.Fprintln(stderr, "hoalu:", strings.TrimPrefix(err.Error(), errFound.Error()+": "))
		}
		return 1
	case errors.Is(err, errUsage):
		fmt.Fprintln(stderr, "hoalu:", strings.TrimPrefix(err.Error(), errUsage.Error()+": "))
		return 2
	default:
		fmt.Fprintln(stderr, "hoalu:", err)
		return 1
	}
}

type exit int

var errUsage = errors.New("wrong usage")

func logLevel() slog.Level {
	var l slog.Level
	if err := l.UnmarshalText([]byte(os.Getenv("HOALU_LOG"))); err != nil {
		return slog.LevelInfo
	}
	return l
}

// VersionCmd prints the version.
type VersionCmd struct{}

// Run prints.
func (VersionCmd) Run(e *env) error {
	_, err := fmt.Fprintln(e.out, "hoalu", version)
	return err
}
