package console

import (
	"context"
	"testing"
	"time"
)

// TestPartsAreToldWhileTheDatabaseHangs: how the parts are is told within seconds though the accounts cannot be read meanwhile, and the
// console is not called ready then.
func TestPartsAreToldWhileTheDatabaseHangs(t *testing.T) {
	t.Parallel()
	b := newBench(t, Parts{})
	for range b.db.Read().Stats().MaxOpenConnections { // as questions that are not answered hold them
		held, err := b.db.Read().Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer held.Close()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	began := time.Now()
	parts := partStates(ctx, b.console.Parts, b.people)
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the parts were told after %s", took)
	}
	for _, p := range parts {
		if p.Name != "console" {
			continue
		}
		if p.Ready || p.Reason == "" || p.Said["vi"] == "" || p.Said["vi"] == p.Said["en"] {
			t.Errorf("the console while no account can be read: %+v", p)
		}
		return
	}
	t.Errorf("the console is not among %+v", parts)
}
