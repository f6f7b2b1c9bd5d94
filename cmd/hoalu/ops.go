package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"hoalu/compliance/evidence"
	"hoalu/console"
	"hoalu/internal/app"
	"hoalu/internal/config"
	"hoalu/internal/control"
	"hoalu/internal/lang"
	"hoalu/national"
	"hoalu/soc"
)

// program is how this binary was called, for hints.
func program() string {
	if len(os.Args) > 0 {
		return os.Args[0]
	}
	return "hoalu"
}

// atData is the flag of commands that talk to the running appliance.
type atData struct {
	Data string `help:"Data directory of the running appliance." default:"${data}" type:"path"`
}

func (d atData) control() *control.Client { return control.NewClient(d.Data) }

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// span is a length of time on the command line: what Go writes, and days.
type span time.Duration

// UnmarshalText reads 90m, 24h, 7d.
func (s *span) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	if days, ok := strings.CutSuffix(string(text), "d"); ok {
		var n uint64
		n, err = strconv.ParseUint(days, 10, 16)
		d = time.Duration(n) * 24 * time.Hour
	}
	if err != nil || d <= 0 {
		return fmt.Errorf(say("must be a time as 90m, 24h or 7d, is %q"), text)
	}
	*s = span(d)
	return nil
}

// ImportCmd stores a file's events like live ones.
type ImportCmd struct {
	atData
	Source  string `help:"NG- number, or a name for where the file comes from." required:""`
	Dataset string `help:"Decoder to use (see hoalu source list); found out by itself otherwise."`
	Format  string `help:"json, syslog or line; found out by itself otherwise." enum:"json,syslog,line," default:""`
	File    string `arg:"" help:"NDJSON or text lines, gzip too; - is standard input."`
}

// Run streams the file to the appliance.
func (c ImportCmd) Run(e *env) error {
	in := io.Reader(os.Stdin)
	name := c.File
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return err
		}
		defer f.Close()
		if st, err := f.Stat(); err == nil && st.IsDir() {
			return fmt.Errorf(say("%s is a folder; give one file at a time, or - and a pipe"), c.File)
		}
		in, name = f, filepath.Base(c.File)
	}
	var got struct{ Frames, Rejected, Bytes int64 }
	q := url.Values{"source": {c.Source}, "dataset": {c.Dataset}, "format": {c.Format}, "name": {name}}
	if err := c.control().Call(e.ctx, "POST", "/import", q, in, &got); err != nil {
		return err
	}
	fmt.Fprintf(e.out, say("%d messages taken in, %d rejected, %d bytes read. What was stored before is counted as duplicate, see the page Ledger.")+"\n", got.Frames, got.Rejected, got.Bytes)
	if got.Rejected > 0 {
		return fmt.Errorf(say("%w: %d lines were rejected; the page Ledger says why"), errFound, got.Rejected)
	}
	return nil
}

// DemoCmd loads and removes the sample province.
type DemoCmd struct {
	Load   DemoLoadCmd   `cmd:"" help:"Load the sample systems and replay their recorded events."`
	Remove DemoRemoveCmd `cmd:"" help:"Remove the sample systems, their alerts and posture."`
}

// DemoLoadCmd loads.
type DemoLoadCmd struct {
	atData
	JSON bool `help:"Answer as JSON."`
}

// Run loads the sample province.
func (c DemoLoadCmd) Run(e *env) error {
	var d app.Demo
	if err := c.control().Call(e.ctx, "POST", "/demo/load", nil, nil, &d); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(e.out, d)
	}
	if d.Inventory.Systems == 0 {
		fmt.Fprintln(e.out, say("The sample province is loaded already; it goes on sending ordinary work."))
	} else {
		fmt.Fprintf(e.out, say("Loaded: %d units, %d systems, %d hosts and %d sources, marked as sample everywhere; %d recorded events are being taken in.")+"\n",
			d.Inventory.Units, d.Inventory.Systems, d.Inventory.Assets, d.Inventory.Sources, d.Events)
	}
	_, err := fmt.Fprintln(e.out, say("Look at next, in the console:\n  Alerts          some twenty sample alerts within a minute; open one with Enter, read why it fired and what to do\n  Systems         46 systems; open one for its posture, requirement by requirement\n  Sources         they go on sending ordinary work; two systems have fallen silent, to show that too\nTake it all away again: hoalu demo remove"))
	return err
}

