package privacy

import (
	"slices"
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
	for _, c := range []byte("=:-_%'>IJPB.( cfFuUqdwx/$}\xa3") {
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
	t[int('t'-'a')*26] = true              // "ta": {"command":"PASS","command_data":"…"}
	t[int('u'-'a')*26+int('e'-'a')] = true // <add key="password" value="…"/>
	return t
}()

const letters52 = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// Every secret has a hint near it: a piece of a key, a flag or a prefix, four bytes of which two windows of three are in hints, so
// that one of them begins at an even place wherever it stands. This is what nearly all texts cost: one look at every second byte.
// hints is a set of windows, lower case, by hash; what it says is looked up in exactHints.
const (
	hintBits = 18
	ahead    = 32 // a trigger is at most so far behind a hint …
	back     = 24 // … or before it
)

// A hint is a window that counts only where before and after stand beside it (0: anything), lower case. url is a colon before a slash: it
// counts where a URL names a user and a password.
type hint struct {
	before, after byte
	url           bool
}

var hints, exactHints = func() (*[1 << hintBits / 32]uint32, map[uint32]hint) {
	t, exact := new([1 << hintBits / 32]uint32), map[uint32]hint{}
	put := func(w string, x hint) {
		k := windowAt(w, 0)
		if old, ok := exact[k]; ok && old != x {
			x = hint{} // two pieces share it
		}
		exact[k] = x
		h := hintOf(k)
		t[h>>5] |= 1 << (h & 31)
	}
	add := func(windows ...string) {
		for _, w := range windows {
			put(w, hint{})
		}
	}
	add("pas", "ass", "sec", "ecr", "tok", "oke", "red", "ede", "riz", "iza", "oki", "kie", "hau", "kh\xe1", "h\xe1\xba", "oni", "nid",
		"php", "hps", "fie", "ied", "asi", "sic", "beg", "egi", "aki", "kia", "sia", "aiz", "b_p", "_pa", "hlt", "lt1", "k_l",
		"_li",
		"npm", "pm_", "p_v", "_v1", "shp", "hpa", "hpc", "dck", "ckr", "ec_", "k_t", "_te", "n_a", "_ap", "pyp", "ypi", "glr", "lrt", "nra", "rak",
		"xap", "ey-", "gsk", "$6$", "$5$", "$1$", "$y$", "$2a", "$2b", "$2y", "2a$", "2b$", "2y$", "apr", "pr1", "rgo", "gon", "d5}", "56}", "12}",
		"pt}", "ha}", "aad", "ad3", "sam", "aml", "vau", "aul", "d_u", "ddl", "dlo", "cry", "ryp", "pin", "/p ", "/rp", "ntf", "tf ", "lpl", "plu", "lld", "ldr", "pdp", "dp ", "snm", "nmp", "hvs", "vs.", "hvb", "vb.", "sg.",
		"ya2",
		"a29", "?si", "&si", "sig", "amz", "mz-", "og-", "g-s", "m-d", "-da", "es(", "s (", " ('", "s('", " (\"", "s(\"", "&co", "?co", "de=",
		"on ", "n c", "n_c", "onc", "nco", "ty ", "y c", "ty_", "y_c", "tyc", "yco", "th ", "h c", "th_", "h_c", "fa_", "a_c", "in ", "me ", "e c", "fa ", "a c", "t u", " us", "1 u", "e u", "psk", "sk ", "sk-", "xox", "glp", "lpa",
		"--u", "y-u", "-us", "m\xc3\xa3", "\xc3\xa3 ", "eyj", "pwd", "key", "otp", "jwt", "psw")
	for _, c := range "_-." {
		add("on"+string(c), "n"+string(c)+"i")
	}
	for _, c := range "=:\"' \\%>]`,0123456789" { // what may stand between a key and its value
		for _, end := range []string{"wd", "ey", "wt", "sw", "au", "mk", "pw"} {
			add(end + string(c))
		}
	}
	for _, c := range " \"',\t-" { // around a flag
		for _, flag := range []string{"-p", "-u", "-w", "-a", "-k", "-s", "-c", "-x", "-b"} {
			add(string(c)+flag, flag+string(c))
		}
		add(string(c)+"-h", "-hp", string(c)+"/p", "/p:")
		put(string(c)+"/r", hint{after: 'p'})
	}
	for c := range 10 {
		add("s("+strconv.Itoa(c), " ("+strconv.Itoa(c))
	}
	for _, c := range beforeCode {
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
			put("tp"+c, hint{before: 'o'})
		}
		if !tokenByte(c[0]) {
			add(c+"sk", c+"sg")
		}
		add("-p"+c, "-u"+c, "yj"+c)
		put(c+":/", hint{url: true})
		put(c+"pi", hint{after: 'n'})
		put("in"+c, hint{before: 'p'})
		for _, form := range []string{"$6", "$5", "$1", "$y", "$2", "hf"} {
			add(c + form)
		}
	}
	put("://", hint{url: true})
	for window, x := range map[string]hint{
		"app": {before: 'x'}, "sha": {after: '}'}, "md5": {after: '}'}, "ypt": {after: '}'}, "256": {after: '}'}, "512": {after: '}'},
		"sid": {after: '='}, "ket": {after: '='}, "cke": {before: 'i'}, "on=": {before: 'i'}, "ion": {after: '='},
		"_us": {before: 'd'}, "ure": {after: 's'}, "res": {before: 'u'}, "pac": {before: 'm'}, "mpa": {after: 'c'}, "xec": {after: '.'},
		"ec.": {before: 'x'}, "sdu": {}, "dum": {before: 's'}, "xac": {}, "thu": {after: 'c'}, "acn": {before: 'x'}, "ac_": {before: 'x'}, "au_": {before: 'h'}, "aum": {before: 'h'}, "auc": {before: 'h'},
		"swd": {before: 'p'}, "d_d": {before: 'n'}, "_da": {before: 'd'}, "tpc": {before: 'o'}, "ch ": {before: 'i'}, "h h": {before: 'c'}, "\xcc\x89u": {}, "\x82\xcc\x89": {}, "\xa2\xcc\x89": {}, "9u=": {before: 'a'},
		"a9u": {after: '='}, "pla": {after: 'i'},
		"ac ": {before: 'x'}, "bot": {}, "ria": {after: 'l'}, "ial": {before: 'r'}, "sk_": {},
		"ook": {after: 's'}, "hoo": {after: 'k'}, "e-l": {before: 't'}, "te-": {after: 'l'},
		"hf_": {}, "is ": {after: 'y'}, "s y": {before: 'i'}, "la ": {after: 'm'}, "a m": {before: 'l'},
	} {
		put(window, x)
	}
	put("\"ps", hint{after: 'k'})
	for _, c := range "=:' \\%>]`" {
		put("sk"+string(c), hint{before: 'p'})
	}
	for c := range 10 {
		put("ot"+strconv.Itoa(c), hint{before: 'b'})
	}
	put("bea", hint{after: 'r'})
	put("ear", hint{before: 'b'})
	put("uth", hint{before: 'a'})
	put("th=", hint{before: 'u'})
	put("gin", hint{after: ' '})
	put("ier", hint{after: '='})
	put("amb", hint{before: 's'})
	for _, x := range [...]string{"msc", "sco", "ms_", "s_c"} {
		put(x, hint{})
	}
	put("csr", hint{after: 'f'})
	put("srf", hint{after: '='})
	put("ech", hint{after: 'o'})
	put("cho", hint{before: 'e'})
	return t, exact
}()

