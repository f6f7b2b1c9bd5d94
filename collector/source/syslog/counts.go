package syslog

import (
	"slices"
	"unicode/utf8"
)

// Senders' counts are wrong in regular ways: one counts characters where bytes are asked for, one the line end that it does not send,
// one its own header, one leaves a part out. Such a sender is wrong in every message, or in every one of a kind, by the same number.
//
// A count is believed where the stream goes on behind it as a message begins. Where it does not, the way of this sender is looked for:
// a header behind which, counted in the same wrong way, another message begins. Two headers must agree, so that text inside a message,
// which whoever is logged can write, makes no message by chance. Ways that were found are kept for the connection, and each message
// then ends where its own count says, if a message begins there, else where one of the ways says.
//
// A connection is trusted when two counts in a row were right. Until then a message whose end is the end of what was read waits a
// moment for what follows, since a count that is too small may have been read to exactly there.

const (
	// maxOff is how far a way may be off. Less than a hundred, and never learnt from a count of one digit: a digit at the end of a text makes
	// one count of two digits out of another of three, and a digit lost one of one, each wrong by the same number always.
	maxOff = 64
	// maxWays of one connection; one that counts its header is off by another number for each length of the count.
	maxWays = 4
	// trusted is how many right counts make a connection trusted, and wary how many more where one was wrong.
	trusted = 2
	wary    = 200
	// maxBlank is how many line ends are looked behind for the begin of a message.
	maxBlank = 16
	// maxSpent is how many bytes are looked through to find ways, and worth how many more for each byte that the stream brings: headers that
	// lead nowhere cost as much as a sender likes to write of them.
	maxSpent = 1 << 20
	worth    = 16
	// maxMissing is how many octets a counted message may lack when its sender closes the connection in order, and be one all the same: as
	// many as a sender counts that counts line end and header.
	maxMissing = 8
)

// way is how a sender counts: bytes or characters, and always so many too few.
type way struct {
	chars bool
	off   int
}

// sight is what stands at a place of the stream.
type sight int

const (
	nowhere sight = iota // text
	blank                // a line end and text behind it, or what only looks like a begin
	unknown              // more bytes must tell
	opens                // a message begins
)

// look says what stands at a place of buf. When nothing more comes, what may become the begin of a message is one.
func (f *framer) look(buf []byte, at int) sight {
	undecided := unknown
	if f.quiet {
		undecided = opens
	}
	if at > len(buf) {
		return f.beyond()
	}
	rest, n := buf[at:], 0
	for n < len(rest) && n < maxBlank && separates(rest[n]) {
		n++
	}
	header := n == 0 && behindCount(buf, at)
	if rest = rest[n:]; len(rest) == 0 {
		if header && f.trust < 0 { // a sender that counts right may end its text so
			return blank
		}
		return undecided
	}
	if rest[0] == '<' {
		switch {
		case header:
			return blank
		case priority(rest) > 0:
			return opens
		case len(rest) < 5 && onlyDigits(rest[1:]):
			return undecided
		}
		return blank
	}
	switch _, _, c := count(rest); {
	case c == message:
		return opens
	case c == need:
		return undecided
	case n > 0:
		return blank
	}
	return nowhere
}

// behindCount says whether what stands before a place may be the count of a message that begins there; it may be the end of a text too.
func behindCount(buf []byte, at int) bool { return at >= 2 && buf[at-1] == ' ' && digit(buf[at-2]) }

// beyond is what stands behind the end of what was read.
func (f *framer) beyond() sight {
	if f.quiet {
		return nowhere
	}
	return unknown
}

// by looks where a message ends that begins at a place of buf and has a count of n, if its sender counts in this way.
func (f *framer) by(w way, buf []byte, begin, n int) (end int, s sight) {
	end = begin + n + w.off
	if w.chars {
		size, whole := characters(buf[begin:], n+w.off)
		if end = begin + size; !whole {
			return end, f.beyond()
		}
	}
	if end-begin < priority(buf[begin:]) || end-begin > f.max {
		return end, nowhere
	}
	return end, f.look(buf, end)
}

