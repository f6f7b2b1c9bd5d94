package packet

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"strings"
	"time"

	"hoalu/ecs"
)

// tlsRecord reports a handshake, however much of it was seen.
func (a *Analyzer) tlsRecord(f *flow, c *tlsConn) {
	if f.excluded || a.skipped(TLS) {
		return
	}
	a.begin(c.at, f, tlsHead)
	a.tlsProtocol(c)
	if c.hello {
		a.option(`,"tls.client.server_name":`, c.sni)
		a.option(`,"destination.domain":`, c.sni)
		a.hexed(`,"tls.client.ja3":`, c.ja3[:])
		a.bytes(`,"tls.client.ja4":`, c.ja4)
		a.tlsOffered(c.alpns)
	}
	if c.server {
		a.hexed(`,"tls.server.ja3s":`, c.ja3s[:])
		a.raw(`,"tls.cipher":"`)
		a.rec = appendCipher(a.rec, c.cipher)
		a.raw(`"`)
		a.option(`,"tls.next_protocol":`, c.alpn)
		if c.resumed {
			a.raw(`,"tls.resumed":true`)
		}
	}
	for side := range c.certs {
		if !c.certs[side].have {
			continue
		}
		who := "server"
		if side == int(c.client) || c.client < 0 && side == int(f.src) {
			who = "client"
		}
		a.certificateFields(who, &c.certs[side])
	}
	established := c.secured[0] && c.secured[1] && !c.fatal && c.server
	if established {
		a.raw(`,"tls.established":true`)
	} else {
		a.raw(`,"tls.established":false`)
	}
	if c.alert >= 0 {
		a.num(`,"hoalu.tls.alert":`, uint64(c.alert))
	}
	if !c.hello || !c.server || c.gap {
		a.raw(`,"hoalu.partial":true`)
	}
	a.send(TLS)
}

// tlsProtocol tells what carries the handshake and its version: the one chosen, or the greatest offered where no answer was seen.
func (a *Analyzer) tlsProtocol(c *tlsConn) {
	switch c.proto {
	case appQUIC:
		a.raw(`,"network.protocol":"quic"`)
	case appDTLS:
		a.raw(`,"network.protocol":"dtls"`)
	default:
		a.raw(`,"network.protocol":"tls"`)
	}
	v := c.version
	if !c.server {
		v = c.offered
	}
	if name, proto := tlsVersion(v); name != "" {
		a.raw(`,"tls.version":"`)
		a.raw(name)
		a.raw(`","tls.version_protocol":"`)
		a.raw(proto)
		a.raw(`"`)
	}
}

// tlsOffered lists the application protocols that the client offered; names are separated by NUL.
func (a *Analyzer) tlsOffered(names []byte) {
	if len(names) == 0 {
		return
	}
	a.raw(`,"hoalu.tls.client.alpn":[`)
	for sep := ""; ; sep = "," {
		name, rest, more := bytes.Cut(names, []byte{0})
		a.raw(sep)
		a.bytes("", name)
		if !more {
			break
		}
		names = rest
	}
	a.raw("]")
}

func tlsVersion(v uint16) (name, proto string) {
	switch v {
	case 0x0300:
		return "3.0", "ssl"
	case 0x0301:
		return "1.0", "tls"
	case 0x0302:
		return "1.1", "tls"
	case 0x0303:
		return "1.2", "tls"
	case 0x0304:
		return "1.3", "tls"
	case 0xfeff:
		return "1.0", "dtls"
	case 0xfefd:
		return "1.2", "dtls"
	case 0xfefc:
		return "1.3", "dtls"
	}
	return "", ""
}

func appendCipher(dst []byte, id uint16) []byte {
	if s, found := cipherNames[id]; found {
		return append(dst, s...)
	}
	return appendHex16(append(dst, "0x"...), id)
}

