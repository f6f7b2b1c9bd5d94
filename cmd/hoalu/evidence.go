package main

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"hoalu/compliance/evidence"
	"hoalu/internal/durable"
	"hoalu/internal/lang"
	"hoalu/soc"
)

// EvidenceCmd makes and checks evidence packs.
type EvidenceCmd struct {
	Export EvidenceExportCmd `cmd:"" help:"Write the evidence of a system and period into one file."`
	Verify EvidenceVerifyCmd `cmd:"" help:"Check a pack; needs no server and no network."`
	Key    EvidenceKeyCmd    `cmd:"" help:"Print the id of the key that signs packs, to compare or to keep on paper."`
}

// EvidenceExportCmd writes a pack.
type EvidenceExportCmd struct {
	atData
	System string `placeholder:"HT-NNN" help:"HT- number." required:""`
	From   string `placeholder:"TIME" help:"Day (2026-11-21) or instant; the beginning of today otherwise."`
	To     string `placeholder:"TIME" help:"Day, included, or instant; now otherwise."`
	Reason string `placeholder:"REASON" help:"What it is for; recorded in the audit log." required:""`
	Out    string `placeholder:"FILE" help:"File to write; it must not exist." required:"" type:"path"`
}

// Run writes the pack; no partial file is left on error.
func (c EvidenceExportCmd) Run(e *env) error {
	if strings.TrimSpace(c.Reason) == "" {
		return fmt.Errorf(say("%w: --reason: say what the pack is for; it is recorded in the audit log"), errUsage)
	}
	if _, err := os.Stat(c.Out); err == nil {
		return fmt.Errorf(say("%s exists; give another --out"), c.Out)
	}
	tmp := c.Out + ".part"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf(say("pack not exported: %w"), err)
	}
	err = c.control().Download(e.ctx, "/evidence", url.Values{"system": {c.System}, "from": {c.From}, "to": {c.To}, "reason": {c.Reason}}, f)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		if err = os.Rename(tmp, c.Out); err == nil {
			err = durable.SyncDir(filepath.Dir(c.Out))
		}
	}
	if err != nil {
		os.Remove(tmp)
		return fmt.Errorf(say("pack not exported: %w"), err)
	}
	return EvidenceVerifyCmd{File: c.Out}.Run(e)
}

// EvidenceKeyCmd prints the key packs are signed by.
type EvidenceKeyCmd struct{ atData }

// Run prints its id.
func (c EvidenceKeyCmd) Run(e *env) error {
	var got struct{ ID string }
	if err := c.control().Call(e.ctx, "GET", "/evidence/key", nil, nil, &got); err != nil {
		return err
	}
	_, err := fmt.Fprintln(e.out, grouped(got.ID))
	return err
}

