package privacy

import (
	"slices"
	"strings"
)

// A commandFlag is a flag whose value is a secret to some commands only: -p is a password to sshpass and a port to ssh.
type commandFlag struct {
	flag     string // without its dash; upper and lower case differ
	glued    bool   // the value follows at once ("mysql -psecret")
	behind   byte   // the secret begins behind it ("curl -u an:secret"); 0: it is the whole value
	commands []string
}

var commandFlags = []commandFlag{
	{flag: "p", glued: true, commands: []string{"mysql", "mysqldump", "mysqladmin", "mysqlimport", "mariadb", "mariadb-dump", "sshpass", "7z",
		"7za", "7zr", "7zz", "rar", "unrar", "winrar"}},
	{flag: "hp", glued: true, commands: []string{"rar", "winrar"}},
	{flag: "p", commands: []string{"sshpass", "psexec", "psexec64", "usermod", "useradd", "docker login", "podman login", "nerdctl login",
		"oc login", "az login", "mongo", "mongosh", "mongodump", "mongorestore", "crackmapexec", "netexec", "nxc", "evil-winrm", "smbmap",
		"rdesktop", "hydra", "medusa", "cqlsh", "twine upload", "certutil", "helm registry login", "racadm", "cypher-shell",
		"elasticsearch-reset-password", "enum4linux"}},
	{flag: "p", glued: true, behind: ':', commands: []string{"winrs"}},
	{flag: "s", commands: []string{"ldappasswd"}},
	{flag: "P", glued: true, commands: []string{"sqlcmd", "bcp", "osql", "isql", "ipmitool"}},
	{flag: "P", commands: []string{"isql", "vmware-cmd", "zip", "unzip", "sqlcmd", "bcp", "osql", "mosquitto_pub", "mosquitto_sub", "ipmitool", "mssql-cli"}},
	{flag: "c", commands: snmpTools}, {flag: "A", commands: snmpTools}, {flag: "X", commands: snmpTools},
	{flag: "w", commands: ldapTools}, {flag: "w", commands: []string{"ipa-client-install"}}, {flag: "w", glued: true, commands: ldapTools},
	{flag: "upw", commands: pdfTools}, {flag: "opw", commands: pdfTools},
	{flag: "a", commands: []string{"ldappasswd", "redis-cli"}},
	{flag: "k", commands: []string{"openssl enc", "nuget push"}},
	{flag: "U", behind: '%', commands: []string{"smbclient", "rpcclient", "smbget", "winexe", "net"}},
	{flag: "u", behind: ':', commands: []string{"curl"}}, {flag: "u", glued: true, behind: ':', commands: []string{"curl"}},
	{flag: "user", behind: ':', commands: []string{"curl"}}, {flag: "proxy-user", behind: ':', commands: []string{"curl"}},
	{flag: "U", behind: ':', commands: []string{"curl"}},
	{flag: "u", behind: ':', commands: []string{"govc"}},
	{flag: "a", behind: ':', commands: []string{"http", "https"}},
	{flag: "b", behind: '=', commands: []string{"curl"}}, {flag: "cookie", behind: '=', commands: []string{"curl"}},
	{flag: "u", behind: ',', commands: []string{"lftp"}}, {flag: "user", behind: ',', commands: []string{"lftp"}},
}

var ldapTools = []string{"ldapsearch", "ldapmodify", "ldapadd", "ldapdelete", "ldappasswd", "ldapwhoami", "ldapcompare"}

var pdfTools = []string{"pdftotext", "pdfimages", "pdfinfo"}

var snmpTools = []string{"snmpget", "snmpgetnext", "snmpwalk", "snmpbulkget", "snmpbulkwalk", "snmpset", "snmptable", "snmptrap"}

// reach is how far before a flag its command is sought.
const reach = 120

