package decoders

import (
	"slices"
	"strings"

	"hoalu/ecs"
)

// Programs of hosts that speak syslog. Which definition reads whose messages stands in the definitions (programs: [su, su-l]); those whose
// lines come by the thousand a second, or whose grammar is not one of patterns, name a parser in Go.

// native reads the text of a message of a program. done: it has set the event's logsource itself.
type native func(d *Decoder, e *ecs.Event, app, text string) (done bool)

// natives by the name that a definition gives them.
var natives = map[string]native{
	"auditd": func(d *Decoder, e *ecs.Event, _, text string) bool {
		i := strings.Index(text, "type=")
		return i >= 0 && d.auditd(e, text[i:])
	},
	"cron":     func(_ *Decoder, e *ecs.Event, _, text string) bool { cron(e, text); return false },
	"dropbear": func(_ *Decoder, e *ecs.Event, _, text string) bool { dropbear(e, text); return false },
	"logind":   func(_ *Decoder, e *ecs.Event, _, text string) bool { logind(e, text); return false },
	"login":    func(_ *Decoder, e *ecs.Event, _, text string) bool { login(e, text); return false },
	"netfilter": func(_ *Decoder, e *ecs.Event, _, text string) bool {
		if !netfilter(e, text) {
			return false
		}
		e.SetLogsource("linux", "iptables", "firewall")
		return true
	},
	"sshd": func(_ *Decoder, e *ecs.Event, _, text string) bool { sshd(e, text); return false },
	"sudo": func(_ *Decoder, e *ecs.Event, _, text string) bool { sudo(e, text); return false },
	"systemd": func(_ *Decoder, e *ecs.Event, _, text string) bool {
		if strings.Contains(text, "ession ") {
			userSession(e, text)
		}
		return false
	},
}

// compilePrograms checks what is said of programs.
func (def *definition) compilePrograms(bad func(string, ...any)) {
	if len(def.Programs) == 0 {
		if def.Native != "" || def.PAM || def.Shared {
			bad("native, pam and shared are of programs")
		}
		return
	}
	if len(def.Detect) > 0 || def.Syslog || def.Parse == "json" {
		bad("programs stand instead of detect, and their text is no file's line and no document")
	}
	for _, app := range def.Programs {
		if app == "" || strings.ContainsAny(app, "/[] ") {
			bad("programs: %q is no name of a program", app)
		}
	}
	if l := def.Logsource; l == nil || l.Service == "" || l.Product != "" || len(l.Category) > 0 {
		bad("logsource of programs is {service: …}: their product is linux")
	}
	if def.Native == "" {
		return
	}
	if def.native = natives[def.Native]; def.native == nil {
		bad("native: %q is none of %s", def.Native, strings.Join(sortedKeys(natives), ", "))
	}
	if def.Parse != "" || len(def.Rules) > 0 {
		bad("native stands instead of parse and rules")
	}
}

// host says whether app is the name of a program of hosts and of nothing else.
func (s *Set) host(app string) bool {
	p := s.programs[app]
	return p != nil && !p.Shared
}

// linux decodes the text of a message by its program; facility is -1 where unknown. It always sets a logsource.
func (d *Decoder) linux(e *ecs.Event, app string, facility int, text string, o Options) {
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
	service := "syslog"
	if p := d.set.programs[app]; p == nil {
		d.pam(e, text)
	} else {
		service = p.Logsource.Service
		switch {
		case p.PAM && d.pam(e, text):
			if service == "syslog" {
				service = "auth"
			}
		case p.native != nil:
			if p.native(d, e, app, text) {
				return
			}
		default:
			p.decodeText(d, e, text, app, o)
		}
	}
	if service == "syslog" && (facility == 4 || facility == 10) {
		service = "auth"
	}
	e.SetLogsource("linux", service)
}

// linuxDataset is linux.auth for what is about accounts and linux.syslog for the rest.
func linuxDataset(e *ecs.Event) string {
	if slices.Contains([]string{"auth", "sshd", "sudo"}, e.Text(ecs.LogsourceService)) {
		return "linux.auth"
	}
	return "linux.syslog"
}