// DemoRemoveCmd removes.
type DemoRemoveCmd struct {
	atData
	JSON bool `help:"Answer as JSON."`
}

// Run removes the sample province.
func (c DemoRemoveCmd) Run(e *env) error {
	var d app.Demo
	if err := c.control().Call(e.ctx, "POST", "/demo/remove", nil, nil, &d); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(e.out, d)
	}
	if d.Inventory.Systems == 0 {
		_, err := fmt.Fprintln(e.out, say("No sample province is loaded."))
		return err
	}
	_, err := fmt.Fprintf(e.out, say("Removed: %d units, %d systems, %d hosts, %d sources and %d alerts. Their stored events stay, marked as sample, until their retention ends.")+"\n",
		d.Inventory.Units, d.Inventory.Systems, d.Inventory.Assets, d.Inventory.Sources, d.Alerts)
	return err
}

// AdminCmd is for whoever commands the machine.
type AdminCmd struct {
	Link AdminLinkCmd `cmd:"" help:"Print a new one-time link that makes an administrator."`
}

// AdminLinkCmd makes a link.
type AdminLinkCmd struct{ atData }

// Run prints the link.
func (c AdminLinkCmd) Run(e *env) error {
	var got struct{ URL string }
	if err := c.control().Call(e.ctx, "POST", "/admin/link", nil, nil, &got); err != nil {
		return err
	}
	_, err := fmt.Fprintln(e.out, got.URL)
	return err
}

// TokenCmd is about API tokens.
type TokenCmd struct {
	Create TokenCreateCmd `cmd:"" help:"Make an API token and print it once (Authorization: Bearer …)."`
}

// TokenCreateCmd makes one.
type TokenCreateCmd struct {
	atData
	Role  []string `help:"administrator, analyst, lead, owner, auditor, dpo or liaison; several with commas." required:""`
	Role2 string   `help:"A second role." name:"role2" hidden:""`
	Unit  string   `help:"DV- number, for owners."`
	Name  string   `help:"What it is for." default:"command line"`
	TTL   span     `help:"How long it is good, as 24h or 30d, at most 365d." default:"24h"`
}

// Validate says what is wrong before anything is asked of the appliance.
func (c TokenCreateCmd) Validate() error {
	for _, r := range append(c.Role, c.Role2) {
		if r != "" && !slices.Contains(soc.Roles, soc.Role(r)) {
			return fmt.Errorf(say("--role: there is no role %q; roles are administrator, analyst, lead, owner, auditor, dpo and liaison"), r)
		}
	}
	if c.Unit == "" && (slices.Contains(c.Role, string(soc.Owner)) || c.Role2 == string(soc.Owner)) {
		return errors.New(say("--unit: an owner sees the systems of one unit; give its DV- number"))
	}
	return nil
}

// Run makes the token, through the running appliance or, when none runs, in its data directory.
func (c TokenCreateCmd) Run(e *env) error {
	var roles []soc.Role
	for _, r := range append(c.Role, c.Role2) {
		if r != "" {
			roles = append(roles, soc.Role(r))
		}
	}
	secret, err := app.CreateToken(e.ctx, c.Data, c.Name, roles, c.Unit, time.Duration(c.TTL))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(e.out, secret)
	return err
}

// EvidenceCmd makes and checks evidence packs.
type EvidenceCmd struct {
	Export EvidenceExportCmd `cmd:"" help:"Write the evidence of a system and period into one file."`
	Verify EvidenceVerifyCmd `cmd:"" help:"Check a pack; needs no server and no network."`
	Key    EvidenceKeyCmd    `cmd:"" help:"Print the id of the key that signs packs, to compare or to keep on paper."`
}

