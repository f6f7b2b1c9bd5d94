package privacy

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"hoalu/ecs"
)

// Secrets (passwords, tokens, keys, session cookies, one-time codes) are no matter of a log: they are destroyed before anything is
// matched or stored, in every field and in event.original. In their place stands [secret:kind:length], the length in characters, so
// that a reader sees that there was one and which. Names, flags, schemes and known prefixes (AKIA, ghp_) stay: rules look for them.
//
// A secret is known by what stands before it (a key, a flag, a header, SQL's IDENTIFIED BY, a URL's user:password@) or by its own form
// (JSON web token, private key, known prefixes). What has neither, a password as the only word of a text, cannot be known.
const (
	secretOpen  = "[secret:"
	secretClose = "]"
)

// span is a secret in a text.
type span struct {
	start, end int
	kind       string
}

// trigger marks the bytes at which a secret may begin or its key ends; all others are passed over.
var trigger = func() (t [256]bool) {
	for _, c := range []byte("=:-_%'>IJPB.( cfFuUqdw\xa3") {
		t[c] = true
	}
	return t
}()

// keyEnds holds the last two letters of every key in secretKeys and urlKeys.
var keyEnds = func() (t [26 * 26]bool) {
	for _, k := range secretKeys {
		n := len(k.key)
		t[int(k.key[n-2]-'a')*26+int(k.key[n-1]-'a')] = true
	}
	for k := range urlKeys {
		n := len(k)
		t[int(k[n-2]-'a')*26+int(k[n-1]-'a')] = true
	}
	return t
}()

const letters52 = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// A secretKey is the end of a name: "db_password", "X-Api-Key", "so_mat_khau", "password1". At a dash a name may write one of "_-."
// or nothing. A whole one is too short to be an end: only such a mark or nothing stands before it ("pw", "DB_PASS", no "bypass").
type secretKey struct {
	key, kind string
	whole     bool
}

var secretKeys = []secretKey{
	{"pass-word", "password", false}, {"passwd", "password", false}, {"passwrd", "password", false}, {"pass-phrase", "password", false},
	{"pwd", "password", false}, {"mat-khau", "password", false},
	{"secret", "secret", false}, {"secret-key", "secret", false}, {"private-key", "secret", false}, {"credential", "secret", false},
	{"credentials", "secret", false},
	{"api-key", "api-key", false}, {"access-key", "api-key", false}, {"account-key", "api-key", false}, {"token", "token", false},
	{"jwt", "token", false},
	{"pass-code", "otp", false}, {"authorization", "authorization", false}, {"cookie", "cookie", false}, {"otp", "otp", false},
	{"jsession-id", "session", false}, {"asp-net-session-id", "session", false}, {"phpsessid", "session", false},
	{"pass", "password", true}, {"pw", "password", true}, {"mk", "password", true}, {"psw", "password", true},
	{"store-pass", "password", true}, {"key-pass", "password", true},
}

// urlKeys are secrets in the query of a URL only: signatures of links, and the code of an OAuth answer, which stands beside a state.
var urlKeys = map[string]string{"sig": "signature", "signature": "signature", "x-amz-signature": "signature",
	"x-goog-signature": "signature",
	"code":             "code"}

// inQuery is the kind of the parameter of a URL that a name before the "=" at i is, "" none.
func inQuery(s, name string, i int) string {
	from := i - len(name)
	if s[i] != '=' || from < 1 || s[from-1] != '?' && s[from-1] != '&' {
		return ""
	}
	kind := urlKeys[strings.ToLower(name)]
	start, end, _ := value(s, i+1)
	switch {
	case kind == "signature" && end-start < 20:
		return ""
	case kind == "code" && (end-start < 6 || !strings.Contains(s[max(0, i-600):min(len(s), i+600)], "state=")):
		return ""
	}
	return kind
}

func joins(c byte) bool { return c == '_' || c == '-' || c == '.' }

// numbered is where the number at the end of a name begins ("password1", "mk02"); one of more than two digits is no number of a name.
func numbered(name string) int {
	n := len(name)
	for n > 0 && len(name)-n < 3 && digit(name[n-1]) {
		n--
	}
	if len(name)-n > 2 {
		return len(name)
	}
	return n
}

