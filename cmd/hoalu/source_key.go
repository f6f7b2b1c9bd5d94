package main

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"hoalu/compliance/evidence"
	"hoalu/console"
	"hoalu/soc"
)

// SourceKeyCmd is about the keys of a source's shippers.
type SourceKeyCmd struct {
	New    SourceKeyNewCmd    `cmd:"" help:"Make a key, and print it once with the lines for each shipper."`
	List   SourceKeyListCmd   `cmd:"" help:"The keys of a source, without their secrets; certificates too."`
	Revoke SourceKeyRevokeCmd `cmd:"" help:"End a key or certificate at once."`
}

// keyOptions are those of every new key.
type keyOptions struct {
	Source string `arg:"" help:"NG- number of the source."`
	Label  string `placeholder:"NAME" help:"Which machine gets it."`
	Follow string `placeholder:"DURATION" help:"The keys the source has end after so long (168h: in 7 days, 0s: at once); left out they stay."`
}

func (o keyOptions) query() url.Values {
	return url.Values{"source": {o.Source}, "label": {o.Label}, "follow": {o.Follow}}
}

// SourceKeyNewCmd makes a key.
type SourceKeyNewCmd struct {
	atData
	keyOptions
}

// Run makes it.
func (c SourceKeyNewCmd) Run(e *env) error {
	var m console.KeyMade
	if err := c.control().Call(e.ctx, "POST", "/source/key", c.query(), nil, &m); err != nil {
		return err
	}
	fmt.Fprintf(e.out,
		say("Key %s of %s. It is shown this once.\n\n  user      %s\n  password  %s\n  API key   %s\n  Authorization: ApiKey %s\n"), m.Key.ID,
		c.Source, m.Key.ID, m.Secret, m.Key.ID+":"+m.Secret, m.APIKey)
	if m.URL == "" {
		_, err := fmt.Fprintln(e.out, say("\nThis appliance does not listen for _bulk: set listen.bulk_tls."))
		return err
	}
	for _, u := range m.Uses {
		fmt.Fprintf(e.out, "\n%s:\n%s", u.Name, u.Text)
	}
	if strings.HasPrefix(m.URL, "http:") {
		_, err := fmt.Fprintln(e.out,
			say("\nThe listener is plain text: the key can be read on the way. For other machines set listen.bulk_tls."))
		return err
	}
	_, err := fmt.Fprintln(e.out, say("\n/etc/hoalu-ca.pem is what `hoalu source authority` prints."))
	return err
}

// SourceKeyListCmd lists.
type SourceKeyListCmd struct {
	atData
	Source string `arg:"" help:"NG- number of the source."`
}

// Run lists.
func (c SourceKeyListCmd) Run(e *env) error {
	var v struct{ Keys []soc.SourceKey }
	if err := c.control().Call(e.ctx, "GET", "/source/keys", url.Values{"source": {c.Source}}, nil, &v); err != nil {
		return err
	}
	at := func(ms int64, never string) string {
		if ms == 0 {
			return never
		}
		return local(ms)
	}
	kinds := map[string]string{soc.KeyAPI: say("key"), soc.KeyCertificate: say("certificate")}
	if len(v.Keys) == 0 { // not on the output, which a script reads
		_, err := fmt.Fprintf(e.err, say("%s has no key and no certificate yet; make one with: hoalu source key new, or hoalu source certificate\n"), c.Source)
		return err
	}
	for _, k := range v.Keys {
		if _, err := fmt.Fprintf(e.out, say("%s  %-11s  made %s by %s  ends %s  first used %s  %s\n"), evidence.Plain(k.ID),
			cmp.Or(kinds[k.Kind], evidence.Plain(k.Kind)),
			at(k.Made, ""),
			evidence.Plain(k.By), at(k.Ends, say("without limit")), at(k.Used, say("not yet")), evidence.Plain(k.Label)); err != nil {
			return err
		}
	}
	return nil
}

// SourceKeyRevokeCmd revokes.
type SourceKeyRevokeCmd struct {
	atData
	Source string `arg:"" help:"NG- number of the source."`
	Key    string `arg:"" help:"Its id, as hoalu source key list shows it."`
}

// Run revokes.
func (c SourceKeyRevokeCmd) Run(e *env) error {
	if err := c.control().Call(e.ctx, "POST", "/source/key/revoke", url.Values{"source": {c.Source}, "key": {c.Key}}, nil, nil); err != nil {
		return err
	}
	_, err := fmt.Fprintf(e.out, say("%s is withdrawn\n"), c.Key)
	return err
}

// SourceCertificateCmd makes a client certificate.
type SourceCertificateCmd struct {
	atData
	keyOptions
	Out string `placeholder:"FOLDER" help:"New folder for sender.pem, sender.key and ca.pem." required:""`
}

// Run makes it. The folder is made first: a certificate whose key could not be written is of no use and would stay in the inventory.
func (c SourceCertificateCmd) Run(e *env) error {
	if err := os.Mkdir(c.Out, 0o700); err != nil {
		if errors.Is(err, os.ErrExist) {
			return fmt.Errorf(say("%s is there already; name a new folder, so that no key is written over"), c.Out)
		}
		return err
	}
	var v struct{ Certificate, Private, Authority string }
	if err := c.control().Call(e.ctx, "POST", "/source/certificate", c.query(), nil, &v); err != nil {
		os.Remove(c.Out) //nolint:errcheck // it is empty, and the first error says what is wrong
		return err
	}
	for _, f := range []struct {
		name, text string
		mode       os.FileMode
	}{{"sender.key", v.Private, 0o600}, {"sender.pem", v.Certificate, 0o644}, {"ca.pem", v.Authority, 0o644}} {
		if err := os.WriteFile(filepath.Join(c.Out, f.name), []byte(f.text), f.mode); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(e.out, say("%s: sender.pem, sender.key and ca.pem for a machine of %s. The key is kept nowhere else.\n"), c.Out,
		c.Source)
	return err
}

// SourceAuthorityCmd prints the authority.
type SourceAuthorityCmd struct{ atData }

// Run prints it.
func (c SourceAuthorityCmd) Run(e *env) error {
	var v struct{ PEM, Fingerprint string }
	if err := c.control().Call(e.ctx, "GET", "/source/authority", nil, nil, &v); err != nil {
		return err
	}
	_, err := fmt.Fprintf(e.out, "%s", v.PEM)
	return err
}