// EvidenceExportCmd writes a pack.
type EvidenceExportCmd struct {
	atData
	System string `help:"HT- number." required:""`
	From   string `help:"Day (2026-11-21) or instant; the beginning of today otherwise."`
	To     string `help:"Day, included, or instant; now otherwise."`
	Reason string `help:"What it is for; recorded in the audit log." required:""`
	Out    string `help:"File to write; it must not exist." required:"" type:"path"`
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
		err = os.Rename(tmp, c.Out)
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
	Key    string `help:"Key id the pack must be signed by, as hoalu evidence key prints it where the pack was made, or as it stands on paper; blanks do not matter."`
	System string `help:"HT- number the pack must be about."`
	Lang   string `help:"Language of the answer: en or vi; that of the environment otherwise." enum:"en,vi," default:""`
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
			evidence.OneLog:   {"SAME LOG the later head continues the earlier one", "CÙNG NHẬT KÝ đầu chuỗi sau nối tiếp đầu chuỗi trước"},
			evidence.TwoLogs:  {"TWO LOGS the later head does not continue the earlier one", "HAI NHẬT KÝ đầu chuỗi sau không nối tiếp đầu chuỗi trước"},
			evidence.CannotBe: {"NOT KNOWN whether both are of one log: a pack is not good, or the later one holds no proof for the earlier head", "KHÔNG RÕ hai gói có cùng nhật ký không: có gói sai, hoặc gói sau không có bằng chứng cho đầu chuỗi của gói trước"},
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
		fmt.Fprintf(w, say("GOOD     %s %s, %s to %s (+07), %d records under log head %d %s\n", "ĐÚNG     %s %s, từ %s đến %s (+07), %d bản ghi dưới đầu chuỗi %d %s\n"),
			evidence.Plain(v.Header.System), evidence.Plain(v.Header.Name), day(v.Header.From), day(v.Header.To), total(v.Counts), v.Head.Size, v.Head.Root)
	}
	for _, x := range v.Findings {
		fmt.Fprintln(w, say("ALTERED  "+x.EN, "SAI      "+x.VI))
	}
	if v.Good && !v.Measured {
		fmt.Fprintln(w, say("EMPTY    nothing was measured in this period: the pack proves neither that a requirement was met nor that it was not",
			"TRỐNG    không có gì được đo trong khoảng thời gian này: gói không chứng minh yêu cầu nào đạt hay chưa đạt"))
	} else if v.Good && v.MeasuredFrom > v.Header.From {
		fmt.Fprintln(w, say("         posture is on record from ", "         kết quả đánh giá chỉ có từ ")+day(v.MeasuredFrom))
	}
	if c := v.Comparison; v.Good && c != nil && c.State == evidence.NotCompared {
		fmt.Fprintln(w, say("         the records of this pack were compared with the log, the whole log not yet since the start of the appliance",
			"         bản ghi của gói đã được đối chiếu với nhật ký; toàn bộ nhật ký thì chưa, kể từ khi thiết bị khởi động"))
	}
	if v.KeyID != "" {
		fmt.Fprintln(w, say("key      ", "khóa     ")+grouped(v.KeyID))
		if !keyGiven {
			fmt.Fprintln(w, say("         compare the key with the one on paper or on the page Audit log, or give it with --key: it tells whose pack this is",
				"         hãy so khóa với bản giấy hoặc với trang Nhật ký thao tác, hoặc đưa vào bằng --key: chỉ khóa cho biết gói là của ai"))
		}
	}
	if v.Header.Demo {
		fmt.Fprintln(w, say("         sample data: it proves nothing about a real system", "         dữ liệu mẫu: không chứng minh điều gì về hệ thống thật"))
	}
}

func total(counts map[string]int) int {
	n := 0
	for _, c := range counts {
		n += c
	}
	return n
}

// NationalCmd is the link to the national centre.
type NationalCmd struct {
	Status    NationalStatusCmd    `cmd:"" help:"Where the link stands."`
	Send      NationalSendCmd      `cmd:"" help:"Send a test packet and say what the centre answered."`
	Reconcile NationalReconcileCmd `cmd:"" help:"Compare a day with the centre's list."`
	Retry     NationalRetryCmd     `cmd:"" help:"Send refused reports again, once what they were refused for is mended."`
	Endpoint  NationalEndpointCmd  `cmd:"" help:"Set or remove the receiving point."`
}

// NationalStatusCmd shows.
type NationalStatusCmd struct {
	atData
	JSON bool `help:"Answer as JSON."`
}