// keyOf says which kind of secret a name stands for, "" none.
func keyOf(name string) string {
	if len(name) > 64 {
		return ""
	}
	name = name[:numbered(name)]
	n := len(name)
	if n < 2 {
		return ""
	}
	x, y := name[n-2]|0x20-'a', name[n-1]|0x20-'a'
	if x >= 26 || y >= 26 || !keyEnds[int(x)*26+int(y)] {
		return ""
	}
	for _, k := range secretKeys {
		if before := k.endOf(name); before == 0 || before > 0 && (!k.whole || joins(name[before-1])) {
			return k.kind
		}
	}
	return ""
}

// endOf says where k begins as the end of name, -1: name does not end with it.
func (k secretKey) endOf(name string) int {
	at := len(name)
	for i := len(k.key) - 1; i >= 0; i-- {
		if k.key[i] == '-' {
			if at > 0 && joins(name[at-1]) {
				at--
			}
			continue
		}
		if at == 0 || name[at-1]|0x20 != k.key[i] || name[at-1] < 'A' {
			return -1
		}
		at--
	}
	return at
}

// Every secret has a hint near it: a piece of a key, a flag or a prefix, four bytes of which two windows of three are in hints, so
// that one of them begins at an even place wherever it stands. This is what nearly all texts cost: one look at every second byte.
// hints is a set of windows, lower case, by hash.
const (
	hintBits = 18
	ahead    = 32 // a trigger is at most so far behind a hint …
	back     = 24 // … or before it
)

var hints = func() *[1 << hintBits / 32]uint32 {
	t := new([1 << hintBits / 32]uint32)
	add := func(windows ...string) {
		for _, w := range windows {
			h := hintOf(uint32(w[0]) | uint32(w[1])<<8 | uint32(w[2])<<16)
			t[h>>5] |= 1 << (h & 31)
		}
	}
	add("pas", "ass", "sec", "ecr", "tok", "oke", "red", "ede", "riz", "iza", "oki", "kie", "hau", "kh\xe1", "h\xe1\xba", "oni", "nid",
		"php", "hps", "fie", "ied", "bea", "ear", "asi", "sic", "beg", "egi", "aki", "kia", "sia", "aiz", "b_p", "_pa", "hlt", "lt1", "k_l",
		"_li",
		"npm", "pm_", "ech", "cho", "ntf", "tf ", "lpl", "plu", "lld", "ldr", "pdp", "dp ", "snm", "nmp", "hvs", "vs.", "hvb", "vb.", "sg.",
		"ya2",
		"a29", "?si", "&si", "sig", "amz", "mz-", "og-", "g-s", "m-d", "-da", "es(", "s (", " ('", "s('", " (\"", "s(\"", "&co", "?co", "de=",
		"on ", "n c", "ty ", "y c", "in ", "me ", "e c", "fa ", "a c", "t u", " us", "1 u", "e u", "psk", "sk ", "sk-", "xox", "glp", "lpa",
		"--u", "y-u", "-us", "://", "m\xc3\xa3", "\xc3\xa3 ", "eyj", "pwd", "key", "otp", "jwt", "psw")
	for _, c := range "_-." {
		add("on"+string(c), "n"+string(c)+"i")
	}
	for _, c := range "=:\"' \\%>]`,0123456789" { // what may stand between a key and its value
		for _, end := range []string{"wd", "ey", "tp", "wt", "sw", "au", "mk", "pw"} {
			add(end + string(c))
		}
	}
	for _, c := range " \"',\t" { // around a flag
		for _, flag := range []string{"-p", "-u", "-w", "-a", "-k"} {
			add(string(c)+flag, flag+string(c))
		}
		add(string(c)+"-h", "-hp", string(c)+"/p", "/p:")
	}
	for c := range 10 {
		add("s("+strconv.Itoa(c), " ("+strconv.Itoa(c))
	}
	for _, c := range " \"'(:,\t" {
		add(string(c)+"2f", "2fa")
	}
	for _, c := range "pousr" {
		add("gh"+string(c), "h"+string(c)+"_")
	}
	for _, c := range "bpars" {
		add("ox" + string(c))
	}
	for i := range 256 { // before and behind a short one stands whatever is no part of it
		c := string([]byte{byte(i)})
		if !letter(c[0]) && !digit(c[0]) || c == "_" {
			add(c+"mk", c+"pw")
		}
		if !letter(c[0]) || i >= utf8.RuneSelf {
			add("tp" + c)
		}
		if !tokenByte(c[0]) {
			add(c+"sk", c+"sg")
		}
		add("-p"+c, "-u"+c, "yj"+c, c+":/")
	}
	return t
}()

