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
	kvs := auditPairs(d.kvs[:0], body)
	kvs = auditPairs(kvs, enriched)
	d.kvs = kvs
	if node, ok := strings.CutPrefix(s[:i], "node="); ok {
		set(e, ecs.HostName, strings.TrimSpace(node))
	}
	var exe, comm, acct, uid, auid string
	for k := range kvs {
		p := &kvs[k]
		switch p.k {
		case "proctitle", "name", "exe", "comm", "cwd", "acct", "cmd", "data", "path", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "key":
			p.v = unhex(typ, p.k, p.v)
		}
		d.addNamed(e, append(d.name[:0], p.k...), p.v, ecs.String)
		switch p.k {
		case "exe":
			exe = p.v
		case "comm":
			comm = p.v
		case "acct":
			acct = p.v
		case "uid":
			uid = p.v
		case "auid":
			auid = p.v
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
		case "lport", "rport":
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
	set(e, ecs.ProcessExecutable, exe)
	if comm != "" {
		set(e, ecs.ProcessName, comm)
	} else if exe != "" {
		set(e, ecs.ProcessName, baseName(exe))
	} else if h := e.Text(ecs.ProcessName); h == "auditd" || h == "audispd" || h == "audit" {
		e.Delete(ecs.ProcessName)
	}
	if acct != "" && acct != "?" {
		set(e, ecs.UserName, acct)
	} else if n := find(kvs, "AUID"); n != "" && n != "unset" {
		set(e, ecs.UserName, n)
	}
	if auid != "4294967295" && auid != "-1" && auid != "unset" {
		set(e, fUserAuditID, auid)
	}
	set(e, ecs.UserID, uid)
	if typ == "PATH" {
		set(e, ecs.FilePath, find(kvs, "name"))
	}
	if typ == "AVC" {
		if strings.Contains(body, "denied ") {
			set(e, ecs.EventOutcome, "failure")
		} else if strings.Contains(body, "granted ") {
			set(e, ecs.EventOutcome, "success")
		}
	}
	if typ == "EXECVE" {
		set(e, ecs.ProcessExecutable, find(kvs, "a0"))
		line := ""
		for _, p := range kvs {
			if len(p.k) > 1 && p.k[0] == 'a' && digits(p.k[1:]) && p.k != "argc" {
				e.AddString(fProcessArgs, p.v)
				if line != "" {
					line += " "
				}
				line += p.v
			}
		}
		set(e, ecs.ProcessCommandLine, line)
	}
	set(e, ecs.EventAction, strings.ToLower(typ))
	switch {
	case strings.HasPrefix(typ, "USER_AUTH"), strings.HasPrefix(typ, "USER_LOGIN"), typ == "USER_ERR", typ == "CRED_ACQ":
		set(e, ecs.EventCategory, "authentication")
	case strings.HasPrefix(typ, "ADD_"), strings.HasPrefix(typ, "DEL_"), typ == "USER_MGMT", typ == "USER_CHAUTHTOK":
		set(e, ecs.EventCategory, "iam")
	case typ == "SYSCALL", typ == "EXECVE", typ == "PROCTITLE":
		set(e, ecs.EventCategory, "process")
	}
	e.SetLogsource("linux", "auditd")
	return true
}

// auditPairs reads k=v, k="v" and k='a=b c="d"', the inner pairs of the last one taken as the record's own.
func auditPairs(kvs []pair, s string) []pair {
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
			kvs = auditPairs(kvs, s[1:1+end])
			s = s[min(2+end, len(s)):]
			continue
		default:
			v, s = word(s)
		}
		if len(kvs) < 256 && key != "" {
			kvs = append(kvs, pair{key, v})
		}
	}
	return kvs
}

// unhex decodes what the kernel writes in hexadecimal because it holds blanks or quotes; NULs between arguments become blanks.
func unhex(typ, key, s string) string {
	if len(s) < 6 || len(s)%2 != 0 {
		return s
	}
	if key[0] == 'a' && len(key) == 2 && typ != "EXECVE" { // syscall arguments are numbers
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
		if c == 0 {
			b[i] = ' '
		} else if c < 0x09 {
			return s
		}
	}
	return strings.TrimRight(string(b), " ")
}