// runs says whether a command stands in text as a word: after its folder, with ".exe" or not.
func runs(text, command string) bool {
	for rest := text; ; {
		i := strings.LastIndex(rest, command)
		if i < 0 {
			return false
		}
		end := i + len(command)
		if (i == 0 || !tokenByte(rest[i-1]) && rest[i-1] != '.') &&
			(end == len(text) || ends(text[end]) || strings.HasPrefix(text[end:], ".exe")) {
			return true
		}
		rest = rest[:end-1]
	}
}

func ends(c byte) bool { return c == ' ' || c == '"' || c == '\'' || c == ',' || c == '\t' }

// flagged is the secret of a flag of a command: name begins at from, j is behind it.
func flagged(dst []span, s string, from, j int) []span {
	flag := s[from:j]
	before := strings.ToLower(s[max(0, from-reach):from])
	for k := range commandFlags {
		c := &commandFlags[k]
		v := j
		switch {
		case c.glued && strings.HasPrefix(flag, c.flag) && (len(flag) > len(c.flag) || j < len(s) && !ends(s[j]) && s[j] != '='):
			v = from + len(c.flag)
		case !c.glued && flag == c.flag:
			for v < len(s) && v-j < 4 && (ends(s[v]) || v == j && s[v] == '=') {
				v++
			}
			if v == j || v >= len(s) || s[v] == '-' {
				continue
			}
			if k := auditArgument(s, v); k > v {
				v = k
			} else if s[v-1] == '"' || s[v-1] == '\'' {
				v--
			}
		default:
			continue
		}
		if !slices.ContainsFunc(c.commands, func(command string) bool { return runs(before, command) }) {
			continue
		}
		start, end, _ := value(s, v)
		if c.behind == 0 {
			return append(dst, span{start, end, "password"})
		}
		if k := strings.IndexByte(s[start:end], c.behind); k >= 0 {
			return append(dst, span{start + k + 1, end, "password"})
		}
	}
	if flag == "p" || flag == "P" {
		return besideUser(dst, s, from, j)
	}
	return dst
}

// besideUser is the password in "-u an -p secret" of a command that is not listed: the flag stands right behind the one that names a user,
// and its value is no number, port or path. name begins at from, j is behind it.
func besideUser(dst []span, s string, from, j int) []span {
	list := words(s, j, 1)
	if len(list) == 0 || j >= len(s) || s[j] != ' ' {
		return dst
	}
	w := list[0]
	text := s[w.start:w.end]
	if len(text) < 6 || !digitAndLetter(text) || strings.ContainsAny(text, "/\\:.$=") {
		return dst
	}
	before := strings.Fields(s[max(0, from-reach) : from-1])
	if n := len(before); n >= 3 {
		switch before[n-2] {
		case "-u", "-U", "--user", "--username", "-user", "-username":
			if before[n-1][0] != '-' && before[n-3] != "sudo" && before[n-3] != "cp" {
				return append(dst, span{w.start, w.end, "password"})
			}
		}
	}
	return dst
}

// digitAndLetter says whether a word holds one of each.
func digitAndLetter(s string) bool {
	return strings.ContainsAny(s, "0123456789") && strings.ContainsAny(s, letters52)
}

// auditArgument is where the value begins when the next argument stands at v as auditd has it, a1="--password" a2="…"; v otherwise.
func auditArgument(s string, v int) int {
	if k := strings.IndexByte(s[v:min(len(s), v+6)], '='); k > 1 && s[v] == 'a' && digit(s[v+1]) {
		return v + k + 1
	}
	return v
}

// beforeCode are the bytes that may stand before "2fa".
const beforeCode = " \"'(:,\t"

