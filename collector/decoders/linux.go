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
