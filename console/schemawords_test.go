package console

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"

	"hoalu/soc"
)

// TestWrongInputsAreWorded: what does not fit the schema of an input is said in words of both languages, and what was sent is not repeated.
func TestWrongInputsAreWorded(t *testing.T) {
	for _, said := range []string{validation.MsgUnexpectedProperty, validation.MsgExpectedRFC3339DateTime, validation.MsgExpectedRFC3339Date,
		validation.MsgExpectedBoolean, validation.MsgExpectedNumber, validation.MsgExpectedInteger, validation.MsgExpectedString,
		validation.MsgExpectedArray, validation.MsgExpectedObject, validation.MsgExpectedArrayItemsUnique,
		fmt.Sprintf(validation.MsgExpectedOneOf, "a, b"), fmt.Sprintf(validation.MsgExpectedMinimumNumber, 7),
		fmt.Sprintf(validation.MsgExpectedExclusiveMinimumNumber, 7), fmt.Sprintf(validation.MsgExpectedMaximumNumber, 7),
		fmt.Sprintf(validation.MsgExpectedExclusiveMaximumNumber, 7), fmt.Sprintf(validation.MsgExpectedMinLength, 7),
		fmt.Sprintf(validation.MsgExpectedMaxLength, 7), fmt.Sprintf(validation.MsgExpectedBePattern, "x"),
		fmt.Sprintf(validation.MsgExpectedMatchPattern, "x"), fmt.Sprintf(validation.MsgExpectedMinItems, 7),
		fmt.Sprintf(validation.MsgExpectedMaxItems, 7), fmt.Sprintf(validation.MsgExpectedRequiredProperty, "x"),
		fmt.Sprintf(validation.MsgExpectedDependentRequiredProperty, "x", "y"), "required query parameter is missing", "invalid integer",
		"invalid boolean", "request body is required"} {
		vi, en := schemaText("vi", said), schemaText("en", said)
		if vi == word("vi", "schema.wrong") || vi == en || strings.Contains(vi+en, "{") || strings.Contains(said, "7") && !strings.Contains(vi, "7") {
			t.Errorf("%q is %q and %q", said, vi, en)
		}
	}
	if got := schemaText("en", `strconv.ParseInt: parsing "037095001234"`); strings.Contains(got, "0370") {
		t.Errorf("what was sent is repeated: %q", got)
	}
	p := inputProblem(nil, http.StatusUnprocessableEntity, "x", &huma.ErrorDetail{Location: "body.login", Message: "expected string"},
		fmt.Errorf("malformed chunked encoding")).(*Problem)
	if len(p.Fields) != 2 || p.Fields[0].Name != "login" || p.Fields[0].Detail != "phải là chữ" || p.Fields[1].Detail != word("vi", "schema.broken") {
		t.Errorf("fields: %+v", p.Fields)
	}
}

// TestNoInputIsRefusedInEnglish: every operation that takes a body is sent one of a wrong kind, and tells a Vietnamese so.
func TestNoInputIsRefusedInEnglish(t *testing.T) {
	b := newBench(t, everything())
	w := b.as("", soc.Administrator, soc.Lead)
	english := regexp.MustCompile(`\b(?:expected|invalid|required|must|string|property)\b`)
	refused := 0
	for _, op := range b.listed() {
		if op.Method == get || op.Method == del || op.ID == "logout" {
			continue
		}
		path := regexp.MustCompile(`\{[a-z]+\}`).ReplaceAllString(op.Path, "x")
		status, raw := w.do(op.Method, path, map[string]any{"strange": []int{1}})
		if status != http.StatusUnprocessableEntity && status != http.StatusBadRequest {
			continue
		}
		refused++
		if english.Match(raw) {
			t.Errorf("%s: %s", op.ID, raw)
		}
	}
	if refused < 10 {
		t.Errorf("only %d operations refused it", refused)
	}
}

// TestWrongInputIsAnsweredShortly: what is wrong with a body is told for its first places only, whatever a sender puts into it.
func TestWrongInputIsAnsweredShortly(t *testing.T) {
	var errs []error
	for i := range 5000 {
		errs = append(errs, &huma.ErrorDetail{Location: "body." + strconv.Itoa(i) + strings.Repeat("é", 5000), Message: "unexpected property"})
	}
	p := inputProblem(nil, http.StatusUnprocessableEntity, "x", errs...).(*Problem)
	b, err := json.Marshal(p)
	if err != nil || len(b) > 16<<10 || len(p.Fields) != 20 || p.Values["more"] != "4980" {
		t.Errorf("%d bytes, %d places and %q more: %v", len(b), len(p.Fields), p.Values["more"], err)
	}
}
