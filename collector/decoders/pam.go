package decoders

import (
	"strings"

	"hoalu/ecs"
)

// Linux-PAM and its modules, whichever program carries them.

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
	case strings.HasPrefix(text, "authentication failure"), strings.HasPrefix(text, "2 more"),
		strings.Contains(text, "more authentication failure"):
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
	case strings.Contains(low, "access denied"), strings.HasPrefix(low, "refused user"), strings.Contains(low, "authentication failure"),
		strings.Contains(low, "denied access"),
		strings.Contains(low, "user unknown"), strings.Contains(low, "incorrect password"), strings.Contains(low, "temporarily locked"),
		strings.Contains(low, "has expired"):
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
