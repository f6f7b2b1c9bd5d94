package privacy

import (
	"strings"
	"testing"

	"hoalu/ecs"
)

// TestAFullNumberInAnyField: the account of a citizen is his number; it must not stand beside the pseudonym it gives away, in no
// field and glued to whatever names are made of.
func TestAFullNumberInAnyField(t *testing.T) {
	const id = "037095001234"
	p := protector()
	tok := tokenOf(p, CCCD, "", id)
	for _, c := range []struct{ field, in, out string }{
		{"user.name", id, tok}, {"user.email", id + "@dvc.example.vn", tok + "@dvc.example.vn"}, {"user.name", "DVC\\" + id, "DVC\\" + tok},
		{"user.name", "nv" + id, "nv" + tok},
		{"user.id", id, tok}, {"host.name", "pc-" + id, "pc-" + tok},
		{"host.hostname", "PC" + id + ".tinh.example.vn", "PC" + tok + ".tinh.example.vn"},
		{"file.name", id + ".pdf", tok + ".pdf"}, {"file.path", "/scan/" + id + "_1.pdf", "/scan/" + tok + "_1.pdf"},
		{"url.path", "/ho-so/" + id + "/xem", "/ho-so/" + tok + "/xem"},
		{"transaction.id", id, tok}, {"winlog.event_data.TargetUserName", id, tok}, {"winlog.computer_name", "PC-" + id, "PC-" + tok},
		{"source.domain", "pc-" + id + ".lan", "pc-" + tok + ".lan"},
		{"process.working_directory", "/home/" + id, "/home/" + tok},

		// machines' numbers
		{"trace.id", "4f1c2c1e-1111-4222-8333-" + id, ""}, {"file.hash.sha256", "ab" + id + "cdef0123456789abcdef", ""},
		{"transaction.id", "tx-" + id, ""},
		{"user.name", "097095001234", ""}, {"user.name", "0370950012345", ""}, {"file.path", "/objects/ab" + id + "cdefabcdef", ""},
	} {
		e := &ecs.Event{Created: 1_772_414_131_000}
		e.AddString(ecs.Intern(c.field), c.in)
		protect(t, p, e)
		want := c.out
		if want == "" {
			want = c.in
		}
		if got := e.Text(ecs.Intern(c.field)); got != want {
			t.Errorf("%s = %q became %q, want %q", c.field, c.in, got, want)
		}
		if got := e.Text(ecs.HoaluIdentifier) == "cccd"; got != (c.out != "") {
			t.Errorf("%s = %q: hoalu.identifier %q", c.field, c.in, e.Text(ecs.HoaluIdentifier))
		}
	}
}

// TestNoNumberBesideItsToken: one place where a number is certain takes it from all others, whatever their field.
func TestNoNumberBesideItsToken(t *testing.T) {
	const id, tel = "037095001234", "0912345678"
	p := protector()
	e := &ecs.Event{Created: 1_772_414_131_000}
	e.AddString(ecs.Message, "tra cứu CCCD "+id+" SĐT "+tel)
	for _, f := range []string{"user.name", "transaction.id", "session.id", "host.name", "labels.ma_ho_so", "event.original",
		"destination.address", "url.full"} {
		e.AddString(ecs.Intern(f), "a-"+id+"-"+tel)
	}
	protect(t, p, e)
	if s := string(e.AppendJSON(nil)); strings.Contains(s, id) || strings.Contains(s, tel) {
		t.Errorf("a number stands beside its token: %s", s)
	}
}

// TestProtectText: what people type into forms is kept for ever in the log of deeds.
func TestProtectText(t *testing.T) {
	p := protector()
	tok, tel := tokenOf(p, CCCD, "", "037095001234"), tokenOf(p, Phone, "", "+84912345678")
	for in, want := range map[string]string{
		"đã gọi 0912 345 678, số 037095001234 hoặc 037 095 001 234, pc-037095001234": "đã gọi " + tel + ", số " + tok + " hoặc " + tok + ", pc-" +
			tok,
		"037095001234":           tok,
		"mật khẩu: Abc@123":      "mật khẩu: [secret:password:7]",
		"không có gì, CB-2026-1": "không có gì, CB-2026-1",
		tok:                      tok,
	} {
		if got, err := p.ProtectText(in); err != nil || got != want {
			t.Errorf("ProtectText(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
}
