package triage

import (
	"testing"

	"hoalu/soc"
)

// TestBytesThatAreNoTextReachNoAlert: what a sender puts where an address stands is kept as text that every database takes.
func TestBytesThatAreNoTextReachNoAlert(t *testing.T) {
	k := keyOf(&Firing{Hit: soc.Hit{Group: []soc.GroupValue{{Field: "source.ip", Value: "10.0\xff.0\x00.1"},
		{Field: "user.name", Value: "a\xc3"}}}})
	if k.address != "10.0\uFFFD.0\uFFFD.1" || k.user != "a\uFFFD" || k.group[0].Value != k.address || k.group[1].Value != k.user {
		t.Errorf("address %q, user %q, group %q", k.address, k.user, k.group)
	}
}
