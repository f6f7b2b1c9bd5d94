package console

import "regexp"

// schemaWords are what the check of an input against its schema says, with the code of its text; the group of the pattern is {value}.
var schemaWords = []struct {
	said *regexp.Regexp
	code string
}{
	{regexp.MustCompile(`^unexpected property$`), "unknown"},
	{regexp.MustCompile(`^expected required property (\S+) to be present$`), "missing"},
	{regexp.MustCompile(`^expected property (\S+) to be present when \S+ is present$`), "missing_with"},
	{regexp.MustCompile(`^required \w+ parameter is missing$`), "required"},
	{regexp.MustCompile(`^request body is required$`), "body"},
	{regexp.MustCompile(`^(?:expected|invalid) bool(?:ean)?$`), "boolean"},
	{regexp.MustCompile(`^(?:expected|invalid) integer$`), "integer"},
	{regexp.MustCompile(`^(?:expected number|invalid float\w*)$`), "number"},
	{regexp.MustCompile(`^expected string$`), "string"},
	{regexp.MustCompile(`^expected array$`), "array"},
	{regexp.MustCompile(`^expected object$`), "object"},
	{regexp.MustCompile(`^expected array items to be unique$`), "unique"},
	{regexp.MustCompile(`^expected value to be one of "(.*)"$`), "one_of"},
	{regexp.MustCompile(`^expected number >= (\S+)$`), "least"},
	{regexp.MustCompile(`^expected number > (\S+)$`), "above"},
	{regexp.MustCompile(`^expected number <= (\S+)$`), "most"},
	{regexp.MustCompile(`^expected number < (\S+)$`), "below"},
	{regexp.MustCompile(`^expected length >= (\d+)$`), "shortest"},
	{regexp.MustCompile(`^expected length <= (\d+)$`), "longest"},
	{regexp.MustCompile(`^expected array length >= (\d+)$`), "fewest"},
	{regexp.MustCompile(`^expected array length <= (\d+)$`), "many"},
	{regexp.MustCompile(`^(?:expected string to be RFC 3339 date-time|invalid date/time.*)$`), "time"},
	{regexp.MustCompile(`^expected string to be RFC 3339 date$`), "day"},
	{regexp.MustCompile(`^expected string to (?:be|match) .*$`), "form"},
}

// schemaText words what the check of an input said of a field. What has no words is that the field is wrong: it may repeat what was sent.
func schemaText(lang, said string) string {
	for _, w := range schemaWords {
		if m := w.said.FindStringSubmatch(said); m != nil {
			values := map[string]string{}
			if len(m) > 1 {
				values["value"] = m[1]
			}
			t, _ := text(lang, "schema."+w.code, values)
			return t
		}
	}
	return word(lang, "schema.wrong")
}
