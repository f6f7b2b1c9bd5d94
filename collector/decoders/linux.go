package decoders

import (
	"strings"

	"hoalu/ecs"
)

// Programs of a Linux or BSD host that speak syslog. Message forms: OpenSSH auth.c and packet.c, Linux-PAM modules, shadow
// (useradd …), sudo logging.c, util-linux su, systemd-logind, vixie-cron and cronie.

var (
	fEffectiveUser  = ecs.Intern("user.effective.name")
	fEffectiveID    = ecs.Intern("user.effective.id")
	fTargetUser     = ecs.Intern("user.target.name")
	fGroupName      = ecs.Intern("group.name")
	fGroupID        = ecs.Intern("group.id")
	fSSHMethod      = ecs.Intern("sshd.method")
	fSSHFingerprint = ecs.Intern("sshd.fingerprint")
	fTTY            = ecs.Intern("process.tty")
	fWorkDir        = ecs.Intern("process.working_directory")
	fPAMService     = ecs.Intern("pam.service")
	fPAMModule      = ecs.Intern("pam.module")
	fSessionID      = ecs.Intern("session.id")
	// sudo's own names: Sigma's linux/sudo rules ask for them.
	fSudoUser    = ecs.Intern("USER")
	fSudoCommand = ecs.Intern("COMMAND")
)

// linux decodes the text of a message by its program; facility is -1 where unknown. It always sets a logsource.
func (d *Decoder) linux(e *ecs.Event, app string, facility int, text string) {
	service := "syslog"
	app = app[strings.LastIndexByte(app, '/')+1:]
	if rest, ok := strings.CutPrefix(text, "message repeated "); ok { // rsyslog folds lines: "message repeated 5 times: [ text]"
		if inner, ok := between(rest, " times: [", ""); ok && strings.HasSuffix(inner, "]") {
			text = strings.TrimLeft(inner[:len(inner)-1], " ")
		}
	}
	if i := strings.Index(app, "(pam_"); i > 0 && strings.HasSuffix(app, ")") { // before Linux-PAM 0.99: "su(pam_unix)[12]: session opened …"
		text = app[i+1:len(app)-1] + "(" + app[:i] + "): " + text
		app = app[:i]
		set(e, ecs.ProcessName, app)
	}
	switch app {
	case "sshd", "sshd-session", "sshd-auth":
		service = "sshd"
		if !d.pam(e, text) {
			sshd(e, text)
		}
	case "sudo", "sudo-rs":
		service = "sudo"
		if !d.pam(e, text) {
			sudo(e, text)
		}
	case "su", "su-l":
		service = "auth"
		if !d.pam(e, text) {
			su(e, text)
		}
	case "useradd", "userdel", "usermod", "groupadd", "groupdel", "groupmod", "gpasswd", "passwd", "chage", "chfn", "chsh", "adduser", "newusers", "chpasswd":
		service = "auth"
		if !d.pam(e, text) {
			accounts(e, app, text)
		}
	case "CRON", "cron", "crond", "CROND", "crontab", "anacron", "atd", "fcron", "cronie":
		service = "cron"
		if !d.pam(e, text) {
			cron(e, text)
		}
	case "systemd-logind":
		service = "auth"
		logind(e, text)
	case "kernel":
		if netfilter(e, text) {
			e.SetLogsource("linux", "iptables", "firewall")
			return
		}
	case "auditd", "audispd", "audit":
		if i := strings.Index(text, "type="); i >= 0 && d.auditd(e, text[i:]) {
			return
		}
	case "dropbear":
		service = "dropbear"
		if !d.pam(e, text) {
			dropbear(e, text)
		}
	case "polkitd", "pkexec", "polkit-agent-helper-1", "doas", "unix_chkpwd":
		service = "auth"
		if !d.pam(e, text) {
			privilege(e, app, text)
		}
	case "login":
		service = "auth"
		if !d.pam(e, text) {
			login(e, text)
		}
	case "systemd":
		if d.pam(e, text) {
			service = "auth"
		} else if strings.Contains(text, "ession ") {
			userSession(e, text)
		}
	case "gdm", "gdm-password", "lightdm", "sddm", "vsftpd", "dovecot":
		if d.pam(e, text) {
			service = "auth"
		}
		if app == "vsftpd" {
			service = app
		}
	default:
		if facility == 4 || facility == 10 {
			service = "auth"
		}
		d.pam(e, text)
	}
	if service == "syslog" && (facility == 4 || facility == 10) {
		service = "auth"
	}
	e.SetLogsource("linux", service)
}