// follows says whether the message that begins at a place of buf ends, by its count or a way of this sender, where another begins; alone,
// whether it does and no header is inside, over which a wrong count may lead to a begin by chance.
func (f *framer) follows(buf []byte, at int, alone bool) sight {
	for at < len(buf) && separates(buf[at]) {
		at++
	}
	if at == len(buf) {
		return f.look(buf, at)
	}
	n, d, c := count(buf[at:])
	switch c {
	case need:
		return unknown
	case message:
		end, s := f.leads(buf, at+d+1, n)
		switch {
		case s == nowhere && at+d+1+n > len(buf) && (n <= f.max || f.trust >= 0):
			return unknown // nothing more came, or nothing will be waited for, and it is not all there
		case s == opens && alone && !f.whole(buf[at+d+1:end]):
			return nowhere
		}
		return s
	}
	return opens // it has no count
}

// leads says where a count of n leads, by itself or by a way of this sender, from a place of buf to the begin of a message.
func (f *framer) leads(buf []byte, begin, n int) (end int, best sight) {
	end, best = f.by(way{}, buf, begin, n)
	for _, w := range f.ways {
		if best == opens {
			break
		}
		if e, s := f.by(w, buf, begin, n); s > best {
			end, best = e, s
		}
	}
	return end, best
}

// ending is where a message may end, and by which way; the zero way is the count's own.
type ending struct {
	at int
	way
}

// weigh cuts a counted message where the count alone does not decide: the connection is not trusted, the sender has counted wrongly
// before, or no message begins where the count leads.
func (f *framer) weigh(buf []byte, size, digits int) (c cut, msg []byte, consumed int) {
	begin := digits + 1
	must := f.quiet || len(buf)-begin > f.max // no more can be waited for
	if !must && len(buf) < f.again {
		return f.later(buf)
	}
	e, wait := f.ends(buf, begin, size, must)
	if wait {
		return f.later(buf)
	}
	_, exact := f.by(way{}, buf, begin, size)
	learnt, found := ending{}, nowhere
	switch {
	case begin+size > len(buf) && e.at == 0: // nothing more came, and the message is not all there
		return f.later(buf)
	case e.at == 0:
		learnt, found = f.learn(buf, begin, size, digits)
	case e.way == way{}: // the count says so; what it leads to must agree
		switch next := f.follows(buf, e.at, f.trust < 0); next {
		case nowhere:
			learnt, found = f.merged(buf, begin, size, digits)
		case opens:
			f.right()
		default:
			found = next
		}
	}
	switch {
	case found == opens:
		return f.ended(buf, begin, size, learnt)
	case found == unknown && !must:
		return f.later(buf)
	case e.at > 0:
		return f.ended(buf, begin, size, e)
	case exact != nowhere:
		return f.ended(buf, begin, size, ending{at: begin + size})
	}
	return f.regain(buf, size, digits, must)
}

// ends finds where a message ends: where its count leads if a message begins there, else where one of the sender's ways does; of
// several, where a message begins that in its turn ends where another begins. No end has place 0.
func (f *framer) ends(buf []byte, begin, size int, must bool) (e ending, wait bool) {
	var all [1 + maxWays]ending
	n := 0
	for i := -1; i < len(f.ways); i++ {
		var w way
		if i >= 0 {
			w = f.ways[i]
		}
		at, s := f.by(w, buf, begin, size)
		if s == unknown && !must {
			return ending{}, true
		}
		if s == opens {
			all[n] = ending{at, w}
			n++
		}
	}
	if n < 2 {
		return all[0], false
	}
	for _, e := range all[:n] {
		switch s := f.follows(buf, e.at, true); {
		case s == opens:
			return e, false
		case s == unknown && !must:
			return ending{}, true
		}
	}
	return all[0], false
}

