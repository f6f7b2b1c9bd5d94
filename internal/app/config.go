package app

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"hoalu/collector"
	"hoalu/collector/decoders"
	"hoalu/detections"
	"hoalu/national"
	"hoalu/state"
)

// Config is the one configuration file: a top key a part, unknown keys refused. People, systems, rules' exceptions and the
// national endpoint are state, not configuration.
type Config struct {
	Site       Site            `yaml:"site"`
	Listen     Listen          `yaml:"listen"`
	Queue      Queue           `yaml:"queue"`
	Store      Store           `yaml:"store"`
	Decoders   []string        `yaml:"decoders"` // folders with decoders beside the product's own
	State      State           `yaml:"state"`
	Detections Detections      `yaml:"detections"`
	Posture    Posture         `yaml:"posture"`
	Evidence   Evidence        `yaml:"evidence"`
	National   national.Config `yaml:"national"`
	Sensor     Sensor          `yaml:"sensor"`
	Files      Files           `yaml:"files"`
}

// Site names this appliance on screen and paper.
type Site struct {
	Name string `yaml:"name"`
	Unit string `yaml:"unit"`
}

// Listen gives each listener an address, "" switches it off. Beyond loopback the plain listeners of syslog and _bulk need an explicit
// list of senders; over TLS syslog needs that or a certificate of the sender, and _bulk always a key (decision 27).
type Listen struct {
	Console      string   `yaml:"console"`
	ConsoleNames []string `yaml:"console_names"` // host names under which a TLS proxy of this machine serves the console
	SyslogUDP    string   `yaml:"syslog_udp"`
	SyslogTCP    string   `yaml:"syslog_tcp"`
	SyslogTLS    string   `yaml:"syslog_tls"`
	Bulk         string   `yaml:"bulk"`
	BulkTLS      string   `yaml:"bulk_tls"`
	Sensors      string   `yaml:"sensors"`
	Names        []string `yaml:"names"`      // names and addresses in the listeners' certificates, besides localhost and this host's own
	BulkTrust    bool     `yaml:"bulk_trust"` // senders without a token may set sigma.logsource (loopback only)
	Senders      []string `yaml:"senders"`    // networks syslog and _bulk are taken from, beside this machine, whatever they show; others are refused and counted

	Others map[string]string `yaml:",inline"` // addresses of further rows of collector.Sources, by their keys; closed where absent
}

// Queue bounds the durable queue.
type Queue struct {
	MaxBytes Size `yaml:"max_bytes"`
	Reserve  Size `yaml:"reserve"` // free disk below which nothing more is accepted; 0: the lesser of 1 GiB and 5 %
}

// Store bounds what is kept.
type Store struct {
	Engine   string `yaml:"engine"`    // one of engines
	KeepDays int    `yaml:"keep_days"` // 0 for ever; never below the floor of a system's level
}

// State says where the state database is: without a DSN the file state.db of the data folder.
type State struct {
	DSN     DSN `yaml:"dsn"`     // postgres://user@host/database
	Readers int `yaml:"readers"` // connections that read at the same time; 0: twice the processors, at least 4
}

// DSN is the address of a PostgreSQL database. Its password is never written out.
type DSN string

// MarshalYAML writes a DSN without its password.
func (d DSN) MarshalYAML() (any, error) {
	u, err := url.Parse(string(d))
	if err != nil { // then nobody knows where in it a password stands
		return "<secret>", nil
	}
	if q := u.Query(); q.Has("password") {
		q.Set("password", "xxxxx")
		u.RawQuery = q.Encode()
	}
	return u.Redacted(), nil
}

// Detections chooses rules beside the product's own pack.
type Detections struct {
	Rules    []string      `yaml:"rules"`    // files, folders, .zip
	Disabled []string      `yaml:"disabled"` // rule ids
	Snapshot time.Duration `yaml:"snapshot"` // of the correlations' state

	Placeholders map[string][]string `yaml:"placeholders"` // values of %name% for rules that use expand
}

// Posture says how often systems are computed.
type Posture struct {
	Every time.Duration `yaml:"every"`
}

// Evidence says where the newest head of the evidence log is kept apart from the data folder.
type Evidence struct {
	Apart string `yaml:"apart"` // folder, not under the data folder; "" beside the master key, else the user's configuration folder
}

// Sensor runs the packet and host sensors of this machine inside the appliance.
type Sensor struct {
	Packet     bool     `yaml:"packet"`
	Host       bool     `yaml:"host"`
	Interfaces []string `yaml:"interfaces"` // "any" or names
}

// Files follows log files of this host.
type Files struct {
	Host    bool   `yaml:"host"`    // the usual ones: auth.log, syslog, nginx, Apache, the journal where no syslog file is written
	Journal string `yaml:"journal"` // a folder of systemd journal files to follow instead of this host's own journal, "" that
}

