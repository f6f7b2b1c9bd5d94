package state

import "time"

// SetLength makes leases end sooner or later than the product's.
func (l *Leases) SetLength(d time.Duration) *Leases { l.length = d; return l }
