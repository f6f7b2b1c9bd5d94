package evidence

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"

	"hoalu/internal/wording"
	"hoalu/soc"
)

// Want is what a pack is expected to be; empty fields expect nothing.
type Want struct {
	Key    string // KeyID it must be signed by
	System string // HT- number it must be about
}

// Verdict is what a check of a pack found.
type Verdict struct {
	Good     bool           `json:"good"`
	Header   Header         `json:"header"`
	Counts   map[string]int `json:"counts"`
	Head     Head           `json:"head"`
	KeyID    string         `json:"key_id"` // of the key it is signed by: compare it with what `hoalu evidence key` and the console show
	Findings []Finding      `json:"findings"`

	// Measured says that the pack holds an alert or a posture that is known. Without, a good pack proves nothing of its period.
	Measured bool `json:"measured"`
	// From when on posture is on record, Unix ms; 0 never in the period.
	MeasuredFrom int64           `json:"measured_from,omitempty"`
	Comparison   *PackComparison `json:"comparison,omitempty"` // nil in a pack of the format before
	Heads        []EarlierHead   `json:"heads,omitempty"`      // earlier heads that the log is proved to continue
}

// Finding is one thing that is not as it was made, in both languages.
type Finding struct {
	EN string `json:"en"`
	VI string `json:"vi"`
}

func (f Finding) String() string { return f.EN }

// Plain is s without what would command a terminal: a pack may come from anyone.
func Plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return utf8.RuneError
		}
		return r
	}, s)
}

// KeyID names the key that signs heads and packs: SHA-256 of its DER form, in hex.
func KeyID(public crypto.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return "", fmt.Errorf("name evidence key: %w", err)
	}
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:]), nil
}

// ParseKeyID reads a key id as people write it: blanks, colons and dashes between its digits do not matter.
func ParseKeyID(s string) (string, error) {
	s = strings.ToLower(strings.NewReplacer(" ", "", ":", "", "-", "").Replace(s))
	if b, err := hex.DecodeString(s); err != nil || len(b) != sha256.Size {
		return "", wording.New("a key id has 64 hexadecimal digits; %q has %d characters", s, len(s))
	}
	return s, nil
}

// maxSignature is how long a signature line may be.
const maxSignature = 4096

// packLine is what the check keeps of a line.
type packLine struct {
	sum      [sha256.Size]byte
	kind, id string
}

// kindWords are the kinds of records in Vietnamese; in English they are called as they are written.
var kindWords = map[string]string{"system": "hệ thống", "alert": "cảnh báo", "posture": "trạng thái", "deed": "dòng nhật ký thao tác",
	"header":     "dòng mở đầu",
	"checkpoint": "đầu chuỗi", "comparison": "bản ghi đối chiếu", "heads": "các đầu chuỗi trước", "manifest": "bảng kê", "signature": "chữ ký"}

// name says which record it is. A posture is named by its control and when it began, in Vietnamese time; a pack may come from anyone, so
// what does not look like that stands as it is written.
func (l packLine) name(vi bool) string {
	kind, id, at, layout := l.kind, l.id, " at ", "2006-01-02 15:04:05"
	if vi {
		kind, at, layout = cmp.Or(kindWords[l.kind], l.kind), " lúc ", "02/01/2006 15:04:05"
	}
	if control, ms, ok := strings.Cut(id, "@"); ok && l.kind == "posture" {
		if n, err := strconv.ParseInt(ms, 10, 64); err == nil && n >= 0 && n < 253_402_300_800_000 { // up to the year 9999
			id = control + at + time.UnixMilli(n).In(soc.Zone).Format(layout)
		}
	}
	return strings.TrimSpace(kind + " " + id)
}

// check is one check of a pack under way.
type check struct {
	v       Verdict
	more    int // findings left out
	lines   []packLine
	header  json.RawMessage
	headers int
	heads   int
	head    json.RawMessage

	manifest, signature []byte // last signature line and the line before it
	signed              int    // index of that signature line
}

// found adds a finding; a packLine among args is named in the language of the sentence.
func (c *check) found(en, vi string, args ...any) {
	say := func(format string, vi bool) string {
		named := slices.Clone(args)
		for i, a := range named {
			if l, ok := a.(packLine); ok {
				named[i] = l.name(vi)
			}
		}
		return Plain(fmt.Sprintf(format, named...))
	}
	c.add(Finding{say(en, false), say(vi, true)})
}

func (c *check) add(f Finding) {
	if len(c.v.Findings) == maxFindings {
		c.more++
		return
	}
	c.v.Findings = append(c.v.Findings, f)
}

