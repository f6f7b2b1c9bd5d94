package console

import (
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"strconv"
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
		pairs := make([]string, 0, 2*len(values)+2)
		if ms, err := strconv.ParseInt(values["offset_ms"], 10, 64); err == nil {
			pairs = append(pairs, "{offset}", spanWords(lang, ms))
		}
		for k, v := range values {
			pairs = append(pairs, "{"+k+"}", v)
		}
		t = strings.NewReplacer(pairs...).Replace(t)
	}
	return t, true
}

// spanWords says how long ms milliseconds are, without their sign (the sentence says which way), in the largest unit that is not below
// two: 119 phút, 2 giờ, 7 ngày.
func spanWords(lang string, ms int64) string {
	n, unit := max(ms, -ms), 0
	units := map[string][]string{"vi": {"ms", "giây", "phút", "giờ", "ngày"}, "en": {"ms", "s", "min", "h", "days"}}[lang]
	for _, per := range []int64{1000, 60, 60, 24} {
		if n < 2*per {
			break
		}
		n, unit = n/per, unit+1
	}
	return strconv.FormatInt(n, 10) + " " + units[unit]
}

// reasonText words a reason or a step: values that are codes are worded too, and one that an old interval does not have is a dash.
func reasonText(lang, key string, values map[string]string) (string, bool) {
	v := maps.Clone(values)
	if kinds := v["kinds"]; kinds != "" {
		list := strings.Split(kinds, ", ")
		for i, k := range list {
			list[i] = word(lang, "kind."+k)
		}
		v["kinds"] = strings.Join(list, ", ")
	}
	if d := v["dossier"]; d != "" {
		v["dossier"] = word(lang, "dossierState."+d)
	}
	if e := v["evidence"]; e != "" {
		if t := evidenceTitle(e); t != nil {
			v["evidence"] = "“" + t[lang] + "”"
		}
	}
	t, ok := text(lang, key, v)
	return hole.ReplaceAllString(t, "–"), ok
}

var hole = regexp.MustCompile(`\{[a-z_]+\}`)

// evidenceTitle names evidence that is no source; nil for a source, which has a number and a name.
func evidenceTitle(id string) Text {
	if kind, ok := strings.CutPrefix(id, "kind:"); ok {
		out := Text{}
		for lang := range locales {
			out[lang], _ = text(lang, "evidence.kind", map[string]string{"kinds": word(lang, "kind."+kind)})
		}
		return out
	}
	if _, ok := locales["vi"]["evidence."+id]; !ok {
		return nil
	}
	return both("evidence."+id, nil, id)
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
