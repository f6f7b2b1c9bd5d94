package app

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"time"

	"hoalu/collector/source/bulk"
	"hoalu/console"
	"hoalu/soc"
	"hoalu/vault"
)

// certificateLife is how long a syslog sender's certificate is good; it can be followed by another before.
const certificateLife = 2 * 365 * 24 * time.Hour

// issueKey makes a key of a _bulk source; its secret is in the answer and nowhere else.
func (a *App) issueKey(ctx context.Context, by soc.Actor, source, label string, follow time.Duration) (console.KeyMade, error) {
	key, secret, err := a.inventory.IssueKey(ctx, by, source, label, follow)
	if err != nil {
		return console.KeyMade{}, err
	}
	m := console.KeyMade{Key: key, Secret: secret, APIKey: base64.StdEncoding.EncodeToString([]byte(key.ID + ":" + secret)), URL: a.bulkURL()}
	for _, u := range bulk.Uses(m.URL, key.ID, secret, a.rootDigest()) {
		m.Uses = append(m.Uses, console.KeyUse(u))
	}
	return m, nil
}

// issueCertificate makes the certificate of a syslog source's sender: PEM of the certificate and of its private key, which is kept
// nowhere.
func (a *App) issueCertificate(ctx context.Context, by soc.Actor, source, label string, follow time.Duration) (key soc.SourceKey,
	certificate, private []byte, err error) {
	if _, err := a.inventory.KnownSource(source); err != nil { // the authority's register is for ever
		return key, nil, nil, err
	}
	cert, err := a.vault.Authority().Client(ctx, "hoalu://source/"+source, certificateLife)
	if err != nil {
		return key, nil, nil, fmt.Errorf("make certificate: %w", err)
	}
	certificate, private, err = vault.EncodePEM(cert)
	if err != nil {
		return key, nil, nil, fmt.Errorf("make certificate: %w", err)
	}
	key, err = a.inventory.AddKey(ctx, by, source,
		soc.SourceKey{Kind: soc.KeyCertificate, Label: label, Hash: vault.Digest(cert.Leaf), Ends: cert.Leaf.NotAfter.UnixMilli()}, follow)
	if err != nil {
		return key, nil, nil, err
	}
	return key, certificate, private, nil
}

// rootDigest is the SHA-256 of the authority's certificate, as Filebeat's ca_trusted_fingerprint has it.
func (a *App) rootDigest() string { return vault.Digest(a.vault.Authority().Root()) }

// bulkURL is where a shipper sends to, "" where nothing listens.
func (a *App) bulkURL() string {
	return bulk.URL(a.address("bulk_tls"), a.address("bulk"), append(slices.Clone(a.cfg.Listen.Names), hostname()))
}