// windowAt is the window of three bytes at s[i], lower case.
func windowAt(s string, i int) uint32 {
	return (uint32(s[i]) | uint32(s[i+1])<<8 | uint32(s[i+2])<<16) | 0x202020
}

func hintOf(window uint32) uint32 { return window * 0x165667B1 >> (32 - hintBits) }

// hinted says whether the window at s[i] is a hint indeed.
func hinted(s string, i int, window uint32) bool {
	x, ok := exactHints[window]
	switch {
	case !ok, x.before != 0 && (i == 0 || s[i-1]|0x20 != x.before), x.after != 0 && (i+3 == len(s) || s[i+3]|0x20 != x.after):
		return false
	case x.url:
		colon := i
		if s[i+1] == ':' {
			colon++
		}
		var room [1]span
		return strings.HasPrefix(s[colon:], "://") && len(userinfo(room[:0], s, colon+3)) > 0
	}
	return true
}

// secretsIn appends the secrets of s, in order and apart.
func secretsIn(dst []span, s string) []span {
	from := 0 // what is before has been looked at
	for i := 0; i+3 <= len(s); i += 2 {
		window := windowAt(s, i)
		if h := hintOf(window); hints[h>>5]&(1<<(h&31)) == 0 || !hinted(s, i, window) {
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
			dst = inserted(networkCredential(dst, s, i), s, i)
		case ' ':
			dst = device(dst, s, i)
		case '.':
			dst = dotted(dst, s, i)
		case 'c', 'f', 'F', 'u', 'U', 'q', 'd', 'w':
			dst = spoken(dst, s, i, c)
		case '_':
			dst = prefixed(dst, s, i, underscored[:], 20)
		case '%':
			dst = escaped(dst, s, i)
		case '\'':
			dst = quoted(dst, s, i)
		case '/':
			dst = slashFlag(dst, s, i)
		case '$':
			dst = crypted(dst, s, i)
		case '}':
			dst = braced(dst, s, i)
		case 'x':
			dst = codeNamed(dst, s, i, i+len("xac thuc"))
		case '>':
			dst = element(dst, s, i)
		case 'I':
			dst = amazon(dst, s, i)
		case 'J':
			dst = webToken(dst, s, i)
		case 'P':
			if i >= 2 && s[i-1] == 'T' && s[i-2] == 'O' {
				dst = otp(dst, s, i+1)
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
		if c == ':' && (digit(b) && strings.HasPrefix(s[i:], ":AA") || b == 'e' && strings.HasSuffix(s[:i], emptyLM)) {
			return true
		}
		if c == '=' && b|0x20 == 'd' && i >= 3 && s[i-2] == '5' && s[i-3] == '%' { // "user%5Bpassword%5D="
			return true
		}
		if b == ';' || b == '2' || b == '7' { // a quote of XML or JSON
			if quoteBefore(s, i) > 0 {
				return true
			}
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
		case 'k', 'b', 'p', 'a', 'r', 's', 't', 'i', 'K', 'Y':
			return i >= 2
		}
		return i+1 < len(s) && s[i+1] == '-' && strings.HasPrefix(s[i:], "-----BEGIN ")
	case '_':
		return i >= 2 && strings.IndexByte("hatvpces", s[i-2]) >= 0
	case '%':
		return i+2 < len(s) && (s[i+1] == '3' && (s[i+2]|0x20 == 'd' || s[i+2]|0x20 == 'a') || s[i+1] == '2' && s[i+2] == '5')
	case '\'':
		return b == ' ' || b == '('
	case '(':
		if b|0x20 == 'l' || b == 'w' {
			return i > 12
		}
		return i+1 < len(s) && s[i+1] != ')' && (b|0x20 == 's' || b == ' ' && i >= 2 && s[i-2]|0x20 == 's')
	case ' ':
		return deviceWord(s, i)
	case '.':
		return i >= 2 && (b == 's' || b == 'b' || b == 'G' || b == '9' || b == 'k' && strings.HasPrefix(s[i:], ".com/services/"))
	case 'c', 'f', 'F', 'u', 'U', 'q', 'd', 'w':
		return commandWord(s, i, c)
	case '/':
		return (b == ' ' || b == '"') && i+1 < len(s) && strings.IndexByte("prdPRD", s[i+1]) >= 0
	case '$':
		return i+2 < len(s) && strings.IndexByte("1562ya7", s[i+1]) >= 0
	case '}':
		return i >= 4 && hashName(s[:i])
	case 'x':
		return b == ' ' && i >= 3 && s[i-2]|0x20 == 'a' && s[i-3]|0x20 == 'm' &&
			(strings.HasPrefix(s[i:], "xac thuc") || strings.HasPrefix(s[i:], "xac nhan") || strings.HasPrefix(s[i:], "xac minh"))
	case '>':
		return b == '"' || b == '\'' || letter(b)
	}
	return true
}

// sessionMost is how many bytes of what follows the name of a session are looked at; no session is as long.
const sessionMost = 4096

// hopeless says, before a value is sought to its end, that it will be worth nothing: its end may be a megabyte away, and be sought again
// from the next key, which may stand within it.
func hopeless(kind, v string) bool {
	if strings.HasPrefix(v, secretOpen) || strings.HasPrefix(v, Prefix) || strings.HasPrefix(v, "%%") {
		return true
	}
	most := 0 // characters of a value
	switch kind {
	case "otp":
		most = 64
	case "session":
		most = sessionMost - 8
	default:
		return false
	}
	v = strings.TrimLeft(v, "\\\"' ")
	if len(v) <= most {
		return false
	}
	v = v[:most]
	if kind == "otp" {
		v = strings.ReplaceAll(v, "?", "x") // is a part of the value
	}
	return !strings.ContainsAny(v, " \t\r\n&\"'<>`|;#,)}]?\\") && !strings.Contains(v, "%26") && !strings.Contains(v, "%22") &&
		!strings.Contains(v, "%27")
}

// worth says whether a value may be a secret of a kind: nothing, what hides one already, and words that stand for none are not, nor is
// the number of a firewall's or terminal's session.
func worth(kind, v string) bool {
	digits := allDigits(v)
	switch {
	case kind == "session" && (digits || len(v) < 10),
		kind == "password" && len(v) < 4 && strings.Trim(v, "IVX") == "", // "MK: II", a number
		kind == "otp" && (!allDigits(strings.ReplaceAll(v, " ", "")) || len(v) < 4 || len(v) > 11),
		(kind == "password" || kind == "secret") && digits && len(v) < 4:
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
// no common word: a command line stands in event.original in another spelling. entries are those of its fields.
func (p *Protector) destroySecrets(e *ecs.Event, entries []uint32) {
	var room [8]span
	var found foundSecrets
	// Where the line as it came holds none, what was cut out of it holds none: only what a decoder had to spell out is looked at.
	clean := false
	if line := e.Text(ecs.EventOriginal); len(line) >= 8 {
		clean = len(secretsIn(room[:0], line)) == 0
	}
	for i, entry := range entries {
		f, v := e.At(i)
		if v.Kind > ecs.Number || v.Text == "" {
			continue
		}
		var text string
		if entry&secretField != 0 {
			if text = wholeSecret(f.Name(), v.Text); text != v.Text {
				found.add(fieldKind(f.Name()), v.Text)
			}
		} else if len(v.Text) < 8 || clean && entry&spelledField == 0 || fieldClass(entry&classMask) == classNever &&
			(entry&namedField == 0 || v.Kind != ecs.String || len(v.Text) < leastKey) {
			continue
		} else if s := secretsOf(room[:0], f, v.Text, entry&namedField != 0); len(s) > 0 {
			for _, x := range s {
				found.add(x.kind, v.Text[x.start:x.end])
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
	destroyLists(e, entries, &found)
	if len(found) == 0 {
		return
	}
	for i, entry := range entries {
		_, v := e.At(i)
		named := entry&namedField != 0
		if v.Kind != ecs.String || fieldClass(entry&classMask) == classNever && !named {
			continue
		}
		text := v.Text
		for _, k := range found {
			if named && len(k.text) < leastKey {
				continue // a word that is a password here may be somebody's name there
			}
			text = strings.ReplaceAll(text, k.text, k.hidden)
		}
		if text != v.Text {
			e.SetAt(i, text)
		}
	}
}

// leastKey is how long a secret is at least that is taken out of a name: those of known prefixes are.
const leastKey = 16

// secretsOf are the secrets in a text; in a name only long ones, and the password that somebody put before a host.
func secretsOf(dst []span, f ecs.Field, text string, named bool) []span {
	if !named {
		return secretsIn(dst, text)
	}
	if at := strings.LastIndexByte(text, '@'); at > 0 && (strings.HasSuffix(f.Name(), "domain") || f.Name() == "related.hosts") {
		if colon := strings.IndexByte(text[:at], ':'); colon > 0 && colon+1 < at {
			return append(dst, span{colon + 1, at, "password"})
		}
	}
	return slices.DeleteFunc(secretsIn(dst, text), func(s span) bool { return s.end-s.start < leastKey })
}

// keyInName is the name of a field without the keys in it.
func keyInName(name string) string {
	if len(name) < leastKey {
		return name
	}
	s := slices.DeleteFunc(secretsIn(nil, name), func(s span) bool { return s.end-s.start < leastKey })
	if len(s) == 0 {
		return name
	}
	return without(name, s)
}

// fieldKind is the kind of secret that the name of a field says its whole value to be: by its last part (db.password, passwords), as one of
// cookies (cookies.sid), or as the value of an object that is one (password.value).
func fieldKind(name string) string {
	above, last := "", name
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		above, last = name[:i], name[i+1:]
	}
	above = above[strings.LastIndexByte(above, '.')+1:]
	if kind := keyOf(last); kind != "" {
		return kind
	}
	switch low := strings.ToLower(last); low {
	case "passwords", "secrets":
		return low[:len(low)-1]
	case "value", "text", "#text", "_text", "$":
		return keyOf(above)
	case "name", "path", "domain", "expires", "max_age", "maxage", "http_only", "httponly", "same_site", "samesite", "secure", "size", "count",
		"length":
		return ""
	}
	if strings.EqualFold(above, "cookies") || strings.EqualFold(above, "cookie") {
		return "cookie"
	}
	return ""
}

// wholeSecret is the value of a field whose name says that it holds a secret.
func wholeSecret(name, text string) string {
	kind := fieldKind(name)
	if !worth(kind, text) {
		return text
	}
	var s []span
	switch kind {
	case "authorization":
		s = authorization(nil, text, 0)
	case "cookie":
		if keyOf(name[strings.LastIndexByte(name, '.')+1:]) == kind { // all of them, "a=1; b=2"
			s = cookies(nil, text, 0)
		}
	}
	if len(s) == 0 || s[len(s)-1].end > len(text) {
		s = []span{{0, len(text), kind}}
	}
	return without(text, s)
}
