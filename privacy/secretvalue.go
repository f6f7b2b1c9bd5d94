package privacy

import (
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Secrets that something names: where their value begins and ends.

// urlKeys are secrets in the query of a URL only: signatures of links, and the code of an OAuth answer, which stands beside a state.
var urlKeys = map[string]string{"sig": "signature", "signature": "signature", "x-amz-signature": "signature",
	"x-goog-signature": "signature", "code": "code", "sessionid": "session", "session_id": "session", "session": "session", "sid": "session",
	"ticket": "ticket", "assertion": "token", "client_assertion": "token", "auth": "token", "code_verifier": "code-verifier", "_csrf": "csrf"}

// inQuery is the kind of the parameter of a URL that a name before the "=" at i is, "" none.
func inQuery(s, name string, i int) string {
	from := i - len(name)
	if s[i] != '=' || from < 1 || s[from-1] != '?' && s[from-1] != '&' {
		return ""
	}
	kind := urlKeys[strings.ToLower(name)]
	if kind == "" {
		return ""
	}
	start, end, _ := value(s[:min(len(s), i+64)], i+1) // how it begins decides
	switch {
	case kind == "signature" && end-start < 20 && !strings.HasPrefix(strings.ToLower(name), "x-"):
		return ""
	case kind == "ticket" && !strings.HasPrefix(s[start:], "ST-") && !strings.HasPrefix(s[start:], "PT-") && !strings.HasPrefix(s[start:], "TGT-"):
		return "" // of a single sign-on (CAS), no case of a help desk
	case name == "auth" && !digitAndLetter(s[start:end]): // the name of a way to log in
		return ""
	case kind == "code" && (end-start < 6 || !strings.Contains(s[max(0, i-600):min(len(s), i+600)], "state=")):
		return ""
	}
	return kind
}

// assigned is a key and its value: "password=…", `"token":"…"`, "Authorization: Bearer …", "https://user:…@host".
func assigned(dst []span, s string, i int) []span {
	if s[i] == ':' {
		if found, mine := byColon(dst, s, i); mine {
			return found
		}
	}
	j := i - quoteBefore(s, i)
	for j > 0 && (i-j < 4 || i-j < 20 && s[j-1] == '\\') && (s[j-1] == '"' || s[j-1] == '\'' || s[j-1] == '\\' || s[j-1] == ']' || s[j-1] == ' ' || s[j-1] == '`') {
		j--
	}
	if strings.HasPrefix(s[i:], "::") && j < i && s[i-1] == ']' { // "[…NetworkCredential]::new("
		return dst
	}
	if s[i] == '=' && j == i && j > 3 && strings.EqualFold(s[j-3:j], "%5D") { // "user%5Bpassword%5D="
		j -= 3
	}
	kind := assignedTo(s, i, j)
	if kind == "" || j == i && s[i] == ':' && strings.HasSuffix(strings.TrimRight(s[:j], letters52), "(") &&
		!strings.HasPrefix(s[i:], ": ") { // "pam_unix(passwd:chauthtok)"
		return dst
	}
	prose := s[i] == ':' && j == i && i+1 < len(s) && s[i+1] == ' '
	v := i + 1
	if strings.HasPrefix(s[i:], ":: ") { // base64 in LDIF
		v++
	}
	for v < len(s) && v-i < 4 && (s[v] == ' ' || s[v] == '=' || s[v] == '>') {
		v++
	}
	if hopeless(kind, s[v:]) {
		return dst
	}
	switch kind {
	case "authorization":
		return authorization(dst, s, v)
	case "cookie":
		return cookies(dst, s, v)
	case "private-key":
		return append(dst, privateLines(s, v))
	}
	if v+1 < len(s) && s[v] == '[' && (s[v+1] == '"' || s[v+1] == '\'') { // {"password":["secret"]}
		v++
	}
	if v < len(s) && (s[v] == '{' || s[v] == '[' || s[v] == '/' && strings.EqualFold(s[max(0, j-3):j], "pwd")) {
		return dst // an object, sudo's working folder
	}
	if kind == "session" {
		s = s[:min(len(s), v+sessionMost)]
	}
	start, end, inQuotes := value(s, v)
	if end < len(s) && end > start && s[end-1] == '(' && s[end] == '\'' { // PASSWORD = PASSWORD('…')
		start, end, inQuotes = value(s, end)
	}
	if k := strings.IndexByte(s[start:end], '?'); kind == "session" && k > 0 { // in the path of a URL
		end = start + k
	}
	if prose && !inQuotes && sentence(s[start:]) {
		return dst // "passwd: pam_unix(…)", "password: authentication failed"
	}
	return append(dst, span{start, end, kind})
}

// assignedTo is the kind of secret that the name stands for which ends at j, before the sign of an assignment at i; "" none.
func assignedTo(s string, i, j int) (kind string) {
	// the last letter decides cheaply for nearly all keys
	n := numbered(s[:j])
	if n < 2 {
		return ""
	}
	a, b := s[n-2]|0x20, s[n-1]|0x20
	switch {
	case a >= 'a' && a <= 'z' && b >= 'a' && b <= 'z':
		if !keyEnds[int(a-'a')*26+int(b-'a')] {
			return ""
		}
		k := word(s[:j])
		if kind = keyOf(k); kind == "" {
			kind = inQuery(s, k, i)
		}
		if kind == "" && strings.EqualFold(k, "value") {
			kind = attributeKey(s[:j-len(k)])
		}
		if kind == "" && strings.EqualFold(k, "command_data") && strings.Contains(s[max(0, j-64):j], `"command":"PASS"`) {
			kind = "password" // of FTP, as Suricata has it
		}
		if kind == "" && strings.EqualFold(k, "khau") && strings.HasSuffix(strings.ToLower(s[max(0, j-8):j-4]), "mat ") {
			kind = "password"
		}
	case b == 'u' && a >= utf8.RuneSelf && strings.HasSuffix(composed(s[max(0, j-24):j]), "mật khẩu"):
		kind = "password"
	case s[j-1] == 'u' && escapedWord(s[:j]):
		kind = "password"
	}
	return kind
}

// privateLines is what follows "Private-Lines: " in a key of PuTTY.
func privateLines(s string, i int) span {
	end := len(s)
	if k := strings.Index(s[i:], "Private-MAC"); k >= 0 {
		end = i + k
	}
	return span{i, end, "private-key"}
}

// byColon are the secrets around a colon that ends no key; mine is false where it may be one.
func byColon(dst []span, s string, i int) (found []span, mine bool) {
	switch {
	case strings.HasPrefix(s[i:], "://"):
		return userinfo(dst, s, i+3), true
	case i >= 2 && s[i-1]|0x20 == 'p' && s[i-2] == '/':
		return slashed(dst, s, i), true
	case strings.HasPrefix(s[i:], ":AA") && i > 0 && digit(s[i-1]):
		return telegram(dst, s, i), true
	case strings.HasSuffix(s[:i], emptyLM):
		return hexBehind(dst, s, i), true
	}
	return dst, false
}

// value is the value that begins at i: in quotes up to the closing one, else a word. A bracket or comma ends it only where another
// pair or nothing follows.
func value(s string, i int) (start, end int, inQuotes bool) {
	if i+1 < len(s) && s[i+1] == '\'' && (s[i]|0x20 == 'n' || s[i]|0x20 == 'e' || s[i]|0x20 == 'x' || s[i]|0x20 == 'b' || s[i] == 'u') {
		i++ // SQL's N'…', E'…', Python's b'…'
	}
	if n := quoteAt(s[i:]); n > 0 {
		start = i + n
		if k := strings.Index(s[start:], s[i:start]); k >= 0 {
			return start, start + k, true
		}
		return start, len(s), true
	}
	quote := i
	for quote < len(s) && s[quote] == '\\' {
		quote++
	}
	if quote < len(s) && (s[quote] == '"' || s[quote] == '\'') {
		closing := s[i : quote+1] // with its backslashes, as deep as it is escaped
		start = quote + 1
		for at := start; ; {
			k := strings.Index(s[at:], closing)
			if k < 0 {
				return start, len(s), true
			}
			at += k
			if quote > i || at == start || s[at-1] != '\\' {
				return start, at, true
			}
			at += len(closing)
		}
	}
	for end = i; end < len(s); end++ {
		switch c := s[end]; c {
		case ' ', '\t', '\n', '\r', '&', '"', '\'', '<', '>', '`', '|', ';', '#':
			return i, end, false
		case '\\':
			if end+1 < len(s) && (s[end+1] == '"' || s[end+1] == 'n' || s[end+1] == 'r' || s[end+1] == 't' || quoteAt(s[end:]) > 0) {
				return i, end, false
			}
		case ',', ')', '}', ']':
			rest := s[end+1 : min(len(s), end+257)]
			if k := strings.IndexAny(rest, " \t\n\r&\"'"); k >= 0 {
				rest = rest[:k]
			}
			if rest == "" || strings.ContainsAny(rest, "=:") || strings.Trim(rest, ",)}]") == "" {
				return i, end, false
			}
		}
	}
	return i, end, false
}

// quotes are those of a text inside of XML and as JSON may have them.
var quotes = [...]string{"&quot;", "&#34;", "&apos;", "&#39;", `\u0022`, `\u0027`}

// quoteAt is the length of such a quote that begins s, quoteBefore of one that ends at i.
func quoteAt(s string) int {
	if s == "" || s[0] != '&' && s[0] != '\\' {
		return 0
	}
	for _, q := range quotes {
		if strings.HasPrefix(s, q) {
			return len(q)
		}
	}
	return 0
}

func quoteBefore(s string, i int) int {
	if i < 5 || s[i-1] != ';' && (s[i-5] != 'u' || s[i-2] != '2') {
		return 0
	}
	for _, q := range quotes {
		if strings.HasSuffix(s[:i], q) {
			return len(q)
		}
	}
	return 0
}

// composed is a text in lower case whose letters and their marks are one each: Apple's systems write them apart, Windows' Vietnamese
// keyboard writes the tone apart.
func composed(s string) string { return strings.ToLower(norm.NFC.String(s)) }

// escapedWord says whether a text ends with "mật khẩu" as the name of a parameter is sent.
func escapedWord(s string) bool {
	s = strings.ToUpper(s[max(0, len(s)-32):])
	return strings.HasSuffix(s, "M%E1%BA%ADT%20KH%E1%BA%A9U") || strings.HasSuffix(s, "M%E1%BA%ADT+KH%E1%BA%A9U") ||
		strings.HasSuffix(s, "M%E1%BA%ADT_KH%E1%BA%A9U")
}

// sentence says whether a text goes on in words where a value would stand.
func sentence(s string) bool {
	w, rest, more := strings.Cut(s, " ")
	return strings.ContainsAny(w, "([") || strings.HasSuffix(w, ":") || more && rest != "" && !mixed(w)
}

// mixed says whether a word is none of a language: it holds a digit or sign.
func mixed(w string) bool {
	if strings.ContainsAny(w, "([") {
		return false
	}
	return strings.IndexFunc(w, func(r rune) bool {
		return r < utf8.RuneSelf && !(r|0x20 >= 'a' && r|0x20 <= 'z') && r != '.' && r != '-'
	}) >= 0
}

// authorization is the value of such a header: a scheme and its credentials.
func authorization(dst []span, s string, i int) []span {
	for i < len(s) && (s[i] == '"' || s[i] == '\'' || s[i] == '\\' || s[i] == '[' || s[i] == ' ') {
		i++
	}
	if i < len(s) && (s[i] == ']' || s[i] == '{') {
		return dst
	}
	j := i
	for j < len(s) && (letter(s[j]) || digit(s[j]) || s[j] == '-') {
		j++
	}
	if j == i || j >= len(s) || s[j] != ' ' && s[j] != '+' && !strings.HasPrefix(s[j:], "%20") {
		start, end, _ := value(s, i)
		return append(dst, span{start, end, "authorization"})
	}
	kind := strings.ToLower(s[i:j])
	for j < len(s) && (s[j] == ' ' || s[j] == '+') {
		j++
	}
	if strings.HasPrefix(s[j:], "%20") {
		j += 3
	}
	start, end, _ := value(s, j)
	if kind != "bearer" && kind != "basic" && kind != "negotiate" && kind != "ntlm" {
		end = max(end, pairs(s, start))
	}
	return append(dst, span{start, end, kind})
}

// pairs is where a list like `a="b", c=d` that begins at i ends; i when there is none.
func pairs(s string, i int) int {
	end := i
	for {
		j := i
		for j < len(s) && tokenByte(s[j]) {
			j++
		}
		if j == i || j >= len(s) || s[j] != '=' {
			return end
		}
		if j++; j < len(s) && s[j] == '"' {
			k := strings.IndexByte(s[j+1:], '"')
			if k < 0 {
				return len(s)
			}
			j += k + 2
		} else {
			for j < len(s) && s[j] != ',' && s[j] != ' ' && s[j] != '"' && s[j] != '\'' && s[j] != '\n' {
				j++
			}
		}
		end, i = j, j
		for i < len(s) && (s[i] == ',' || s[i] == ' ') {
			i++
		}
	}
}

// attributeKey is the kind of what a value stands for in <property name="password" value="…"/> and {"name":"password","value":"…"}: head
// ends before the word value.
func attributeKey(head string) string {
	head = strings.TrimRight(head[max(0, len(head)-100):], ` ,\"'`)
	end := len(head)
	open := max(strings.LastIndexByte(head, '"'), strings.LastIndexByte(head, '\''))
	if open < 1 {
		return ""
	}
	before := strings.TrimRight(head[:open], ` \`)
	if before == "" || before[len(before)-1] != '=' && before[len(before)-1] != ':' {
		return ""
	}
	switch strings.ToLower(word(strings.TrimRight(before[:len(before)-1], ` \"'`))) {
	case "name", "key", "id":
		return keyOf(word(head[open+1 : end]))
	}
	return ""
}

// telegram is the token of a bot, "bot123456789:AA…": i is the colon.
func telegram(dst []span, s string, i int) []span {
	from := i
	for from > 0 && i-from < 12 && digit(s[from-1]) {
		from--
	}
	end := i + 1
	for end < len(s) && tokenByte(s[end]) {
		end++
	}
	if !strings.HasSuffix(s[:from], "bot") || end-i < 30 {
		return dst
	}
	return append(dst, span{i + 1, end, "token"})
}

// emptyLM is the half of a Windows password hash that is the same for all passwords; the other half follows.
const emptyLM = "aad3b435b51404ee"

// hexBehind is the hash behind the colon i.
func hexBehind(dst []span, s string, i int) []span {
	end := i + 1
	for end < len(s) && hex(s[end]) < 16 {
		end++
	}
	if end-i != 33 {
		return dst
	}
	return append(dst, span{i + 1, end, "password-hash"})
}

// cookiesOf are the values of cookies as JSON has them, {"sid":"…"}: i is its brace.
func cookiesOf(dst []span, s string, i int) []span {
	for range 64 {
		k := strings.IndexAny(s[i:min(len(s), i+4096)], ":}")
		if k < 0 || s[i+k] == '}' {
			return dst
		}
		start, end, inQuotes := value(s, i+k+1)
		if !inQuotes || end >= len(s) {
			return dst
		}
		dst = append(dst, span{start, end, "cookie"})
		i = end
	}
	return dst
}

// cookies are the values of "a=1; b=2"; what only governs a cookie stays.
func cookies(dst []span, s string, i int) []span {
	if i < len(s) && s[i] == '{' {
		return cookiesOf(dst, s, i)
	}
	for i < len(s) && (s[i] == '[' || s[i] == '"' || s[i] == '\'' || s[i] == '\\' || s[i] == ' ') {
		i++
	}
	for i < len(s) {
		j := i
		for j < len(s) && (letter(s[j]) || digit(s[j]) || s[j] == '-' || s[j] == '.') {
			j++
		}
		if j == i || j >= len(s) {
			return dst
		}
		end := j
		if s[j] == '=' {
			name := strings.ToLower(s[i:j])
			for end = j + 1; end < len(s) && s[end] != ';' && s[end] != '"' && s[end] != '\'' && s[end] != '\n' && s[end] != '\r' &&
				s[end] != '\\' && (s[end] != ' ' || name == "expires"); {
				end++
			}
			switch name {
			case "path", "domain", "expires", "max-age", "samesite", "version":
			default:
				dst = append(dst, span{j + 1, end, "cookie"})
			}
		}
		if end >= len(s) || s[end] != ';' {
			return dst
		}
		for i = end + 1; i < len(s) && s[i] == ' '; i++ {
		}
	}
	return dst
}

// userinfo is the password in "scheme://user:password@host".
func userinfo(dst []span, s string, i int) []span {
	colon, at := -1, -1
	for j := i; j < len(s) && j-i < 300; j++ {
		switch c := s[j]; {
		case c == ':' && colon < 0:
			colon = j
		case c == '@' && colon > 0:
			at = j
		case c == '/' || c == ' ' || c == '"' || c == '\'' || c == '?' || c == '<' || c == '\\':
			j = len(s)
		}
	}
	if colon > 0 && at > colon {
		dst = append(dst, span{colon + 1, at, "password"})
	}
	return dst
}

// percent is the escape at i that stands for one of signs, however often it was escaped ("%3D", "%253D"): its sign and its bytes without
// the two last, which are those of the other escapes around it. sign is 0 where there is none.
func percent(s string, i int, signs string) (sign byte, mark string) {
	k := i + 1
	for n := 1; n < maxEscapes && strings.HasPrefix(s[k:], "25"); n++ {
		k += 2
	}
	if k+2 > len(s) || hex(s[k]) > 15 || hex(s[k+1]) > 15 {
		return 0, ""
	}
	if c := hex(s[k])<<4 | hex(s[k+1]); c < utf8.RuneSelf && strings.IndexByte(signs, c) >= 0 {
		return c, s[i:k]
	}
	return 0, ""
}

// escaped is "password%3D…" in a query inside a query, and "%22password%22%3A%22…%22", JSON in one.
func escaped(dst []span, s string, i int) []span {
	sign, mark := percent(s, i, "=:")
	if sign == 0 {
		return dst
	}
	other := func(rest string, codes ...string) bool { // one of these escapes begins rest, as deep as the sign
		rest, ok := strings.CutPrefix(rest, mark)
		return ok && slices.ContainsFunc(codes, func(c string) bool { return strings.HasPrefix(rest, c) })
	}
	width := len(mark) + 2
	key := s[:i]
	for len(key) > width && i-len(key) < 4*width && other(key[len(key)-width:], "22", "27", "20") {
		key = key[:len(key)-width]
	}
	kind := keyOf(word(key))
	if kind == "" || sign == ':' && len(key) == i && kind != "authorization" { // "token%3A": prose or a port
		return dst
	}
	start := i + width
	for other(s[start:], "20", "22", "27") {
		start += width
	}
	if hopeless(kind, s[start:]) {
		return dst
	}
	end := start
	for end < len(s) && s[end] != ' ' && s[end] != '&' && s[end] != '"' && s[end] != '\'' && s[end] != '#' &&
		(s[end] != '%' || !other(s[end:], "26", "22", "27")) {
		end++
	}
	return append(dst, span{start, end, kind})
}

// slashed is "/p:secret" of the clients of remote desktops.
func slashed(dst []span, s string, i int) []span {
	before := strings.ToLower(s[max(0, i-reach):i])
	for _, command := range [...]string{"xfreerdp", "xfreerdp3", "wfreerdp", "sdl-freerdp", "rdesktop", "runas", "schtasks", "wlfreerdp", "freerdp"} {
		if runs(before, command) {
			start, end, _ := value(s, i+1)
			return append(dst, span{start, end, "password"})
		}
	}
	return dst
}