func hintOf(window uint32) uint32 {
	return (window | 0x202020) * 0x165667B1 >> (32 - hintBits)
}

// secretsIn appends the secrets of s, in order and apart.
func secretsIn(dst []span, s string) []span {
	from := 0 // what is before has been looked at
	for i := 0; i+3 <= len(s); i += 2 {
		h := hintOf(uint32(s[i]) | uint32(s[i+1])<<8 | uint32(s[i+2])<<16)
		if hints[h>>5]&(1<<(h&31)) == 0 {
			continue
		}
		if end := min(len(s), i+ahead); end > from {
			dst, from = secretsFrom(dst, s, max(from, i-back), end)
		}
	}
	return dst
}

// secretsFrom appends the secrets whose triggers are in s[from:end] and says up to where s has been looked at.
func secretsFrom(dst []span, s string, from, end int) ([]span, int) {
	for i := from; i < end; i++ {
		c := s[i]
		if !trigger[c] || !near(s, i, c) {
			continue
		}
		begin := len(dst)
		switch c {
		case '=', ':':
			if c == ':' && strings.HasSuffix(s[:i], secretOpen[:len(secretOpen)-1]) { // it is none any more
				if k := strings.IndexByte(s[i:], ']'); k > 0 {
					i += k
					from = max(from, i)
				}
				continue
			}
			dst = assigned(dst, s, i)
		case '-':
			dst = dashed(dst, s, i)
		case '(':
			dst = inserted(dst, s, i)
		case ' ':
			dst = device(dst, s, i)
		case '.':
			dst = dotted(dst, s, i)
		case 'c', 'f', 'F', 'u', 'U', 'q', 'd', 'w':
			dst = spoken(dst, s, i, c)
		case '_':
			dst = prefixed(dst, s, i, underscored[:], 20)
		case '%':
			if i+2 < len(s) && s[i+1] == '3' && (s[i+2]|0x20 == 'd' || s[i+2]|0x20 == 'a') {
				dst = escaped(dst, s, i)
			}
		case '\'':
			dst = quoted(dst, s, i)
		case '>':
			dst = element(dst, s, i)
		case 'I':
			dst = amazon(dst, s, i)
		case 'J':
			dst = webToken(dst, s, i)
		case 'P':
			if i >= 2 && s[i-1] == 'T' && s[i-2] == 'O' {
				dst = oneTime(dst, s, i+1)
			}
		case 'B':
			dst = scheme(dst, s, i)
		case 0xa3: // "mã "
			if i >= 2 && s[i-1] == 0xc3 && s[i-2]|0x20 == 'm' {
				dst = code(dst, s, i+1)
			}
		}
		for k := begin; k < len(dst); k++ { // what begins before the last one ended is part of it
			if sp := dst[k]; sp.start >= from && sp.end > sp.start && worth(sp.kind, s[sp.start:sp.end]) {
				dst[begin] = sp
				begin++
				from = sp.end
			}
		}
		dst = dst[:begin]
		if from > i {
			i = from - 1
		}
	}
	return dst, max(from, end)
}

// near looks at the bytes beside a trigger: it turns nearly all of them down before anything is called.
func near(s string, i int, c byte) bool {
	if i == 0 {
		return c == '-'
	}
	b := s[i-1]
	switch c {
	case '=', ':':
		if c == ':' && strings.HasPrefix(s[i:], "://") {
			return true
		}
		if c == ':' && b|0x20 == 'p' && i >= 2 && s[i-2] == '/' { // "/p:secret"
			return true
		}
		n := i
		if digit(b) { // "password1="
			n = numbered(s[:i])
		}
		if n < 2 {
			return false
		}
		x, y := s[n-2]|0x20-'a', s[n-1]|0x20-'a'
		if x < 26 && y < 26 {
			return keyEnds[int(x)*26+int(y)]
		}
		if n < i {
			return false
		}
		return b == '"' || b == '\'' || b == ' ' || b == '\\' || b == ']' || b == '`' || y == 'u'-'a'
	case '-':
		switch b {
		case ' ', '"', '\'', ',', '\t':
			return true
		case 'm':
			return strings.HasPrefix(s[i:], `-data; name="`)
		case 'k', 'b', 'p', 'a', 'r', 's', 't':
			return i >= 2 && (s[i-2] == 's' || s[i-2] == 'x' || s[i-2] == 'a')
		}
		return i+1 < len(s) && s[i+1] == '-' && strings.HasPrefix(s[i:], "-----BEGIN ")
	case '_':
		return i >= 3 && (s[i-2] == 'h' || s[i-2] == 'a' || s[i-2] == 't' || s[i-2] == 'v' || s[i-2] == 'p')
	case '\'':
		return b == ' ' || b == '('
	case '(':
		return i+1 < len(s) && s[i+1] != ')' && (b|0x20 == 's' || b == ' ' && i >= 2 && s[i-2]|0x20 == 's')
	case ' ':
		return deviceWord(s, i)
	case '.':
		return i >= 2 && (b == 's' || b == 'b' || b == 'G' || b == '9')
	case 'c', 'f', 'F', 'u', 'U', 'q', 'd', 'w':
		return commandWord(s, i, c)
	case '>':
		return b == '"' || b == '\'' || letter(b)
	}
	return true
}