// between returns what stands after a and before b; ok only where both are there.
func between(s, a, b string) (string, bool) {
	i := strings.Index(s, a)
	if i < 0 {
		return "", false
	}
	s = s[i+len(a):]
	if b == "" {
		return s, true
	}
	j := strings.Index(s, b)
	if j < 0 {
		return "", false
	}
	return s[:j], true
}

func authentication(e *ecs.Event, typ, action, outcome string) {
	set(e, ecs.EventCategory, "authentication")
	set(e, ecs.EventType, typ)
	set(e, ecs.EventAction, action)
	set(e, ecs.EventOutcome, outcome)
}

// from reads "… from ADDRESS port N …" (or "ADDRESS port N") at the head of s.
func from(e *ecs.Event, s string) {
	addr, rest := word(s)
	addr = strings.TrimRight(addr, ":,")
	if isIP(addr) {
		set(e, ecs.SourceIP, strings.TrimPrefix(addr, "::ffff:"))
	} else if hostLike(addr) && addr != "UNKNOWN" {
		set(e, ecs.SourceAddress, addr)
		set(e, fSourceDomain, addr)
	} else {
		return
	}
	if strings.HasPrefix(rest, "port ") {
		p, _ := word(rest[5:])
		p = strings.TrimRight(p, ":,.")
		if i := strings.IndexByte(p, ':'); i > 0 {
			p = p[:i]
		}
		if digits(p) {
			setNumber(e, ecs.SourcePort, p)
		}
	}
}

func sshd(e *ecs.Event, s string) {
	s = strings.TrimPrefix(s, "error: ")
	s = strings.TrimPrefix(s, "fatal: ")
	set(e, ecs.NetProtocol, "ssh")
	verb, rest := word(s)
	switch verb {
	case "Accepted", "Failed", "Postponed", "Partial": // "Accepted METHOD for [invalid user ]USER from IP port N ssh2[: KEY]"
		method, rest := word(rest)
		// A user name may hold " from ": the last one counts, an attacker cannot write behind it.
		rest, ok := strings.CutPrefix(rest, "for ")
		i := strings.LastIndex(rest, " from ")
		if !ok || i < 0 {
			return
		}
		user := rest[:i]
		outcome, action := "success", "ssh_login"
		typ := "start"
		switch verb {
		case "Failed":
			outcome, typ = "failure", "info"
		case "Postponed", "Partial":
			outcome, typ = "unknown", "info"
		}
		user = strings.TrimPrefix(user, "invalid user ")
		user = strings.TrimPrefix(user, "illegal user ")
		set(e, ecs.UserName, user)
		authentication(e, typ, action, outcome)
		set(e, fSSHMethod, method)
		tail := rest[i+6:]
		from(e, tail)
		if j := strings.Index(tail, ": "); j > 0 {
			_, fp := word(tail[j+2:])
			fp, _ = word(fp)
			set(e, fSSHFingerprint, fp)
		}
	case "Invalid", "Illegal": // "Invalid user USER from IP[ port N]"
		rest, ok := strings.CutPrefix(rest, "user ")
		if !ok {
			return
		}
		i := strings.LastIndex(rest, " from ")
		if i < 0 {
			if j := strings.LastIndex(s, "from "); j > 0 {
				from(e, s[j+5:])
			}
			authentication(e, "info", "ssh_login", "failure")
			return
		}
		set(e, ecs.UserName, rest[:i])
		authentication(e, "info", "ssh_login", "failure")
		from(e, rest[i+6:])
	case "Disconnected", "Connection", "Disconnecting", "Received", "maximum", "User", "Timeout", "Unable", "Did", "Bad", "Starting", "reverse", "Close", "ssh_dispatch_run_fatal:", "Read", "Address", "Authentication", "Too", "PAM:":
		sshdOther(e, s)
	case "subsystem":
		if u, ok := between(s, "by user ", ""); ok {
			set(e, ecs.UserName, u)
		}
	case "input_userauth_request:":
		if u, ok := between(s, "invalid user ", " ["); ok {
			set(e, ecs.UserName, u)
		}
	case "Server":
		set(e, ecs.EventAction, "ssh_listen")
	default:
		sshdOther(e, s)
	}
}