// Size is a number of bytes, written 512, 64KiB, 2MiB, 8GiB.
type Size int64

// UnmarshalYAML reads a Size.
func (s *Size) UnmarshalYAML(n *yaml.Node) error {
	digits := strings.TrimRight(n.Value, "BKMGTi ")
	unit := strings.TrimSpace(n.Value[len(digits):])
	shift, ok := map[string]int{"": 0, "B": 0, "KiB": 10, "MiB": 20, "GiB": 30, "TiB": 40}[unit]
	x, err := strconv.ParseInt(digits, 10, 64)
	if n.Kind != yaml.ScalarNode || err != nil || !ok || x < 0 || x > math.MaxInt64>>shift {
		// of this type, because yaml collects them and goes on to the next key
		return &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: a size must be as 512, 64KiB, 2MiB or 8GiB, is %q", n.Line, n.Value)}}
	}
	*s = Size(x << shift)
	return nil
}

// MarshalYAML writes a Size as people write it, in the largest unit that leaves no remainder.
func (s Size) MarshalYAML() (any, error) {
	for i, unit := range []string{"TiB", "GiB", "MiB", "KiB"} {
		if shift := 40 - 10*i; s > 0 && s&(1<<shift-1) == 0 {
			return strconv.FormatInt(int64(s>>shift), 10) + unit, nil
		}
	}
	return int64(s), nil
}

// DefaultConfig is the appliance of `make run`: everything on loopback.
func DefaultConfig() Config {
	return Config{
		Site: Site{Name: "Hoa Lư", Unit: "SOC tỉnh"},
		Listen: Listen{Console: "127.0.0.1:8080", SyslogUDP: "127.0.0.1:5514", SyslogTCP: "127.0.0.1:5514", SyslogTLS: "127.0.0.1:6514",
			Bulk: "127.0.0.1:9201", Sensors: "127.0.0.1:8443"},
		Queue:      Queue{MaxBytes: 8 << 30},
		Store:      Store{Engine: "local", KeepDays: 400},
		Detections: Detections{Snapshot: 10 * time.Second},
		Posture:    Posture{Every: 20 * time.Second},
		National:   national.DefaultConfig(),
		Sensor:     Sensor{Packet: true, Host: true, Interfaces: []string{"any"}},
		Files:      Files{Host: true},
	}
}

// LoadConfig reads a file over the defaults and names every bad key at once.
func LoadConfig(path string) (Config, error) {
	c := DefaultConfig()
	if path == "" {
		return c, c.Validate()
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return c, fmt.Errorf("read configuration: %w", err)
	}
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	dec.KnownFields(true)
	var errs []error
	err = dec.Decode(&c)
	var kinds *yaml.TypeError
	switch {
	case errors.As(err, &kinds):
		for _, e := range kinds.Errors {
			errs = append(errs, fmt.Errorf("%s: %s", path, plain(e)))
		}
	case err != nil && !errors.Is(err, io.EOF):
		return c, fmt.Errorf("%s: %w", path, err) // not YAML: nothing was read
	case err == nil && dec.Decode(new(yaml.Node)) == nil:
		errs = append(errs, fmt.Errorf("%s: holds more than one document (---); keep one", path))
	}
	if err := c.Validate(); err != nil {
		errs = append(errs, err)
	}
	return c, errors.Join(errs...)
}

var unknownKey = regexp.MustCompile(`^line (\d+): field (.+) not found in type \S+$`)