// ended hands over a message.
func (f *framer) ended(buf []byte, begin, size int, e ending) (c cut, msg []byte, consumed int) {
	f.counted, f.again, f.edge = true, 0, e.at == len(buf)
	if e.at != begin+size {
		f.doubt()
	}
	if e.way != (way{}) && (len(f.ways) == 0 || f.ways[0] != e.way) {
		f.remember(e.way)
	}
	return message, buf[begin:e.at], e.at
}

// right notes that a count was right.
func (f *framer) right() {
	if f.trust < trusted {
		f.trust++
	}
}

// doubt notes that a message was not cut where its count says.
func (f *framer) doubt() {
	f.doubted, f.trust, f.again, f.edge = true, -wary, 0, false
	f.guessed++
}

// later asks for more bytes, and for enough of them that what is there is not looked through for each byte that comes.
func (f *framer) later(buf []byte) (c cut, msg []byte, consumed int) {
	f.open = true
	if len(buf) >= f.again {
		f.again = len(buf) + len(buf)/4 + 1
	}
	return need, nil, 0
}

func (f *framer) remember(w way) {
	f.ways = slices.DeleteFunc(f.ways, func(x way) bool { return x == w })
	f.ways = slices.Insert(f.ways, 0, w)
	f.ways = f.ways[:min(len(f.ways), maxWays)]
}

// learn looks for the header that ends a message whose count leads to none: the first in the stream whose own count leads to the begin
// of another message, by itself, or in the way in which the message's count leads to it.
func (f *framer) learn(buf []byte, begin, size, digits int) (e ending, s sight) {
	from := begin + max(1, priority(buf[begin:]))
	chars, counted := 0, begin // characters of buf[begin:counted]
	limit := min(len(buf), begin+utf8.UTFMax*(size+maxOff)+maxHeader)
	for from < limit && f.spent < maxSpent {
		h, d := candidate(buf[from:limit])
		if h < 0 {
			f.spent += limit - from
			break
		}
		f.spent += h + 1
		h += from
		chars, counted = chars+utf8.RuneCount(buf[counted:h]), h
		if chars-size > maxOff {
			return ending{}, s
		}
		e, next := f.judge(buf, begin, size, digits, h, d, chars)
		if next == opens {
			return e, opens
		}
		s, from = max(s, next), h+d+2
	}
	if s < unknown && f.spent < maxSpent && utf8.RuneCount(buf[counted:])+chars-size <= maxOff+maxHeader {
		s = f.beyond() // what may come may be a header
	}
	return ending{}, s
}

// merged looks at the digits where a count leads to, as learn does: text that ends in digits and a count behind it look like one count.
// Only what shows in bytes counts there: a count of characters would not have led to the header by chance.
func (f *framer) merged(buf []byte, begin, size, digits int) (e ending, s sight) {
	h := begin + size
	end := h
	for end < len(buf) && digit(buf[end]) {
		end++
	}
	for h > begin && end-h < maxCount && digit(buf[h-1]) {
		h--
	}
	if end == h || end == len(buf) || priority(buf[end+1:]) == 0 {
		return ending{}, nowhere
	}
	return f.judge(buf, begin, size, digits, h, end-h, h-begin)
}

