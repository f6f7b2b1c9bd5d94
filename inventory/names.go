package inventory

import (
	"fmt"
	"regexp"

	"hoalu/soc"
)

// names gives the names of hosts and sources as the register keeps them: machines are named for the people who use them, and a citizen's
// number in a name is replaced by its token (Config.Protect). Whatever is looked up by name is brought into the same form first.
type names func(text string) (string, error)

// of is text as it is kept.
func (n names) of(text string) (string, error) {
	if n == nil || !numbered(text) {
		return text, nil
	}
	kept, err := n(text)
	if err != nil {
		return "", fmt.Errorf("protect a name: %w", err)
	}
	return kept, nil
}

// host is a host's name, whatever its case, as it is kept.
func (n names) host(name string) (string, error) { return n.of(foldHost(name)) }

// source brings the names of v into the form in which they are kept.
func (n names) source(v *soc.Source) (err error) {
	if v.Host, err = n.of(v.Host); err == nil {
		v.Name, err = n.of(v.Name)
	}
	return err
}

// seen is k with its names as they are kept.
func (n names) seen(k Seen) (_ Seen, err error) {
	if k.Host, err = n.host(k.Host); err == nil {
		k.Name, err = n.of(k.Name)
	}
	return k, err
}

// asset brings the host of v into the form in which it is kept.
func (n names) asset(v *soc.Asset) (err error) {
	v.Host, err = n.of(v.Host)
	return err
}

// numbered says whether twelve digits stand in a row, as in a personal number. Most names have none, and every message is looked up.
func numbered(s string) bool {
	run := 0
	for i := range len(s) {
		if c := s[i]; c < '0' || c > '9' {
			run = 0
		} else if run++; run == 12 {
			return true
		}
	}
	return false
}

// token is the pseudonym in a name: it has a colon, which no host's name has.
var token = regexp.MustCompile(`tk:[a-z][a-z2-7]{24}`)

// isHost says whether a name as it is kept is one of a host.
func isHost(name string) bool {
	return hostName.MatchString(token.ReplaceAllString(name, "x"))
}
