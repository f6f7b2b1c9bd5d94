package main

import (
	"fmt"
	"strings"

	"hoalu/internal/app"
)

// RestoredCmd says on record that a data folder was put back on purpose.
type RestoredCmd struct {
	Config string `help:"Configuration file the appliance is started with." type:"path"`
	Data   string `help:"The restored data directory; no appliance may run on it." default:"${data}" type:"path"`
	Reason string `help:"Why it was restored; recorded in the audit log." required:""`
	Lang   string `help:"Language of the answer: en or vi; that of the environment otherwise." enum:"en,vi," default:""`
}

// Help says when it is needed.
func (RestoredCmd) Help() string {
	return "A start compares the evidence log with its newest head, which is kept apart from the data folder, and refuses a folder whose log is shorter or another one. After a restore from a backup, or on another machine, this command accepts the folder as it is: the reason goes into the audit log, the head is kept from there on, and the queue begins a new epoch so that no event number is given twice."
}

// Run accepts the folder.
func (c RestoredCmd) Run(e *env) error {
	if strings.TrimSpace(c.Reason) == "" {
		return fmt.Errorf("%w: --reason: say why the folder was restored; it is recorded in the audit log", errUsage)
	}
	cfg, err := app.LoadConfig(c.Config)
	if err != nil {
		return badConfig(errUsage, err)
	}
	r, err := app.Restore(e.ctx, app.Options{Data: c.Data, Config: cfg, Log: e.log, Version: version}, c.Reason)
	if err != nil {
		return err
	}
	found, next := "nothing contradicts the head kept apart", "On record. The queue begins a new epoch at the next start."
	if vietnamese(c.Lang) {
		found, next = "không có gì trái với đầu chuỗi giữ ngoài thư mục dữ liệu", "Đã ghi vào nhật ký thao tác. Hàng đợi mở kỷ nguyên mới ở lần khởi động sau."
	}
	if b := r.Before; b != nil {
		if found = fmt.Sprintf("the log held %d entries, %d were known apart", b.Size, b.Kept); vietnamese(c.Lang) {
			found = fmt.Sprintf("nhật ký có %d mục, đầu chuỗi giữ ngoài có %d mục", b.Size, b.Kept)
		}
	}
	_, err = fmt.Fprintf(e.out, "%s\n%s\n%d %s\n", found, next, r.Head.Size, r.Head.Root)
	return err
}