// sshdOther reads the messages that name a user and an address in one of a few ways. The names of a user come from the other side
// and may hold anything; what follows an address cannot, so the last address counts.
func sshdOther(e *ecs.Event, s string) {
	for _, m := range [...]string{ // nobody gets in after these
		"maximum authentication attempts exceeded", "PAM: Authentication failure", "PAM: User account has expired", "PAM: User not known", "PAM: Maximum number of", "PAM: Permission denied",
		"ROOT LOGIN REFUSED", "Login restricted for", "Access denied for user ", "Too many authentication failures for ",
	} {
		if strings.HasPrefix(s, m) {
			authentication(e, "info", "ssh_login", "failure")
		}
	}
	switch {
	case strings.HasPrefix(s, "User "): // "User U [from IP] not allowed because …"
		rest := s[5:]
		i := strings.Index(rest, " from ")
		j := strings.Index(rest, " not allowed because ")
		switch {
		case i > 0 && (j < 0 || i < j):
			set(e, ecs.UserName, rest[:i])
			from(e, rest[i+6:])
		case j > 0:
			set(e, ecs.UserName, rest[:j])
		default:
			return // "User child is on pid 12"
		}
		if j > 0 {
			authentication(e, "info", "ssh_login", "failure")
		}
		return
	case strings.HasPrefix(s, "ROOT LOGIN REFUSED FROM "):
		set(e, ecs.UserName, "root")
		from(e, s[len("ROOT LOGIN REFUSED FROM "):])
		return
	case strings.HasPrefix(s, "Access denied for user "): // "… U by PAM account configuration"
		u, _, _ := strings.Cut(s[len("Access denied for user "):], " by ")
		set(e, ecs.UserName, u)
		return
	case strings.HasPrefix(s, "Authorized to "): // "Authorized to U, krb5 principal P (ssh_gssapi_krb5_cmdok)"
		u, _, _ := strings.Cut(s[len("Authorized to "):], ", ")
		set(e, ecs.UserName, u)
		return
	case strings.HasPrefix(s, "drop connection "), strings.HasPrefix(s, "refusing "): // "drop connection #3 from [IP]:port on [IP]:22 past MaxStartups"
		if a, ok := between(s, " from ", " on "); ok {
			setAddress(e, ecs.SourceIP, ecs.SourceAddress, ecs.SourcePort, a)
			a, _ := between(s, " on ", "")
			a, _ = word(a)
			setAddress(e, ecs.DestIP, ecs.DestAddress, ecs.DestPort, a)
		}
		if why, ok := between(s, " penalty: ", ""); ok { // OpenSSH from 9.8 on refuses an address that has guessed, instead of asking it again
			set(e, ecs.EventCategory, "authentication")
			set(e, ecs.EventType, "denied")
			set(e, ecs.EventAction, "ssh_penalty")
			set(e, ecs.EventOutcome, "failure")
			set(e, ecs.EventReason, why)
		}
		return
	case strings.HasPrefix(s, "Connection from "): // "… IP port N[ on IP port N[ rdomain "R"]]"
		from(e, s[len("Connection from "):])
		if rest, ok := between(s, " on ", ""); ok {
			a, rest := word(rest)
			setAddress(e, ecs.DestIP, ecs.DestAddress, ecs.DestPort, a)
			if p, ok := strings.CutPrefix(rest, "port "); ok {
				p, _ = word(p)
				putPort(e, ecs.DestPort, p)
			}
		}
		return
	case strings.HasPrefix(s, "reverse mapping checking"), strings.HasPrefix(s, "Address "):
		for _, w := range strings.Fields(s) {
			if w = strings.Trim(w, "[],"); isIP(w) {
				set(e, ecs.SourceIP, w)
				return
			}
		}
		return
	}
	for _, p := range [...]string{"authenticating user ", "invalid user ", "illegal user ", "from user ", "session: user "} {
		rest, ok := between(s, p, "")
		if !ok {
			continue
		}
		if i := strings.LastIndex(rest, " port "); i > 0 { // "… U [from ]IP port N"
			if j := strings.LastIndexByte(rest[:i], ' '); j >= 0 {
				set(e, ecs.UserName, strings.TrimSuffix(rest[:j], " from"))
				from(e, rest[j+1:])
			}
		} else if i := strings.LastIndex(rest, " from "); i >= 0 {
			set(e, ecs.UserName, rest[:i])
			from(e, rest[i+6:])
		}
		return
	}
	if i := strings.Index(s, " for "); i > 0 { // "… for U from IP port N"
		if j := strings.LastIndex(s, " from "); j > i+5 {
			if u := s[i+5 : j]; u != "connection" {
				set(e, ecs.UserName, u)
			}
			from(e, s[j+6:])
			return
		}
	}
	for _, p := range [...]string{" from ", " by ", " with ", " for ", " host ", " user "} {
		if i := strings.LastIndex(s, p); i > 0 {
			if w, _ := word(s[i+len(p):]); isIP(strings.TrimRight(w, ":,")) {
				from(e, s[i+len(p):])
				return
			}
		}
	}
}