// Run shows the link; exit code 1 says that something is wrong with it.
func (c NationalStatusCmd) Run(e *env) error {
	var raw json.RawMessage
	if err := c.control().Call(e.ctx, "GET", "/national", nil, nil, &raw); err != nil {
		return err
	}
	var s national.Summary
	if err := json.Unmarshal(raw, &s); err != nil {
		return err
	}
	if c.JSON {
		if err := printJSON(e.out, raw); err != nil {
			return err
		}
	} else {
		list := s.Destinations
		if len(list) == 0 {
			list = []national.Summary{s}
		}
		for i, d := range list {
			if i > 0 {
				fmt.Fprintln(e.out)
			}
			printLink(e.out, d, time.Now())
		}
	}
	switch {
	case !s.Endpoint:
		return nil
	case s.FailingSince > 0:
		return fmt.Errorf(say("%w: the centre does not take reports"), errFound)
	case s.Refused > 0:
		return fmt.Errorf(say("%w: the centre has refused %d reports"), errFound, s.Refused)
	}
	return nil
}

// clockFar is how far apart the clocks may be.
const clockFar = 5 * time.Minute

func printLink(w io.Writer, s national.Summary, now time.Time) {
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%s"+format+"\n", append([]any{padded(name, 18)}, args...)...)
	}
	ago := func(ms int64) string {
		if ms == 0 {
			return say("never")
		}
		return fmt.Sprintf(say("%s ago"), now.Sub(time.UnixMilli(ms)).Round(time.Second))
	}
	if s.Endpoint {
		line(say("receiving point"), "%d  %s", s.ID, evidence.Plain(s.URL))
	} else {
		line(say("receiving point"), say("none is set: nothing leaves this machine; set one with hoalu national endpoint"))
	}
	if s.Waiting > 0 {
		line(say("waiting"), say("%d, the oldest made %s"), s.Waiting, ago(s.OldestWaiting))
	} else {
		line(say("waiting"), say("none"))
	}
	line(say("accepted"), say("%d, each with a signed receipt; today %d of %d made"), s.Accepted, s.AcceptedToday, s.MadeToday)
	line(say("last receipt"), "%s", ago(s.LastReceipt))
	if s.Endpoint {
		line(say("heartbeat taken"), "%s", ago(s.Heartbeat))
	}
	if d := time.Duration(s.ClockAhead) * time.Millisecond; d.Abs() > clockFar {
		format := say("the centre's is %s ahead of this machine's: check the time here first")
		if d < 0 {
			format = say("the centre's is %s behind this machine's: check the time here first")
		}
		line(say("clocks"), format, d.Abs().Round(time.Second))
	}
	if s.Refused > 0 {
		line(say("refused"), say("%d; mend the reason, then: hoalu national retry"), s.Refused)
		for _, reason := range slices.Sorted(maps.Keys(s.RefusedByReason)) {
			line("", say("%d times: %s"), s.RefusedByReason[reason], evidence.Plain(strings.TrimSpace(reason)))
		}
	}
	if s.FailingSince > 0 {
		line(say("failing since"), "%s (%s)", local(s.FailingSince), ago(s.FailingSince))
	}
	if s.LastError != "" {
		line(say("last error"), "%s", evidence.Plain(s.LastError))
	}
}

// padded fills s with blanks up to n letters.
func padded(s string, n int) string {
	return s + strings.Repeat(" ", max(n-utf8.RuneCountInString(s), 1))
}

// atDestination names one of several receiving points.
type atDestination struct {
	Destination int64 `help:"Number of the receiving point, as hoalu national status shows it; the first one otherwise."`
}

func (d atDestination) values(more url.Values) url.Values {
	if more == nil {
		more = url.Values{}
	}
	if d.Destination != 0 {
		more.Set("destination", strconv.FormatInt(d.Destination, 10))
	}
	return more
}

// NationalSendCmd sends a test packet.
type NationalSendCmd struct {
	atData
	atDestination
}

// Run sends.
func (c NationalSendCmd) Run(e *env) error { return sendTest(e, c.control(), c.atDestination) }

func sendTest(e *env, control *control.Client, to atDestination) error {
	var v struct {
		Report, Text string
		OK           bool
	}
	if err := control.Call(e.ctx, "POST", "/national/test", to.values(nil), nil, &v); err != nil {
		return err
	}
	if !v.OK {
		return fmt.Errorf(say("%w: test packet %s was not accepted: %s"), errFound, v.Report, evidence.Plain(strings.TrimSpace(v.Text)))
	}
	_, err := fmt.Fprintf(e.out, say("test packet %s accepted, receipt verified\n"), v.Report)
	return err
}

