package privacy

import (
	"strings"
	"unicode/utf8"
)

// Secrets known by their own form, by a flag, an element or a word of a sentence.

// dashed is a private key, a known prefix that ends with a dash, or a flag with its value as the next word.
func dashed(dst []span, s string, i int) []span {
	if strings.HasPrefix(s[i:], `-data; name="`) {
		return formPart(dst, s, i)
	}
	if strings.HasPrefix(s[i:], "-> ") { // "password -> secret"
		if kind := keyOf(word(strings.TrimRight(s[:i], " "))); kind != "" && kind != "cookie" && kind != "authorization" {
			start, end, _ := value(s, i+len("-> "))
			dst = append(dst, span{start, end, kind})
		}
		return dst
	}
	if strings.HasPrefix(s[i:], "-----BEGIN ") {
		head := strings.Index(s[i:min(len(s), i+64)], "PRIVATE KEY")
		if head < 0 {
			return dst
		}
		start := i + head + len("PRIVATE KEY")
		k := strings.Index(s[start:min(len(s), start+16)], "-----") // behind " BLOCK" of PGP
		if k < 0 {
			return dst
		}
		start += k + len("-----")
		end := len(s)
		if k := strings.Index(s[start:], "-----END"); k >= 0 {
			end = start + k
		}
		return append(dst, span{start, end, "private-key"})
	}
	if i > 0 && s[i-1] != ' ' && s[i-1] != '"' && s[i-1] != '\'' && s[i-1] != ',' && s[i-1] != '\t' {
		return prefixed(dst, s, i, hyphened[:], 16)
	}
	j := i
	for j < len(s) && s[j] == '-' {
		j++
	}
	name := j
	for j < len(s) && (letter(s[j]) || digit(s[j]) || s[j] == '-') {
		j++
	}
	flag := s[name:j]
	if flag == "" {
		return dst
	}
	if kind := keyOf(flag); kind == "" || kind == "cookie" || kind == "authorization" {
		return flagged(dst, s, name, j)
	} else if found := flagged(dst, s, name, j); name == i+1 && len(found) > len(dst) { // "mysql -pmatkhau1"
		return found
	}
	v := j
	for v < len(s) && v-j < 4 && (s[v] == '"' || s[v] == '\'' || s[v] == ',' || s[v] == ' ') {
		v++
	}
	if v == j || v >= len(s) || s[v] == '-' {
		return dst
	}
	if k := auditArgument(s, v); k > v {
		v = k
	} else if s[v-1] == '"' || s[v-1] == '\'' {
		v--
	}
	start, end, _ := value(s, v)
	return append(dst, span{start, end, keyOf(flag)})
}

// Known prefixes of tokens, by the byte they end with.
var (
	underscored = [...]string{"ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "hlt1_", "sk_live_", "rk_live_", "npm_", "dop_v1_",
		"shpat_", "shpca_", "dckr_pat_", "whsec_", "sk_test_", "rk_test_", "lin_api_", "gsk_", "hf_"}
	pointed  = [...]string{"hvs.", "hvb.", "ya29."}
	hyphened = [...]string{"sk-", "xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "glpat-", "glrt-", "xapp-", "pypi-", "NRAK-",
		"AGE-SECRET-KEY-"}
)

func tokenByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || digit(c) || c == '_' || c == '-'
}

// prefixed is what follows a known prefix that ends at i.
func prefixed(dst []span, s string, i int, prefixes []string, least int) []span {
	for _, p := range prefixes {
		from := i + 1 - len(p)
		if from < 0 || s[from:i+1] != p || from > 0 && tokenByte(s[from-1]) {
			continue
		}
		end := i + 1
		for end < len(s) && tokenByte(s[end]) {
			end++
		}
		if p == "hf_" && (end-i-1 < 34 || strings.IndexByte(s[i+1:end], '_') >= 0) { // a name in a program
			continue
		}
		if end-i-1 >= least {
			return append(dst, span{i + 1, end, strings.TrimRight(p, "_-.")})
		}
	}
	return dst
}

// crypted is the hash of a password as Unix keeps it: $6$salt$…, $2y$10$…, $y$…, $argon2id$…; i is its first sign.
func crypted(dst []span, s string, i int) []span {
	name, _, ok := strings.Cut(s[i+1:min(len(s), i+12)], "$")
	switch name {
	case "1", "5", "6", "7", "y", "2a", "2b", "2y", "apr1", "argon2i", "argon2id":
	default:
		return dst
	}
	if !ok || i > 0 && tokenByte(s[i-1]) {
		return dst
	}
	start := i + len(name) + 2
	end := start
	for end < len(s) && (letter(s[end]) && s[end] < utf8.RuneSelf || digit(s[end]) || strings.IndexByte("./$=,+-", s[end]) >= 0) {
		end++
	}
	if end-start < 20 || !strings.ContainsRune(s[start:end], '$') {
		return dst
	}
	return append(dst, span{start, end, "password-hash"})
}