// dropbear reads svr-auth.c's messages: "Password auth succeeded for 'u' from 1.2.3.4:5", "Bad password attempt for 'u' from …".
func dropbear(e *ecs.Event, s string) {
	set(e, ecs.NetProtocol, "ssh")
	if i := strings.LastIndex(s, " from "); i >= 0 {
		addr, _ := word(s[i+6:])
		addr = strings.Trim(addr, "<>:,")
		setAddress(e, ecs.SourceIP, ecs.SourceAddress, ecs.SourcePort, addr)
		set(e, ecs.UserName, quoted(s[:i]))
	}
	switch {
	case strings.Contains(s, "succeeded for"):
		authentication(e, "start", "ssh_login", "success")
	case strings.HasPrefix(s, "Bad "), strings.HasPrefix(s, "Login attempt for nonexistent user"):
		authentication(e, "info", "ssh_login", "failure")
	}
}

// pam reads the messages of Linux-PAM; false where s is none.
func (d *Decoder) pam(e *ecs.Event, s string) bool {
	if strings.HasPrefix(s, "PAM ") {
		if strings.Contains(s, "authentication failure") {
			authentication(e, "info", "pam_authentication", "failure")
			d.pamPairs(e, s)
		}
		return true
	}
	i := strings.Index(s, "pam_")
	if i < 0 || i > 8 {
		return false
	}
	s = s[i:]
	open := strings.IndexByte(s, '(')
	if open < 0 || open > 32 {
		return false
	}
	end := strings.Index(s, "): ")
	if end < open {
		return false
	}
	set(e, fPAMModule, s[:open])
	service, _, _ := strings.Cut(s[open+1:end], ":")
	set(e, fPAMService, service)
	text := s[end+3:]
	switch {
	case strings.HasPrefix(text, "session opened for user "): // "TARGET[(uid=0)] by [NAME](uid=0)"
		rest := text[len("session opened for user "):]
		target, by, _ := strings.Cut(rest, " by ")
		target, tid := userUID(target)
		name, uid := userUID(by)
		set(e, fEffectiveUser, target)
		set(e, fEffectiveID, tid)
		if name == "" {
			name = target
		}
		set(e, ecs.UserName, name)
		set(e, ecs.UserID, uid)
		set(e, ecs.EventCategory, "session")
		set(e, ecs.EventType, "start")
		set(e, ecs.EventAction, "session_opened")
	case strings.HasPrefix(text, "session closed for user "):
		u, _ := word(text[len("session closed for user "):])
		set(e, ecs.UserName, u)
		set(e, ecs.EventCategory, "session")
		set(e, ecs.EventType, "end")
		set(e, ecs.EventAction, "session_closed")
	case strings.HasPrefix(text, "authentication failure"), strings.HasPrefix(text, "2 more"), strings.Contains(text, "more authentication failure"):
		authentication(e, "info", "pam_authentication", "failure")
		d.pamPairs(e, text)
	case strings.HasPrefix(text, "check pass; user unknown"):
		authentication(e, "info", "pam_authentication", "failure")
	case strings.HasPrefix(text, "password changed for "):
		set(e, ecs.UserName, text[len("password changed for "):])
		set(e, ecs.EventCategory, "iam")
		set(e, ecs.EventAction, "password_changed")
		set(e, ecs.EventOutcome, "success")
	default:
		d.pamOther(e, text)
	}
	return true
}