// judge says whether a message that begins at a place of buf and has a count of so many digits may end in front of the header whose d
// digits begin at h, chars characters behind its begin. The first of the digits may be the end of the message's text; every part of
// them may be the count, the shortest first. Of messages of one length a longer one leads, by chance, over several of them to the begin
// of another: what it leads over must have no header inside.
func (f *framer) judge(buf []byte, begin, size, digits, h, d, chars int) (e ending, most sight) {
	first := true
	for k := 1; k <= d; k++ {
		at := h + d - k
		n := number(buf[at : at+k])
		if buf[at] == '0' || n > f.max || n < priority(buf[h+d+1:]) {
			continue
		}
		at2 := at + k + 1
		if at == begin+size { // where the count leads itself
			first = false
			continue
		}
		ways := [...]way{{false, at - begin - size}, {true, chars + d - k - size}}
		if ways[1].off == 0 {
			slices.Reverse(ways[:])
		}
		for _, w := range ways {
			if digits == 1 || w.off > maxOff || w.off < -maxOff || w.chars && chars == h-begin {
				continue
			}
			s := f.agrees(w, buf, at2, n, digits-k)
			if s == opens {
				return ending{at, w}, opens
			}
			most = max(most, s)
		}
		end, s := f.by(way{}, buf, at2, n)
		if s == opens {
			if first || f.whole(buf[at2:end]) {
				return ending{at: at}, opens
			}
			s = nowhere
		}
		first = false
		most = max(most, s)
	}
	return ending{}, most
}

// agrees says whether a count of n leads to the begin of a message in a way that another count of the sender is wrong in. A sender that
// counts its header is off by more where that is longer, by as many digits.
func (f *framer) agrees(w way, buf []byte, begin, n, longer int) sight {
	if w.chars {
		if f.spent += n; f.spent > maxSpent {
			return nowhere
		}
	}
	end, s := f.by(w, buf, begin, n)
	if s < unknown && !w.chars && longer != 0 {
		end, s = f.by(way{off: w.off + longer}, buf, begin, n)
	}
	if s == opens && !f.whole(buf[begin:end]) {
		return nowhere
	}
	return s
}

// whole says whether a message has no header inside.
func (f *framer) whole(msg []byte) bool {
	if f.spent += len(msg); f.spent > maxSpent {
		return false
	}
	at, _ := candidate(msg)
	return at < 0
}

// regain finds the end of a message whose count is wrong and whose sender is wrong in no way that is known: too large, and the next
// message begins inside; or too small, and this one goes on.
func (f *framer) regain(buf []byte, size, digits int, must bool) (c cut, msg []byte, consumed int) {
	begin := digits + 1
	end := min(begin+size, len(buf))
	switch at, s := f.shorter(buf, digits, f.max); {
	case s == opens:
		f.doubt()
		return damaged, nil, at
	case s == unknown && !must:
		return f.later(buf)
	}
	i := f.end(buf[end:])
	limit := len(buf)
	if i >= 0 {
		limit = end + i
	}
	h, sure := f.header(buf[begin+1:], max(0, limit-begin-1), false)
	if !sure && h >= 0 && !must {
		return f.later(buf)
	}
	if h += begin + 1; i >= 0 && !sure {
		h, sure = limit, true
	}
	switch {
	case sure && h-begin <= f.max:
		f.doubt()
		f.counted = true
		return message, buf[begin:h], h
	case sure || len(buf)-begin > f.max:
		f.doubt()
		f.line, f.counted = true, true
		return tooLarge, nil, end
	}
	return f.later(buf)
}

// shorter says how many of the digits of a count that leads nowhere are the end of the text before it, if the rest is a count of limit at
// most.
func (f *framer) shorter(buf []byte, digits, limit int) (at int, most sight) {
	for i := 1; i < digits; i++ {
		n := number(buf[i:digits])
		if buf[i] == '0' || n > limit {
			continue
		}
		end, s := f.leads(buf, digits+1, n)
		if s == opens && !f.whole(buf[digits+1:end]) {
			s = nowhere
		}
		if s != opens {
			if e, next := f.learn(buf, digits+1, n, digits-i); next != opens || e.way != (way{}) {
				s = max(s, next)
			}
		}
		if s == opens {
			return i, opens
		}
		most = max(most, s)
	}
	return 0, most
}

func separates(c byte) bool { return c == '\n' || c == '\r' || c == 0 }

func digit(c byte) bool { return c >= '0' && c <= '9' }

func onlyDigits(s []byte) bool {
	for _, c := range s {
		if !digit(c) {
			return false
		}
	}
	return true
}
