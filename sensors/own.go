package sensors

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"net/netip"

	"hoalu/sensors/shipper"
)

// OwnConfig of the sensor that an appliance runs on its own host.
type OwnConfig struct {
	Config
	Spool       string // folder of the spool
	Listener    string // address that the appliance's listener for sensors is open on
	Authority   *x509.Certificate
	Certificate func(*tls.CertificateRequestInfo) (*tls.Certificate, error) // client certificate, asked for each connection
}

// NewOwn returns the sensor of the appliance's own host: it sends to the listener through the same uplink as any other, over loopback where
// the listener is open there.
func NewOwn(c OwnConfig, log *slog.Logger) (*Host, error) {
	ap, err := netip.ParseAddrPort(c.Listener)
	if err != nil {
		return nil, fmt.Errorf("address of the listener for sensors: %w", err)
	}
	host := "localhost"
	if !ap.Addr().IsUnspecified() && !ap.Addr().IsLoopback() { // then nothing listens on loopback
		host = ap.Addr().String()
	}
	pool := x509.NewCertPool()
	pool.AddCert(c.Authority)
	ship, err := shipper.Open(shipper.Config{Dir: c.Spool, Server: "https://" + net.JoinHostPort(host, fmt.Sprint(ap.Port())),
		TLS: &tls.Config{GetClientCertificate: c.Certificate, RootCAs: pool, MinVersion: tls.VersionTLS12}}, log)
	if err != nil {
		return nil, err
	}
	c.Idle = true // to tell why no probe may run, and to send what an earlier start left
	return New(c.Config, ship, log), nil
}
