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
	"fmt"
	"os"
	"strings"
	"sync"

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

// Both is a problem in both languages, by their codes; nil of none.
func Both(p *wording.Problem) map[string]string {
	if p == nil {
		return nil
	}
	return map[string]string{"vi": p.Say(inVietnamese), "en": p.String()}
}
