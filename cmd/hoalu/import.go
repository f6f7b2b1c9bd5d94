package main

import (
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
)

// ImportCmd stores a file's events like live ones.
type ImportCmd struct {
	atData
	Source  string `placeholder:"NG-NNNN|NAME" help:"NG- number, or a name for where the file comes from." required:""`
	Dataset string `placeholder:"NAME" help:"Decoder to use (see hoalu source list); found out by itself otherwise."`
	Format  string `placeholder:"json|syslog|line" help:"json, syslog or line; found out by itself otherwise." enum:"json,syslog,line," default:""`
	File    string `arg:"" help:"NDJSON or text lines, gzip too; - is standard input."`
}

// Run streams the file to the appliance.
func (c ImportCmd) Run(e *env) error {
	in := io.Reader(os.Stdin)
	name := c.File
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return err
		}
		defer f.Close()
		if st, err := f.Stat(); err == nil && st.IsDir() {
			return fmt.Errorf(say("%s is a folder; give one file at a time, or - and a pipe"), c.File)
		}
		in, name = f, filepath.Base(c.File)
	}
	var got struct{ Frames, Rejected, Bytes int64 }
	q := url.Values{"source": {c.Source}, "dataset": {c.Dataset}, "format": {c.Format}, "name": {name}}
	if err := c.control().Call(e.ctx, "POST", "/import", q, in, &got); err != nil {
		return err
	}
	fmt.Fprintf(e.out,
		say("%d messages taken in, %d rejected, %d bytes read. What was stored before is counted as duplicate, see the page Ledger.")+"\n",
		got.Frames, got.Rejected, got.Bytes)
	if got.Rejected > 0 {
		return fmt.Errorf(say("%w: %d lines were rejected; the page Ledger says why"), errFound, got.Rejected)
	}
	return nil
}
