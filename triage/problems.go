package triage

import (
	"strconv"

	"hoalu/soc"
)

// Codes of the problems that triage answers; the console words them.
const (
	CodeNotFound     = "not_found"            // 404: absent or out of scope
	CodeConflict     = "conflict"             // 409 by, at, version: somebody did something since the person read it
	CodeAcknowledged = "already_acknowledged" // 409 by, at: another holds it; ask to take over
	CodeClosed       = "already_closed"       // 409 by, at, reason
	CodeNotClosed    = "not_closed"           // 409: only a closed alert is reopened
	CodeReason       = "unknown_reason"       // 422
	CodeNote         = "note_required"        // 422: critical, inconclusive, or an empty note
	CodeLong         = "too_long"             // 422 limit
	CodeHolder       = "holder_required"      // 422
	CodeMany         = "too_many"             // 422 limit
	CodeNothing      = "nothing_chosen"       // 422
	CodeUndo         = "undo_expired"         // 410
	CodeSort         = "unknown_sort"         // 422
	CodeCursor       = "bad_cursor"           // 422
	CodeGroup        = "unknown_group"        // 422
)

const (
	maxNote = 4000
	maxRefs = 1000
)

func notFound(id string) *soc.Problem {
	return &soc.Problem{Status: 404, Code: CodeNotFound, Detail: id + " not found.", Do: "It may be mistyped or outside your scope.",
		Values: map[string]string{"id": id}}
}

func refuse(code, detail, do string, values ...string) *soc.Problem {
	p := &soc.Problem{Status: 422, Code: code, Detail: detail, Do: do, Values: map[string]string{}}
	for i := 0; i+1 < len(values); i += 2 {
		p.Values[values[i]] = values[i+1]
	}
	return p
}

func clash(code, detail, do, by string, at int64, values ...string) *soc.Problem {
	p := refuse(code, detail, do, values...)
	p.Status = 409
	p.Values["by"], p.Values["at"] = by, strconv.FormatInt(at, 10)
	return p
}
