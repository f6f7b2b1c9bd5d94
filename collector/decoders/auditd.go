package decoders

import (
	"encoding/hex"
	"strings"

	"hoalu/ecs"
)

var (
	fAuditID      = ecs.Intern("auditd.log.sequence")
	fUserAuditID  = ecs.Intern("user.audit.id")
	fUserEffIDNum = ecs.Intern("user.effective.id")
	fGroupIDNum   = ecs.Intern("group.id")
	fProcessArgs  = ecs.Intern("process.args")
)

// auditd reads one record of the Linux audit log: "[node=… ]type=SYSCALL msg=audit(1489636960.072:19623784): k=v k=\"v\" msg='…'".
// Sigma's linux/auditd rules ask for the record's own names (type, a0, exe, key …), so they stay.
func (d *Decoder) auditd(e *ecs.Event, s string) bool {
	i := strings.Index(s, "type=")
	j := strings.Index(s, "msg=audit(")
	if i < 0 || j < i {
		return false
	}
	end := strings.IndexByte(s[j:], ')')
	if end < 0 {
		return false
	}
	typ, _ := word(s[i+5:])
	stamp, seq, _ := strings.Cut(s[j+10:j+end], ":")
	if t, ok := numberTime(stamp); ok {
		e.Time = t
	}
	d.addNamed(e, append(d.name[:0], "type"...), typ, ecs.String)
	if digits(seq) {
		setNumber(e, fAuditID, seq)
	}
	body := strings.TrimLeft(s[j+end+1:], ": ")
	enriched := ""
	if k := strings.IndexByte(body, 0x1d); k >= 0 {
		body, enriched = body[:k], body[k+1:]
	}
	kvs := auditPairs(d.kvs[:0], typ, body)
	kvs = auditPairs(kvs, typ, enriched)
	kvs = joinParts(kvs)
	d.kvs = kvs
	if node, ok := strings.CutPrefix(s[:i], "node="); ok {
		set(e, ecs.HostName, strings.TrimSpace(node))
	}
	for _, p := range kvs {
		if p.k == "key" { // several keys of one rule stand behind each other
			for v := range strings.SplitSeq(p.v, "\x01") {
				d.addNamed(e, append(d.name[:0], p.k...), v, ecs.String)
			}
			continue
		}
		d.addNamed(e, append(d.name[:0], p.k...), p.v, ecs.String)
		auditField(e, p)
	}
	auditProcess(e, kvs)
	auditUser(e, kvs)
	auditType(e, typ, body, kvs)
	e.SetLogsource("linux", "auditd")
	return true
}

// auditField gives one pair its ECS name.
func auditField(e *ecs.Event, p pair) {
	switch p.k {
	case "euid":
		set(e, fUserEffIDNum, p.v)
	case "gid":
		set(e, fGroupIDNum, p.v)
	case "pid":
		if digits(p.v) {
			setNumber(e, ecs.ProcessPID, p.v)
		}
	case "ppid":
		if digits(p.v) {
			setNumber(e, ecs.ParentPID, p.v)
		}
	case "cwd":
		set(e, fWorkDir, p.v)
	case "proctitle", "cmd":
		set(e, ecs.ProcessCommandLine, p.v)
	case "addr":
		if isIP(p.v) {
			set(e, ecs.SourceIP, p.v)
		}
	case "tty", "terminal":
		if p.v != "(none)" && p.v != "?" {
			set(e, fTTY, p.v)
		}
	case "ses":
		set(e, fSessionID, p.v)
	case "res", "success":
		switch p.v {
		case "1", "yes", "success":
			set(e, ecs.EventOutcome, "success")
		case "0", "no", "failed":
			set(e, ecs.EventOutcome, "failure")
		}
	}
}

// auditProcess names the process; the daemon that carried the record is none.
func auditProcess(e *ecs.Event, kvs []pair) {
	exe := last(kvs, "exe")
	set(e, ecs.ProcessExecutable, exe)
	if comm := last(kvs, "comm"); comm != "" {
		set(e, ecs.ProcessName, comm)
	} else if exe != "" {
		set(e, ecs.ProcessName, baseName(exe))
	} else if h := e.Text(ecs.ProcessName); h == "auditd" || h == "audispd" || h == "audit" {
		e.Delete(ecs.ProcessName)
	}
}

func auditUser(e *ecs.Event, kvs []pair) {
	if acct := last(kvs, "acct"); acct != "" && acct != "?" {
		set(e, ecs.UserName, acct)
	} else if n := find(kvs, "AUID"); n != "" && n != "unset" {
		set(e, ecs.UserName, n)
	}
	if auid := last(kvs, "auid"); auid != "4294967295" && auid != "-1" && auid != "unset" {
		set(e, fUserAuditID, auid)
	}
	set(e, ecs.UserID, last(kvs, "uid"))
}