// pamOther reads the sentences of the many modules, which name the user behind one of a few words, in quotes, brackets or bare.
func (d *Decoder) pamOther(e *ecs.Event, s string) {
	low := lowerASCII(s) // places found in it count in s
	switch {
	case strings.HasPrefix(low, "authentication success"): // pam_sss
		authentication(e, "start", "pam_authentication", "success")
		d.pamPairs(e, s)
		return
	case strings.Contains(low, "granted access"):
		authentication(e, "start", "pam_authentication", "success")
	case strings.Contains(low, "access denied"), strings.HasPrefix(low, "refused user"), strings.Contains(low, "authentication failure"), strings.Contains(low, "denied access"),
		strings.Contains(low, "user unknown"), strings.Contains(low, "incorrect password"), strings.Contains(low, "temporarily locked"), strings.Contains(low, "has expired"):
		authentication(e, "info", "pam_authentication", "failure")
	}
	for _, p := range [...]string{"user ", "account ", " for "} {
		i := strings.Index(low, p)
		if i < 0 || p == "user " && i > 0 && low[i-1] != ' ' {
			continue
		}
		rest := s[i+len(p):]
		if rest == "" {
			return
		}
		u, after := word(rest)
		if end, ok := map[byte]string{'"': "\"", '\'': "'", '`': "'", '[': "]"}[rest[0]]; ok {
			if u, after, ok = strings.Cut(rest[1:], end); !ok {
				return
			}
		}
		u = strings.TrimRight(u, ":,")
		switch u {
		case "", "unknown", "is", "not", "has", "name", "to":
			return
		}
		set(e, ecs.UserName, u)
		after = strings.TrimLeft(after, " ")
		if id, ok := between(after, "(", ")"); ok && digits(id) && strings.HasPrefix(after, "(") { // pam_tally2: "user U (4001) tally 6, deny 5"
			set(e, ecs.UserID, id)
		}
		if a, ok := between(after, "from ", ""); ok {
			a, _ = word(a)
			from(e, strings.Trim(a, "`'\""))
		}
		return
	}
}

// lowerASCII keeps the length of s, which strings.ToLower does not where s is no UTF-8.
func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// userUID takes "name(uid=0)" apart.
func userUID(s string) (name, uid string) {
	name, rest, ok := strings.Cut(s, "(uid=")
	if !ok {
		return strings.TrimSpace(name), ""
	}
	uid = strings.TrimRight(rest, ")")
	if !digits(uid) {
		uid = ""
	}
	return strings.TrimSpace(name), uid
}

// pamPairs reads "logname= uid=0 euid=0 tty=ssh ruser= rhost=1.2.3.4  user=root".
func (d *Decoder) pamPairs(e *ecs.Event, s string) {
	user, ruser := "", ""
	for len(s) > 0 {
		var w string
		w, s = word(s)
		k, v, ok := strings.Cut(w, "=")
		if !ok || v == "" {
			continue
		}
		switch k {
		case "user":
			user = v
		case "ruser":
			ruser = v
		case "uid":
			set(e, ecs.UserID, v)
		case "euid":
			set(e, fEffectiveID, v)
		case "tty":
			set(e, fTTY, v)
		case "rhost":
			setAddress(e, ecs.SourceIP, ecs.SourceAddress, ecs.SourcePort, v)
			if !e.Has(ecs.SourceIP) {
				set(e, fSourceDomain, v)
			}
		}
	}
	if user == "" {
		user = ruser
	}
	set(e, ecs.UserName, user)
}

// sudo reads "user : [reason ; ]TTY=… ; PWD=… ; USER=… ; COMMAND=…".
func sudo(e *ecs.Event, s string) {
	s = strings.TrimLeft(s, " ")
	user, rest, ok := strings.Cut(s, " : ")
	if !ok || strings.IndexByte(user, ' ') >= 0 && !strings.Contains(rest, "USER=") {
		return
	}
	set(e, ecs.UserName, user)
	outcome := "success"
	if strings.HasPrefix(rest, "(command continued)") { // sudo cuts long records
		return
	}
	for rest != "" {
		part := rest
		if !strings.HasPrefix(rest, "COMMAND=") { // the command may hold " ; "
			part, rest, _ = strings.Cut(rest, " ; ")
		} else {
			rest = ""
		}
		if !strings.HasPrefix(part, "COMMAND=") {
			part = strings.TrimSuffix(part, " ;")
		}
		k, v, ok := strings.Cut(part, "=")
		if !ok {
			set(e, ecs.EventReason, strings.TrimSpace(part))
			if strings.HasPrefix(part, "unable to resolve host ") { // a warning: the command runs
				outcome = ""
				continue
			}
			outcome = "failure"
			continue
		}
		switch k {
		case "TTY":
			set(e, fTTY, v)
		case "PWD":
			set(e, fWorkDir, v)
		case "USER":
			set(e, fSudoUser, v)
			set(e, fEffectiveUser, v)
		case "GROUP":
			set(e, fGroupName, v)
		case "COMMAND":
			set(e, fSudoCommand, v)
			set(e, ecs.ProcessCommandLine, v)
		case "TSID":
			set(e, fSessionID, v)
		}
	}
	set(e, ecs.EventCategory, "process")
	set(e, ecs.EventAction, "sudo")
	set(e, ecs.EventOutcome, outcome)
}