// VerifyPack checks a pack without server or network, in two passes over r and with bounded memory. Where want names no key the pack's
// own is taken; then only the reader's comparison of KeyID says whose it is.
func VerifyPack(r io.ReadSeeker, want Want) Verdict {
	c := &check{v: Verdict{Counts: map[string]int{}, Findings: []Finding{}}, signed: -1}
	c.run(r, want)
	if c.more > 0 {
		c.v.Findings = append(c.v.Findings, Finding{fmt.Sprintf("and %d more", c.more), fmt.Sprintf("và %d điều nữa", c.more)})
	}
	c.v.Good = len(c.v.Findings) == 0
	return c.v
}

func (c *check) run(r io.ReadSeeker, want Want) {
	if !c.read(r) {
		return
	}
	if c.signed < 1 {
		c.found("the file is not an evidence pack, or its end is cut off: no signature line",
			"tệp không phải gói chứng cứ, hoặc phần cuối đã bị cắt: không có dòng chữ ký")
		return
	}
	if n := len(c.lines) - 1 - c.signed; n > 0 {
		c.found("%d lines behind the signature do not belong to the pack: they were added", "%d dòng sau chữ ký không thuộc gói: đã bị thêm vào",
			n)
	}
	body := c.lines[:c.signed-1]
	key := c.key(want)
	var m manifest
	if bytes.Count(c.manifest, []byte(`"sha256"`)) > maxLines || exact(c.manifest, &m) != nil || m.Kind != "manifest" {
		c.found("the manifest is missing or altered", "bảng kê bị thiếu hoặc bị sửa")
	} else {
		c.compare(body, m.Records)
	}
	if key != nil {
		c.content(r, want, key, body)
	}
}

// read is the first pass: it takes the sum and name of each line and finds the end of the pack.
func (c *check) read(r io.ReadSeeker) bool {
	var before []byte
	returns := 0
	whole, err := eachLine(r, func(i int, line []byte) bool {
		if i == 0 && !c.text(line) {
			return false
		}
		if i == maxLines+2 {
			c.found("the file has more than %d lines: no pack has", "tệp có hơn %d dòng: không gói nào dài như vậy", maxLines)
			return false
		}
		l := packLine{sum: sha256.Sum256(line)}
		if len(line) <= maxSignature && bytes.HasPrefix(line, []byte(`{"kind":"signature"`)) {
			c.signed, c.signature, c.manifest = i, bytes.Clone(line), bytes.Clone(before)
		}
		var x packedLine
		manifest := bytes.HasPrefix(line, []byte(`{"kind":"manifest"`))
		if before = before[:0]; manifest {
			before = append(before, line...)
		} else if json.Unmarshal(line, &x) == nil && len(x.Kind) <= 64 && len(x.ID) <= 256 {
			l.kind, l.id = x.Kind, x.ID
			switch x.Kind {
			case "header":
				c.headers++
				c.header = bytes.Clone(x.Data)
			case "checkpoint":
				c.heads++
				c.head = bytes.Clone(x.Data)
			}
		}
		if bytes.HasSuffix(line, []byte{'\r'}) {
			returns++
		}
		c.lines = append(c.lines, l)
		return true
	})
	switch {
	case errors.Is(err, bufio.ErrTooLong):
		c.found("line %d is longer than %d MB: no line of a pack is", "dòng %d dài hơn %d MB: không dòng nào của gói dài như vậy", len(c.lines)+1,
			maxLine>>20)
		return false
	case err != nil:
		c.found("the file cannot be read: %v", "không đọc được tệp: %v", err)
		return false
	case len(c.v.Findings) > 0:
		return false
	case len(c.lines) == 0:
		c.found("the file is empty: it is not an evidence pack", "tệp rỗng: không phải gói chứng cứ")
		return false
	}
	if returns > 0 && returns >= len(c.lines)-1 {
		c.found("the line ends were changed (CR LF), as mail and editors do: get the file again, as a binary file",
			"ký tự xuống dòng đã bị đổi (CR LF), thường do thư điện tử hoặc trình soạn thảo: hãy lấy lại tệp ở dạng nhị phân")
		return false
	}
	if !whole {
		c.found("the end of the file is cut off", "phần cuối của tệp đã bị cắt")
	}
	return true
}

