package enrol

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"time"

	"hoalu/soc"
)

// endsSoon is how long before its end a sensor's certificate is worth an alert; it ought to have been renewed three months before.
const endsSoon = 30 * 24 * time.Hour

// Identify names the sensor of a client certificate, and notes when that ends.
func (r *Register) Identify(c *x509.Certificate) (string, error) {
	id, err := r.c.Authority.Sensor([]*x509.Certificate{c})
	if err == nil {
		r.mu.Lock()
		r.ends[id] = c.NotAfter
		r.mu.Unlock()
	}
	return id, err
}

// Ends is when the certificate of each sensor ends: the one it last showed, else the last one made for it that is good.
func (r *Register) Ends(ctx context.Context) map[string]time.Time {
	ends := map[string]time.Time{}
	issued, err := r.c.Issued(ctx)
	if err != nil { // what sensors showed is still known; an unknown end is no alert
		r.log.Error("when sensors' certificates end is not known", "error.message", err.Error())
	}
	for _, c := range issued {
		if !c.Revoked && c.Ends.After(ends[c.Sensor]) {
			ends[c.Sensor] = c.Ends
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.Copy(ends, r.ends)
	return ends
}

// Withdrawn are the sensors whose every certificate is revoked: nothing they send is taken.
func (r *Register) Withdrawn(ctx context.Context) (map[string]bool, error) {
	issued, err := r.c.Issued(ctx)
	if err != nil {
		return nil, fmt.Errorf("certificates of sensors: %w", err)
	}
	withdrawn := map[string]bool{}
	for _, c := range issued {
		all, seen := withdrawn[c.Sensor]
		withdrawn[c.Sensor] = c.Revoked && (all || !seen)
	}
	return withdrawn, nil
}

// Run looks at the certificates of enrolled sensors every hour, until ctx ends.
func (r *Register) Run(ctx context.Context) error {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for ctx.Err() == nil {
		if err := r.RetireWithdrawn(ctx); err != nil && ctx.Err() == nil {
			r.log.Error("the sources of withdrawn sensors are not all retired; it is tried again in an hour", "error.message", err.Error())
		}
		r.Look(ctx, time.Now())
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
	return ctx.Err()
}

// RetireWithdrawn retires the sources of withdrawn sensors that are in use still: of one that was withdrawn by a version before, by a
// Revoke that was cut short, or whose last batch arrived while it was withdrawn.
func (r *Register) RetireWithdrawn(ctx context.Context) error {
	withdrawn, err := r.Withdrawn(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, src := range r.inventory.Snapshot().Active() {
		if src.Kind == soc.SourceSensor && !src.Demo && src.Sensor != r.c.Own && withdrawn[src.Sensor] {
			errs = append(errs, r.inventory.RetireSensor(ctx, soc.Machine, src.Sensor, soc.ReasonSensorWithdrawn))
		}
	}
	return errors.Join(errs...)
}

// Look tells of enrolled sensors whose certificate ends soon after now or ended within as long before, of each not more than once a day.
func (r *Register) Look(ctx context.Context, now time.Time) {
	ends := r.Ends(ctx)
	for _, src := range r.inventory.Snapshot().Active() {
		end, known := ends[src.Sensor]
		if src.Kind != soc.SourceSensor || src.Demo || src.Sensor == r.c.Own || !known || end.Sub(now).Abs() > endsSoon {
			continue
		}
		r.mu.Lock()
		lately := now.Sub(r.told[src.Sensor]) < 24*time.Hour
		if !lately {
			r.told[src.Sensor] = now
		}
		r.mu.Unlock()
		if !lately {
			r.c.Ending(src, end)
		}
	}
}
