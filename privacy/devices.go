package privacy

import (
	"slices"
	"strings"
)

// deviceWord says whether a word of a device's configuration behind which a secret stands ends at the blank i.
func deviceWord(s string, i int) bool {
	if i < 3 {
		return false
	}
	switch x, y := s[i-2]|0x20, s[i-1]|0x20; {
	case x == 'e' && (y == 't' || y == 'y'), x == 'r' && y == 'd', x == 't' && y == 'y', x == 'n' && y == 'g', x == 's' && y == 'k':
		return true
	}
	return false
}

// lineStarts are the words before a secret or password that make it a line of a configuration and no prose.
var lineStarts = [...]string{"enable ", "username ", "local-user ", "neighbor ", "set "}

// device is the secret in a line of a router's, switch's or firewall's configuration, as they log what an administrator typed:
// "enable secret 9 $9$…", "username an password 7 08…", "snmp-server community bi_mat RO", "set psksecret ENC …".
func device(dst []span, s string, i int) []span {
	name := word(s[:i])
	key, before := strings.ToLower(name), strings.ToLower(s[max(0, i-len(name)-60):i-len(name)])
	kind, sure := "", false
	switch key {
	case "secret", "password":
		if slices.ContainsFunc(lineStarts[:], func(w string) bool { return strings.Contains(before, w) }) {
			kind = key
		}
	case "community":
		if strings.HasSuffix(before, "snmp-server ") || strings.HasSuffix(before, "snmp ") || strings.HasSuffix(before, "snmp-agent ") {
			kind, sure = "community", true
		}
	case "key":
		for _, w := range [...]string{"tacacs-server ", "radius-server ", "isakmp "} {
			if strings.Contains(before, w) {
				kind = "secret"
			}
		}
	case "key-string", "pre-shared-key", "psksecret", "shared-secret", "psk":
		kind = "secret"
	}
	if kind == "" {
		return dst
	}
	list := words(s, i, 4)
	typed := false
	for k, w := range list {
		text := strings.ToLower(s[w.start:w.end])
		if text == "" || text[0] == '=' || text[0] == ':' {
			return dst
		}
		switch text {
		case "0", "4", "5", "6", "7", "8", "9", "10", "enc", "encrypted", "cipher", "simple", "irreversible-cipher", "hash", "ascii-text",
			"ascii", "hex", "local", "remote", "read", "write", "level", "15":
			typed = true
			continue
		case "for", "is", "has", "was", "to", "of", "and", "policy", "changed", "change", "expired", "days", "day", "characters", "attempts",
			"times", "minutes", "hours", "from", "by", "in", "on", "at", "or", "not", "failed", "rejected", "accepted":
			return dst
		}
		if sure || typed || k == len(list)-1 || mixed(s[w.start:w.end]) {
			return append(dst, span{w.start, w.end, kind})
		}
		return dst
	}
	return dst
}