// text says what a file is that surely is no pack.
func (c *check) text(first []byte) bool {
	for _, x := range []struct{ magic, en, vi string }{
		{"PK\x03\x04", "the file is a ZIP archive, not an evidence pack: take the pack out of it and check that",
			"tệp là kho nén ZIP, không phải gói chứng cứ: hãy lấy gói ra rồi kiểm tra"},
		{"PK\x05\x06", "the file is an empty ZIP archive, not an evidence pack", "tệp là kho nén ZIP rỗng, không phải gói chứng cứ"},
		{"\x1f\x8b", "the file is compressed (gzip), not an evidence pack: unpack it and check what comes out",
			"tệp đang nén (gzip), không phải gói chứng cứ: hãy giải nén rồi kiểm tra"},
		{"\xef\xbb\xbf", "a byte-order mark was put before the pack, as editors do: get the file again",
			"trình soạn thảo đã thêm dấu BOM vào đầu gói: hãy lấy lại tệp gốc"},
		{"\xff\xfe", "the file was saved as UTF-16, as editors do: get the file again", "tệp đã bị lưu lại dạng UTF-16: hãy lấy lại tệp gốc"},
	} {
		if bytes.HasPrefix(first, []byte(x.magic)) {
			c.v.Findings = append(c.v.Findings, Finding{x.en, x.vi})
			return false
		}
	}
	return true
}

// key reads the signature line, checks the signature over the manifest and returns the key; nil when there is none to go on with.
func (c *check) key(want Want) *ecdsa.PublicKey {
	var sig signature
	if err := exact(c.signature, &sig); err != nil || sig.Kind != "signature" {
		c.found("the signature line is altered, or the end of the file is cut off", "dòng chữ ký bị sửa, hoặc phần cuối của tệp đã bị cắt")
		return nil
	}
	var pub any
	block, _ := pem.Decode([]byte(sig.Key))
	err := errors.New("no PEM")
	if block != nil && string(pem.EncodeToMemory(block)) == sig.Key {
		pub, err = x509.ParsePKIXPublicKey(block.Bytes)
	}
	key, ok := pub.(*ecdsa.PublicKey)
	if err != nil || !ok {
		c.found("the public key in the signature line is altered", "khóa công khai trong dòng chữ ký bị sửa")
		return nil
	}
	sum := sha256.Sum256(block.Bytes)
	c.v.KeyID = hex.EncodeToString(sum[:])
	if want.Key != "" && !strings.EqualFold(want.Key, c.v.KeyID) {
		c.found("the pack is signed by another key (%s), not by %s: it is not from where it should be",
			"gói được ký bằng khóa khác (%s), không phải %s: không phải từ nơi cần có", c.v.KeyID, want.Key)
	}
	mSum := sha256.Sum256(c.manifest)
	b, err := hex.DecodeString(sig.Signature)
	if err != nil || hex.EncodeToString(b) != sig.Signature || !ecdsa.VerifyASN1(key, mSum[:], b) {
		c.found("the manifest or its signature is altered: the signature does not verify", "bảng kê hoặc chữ ký của nó bị sửa: chữ ký không đúng")
	}
	return key
}

// content is what the lines themselves say. It is checked even where the manifest already told on them, so that the whole extent is seen.
func (c *check) content(r io.ReadSeeker, want Want, key *ecdsa.PublicKey, body []packLine) {
	note, err := newNote(Origin, key, nil)
	if err != nil {
		c.found("the key cannot be used: %v", "không dùng được khóa: %v", err)
		return
	}
	if c.headers != 1 || c.heads != 1 {
		c.found("a pack has one header and one head of the log; here are %d and %d",
			"một gói có đúng một dòng mở đầu và một đầu chuỗi; ở đây có %d và %d", c.headers, c.heads)
	}
	if err := json.Unmarshal(c.header, &c.v.Header); c.headers > 0 &&
		(err != nil || c.v.Header.Format != PackFormat && c.v.Header.Format != packFormat1) {
		c.found("the header is of format %.40q, this program reads %s: check it with the newer program",
			"dòng mở đầu thuộc định dạng %.40q, chương trình này đọc %s: hãy kiểm tra bằng bản mới hơn", c.v.Header.Format, PackFormat)
	}
	if want.System != "" && c.v.Header.System != want.System {
		c.found("the pack is about %.40q, not about %s", "gói là của %.40q, không phải của %s", c.v.Header.System, want.System)
	}
	var text string
	if c.heads > 0 {
		if err = json.Unmarshal(c.head, &text); err == nil {
			c.v.Head, err = openCheckpoint([]byte(text), note)
		}
		if err != nil {
			c.found("the head of the log: %v", "đầu chuỗi của nhật ký: %v", err)
		}
	}
	_, err = eachLine(r, func(i int, b []byte) bool {
		if i >= len(body) {
			return false
		}
		x := packedLine{}
		c.v.Counts[body[i].kind]++
		switch {
		case !utf8.Valid(b):
			c.found("line %d holds bytes that are not UTF-8 text", "dòng %d có byte không phải văn bản UTF-8", i+1)
		case body[i].kind == "" || json.Unmarshal(b, &x) != nil:
			c.found("line %d is not readable", "dòng %d không đọc được", i+1)
		case exact(b, &x) != nil || twice(b):
			c.found("line %d (%s) is not written as packs are: a member twice, or other spelling",
				"dòng %d (%s) không viết đúng cách của gói: một mục lặp lại, hoặc cách viết khác", i+1, body[i])
		}
		c.told(x)
		if x.Kind == "deed" && c.v.Head.Root != "" && !c.included(x) {
			c.found("audit row %s is not in the log under its signed head: it was altered",
				"dòng nhật ký thao tác %s không nằm trong nhật ký dưới đầu chuỗi đã ký: đã bị sửa", x.ID)
		}
		return true
	})
	if err != nil {
		c.found("the file cannot be read: %v", "không đọc được tệp: %v", err)
	}
}

