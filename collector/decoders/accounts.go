package decoders

import (
	"strings"

	"hoalu/ecs"
)

// Programs that change accounts or who somebody is: shadow (useradd …), sudo, su, login, pkexec, polkit, doas.

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