func su(e *ecs.Event, s string) {
	var target, by, tty string
	failed := false
	switch {
	case strings.HasPrefix(s, "Successful su for "), strings.HasPrefix(s, "FAILED su for "):
		target, by, _ = strings.Cut(s[strings.Index(s, "for ")+4:], " by ")
		failed = s[0] == 'F'
	case strings.Contains(s, "(to "): // "[FAILED SU ](to root) moe on pts/0"
		target, _ = between(s, "(to ", ")")
		rest, _ := between(s, ") ", "")
		by, tty, _ = strings.Cut(rest, " on ")
		failed = strings.HasPrefix(s, "FAILED")
	case strings.Contains(s, " to ") && strings.Contains(s, " on "): // BSD: "[BAD SU ]moe to root on /dev/ttyp0"
		s, failed = strings.CutPrefix(s, "BAD SU ")
		by, s, _ = strings.Cut(s, " to ")
		target, tty, _ = strings.Cut(s, " on ")
		if strings.IndexByte(by, ' ') >= 0 {
			return
		}
	case strings.HasPrefix(s, "'su "): // illumos: "'su root' failed for moe on /dev/pts/2"
		target, _ = between(s, "'su ", "'")
		rest, _ := between(s, " for ", "")
		by, tty, _ = strings.Cut(rest, " on ")
		failed = strings.Contains(s, "' failed ")
	case strings.HasPrefix(s, "+ ") || strings.HasPrefix(s, "- "): // "+ /dev/pts/1 root:tsg"
		var rest string
		tty, rest = word(s[2:])
		var ok bool
		if by, target, ok = strings.Cut(rest, ":"); !ok {
			return
		}
		failed = s[0] == '-'
	default:
		return
	}
	set(e, fEffectiveUser, target)
	set(e, ecs.UserName, by)
	set(e, fTTY, tty)
	outcome := "success"
	if failed {
		outcome = "failure"
	}
	authentication(e, "info", "su", outcome)
}

// quoted returns what stands between the first ' and the next.
func quoted(s string) string {
	v, _ := between(s, "'", "'")
	return v
}