// told takes up what a line says of the pack as a whole.
func (c *check) told(x packedLine) {
	switch x.Kind {
	case "alert":
		c.v.Measured = true
	case "posture":
		var f soc.Finding
		var interval struct {
			From int64 `json:"from"`
		}
		if json.Unmarshal(x.Data, &f) != nil || json.Unmarshal(x.Data, &interval) != nil || f.State == soc.Unknown {
			return
		}
		c.v.Measured = true
		if at := max(interval.From, c.v.Header.From); c.v.MeasuredFrom == 0 || at < c.v.MeasuredFrom {
			c.v.MeasuredFrom = at
		}
	case "comparison":
		var p PackComparison
		if json.Unmarshal(x.Data, &p) != nil {
			c.found("the record of the comparison is not readable", "không đọc được bản ghi về việc đối chiếu")
			return
		}
		c.v.Comparison = &p
		for _, f := range p.Findings {
			c.add(Finding{Plain(f.EN + " (found before the pack was made)"), Plain(f.VI + " (phát hiện trước khi lập gói)")})
		}
	case "heads":
		var heads []EarlierHead
		if len(x.Data) > maxEarlier*maxProof*80 || json.Unmarshal(x.Data, &heads) != nil {
			c.found("the record of earlier heads is not readable", "không đọc được bản ghi về các đầu chuỗi trước")
			return
		}
		for _, h := range heads {
			if !continued(h, c.v.Head) {
				c.found("the log does not continue its earlier head of %d entries", "nhật ký không nối tiếp đầu chuỗi trước gồm %d mục", h.Size)
			}
		}
		c.v.Heads = heads
	}
}

// continued verifies that the log under head begins with the earlier one.
func continued(h EarlierHead, head Head) bool {
	path := make([][]byte, len(h.Proof))
	for i, p := range h.Proof {
		var err error
		if path[i], err = hex.DecodeString(p); err != nil {
			return false
		}
	}
	old, err1 := hex.DecodeString(h.Root)
	now, err2 := hex.DecodeString(head.Root)
	return errors.Join(err1, err2) == nil && proof.VerifyConsistency(rfc6962.DefaultHasher, h.Size, head.Size, path, old, now) == nil
}

func (c *check) included(x packedLine) bool {
	var number int64
	if _, err := fmt.Sscanf(x.ID, "%d", &number); err != nil || number < 1 || fmt.Sprint(number) != x.ID || len(x.Proof) > maxProof {
		return false
	}
	path := make([][]byte, len(x.Proof))
	for i, p := range x.Proof {
		var err error
		if path[i], err = hex.DecodeString(p); err != nil {
			return false
		}
	}
	return verifyInclusion(x.Data, number, path, c.v.Head) == nil
}

// twice reports that an object within JSON text names a member twice: readers differ in which one they take.
func twice(text []byte) bool {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var open []map[string]bool // nil in an array
	members := 0               // of all that is open
	key := false               // the next token of an object is a name
	for {
		tok, err := dec.Token()
		if err != nil {
			return !errors.Is(err, io.EOF)
		}
		if d, ok := tok.(json.Delim); ok {
			switch d {
			case '{':
				open, key = append(open, map[string]bool{}), true
				continue
			case '[':
				open, key = append(open, nil), false
				continue
			default:
				members -= len(open[len(open)-1])
				open = open[:len(open)-1]
			}
		} else if key {
			name := tok.(string)
			if members++; open[len(open)-1][name] || members > maxMembers {
				return true
			}
			open[len(open)-1][name] = true
			key = false
			continue
		}
		key = len(open) > 0 && open[len(open)-1] != nil
	}
}

func decodeBase64(s string) ([]byte, error) { return base64.StdEncoding.Strict().DecodeString(s) }
