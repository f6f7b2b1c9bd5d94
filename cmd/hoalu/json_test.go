package main

import (
	"reflect"
	"regexp"
	"strings"
	"testing"

	"hoalu/compliance/evidence"
	"hoalu/console"
	"hoalu/internal/app"
	"hoalu/national"
)

// TestJSONKeys: what --json prints is keyed in snake_case, all of it: a field without a key of its own would stand there as Go has it.
func TestJSONKeys(t *testing.T) {
	good := regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	seen := 0
	walked := map[reflect.Type]bool{} // a type may hold itself
	var walk func(where string, x reflect.Type)
	walk = func(where string, x reflect.Type) {
		switch x.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
			walk(where+"[]", x.Elem())
		case reflect.Struct:
			if walked[x] {
				return
			}
			walked[x] = true
			for f := range x.Fields() {
				key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
				if key == "-" || !f.IsExported() {
					continue
				}
				if f.Anonymous && key == "" {
					walk(where, f.Type)
					continue
				}
				seen++
				if !good.MatchString(key) {
					t.Errorf("%s.%s has the key %q", where, f.Name, key)
				}
				walk(where+"."+f.Name, f.Type)
			}
		}
	}
	for _, v := range []any{app.Demo{}, console.QuarantinePage{}, evidence.Verdict{}, national.Summary{}, national.Reconciliation{}} {
		walk(reflect.TypeOf(v).String(), reflect.TypeOf(v))
	}
	if seen < 40 {
		t.Errorf("only %d keys seen", seen)
	}
}
