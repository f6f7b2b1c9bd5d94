package app

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"hoalu/console"
	"hoalu/inventory"
	"hoalu/soc"
)

// certificateLife is how long a syslog sender's certificate is good; it can be followed by another before.
const certificateLife = 2 * 365 * 24 * time.Hour

// issueKey makes a key of a _bulk source; its secret is in the answer and nowhere else.
func (a *App) issueKey(ctx context.Context, by soc.Actor, source, label string, follow time.Duration) (console.KeyMade, error) {
	secret, hash := inventory.NewSecret()
	key, err := a.inventory.AddKey(ctx, by, source, soc.SourceKey{Kind: soc.KeyAPI, Label: label, Hash: hash}, follow)
	if err != nil {
		return console.KeyMade{}, err
	}
	url, safe := a.bulkURL()
	return console.KeyMade{Key: key, Secret: secret, APIKey: base64.StdEncoding.EncodeToString([]byte(key.ID + ":" + secret)), URL: url,
		Uses: shipperLines(url, key.ID, secret, safe, a.rootDigest())}, nil
}

// issueCertificate makes the certificate of a syslog source's sender: PEM of the certificate and of its private key, which is kept
// nowhere.
func (a *App) issueCertificate(ctx context.Context, by soc.Actor, source, label string, follow time.Duration) (key soc.SourceKey, certificate, private []byte, err error) {
	cert, err := a.vault.Authority().Client(ctx, "hoalu://source/"+source, certificateLife)
	if err != nil {
		return key, nil, nil, fmt.Errorf("make certificate: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		return key, nil, nil, fmt.Errorf("make certificate: %w", err)
	}
	sum := sha256.Sum256(cert.Leaf.Raw)
	key, err = a.inventory.AddKey(ctx, by, source, soc.SourceKey{Kind: soc.KeyCertificate, Label: label, Hash: hex.EncodeToString(sum[:]), Ends: cert.Leaf.NotAfter.UnixMilli()}, follow)
	if err != nil {
		return key, nil, nil, err
	}
	for _, c := range cert.Certificate {
		certificate = append(certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c})...)
	}
	return key, certificate, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// rootDigest is the SHA-256 of the authority's certificate, as Filebeat's ca_trusted_fingerprint has it.
func (a *App) rootDigest() string {
	sum := sha256.Sum256(a.vault.Authority().Root().Raw)
	return hex.EncodeToString(sum[:])
}

// bulkURL is where a shipper sends to: the TLS listener if there is one, by the first name its certificate has beyond this machine.
func (a *App) bulkURL() (url string, safe bool) {
	addr, scheme := a.address("bulk_tls"), "https://"
	if addr == nil {
		addr, scheme = a.address("bulk"), "http://"
	}
	if addr == nil {
		return "", false
	}
	host, port, _ := net.SplitHostPort(addr.String())
	if len(a.cfg.Listen.Names) > 0 {
		host = a.cfg.Listen.Names[0]
	} else if ip, err := netip.ParseAddr(host); err == nil && ip.IsUnspecified() {
		if list := hostAddresses(); len(list) > 0 {
			host = list[0].String()
		} else if name, err := os.Hostname(); err == nil {
			host = name
		}
	}
	return scheme + net.JoinHostPort(host, port), a.address("bulk_tls") != nil
}

// shipperLines are what to write into each shipper's configuration.
func shipperLines(url, id, secret string, safe bool, root string) []console.KeyUse {
	host, port, _ := net.SplitHostPort(url[strings.Index(url, "//")+2:])
	beats := fmt.Sprintf("output.elasticsearch:\n  hosts: [%q]\n  api_key: \"%s:%s\"\n", url, id, secret)
	vector := fmt.Sprintf("endpoints = [%q]\nauth = { strategy = \"basic\", user = %q, password = %q }\n", url, id, secret)
	bit := fmt.Sprintf("[OUTPUT]\n    Name es\n    Match *\n    Host %s\n    Port %s\n    HTTP_User %s\n    HTTP_Passwd %s\n    Suppress_Type_Name On\n", strings.Trim(host, "[]"), port, id, secret)
	if safe {
		beats += fmt.Sprintf("  ssl.ca_trusted_fingerprint: %q\n", root)
		vector += "tls.ca_file = \"/etc/hoalu-ca.pem\"\n"
		bit += "    tls On\n    tls.ca_file /etc/hoalu-ca.pem\n"
	}
	return []console.KeyUse{{Name: "Filebeat, Winlogbeat", Text: beats}, {Name: "Vector", Text: "[sinks.hoalu]\ntype = \"elasticsearch\"\ninputs = [\"*\"]\n" + vector}, {Name: "Fluent Bit", Text: bit}}
}
