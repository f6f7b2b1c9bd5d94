package packet

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strconv"
)

// Fingerprints of TLS hellos: JA3 and JA3S (https://github.com/salesforce/ja3), JA4 (https://github.com/FoxIO-LLC/ja4).

// scratch is memory for fingerprints, good until its next use.
func (a *Analyzer) scratch() []byte {
	if a.pools.scratch == nil {
		a.pools.scratch = make([]byte, 0, 4096)
	}
	return a.pools.scratch[:0]
}

// ja3 is MD5 of "version,ciphers,extensions,groups,point formats" in decimal, GREASE left out (https://github.com/salesforce/ja3).
func (h *clientHello) ja3(dst []byte) [16]byte { return md5.Sum(h.ja3String(dst)) }

func (h *clientHello) ja3String(dst []byte) []byte {
	dst = strconv.AppendUint(dst, uint64(h.version), 10)
	dst = append(dst, ',')
	dst = appendList(dst, h.ciphers)
	dst = append(dst, ',')
	dst = appendExts(dst, h.exts, false)
	dst = append(dst, ',')
	dst = appendList(dst, h.groups)
	dst = append(dst, ',')
	for i, p := range h.points {
		if i > 0 {
			dst = append(dst, '-')
		}
		dst = strconv.AppendUint(dst, uint64(p), 10)
	}
	return dst
}

// ja3s is MD5 of "version,cipher,extensions" in decimal.
func (h *serverHello) ja3s(dst []byte) [16]byte {
	dst = strconv.AppendUint(dst, uint64(h.legacy), 10)
	dst = append(dst, ',')
	dst = strconv.AppendUint(dst, uint64(h.cipher), 10)
	dst = append(dst, ',')
	return md5.Sum(appendExts(dst, h.exts, true))
}

// dashed puts v behind the list of numbers that begins at start of dst.
func dashed(dst []byte, start int, v uint16) []byte {
	if len(dst) > start {
		dst = append(dst, '-')
	}
	return strconv.AppendUint(dst, uint64(v), 10)
}

// appendList lists pairs of bytes, GREASE left out.
func appendList(dst, pairs []byte) []byte {
	start := len(dst)
	for i := 0; i+1 < len(pairs); i += 2 {
		if v := binary.BigEndian.Uint16(pairs[i:]); !grease(v) {
			dst = dashed(dst, start, v)
		}
	}
	return dst
}

// appendExts lists the types of extensions, those of GREASE where they are asked for.
func appendExts(dst, exts []byte, greased bool) []byte {
	start := len(dst)
	for len(exts) >= 4 {
		typ := binary.BigEndian.Uint16(exts)
		n := 4 + int(binary.BigEndian.Uint16(exts[2:]))
		if n > len(exts) {
			break
		}
		exts = exts[n:]
		if greased || !grease(typ) {
			dst = dashed(dst, start, typ)
		}
	}
	return dst
}

// ja4 appends the TLS client fingerprint of https://github.com/FoxIO-LLC/ja4 (BSD-3):
// transport, version, SNI, counts and ALPN _ hash of sorted ciphers _ hash of sorted extensions and signature algorithms.
// tmp is memory to hash from.
func (h *clientHello) ja4(dst []byte, proto app, tmp []byte) []byte {
	switch proto {
	case appQUIC:
		dst = append(dst, 'q')
	case appDTLS:
		dst = append(dst, 'd')
	default:
		dst = append(dst, 't')
	}
	dst = append(dst, ja4Version(h.greatest())...)
	if h.hasSNI {
		dst = append(dst, 'd')
	} else {
		dst = append(dst, 'i')
	}
	var cipherStore [256]uint16
	ciphers := appendMeant(cipherStore[:0], h.ciphers)
	dst = appendTwo(dst, len(ciphers))
	var extStore [128]uint16
	exts, count := ja4Extensions(extStore[:0], h.exts)
	dst = appendTwo(dst, count)
	dst = appendJA4ALPN(dst, h.alpn)
	dst = appendJA4Hash(append(dst, '_'), ciphers, nil, tmp)
	return appendJA4Hash(append(dst, '_'), exts, h.sigs, tmp)
}

func ja4Version(v uint16) string {
	switch v {
	case 0x0304:
		return "13"
	case 0x0303:
		return "12"
	case 0x0302:
		return "11"
	case 0x0301:
		return "10"
	case 0x0300:
		return "s3"
	case 0x0002:
		return "s2"
	case 0xfeff:
		return "d1"
	case 0xfefd:
		return "d2"
	case 0xfefc:
		return "d3"
	}
	return "00"
}

// appendMeant appends the values of pairs without GREASE.
func appendMeant(dst []uint16, pairs []byte) []uint16 {
	for i := 0; i+1 < len(pairs); i += 2 {
		if v := binary.BigEndian.Uint16(pairs[i:]); !grease(v) {
			dst = append(dst, v)
		}
	}
	return dst
}

// ja4Extensions appends the types of the extensions that are hashed: all but SNI and ALPN, of which JA4 tells elsewhere. count is of
// all. GREASE is left out of both.
func ja4Extensions(dst []uint16, exts []byte) (types []uint16, count int) {
	for len(exts) >= 4 {
		typ := binary.BigEndian.Uint16(exts)
		n := 4 + int(binary.BigEndian.Uint16(exts[2:]))
		if n > len(exts) {
			break
		}
		exts = exts[n:]
		if grease(typ) {
			continue
		}
		count++
		if typ != 0 && typ != 16 {
			dst = append(dst, typ)
		}
	}
	return dst, count
}

// appendTwo appends n, at most 99, in two digits.
func appendTwo(dst []byte, n int) []byte {
	n = min(n, 99)
	return append(dst, byte('0'+n/10), byte('0'+n%10))
}

// appendJA4ALPN appends the first and last character of the first protocol of list; where one is neither letter nor digit, the first and
// last hexadecimal digit of the two.
func appendJA4ALPN(dst, list []byte) []byte {
	name, _, good := cut8(list)
	if !good || len(name) == 0 {
		return append(dst, "00"...)
	}
	x, y := name[0], name[len(name)-1]
	if alnum(x) && alnum(y) {
		return append(dst, x, y)
	}
	const digits = "0123456789abcdef"
	return append(dst, digits[x>>4], digits[y&15])
}

// appendJA4Hash appends the first six bytes of a SHA-256 of values, which it sorts, and signature algorithms in their order; zeros where
// there are no values.
func appendJA4Hash(dst []byte, values []uint16, sigs, tmp []byte) []byte {
	if len(values) == 0 {
		return append(dst, "000000000000"...)
	}
	slices.Sort(values)
	t := tmp[:0]
	for i, v := range values {
		if i > 0 {
			t = append(t, ',')
		}
		t = appendHex16(t, v)
	}
	sep := byte('_')
	for i := 0; i+1 < len(sigs); i += 2 {
		if v := binary.BigEndian.Uint16(sigs[i:]); !grease(v) {
			t = appendHex16(append(t, sep), v)
			sep = ','
		}
	}
	d := sha256.Sum256(t)
	return hex.AppendEncode(dst, d[:6])
}

func appendHex16(dst []byte, v uint16) []byte {
	const digits = "0123456789abcdef"
	return append(dst, digits[v>>12], digits[v>>8&15], digits[v>>4&15], digits[v&15])
}
