package syslog

import "strings"

// Host is the host name in a message's header, "" where there is none to be found cheaply; decoding proper happens behind the queue.
func Host(data []byte) string {
	s := string(data[:min(len(data), 256)])
	if !strings.HasPrefix(s, "<") {
		return ""
	}
	i := strings.IndexByte(s, '>')
	if i < 0 || i > 4 {
		return ""
	}
	s = s[i+1:]
	var host string
	if strings.HasPrefix(s, "1 ") { // RFC 5424: VERSION TIMESTAMP HOSTNAME
		if p := strings.SplitN(s, " ", 4); len(p) == 4 {
			host = p[2]
		}
	} else if len(s) > 16 && s[3] == ' ' && s[6] == ' ' && s[15] == ' ' { // RFC 3164: Mmm dd hh:mm:ss HOSTNAME
		host, _, _ = strings.Cut(s[16:], " ")
	} else if len(s) > 19 && s[4] == '-' && s[10] == 'T' {
		if p := strings.SplitN(s, " ", 3); len(p) == 3 {
			host = p[1]
		}
	}
	if host == "-" || host == "" || len(host) > 253 || strings.ContainsAny(host, ":[]%=") {
		return ""
	}
	return host
}
