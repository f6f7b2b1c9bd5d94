package console

import (
	"embed"
	"encoding/json"
	"fmt"
	"strings"
)

//go:embed locales_vi.json locales_en.json
var localeFiles embed.FS

// locales holds the texts the server words itself: problems, reasons of findings, causes of silence. Placeholders are {name}.
var locales = func() map[string]map[string]string {
	out := map[string]map[string]string{}
	for _, lang := range []string{"vi", "en"} {
		raw, err := localeFiles.ReadFile("locales_" + lang + ".json")
		if err != nil {
			panic(fmt.Sprintf("locales: %v", err)) // embedded at build
		}
		m := map[string]string{}
		if err := json.Unmarshal(raw, &m); err != nil {
			panic(fmt.Sprintf("locales_%s.json: %v", lang, err))
		}
		out[lang] = m
	}
	return out
}()

// text words a key; false when it has no text.
func text(lang, key string, values map[string]string) (string, bool) {
	t, ok := locales[lang][key]
	if !ok {
		return "", false
	}
	if strings.Contains(t, "{") {
		pairs := make([]string, 0, 2*len(values))
		for k, v := range values {
			pairs = append(pairs, "{"+k+"}", v)
		}
		t = strings.NewReplacer(pairs...).Replace(t)
	}
	return t, true
}

// word is text without values; the key's last part where there is none.
func word(lang, key string) string {
	if t, ok := text(lang, key, nil); ok {
		return t
	}
	return key[strings.LastIndex(key, ".")+1:]
}

// both words a key in both languages; fallback where it has no text: a text for both, or one that is worded already.
func both[F string | Text](key string, values map[string]string, fallback F) Text {
	out := Text{}
	for _, lang := range []string{"vi", "en"} {
		t, ok := text(lang, key, values)
		if !ok {
			switch f := any(fallback).(type) {
			case string:
				t = f
			case Text:
				t = f[lang]
			}
		}
		out[lang] = t
	}
	return out
}
