package privacy

import "strings"

// Secrets of commands that are neither behind a flag with a dash nor by a key: behind a flag of Windows, behind a phrase, in a here-string.

// hereString is "chpasswd <<< an:secret"; i is behind the command.
func hereString(dst []span, s string, i int) []span {
	rest := strings.TrimLeft(s[i:], " ")
	if !strings.HasPrefix(rest, "<<<") {
		return dst
	}
	at := len(s) - len(rest) + len("<<<")
	for at < len(s) && s[at] == ' ' {
		at++
	}
	start, end, _ := value(s, at)
	k := strings.IndexByte(s[start:end], ':')
	if k < 0 {
		return dst
	}
	return append(dst, span{start + k + 1, end, "password"})
}

// slashFlag is the secret of a flag of a Windows command that is the next word: schtasks /rp, ktpass /pass, signtool /p,
// reg add … /v DefaultPassword /d.
func slashFlag(dst []span, s string, i int) []span {
	j := i + 1
	for j < len(s) && j-i < 8 && letter(s[j]) {
		j++
	}
	if j >= len(s) || s[j] != ' ' {
		return dst
	}
	before := strings.ToLower(s[max(0, i-reach):i])
	known := false
	kind := "password"
	switch strings.ToLower(s[i+1 : j]) {
	case "rp":
		known = runs(before, "schtasks")
	case "pass":
		known = runs(before, "ktpass")
	case "p":
		known = runs(before, "signtool")
	case "d":
		if k := strings.LastIndex(before, "/v "); k >= 0 && runs(before, "reg") {
			name, _, _ := strings.Cut(strings.TrimLeft(before[k+len("/v "):], ` "`), " ")
			kind = keyOf(strings.TrimRight(name, `"`))
			known = kind != ""
		}
	}
	if !known {
		return dst
	}
	start, end, _ := value(s, j+1)
	return append(dst, span{start, end, kind})
}

// A phrase is a command whose nth word after it is a secret; flags between them do not count.
type phrase struct {
	words string
	nth   int
	kind  string
}

var phrases = [...]phrase{{"vault login", 1, "token"}, {"change_password", 2, "password"}, {"add_user", 2, "password"},
	{"sp_addlogin", 2, "password"}, {"sp_password", 2, "password"}, {"convertto-securestring", 1, "password"},
	{"auth plain", 1, "basic"}, {"setapikey", 1, "api-key"}, {"set-user-password", 3, "password"},
	{"cargo login", 1, "token"}, {"samba-tool user create", 2, "password"}, {"requirepass", 1, "password"},
	{"masterauth", 1, "password"}}

// phrased is the secret behind a phrase that ends at the blank i.
func phrased(dst []span, s string, i int) []span {
	for _, p := range phrases {
		from := i - len(p.words)
		if from < 0 || !strings.EqualFold(s[from:i], p.words) || from > 0 && tokenByte(s[from-1]) {
			continue
		}
		n := 0
		for _, w := range words(s, i, p.nth+4) {
			text := s[w.start:w.end]
			if text == "" || text[0] == '-' {
				continue
			}
			if n++; n < p.nth {
				continue
			}
			if text[0] == '$' || text[0] == '(' || text[0] == '=' || p.kind == "token" && strings.Contains(text, "=") ||
				p.kind == "basic" && !digitAndLetter(text) {
				return dst // a variable, what a command answers, a pair
			}
			return append(dst, span{w.start, w.end, p.kind})
		}
		return dst
	}
	if found := protocol(dst, s, i); len(found) > len(dst) {
		return found
	}
	return impacket(dst, s, i)
}

// protocol is the secret of a line a client sent, as servers of mail, files and Redis log it: "PASS secret", "AUTH secret",
// "AUTH an secret", "a1 LOGIN an secret". The command begins its line and the secret ends it, or it is prose; i is the blank
// behind the command.
func protocol(dst []span, s string, i int) []span {
	name := word(s[:i])
	from, least, most := i-len(name), 1, 1
	switch name {
	case "PASS":
	case "AUTH":
		most = 2
	case "LOGIN":
		tag := word(s[:max(0, from-1)])
		if tag == "" || len(tag) > 8 || !digit(tag[len(tag)-1]) || strings.Contains(tag, ".") {
			return dst
		}
		from -= len(tag) + 1
		least, most = 2, 2
	default:
		return dst
	}
	if from > 0 && s[from-1] != '\n' {
		return dst
	}
	list := words(s, i, most+1)
	if len(list) < least || len(list) > most {
		return dst
	}
	w := list[len(list)-1]
	if rest := strings.TrimLeft(s[w.end:min(len(s), w.end+4)], `"' `); rest != "" && rest[0] != '\r' && rest[0] != '\n' {
		return dst
	}
	if text := s[w.start:w.end]; name == "AUTH" && (text == "LOGIN" || text == "PLAIN") {
		return dst // the way, no secret
	}
	return append(dst, span{w.start, w.end, "password"})
}

// said is the password that a sentence tells, whose word for it ends at i: "password is …", "mật khẩu mới của bạn là: …". As it is prose,
// only a word of at least six characters with a letter and a digit is one, and no date, path or address.
func said(dst []span, s string, i int) []span {
	list := words(s, i, 8)
	for k, w := range list[:max(0, len(list)-1)] {
		switch composed(s[w.start:w.end]) {
		case "is", "is:", "was", "was:", "là", "là:", "la", "la:", "thành",
			"thành:", "thanh", "thanh:", "mới:", "moi:", "thời:", "thoi:":
		default:
			continue
		}
		w = list[k+1]
		text := strings.TrimRight(s[w.start:w.end], ".,;!?)")
		if len(text) >= 6 && digitAndLetter(text) && !strings.ContainsAny(text, `/\:=[]()`) && strings.Count(text, ".") < 2 &&
			!(len(text) > 8 && allDigits(text[:4]) && text[4] == '-') {
			return append(dst, span{w.start, w.start + len(text), "password"})
		}
	}
	return dst
}

// networkCredential is the second text in PowerShell's NetworkCredential("an", "secret") and [PSCredential]::new("an", "secret"); i is
// the "(".
func networkCredential(dst []span, s string, i int) []span {
	if name := strings.ToLower(strings.TrimSuffix(s[max(0, i-24):i], "]::new")); !strings.HasSuffix(name, "credential") {
		return dst
	}
	at := i + 1
	for n := range 2 {
		for at < len(s) && (s[at] == ' ' || s[at] == ',') {
			at++
		}
		start, end, inQuotes := value(s, at)
		if !inQuotes {
			return dst
		}
		if n == 1 {
			dst = append(dst, span{start, end, "password"})
		}
		at = min(len(s), end+start-at) // its quotes are as long as those before it
	}
	return dst
}

// impacket is the password in "psexec.py domain/an:secret@10.0.0.1", as the tools of that collection take it.
func impacket(dst []span, s string, i int) []span {
	name := word(s[:i])
	if !strings.HasPrefix(name, "impacket-") && !strings.HasSuffix(name, "exec.py") && name != "secretsdump.py" {
		return dst
	}
	for _, w := range words(s, i, 6) {
		text := s[w.start:w.end]
		colon, at := strings.IndexByte(text, ':'), strings.LastIndexByte(text, '@')
		if colon > 0 && at > colon+1 && text[0] != '-' {
			return append(dst, span{w.start + colon + 1, w.start + at, "password"})
		}
	}
	return dst
}
