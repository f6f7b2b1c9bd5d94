package config

import (
	"errors"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"hoalu/collector"
	"hoalu/collector/decoders"
	"hoalu/detections"
	"hoalu/internal/wording"
	"hoalu/state"
)

var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$`)

// check says what is wrong with the address of a row. Beyond this machine nobody sends in plain text whom listen.senders does not name
// (decision 27), and the console is never served so.
func (l Listen) check(row collector.Source) error {
	addr := l.Address(row.Key)
	if addr == "" {
		return nil
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return wording.New("listen.%s: must be host:port, is %q", row.Key, addr)
	}
	var errs []error
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		errs = append(errs, wording.New("listen.%s: the port must be a number from 0 to 65535, is %q", row.Key, port))
	}
	ip := net.ParseIP(host)
	switch loopback := host == "localhost" || ip != nil && ip.IsLoopback(); {
	case loopback || row.Keyed:
	case row.Key == "console":
		errs = append(errs,
			wording.New("listen.console: %s is not a loopback address; the console is served in plain text on loopback only, put a TLS proxy of this machine in front", addr))
	case len(l.Senders) == 0:
		errs = append(errs,
			wording.New("listen.%s: %s is not a loopback address; name the networks it takes events from in listen.senders, or use TLS", row.Key, addr))
	}
	return errors.Join(errs...)
}

// maxKeepDays is a hundred years: more is a slip, and what is counted in nanoseconds from it would wrap and call everything too old.
const maxKeepDays = 36_500

// problems are what is wrong with a configuration, in the order it is looked at.
type problems []error

func (p *problems) bad(format string, values ...any) { *p = append(*p, wording.New(format, values...)) }

// add takes what a part says of its own keys; nil is nothing.
func (p *problems) add(err error) {
	if err != nil {
		*p = append(*p, err)
	}
}

// Validate names every bad key.
func (c Config) Validate() error {
	var p problems
	if c.Site.Name == "" {
		p.bad("site.name: must not be empty")
	}
	c.Listen.validate(&p)
	if c.Queue.MaxBytes < 64<<20 {
		p.bad("queue.max_bytes: must be at least 64MiB, is %d bytes", c.Queue.MaxBytes)
	}
	if c.Sensor.Packet && len(c.Sensor.Interfaces) == 0 {
		p.bad("sensor.interfaces: name at least one, or any, or set sensor.packet to false")
	}
	if c.Listen.Sensors == "" && (c.Sensor.Packet || c.Sensor.Host) {
		p.bad("listen.sensors: this host's own sensor sends there too; give an address, or set sensor.packet and sensor.host to false")
	}
	if collector.Stores[c.Store.Engine] == nil {
		p.bad("store.engine: there is no %q; must be one of %s", c.Store.Engine, strings.Join(slices.Sorted(maps.Keys(collector.Stores)), ", "))
	}
	if c.Store.KeepDays < 0 || c.Store.KeepDays > maxKeepDays {
		p.bad("store.keep_days: must be 0 (for ever) to %d, is %d", maxKeepDays, c.Store.KeepDays)
	}
	if c.Detections.Snapshot <= 0 {
		p.bad("detections.snapshot: must be more than 0, is %s", c.Detections.Snapshot)
	}
	if c.Posture.Every < time.Second || c.Posture.Every > 5*time.Minute {
		p.bad("posture.every: must be between 1s and 5m so that silence shows within ten minutes, is %s", c.Posture.Every)
	}
	c.validateJournal(&p)
	p.add(c.checkDecoders())
	p.add(detections.Config{Placeholders: c.Detections.Placeholders}.Validate())
	c.validateState(&p)
	for i, r := range c.Detections.Rules {
		if _, err := os.Stat(r); err != nil {
			p.bad("detections.rules[%d]: %s", i, wording.OfFile(r, err))
		}
	}
	p.add(c.National.Validate())
	return errors.Join(p...)
}

// validate looks at addresses, names and senders.
func (l Listen) validate(p *problems) {
	rows := []collector.Source{{Key: "console"}}
	for _, row := range append(rows, collector.Sources...) {
		if row.Key != "" {
			p.add(l.check(row))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(l.Others)) {
		if !slices.ContainsFunc(collector.Sources, func(row collector.Source) bool { return row.Key == key }) {
			p.bad("listen: unknown key %q; `hoalu source ways` lists the ways in", key)
		}
	}
	for i, n := range l.ConsoleNames {
		if !hostName.MatchString(n) || net.ParseIP(n) != nil && net.ParseIP(n).IsLoopback() || n == "localhost" {
			p.bad("listen.console_names[%d]: must be a name as soc.tinh.gov.vn, without port and not of loopback, is %q", i, n)
		}
	}
	for i, n := range l.Names {
		if _, err := netip.ParseAddr(n); err != nil && !hostName.MatchString(strings.TrimPrefix(n, "*.")) {
			p.bad("listen.names[%d]: must be a name as soc.tinh.gov.vn or an address as 10.20.0.5, is %q", i, n)
		}
	}
	for i, s := range l.Senders {
		if _, err := netip.ParsePrefix(s); err != nil {
			p.bad("listen.senders[%d]: must be a network as 10.20.0.0/16, is %q", i, s)
		}
	}
}

func (c Config) validateJournal(p *problems) {
	if dir := c.Files.Journal; dir != "" {
		if st, err := os.Stat(dir); err != nil {
			p.bad("files.journal: %s", wording.OfFile(dir, err))
		} else if !st.IsDir() {
			p.bad("files.journal: must be a folder of journal files, %s is none", dir)
		}
		if _, err := exec.LookPath("journalctl"); err != nil {
			p.bad("files.journal: journalctl reads it and is not installed")
		}
	}
}

func (c Config) validateState(p *problems) {
	if d := c.State.DSN; d != "" {
		if err := (state.Config{DSN: string(d)}).Validate(); err != nil {
			p.add(err)
		} else if _, err := url.Parse(string(d)); err != nil {
			p.bad("state.dsn: is no address: it must be as postgres://user@host/database") // the parser's own words would show the password
		}
	}
	if c.State.Readers < 0 {
		p.bad("state.readers: must be 0 (automatic) or more, is %d", c.State.Readers)
	}
}

// checkDecoders says which folders of decoders cannot be used, and what in their files is refused.
func (c Config) checkDecoders() error {
	if len(c.Decoders) == 0 {
		return nil
	}
	var errs []error
	var folders []string
	for i, dir := range c.Decoders {
		if st, err := os.Stat(dir); err != nil {
			errs = append(errs, wording.New("decoders[%d]: %s", i, wording.OfFile(dir, err)))
		} else if !st.IsDir() {
			errs = append(errs, wording.New("decoders[%d]: must be a folder with decoders, %s is none", i, dir))
		} else {
			folders = append(folders, dir)
		}
	}
	_, err := decoders.Load(folders)
	for _, line := range wording.Sentences(err, func(english string) string { return english }) {
		errs = append(errs, wording.New("decoders: a file is refused: %s", line))
	}
	return errors.Join(errs...)
}