// worth says whether a value may be a secret of a kind: nothing, what hides one already, and words that stand for none are not, nor is
// the number of a firewall's or terminal's session.
func worth(kind, v string) bool {
	digits := allDigits(v)
	switch {
	case kind == "session" && (digits || len(v) < 12),
		kind == "otp" && (!allDigits(strings.ReplaceAll(v, " ", "")) || len(v) < 4 || len(v) > 11),
		kind == "password" && digits && len(v) < 4:
		return false
	}
	switch strings.ToLower(v) {
	case "", "-", "{", "[", "{}", "[]", "null", "(null)", "nil", "none", "true", "false", "undefined", "n/a", "yes", "no", "redacted",
		"[redacted]", "set", "unset", "required", "expired", "invalid", "incorrect", "wrong":
		return false
	}
	return !strings.HasPrefix(v, secretOpen) && !strings.HasPrefix(v, Prefix) && (!strings.HasPrefix(v, "$") || strings.Count(v, "$") > 1) &&
		!strings.HasPrefix(v, "%%") &&
		strings.Trim(v, "*x•.") != ""
}

// assigned is a key and its value: "password=…", `"token":"…"`, "Authorization: Bearer …", "https://user:…@host".
func assigned(dst []span, s string, i int) []span {
	if s[i] == ':' && strings.HasPrefix(s[i:], "://") {
		return userinfo(dst, s, i+3)
	}
	if s[i] == ':' && i >= 2 && s[i-1]|0x20 == 'p' && s[i-2] == '/' {
		return slashed(dst, s, i)
	}
	j := i
	for j > 0 && i-j < 4 && (s[j-1] == '"' || s[j-1] == '\'' || s[j-1] == '\\' || s[j-1] == ']' || s[j-1] == ' ' || s[j-1] == '`') {
		j--
	}
	if j < 2 {
		return dst
	}
	// the last letter decides cheaply for nearly all keys
	n := numbered(s[:j])
	if n < 2 {
		return dst
	}
	a, b := s[n-2]|0x20, s[n-1]|0x20
	kind := ""
	switch {
	case a >= 'a' && a <= 'z' && b >= 'a' && b <= 'z':
		if !keyEnds[int(a-'a')*26+int(b-'a')] {
			return dst
		}
		k := word(s[:j])
		if kind = keyOf(k); kind == "" {
			kind = inQuery(s, k, i)
		}
		if kind == "" && strings.EqualFold(k, "khau") && strings.HasSuffix(strings.ToLower(s[max(0, j-8):j-4]), "mat ") {
			kind = "password"
		}
	case b == 'u' && a >= utf8.RuneSelf && strings.HasSuffix(strings.ToLower(s[max(0, j-16):j]), "mật khẩu"):
		kind = "password"
	}
	if kind == "" || j == i && s[i] == ':' && strings.HasSuffix(strings.TrimRight(s[:j], letters52), "(") { // "pam_unix(passwd:chauthtok)"
		return dst
	}
	prose := s[i] == ':' && j == i && i+1 < len(s) && s[i+1] == ' '
	v := i + 1
	for v < len(s) && v-i < 4 && (s[v] == ' ' || s[v] == '=' || s[v] == '>') {
		v++
	}
	switch kind {
	case "authorization":
		return authorization(dst, s, v)
	case "cookie":
		return cookies(dst, s, v)
	}
	start, end, inQuotes := value(s, v)
	if end < len(s) && end > start && s[end-1] == '(' && s[end] == '\'' { // PASSWORD = PASSWORD('…')
		start, end, inQuotes = value(s, end)
	}
	if k := strings.IndexByte(s[start:end], '?'); kind == "session" && k > 0 { // in the path of a URL
		end = start + k
	}
	if !inQuotes && start < end && (s[start] == '{' || s[start] == '[' ||
		s[start] == '/' && strings.HasSuffix(strings.ToLower(s[:j]), "pwd")) {
		return dst // an object, sudo's working folder
	}
	if prose && !inQuotes && sentence(s[start:]) {
		return dst // "passwd: pam_unix(…)", "password: authentication failed"
	}
	return append(dst, span{start, end, kind})
}

