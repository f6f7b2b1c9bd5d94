package app

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"hoalu/internal/config"
	"hoalu/soc"
	"hoalu/state"
)

// TestWorkersHoldLeases: detection, posture, evidence log and national link of a running appliance each hold their lease. Where another
// machine has one when it starts, that work does not run and /readyz says so, until it is free.
func TestWorkersHoldLeases(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	r := newRig(t, func(c *config.Config) { c.Sensor.Packet, c.Sensor.Host, c.Files.Host = false, false, false })
	held := func() []string {
		rows, err := r.state.Read().QueryContext(ctx, "SELECT name FROM lease WHERE holder = $1 AND until > $2 ORDER BY name",
			hostname()+":"+r.path(), time.Now().UnixMilli())
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		var out []string
		for rows.Next() {
			var name string
			if err := rows.Scan(&name); err != nil {
				t.Fatal(err)
			}
			out = append(out, name)
		}
		return out
	}
	r.eventually("all workers hold their leases", func() bool {
		return slices.Equal(held(), []string{"detect", "evidence_log", "national", "posture"})
	})
	part := func() soc.Part {
		parts := machinePart{r.App}.Parts(ctx)
		i := slices.IndexFunc(parts, func(p soc.Part) bool { return p.Name == "leases" })
		if i < 0 {
			t.Fatal("/readyz has no line for the leases")
		}
		return parts[i]
	}
	if p := part(); !p.Ready {
		t.Errorf("/readyz: %+v, want ready", p)
	}
	// the other machine takes one while this appliance is stopped
	r.end()
	db, err := state.Open(ctx, state.Config{Path: r.path("state.db")})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE lease SET holder = 'other', until = $1 WHERE name = 'posture'",
			time.Now().Add(time.Hour).UnixMilli())
		return err
	}), db.Close()); err != nil {
		t.Fatal(err)
	}
	r.start()
	r.eventually("/readyz says that posture does not run here",
		func() bool { p := part(); return !p.Ready && strings.Contains(p.Reason, "posture does not run here") })
	r.eventually("the others run", func() bool { return slices.Equal(held(), []string{"detect", "evidence_log", "national"}) })
}
