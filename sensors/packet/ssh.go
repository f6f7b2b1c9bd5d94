package packet

import (
	"bytes"
	"crypto/md5"
)

// SSH (RFC 4253): identification lines and the first key exchange message of both sides; HASSH (https://github.com/salesforce/hassh,
// BSD-3).

type sshConn struct {
	at       int64
	reported bool
	side     [2]sshSide
}

type sshSide struct {
	banner   []byte
	hashed   bool
	hassh    [16]byte // as a client would be hashed
	hasshSrv [16]byte // as a server would be hashed
}

// sshStep takes the identification line, then the first binary packet.
func (a *Analyzer) sshStep(f *flow, s *stream, side int, b []byte) (int, bool) {
	if s.ssh == nil {
		s.ssh = &sshConn{at: a.p.t}
	}
	c, h := &s.ssh.side[side], &s.dir[side]
	if c.banner == nil {
		eol := bytes.IndexByte(b, '\n')
		if eol < 0 {
			if len(b) > 1024 {
				h.done = true
			}
			return 0, false
		}
		line := bytes.TrimRight(b[:eol], "\r")
		if !bytes.HasPrefix(line, []byte("SSH-")) { // lines a server may say before
			if h.watch++; h.watch >= maxWatch {
				h.done = true
			}
			return eol + 1, true
		}
		c.banner = append([]byte{}, line[:min(len(line), 255)]...)
		return eol + 1, true
	}
	if len(b) < 6 {
		return 0, false
	}
	n := int(b[0])<<24 | int(b[1])<<16 | int(b[2])<<8 | int(b[3])
	if n < 2 || n > 35000 {
		h.done = true
		return 0, false
	}
	if len(b) < 4+n {
		return 0, false
	}
	c.hassh, c.hasshSrv, c.hashed = hassh(b[4 : 4+n])
	h.done = true
	return 4 + n, false
}

// hassh hashes the algorithm lists of a binary packet with SSH_MSG_KEXINIT (RFC 4253 §7.1).
func hassh(b []byte) (client, server [16]byte, good bool) {
	if len(b) < 2+16 || b[1] != 20 || int(b[0]) > len(b)-1 {
		return client, server, false
	}
	b = b[18:]
	var list [10][]byte
	for i := range 8 { // kex, host key, encryption ×2, mac ×2, compression ×2
		if len(b) < 4 {
			return client, server, false
		}
		n := int(b[0])<<24 | int(b[1])<<16 | int(b[2])<<8 | int(b[3])
		if n < 0 || n > len(b)-4 {
			return client, server, false
		}
		list[i], b = b[4:4+n], b[4+n:]
	}
	join := func(i ...int) [16]byte {
		var t []byte
		for j, k := range i {
			if j > 0 {
				t = append(t, ';')
			}
			t = append(t, list[k]...)
		}
		return md5.Sum(t)
	}
	return join(0, 2, 4, 6), join(0, 3, 5, 7), true
}

func (a *Analyzer) sshFlush(f *flow, s *stream) {
	c := s.ssh
	if c.reported || c.side[0].banner == nil && c.side[1].banner == nil {
		return
	}
	a.sshRecord(f, c)
	c.reported = true
}