// accounts reads shadow's programs.
func accounts(e *ecs.Event, app, s string) {
	set(e, ecs.EventCategory, "iam")
	set(e, ecs.EventAction, app)
	switch app {
	case "useradd", "userdel", "usermod", "groupadd", "groupdel", "groupmod", "gpasswd", "adduser", "newusers":
		outcome := "success"
		if strings.Contains(s, "failed") || strings.Contains(s, "exit code") || strings.HasPrefix(s, "cannot") {
			outcome = "failure"
		}
		set(e, ecs.EventOutcome, outcome)
	}
	switch {
	case strings.HasPrefix(s, "new user: "), strings.HasPrefix(s, "new group: "), strings.HasPrefix(s, "group added to "), strings.HasPrefix(s, "group removed"):
		i := strings.Index(s, "name=")
		if i < 0 {
			return
		}
		user := strings.HasPrefix(s, "new user")
		for _, p := range strings.Split(s[i:], ", ") {
			k, v, _ := strings.Cut(p, "=")
			switch {
			case k == "name" && user:
				set(e, ecs.UserName, v)
			case k == "name":
				set(e, fGroupName, v)
			case k == "UID":
				set(e, ecs.UserID, v)
			case k == "GID":
				set(e, fGroupID, v)
			}
		}
		set(e, ecs.EventType, "creation")
	case strings.HasPrefix(s, "add '") || strings.HasPrefix(s, "delete '") && strings.Contains(s, "from group") || strings.HasPrefix(s, "remove '"): // "add 'u' to group 'g'"
		set(e, ecs.UserName, quoted(s))
		if i := strings.Index(s, "group '"); i > 0 {
			set(e, fGroupName, quoted(s[i:]))
		}
		set(e, ecs.EventType, "change")
	case strings.HasPrefix(s, "user ") && strings.Contains(s, " added by "): // gpasswd: "user U added by root to group g"
		u, _ := word(s[5:])
		set(e, fTargetUser, u)
		by, _ := between(s, " added by ", " to group ")
		set(e, ecs.UserName, by)
		g, _ := between(s, " to group ", "")
		set(e, fGroupName, g)
	case strings.HasPrefix(s, "user ") && strings.Contains(s, " removed by "): // gpasswd: "user U removed by root from group g"
		u, _ := word(s[5:])
		set(e, fTargetUser, u)
		by, _ := between(s, " removed by ", " from group ")
		set(e, ecs.UserName, by)
		g, _ := between(s, " from group ", "")
		set(e, fGroupName, g)
	case strings.HasPrefix(s, "members of group "), strings.HasPrefix(s, "administrators of group "): // "members of group g set by root to a,b"
		rest, _ := between(s, " group ", "")
		g, rest := word(rest)
		set(e, fGroupName, g)
		by, _ := between(rest, "set by ", " to ")
		set(e, ecs.UserName, by)
		set(e, ecs.EventType, "change")
	case strings.HasPrefix(s, "group '"), strings.HasPrefix(s, "removed group '"), strings.HasPrefix(s, "removed shadow group '"): // groupdel, userdel
		set(e, fGroupName, quoted(s))
		if i := strings.Index(s, "owned by '"); i > 0 {
			set(e, ecs.UserName, quoted(s[i:]))
		}
		set(e, ecs.EventType, "deletion")
	case strings.HasPrefix(s, "group changed in ") && strings.Contains(s, "(group "): // groupmod: "group changed in /etc/group (group g/1010, new name: h)"
		g, _ := between(s, "(group ", "")
		g, _, _ = strings.Cut(g, ",")
		g, id, _ := strings.Cut(strings.TrimSuffix(g, ")"), "/")
		set(e, fGroupName, g)
		if digits(id) {
			set(e, fGroupID, id)
		}
		set(e, ecs.EventType, "change")
	case strings.HasPrefix(s, "password for "), strings.HasPrefix(s, "password changed for "):
		rest := s[strings.Index(s, "for ")+4:]
		u, _ := word(rest)
		set(e, ecs.UserName, strings.Trim(u, "'"))
		set(e, ecs.EventOutcome, "success")
	default:
		if u := quoted(s); u != "" && !strings.HasPrefix(s, "delete") || strings.HasPrefix(s, "delete user '") {
			set(e, ecs.UserName, u)
		} else if i := strings.LastIndex(s, " for "); i > 0 {
			u, _ := word(s[i+5:])
			set(e, ecs.UserName, u)
		}
	}
}

// cron reads "(user) CMD (command)".
func cron(e *ecs.Event, s string) {
	user, ok := between(s, "(", ")")
	if !ok || s[0] != '(' {
		return
	}
	rest := strings.TrimPrefix(s[len(user)+2:], " ")
	action, arg := word(rest)
	if user != "CRON" && user[:min(1, len(user))] != "*" { // "(CRON) INFO (…)" and "(*system*) RELOAD (…)" are the daemon's own
		set(e, ecs.UserName, user)
	}
	set(e, ecs.EventAction, strings.ToLower(action))
	if action == "CMD" && len(arg) > 1 && arg[0] == '(' {
		set(e, ecs.ProcessCommandLine, strings.TrimSuffix(arg[1:], ")"))
		set(e, ecs.EventCategory, "process")
		set(e, ecs.EventType, "start")
	}
}

func logind(e *ecs.Event, s string) {
	switch {
	case strings.HasPrefix(s, "New session "): // "New session 5 of user root."; from systemd 256 on with quotes and class
		userSession(e, s)
		set(e, ecs.EventCategory, "session")
		set(e, ecs.EventType, "start")
		set(e, ecs.EventAction, "session_opened")
	case strings.HasPrefix(s, "Removed session "), strings.HasPrefix(s, "Session "):
		userSession(e, s)
		set(e, ecs.EventCategory, "session")
		set(e, ecs.EventType, "end")
		set(e, ecs.EventAction, "session_closed")
	}
}

// userSession reads "… [Ss]ession ID[ of [Uu]ser NAME]" of logind and of the service manager.
func userSession(e *ecs.Event, s string) {
	id, rest := word(s[strings.Index(s, "ession ")+7:])
	if id = strings.Trim(id, "'."); id != "" && len(id) < 16 {
		set(e, fSessionID, id)
	}
	rest = strings.TrimPrefix(rest, "of ")
	if u, ok := strings.CutPrefix(strings.TrimPrefix(rest, "U"), "ser "); ok {
		u, _ = word(u)
		set(e, ecs.UserName, strings.Trim(u, "'."))
	} else if u, ok := strings.CutPrefix(rest, "user "); ok {
		u, _ = word(u)
		set(e, ecs.UserName, strings.Trim(u, "'."))
	}
}

