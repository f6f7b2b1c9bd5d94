package inventory

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"hoalu/soc"
)

// Bounds of an import of assets: what a person pastes from a sheet, not a sender's stream.
const (
	MaxImportRows  = 5000
	MaxImportBytes = 1 << 20
	maxImportWrong = 200 // wrong rows that are named; the person mends those first
)

// importColumns are the names of columns, folded.
var importColumns = map[string]string{
	"host": "host", "hostname": "host", "host name": "host", "máy": "host", "tên máy": "host", "máy chủ": "host",
	"address": "address", "ip": "address", "network": "address", "địa chỉ": "address", "địa chỉ ip": "address", "dải mạng": "address",
	"system": "system", "hệ thống": "system", "mã hệ thống": "system",
	"zone": "zone", "vùng": "zone", "vùng mạng": "zone",
	"kind": "kind", "type": "kind", "loại": "kind",
}

var importOrder = []string{"host", "address", "system", "zone", "kind"}

var errChecked = errors.New("only checked")

// ImportAssets declares many assets in one transaction: all of them or, while anything is wrong, none.
func (s *Store) ImportAssets(ctx context.Context, actor soc.Actor, in soc.AssetImport) (soc.AssetsImported, error) {
	rows, wrong, err := importRows(in.Text)
	if err != nil {
		return soc.AssetsImported{}, err
	}
	var out soc.AssetsImported
	err = s.change(ctx, actor, func(c *change) error {
		out = soc.AssetsImported{Wrong: wrong}
		for _, r := range rows {
			a := r.asset
			if a.System == "" {
				a.System = in.System
			}
			if c.declared(&a) {
				out.Unchanged++
				continue
			}
			made, err := c.addAsset(a)
			var p *soc.Problem
			switch {
			case errors.As(err, &p):
				if out.Wrong = append(out.Wrong, soc.WrongRow{Line: r.line, Problem: p}); len(out.Wrong) >= maxImportWrong {
					return errChecked
				}
			case err != nil:
				return err
			default:
				out.Added = append(out.Added, made)
			}
		}
		if in.Check || len(out.Wrong) > 0 {
			return errChecked // undoes what was stored to see whether it fits
		}
		return nil
	})
	if errors.Is(err, errChecked) {
		err = nil
	}
	if len(out.Wrong) > 0 {
		out.Added = nil
	}
	return out, err
}

// declared reports whether the same asset is there already.
func (c *change) declared(a *soc.Asset) bool {
	w := wrong{}
	host, err := names(c.s.c.Protect).host(strings.TrimSpace(a.Host))
	if err != nil {
		return false // checkAsset says why
	}
	addr := address(w, a.Address)
	same := func(b *soc.Asset) bool {
		return b != nil && b.System == a.System && b.Host == host && b.Address == addr
	}
	if host != "" {
		id := c.claims().hosts[host]
		if v, ok := c.d.assets[id]; ok {
			return same(v)
		}
		return same(c.base.assets[id])
	}
	p, ok := prefix(addr)
	if !ok {
		return false
	}
	for _, b := range c.claims().networks[p] {
		if same(b) {
			return true
		}
	}
	return false
}

type importRow struct {
	line  int
	asset soc.Asset
}

func importRows(text string) (rows []importRow, wrong []soc.WrongRow, err error) {
	if len(text) > MaxImportBytes {
		return nil, nil, importProblem("import_too_large", "The list is too long.", map[string]string{"n": fmt.Sprint(MaxImportRows)})
	}
	text = strings.TrimPrefix(text, "\ufeff")
	r := csv.NewReader(strings.NewReader(text))
	r.Comma = separator(text)
	r.FieldsPerRecord, r.TrimLeadingSpace, r.ReuseRecord = -1, r.Comma != '\t', true
	order := importOrder
	for first := true; ; first = false {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		var bad *csv.ParseError
		if errors.As(err, &bad) {
			return nil, []soc.WrongRow{{Line: bad.StartLine,
				Problem: importProblem("import_quotes", "A quote is not closed or stands in the wrong place.", nil)}}, nil
		}
		if err != nil {
			return nil, nil, fmt.Errorf("read the list of assets: %w", err)
		}
		line, _ := r.FieldPos(0)
		if first {
			if names := header(fields); names != nil {
				order = names
				continue
			}
		}
		if blank(fields) {
			continue
		}
		if len(rows) >= MaxImportRows {
			return nil, nil, importProblem("import_too_large", "The list is too long.", map[string]string{"n": fmt.Sprint(MaxImportRows)})
		}
		if len(fields) > len(order) && !blank(fields[len(order):]) {
			if wrong = append(wrong, soc.WrongRow{Line: line,
				Problem: importProblem("import_columns", "The row has more columns than are known.",
					map[string]string{"n": fmt.Sprint(len(order))})}); len(wrong) >= maxImportWrong {
				break
			}
			continue
		}
		row := importRow{line: line}
		for i, name := range order {
			if i >= len(fields) {
				break
			}
			v := strings.TrimSpace(strings.Clone(fields[i]))
			switch name {
			case "host":
				row.asset.Host = v
			case "address":
				row.asset.Address = v
			case "system":
				row.asset.System = strings.ToUpper(v)
			case "zone":
				row.asset.Zone = v
			case "kind":
				row.asset.Kind = v
			}
		}
		rows = append(rows, row)
	}
	if len(rows)+len(wrong) == 0 {
		return nil, nil, importProblem("import_empty", "The list has no rows.", nil)
	}
	return rows, wrong, nil
}

func importProblem(code, detail string, values map[string]string) *soc.Problem {
	return &soc.Problem{Status: 422, Code: code, Detail: detail, Values: values}
}

// separator is what stands between the columns: a sheet pastes tabs, a Vietnamese one saves semicolons.
func separator(text string) rune {
	line, _, _ := strings.Cut(text, "\n")
	for _, c := range []rune{'\t', ';'} {
		if strings.ContainsRune(line, c) {
			return c
		}
	}
	return ','
}

// header reads a row of column names; nil when it is none. A column of another name is left out.
func header(fields []string) []string {
	names, known := make([]string, len(fields)), false
	for i, f := range fields {
		names[i] = importColumns[strings.ToLower(strings.TrimSpace(f))]
		known = known || names[i] == "host" || names[i] == "address"
	}
	if !known {
		return nil
	}
	return names
}

func blank(fields []string) bool {
	for _, f := range fields {
		if strings.TrimSpace(f) != "" {
			return false
		}
	}
	return true
}