// NationalReconcileCmd compares a day.
type NationalReconcileCmd struct {
	atData
	atDestination
	Day  string `help:"2026-11-21; today otherwise."`
	JSON bool   `help:"Answer as JSON."`
}

// Run compares.
func (c NationalReconcileCmd) Run(e *env) error {
	var raw json.RawMessage
	if err := c.control().Call(e.ctx, "POST", "/national/reconcile", c.values(url.Values{"day": {c.Day}}), nil, &raw); err != nil {
		return err
	}
	var r national.Reconciliation
	if err := json.Unmarshal(raw, &r); err != nil {
		return err
	}
	if c.JSON {
		if err := printJSON(e.out, raw); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(e.out, say("%s: %d made = %d accepted + %d refused + %d waiting; the centre holds %d\n"), r.Day, r.Made, r.Accepted, r.Refused, r.Waiting, r.Centre)
		for _, x := range []struct {
			ids  []string
			says string
		}{{r.Missing, say("accepted, but the centre does not hold it: it is sent again")}, {r.Extra, say("the centre holds it, but not as it was made here")},
			{r.Broken, say("the receipt or report kept here is not what it was; look who changed the database")}} {
			for _, id := range x.ids {
				fmt.Fprintf(e.out, say("DIFFERS  %s  %s\n"), evidence.Plain(id), x.says)
			}
		}
	}
	if !r.Balanced {
		return fmt.Errorf(say("%w: the day does not balance"), errFound)
	}
	return nil
}

// NationalRetryCmd sends refused reports again.
type NationalRetryCmd struct {
	atData
	Report string `arg:"" optional:"" help:"BC- number; all refused ones otherwise."`
}

// Run puts them back.
func (c NationalRetryCmd) Run(e *env) error {
	var v struct{ Reports int64 }
	if err := c.control().Call(e.ctx, "POST", "/national/retry", url.Values{"report": {c.Report}}, nil, &v); err != nil {
		return err
	}
	if v.Reports == 0 && c.Report != "" {
		return fmt.Errorf(say("%s is not a refused report"), c.Report)
	}
	_, err := fmt.Fprintf(e.out, say("%d refused reports are sent again\n"), v.Reports)
	return err
}

// NationalEndpointCmd sets the receiving point.
type NationalEndpointCmd struct {
	atData
	atDestination
	URL        string `help:"Its https address."`
	ServerCA   string `help:"File with the centre's CA certificate (PEM)." type:"existingfile"`
	ReceiptKey string `help:"File with the public key receipts are signed with (PEM)." type:"existingfile"`
	OrganID    string `help:"Our identifier at the centre."`
	Add        bool   `help:"Set it beside the others: alerts from now on are reported to it as well."`
	Remove     bool   `help:"Remove the receiving point: nothing goes there any more; what waits for the last one waits on."`
}

// Run sets it and sends a test packet, or removes it.
func (c NationalEndpointCmd) Run(e *env) error {
	given := c.URL != "" || c.ServerCA != "" || c.ReceiptKey != "" || c.OrganID != ""
	if c.Add && (c.Remove || c.Destination != 0) {
		return fmt.Errorf(say("%w: --add goes neither with --remove nor with --destination"), errUsage)
	}
	if c.Remove {
		if given {
			return fmt.Errorf(say("%w: --remove goes with no other flag"), errUsage)
		}
		if err := c.control().Call(e.ctx, "DELETE", "/national/endpoint", c.values(nil), nil, nil); err != nil {
			return err
		}
		_, err := fmt.Fprintln(e.out, say("removed: nothing goes to this receiving point any more"))
		return err
	}
	if c.URL == "" || c.ServerCA == "" || c.ReceiptKey == "" || c.OrganID == "" {
		return fmt.Errorf(say("%w: give --url, --server-ca, --receipt-key and --organ-id, or --remove"), errUsage)
	}
	ca, err := os.ReadFile(c.ServerCA)
	if err != nil {
		return err
	}
	key, err := os.ReadFile(c.ReceiptKey)
	if err != nil {
		return err
	}
	body, err := json.Marshal(national.Endpoint{ID: c.Destination, URL: c.URL, ServerCA: string(ca), ReceiptKey: string(key), OrganID: c.OrganID})
	if err != nil {
		return err
	}
	how := url.Values{}
	if c.Add {
		how.Set("add", "1")
	}
	var set struct{ Destination int64 }
	if err := c.control().Call(e.ctx, "POST", "/national/endpoint", how, strings.NewReader(string(body)), &set); err != nil {
		return err
	}
	fmt.Fprintln(e.out, say("set: reports go to ")+c.URL+" from now on")
	return sendTest(e, c.control(), atDestination{set.Destination})
}

