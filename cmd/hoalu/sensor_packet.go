package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/signal"
	"syscall"

	"hoalu/internal/wording"
	"hoalu/sensors/packet"
)

// SensorPacketCmd reads captures into ECS records, one JSON object a line.
type SensorPacketCmd struct {
	Read  string   `required:"" placeholder:"FILE|FOLDER|-" help:"Capture to read: pcap or pcapng (gzip too), a directory of them, or - for standard input."`
	Out   string   `default:"-" placeholder:"FILE|-" help:"Where the records go."`
	Home  []string `placeholder:"CIDR" help:"Own networks, for network.direction; private ranges when not given."`
	Stats bool     `help:"Print the counters as JSON on standard error at the end."`
}

// Run reads the capture. What a person should know (an unsupported link type, a damaged file) goes to standard error.
func (c *SensorPacketCmd) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return c.run(ctx, os.Stdout, os.Stderr)
}

func (c *SensorPacketCmd) run(ctx context.Context, stdout, stderr io.Writer) (err error) {
	cfg := packet.Config{Notice: func(p *wording.Problem) { fmt.Fprintln(plain{stderr}, p.Say(say)) }}
	for _, h := range c.Home {
		p, err := netip.ParsePrefix(h)
		if err != nil {
			return fmt.Errorf(say("%w: --home: %q is no network; give one as 10.1.0.0/16"), errUsage, h)
		}
		cfg.HomeNets = append(cfg.HomeNets, p)
	}
	out := stdout
	if c.Out != "-" {
		f, err := os.Create(c.Out)
		if err != nil {
			return fmt.Errorf(say("create output: %w"), err)
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		out = f
	}
	w := bufio.NewWriterSize(out, 1<<20)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	a := packet.NewAnalyzer(cfg, func(record []byte, _ packet.Class) {
		_, err := w.Write(record)
		if err == nil {
			err = w.WriteByte('\n')
		}
		if err != nil {
			cancel(err) // the disk is full, or nobody reads: no use in going on
		}
	})
	err = packet.ReadFile(ctx, c.Read, a)
	if ferr := w.Flush(); ferr != nil {
		return fmt.Errorf(say("write records: %w"), ferr)
	}
	if c.Stats {
		b, jerr := json.Marshal(a.Stats())
		if jerr != nil {
			return fmt.Errorf(say("render counters: %w"), jerr)
		}
		fmt.Fprintln(stderr, string(b))
	}
	return err
}
