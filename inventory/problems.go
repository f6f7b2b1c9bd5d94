package inventory

import (
	"sort"
	"strconv"
	"strings"

	"hoalu/soc"
)

// notFound is also the answer for what is out of scope.
func notFound(id string) *soc.Problem {
	return &soc.Problem{Status: 404, Code: "not_found", Detail: id + " not found.", Do: "It may be mistyped or outside your scope.",
		Values: map[string]string{"id": id}}
}

func conflict(id, by string, at, version int64) *soc.Problem {
	return &soc.Problem{Status: 409, Code: "conflict", Detail: by + " changed " + id + " since you read it.",
		Do:     "Read it again, compare and save again.",
		Values: map[string]string{"id": id, "by": by, "at": strconv.FormatInt(at, 10), "version": strconv.FormatInt(version, 10)}}
}

// maxUses bounds what a refusal names; Values["n"] says how many there are.
const maxUses = 50

// inUse refuses to retire or delete what others refer to, and names them.
func inUse(id string, uses []soc.Use) *soc.Problem {
	named := make([]string, 0, 3)
	for _, u := range uses[:min(3, len(uses))] {
		named = append(named, strings.TrimSpace(u.Kind+" "+u.ID+" "+u.Name))
	}
	n := len(uses)
	return &soc.Problem{Status: 409, Code: "in_use", Detail: id + " is still in use: " + strings.Join(named, ", ") + ".",
		Do:     "Move, retire or delete what belongs to it first.",
		Values: map[string]string{"id": id, "n": strconv.Itoa(n)}, Uses: uses[:min(n, maxUses)]}
}

// hasHistory refuses to delete what events, alerts or reports refer to: they would name a thing nobody knows.
func hasHistory(id string, uses []soc.Use) *soc.Problem {
	p := inUse(id, uses)
	p.Code, p.Detail, p.Do = "has_history", "History refers to "+id+".", "Retire it instead: what it was stays readable."
	return p
}

// retired refuses to change what is in use no longer.
func retired(id string) *soc.Problem {
	return &soc.Problem{Status: 409, Code: "retired", Detail: id + " is retired.", Do: "Take it back into use first.",
		Values: map[string]string{"id": id}}
}

// own refuses to retire or delete what this appliance stands in the inventory with.
func own(id string) *soc.Problem {
	return &soc.Problem{Status: 409, Code: "own_source", Detail: id + " carries this appliance's own events.",
		Do: "It stays as long as the appliance runs.", Values: map[string]string{"id": id}}
}

// ofSensor refuses to retire or delete the source of a sensor that may still send.
func ofSensor(id, sensor string) *soc.Problem {
	return &soc.Problem{Status: 409, Code: "sensor_source", Detail: id + " is the source of sensor " + sensor + ".",
		Do: "Withdraw the sensor instead (hoalu sensor revoke).", Values: map[string]string{"id": id, "sensor": sensor}}
}

// sensorWithdrawn refuses to wait again for what a sensor without a certificate cannot send.
func sensorWithdrawn(id, sensor string) *soc.Problem {
	return &soc.Problem{Status: 409, Code: "sensor_withdrawn", Detail: "Sensor " + sensor + " was withdrawn: nothing it sends is taken.",
		Do:     "Enrol the host again (hoalu sensor invite): it becomes a new source.",
		Values: map[string]string{"id": id, "sensor": sensor}}
}

func exists(field, value, by string) *soc.Problem {
	return &soc.Problem{Status: 409, Code: "exists", Detail: field + " " + value + " already belongs to " + by + ".",
		Do:     "Choose another or change " + by + ".",
		Values: map[string]string{"field": field, "value": value, "by": by}}
}

// wrong collects what is wrong with an object: field → stable reason (required, unknown, retired, too_long, not_address, not_zone, range).
type wrong map[string]string

func (w wrong) problem() error {
	if len(w) == 0 {
		return nil
	}
	fields := make([]string, 0, len(w))
	for f := range w {
		fields = append(fields, f)
	}
	sort.Strings(fields)
	var b strings.Builder
	for i, f := range fields {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(f + " (" + w[f] + ")")
	}
	return &soc.Problem{Status: 422, Code: "invalid", Detail: "Not accepted: " + b.String() + ".",
		Do: "Correct the fields named and save again.", Values: w}
}

func (w wrong) text(field, value string, limit int) {
	switch {
	case strings.TrimSpace(value) == "":
		w[field] = "required"
	case len([]rune(value)) > limit:
		w[field] = "too_long"
	}
}

func (w wrong) oneOf(field, value string, known ...string) {
	for _, k := range known {
		if value == k {
			return
		}
	}
	w[field] = "unknown"
}

// unit notes one that is not there or in use no longer.
func (w wrong) unit(field string, u *soc.Unit) {
	switch {
	case u == nil:
		w[field] = "unknown"
	case u.Retired != 0:
		w[field] = "retired"
	}
}

// system notes one that is not there or in use no longer.
func (w wrong) system(v *soc.System) {
	switch {
	case v == nil:
		w["system"] = "unknown"
	case v.Retired != 0:
		w["system"] = "retired"
	}
}
