package identity

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"hoalu/console/identity/internal/db"
	"hoalu/soc"
)

// Search is a stored search. Text holds tokens where a citizen's identifier was typed.
type Search struct {
	ID, Account, Unit, Name string
	Shared                  bool
	Text                    string
	Kinds                   []string
	Created                 int64
}

// KeepSearch stores a search and gives it an id; a search for an identifier is audited.
func (a *Accounts) KeepSearch(ctx context.Context, by soc.Actor, s Search) (Search, error) {
	s.ID, s.Account, s.Unit, s.Created = newID("sq-"), by.ID, by.Unit, a.now()
	var err error
	if s.Name, err = a.c.name(s.Name); err != nil {
		return Search{}, err
	}
	kinds, err := json.Marshal(s.Kinds)
	if err != nil {
		return Search{}, fmt.Errorf("keep search: %w", err)
	}
	err = a.c.DB.Tx(ctx, func(tx *sql.Tx) error {
		err := db.New(tx).InsertSearch(ctx, db.InsertSearchParams{ID: s.ID, Account: s.Account, Unit: s.Unit, Name: s.Name, Shared: s.Shared,
			Text: s.Text, Kinds: string(kinds), Created: s.Created})
		if err != nil {
			return fmt.Errorf("keep search: %w", err)
		}
		if len(s.Kinds) == 0 {
			return nil
		}
		return a.record(ctx, tx, soc.Deed{Actor: by, Action: "search.identifier", Object: s.ID,
			Details: map[string]string{"kinds": string(kinds), "query": s.Text}})
	})
	return s, err
}

func searchOf(r db.SavedSearch) (Search, error) {
	s := Search{ID: r.ID, Account: r.Account, Unit: r.Unit, Name: r.Name, Shared: r.Shared, Text: r.Text, Created: r.Created}
	if err := json.Unmarshal([]byte(r.Kinds), &s.Kinds); err != nil {
		return Search{}, fmt.Errorf("read search %s: %w", r.ID, err)
	}
	return s, nil
}

// Search reads a stored search: one's own, or one shared in the unit.
func (a *Accounts) Search(ctx context.Context, by soc.Actor, id string) (Search, error) {
	row, err := a.q.SearchByID(ctx, id)
	if errors.Is(err, sql.ErrNoRows) || (err == nil && row.Account != by.ID && (!row.Shared || row.Unit != by.Unit)) {
		return Search{}, absent(id)
	}
	if err != nil {
		return Search{}, fmt.Errorf("read search: %w", err)
	}
	return searchOf(row)
}

// Searches lists searches kept under a name, one's own and the unit's.
func (a *Accounts) Searches(ctx context.Context, by soc.Actor) ([]Search, error) {
	rows, err := a.q.ListSearches(ctx, db.ListSearchesParams{Account: by.ID, Unit: by.Unit})
	if err != nil {
		return nil, fmt.Errorf("list searches: %w", err)
	}
	out := make([]Search, 0, len(rows))
	for _, r := range rows {
		s, err := searchOf(r)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// DropSearch deletes one's own search.
func (a *Accounts) DropSearch(ctx context.Context, by soc.Actor, id string) error {
	return a.c.DB.Tx(ctx, func(tx *sql.Tx) error {
		n, err := db.New(tx).DropSearch(ctx, db.DropSearchParams{ID: id, Account: by.ID})
		if err != nil {
			return fmt.Errorf("delete search: %w", err)
		}
		if n == 0 {
			return absent(id)
		}
		return nil
	})
}
