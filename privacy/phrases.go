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
	{"auth plain", 1, "basic"}, {"setapikey", 1, "api-key"}, {"set-user-password", 3, "password"}}

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
	return impacket(dst, s, i)
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
