package packet

func (a *Analyzer) sshRecord(f *flow, c *sshConn) {
	if f.excluded || a.skipped(SSH) {
		return
	}
	a.begin(c.at, f, sshHead)
	cl, sv := &c.side[f.src], &c.side[f.src^1]
	a.option(`,"ssh.client.banner":`, cl.banner)
	if cl.hashed {
		a.hexed(`,"ssh.client.hassh":`, cl.hassh[:])
	}
	a.option(`,"ssh.server.banner":`, sv.banner)
	if sv.hashed {
		a.hexed(`,"ssh.server.hassh":`, sv.hasshSrv[:])
	}
	if !cl.hashed || !sv.hashed {
		a.raw(`,"hoalu.partial":true`)
	}
	a.send(SSH)
}
