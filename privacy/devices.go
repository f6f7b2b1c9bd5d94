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
	case x == 'e' && (y == 't' || y == 'y' || y == 'r' || y == 'c'), x == 'w' && y == 'd', x == 'i' && y == 'n', x == 'u' && y == 'e',
		x == 'p' && y == 'y', x == 'm' && y == 'p', x == 'r' && y == 'd', x == 't' && y == 'y', x == 'n' && y == 'g', x == 's' && y == 'k',
		x == 's' && y == 's', x == 't' && (y == 'h' || y == 'e'), // "pass", "auth", "create"
		y == 'u' && (x == 'a' || x|1 == 0xa9): // "khau", "khẩu"
		return true
	}
	return false
}

// lineStarts are the words before a secret or password that make it a line of a configuration and no prose.
var lineStarts = [...]string{"enable ", "username ", "local-user ", "neighbor ", "set ", "chap ", "pap ", "mysqladmin ", "nmcli "}

// deviceKeys are the words behind which a secret may stand in such a line.
var deviceKeys = func() map[string]bool {
	m := map[string]bool{}
	for _, w := range [...]string{"secret", "password", "passwd", "community", "key", "key-string", "pre-shared-key", "psksecret", "shared-secret",
		"psk", "wpa-psk", "authentication-key", "authentication-password", "plain-text-password-value", "aws_secret_access_key",
		"wifi-sec.psk", "802-11-wireless-security.psk"} {
		m[w] = true
	}
	return m
}()

// device is the secret in a line of a router's, switch's or firewall's configuration, as they log what an administrator typed:
// "enable secret 9 $9$…", "username an password 7 08…", "snmp-server community bi_mat RO", "set psksecret ENC …".
func device(dst []span, s string, i int) []span {
	name := word(s[:i])
	key := strings.ToLower(name)
	if strings.HasSuffix(key, "\u0309u") {
		key = composed(key)
	}
	if !deviceKeys[key] && key != "khau" && key != "khẩu" {
		return phrased(dst, s, i)
	}
	before := strings.ToLower(s[max(0, i-len(name)-60) : i-len(name)])
	kind, sure := "", false
	switch key {
	case "khau", "khẩu":
		if strings.HasSuffix(before, "mat ") || strings.HasSuffix(composed(before), "mật ") {
			return said(dst, s, i)
		}
	case "secret", "password", "passwd":
		if strings.HasSuffix(before, "one-time ") {
			return codeBehind(dst, s, i)
		}
		if strings.HasPrefix(s[i:], ` "`) && key == "password" {
			kind, sure = key, true
		} else if slices.ContainsFunc(lineStarts[:], func(w string) bool { return strings.Contains(before, w) }) {
			kind = key
		} else if key == "password" {
			return said(dst, s, i)
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
	case "key-string", "pre-shared-key", "psksecret", "shared-secret", "psk", "wpa-psk":
		kind = "secret"
	case "wifi-sec.psk", "802-11-wireless-security.psk":
		kind, sure = "secret", true
	case "authentication-key", "authentication-password", "plain-text-password-value":
		kind, sure = "secret", true
	case "aws_secret_access_key":
		if strings.HasSuffix(before, "configure set ") {
			kind, sure = "secret", true
		}
	}
	if kind == "" {
		return dst
	}
	if key == "passwd" {
		kind = "password"
	}
	list := words(s, i, 4)
	typed := false
	for k, w := range list {
		text := strings.ToLower(strings.TrimRight(s[w.start:w.end], `\,.;`))
		if text == "" || text[0] == '=' || text[0] == ':' {
			return dst
		}
		switch text {
		case "0", "4", "5", "6", "7", "8", "9", "10", "enc", "encrypted", "cipher", "simple", "irreversible-cipher", "hash", "ascii-text",
			"ascii", "hex", "local", "remote", "read", "write", "level", "15", "1", "2", "3", "md5", "sha1", "sha256":
			typed = true
			continue
		case "for", "is", "has", "was", "to", "of", "and", "policy", "changed", "change", "expired", "days", "day", "characters", "attempts",
			"times", "specified", "given", "entered", "minutes", "hours", "from", "by", "in", "on", "at", "or", "not", "failed", "rejected", "accepted":
			return dst
		}
		if sure || typed || k == len(list)-1 || mixed(s[w.start:w.end]) {
			return append(dst, span{w.start, w.end, kind})
		}
		return dst
	}
	return dst
}