// login reads util-linux's and shadow's login: who came in, from where, and who did not.
func login(e *ecs.Event, s string) {
	outcome, typ := "failure", "info"
	switch {
	case strings.HasPrefix(s, "ROOT LOGIN"):
		set(e, ecs.UserName, "root")
		outcome, typ = "success", "start"
	case strings.HasPrefix(s, "LOGIN ON "), strings.HasPrefix(s, "DIALUP AT "):
		outcome, typ = "success", "start"
	case strings.HasPrefix(s, "FAILED LOGIN"), strings.HasPrefix(s, "TOO MANY LOGIN TRIES"), strings.HasPrefix(s, "FAILED LOGIN SESSION"), strings.HasPrefix(s, "invalid password for"):
	default:
		return
	}
	authentication(e, typ, "login", outcome)
	value := func(key string) string {
		_, rest, ok := strings.Cut(s, key)
		if !ok || rest == "" {
			return ""
		}
		if rest[0] == '\'' {
			return quoted(rest)
		}
		w, _ := word(rest)
		return strings.Trim(w, ",()")
	}
	if u := value(" FOR "); u != "" {
		set(e, ecs.UserName, u)
	} else if u := value(" BY "); u != "" {
		set(e, ecs.UserName, u)
	} else if u := value(" for "); u != "" {
		set(e, ecs.UserName, u)
	}
	set(e, fTTY, value(" ON "))
	if strings.Contains(s, " on '") {
		set(e, fTTY, value(" on "))
	}
	if a := value("FROM "); a != "" && a != "null" {
		from(e, a)
	}
}

// privilege reads the programs beside sudo and su that act as another user.
func privilege(e *ecs.Event, app, s string) {
	switch app {
	case "pkexec": // "moe: Executing command [USER=root] [TTY=unknown] [CWD=/] [COMMAND=/bin/x]"
		user, rest, ok := strings.Cut(s, ": ")
		if !ok || strings.IndexByte(user, ' ') >= 0 {
			return
		}
		set(e, ecs.UserName, user)
		target, _ := between(rest, "[USER=", "]")
		set(e, fEffectiveUser, target)
		if i := strings.Index(rest, "[COMMAND="); i >= 0 {
			set(e, ecs.ProcessCommandLine, strings.TrimSuffix(rest[i+9:], "]"))
		}
		outcome := "failure"
		if strings.HasPrefix(rest, "Executing command") {
			outcome = "success"
		}
		set(e, ecs.EventAction, app)
		set(e, ecs.EventOutcome, outcome)
	case "polkitd": // "Operator of unix-session:2 successfully authenticated as unix-user:root to gain … (owned by unix-user:moe)"
		target, ok := between(s, "authenticated as unix-user:", " ")
		by, _ := between(s, "(owned by unix-user:", ")")
		switch {
		case ok:
			authentication(e, "info", app, "success")
		case strings.Contains(s, "FAILED to authenticate"):
			authentication(e, "info", app, "failure")
			target, _ = between(s, "authenticate as unix-user:", " ")
		default:
			return
		}
		set(e, fEffectiveUser, target)
		set(e, ecs.UserName, by)
	case "doas": // "moe ran command /bin/sh as root from /home/moe", "command not permitted for moe: ls", "failed auth for moe"
		if user, rest, ok := strings.Cut(s, " ran command "); ok {
			i, j := strings.LastIndex(rest, " as "), strings.LastIndex(rest, " from ")
			set(e, ecs.UserName, user)
			if i > 0 && j > i {
				set(e, ecs.ProcessCommandLine, rest[:i])
				set(e, fEffectiveUser, rest[i+4:j])
			}
			set(e, ecs.EventOutcome, "success")
		} else if rest, ok := between(s, " for ", ""); ok {
			user, command, _ := strings.Cut(rest, ": ")
			set(e, ecs.UserName, user)
			set(e, ecs.ProcessCommandLine, command)
			set(e, ecs.EventOutcome, "failure")
		}
		set(e, ecs.EventAction, app)
	case "unix_chkpwd": // "password check failed for user (moe)"
		if u, ok := between(s, "user (", ")"); ok {
			set(e, ecs.UserName, u)
			authentication(e, "info", "pam_authentication", "failure")
		}
	}
}
