package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hoalu/internal/lang"
)

// TestVietnameseCaptureNotices: what is wrong with a capture that is read as far as it goes is told in Vietnamese. It was English.
func TestVietnameseCaptureNotices(t *testing.T) {
	lang.Use("vi")
	defer lang.Use("en")
	le := binary.LittleEndian
	header := func(link uint32) []byte {
		b := le.AppendUint32(nil, 0xa1b2c3d4)
		b = append(b, make([]byte, 12)...)
		return le.AppendUint32(le.AppendUint32(b, 65535), link)
	}
	packet := func(b []byte, claims uint32, data ...byte) []byte {
		b = le.AppendUint32(le.AppendUint32(b, 1), 0)
		return append(le.AppendUint32(le.AppendUint32(b, claims), claims), data...)
	}
	block := func(b []byte, typ uint32, body ...byte) []byte {
		n := uint32(12 + len(body))
		b = append(le.AppendUint32(le.AppendUint32(b, typ), n), body...)
		return le.AppendUint32(b, n)
	}
	section := func() []byte {
		return block(nil, 0x0a0d0d0a, 0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255)
	}
	names := block(section(), 1, 1, 0, 0, 0, 0, 0, 0, 0)
	dir := t.TempDir()
	for want, data := range map[string][]byte{
		"tệp bị cụt ngay trong phần đầu":                                               header(1)[:20],
		"tệp bị cụt giữa gói tin 1":                                                    packet(header(1), 9, 1, 2),
		"gói tin 1 khai 16777217 byte: bỏ qua phần còn lại của tệp":                    packet(header(1), 16<<20+1),
		"chưa hỗ trợ kiểu liên kết 230: bỏ qua 1 gói tin":                              packet(header(230), 1, 1),
		"tệp bị cụt giữa một khối":                                                     section()[:20],
		"phần đầu của một đoạn bị hỏng: bỏ qua phần còn lại của tệp":                   bytes.Replace(section(), []byte{0x4d, 0x3c}, []byte{0, 0}, 1),
		"một khối khai 4294967295 byte: bỏ qua phần còn lại của tệp":                   append(section(), 9, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 0),
		"khối mô tả giao diện mạng quá ngắn: bỏ qua phần còn lại của tệp":              block(section(), 1, 1, 0, 0, 0),
		"khối gói tin quá ngắn: bỏ qua phần còn lại của tệp":                           block(names, 6, 1, 0, 0, 0),
		"gói tin 1 nêu giao diện mạng không có trong tệp: bỏ qua phần còn lại của tệp": block(names, 6, append([]byte{9}, make([]byte, 19)...)...),
		"gói tin 1 khai nhiều byte hơn khối của nó: bỏ qua phần còn lại của tệp":       block(names, 6, append(make([]byte, 12), 9, 0, 0, 0, 9, 0, 0, 0)...),
		"một khối gói tin đơn giản bị hỏng: bỏ qua phần còn lại của tệp":               block(section(), 3, 1, 0, 0, 0),
	} {
		name := filepath.Join(dir, "a.pcap")
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		var out, told bytes.Buffer
		cmd := SensorPacketCmd{Read: name, Out: "-"}
		if err := cmd.run(context.Background(), &out, &told); err != nil {
			t.Errorf("%s: %v", want, err)
		}
		if got := strings.TrimSpace(told.String()); got != name+": "+want {
			t.Errorf("told %q\nwant %q", got, name+": "+want)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "b.txt"), []byte("none at all"), 0o600); err != nil {
		t.Fatal(err)
	}
	var told bytes.Buffer
	cmd := SensorPacketCmd{Read: dir, Out: "-"}
	if err := cmd.run(context.Background(), &bytes.Buffer{}, &told); err != nil || !strings.Contains(told.String(),
		"không đọc được "+filepath.Join(dir, "b.txt")+": không phải tệp bắt gói (pcap hoặc pcapng)") {
		t.Errorf("a folder with a file that is no capture: %v, told %q", err, told.String())
	}
}
