package console

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"

	"hoalu/soc"
	"hoalu/state"
)

func wrongField(code, name string) error {
	p := &soc.Problem{Status: http.StatusUnprocessableEntity, Code: code, Detail: "Not understood.", Values: map[string]string{"field": name}}
	return fieldsError{p, []ProblemField{{Name: name, Detail: code}}}
}

// page cuts a sorted list after the row whose key is after; next is the cursor of the rest.
func page[T any](rows []T, key func(T) string, after string, limit int) (out []T, next string, err error) {
	from := 0
	if after != "" {
		i := slices.IndexFunc(rows, func(r T) bool { return key(r) == after })
		if i < 0 {
			return nil, "", wrongField("cursor_ended", "after")
		}
		from = i + 1
	}
	to := min(len(rows), from+limit)
	out = rows[from:to:to]
	if to < len(rows) && to > from {
		next = key(rows[to-1])
	}
	return out, next, nil
}

// matches reports whether every word of q stands in one of texts.
func matches(q string, texts ...string) bool {
	if q == "" {
		return true
	}
	all := state.Fold(strings.Join(texts, "\n"))
	for w := range strings.FieldsSeq(state.Fold(q)) {
		if !strings.Contains(all, w) {
			return false
		}
	}
	return true
}

// byName compares names as Vietnamese sorts them. A collator is not safe for concurrent use, so each sort makes its own.
func byName() func(a, b string) int {
	col := collate.New(language.Vietnamese)
	return col.CompareString
}

// sign turns a comparison round for descending order.
func sign(descending bool, n int) int {
	if descending {
		return -n
	}
	return n
}

// sorting splits "-name" into its key and direction.
func sorting(s string) (key string, descending bool) {
	key, descending = strings.CutPrefix(s, "-")
	return key, descending
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// midnight is the start of the day of ms in Vietnam.
func midnight(ms int64) int64 {
	t := time.UnixMilli(ms).In(soc.Zone)
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, soc.Zone).UnixMilli()
}

func one(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// byNumber sorts numbers people say aloud: TS-999 before TS-1000.
func byNumber(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) }