// commandWord says whether one of the commands below begins or stands around the byte i; it is asked of few bytes only (near).
func commandWord(s string, i int, c byte) bool {
	switch c {
	case 'c':
		return i >= 2 && strings.HasPrefix(s[i-2:], "kich hoat") || strings.HasPrefix(s[i-1:], "echo ") || strings.HasPrefix(s[i:], "code") || strings.HasPrefix(s[i:], "Code")
	case 'f', 'F':
		return strings.HasPrefix(s[i:], "f ") && i >= 5 && s[i-5:i] == "print" ||
			s[i-1] == '2' && (i == 1 || strings.IndexByte(beforeCode, s[i-2]) >= 0) ||
			i >= 6 && strings.EqualFold(s[i-6:i+1], "identif")
	case 'u', 'U':
		return s[i-1] == ' ' && i >= 4 && s[i-2]|0x20 == 't' || i >= 5 && s[i-1] == ' ' && (s[i-2] == '1' || s[i-2]|0x20 == 'e')
	case 'q':
		return strings.HasPrefix(s[i:], "qlplus ") || strings.HasPrefix(s[i:], "qlldr ")
	case 'd':
		return strings.HasPrefix(s[i-1:], "pdp ")
	case 'w':
		return strings.HasPrefix(s[i:], "wd ") && i >= 6 && (s[i-6:i] == "htpass" || s[i-6:i] == "chpass")
	}
	return false
}

// spoken is the secret of a command whose arguments go by their place.
func spoken(dst []span, s string, i int, c byte) []span {
	switch c {
	case 'c':
		if s[i-1] == 'e' && strings.HasPrefix(s[i:], "cho ") {
			return echoed(dst, s, i+4)
		}
		if s[i-1] == 'i' { // "Ma kich hoat"
			if i < 5 || !strings.EqualFold(s[i-5:i-2], "ma ") {
				return dst
			}
			return codeNamed(dst, s, i-2, i-2+len("kich hoat"))
		}
		return codeWord(dst, s, i)
	case 'f', 'F':
		switch {
		case s[i-1] == 't':
			return echoed(dst, s, i+2)
		case s[i-1] == '2':
			if i+1 < len(s) && s[i+1]|0x20 == 'a' {
				return codeBehind(dst, s, i+2)
			}
			return dst
		}
		return identified(dst, s, i)
	case 'u', 'U':
		return netUser(dst, s, i)
	case 'q':
		return oracle(dst, s, i+strings.IndexByte(s[i:], ' ')+1)
	case 'd':
		return oracle(dst, s, i+3)
	case 'w':
		if s[i-6] == 'c' {
			return hereString(dst, s, i+3)
		}
		return htpasswd(dst, s, i+3)
	}
	return dst
}

// words are the next words of a command line from i on, at most n and within 300 bytes; in quotes one is what they hold.
func words(s string, i, n int) (list []span) {
	end := min(len(s), i+300)
	for len(list) < n {
		for i < end && (s[i] == ' ' || s[i] == ',') {
			i++
		}
		if i >= end || s[i] == '|' || s[i] == ';' || s[i] == '&' || s[i] == '\n' {
			return list
		}
		start, stop, inQuotes := value(s, i)
		if stop <= start && !inQuotes {
			return list
		}
		list = append(list, span{start, stop, ""})
		if i = stop; inQuotes && i < len(s) {
			i++
		}
	}
	return list
}

