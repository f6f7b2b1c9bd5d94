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

func inUse(id string, values map[string]string) *soc.Problem {
	values["id"] = id
	return &soc.Problem{Status: 409, Code: "in_use", Detail: id + " is still in use.", Do: "Move or delete what belongs to it first.", Values: values}
}

func exists(field, value, by string) *soc.Problem {
	return &soc.Problem{Status: 409, Code: "exists", Detail: field + " " + value + " already belongs to " + by + ".", Do: "Choose another or change " + by + ".",
		Values: map[string]string{"field": field, "value": value, "by": by}}
}

// wrong collects what is wrong with an object: field → stable reason (required, unknown, too_long, not_address, not_zone, range).
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
	return &soc.Problem{Status: 422, Code: "invalid", Detail: "Not accepted: " + b.String() + ".", Do: "Correct the fields named and save again.", Values: w}
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
