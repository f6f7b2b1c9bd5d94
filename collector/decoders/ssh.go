package decoders

import (
	"strings"

	"hoalu/ecs"
)

// OpenSSH (auth.c, packet.c) and Dropbear (svr-auth.c).

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
	case "Disconnected", "Connection", "Disconnecting", "Received", "maximum", "User", "Timeout", "Unable", "Did", "Bad", "Starting",
		"reverse", "Close", "ssh_dispatch_run_fatal:", "Read", "Address", "Authentication", "Too", "PAM:":
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

// sshdRefusals begin the messages after which nobody gets in.
var sshdRefusals = [...]string{
	"maximum authentication attempts exceeded", "PAM: Authentication failure", "PAM: User account has expired", "PAM: User not known",
	"PAM: Maximum number of", "PAM: Permission denied",
	"ROOT LOGIN REFUSED", "Login restricted for", "Access denied for user ", "Too many authentication failures for ",
}

// sshdMessages are those that have a form of their own, by how they begin. read is given the message and what follows its beginning.
var sshdMessages = [...]struct {
	begins string
	read   func(e *ecs.Event, s, rest string)
}{
	{"User ", sshdNotAllowed},
	{"ROOT LOGIN REFUSED FROM ", func(e *ecs.Event, _, rest string) {
		set(e, ecs.UserName, "root")
		from(e, rest)
	}},
	{"Access denied for user ", func(e *ecs.Event, _, rest string) { // "… U by PAM account configuration"
		user, _, _ := strings.Cut(rest, " by ")
		set(e, ecs.UserName, user)
	}},
	{"Authorized to ", func(e *ecs.Event, _, rest string) { // "… U, krb5 principal P (ssh_gssapi_krb5_cmdok)"
		user, _, _ := strings.Cut(rest, ", ")
		set(e, ecs.UserName, user)
	}},
	{"drop connection ", sshdDropped}, {"refusing ", sshdDropped},
	{"Connection from ", sshdConnection},
	{"reverse mapping checking", sshdFirstAddress}, {"Address ", sshdFirstAddress},
}

// sshdOther reads the messages that name a user and an address in one of a few ways. The names of a user come from the other side
// and may hold anything; what follows an address cannot, so the last address counts.
func sshdOther(e *ecs.Event, s string) {
	for _, m := range sshdRefusals {
		if strings.HasPrefix(s, m) {
			authentication(e, "info", "ssh_login", "failure")
		}
	}
	for i := range sshdMessages {
		m := &sshdMessages[i]
		if rest, ok := strings.CutPrefix(s, m.begins); ok {
			m.read(e, s, rest)
			return
		}
	}
	if !sshdUser(e, s) && !sshdFor(e, s) {
		sshdLastAddress(e, s)
	}
}

// sshdNotAllowed reads "User U [from IP] not allowed because …".
func sshdNotAllowed(e *ecs.Event, _, rest string) {
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
}

// sshdDropped reads "drop connection #3 from [IP]:port on [IP]:22 past MaxStartups" and its relatives.
func sshdDropped(e *ecs.Event, s, _ string) {
	if a, ok := between(s, " from ", " on "); ok {
		setAddress(e, ecs.SourceIP, ecs.SourceAddress, ecs.SourcePort, a)
		a, _ := between(s, " on ", "")
		a, _ = word(a)
		setAddress(e, ecs.DestIP, ecs.DestAddress, ecs.DestPort, a)
	}
	if why, ok := between(s, " penalty: ", ""); ok { // OpenSSH from 9.8 on refuses an address that has guessed, instead of asking it again
		authentication(e, "denied", "ssh_penalty", "failure")
		set(e, ecs.EventReason, why)
	}
}

// sshdConnection reads "Connection from IP port N[ on IP port N[ rdomain "R"]]".
func sshdConnection(e *ecs.Event, s, rest string) {
	from(e, rest)
	if rest, ok := between(s, " on ", ""); ok {
		a, rest := word(rest)
		setAddress(e, ecs.DestIP, ecs.DestAddress, ecs.DestPort, a)
		if p, ok := strings.CutPrefix(rest, "port "); ok {
			p, _ = word(p)
			putPort(e, ecs.DestPort, p)
		}
	}
}

// sshdFirstAddress reads the messages of a lookup of names, where the first address is the client's.
func sshdFirstAddress(e *ecs.Event, s, _ string) {
	for _, w := range strings.Fields(s) {
		if w = strings.Trim(w, "[],"); isIP(w) {
			set(e, ecs.SourceIP, w)
			return
		}
	}
}

// sshdUser reads "… authenticating user U [from ]IP port N" and what else says that a user follows.
func sshdUser(e *ecs.Event, s string) bool {
	for _, p := range [...]string{"authenticating user ", "invalid user ", "illegal user ", "from user ", "session: user "} {
		rest, ok := between(s, p, "")
		if !ok {
			continue
		}
		if i := strings.LastIndex(rest, " port "); i > 0 {
			if j := strings.LastIndexByte(rest[:i], ' '); j >= 0 {
				set(e, ecs.UserName, strings.TrimSuffix(rest[:j], " from"))
				from(e, rest[j+1:])
			}
		} else if i := strings.LastIndex(rest, " from "); i >= 0 {
			set(e, ecs.UserName, rest[:i])
			from(e, rest[i+6:])
		}
		return true
	}
	return false
}

// sshdFor reads "… for U from IP port N".
func sshdFor(e *ecs.Event, s string) bool {
	i := strings.Index(s, " for ")
	if i <= 0 {
		return false
	}
	j := strings.LastIndex(s, " from ")
	if j <= i+5 {
		return false
	}
	if u := s[i+5 : j]; u != "connection" {
		set(e, ecs.UserName, u)
	}
	from(e, s[j+6:])
	return true
}

// sshdLastAddress reads the address of a message that names nobody.
func sshdLastAddress(e *ecs.Event, s string) {
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