// echoed is what a command reads as its secret: echo an:secret | chpasswd, printf secret | sudo -S.
func echoed(dst []span, s string, i int) []span {
	pipe := strings.IndexByte(s[i:min(len(s), i+200)], '|')
	if pipe < 0 {
		return dst
	}
	to := strings.TrimLeft(s[i+pipe:min(len(s), i+pipe+80)], "| ")
	named := false
	for _, reader := range [...]string{"chpasswd", "passwd", "sudo -S", "smbpasswd", "kinit", "cryptsetup", "docker login", "podman login", "su - "} {
		k := strings.Index(to, reader)
		named = named || k >= 0 && !strings.ContainsAny(to[:k], "|;&")
	}
	if !named {
		return dst
	}
	for _, w := range words(s[:i+pipe], i, 4) {
		text := s[w.start:w.end]
		if text == "" || text[0] == '-' || strings.HasPrefix(text, "%s") {
			continue
		}
		if k := strings.IndexByte(text, ':'); k >= 0 && strings.Contains(to, "chpasswd") {
			w.start += k + 1
		}
		for _, tail := range [...]string{`\n`, `\`} { // printf 'secret\n', echo \"secret\"
			if strings.HasSuffix(s[w.start:w.end], tail) {
				w.end -= len(tail)
			}
		}
		return append(dst, span{w.start, w.end, "password"})
	}
	return dst
}

// netUser is Windows' "net user an secret /add" and "net use \\may\chung secret /user:an".
func netUser(dst []span, s string, i int) []span {
	before := strings.ToLower(strings.TrimRight(s[max(0, i-10):i], " \""))
	if !runs(before, "net") && !runs(before, "net1") ||
		!strings.HasSuffix(strings.TrimSuffix(strings.TrimSuffix(before, ".exe"), "1"), "net") {
		return dst
	}
	list := words(s, i, 6)
	if len(list) < 3 {
		return dst
	}
	switch verb := strings.ToLower(s[list[0].start:list[0].end]); verb {
	case "user":
		list = list[2:3]
	case "use":
		list = list[1:]
	default:
		return dst
	}
	for _, w := range list {
		text := s[w.start:w.end]
		if text == "" || text == "*" || text[0] == '/' || text[0] == '\\' || strings.HasSuffix(text, ":") {
			continue
		}
		return append(dst, span{w.start, w.end, "password"})
	}
	return dst
}

// oracle is "sqlplus scott/secret@orcl".
func oracle(dst []span, s string, i int) []span {
	for _, w := range words(s, i, 4) {
		text := s[w.start:w.end]
		if text == "" || text[0] == '-' || len(text) == 1 && w.start > i && s[w.start-2] == '-' {
			continue
		}
		name, rest, ok := strings.Cut(text, "/")
		if !ok || name == "" || strings.Contains(strings.TrimPrefix(strings.ToLower(name), "userid="), "=") {
			return dst
		}
		if k := strings.LastIndexByte(rest, '@'); k >= 0 {
			rest = rest[:k]
		}
		return append(dst, span{w.start + len(name) + 1, w.start + len(name) + 1 + len(rest), "password"})
	}
	return dst
}

// htpasswd is "htpasswd -b file an secret".
func htpasswd(dst []span, s string, i int) []span {
	batch, file := false, true
	var rest []span
	for _, w := range words(s, i, 8) {
		if text := s[w.start:w.end]; strings.HasPrefix(text, "-") {
			batch, file = batch || strings.Contains(text, "b"), file && !strings.Contains(text, "n")
		} else {
			rest = append(rest, w)
		}
	}
	at := 1
	if file {
		at = 2
	}
	if !batch || len(rest) <= at {
		return dst
	}
	return append(dst, span{rest[at].start, rest[at].end, "password"})
}

// identified is SQL's IDENTIFIED BY 'secret', IDENTIFIED BY "secret", IDENTIFIED WITH plugin BY 'secret', IDENTIFIED BY secret.
func identified(dst []span, s string, i int) []span {
	list := words(s, i-6, 6)
	by := false
	for k := 1; k < len(list); k++ {
		switch w := strings.ToLower(s[list[k].start:list[k].end]); {
		case w == "by" || w == "as":
			by = true
		case w == "with" || w == "values" || w == "password":
		case by:
			quoted := s[list[k].start-1] == '\'' || s[list[k].start-1] == '"'
			if before := strings.ToLower(s[max(0, i-reach):i]); !quoted && !strings.Contains(before, "user ") &&
				!strings.Contains(before, "role ") && !strings.Contains(before, "connect to ") {
				return dst // "devices identified by serial numbers"
			}
			return append(dst, span{list[k].start, list[k].end, "password"})
		}
	}
	return dst
}

// inserted are the secrets among the values of "INSERT INTO t (name, password) VALUES ('an', 'secret'), …": i is the "(" behind VALUES.
func inserted(dst []span, s string, i int) []span {
	head := strings.TrimRight(s[max(0, i-600):i], " ")
	if len(head) < 8 || !strings.EqualFold(head[len(head)-6:], "values") {
		return dst
	}
	head = strings.TrimRight(head[:len(head)-6], " ")
	open := strings.LastIndexByte(head, '(')
	if open < 0 || !strings.HasSuffix(head, ")") {
		return dst
	}
	columns := strings.Split(head[open+1:len(head)-1], ",")
	column, depth := 0, 1
	for at := i + 1; at < len(s) && at < i+8<<10; {
		switch c := s[at]; {
		case c == ',' && depth == 1:
			column++
			at++
		case c == '(':
			if depth++; depth == 1 {
				column = 0
			}
			at++
		case c == ')':
			depth--
			at++
		case c == ';':
			return dst
		case c == '\'' || c == '"':
			start, end, _ := value(s, at)
			if column < len(columns) {
				if kind := keyOf(strings.Trim(columns[column], " `\"'[]")); kind != "" {
					dst = append(dst, span{start, end, kind})
				}
			}
			at = end + 1
		default:
			at++
		}
	}
	return dst
}