// hashName says whether a text ends with "{SSHA" or another scheme of LDAP's userPassword.
func hashName(s string) bool {
	s = s[max(0, len(s)-9):]
	switch strings.ToUpper(s[strings.LastIndexByte(s, '{')+1:]) {
	case "SHA", "SSHA", "MD5", "SMD5", "CRYPT", "SHA256", "SSHA256", "SHA512", "SSHA512":
		return strings.IndexByte(s, '{') >= 0
	}
	return false
}

// braced is what follows "{SSHA}".
func braced(dst []span, s string, i int) []span {
	end := i + 1
	for end < len(s) && (letter(s[end]) && s[end] < utf8.RuneSelf || digit(s[end]) || strings.IndexByte("./$=+", s[end]) >= 0) {
		end++
	}
	if end-i < 14 {
		return dst
	}
	return append(dst, span{i + 1, end, "password-hash"})
}

// dotted is a token behind a prefix that ends with a dot: hvs.… of Vault, ya29.… of Google, SG.… .… of SendGrid.
func dotted(dst []span, s string, i int) []span {
	if strings.HasPrefix(s[i:], ".com/services/") {
		return webhook(dst, s, i+len(".com/services/"))
	}
	if strings.HasSuffix(s[:i], "SG") && (i < 3 || !tokenByte(s[i-3])) {
		end, dots := i+1, 0
		for end < len(s) && (tokenByte(s[end]) || s[end] == '.') {
			if s[end] == '.' {
				dots++
			}
			end++
		}
		if dots == 1 && end-i > 48 {
			return append(dst, span{i + 1, end, "api-key"})
		}
		return dst
	}
	return prefixed(dst, s, i, pointed[:], 20)
}

// webhook is the last part of hooks.slack.com/services/T…/B…/…: i is behind services.
func webhook(dst []span, s string, i int) []span {
	if !strings.HasSuffix(s[:i], "hooks.slack.com/services/") {
		return dst
	}
	end, start := i, i
	for end < len(s) && (tokenByte(s[end]) || s[end] == '/') {
		if s[end] == '/' {
			start = end + 1
		}
		end++
	}
	if end-start < 16 {
		return dst
	}
	return append(dst, span{start, end, "token"})
}

// amazon is an access key of AWS, or a key of Google: AKIA…, ASIA…, AIza….
func amazon(dst []span, s string, i int) []span {
	start, n := 0, 0
	switch {
	case i >= 2 && i+1 < len(s) && s[i+1] == 'A' && s[i-2] == 'A' && (s[i-1] == 'K' || s[i-1] == 'S') && (i < 3 || !tokenByte(s[i-3])):
		start, n = i+2, 16
	case i >= 1 && strings.HasPrefix(s[i-1:], "AIza") && (i < 2 || !tokenByte(s[i-2])):
		start, n = i+3, 30
	default:
		return dst
	}
	end := start
	for end < len(s) && tokenByte(s[end]) {
		end++
	}
	if end-start == n || n == 30 && end-start > n {
		dst = append(dst, span{start, end, "api-key"})
	}
	return dst
}

// webToken is a JSON web token: eyJ… . … . …
func webToken(dst []span, s string, i int) []span {
	if i < 2 || s[i-1] != 'y' || s[i-2] != 'e' || i > 2 && tokenByte(s[i-3]) {
		return dst
	}
	end, dots := i, 0
	for end < len(s) && (tokenByte(s[end]) || s[end] == '.') {
		if s[end] == '.' {
			dots++
		}
		end++
	}
	if dots >= 1 && end-i > 24 {
		dst = append(dst, span{i + 1, end, "jwt"})
	}
	return dst
}

// scheme is "Bearer …" or "Basic …" without the name of its header.
func scheme(dst []span, s string, i int) []span {
	for _, p := range [...]string{"Bearer ", "Basic "} {
		if !strings.HasPrefix(s[i:], p) {
			continue
		}
		start := i + len(p)
		end := start
		for end < len(s) && (tokenByte(s[end]) || s[end] == '.' || s[end] == '=' || s[end] == '+' || s[end] == '/' || s[end] == '~') {
			end++
		}
		if end-start >= 12 && mixed(s[start:end]) {
			return append(dst, span{start, end, strings.ToLower(strings.TrimSpace(p))})
		}
	}
	return dst
}

// quoted is SQL's PASSWORD '…', PASSWORD('…') and SET PASSWORD FOR an = '…'.
func quoted(dst []span, s string, i int) []span {
	j := i
	for j > 0 && i-j < 3 && (s[j-1] == ' ' || s[j-1] == '(') {
		j--
	}
	if j == i || j == 0 {
		return dst
	}
	kind := "password"
	switch name := strings.ToLower(word(s[:j])); {
	case s[j-1] == '=':
		if head := strings.TrimRight(s[max(0, j-64):j-1], " "); strings.HasSuffix(head, ")") { // WHERE (password) = ('secret')
			kind = keyOf(word(strings.TrimRight(head, ") ")))
			break
		}
		before := strings.ToLower(s[max(0, j-100):j]) // SET PASSWORD FOR 'an' = 'secret'
		if k := strings.LastIndex(before, "set password for "); k < 0 || strings.ContainsAny(before[k:], ";\n") {
			return dst
		}
	case name == "like" || name == "in": // WHERE password LIKE 'secret%'
		kind = keyOf(word(strings.TrimRight(s[:j-len(name)], " ")))
	case name == "crypt":
		if s[i-1] != '(' {
			return dst
		}
	case name == "aes_encrypt" || name == "aes_decrypt" || name == "pgp_sym_encrypt" || name == "pgp_sym_decrypt":
		if i = secondArgument(s, i); i < 0 {
			return dst
		}
	case name != "password":
		return dst
	}
	if kind == "" {
		return dst
	}
	start, end, _ := value(s, i)
	if strings.HasSuffix(s[start:end], "%") { // of LIKE
		end--
	}
	return append(dst, span{start, end, kind})
}