// cipherNames are the IANA names of the suites Go knows and of those common where it does not.
var cipherNames = func() map[uint16]string {
	m := map[uint16]string{0x0033: "TLS_DHE_RSA_WITH_AES_128_CBC_SHA", 0x0039: "TLS_DHE_RSA_WITH_AES_256_CBC_SHA",
		0x0067: "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256",
		0x006b: "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256", 0x009e: "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
		0x009f: "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", 0x0016: "TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA",
		0x003d: "TLS_RSA_WITH_AES_256_CBC_SHA256", 0x0004: "TLS_RSA_WITH_RC4_128_MD5", 0x0009: "TLS_RSA_WITH_DES_CBC_SHA",
		0x0041: "TLS_RSA_WITH_CAMELLIA_128_CBC_SHA", 0x0084: "TLS_RSA_WITH_CAMELLIA_256_CBC_SHA",
		0x0034: "TLS_DH_anon_WITH_AES_128_CBC_SHA", 0xc024: "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384",
		0xc028: "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", 0xccaa: "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
		0x1304: "TLS_AES_128_CCM_SHA256", 0x1305: "TLS_AES_128_CCM_8_SHA256"}
	for _, l := range [][]*tls.CipherSuite{tls.CipherSuites(), tls.InsecureCipherSuites()} {
		for _, s := range l {
			m[s.ID] = s.Name
		}
	}
	return m
}()

// The certificates told of are remembered until there are so many, or so many bytes of them.
const (
	maxCertCache = 4096
	maxCertBytes = 8 << 20
)

// certificateJSON tells of a certificate as fields below "tls.<who>": each ready but for the who. A certificate is read once.
func (a *Analyzer) certificateJSON(hash [32]byte, der []byte) []byte {
	if b, found := a.pools.certs[hash]; found {
		return b
	}
	b := renderCertificate(der)
	if a.pools.certBytes += len(b); len(a.pools.certs) >= maxCertCache || a.pools.certBytes > maxCertBytes || a.pools.certs == nil {
		a.pools.certs, a.pools.certBytes = map[[32]byte][]byte{}, len(b)
	}
	a.pools.certs[hash] = b
	return b
}

// renderCertificate writes fields, each ",\"tls.\x00.<name>\":value" with NUL where client or server goes.
func renderCertificate(der []byte) (b []byte) {
	defer func() { // the standard parser is fed hostile bytes
		if recover() != nil {
			b = nil
		}
	}()
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil
	}
	field := func(name, v string) {
		if v != "" {
			b = append(b, ",\"tls.\x00."...)
			b = append(b, name...)
			b = append(b, `":`...)
			b = ecs.AppendQuoted(b, v)
		}
	}
	when := func(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
	field("subject", c.Subject.String())
	field("issuer", c.Issuer.String())
	field("not_before", when(c.NotBefore))
	field("not_after", when(c.NotAfter))
	field("x509.serial_number", strings.ToUpper(c.SerialNumber.Text(16)))
	field("x509.subject.common_name", c.Subject.CommonName)
	field("x509.issuer.common_name", c.Issuer.CommonName)
	names := c.DNSNames
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) > 0 {
		b = append(b, ",\"tls.\x00.x509.alternative_names\":["...)
		for i, n := range names[:min(len(names), 100)] {
			if i > 0 {
				b = append(b, ',')
			}
			b = ecs.AppendQuoted(b, n)
		}
		b = append(b, ']')
	}
	return b
}

func (a *Analyzer) certificateFields(who string, c *certificate) {
	a.raw(`,"tls.` + who + `.hash.sha256":"`)
	for _, x := range c.hash {
		const digits = "0123456789ABCDEF"
		a.rec = append(a.rec, digits[x>>4], digits[x&15])
	}
	a.raw(`"`)
	for b := c.json; len(b) > 0; {
		i := bytes.IndexByte(b, 0)
		if i < 0 {
			a.rec = append(a.rec, b...)
			break
		}
		a.rec = append(append(a.rec, b[:i]...), who...)
		b = b[i+1:]
	}
	if c.json == nil {
		a.raw(`,"hoalu.tls.` + who + `.unreadable_certificate":true`)
	}
	a.num(`,"hoalu.tls.`+who+`.chain_length":`, uint64(c.n))
}
