package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"hoalu/collector"
	"hoalu/collector/decoders"
	"hoalu/internal/bounded"
	"hoalu/internal/lang"
)

// SourceCmd is about log sources: their decoders and what their senders prove themselves with.
type SourceCmd struct {
	Key         SourceKeyCmd         `cmd:"" help:"Keys of shippers that speak Elasticsearch: new, list, revoke."`
	Certificate SourceCertificateCmd `cmd:"" help:"A client certificate for a machine that sends syslog over TLS."`
	Authority   SourceAuthorityCmd   `cmd:"" help:"Print the certificate of this appliance's own authority, which senders check its listeners by."`
	Decode      SourceDecodeCmd      `cmd:"" help:"Decode raw messages: one ECS JSON document a line, in order."`
	List        SourceListCmd        `cmd:"" help:"The formats there are decoders for."`
	Ways        SourceWaysCmd        `cmd:"" help:"The ways in: what each takes, and its key below listen in the configuration."`
}

// SourceDecodeCmd is the parser bench.
type SourceDecodeCmd struct {
	Type     string    `placeholder:"NAME" help:"Format of the messages (linux.auth, nginx.access, windows.security …); without it each message's own shape decides."`
	Zone     string    `placeholder:"ZONE" help:"Time zone of times without one (default Asia/Ho_Chi_Minh)."`
	At       time.Time `placeholder:"TIME" help:"Receipt time to assume, RFC 3339 (default now): it gives lines without a year theirs."`
	Decoders []string  `placeholder:"FOLDER" help:"Folders with decoders beside the product's own, as the configuration's key decoders; their test lines are run."`
	File     string    `arg:"" placeholder:"FILE|-" help:"NDJSON with a member \"raw\", or plain lines."`
}

// Run decodes the file to standard output.
func (c *SourceDecodeCmd) Run(e *env) error {
	set, err := decoders.Load(c.Decoders)
	if err != nil {
		return err
	}
	dataset := c.Type
	if dataset != "" && !set.Known(dataset) {
		fmt.Fprintf(e.err, say("hoalu: no decoder is called %q (hoalu source list names them): each message's own shape decides\n"), dataset)
		dataset = ""
	}
	var zone *time.Location
	if c.Zone != "" {
		if zone, err = time.LoadLocation(c.Zone); err != nil {
			return fmt.Errorf(say("%w: --zone: there is no time zone %q; give one as Asia/Ho_Chi_Minh"), errUsage, c.Zone)
		}
	}
	in := io.Reader(os.Stdin)
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	received := c.At
	if received.IsZero() {
		received = time.Now()
	}
	dec := set.Decoder()
	w := bufio.NewWriterSize(e.out, 1<<16)
	var buf []byte
	if err := bounded.Lines(in, bounded.MaxLine, func(n int, line []byte) error {
		if line = bytes.TrimRight(line, "\r\n"); len(line) == 0 {
			return nil
		}
		event, err := dec.Decode(dataset, rawOf(line), received, zone)
		if err != nil {
			return fmt.Errorf(say("line %d: %w"), n, err)
		}
		buf = append(event.AppendJSON(buf[:0]), '\n')
		_, err = w.Write(buf)
		return err
	}); err != nil {
		return err
	}
	return w.Flush()
}

// rawOf takes the message out of {"raw": "…"}; any other line is the message itself.
func rawOf(line []byte) []byte {
	if line[0] != '{' || !bytes.Contains(line, []byte(`"raw"`)) {
		return line
	}
	var doc struct {
		Raw *string `json:"raw"`
	}
	if json.Unmarshal(line, &doc) != nil || doc.Raw == nil {
		return line
	}
	return []byte(*doc.Raw)
}

// SourceListCmd names the formats.
type SourceListCmd struct {
	Decoders []string `placeholder:"FOLDER" help:"Folders with decoders beside the product's own, as the configuration's key decoders."`
}

// Run prints them.
func (c *SourceListCmd) Run(e *env) error {
	set, err := decoders.Load(c.Decoders)
	if err != nil {
		return err
	}
	for _, name := range set.Datasets() {
		if _, err := fmt.Fprintln(e.out, name); err != nil {
			return err
		}
	}
	return nil
}

// SourceWaysCmd names the ways in.
type SourceWaysCmd struct{}

// Run prints them, a line each.
func (SourceWaysCmd) Run(e *env) error {
	for _, row := range collector.Sources {
		key := "–"
		if row.Key != "" {
			key = "listen." + row.Key
		}
		if _, err := fmt.Fprintf(e.out, "%s%s%s\n", padded(row.Name, 14), padded(key, 20), row.Says[lang.Code()]); err != nil {
			return err
		}
	}
	return nil
}
