package privacy

import (
	"slices"
	"strings"
)

// A secretKey is the end of a name: "db_password", "X-Api-Key", "so_mat_khau", "password1". At a dash a name may write one of "_-."
// or nothing. A whole one is too short to be an end: only such a mark or nothing stands before it ("pw", "DB_PASS", no "bypass").
type secretKey struct {
	key, kind string
	whole     bool
}

var secretKeys = []secretKey{
	{"pass-word", "password", false}, {"passwd", "password", false}, {"passwrd", "password", false}, {"pass-phrase", "password", false},
	{"pwd", "password", false}, {"mat-khau", "password", false},
	{"secret", "secret", false}, {"secret-key", "secret", false}, {"private-key", "secret", false}, {"credential", "secret", false},
	{"credentials", "secret", false},
	{"api-key", "api-key", false}, {"access-key", "api-key", false}, {"account-key", "api-key", false}, {"token", "token", false},
	{"jwt", "token", false},
	{"pass-code", "otp", false}, {"authorization", "authorization", false}, {"cookie", "cookie", false}, {"otp", "otp", false},
	{"verification-code", "otp", false}, {"security-code", "otp", false}, {"auth-code", "otp", false}, {"mfa-code", "otp", false},
	{"pin", "otp", true}, {"private-lines", "private-key", false},
	{"saml-response", "token", false}, {"bearer", "bearer", false}, {"subscription-key", "api-key", false}, {"functions-key", "api-key", false},
	{"auth-key", "api-key", false}, {"encryption-key", "secret", false}, {"key-material", "secret", false}, {"cookies", "cookie", false},
	{"jsession-id", "session", false}, {"asp-net-session-id", "session", false}, {"phpsessid", "session", false},
	{"pass", "password", true}, {"pw", "password", true}, {"mk", "password", true}, {"psw", "password", true},
	{"store-pass", "password", false}, {"key-pass", "password", true}, {"pswd", "password", false}, {"user-pass", "password", false},
	{"ssh-pass", "password", true}, {"mat-khau-moi", "password", false}, {"mat-khau-cu", "password", false},
	{"password-confirmation", "password", false}, {"psk", "secret", true}, {"signing-key", "secret", false}, {"master-key", "secret", false},
	{"shared-key", "secret", false}, {"recovery-key", "secret", false}, {"secret-key-base", "secret", false}, {"app-key", "api-key", true},
	{"cli-auth", "password", false}, {"otp-code", "otp", false}, {"pin-code", "otp", false}, {"confirmation-code", "otp", false},
	{"login-code", "otp", false}, {"sms-code", "otp", false}, {"x-session-id", "session", false}, {"backup-code", "otp", false}, {"ma-xac-thuc", "otp", false}, {"ma-xac-nhan", "otp", false},
}

// tokenWords are words that end with token and are public: a browser's name, the sign of a library in .NET, the place in a list.
var tokenWords = [...]string{"useragent", "publickey", "page"}

func joins(c byte) bool { return c == '_' || c == '-' || c == '.' }

// numbered is where the number at the end of a name begins ("password1", "mk02"); one of more than two digits is no number of a name.
func numbered(name string) int {
	n := len(name)
	for n > 0 && len(name)-n < 3 && digit(name[n-1]) {
		n--
	}
	if len(name)-n > 2 {
		return len(name)
	}
	return n
}

// keyOf says which kind of secret a name stands for, "" none.
func keyOf(name string) string {
	if len(name) > 64 {
		return ""
	}
	name = name[:numbered(name)]
	n := len(name)
	if n < 2 {
		return ""
	}
	x, y := name[n-2]|0x20-'a', name[n-1]|0x20-'a'
	if x >= 26 || y >= 26 || !keyEnds[int(x)*26+int(y)] {
		return ""
	}
	for _, k := range secretKeys {
		before := k.endOf(name)
		if before > 0 && k.kind == "token" && publicToken(name[:before]) {
			return ""
		}
		if before == 0 || before > 0 && (!k.whole || joins(name[before-1])) {
			return k.kind
		}
	}
	return ""
}

// publicToken says whether "token" behind head is no secret.
func publicToken(head string) bool {
	if joins(head[len(head)-1]) {
		head = head[:len(head)-1]
	}
	return slices.ContainsFunc(tokenWords[:], func(w string) bool {
		return len(head) >= len(w) && strings.EqualFold(head[len(head)-len(w):], w)
	})
}

// endOf says where k begins as the end of name, -1: name does not end with it.
func (k secretKey) endOf(name string) int {
	at := len(name)
	for i := len(k.key) - 1; i >= 0; i-- {
		if k.key[i] == '-' {
			if at > 0 && joins(name[at-1]) {
				at--
			}
			continue
		}
		if at == 0 || name[at-1]|0x20 != k.key[i] || name[at-1] < 'A' {
			return -1
		}
		at--
	}
	return at
}