// secondArgument is where the second argument of a function begins whose first one is the text in quotes at i; -1: it is no text.
func secondArgument(s string, i int) int {
	_, end, _ := value(s, i)
	if !strings.HasPrefix(s[end:], "'") {
		return -1
	}
	for end++; end < len(s) && (s[end] == ',' || s[end] == ' '); {
		end++
	}
	if !strings.HasPrefix(s[end:], "'") {
		return -1
	}
	return end
}

// dataMost is how many bytes of <![CDATA[…]]> are looked at: its end may be far, and be sought again from the next one.
const dataMost = 4096

// element is <password>…</password>, <wsse:Password Type="…">…</wsse:Password> and <Data Name="Password">…</Data>.
func element(dst []span, s string, i int) []span {
	open := strings.LastIndexByte(s[max(0, i-reach):i], '<')
	if open < 0 {
		return dst
	}
	open += max(0, i-reach)
	tag := s[open+1 : i]
	name, attributes, _ := strings.Cut(tag, " ")
	kind := keyOf(name[strings.LastIndexByte(name, ':')+1:])
	if kind == "" {
		for _, quote := range [...]string{`"`, `'`} {
			if rest := strings.TrimSuffix(attributes, quote); rest != attributes {
				kind = keyOf(rest[strings.LastIndex(rest, quote)+1:])
			}
		}
	}
	if kind == "" {
		return dst
	}
	if start := i + 1 + len("<![CDATA["); strings.HasPrefix(s[i+1:], "<![CDATA[") {
		most := min(len(s), start+dataMost)
		end := strings.Index(s[start:most], "]]>")
		if end < 0 {
			end = most - start
		}
		return append(dst, span{start, start + end, kind})
	}
	end := strings.IndexByte(s[i+1:], '<')
	if end < 0 {
		return dst
	}
	return append(dst, span{i + 1, i + 1 + end, kind})
}

// otp is the code beside the word OTP, which ends at i: "251678 la ma OTP", or behind it.
func otp(dst []span, s string, i int) []span {
	for _, w := range [...]string{" la ma OTP", " là mã OTP"} {
		if strings.HasSuffix(s[:i], w) {
			if found := codeBefore(dst, s, i-len(w)); len(found) > len(dst) {
				return found
			}
		}
	}
	return oneTime(dst, s, i)
}

// oneTime is the code that follows "OTP" within a short sentence, in one piece or in groups of the same length ("30 41 92").
func oneTime(dst []span, s string, i int) []span {
	if i < len(s) && (s[i] == '=' || letter(s[i]) && s[i] < utf8.RuneSelf || s[i] == '"') {
		return dst // a longer word, or a key: its value is found there
	}
	for j := i; j < len(s) && j < i+60; j++ {
		if !digit(s[j]) {
			continue
		}
		end := j
		for end < len(s) && digit(s[end]) {
			end++
		}
		n, size := end-j, end-j
		for size >= 2 && size <= 4 && end+size < len(s) && s[end] == ' ' && allDigits(s[end+1:end+1+size]) &&
			(end+1+size == len(s) || !digit(s[end+1+size])) {
			n, end = n+size, end+1+size
		}
		if n >= 4 && n <= 8 && (end == len(s) || !letter(s[end]) && s[end] != '-' && s[end] != ':') && s[j-1] != '-' && s[j-1] != ':' {
			return append(dst, span{j, end, "otp"})
		}
		j = end
	}
	return dst
}

func allDigits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// codeNamed is the code beside words for one, which stand from i to end: before them ("482913 là mã …") or behind.
func codeNamed(dst []span, s string, i, end int) []span {
	for _, w := range [...]string{" là mã ", " la ma ", " LA MA "} {
		if strings.HasSuffix(s[:i], w) {
			if found := codeBefore(dst, s, i-len(w)); len(found) > len(dst) {
				return found
			}
		}
	}
	return oneTime(dst, s, min(len(s), end))
}

// code is "mã xác thực … 123456", "mã OTP …", "mã PIN …".
func code(dst []span, s string, i int) []span {
	rest := strings.ToLower(s[i:min(len(s), i+24)])
	for _, w := range [...]string{" xác thực", " xác nhận", " xác minh", " otp", " pin", " bảo mật", " bí mật", " kích hoạt", " đăng nhập"} {
		if strings.HasPrefix(rest, w) {
			return codeNamed(dst, s, min(len(s), i+1), i+len(w))
		}
	}
	return dst
}
