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

	"hoalu/internal/config"
	"hoalu/internal/lang"
	"hoalu/internal/licences"
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
	Restored   RestoredCmd   `cmd:"" help:"Say on record that a data directory was restored from a backup, so that it starts."`
	Vault      VaultCmd      `cmd:"" help:"The keys of the appliance: rotate one."`
	National   NationalCmd   `cmd:"" help:"The link to the national centre."`
	Quarantine QuarantineCmd `cmd:"" help:"What could not become an event: list, replay."`
	Config     ConfigCmd     `cmd:"" help:"Check a configuration file, or show what is in force."`
	Version    VersionCmd    `cmd:"" help:"What this binary is."`
	Licences   LicencesCmd   `cmd:"" help:"What of others is built in, with its licences."`

	ShowVersion kong.VersionFlag `name:"version" help:"What this binary is." hidden:""`
}

const description = "Hoa Lư: security operations and data-protection monitoring for a province, on one machine, without the Internet."

// planned are commands that people know from the design and look for in vain: said plainly, so that nobody thinks of a typing error.
var planned = map[string]string{
	"backup":         "stop the appliance and copy its data directory and, apart from it, the master key: docs/en/backup.md",
	"restore":        "put the data directory and the master key in their place, then hoalu restored --reason … and start: docs/en/backup.md",
	"doctor":         "GET /readyz names each part with its reason, hoalu config check each bad key",
	"hunt":           "search stored events in the console, page Search",
	"rules test":     "hoalu rules match runs rules over a file of events",
	"rules backtest": "hoalu rules match runs rules over a file of events",
	"rules import":   "name files, folders or a .zip in detections.rules of the configuration",
	"rules coverage": "hoalu rules check says which rules load",
}

// notYet says what to do instead of a planned command, "" for others.
func notYet(args []string) string {
	for n := min(2, len(args)); n > 0; n-- {
		name := strings.Join(args[:n], " ")
		if instead, ok := planned[name]; ok {
			return fmt.Sprintf(say("hoalu %s is not in this version; %s"), name, say(instead))
		}
	}
	return ""
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
	stderr = plain{stderr} // errors name files, rules and senders, whose names are not ours
	lang.Use("")
	var c commands
	parser, err := kong.New(&c, kong.Name("hoalu"), kong.Description(description),
		kong.Writers(stdout, stderr), kong.ConfigureHelp(kong.HelpOptions{Compact: true}), kong.Help(printHelp),
		kong.Vars{"data": config.DefaultData(), "version": "hoalu " + version},
		kong.Exit(func(n int) { panic(exit(n)) }))
	if err != nil {
		fmt.Fprintln(stderr, "hoalu:", err)
		return 2
	}
	translateHelp(parser)
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
	if instead := notYet(args); instead != "" {
		fmt.Fprintln(stderr, "hoalu:", instead)
		return 2
	}
	k, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(stderr, "hoalu: %s\n%s\n", usageSentence(err), say("See hoalu --help, or hoalu COMMAND --help."))
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
		if text := strings.TrimPrefix(errorSentence(err), errFound.Error()); text != "" { // it has more to say than the output has said
			fmt.Fprintln(stderr, "hoalu:", strings.TrimPrefix(text, ": "))
		}
		return 1
	case errors.Is(err, errUsage):
		fmt.Fprintln(stderr, "hoalu:", strings.TrimPrefix(errorSentence(err), errUsage.Error()+": "))
		return 2
	default:
		fmt.Fprintln(stderr, "hoalu:", errorSentence(err))
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

// LicencesCmd prints what the program is built of besides its own code.
type LicencesCmd struct {
	SBOM bool `name:"sbom" help:"The bill of materials instead: CycloneDX in JSON."`
}

// Run prints it.
func (c LicencesCmd) Run(e *env) error {
	if c.SBOM {
		_, err := e.out.Write(licences.SBOM)
		return err
	}
	_, err := io.WriteString(e.out, licences.Texts)
	return err
}

// VersionCmd prints the version.
type VersionCmd struct{}

// Run prints.
func (VersionCmd) Run(e *env) error {
	_, err := fmt.Fprintln(e.out, "hoalu", version)
	return err
}
