package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"hoalu/sensors"
	"hoalu/sensors/shipper"
)

// SensorCmd is the sensor of a host.
type SensorCmd struct {
	Packet SensorPacketCmd `cmd:"" help:"Turn a capture into ECS records (NDJSON)."`
	Run    SensorRunCmd    `cmd:"" help:"Watch this host's packets and processes and send records to the collector."`
	Invite SensorInviteCmd `cmd:"" help:"Print a single-use token to enrol a sensor of a system."`
	Enroll SensorEnrollCmd `cmd:"" help:"Exchange a token for this sensor's certificate."`
	Revoke SensorRevokeCmd `cmd:"" help:"Withdraw a sensor: nothing it sends is taken any more."`
}

func identityDir() string {
	if dir, err := os.UserConfigDir(); err == nil {
		return filepath.Join(dir, "hoalu", "sensor")
	}
	return "sensor"
}

// SensorRunCmd runs the sensor.
type SensorRunCmd struct {
	Identity   string   `placeholder:"FOLDER" help:"Folder of the sensor's certificate; default in the user's configuration folder." type:"path"`
	Spool      string   `placeholder:"FOLDER" help:"Folder of what waits for the collector; default in the identity folder." type:"path"`
	Interfaces []string `help:"Interfaces to watch; all of them otherwise." default:"any"`
	NoPacket   bool     `help:"Do not watch packets."`
	NoHost     bool     `help:"Do not watch processes and sockets."`
}

// Run watches until interrupted.
func (c SensorRunCmd) Run(e *env) error {
	if c.NoPacket && c.NoHost {
		return fmt.Errorf(say("%w: --no-packet and --no-host leave nothing to watch; drop one of them"), errUsage)
	}
	if c.Identity == "" {
		c.Identity = identityDir()
	}
	if c.Spool == "" {
		c.Spool = filepath.Join(c.Identity, "spool")
	}
	id, err := shipper.LoadIdentity(c.Identity)
	if err != nil {
		return err
	}
	if time.Now().After(id.Ends()) {
		return shipper.ErrEnded
	}
	ship, err := shipper.Open(shipper.Config{Dir: c.Spool, Server: id.Server, TLS: id.TLS}, e.log)
	if err != nil {
		return err
	}
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	h := sensors.New(sensors.Config{Packet: !c.NoPacket, Host: !c.NoHost, Interfaces: c.Interfaces, Name: host, Version: version}, ship, e.log)
	ctx, stop := context.WithCancel(e.ctx)
	var keep sync.WaitGroup
	keep.Go(func() { id.Keep(ctx, e.log, ship.Reconnect) })
	err = h.Run(ctx)
	stop()
	keep.Wait()
	if errors.Is(err, e.ctx.Err()) {
		return nil
	}
	for _, p := range h.Probes() {
		if p.State == sensors.Refused {
			fmt.Fprintf(e.err, say("%s does not run: %s\n"), p.Name, p.Why.Say(say))
			if p.Do != nil {
				fmt.Fprintf(e.err, say("  to allow it: %s\n"), p.Do.Say(say))
			}
		}
	}
	return err
}

// SensorInviteCmd prints a token.
type SensorInviteCmd struct {
	atData
	System string `placeholder:"HT-NNN" help:"HT- number the sensor's host belongs to." required:""`
	TTL    span   `help:"How long the token is good, as 1h or 2d, at most 7d." default:"1h"`
}

// Run prints the token.
func (c SensorInviteCmd) Run(e *env) error {
	var got struct{ Token string }
	if err := c.control().Call(e.ctx, "POST", "/sensor/invite", url.Values{"system": {c.System}, "ttl": {time.Duration(c.TTL).String()}}, nil,
		&got); err != nil {
		return err
	}
	_, err := fmt.Fprintln(e.out, got.Token)
	return err
}

// SensorRevokeCmd withdraws a sensor.
type SensorRevokeCmd struct {
	atData
	Sensor string `arg:"" help:"Name of the sensor, as on the page Sources, sensors."`
	Reason string `placeholder:"REASON" help:"Why; it stands in the audit log." required:""`
}

// Run withdraws it.
func (c SensorRevokeCmd) Run(e *env) error {
	if err := c.control().Call(e.ctx, "POST", "/sensor/revoke", url.Values{"sensor": {c.Sensor}, "reason": {c.Reason}}, nil, nil); err != nil {
		return err
	}
	_, err := fmt.Fprintf(e.out,
		say("%s is withdrawn: nothing it sends is taken any more. To take it back: hoalu sensor invite, then enroll on its host.\n"), c.Sensor)
	return err
}

// SensorEnrollCmd enrols.
type SensorEnrollCmd struct {
	Server   string `placeholder:"URL" help:"https address of the collector's sensor listener." required:""`
	Token    string `placeholder:"TOKEN" help:"What hoalu sensor invite printed; - reads it from standard input, out of the sight of other users." required:""`
	Identity string `placeholder:"FOLDER" help:"Folder to keep the certificate in." type:"path"`
}

// Run enrols.
func (c SensorEnrollCmd) Run(e *env) error {
	if c.Identity == "" {
		c.Identity = identityDir()
	}
	if c.Token == "-" {
		line, err := bufio.NewReader(io.LimitReader(os.Stdin, 4096)).ReadString('\n')
		if err != nil && err != io.EOF {
			return fmt.Errorf(say("read token: %w"), err)
		}
		c.Token = strings.TrimSpace(line)
	}
	id, err := shipper.Enroll(e.ctx, c.Identity, c.Server, c.Token)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.out, say("enrolled as %s; start it with: %s sensor run\n"), id.Sensor, program())
	return err
}
