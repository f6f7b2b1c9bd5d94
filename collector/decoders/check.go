package decoders

import (
	"errors"
	"fmt"
	"time"

	"hoalu/ecs"
	"hoalu/internal/wording"
)

// checkTime is the receipt of test lines.
var checkTime = time.Date(2026, 3, 2, 3, 0, 0, 0, time.UTC)

// check runs the test lines of a definition, told what they are and, where the definition detects, not told. Every difference is
// named.
func (s *Set) check(def *definition) error {
	d := s.Decoder()
	var errs []error
	for i, c := range def.Tests {
		for _, dataset := range []string{def.Dataset, ""} {
			if dataset == "" && len(def.Detect) == 0 && len(def.Programs) == 0 || dataset != "" && len(def.Programs) > 0 {
				continue
			}
			told := wording.Word("told what it is")
			if dataset == "" {
				told = wording.Word("not told what it is")
			}
			e, err := d.Decode(dataset, []byte(c.Raw), checkTime, nil)
			if err != nil {
				errs = append(errs, wording.New("decoder %s: test %d, %s: %s", def.file, i+1, told, err))
				continue
			}
			if got := e.Text(ecs.EventDataset); got != def.Dataset && len(def.Programs) == 0 {
				errs = append(errs, wording.New("decoder %s: test %d, %s, becomes event.dataset %q: %s", def.file, i+1, told, got, c.Raw))
			}
			for _, f := range sortedKeys(c.Want) {
				want := wanted(c.Want[f])
				if got := e.Text(ecs.Intern(f)); got != want {
					errs = append(errs, wording.New("decoder %s: test %d, %s: %s = %q, want %q, in %s", def.file, i+1, told, f, got, want,
						c.Raw))
				}
			}
		}
	}
	return errors.Join(errs...)
}

// wanted writes a value of a test as an event would hold it.
func wanted(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case time.Time:
		return ecs.FormatTime(v.UnixMilli())
	}
	return fmt.Sprint(v)
}
