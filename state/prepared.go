package state

import (
	"context"
	"database/sql"
)

// Prepared runs queries in a transaction and compiles each text once, for writers that repeat a few statements over a batch: SQLite
// spends more on compiling an INSERT of fifty columns than on running it. It takes the place of *sql.Tx for what sqlc generates. It is
// not safe for concurrent use and ends with its transaction.
type Prepared struct {
	tx    *sql.Tx
	stmts map[string]*sql.Stmt
}

// Prepare returns a Prepared over tx.
func Prepare(tx *sql.Tx) *Prepared { return &Prepared{tx, map[string]*sql.Stmt{}} }

// PrepareContext returns the compiled statement of a query; the transaction closes it.
func (p *Prepared) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	if s := p.stmts[query]; s != nil {
		return s, nil
	}
	s, err := p.tx.PrepareContext(ctx, query)
	if err == nil {
		p.stmts[query] = s
	}
	return s, err
}

// ExecContext is that of *sql.Tx.
func (p *Prepared) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	s, err := p.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(ctx, args...)
}

// QueryContext is that of *sql.Tx.
func (p *Prepared) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	s, err := p.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

// QueryRowContext is that of *sql.Tx.
func (p *Prepared) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	s, err := p.PrepareContext(ctx, query)
	if err != nil {
		return p.tx.QueryRowContext(ctx, query, args...) // says the same error at Scan
	}
	return s.QueryRowContext(ctx, args...)
}
