package bulk

import (
	"fmt"
	"net"
	"net/netip"
	"strings"

	"hoalu/collector/source/listen"
)

// Use are the lines of one kind of shipper.
type Use struct {
	Name string // of the shippers
	Text string // of their configuration
}

// Uses are what to write into each shipper's configuration so that it sends to url with a key: root is the SHA-256 of the authority that
// vouches for an https url.
func Uses(url, id, secret, root string) []Use {
	_, after, _ := strings.Cut(url, "//")
	host, port, _ := net.SplitHostPort(after)
	beats := fmt.Sprintf("output.elasticsearch:\n  hosts: [%q]\n  api_key: \"%s:%s\"\n", url, id, secret)
	vector := fmt.Sprintf("endpoints = [%q]\nauth = { strategy = \"basic\", user = %q, password = %q }\n", url, id, secret)
	bit := fmt.Sprintf("[OUTPUT]\n    Name es\n    Match *\n    Host %s\n    Port %s\n    HTTP_User %s\n    HTTP_Passwd %s\n    Suppress_Type_Name On\n", strings.Trim(host, "[]"), port, id, secret)
	if strings.HasPrefix(url, "https:") {
		beats += fmt.Sprintf("  ssl.ca_trusted_fingerprint: %q\n", root)
		vector += "tls.ca_file = \"/etc/hoalu-ca.pem\"\n"
		bit += "    tls On\n    tls.ca_file /etc/hoalu-ca.pem\n"
	}
	return []Use{{Name: "Filebeat, Winlogbeat", Text: beats},
		{Name: "Vector", Text: "[sinks.hoalu]\ntype = \"elasticsearch\"\ninputs = [\"*\"]\n" + vector}, {Name: "Fluent Bit", Text: bit}}
}

// URL is where a shipper sends to: the TLS listener if there is one, else the plain one, "" where neither is open (nil). names are this
// host's, the last one its host name: the first that is declared is taken, else the address listened on, else one that this host has.
func URL(tls, plain net.Addr, names []string) string {
	scheme, addr := "https://", tls
	if addr == nil {
		scheme, addr = "http://", plain
	}
	if addr == nil {
		return ""
	}
	host, port, _ := net.SplitHostPort(addr.String())
	if len(names) > 1 {
		host = names[0]
	} else if ip, err := netip.ParseAddr(host); err == nil && ip.IsUnspecified() {
		if own := listen.OwnAddresses(); len(own) > 0 {
			host = own[0].String()
		} else if len(names) > 0 {
			host = names[0]
		}
	}
	return scheme + net.JoinHostPort(host, port)
}
