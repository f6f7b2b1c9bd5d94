package console

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"hoalu/soc"
)

// Bounds of an export of the audit log.
const (
	maxExportRows = 100_000
	exportPage    = 500             // rows in memory at once
	exportTime    = 5 * time.Minute // for all of it
	exportIdle    = 30 * time.Second
	maxExports    = 2 // at once
)

// exports registers the download of the rows that the page's filter chooses, newest first, as CSV in the person's language.
func (h *audit) exports() handler {
	return handler{register: func(c *Console, tag string, op operation) {
		spec := c.described(tag, op)
		spec.Responses = map[string]*huma.Response{"200": {Description: "CSV (RFC 4180, UTF-8 with a byte-order mark)",
			Content: map[string]*huma.MediaType{"text/csv": {Schema: &huma.Schema{Type: "string"}}}}}
		huma.Register(c.api, spec, func(ctx context.Context, in *AuditFilter) (*huma.StreamResponse, error) {
			k := callOf(ctx)
			write, err := h.export(ctx, k, in)
			if err != nil {
				return nil, c.problem(ctx, k, err)
			}
			return &huma.StreamResponse{Body: func(huma.Context) {
				if err := write(); err != nil {
					c.log.ErrorContext(ctx, "export of the audit log broke off", "error", err)
					panic(http.ErrAbortHandler) // a part must not pass for the whole: the download fails
				}
			}}, nil
		})
	}}
}

// export reads the first page, puts the deed on record and returns what writes the table. That there are more rows than an export holds
// is refused before anything is written.
func (h *audit) export(ctx context.Context, k *call, in *AuditFilter) (write func() error, err error) {
	q, none, err := h.query(k, in)
	if err != nil {
		return nil, err
	}
	q.Limit = exportPage
	select {
	case h.running <- struct{}{}:
	default:
		return nil, &soc.Problem{Status: http.StatusTooManyRequests, Code: "export_busy", Detail: "Others are exporting the audit log.",
			Values: map[string]string{"limit": strconv.Itoa(maxExports)}}
	}
	done := func() { <-h.running }
	defer func() {
		if err != nil {
			done()
		}
	}()
	var p AuditPage
	if !none {
		if p, err = h.audit.List(ctx, q); err != nil {
			return nil, err
		}
	}
	if p.Total > maxExportRows {
		return nil, &soc.Problem{Status: http.StatusUnprocessableEntity, Code: "export_too_large",
			Detail: "The filter chooses more rows than one export holds.",
			Values: map[string]string{"n": strconv.FormatInt(p.Total, 10), "limit": strconv.Itoa(maxExportRows)}}
	}
	deed := soc.Deed{Actor: k.Actor, Action: "audit.export", Result: "done",
		Details: map[string]string{"query": in.Text, "actor": in.Actor, "action": in.Action, "object": in.Object,
			"from": in.From, "to": in.To, "result": in.Result, "rows": strconv.FormatInt(p.Total, 10)}}
	if in.People {
		deed.Details["people"] = "true"
	}
	if err = h.audit.Record(ctx, deed); err != nil { // before the first row leaves
		return nil, err
	}
	return func() error {
		defer done()
		return h.write(ctx, k, q, p)
	}, nil
}

// write sends the table page by page; a reader that takes nothing for exportIdle is gone.
func (h *audit) write(ctx context.Context, k *call, q AuditQuery, p AuditPage) error {
	rc := http.NewResponseController(k.w)
	// The server's bound on reading a request would end it: net/http watches the connection under it.
	if err := rc.SetReadDeadline(time.Now().Add(exportTime)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, exportTime)
	defer cancel()
	head := k.w.Header()
	head.Set("Content-Type", "text/csv; charset=utf-8")
	head.Set("Content-Disposition", `attachment; filename="hoalu-audit-`+time.UnixMilli(int64(h.now())).In(soc.Zone).Format("20060102-150405")+
		`.csv"`)
	var b bytes.Buffer
	b.WriteString("\ufeff") // without it Excel reads the file in the code page of the machine
	w := csv.NewWriter(&b)
	w.UseCRLF = true
	row := make([]string, len(deedColumns))
	for i, c := range deedColumns {
		row[i] = word(k.Lang, "auditColumn."+c)
	}
	if err := w.Write(row); err != nil {
		return err
	}
	for left := p.Total; ; {
		for _, d := range p.Items {
			if err := w.Write(deedRow(k.Lang, d)); err != nil {
				return err
			}
		}
		if w.Flush(); w.Error() != nil {
			return w.Error()
		}
		if err := rc.SetWriteDeadline(time.Now().Add(exportIdle)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
		if _, err := k.w.Write(b.Bytes()); err != nil {
			return err
		}
		b.Reset()
		if left -= int64(len(p.Items)); p.Next == 0 || left <= 0 {
			return nil
		}
		q.Before, q.Uncounted = p.Next, true
		var err error
		if p, err = h.audit.List(ctx, q); err != nil {
			return err
		}
	}
}
