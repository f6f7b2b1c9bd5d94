// Package config is the one configuration file of the appliance: its keys, their defaults, and what is wrong with one.
//
// Words: a key is named as in the file, with its part before it (listen.console). A Problem is one thing that is wrong: a sentence that
// begins with the key, and the values in it.
//
// Contract: nothing here opens, makes or listens on anything; Validate only looks whether the files and folders that are named are there.
// Values may be copied and read by several goroutines. Every problem is named at once, as one error per problem (errors.Join).
package config

import (
	"fmt"
	"math"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"hoalu/national"
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
	// networks syslog and _bulk are taken from, beside this machine, whatever they show; others are refused and counted
	Senders []string `yaml:"senders"`

	Others map[string]string `yaml:",inline"` // addresses of further rows of collector.Sources, by their keys; closed where absent
}

// Queue bounds the durable queue.
type Queue struct {
	MaxBytes Size `yaml:"max_bytes"`
	Reserve  Size `yaml:"reserve"` // free disk below which nothing more is accepted; 0: the lesser of 1 GiB and 5 %
}

// Store bounds what is kept.
type Store struct {
	Engine   string `yaml:"engine"`    // a key of collector.Stores
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

// notASize stands before the value in the error of UnmarshalYAML; the reader of the file makes a sentence of it.
const notASize = "no size: "

// UnmarshalYAML reads a Size.
func (s *Size) UnmarshalYAML(n *yaml.Node) error {
	digits := strings.TrimRight(n.Value, "BKMGTi ")
	unit := strings.TrimSpace(n.Value[len(digits):])
	shift, ok := map[string]int{"": 0, "B": 0, "KiB": 10, "MiB": 20, "GiB": 30, "TiB": 40}[unit]
	x, err := strconv.ParseInt(digits, 10, 64)
	if n.Kind != yaml.ScalarNode || err != nil || !ok || x < 0 || x > math.MaxInt64>>shift {
		// of this type, because yaml collects them and goes on to the next key
		return &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: %s%s", n.Line, notASize, n.Value)}}
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

// Default is the appliance of `make run`: everything on loopback.
func Default() Config {
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

// Address is what a row of collector.Sources listens on, by its key; "" it is closed.
func (l Listen) Address(key string) string {
	v := reflect.ValueOf(l)
	for i := range v.NumField() {
		if v.Type().Field(i).Tag.Get("yaml") == key {
			return v.Field(i).String()
		}
	}
	return l.Others[key]
}

// Allow are the networks syslog and _bulk are taken from: this machine always; nil, everybody who can connect, when none is named.
func (l Listen) Allow() []netip.Prefix {
	if len(l.Senders) == 0 {
		return nil
	}
	out := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	for _, s := range l.Senders {
		if p, err := netip.ParsePrefix(s); err == nil { // Validate has named the others
			out = append(out, p.Masked())
		}
	}
	return out
}

// Keep is how many days events of a system are kept whose level asks for floor days at least; 0 for ever.
func (s Store) Keep(floor int) int {
	if s.KeepDays == 0 {
		return 0
	}
	return max(s.KeepDays, floor)
}

// DefaultData is where `make run` keeps its data: $XDG_DATA_HOME/hoalu, ~/.local/share/hoalu otherwise.
func DefaultData() string {
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "hoalu")
	}
	if home, err := os.UserHomeDir(); err == nil {
		return filepath.Join(home, ".local", "share", "hoalu")
	}
	return "data"
}
