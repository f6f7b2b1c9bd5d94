// Package lang words what the command line says in the language of the person who runs it: Vietnamese where the locale says so, else
// English; and what the console shows of the problems that parts find, in both.
//
// Words: a text is an English sentence or format as it stands in the code; vi.yml gives its Vietnamese, with the same verbs in the same
// order. A text without a translation stays English; a test of cmd/hoalu fails for each.
//
// Contract: Use is called once, before anything is said; T is safe for concurrent use.
package lang

import (
	_ "embed"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.yaml.in/yaml/v3"

	"hoalu/internal/wording"
)

//go:embed vi.yml
var viText []byte

// Texts are the Vietnamese of all texts, by the English.
var Texts = sync.OnceValue(func() map[string]string {
	out := map[string]string{}
	if err := yaml.Unmarshal(viText, &out); err != nil {
		panic(fmt.Sprintf("lang: vi.yml: %v", err)) // embedded at build; a test reads it
	}
	return out
})

var vietnamese bool

// Use sets the language: "vi", "en", or "" for that of the environment.
func Use(asked string) { vietnamese = Vietnamese(asked) }

// Vietnamese is whether a language that was asked for, else the environment's (LC_ALL, LC_MESSAGES, LANG: the first that is set), is
// Vietnamese.
func Vietnamese(asked string) bool {
	for _, l := range []string{asked, os.Getenv("LC_ALL"), os.Getenv("LC_MESSAGES"), os.Getenv("LANG")} {
		if l != "" {
			return strings.HasPrefix(l, "vi")
		}
	}
	return false
}

// Code is "vi" or "en".
func Code() string {
	if vietnamese {
		return "vi"
	}
	return "en"
}

// T is a text in the language in use.
func T(english string) string {
	if vietnamese {
		return inVietnamese(english)
	}
	return english
}

func inVietnamese(english string) string {
	if vi, ok := Texts()[english]; ok {
		return vi
	}
	return english
}

// BothOf is what is wrong in both languages, by their codes, one sentence after the other where an error joins several; nil of none.
func BothOf(err error) map[string]string {
	if err == nil {
		return nil
	}
	if own, ok := errors.AsType[interface {
		error
		Both() map[string]string
	}](err); ok {
		return own.Both()
	}
	said := func(translate func(string) string) string {
		return strings.Join(wording.Sentences(err, translate), "; ")
	}
	return map[string]string{"vi": said(inVietnamese), "en": said(func(english string) string { return english })}
}

// Both is a problem in both languages, by their codes; nil of none.
func Both(p *wording.Problem) map[string]string {
	if p == nil {
		return nil
	}
	return map[string]string{"vi": p.Say(inVietnamese), "en": p.String()}
}

// Decimal is v with one digit behind the point at most (a comma in Vietnamese): 30, 0.3, 0,3.
func Decimal(v float64) string {
	s := strings.TrimSuffix(strconv.FormatFloat(v, 'f', 1, 64), ".0")
	if vietnamese {
		s = strings.Replace(s, ".", ",", 1)
	}
	return s
}

// spans are the units of a Span, the longest first, in English and Vietnamese.
var spans = []struct {
	unit   time.Duration
	en, vi string
}{{24 * time.Hour, "d", "ngày"}, {time.Hour, "h", "giờ"}, {time.Minute, "min", "phút"}, {time.Second, "s", "giây"}}

// Span is a length of time in its two longest units, cut to whole seconds: 2 h 5 min, 2 giờ 5 phút.
func Span(d time.Duration) string {
	var parts []string
	for _, u := range spans {
		n := d / u.unit
		d %= u.unit
		if n != 0 || u.unit == time.Second && len(parts) == 0 {
			name := u.en
			if vietnamese {
				name = u.vi
			}
			parts = append(parts, fmt.Sprintf("%d %s", n, name))
		}
		if len(parts) == 2 {
			break
		}
	}
	return strings.Join(parts, " ")
}