// grouped is a key id as people compare it with paper.
func grouped(id string) string {
	var b strings.Builder
	for i, r := range id {
		if i > 0 && i%8 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// EvidenceVerifyCmd checks a pack.
type EvidenceVerifyCmd struct {
	File   string `arg:"" help:"The pack." type:"existingfile"`
	Other  string `arg:"" optional:"" help:"A second pack: is it of the same log?" type:"existingfile"`
	Key    string `placeholder:"ID" help:"Key id the pack must be signed by, as hoalu evidence key prints it where the pack was made, or as it stands on paper; blanks do not matter."`
	System string `placeholder:"HT-NNN" help:"HT- number the pack must be about."`
	Lang   string `placeholder:"en|vi" help:"Language of the answer: en or vi; that of the environment otherwise." enum:"en,vi," default:""`
	JSON   bool   `help:"Answer as JSON."`
}

// Help tells of the exit codes.
func (EvidenceVerifyCmd) Help() string {
	return "Exit code 0: the pack is as it was made. 1: it is not, or cannot be read; what is wrong is named. 2: wrong usage. A pack that is good was not changed since it was signed; whose signature it is only the key id tells, so compare it."
}

// Run checks.
func (c EvidenceVerifyCmd) Run(e *env) error {
	if c.Lang != "" {
		lang.Use(c.Lang)
	}
	want := evidence.Want{System: c.System}
	if c.Key != "" {
		var err error
		if want.Key, err = evidence.ParseKeyID(c.Key); err != nil {
			return fmt.Errorf(say("%w: --key: %w"), errUsage, err)
		}
	}
	f, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer f.Close()
	v := evidence.VerifyPack(f, want)
	if c.JSON {
		if err := printJSON(e.out, v); err != nil {
			return err
		}
	} else {
		printVerdict(e.out, v, c.Key != "", lang.Code() == "vi")
	}
	if c.Other != "" {
		if err := c.compare(e, v); err != nil {
			return err
		}
	}
	if !v.Good {
		return fmt.Errorf(say("%w: the pack is not as it was made"), errFound)
	}
	return nil
}

// compare verifies the second pack and says whether both come from one log.
func (c EvidenceVerifyCmd) compare(e *env, v evidence.Verdict) error {
	f, err := os.Open(c.Other)
	if err != nil {
		return err
	}
	defer f.Close()
	other := evidence.VerifyPack(f, evidence.Want{})
	relation := evidence.CannotBe
	if v.Good && other.Good {
		relation = evidence.Compare(v, other)
	}
	if c.JSON {
		if err := printJSON(e.out, map[string]any{"other": other, "relation": relation}); err != nil {
			return err
		}
	} else {
		printVerdict(e.out, other, false, lang.Code() == "vi")
		words := map[evidence.Relation][2]string{
			evidence.OneLog: {"SAME LOG the later head continues the earlier one", "CÙNG NHẬT KÝ đầu chuỗi sau nối tiếp đầu chuỗi trước"},
			evidence.TwoLogs: {"TWO LOGS the later head does not continue the earlier one",
				"HAI NHẬT KÝ đầu chuỗi sau không nối tiếp đầu chuỗi trước"},
			evidence.CannotBe: {"NOT KNOWN whether both are of one log: a pack is not good, or the later one holds no proof for the earlier head",
				"KHÔNG RÕ hai gói có cùng nhật ký không: có gói sai, hoặc gói sau không có bằng chứng cho đầu chuỗi của gói trước"},
		}[relation]
		i := 0
		if lang.Code() == "vi" {
			i = 1
		}
		fmt.Fprintln(e.out, words[i])
	}
	if relation != evidence.OneLog {
		return fmt.Errorf(say("%w: the packs are not shown to be of one log"), errFound)
	}
	return nil
}

func printVerdict(w io.Writer, v evidence.Verdict, keyGiven, vi bool) {
	say := func(en, viText string) string {
		if vi {
			return viText
		}
		return en
	}
	day := func(ms int64) string { return time.UnixMilli(ms).In(soc.Zone).Format("2006-01-02 15:04") }
	if v.Good {
		fmt.Fprintf(w, say("GOOD     %s %s, %s to %s (+07), %d records under log head %d %s\n",
			"ĐÚNG     %s %s, từ %s đến %s (+07), %d bản ghi dưới đầu chuỗi %d %s\n"),
			evidence.Plain(v.Header.System), evidence.Plain(v.Header.Name), day(v.Header.From), day(v.Header.To), total(v.Counts), v.Head.Size,
			v.Head.Root)
	}
	for _, x := range v.Findings {
		fmt.Fprintln(w, say("ALTERED  "+x.EN, "SAI      "+x.VI))
	}
	if v.Good && !v.Measured {
		fmt.Fprintln(w,
			say("EMPTY    nothing was measured in this period: the pack proves neither that a requirement was met nor that it was not",
				"TRỐNG    không có gì được đo trong khoảng thời gian này: gói không chứng minh yêu cầu nào đạt hay chưa đạt"))
	} else if v.Good && v.MeasuredFrom > v.Header.From {
		fmt.Fprintln(w, say("         posture is on record from ", "         kết quả đánh giá chỉ có từ ")+day(v.MeasuredFrom))
	}
	if c := v.Comparison; v.Good && c != nil && c.State == evidence.NotCompared {
		fmt.Fprintln(w,
			say("         the records of this pack were compared with the log, the whole log not yet since the start of the appliance",
				"         bản ghi của gói đã được đối chiếu với nhật ký; toàn bộ nhật ký thì chưa, kể từ khi thiết bị khởi động"))
	}
	if v.KeyID != "" {
		fmt.Fprintln(w, say("key      ", "khóa     ")+grouped(v.KeyID))
		if !keyGiven {
			fmt.Fprintln(w,
				say("         compare the key with the one on paper or on the page Audit log, or give it with --key: it tells whose pack this is",
					"         hãy so khóa với bản giấy hoặc với trang Nhật ký thao tác, hoặc đưa vào bằng --key: chỉ khóa cho biết gói là của ai"))
		}
	}
	if v.Header.Demo {
		fmt.Fprintln(w, say("         sample data: it proves nothing about a real system",
			"         dữ liệu mẫu: không chứng minh điều gì về hệ thống thật"))
	}
}

func total(counts map[string]int) int {
	n := 0
	for _, c := range counts {
		n += c
	}
	return n
}