// QuarantineCmd is about what could not become an event.
type QuarantineCmd struct {
	List   QuarantineListCmd   `cmd:"" help:"What is held, newest first."`
	Replay QuarantineReplayCmd `cmd:"" help:"Decode again, after a decoder was mended."`
}

// QuarantineListCmd lists.
type QuarantineListCmd struct {
	atData
	Source string `help:"NG- number."`
	Reason string `help:"Only those held for it (json, crc, oversize …)."`
	Limit  int    `help:"At most so many, up to 1000." default:"100"`
	JSON   bool   `help:"Answer as JSON."`
}

// Validate bounds what is asked for: fewer than asked would be a silent cap.
func (c QuarantineListCmd) Validate() error {
	if c.Limit < 1 || c.Limit > 1000 {
		return fmt.Errorf(say("--limit: must be from 1 to 1000, is %d"), c.Limit)
	}
	return nil
}

// Run lists.
func (c QuarantineListCmd) Run(e *env) error {
	var raw json.RawMessage
	if err := c.control().Call(e.ctx, "GET", "/quarantine", url.Values{"source": {c.Source}, "reason": {c.Reason}, "limit": {fmt.Sprint(c.Limit)}}, nil, &raw); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(e.out, raw)
	}
	var page console.QuarantinePage
	if err := json.Unmarshal(raw, &page); err != nil {
		return err
	}
	if page.Total == 0 {
		_, err := fmt.Fprintln(e.out, say("Nothing is held."))
		return err
	}
	for _, q := range page.Items {
		if _, err := fmt.Fprintf(e.out, say("%s  %s  from %s  %s  %d bytes")+"\n", evidence.Plain(q.ID), local(q.Time), evidence.Plain(q.Source), evidence.Plain(q.Reason), q.Size); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(e.out, say("%d of %d shown. Decode them again after a decoder was mended: hoalu quarantine replay")+"\n", len(page.Items), page.Total)
	return err
}

// local is an instant as people read it, with its zone.
func local(ms int64) string {
	return time.UnixMilli(ms).In(soc.Zone).Format("2006-01-02 15:04:05 -07")
}

// QuarantineReplayCmd replays.
type QuarantineReplayCmd struct {
	atData
	Source string   `help:"NG- number."`
	Reason string   `help:"Only those held for it."`
	ID     []string `arg:"" optional:"" help:"Ids; all that match otherwise."`
}

// Run replays.
func (c QuarantineReplayCmd) Run(e *env) error {
	var v struct{ Replayed, Held int64 }
	q := url.Values{"source": {c.Source}, "reason": {c.Reason}, "ids": {strings.Join(c.ID, ",")}}
	if err := c.control().Call(e.ctx, "POST", "/quarantine/replay", q, nil, &v); err != nil {
		return err
	}
	_, err := fmt.Fprintf(e.out, say("%d replayed, %d stay\n"), v.Replayed, v.Held)
	return err
}

// ConfigCmd checks and shows configuration.
type ConfigCmd struct {
	Check ConfigCheckCmd `cmd:"" help:"Name every bad key of a file."`
	Show  ConfigShowCmd  `cmd:"" help:"Print what is in force with a file, defaults included."`
}

// ConfigCheckCmd checks a file.
type ConfigCheckCmd struct {
	File string `arg:"" help:"Configuration file (YAML)." type:"existingfile"`
}

// Run checks.
func (c ConfigCheckCmd) Run(e *env) error {
	if _, err := config.Load(c.File); err != nil {
		return badConfig(errFound, err)
	}
	_, err := fmt.Fprintln(e.out, say("good"))
	return err
}

// ConfigShowCmd shows.
type ConfigShowCmd struct {
	File string `arg:"" optional:"" help:"Configuration file (YAML); the defaults without one." type:"existingfile"`
}

// Run shows.
func (c ConfigShowCmd) Run(e *env) error {
	cfg, err := config.Load(c.File)
	if err != nil {
		return badConfig(errFound, err)
	}
	return yaml.NewEncoder(e.out).Encode(cfg)
}