// value is the value that begins at i: in quotes up to the closing one, else a word. A bracket or comma ends it only where another
// pair or nothing follows.
func value(s string, i int) (start, end int, inQuotes bool) {
	if i+1 < len(s) && s[i+1] == '\'' && (s[i]|0x20 == 'n' || s[i]|0x20 == 'e' || s[i]|0x20 == 'x' || s[i]|0x20 == 'b') {
		i++ // SQL's N'…', E'…'
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
			if end+1 < len(s) && (s[end+1] == '"' || s[end+1] == 'n' || s[end+1] == 'r' || s[end+1] == 't') {
				return i, end, false
			}
		case ',', ')', '}', ']':
			rest := s[end+1:]
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

// cookies are the values of "a=1; b=2"; what only governs a cookie stays.
func cookies(dst []span, s string, i int) []span {
	for i < len(s) && (s[i] == '"' || s[i] == '\'' || s[i] == '\\' || s[i] == ' ') {
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

// escaped is "password%3D…" in a query inside a query, and "%22password%22%3A%22…%22", JSON in one.
func escaped(dst []span, s string, i int) []span {
	key := s[:i]
	for strings.HasSuffix(key, "%22") || strings.HasSuffix(key, "%27") || strings.HasSuffix(key, "%20") {
		key = key[:len(key)-3]
	}
	kind := keyOf(word(key))
	if kind == "" || s[i+2]|0x20 == 'a' && len(key) == i && kind != "authorization" { // "token%3A": prose or a port
		return dst
	}
	start := i + 3
	for strings.HasPrefix(s[start:], "%20") || strings.HasPrefix(s[start:], "%22") || strings.HasPrefix(s[start:], "%27") {
		start += 3
	}
	end := start
	for end < len(s) && s[end] != ' ' && s[end] != '&' && s[end] != '"' && s[end] != '\'' && s[end] != '#' {
		if rest := s[end:]; strings.HasPrefix(rest, "%26") || strings.HasPrefix(rest, "%22") || strings.HasPrefix(rest, "%27") {
			break
		}
		end++
	}
	return append(dst, span{start, end, kind})
}

// dashed is a private key, a known prefix that ends with a dash, or a flag with its value as the next word.
func dashed(dst []span, s string, i int) []span {
	if strings.HasPrefix(s[i:], `-data; name="`) {
		return formPart(dst, s, i)
	}
	if strings.HasPrefix(s[i:], "-----BEGIN ") {
		head := strings.Index(s[i:min(len(s), i+64)], "PRIVATE KEY-----")
		if head < 0 {
			return dst
		}
		start := i + head + len("PRIVATE KEY-----")
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

// slashed is "/p:secret" of the clients of remote desktops.
func slashed(dst []span, s string, i int) []span {
	before := strings.ToLower(s[max(0, i-reach):i])
	for _, command := range [...]string{"xfreerdp", "xfreerdp3", "wfreerdp", "sdl-freerdp", "rdesktop", "runas", "schtasks"} {
		if runs(before, command) {
			start, end, _ := value(s, i+1)
			return append(dst, span{start, end, "password"})
		}
	}
	return dst
}

// Known prefixes of tokens, by the byte they end with.
var (
	underscored = [...]string{"ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "hlt1_", "sk_live_", "rk_live_", "npm_"}
	pointed     = [...]string{"hvs.", "hvb.", "ya29."}
	hyphened    = [...]string{"sk-", "xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "glpat-"}
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
		if end-i-1 >= least {
			return append(dst, span{i + 1, end, strings.TrimRight(p, "_-.")})
		}
	}
	return dst
}

// dotted is a token behind a prefix that ends with a dot: hvs.… of Vault, ya29.… of Google, SG.… .… of SendGrid.
func dotted(dst []span, s string, i int) []span {
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
	if s[j-1] == '=' { // SET PASSWORD FOR 'an' = 'secret'
		before := strings.ToLower(s[max(0, j-100):j])
		if k := strings.LastIndex(before, "set password for "); k < 0 || strings.ContainsAny(before[k:], ";\n") {
			return dst
		}
	} else if !strings.EqualFold(word(s[:j]), "password") {
		return dst
	}
	start, end, _ := value(s, i)
	return append(dst, span{start, end, "password"})
}

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
	end := strings.IndexByte(s[i+1:], '<')
	if end < 0 {
		return dst
	}
	return append(dst, span{i + 1, i + 1 + end, kind})
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

// code is "mã xác thực … 123456", "mã OTP …", "mã PIN …".
func code(dst []span, s string, i int) []span {
	rest := strings.ToLower(s[i:min(len(s), i+24)])
	for _, w := range [...]string{" xác thực", " xác nhận", " otp", " pin", " bảo mật"} {
		if strings.HasPrefix(rest, w) {
			return oneTime(dst, s, min(len(s), i+len(w)))
		}
	}
	return dst
}

// without is s with its secrets replaced.
func without(s string, secrets []span) string {
	var b strings.Builder
	b.Grow(len(s))
	from := 0
	for _, x := range secrets {
		b.WriteString(s[from:x.start])
		hide(&b, x.kind, s[x.start:x.end])
		from = x.end
	}
	b.WriteString(s[from:])
	return b.String()
}

func hide(b *strings.Builder, kind, secret string) {
	b.WriteString(secretOpen)
	b.WriteString(kind)
	b.WriteByte(':')
	b.WriteString(strconv.Itoa(utf8.RuneCountInString(secret)))
	b.WriteString(secretClose)
}

// destroySecrets replaces the secrets of e. What was found in one field is replaced in the others too where it is long enough to be
// no common word: a command line stands in event.original in another spelling.
func (p *Protector) destroySecrets(e *ecs.Event) {
	var room [8]span
	type known struct{ text, hidden string }
	var found []known
	// Where the line as it came holds none, what was cut out of it holds none: only what a decoder had to spell out is looked at.
	clean := false
	if line := e.Text(ecs.EventOriginal); len(line) >= 8 {
		clean = len(secretsIn(room[:0], line)) == 0
	}
	for i := range e.Len() {
		f, v := e.At(i)
		if v.Kind > ecs.Number || v.Text == "" {
			continue
		}
		entry := p.classes.entry(f)
		var text string
		if entry&secretField != 0 {
			text = wholeSecret(f.Name(), v.Text)
		} else if len(v.Text) < 8 || fieldClass(entry&classMask) == classNever || clean && entry&spelledField == 0 {
			continue
		} else if s := secretsIn(room[:0], v.Text); len(s) > 0 {
			for _, x := range s {
				if plain := v.Text[x.start:x.end]; len(plain) >= 6 && mixed(plain) && len(found) < 32 {
					var b strings.Builder
					hide(&b, x.kind, plain)
					found = append(found, known{strings.Clone(plain), b.String()})
				}
			}
			text = without(v.Text, s)
		} else {
			continue
		}
		if text != v.Text {
			e.SetAt(i, text)
			e.SetKindAt(i, ecs.String)
		}
	}
	if len(found) == 0 {
		return
	}
	for i := range e.Len() {
		f, v := e.At(i)
		if v.Kind != ecs.String || p.classes.of(f) == classNever {
			continue
		}
		text := v.Text
		for _, k := range found {
			text = strings.ReplaceAll(text, k.text, k.hidden)
		}
		if text != v.Text {
			e.SetAt(i, text)
		}
	}
}

// wholeSecret is the value of a field whose name says that it holds a secret.
func wholeSecret(name, text string) string {
	kind := keyOf(name[strings.LastIndexByte(name, '.')+1:])
	if !worth(kind, text) {
		return text
	}
	var s []span
	switch kind {
	case "authorization":
		s = authorization(nil, text, 0)
	case "cookie":
		s = cookies(nil, text, 0)
	}
	if len(s) == 0 || s[len(s)-1].end > len(text) {
		s = []span{{0, len(text), kind}}
	}
	return without(text, s)
}
