package console

import (
	"testing"

	"hoalu/soc"
)

// TestDetailsAreSaidInWords: codes and lists in the details of a deed are what a person reads; they stood in the audit log as the
// program keeps them (["cccd"], totp, disabled).
func TestDetailsAreSaidInWords(t *testing.T) {
	for _, c := range []struct{ action, key, value, name, vi string }{
		{"search.identifier", "kinds", `["cccd"]`, "loại số định danh", "số định danh cá nhân (CCCD)"},
		{"search.identifier", "kinds", `["cccd","phone"]`, "loại số định danh", "số định danh cá nhân (CCCD); số điện thoại"},
		{"account.login", "factor", "totp", "cách xác thực", "mã sáu chữ số"},
		{"account.login", "factor", "recovery", "cách xác thực", "mã khôi phục"},
		{"link.create", "kind", "invite", "loại", "mời tài khoản"},
		{"account.change", "roles_before", `["analyst"]`, "vai trò trước đó", word("vi", "role.analyst")},
		{"account.change", "state", "disabled", "trạng thái", "Ngừng"},
		{"account.change", "acknowledged", "roles", "đã xác nhận", "các vai trò không nên đi cùng nhau"},
		{"evidence.restored", "kept_at", "2026-11-30T01:00:00Z", "mốc lưu lúc", "30/11/2026 08:00:00 (+07)"},
	} {
		said := deedSaid(soc.Deed{Action: c.action, Details: map[string]string{c.key: c.value}})
		if len(said) != 1 || said[0].Name["vi"] != c.name || said[0].Value["vi"] != c.vi || said[0].Value["en"] == c.value {
			t.Errorf("%s %s=%s is said as %+v, want %s: %s", c.action, c.key, c.value, said, c.name, c.vi)
		}
	}
}
