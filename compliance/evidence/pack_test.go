package evidence

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"hoalu/soc"
)

// madePack is a pack of the system with n deeds, of a log and key of its own, and the key.
func madePack(t *testing.T, system string, n int) ([]byte, *ecdsa.PrivateKey) {
	t.Helper()
	ctx, db, key, cfg := logRig(t)
	l, err := OpenLog(ctx, cfg, db, key, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	recordN(t, ctx, db, n)
	if err := l.Append(ctx); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	deeds, err := After(ctx, db.Read(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	records := []PackRecord{{"alert", "CB-2026-000001", soc.Alert{Number: "CB-2026-000001", Title: map[string]string{"vi": "Dò mật khẩu"}}},
		{"posture", "L3-OPS-MON-01@1", soc.Finding{Control: "L3-OPS-MON-01", State: soc.Met}}}
	var pack bytes.Buffer
	if err := l.WritePack(ctx, &pack, Header{System: system, Name: "Cổng dịch vụ công", From: 1, To: 2}, records, deeds, key); err != nil {
		t.Fatal(err)
	}
	return pack.Bytes(), key
}

// said is what a verdict found, in English.
func said(v Verdict) string {
	var b strings.Builder
	for _, f := range v.Findings {
		b.WriteString(f.EN + "\n")
	}
	return b.String()
}

func TestPackTellsWhatWasAltered(t *testing.T) {
	good, _ := madePack(t, "HT-001", 6)
	v := VerifyPack(bytes.NewReader(good), Want{})
	if !v.Good || v.Counts["deed"] != 6 || v.Counts["alert"] != 1 || v.Header.System != "HT-001" {
		t.Fatalf("untouched pack: %+v", v)
	}
	if x := VerifyPack(bytes.NewReader(good), Want{Key: strings.Repeat("0", 64)}); x.Good {
		t.Error("a pack under another key was accepted")
	}

	// no flipped byte goes unseen
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1
		if VerifyPack(bytes.NewReader(bad), Want{Key: v.KeyID}).Good {
			t.Fatalf("byte %d of %d flipped: not found", i, len(good))
		}
	}
	// nor a cut end
	for _, n := range []int{1, 2, 100, len(good) / 2, len(good) - 1} {
		if VerifyPack(bytes.NewReader(good[:len(good)-n]), Want{Key: v.KeyID}).Good {
			t.Errorf("%d bytes cut off: not found", n)
		}
	}
	lines := bytes.SplitAfter(good, []byte("\n"))
	rebuild := func(order ...int) []byte {
		var b bytes.Buffer
		for _, i := range order {
			b.Write(lines[i])
		}
		return b.Bytes()
	}
	all := func(skip ...int) []int {
		var out []int
	next:
		for i := range lines {
			for _, s := range skip {
				if i == s {
					continue next
				}
			}
			out = append(out, i)
		}
		return out
	}
	swapped := all()
	swapped[4], swapped[5] = swapped[5], swapped[4]
	altered := bytes.Replace(good, []byte("Dò mật khẩu"), []byte("Dò mật khẫu"), 1)
	alteredDeed := bytes.Replace(good, []byte(`"Object":"CB-2"`), []byte(`"Object":"CB-9"`), 1)
	for _, tt := range []struct {
		name string
		pack []byte
		want string
	}{
		{"alert altered", altered, "alert CB-2026-000001 was altered (line 2)"},
		{"deed altered", alteredDeed, "deed 3 was altered"},
		{"deed dropped", rebuild(all(5)...), "deed 3 was dropped"},
		{"alert dropped", rebuild(all(1)...), "alert CB-2026-000001 was dropped"},
		{"deeds swapped", rebuild(swapped...), "the order was changed"},
		{"line added", append(append(bytes.Clone(lines[0]), lines[1]...), good[len(lines[0]):]...), "was added"},
	} {
		x := VerifyPack(bytes.NewReader(tt.pack), Want{Key: v.KeyID})
		if x.Good || !strings.Contains(said(x), tt.want) {
			t.Errorf("%s: %q does not say %q", tt.name, x.Findings, tt.want)
		}
	}
}

// TestNameOfRecord: a posture is named by its control and when it began, not by the number that says so; what is no such id stands as it
// is.
func TestNameOfRecord(t *testing.T) {
	for _, c := range []struct{ kind, id, en, vi string }{
		{"posture", "L3-OPS-MON-01@1796022777872", "posture L3-OPS-MON-01 at 2026-11-30 14:12:57",
			"trạng thái L3-OPS-MON-01 lúc 30/11/2026 14:12:57"},
		{"posture", "L3@9999999999999999", "posture L3@9999999999999999", "trạng thái L3@9999999999999999"},
		{"posture", "L3@-1", "posture L3@-1", "trạng thái L3@-1"},
		{"posture", "L3", "posture L3", "trạng thái L3"},
		{"alert", "CB-1@1796022777872", "alert CB-1@1796022777872", "cảnh báo CB-1@1796022777872"},
		{"of_later", "x", "of_later x", "of_later x"},
		{"heads", "", "heads", "các đầu chuỗi trước"},
	} {
		if l := (packLine{kind: c.kind, id: c.id}); l.name(false) != c.en || l.name(true) != c.vi {
			t.Errorf("%s %s is called %q, %q; want %q, %q", c.kind, c.id, l.name(false), l.name(true), c.en, c.vi)
		}
	}
	good, _ := madePack(t, "HT-001", 1)
	v := VerifyPack(bytes.NewReader(bytes.Replace(good, []byte(`"state":"met"`), []byte(`"state":"not_met"`), 1)), Want{})
	if len(v.Findings) == 0 || v.Findings[0].EN != "posture L3-OPS-MON-01 at 1970-01-01 07:00:00 was altered (line 3)" ||
		v.Findings[0].VI != "trạng thái L3-OPS-MON-01 lúc 01/01/1970 07:00:00 đã bị sửa (dòng 3)" {
		t.Errorf("a posture that was altered: %+v", v.Findings)
	}
}

// resign makes a pack of other lines under the same key: what only who holds the key could do.
func resign(t *testing.T, key *ecdsa.PrivateKey, body ...[]byte) []byte {
	t.Helper()
	var out bytes.Buffer
	m := manifest{Kind: "manifest"}
	for _, b := range body {
		b = bytes.TrimSuffix(b, []byte("\n"))
		var x packedLine
		_ = json.Unmarshal(b, &x)
		sum := sha256.Sum256(b)
		m.Records = append(m.Records, manifestItem{x.Kind, x.ID, hex.EncodeToString(sum[:])})
		out.Write(b)
		out.WriteByte('\n')
	}
	if err := writeEnd(&out, m, key); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestPacksMadeByHand: whatever is handed in as a pack is refused with a sentence that says what is wrong, in both languages.
func TestPacksMadeByHand(t *testing.T) {
	good, key := madePack(t, "HT-001", 6)
	other, _ := madePack(t, "HT-002", 6)
	lines := bytes.SplitAfter(good, []byte("\n"))
	lines = lines[:len(lines)-1]
	body := lines[:len(lines)-2] // header alert posture 6 deeds checkpoint
	foreign := bytes.SplitAfter(other, []byte("\n"))
	with := func(i int, b []byte) [][]byte {
		out := slices.Clone(body)
		out[i] = b
		return out
	}
	older := func() []byte { // signed under an older head, with deeds that came after it
		small, _ := newNote(Origin, &key.PublicKey, key)
		text := Origin + "\n3\n" + base64.StdEncoding.EncodeToString(make([]byte, 32)) + "\n"
		raw, err := note.Sign(&note.Note{Text: text}, small)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := json.Marshal(string(raw))
		line, _ := json.Marshal(packedLine{"checkpoint", "3", b, nil})
		return line
	}
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	for _, name := range []string{"../../etc/passwd", "bomb"} {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(make([]byte, 10<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	g := gzip.NewWriter(&packed)
	if _, err := g.Write(good); err != nil {
		t.Fatal(err)
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		pack []byte
		want Want
		says []string
	}{
		{"nothing", nil, Want{}, []string{"the file is empty"}},
		{"a ZIP archive with a path out of it and a bomb", archive.Bytes(), Want{}, []string{"is a ZIP archive, not an evidence pack"}},
		{"a cut ZIP archive", archive.Bytes()[:40], Want{}, []string{"is a ZIP archive"}},
		{"a compressed pack", packed.Bytes(), Want{}, []string{"compressed (gzip)"}},
		{"any text", []byte("hello\nworld\n"), Want{}, []string{"not an evidence pack, or its end is cut off"}},
		{"a pack with other line ends", bytes.ReplaceAll(good, []byte("\n"), []byte("\r\n")), Want{}, []string{"CR LF"}},
		{"a pack saved by an editor", append([]byte("\xef\xbb\xbf"), good...), Want{}, []string{"byte-order mark"}},
		{"the last byte cut", good[:len(good)-1], Want{}, []string{"the end of the file is cut off"}},
		{"the signature line cut", bytes.Join(lines[:len(lines)-1], nil), Want{}, []string{"no signature line"}},
		{"half a signature line", good[:len(good)-200], Want{}, []string{"the signature line is altered, or the end of the file is cut off"}},
		{"text behind the end", append(bytes.Clone(good), "more\nand more\n"...), Want{},
			[]string{"2 lines behind the signature do not belong to the pack"}},
		{"a pack behind a pack", append(bytes.Clone(good), other...), Want{}, []string{"was added"}},
		{"the pack of another system", other, Want{System: "HT-001"}, []string{`is about "HT-002", not about HT-001`}},
		{"signed by another", other, Want{Key: strings.Repeat("a", 64)}, []string{"signed by another key"}},
		{"the head of another log", bytes.Join(slices.Concat(with(9, foreign[9]), lines[len(lines)-2:]), nil), Want{},
			[]string{"checkpoint 6 was altered", "not signed by this log's key"}},
		{"the head of another log, signed again", resign(t, key, with(9, foreign[9])...), Want{},
			[]string{"the head of the log: checkpoint is not signed by this log's key"}},
		{"an older head, signed again", resign(t, key, with(9, older())...), Want{},
			[]string{"audit row 4 is not in the log", "audit row 6 is not in the log"}},
		{"two heads", resign(t, key, append(slices.Clone(body), body[9])...), Want{}, []string{"one head of the log; here are 1 and 2"}},
		{"no header", resign(t, key, body[1:]...), Want{}, []string{"here are 0 and 1"}},
		{"a head that is no text", resign(t, key, with(9, []byte(`{"kind":"checkpoint","id":"6","data":7}`))...), Want{},
			[]string{"the head of the log: json"}},
		{"a deed of another log, signed again", resign(t, key, with(3, bytes.Replace(body[3], []byte("CB-0"), []byte("CB-9"), 1))...), Want{},
			[]string{"audit row 1 is not in the log under its signed head"}},
		{"a deed under another number", resign(t, key, with(3, bytes.Replace(body[3], []byte(`"id":"1"`), []byte(`"id":"2"`), 1))...), Want{},
			[]string{"audit row 2 is not in the log"}},
		{"a member twice", resign(t, key, with(1, []byte(`{"kind":"alert","id":"CB-2026-000001","data":{},"data":{"State":"closed"}}`))...),
			Want{}, []string{"line 2 (alert CB-2026-000001) is not written as packs are: a member twice"}},
		{"a member twice within",
			resign(t, key, with(1, []byte(`{"kind":"alert","id":"CB-2026-000001","data":{"a":[{"State":"new","State":"closed"}]}}`))...), Want{},
			[]string{"a member twice"}},
		{"not UTF-8", resign(t, key, with(1, []byte("{\"kind\":\"alert\",\"id\":\"CB-2026-000001\",\"data\":\"\xff\xfe\"}"))...), Want{},
			[]string{"line 2 holds bytes that are not UTF-8"}},
		{"a newer format", resign(t, key, with(0, bytes.Replace(body[0], []byte("pack/2"), []byte("pack/3"), 1))...), Want{},
			[]string{"check it with the newer program"}},
		{"what commands a terminal", resign(t, key, with(3, bytes.Replace(body[3], []byte(`"id":"1"`), []byte(`"id":"1\u001b[2J"`), 1))...),
			Want{}, []string{"audit row 1\ufffd[2J"}},
	} {
		v := VerifyPack(bytes.NewReader(tt.pack), tt.want)
		if v.Good {
			t.Errorf("%s: good", tt.name)
		}
		for _, s := range tt.says {
			if !strings.Contains(said(v), s) {
				t.Errorf("%s: %q does not say %q", tt.name, said(v), s)
			}
		}
		for _, f := range v.Findings {
			if f.VI == "" || f.VI == f.EN || strings.ContainsAny(f.EN+f.VI, "\x1b%") {
				t.Errorf("%s: finding %q in Vietnamese is %q", tt.name, f.EN, f.VI)
			}
		}
	}
	if v := VerifyPack(bytes.NewReader(resign(t, key, body...)), Want{System: "HT-001"}); !v.Good {
		t.Errorf("the pack itself, signed again: %+v", v.Findings)
	}
}

// zeros reads as n zero bytes or line feeds, as a sparse file or a bomb would.
type zeros struct {
	n, at int64
	fill  byte
}

func (z *zeros) Read(p []byte) (int, error) {
	if z.at == z.n {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), z.n-z.at))
	for i := range p[:n] {
		p[i] = z.fill
	}
	z.at += int64(n)
	return n, nil
}

func (z *zeros) Seek(int64, int) (int64, error) { z.at = 0; return 0, nil }

// TestBombs: files of many gigabytes that are no packs are refused soon and with little memory.
func TestBombs(t *testing.T) {
	for _, tt := range []struct {
		fill byte
		says string
	}{{0, "line 1 is longer than"}, {'\n', "lines: no pack has"}} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		v := VerifyPack(&zeros{n: 100 << 30, fill: tt.fill}, Want{})
		runtime.ReadMemStats(&after)
		if v.Good || !strings.Contains(said(v), tt.says) || len(v.Findings) != 1 {
			t.Errorf("100 GB of %q: %q, want %q", tt.fill, said(v), tt.says)
		}
		if took := (after.TotalAlloc - before.TotalAlloc) >> 20; took > 400 {
			t.Errorf("100 GB of %q took %d MB of memory", tt.fill, took)
		}
	}
}

func FuzzVerifyPack(f *testing.F) {
	f.Add([]byte(`{"kind":"header","id":"HT-001","data":{"format":"hoalu.pack/1"}}` + "\n" + `{"kind":"manifest","records":[]}` + "\n" +
		`{"kind":"signature","key":"","signature":""}` + "\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if VerifyPack(bytes.NewReader(raw), Want{Key: strings.Repeat("0", 64)}).Good {
			t.Errorf("%q is good under a key nobody has", raw)
		}
	})
}
