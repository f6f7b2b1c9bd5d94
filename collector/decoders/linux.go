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
	fGroupName      = ecs.Intern("group.name")
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
