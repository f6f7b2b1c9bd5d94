package state

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"hoalu/internal/lang"
)

// TestWhatADatabaseSays: why a database cannot be read or written is said in the reader's language; the cause stays in the error.
func TestWhatADatabaseSays(t *testing.T) {
	damaged := filepath.Join(t.TempDir(), "damaged.db")
	if err := os.WriteFile(damaged, []byte("this is no database, and it is long enough to be read as one ............................................."), 0o600); err != nil {
		t.Fatal(err)
	}
	write, read, err := OpenFile(damaged, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer write.Close()
	defer read.Close()
	noDatabase := read.PingContext(t.Context())
	if noDatabase == nil {
		_, noDatabase = read.ExecContext(t.Context(), "SELECT count(*) FROM sqlite_master")
	}
	for _, c := range []struct {
		err    error
		en, vi string
	}{
		{noDatabase, "its file is damaged; restore a backup", "tệp của nó bị hỏng; hãy khôi phục từ bản sao lưu"},
		{fmt.Errorf("begin: %w", &pgconn.PgError{Code: "28P01"}), "PostgreSQL refuses the user or the password of state.dsn",
			"PostgreSQL từ chối người dùng hoặc mật khẩu trong state.dsn"},
		{&pgconn.PgError{Code: "53100"}, "the disk of PostgreSQL is full", "đĩa của PostgreSQL đã đầy"},
		{pgconn.ErrConnClosed, "the connection is closed", "kết nối đã đóng"},
		{fmt.Errorf("read: %w for 15s", errSilent), "PostgreSQL took the question and does not answer", "PostgreSQL đã nhận câu hỏi nhưng không trả lời"},
		{errors.New("something else"), "something else", "something else"},
	} {
		p := said(c.err)
		if both := lang.Both(p); both["en"] != c.en || both["vi"] != c.vi || !errors.Is(p, c.err) && c.en != errSilent.Error() {
			t.Errorf("said(%v): %q, want %q and %q, and the cause kept", c.err, both, c.en, c.vi)
		}
	}
}