var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$`)

var (
	wrongType = regexp.MustCompile("^line (\\d+): cannot unmarshal (\\S+)(?: `(.*)`)? into (\\S+)$")
	kindWords = map[string]string{"int": "a whole number", "bool": "true or false", "string": "text", "time.Duration": "a time as 10s, 5m or 1h", "[]string": "a list as [a, b]"}
)

// plain says yaml's complaint without Go's words.
func plain(e string) string {
	if m := unknownKey.FindStringSubmatch(e); m != nil {
		return fmt.Sprintf("line %s: unknown key %q", m[1], m[2])
	}
	if m := wrongType.FindStringSubmatch(e); m != nil {
		want, ok := kindWords[m[4]]
		if !ok { // a part of the configuration or a list
			want = "a part with keys of its own, or a list"
		}
		if m[3] == "" {
			return fmt.Sprintf("line %s: must be %s", m[1], want)
		}
		return fmt.Sprintf("line %s: must be %s, is %q", m[1], want, m[3])
	}
	return e
}

// address is what a row of collector.Sources listens on, by its key; "" it is closed.
func (l Listen) address(key string) string {
	v := reflect.ValueOf(l)
	for i := range v.NumField() {
		if v.Type().Field(i).Tag.Get("yaml") == key {
			return v.Field(i).String()
		}
	}
	return l.Others[key]
}

// check says what is wrong with the address of a row. Beyond this machine nobody sends in plain text whom listen.senders does not name
// (decision 27), and the console is never served so.
func (l Listen) check(row collector.Source) error {
	addr := l.address(row.Key)
	if addr == "" {
		return nil
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("listen.%s: must be host:port, is %q", row.Key, addr)
	}
	var errs []error
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		errs = append(errs, fmt.Errorf("listen.%s: the port must be a number from 0 to 65535, is %q", row.Key, port))
	}
	ip := net.ParseIP(host)
	switch loopback := host == "localhost" || ip != nil && ip.IsLoopback(); {
	case loopback || !row.Plain:
	case row.Key == "console":
		errs = append(errs, fmt.Errorf("listen.console: %s is not a loopback address; the console is served in plain text on loopback only, put a TLS proxy of this machine in front", addr))
	case len(l.Senders) == 0:
		errs = append(errs, fmt.Errorf("listen.%s: %s is not a loopback address; name the networks it takes events from in listen.senders, or use TLS", row.Key, addr))
	}
	return errors.Join(errs...)
}

// Validate names every bad key.
func (c Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.Site.Name == "" {
		bad("site.name: must not be empty")
	}
	l := c.Listen
	rows := []collector.Source{{Key: "console", Plain: true}}
	for _, row := range append(rows, collector.Sources...) {
		if row.Key != "" {
			if err := l.check(row); err != nil {
				errs = append(errs, err)
			}
		}
	}
	for key := range l.Others {
		if !slices.ContainsFunc(collector.Sources, func(row collector.Source) bool { return row.Key == key }) {
			bad("listen: unknown key %q; `hoalu source ways` lists the ways in", key)
		}
	}
	for i, n := range l.ConsoleNames {
		if !hostName.MatchString(n) || net.ParseIP(n) != nil && net.ParseIP(n).IsLoopback() || n == "localhost" {
			bad("listen.console_names[%d]: must be a name as soc.tinh.gov.vn, without port and not of loopback, is %q", i, n)
		}
	}
	for i, s := range l.Senders {
		if _, err := netip.ParsePrefix(s); err != nil {
			bad("listen.senders[%d]: must be a network as 10.20.0.0/16, is %q", i, s)
		}
	}
	if c.Queue.MaxBytes < 64<<20 {
		bad("queue.max_bytes: must be at least 64MiB, is %d bytes", c.Queue.MaxBytes)
	}
	if c.Sensor.Packet && len(c.Sensor.Interfaces) == 0 {
		bad("sensor.interfaces: name at least one, or any, or set sensor.packet to false")
	}
	if l.Sensors == "" && (c.Sensor.Packet || c.Sensor.Host) {
		bad("listen.sensors: this host's own sensor sends there too; give an address, or set sensor.packet and sensor.host to false")
	}
	if engines[c.Store.Engine] == nil {
		bad("store.engine: there is no %q; must be one of %s", c.Store.Engine, strings.Join(slices.Sorted(maps.Keys(engines)), ", "))
	}
	if c.Store.KeepDays < 0 {
		bad("store.keep_days: must be 0 (for ever) or more, is %d", c.Store.KeepDays)
	}
	if c.Detections.Snapshot <= 0 {
		bad("detections.snapshot: must be more than 0, is %s", c.Detections.Snapshot)
	}
	if c.Posture.Every < time.Second || c.Posture.Every > 5*time.Minute {
		bad("posture.every: must be between 1s and 5m so that silence shows within ten minutes, is %s", c.Posture.Every)
	}
	if dir := c.Files.Journal; dir != "" {
		if st, err := os.Stat(dir); err != nil {
			bad("files.journal: %v", err)
		} else if !st.IsDir() {
			bad("files.journal: must be a folder of journal files, %s is none", dir)
		}
		if _, err := exec.LookPath("journalctl"); err != nil {
			bad("files.journal: journalctl reads it and is not installed: %v", err)
		}
	}
	if len(c.Decoders) > 0 {
		if _, err := decoders.Load(c.Decoders); err != nil {
			errs = append(errs, err)
		}
	}
	if err := (detections.Config{Placeholders: c.Detections.Placeholders}).Validate(); err != nil {
		bad("detections.%v", err)
	}
	if d := c.State.DSN; d != "" {
		if err := (state.Config{DSN: string(d)}).Validate(); err != nil {
			errs = append(errs, err)
		} else if _, err := url.Parse(string(d)); err != nil {
			bad("state.dsn: is no address: it must be as postgres://user@host/database") // the parser's own words would show the password
		}
	}
	if c.State.Readers < 0 {
		bad("state.readers: must be 0 (automatic) or more, is %d", c.State.Readers)
	}
	for i, r := range c.Detections.Rules {
		if _, err := os.Stat(r); err != nil {
			bad("detections.rules[%d]: %v", i, err)
		}
	}
	if err := c.National.Validate(); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
