package decoders

import (
	"strings"

	"hoalu/ecs"
)

// sudo, and login of util-linux and shadow.

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

// quoted returns what stands between the first ' and the next.
func quoted(s string) string {
	v, _ := between(s, "'", "'")
	return v
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
	case strings.HasPrefix(s, "FAILED LOGIN"), strings.HasPrefix(s, "TOO MANY LOGIN TRIES"), strings.HasPrefix(s, "FAILED LOGIN SESSION"),
		strings.HasPrefix(s, "invalid password for"):
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