// formPart is the value of a secret field of a multipart form: what follows the header up to the next boundary.
func formPart(dst []span, s string, i int) []span {
	rest := s[i+len(`-data; name="`):]
	name, _, ok := strings.Cut(rest, `"`)
	kind := keyOf(name)
	if !ok || kind == "" {
		return dst
	}
	start := i + len(`-data; name="`) + len(name) + 1
	for start < len(s) && (s[start] == ' ' || s[start] == '\r' || s[start] == '\n' || strings.HasPrefix(s[start:], `\r`) ||
		strings.HasPrefix(s[start:], `\n`)) {
		if s[start] == '\\' {
			start++
		}
		start++
	}
	end := start
	for end < len(s) && s[end] != '\r' && s[end] != '\n' && !strings.HasPrefix(s[end:], `\r`) && !strings.HasPrefix(s[end:], `\n`) &&
		!strings.HasPrefix(s[end:], " --") {
		end++
	}
	return append(dst, span{start, end, kind})
}

// codeWord is the code behind "verification code", "login code" and the like, or before it: "633714 is your verification code".
func codeWord(dst []span, s string, i int) []span {
	before := strings.ToLower(s[max(0, i-48):i])
	for _, w := range [...]string{"verification ", "security ", "authentication ", "confirmation ", "login ", "one-time ", "one time ", "mfa ", "2fa ",
		"otp ", "auth "} {
		if !strings.HasSuffix(before, w) {
			continue
		}
		if k := max(strings.LastIndex(before, " is your "), strings.LastIndex(before, " as your ")); k >= 0 {
			return codeBefore(dst, s, max(0, i-48)+k)
		}
		return codeBehind(dst, s, i+len("code"))
	}
	return dst
}

// codeBefore is a one-time code that ends at i.
func codeBefore(dst []span, s string, i int) []span {
	from := i
	for from > 0 && i-from < 9 && digit(s[from-1]) {
		from--
	}
	if n := i - from; n < 4 || n > 8 || from > 0 && (letter(s[from-1]) || s[from-1] == ':') {
		return dst
	}
	return append(dst, span{from, i, "otp"})
}

// codeBehind is a one-time code that follows at once: "code is 918273", "2fa: 650917".
func codeBehind(dst []span, s string, i int) []span {
	rest := s[i:min(len(s), i+20)]
	k := strings.IndexAny(rest, "0123456789")
	if k < 0 {
		return dst
	}
	switch strings.ToLower(strings.Trim(rest[:k], " :=#")) {
	case "", "is", "was", "code", "code is":
		return oneTime(dst, s, i+k-1)
	}
	return dst
}