// auditType sets what follows from the type of a record.
func auditType(e *ecs.Event, typ, body string, kvs []pair) {
	set(e, ecs.EventAction, strings.ToLower(typ))
	switch {
	case typ == "PATH":
		set(e, ecs.FilePath, find(kvs, "name"))
	case typ == "AVC" && strings.Contains(body, "denied "):
		set(e, ecs.EventOutcome, "failure")
	case typ == "AVC" && strings.Contains(body, "granted "):
		set(e, ecs.EventOutcome, "success")
	case typ == "EXECVE":
		auditArguments(e, kvs)
	}
	switch {
	case strings.HasPrefix(typ, "USER_AUTH"), strings.HasPrefix(typ, "USER_LOGIN"), typ == "USER_ERR", typ == "CRED_ACQ":
		set(e, ecs.EventCategory, "authentication")
	case strings.HasPrefix(typ, "ADD_"), strings.HasPrefix(typ, "DEL_"), typ == "USER_MGMT", typ == "USER_CHAUTHTOK":
		set(e, ecs.EventCategory, "iam")
	case typ == "SYSCALL", typ == "EXECVE", typ == "PROCTITLE":
		set(e, ecs.EventCategory, "process")
	}
}

// auditArguments joins the arguments a0, a1 … to the command line.
func auditArguments(e *ecs.Event, kvs []pair) {
	set(e, ecs.ProcessExecutable, find(kvs, "a0"))
	line := make([]byte, 0, 256)
	for _, p := range kvs {
		if argument(p.k) {
			e.AddString(fProcessArgs, p.v)
			if len(line) > 0 {
				line = append(line, ' ')
			}
			line = append(line, p.v...)
		}
	}
	set(e, ecs.ProcessCommandLine, string(line))
}

// argument says whether a key is a0, a1, a2 …
func argument(k string) bool { return len(k) > 1 && k[0] == 'a' && digits(k[1:]) }

// last is the value of the last pair with a key.
func last(kvs []pair, k string) string {
	for i := len(kvs) - 1; i >= 0; i-- {
		if kvs[i].k == k {
			return kvs[i].v
		}
	}
	return ""
}

// joinParts puts a long argument together that the kernel wrote in parts: "a2_len=56 a2[0]=… a2[1]=…".
func joinParts(kvs []pair) []pair {
	out := kvs[:0]
	for i := 0; i < len(kvs); i++ {
		name, _, part := strings.Cut(kvs[i].k, "[")
		if !part || !argument(name) {
			out = append(out, kvs[i])
			continue
		}
		var b strings.Builder
		b.WriteString(kvs[i].v)
		for i+1 < len(kvs) && strings.HasPrefix(kvs[i+1].k, name+"[") {
			i++
			b.WriteString(kvs[i].v)
		}
		out = append(out, pair{name, b.String()})
	}
	return out
}

// auditPairs reads k=v, k="v" and k='a=b c="d"', the inner pairs of the last one taken as the record's own. A value in quotes is text as
// it stands; one without may be hexadecimal.
func auditPairs(kvs []pair, typ, s string) []pair {
	for s != "" {
		s = strings.TrimLeft(s, " ,")
		eq := strings.IndexByte(s, '=')
		if eq <= 0 {
			return kvs
		}
		key := s[:eq]
		if k := strings.LastIndexByte(key, ' '); k >= 0 { // words before a key: "op=PAM:session_open"; "pam_rhost= …"
			key = key[k+1:]
		}
		s = s[eq+1:]
		if s == "" {
			break
		}
		var v string
		switch s[0] {
		case '"':
			end := strings.IndexByte(s[1:], '"')
			if end < 0 {
				v, s = s[1:], ""
			} else {
				v, s = s[1:1+end], s[2+end:]
			}
		case '\'':
			end := strings.LastIndexByte(s[1:], '\'')
			if end < 0 {
				end = len(s) - 1
			}
			kvs = auditPairs(kvs, typ, s[1:1+end])
			s = s[min(2+end, len(s)):]
			continue
		default:
			v, s = word(s)
			if mayBeHex(typ, key) {
				v = unhex(key, v)
			}
		}
		if len(kvs) < 256 && key != "" {
			kvs = append(kvs, pair{key, v})
		}
	}
	return kvs
}

// mayBeHex are the keys whose values the kernel writes in hexadecimal where they hold blanks, quotes or marks; the arguments of a
// system call are numbers.
func mayBeHex(typ, key string) bool {
	switch key {
	case "proctitle", "name", "exe", "comm", "cwd", "acct", "cmd", "data", "path", "key":
		return true
	}
	return typ == "EXECVE" && len(key) > 1 && key[0] == 'a' && key[1] >= '0' && key[1] <= '9' && key[len(key)-1] != 'n'
}

// unhex decodes such a value; NULs between arguments become blanks. What is no text stays as it is.
func unhex(key, s string) string {
	if len(s) < 2 || len(s)%2 != 0 {
		return s
	}
	for i := range len(s) {
		if c := s[i]; !(c >= '0' && c <= '9' || c >= 'A' && c <= 'F') {
			return s
		}
	}
	b, err := hex.DecodeString(s)
	if err != nil {
		return s
	}
	for i, c := range b {
		switch {
		case c == 0:
			b[i] = ' '
		case c == 1 && key == "key": // between the keys of a rule
		case c < 0x09:
			return s
		}
	}
	return visible(strings.TrimRight(string(b), " "))
}
