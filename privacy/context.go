package privacy

import (
	"strings"
	"sync"
	"sync/atomic"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"hoalu/ecs"
)

// fieldClass is what a field's name says about its values.
type fieldClass uint8

const (
	classUnset   fieldClass = iota
	classNever              // account, host, address, hash, id, size, time: never touched
	classGuarded            // mostly of machines, but of any kind: only what is certain counts
	classNeutral            // text of any kind
	classCCCD               // the name says it is a personal number
	classPhone              // the name says it is a telephone number
)

// fieldClasses remembers the class of every field met; safe for concurrent use.
type fieldClasses struct {
	list atomic.Pointer[[]atomic.Uint32] // by field: class, and keyed
	mu   sync.Mutex                      // guards growth of list
}

const (
	classMask   = 0xff
	keyed       = 0x100 // a field whose name itself may hold an identifier
	secretField = 0x200 // a field whose name says that its whole value is a secret

	// spelledField marks what a decoder may have written out from hex or escapes: event.original holds it in another spelling.
	spelledField = 0x400

	// In nearly all fields a full personal number is one whatever is glued to it. byItself marks the ids, hashes and times of machines, where
	// only the whole value is; inText marks running text, where a number without a word for it is often of something else.
	byItself = 0x800
	inText   = 0x1000

	// listField marks a field whose values belong together: the words of a command, or the values beside their names.
	listField = 0x2000

	// namedField marks what people and programs name: hosts, domains, accounts. Nothing else of it is touched, but a key asked for as the
	// name of a host, or typed as that of an account, is one.
	namedField = 0x4000

	// secretName marks a field whose name itself holds a key: the tokens of accounts as the keys of an object.
	secretName = 0x8000
)

func (c *fieldClasses) of(f ecs.Field) fieldClass { return fieldClass(c.entry(f) & classMask) }

// entries appends the entry of each field of e and says what any of them says.
func (c *fieldClasses) entries(dst []uint32, e *ecs.Event) (entries []uint32, all uint32) {
	l := c.list.Load()
	for i := range e.Len() {
		f, _ := e.At(i)
		k := uint32(0)
		if l != nil && int(f) < len(*l) {
			k = (*l)[f].Load()
		}
		if k == 0 {
			k = c.entry(f)
		}
		dst = append(dst, k)
		all |= k
	}
	return dst, all
}

func (c *fieldClasses) entry(f ecs.Field) uint32 {
	if l := c.list.Load(); l != nil && int(f) < len(*l) {
		if k := (*l)[f].Load(); k != 0 {
			return k
		}
	}
	name := f.Name()
	k := uint32(classify(name))
	if digitRun(name) {
		k |= keyed
	}
	if !strings.HasPrefix(name, "hoalu.") && fieldKind(name) != "" {
		k |= secretField
	}
	if keyInName(name) != name {
		k |= secretName
	}
	switch low := strings.ToLower(name); {
	case runningText(low):
		k |= inText
	case machineMade(low, low[strings.LastIndexByte(low, '.')+1:]):
		k |= byItself
	}
	if strings.HasPrefix(name, "process.") {
		k |= spelledField
	}
	if strings.HasSuffix(name, ".args") || strings.HasSuffix(name, ".value") {
		k |= listField
	}
	if fieldClass(k&classMask) == classNever && k&byItself == 0 && nameOf(strings.ToLower(name)) {
		k |= namedField
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.list.Load()
	if l == nil || int(f) >= len(*l) {
		grown := make([]atomic.Uint32, int(f)*2+256)
		if l != nil {
			for i := range *l {
				grown[i].Store((*l)[i].Load())
			}
		}
		c.list.Store(&grown)
		l = &grown
	}
	(*l)[f].Store(k)
	return k
}

// Words of a context, folded: lower case, no diacritics, no separators. Long words are looked for anywhere in the squeezed text,
// short ones only as (the beginning or end of) a word, as three letters are found in anything.
var (
	cccdLong = []string{"cccd", "cmnd", "cancuoc", "chungminh", "dinhdanh", "congdan", "citizen", "nhankhau", "hokhau", "nationalid",
		"identitycard", "identityno", "idcard", "personalid", "personalno", "sogiayto", "giaytotuythan", "masothue", "vneid", "ekyc"}
	cccdShort = []string{"mst", "cmt", "cccd", "ddcn"}

	phoneLong  = []string{"dienthoai", "phone", "mobile", "didong", "msisdn", "sodt", "somay", "lienhe", "zalo", "telno", "telephone"}
	phoneShort = []string{"sdt", "tel", "dt", "phone", "call", "sms", "sip"}

	// licence: 12 digits too, of another kind
	licence = []string{"gplx", "giaypheplaixe", "banglai", "drivinglicen", "driverlicen"}

	// numbers of machines, as keys
	machine = map[string]bool{"id": true, "trace": true, "traceid": true, "span": true, "spanid": true, "session": true, "sessionid": true,
		"sid": true, "pid": true, "tid": true, "ppid": true, "bytes": true, "size": true, "len": true, "length": true, "port": true, "seq": true,
		"sequence": true, "offset": true, "count": true, "total": true,
		"time": true, "timestamp": true, "ts": true, "date": true, "uid": true, "gid": true, "uuid": true, "guid": true, "hash": true,
		"order": true, "orderid": true, "txn": true, "tx": true, "transaction": true, "transactionid": true, "request": true, "requestid": true,
		"reqid": true, "correlationid": true, "record": true, "recordid": true, "row": true, "serial": true, "serialno": true, "build": true,
		"version": true, "ver": true, "rev": true, "flow": true, "flowid": true, "inode": true, "dev": true, "handle": true, "logonid": true,
		"ttl": true, "win": true, "ack": true, "account": true, "acct": true, "user": true, "username": true, "amount": true, "price": true,
		"nonce": true, "cursor": true, "batch": true, "invoice": true, "barcode": true, "sku": true}
)

// classify judges a field by its name.
func classify(name string) fieldClass {
	if name == "" {
		return classNeutral
	}
	low := strings.ToLower(name)
	if runningText(low) {
		return classNeutral
	}
	last := low[strings.LastIndexAny(low, ".")+1:]
	folded := squeeze(low)
	phone, cccd := anyIn(folded, phoneLong) || shortWord(low, phoneShort), anyIn(folded, cccdLong) || shortWord(low, cccdShort)
	if neverName(low, last) && !(cccd && !strings.HasPrefix(low, "user.")) {
		return classNever
	}
	if guarded(low) && !(cccd && !strings.HasPrefix(low, "user.")) {
		own := squeeze(last)
		switch {
		case anyIn(own, cccdLong) || shortWord(last, cccdShort):
			return classCCCD
		case anyIn(own, phoneLong) || shortWord(last, phoneShort[:1]):
			return classPhone
		}
		return classGuarded
	}
	switch {
	case cccd:
		return classCCCD
	case phone:
		return classPhone
	}
	return classNeutral
}

// runningText says whether a field holds sentences of programs.
func runningText(low string) bool {
	switch low {
	case "message", "event.original", "event.reason", "error.message", "error.stack_trace", "log.original":
		return true
	}
	return false
}

// machineMade says whether a field's values are made by machines: ids (but not of what people name: accounts, hosts, containers), hashes,
// numbers and times.
func machineMade(low, last string) bool {
	if low == "hoalu.overflow" { // what senders wrote
		return false
	}
	for _, p := range [...]string{"hoalu.", "ecs.", "sigma.", "@"} {
		if strings.HasPrefix(low, p) {
			return true
		}
	}
	if strings.Contains(low, ".hash.") || strings.Contains(low, ".pe.") || strings.HasSuffix(low, ".geo.location") {
		return true
	}
	switch last {
	case "ip", "port", "mac", "bytes", "packets", "size", "length", "hash", "hashes", "md5", "sha1", "sha256", "sha512", "imphash", "guid", "uuid",
		"status_code", "version", "timestamp", "time", "ts", "date", "seq", "sequence", "offset", "serial", "serial_number", "fingerprint", "eventid",
		"eventrecordid", "processid", "threadid", "pid", "ppid", "tid", "flow_id", "community_id", "entity_id", "ephemeral_id", "trace", "span",
		"start", "end", "duration", "created", "ingested":
		return true
	case "id", "uid", "gid", "sid", "session":
		return !namedThing(low)
	}
	for _, s := range [...]string{"guid", "uuid", "hash", "hashes", "processid", "_port", "_ip", "_bytes", "_time", "_at", "recordid", "threadid",
		"traceid", "spanid", "_ts"} {
		if strings.HasSuffix(last, s) {
			return true
		}
	}
	for _, s := range [...]string{"_id", "logonid", "sessionid", "requestid"} {
		if strings.HasSuffix(last, s) {
			return !namedThing(low)
		}
	}
	return false
}

// nameOf says whether a field holds names of hosts, domains or accounts.
func nameOf(low string) bool {
	for _, p := range [...]string{"event.", "hoalu.", "sigma.", "ecs.", "log.", "process.", "rule."} {
		if strings.HasPrefix(low, p) {
			return false
		}
	}
	switch low[strings.LastIndexByte(low, '.')+1:] {
	case "name", "domain", "registered_domain", "subdomain", "hostname", "server_name", "hosts", "user", "address", "data":
		return true
	}
	return false
}

// namedThing says whether a field is of a thing that people give names and ids.
func namedThing(low string) bool {
	for _, s := range [...]string{"user", "host", "container", "agent", "observer", "device", "group", "organization", "service", "cloud",
		"orchestrator", "account"} {
		if strings.HasPrefix(low, s+".") || strings.Contains(low, "."+s+".") || strings.HasPrefix(low[strings.LastIndexByte(low, '.')+1:], s) {
			return true
		}
	}
	return false
}

// guarded says whether a field stands among those of machines, where a document may keep other things too.
func guarded(low string) bool {
	for _, p := range [...]string{"user.", "host.", "agent.", "observer.", "trace.", "transaction.", "span.", "cloud.", "container.",
		"orchestrator.", "service.", "network.", "dns.", "tls.", "rule.", "threat.", "event.", "log.file"} {
		if strings.HasPrefix(low, p) {
			return true
		}
	}
	return strings.Contains(low, ".user.")
}

// neverName says whether a field's values are of machines or accounts.
func neverName(low, last string) bool {
	if low == "hoalu.overflow" || strings.HasPrefix(low, "log.syslog.structured_data.") { // what senders wrote
		return false
	}
	for _, p := range [...]string{"sigma.", "hoalu.", "ecs.", "log.syslog", "process.pid", "winlog.process", "winlog.provider",
		"winlog.record", "winlog.event_id", "winlog.version", "winlog.channel", "winlog.computer", "winlog.activity", "@"} {
		if strings.HasPrefix(low, p) {
			return true
		}
	}
	if strings.Contains(low, ".hash.") || strings.Contains(low, ".geo.") || strings.Contains(low, ".as.") || strings.Contains(low, ".pe.") ||
		strings.Contains(low, ".x509.") {
		return true
	}
	if last == "name" && guarded(low) || strings.HasPrefix(low, "event.") && !strings.Contains(low[6:], ".") {
		switch last {
		case "name", "action", "category", "code", "created", "dataset", "hash", "ingested", "kind", "module", "outcome", "provider",
			"risk_score", "severity", "timezone", "type":
			return true
		}
	}
	switch last {
	case "id", "uid", "gid", "pid", "ppid", "tid", "ip", "port", "mac", "bytes", "packets", "size", "length", "hash", "hashes", "md5", "sha1",
		"sha256", "sha512", "imphash", "guid", "uuid", "sid", "address", "domain", "status_code", "version", "timestamp", "time", "ts", "date",
		"seq", "sequence", "offset", "account", "username", "login", "hostname", "computer", "serial", "serial_number", "fingerprint",
		"port_name", "host", "user", "eventid", "eventrecordid", "processid", "threadid", "flow_id", "community_id", "entity_id", "session",
		"trace", "span", "start", "end", "duration":
		return true
	}
	for _, s := range [...]string{"_id", "guid", "sid", "hash", "hashes", "username", "domainname", "logonid", "processid", "_port", "_ip",
		"_bytes", "_time", "_at", "uuid", "computername", "hostname", "workstation", "recordid", "threadid", "sessionid", "traceid", "spanid",
		"requestid", "_ts"} {
		if strings.HasSuffix(last, s) {
			return true
		}
	}
	return false
}

func anyIn(s string, words []string) bool {
	for _, w := range words {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}

// shortWord looks for words that stand alone between separators or case changes ("so_sdt", "sdtLienHe").
func shortWord(low string, words []string) bool {
	for rest := low; rest != ""; {
		i := 0
		for i < len(rest) && !(rest[i] >= 'a' && rest[i] <= 'z') {
			i++
		}
		j := i
		for j < len(rest) && rest[j] >= 'a' && rest[j] <= 'z' {
			j++
		}
		w := rest[i:j]
		for _, s := range words {
			if w == s || len(s) >= 3 && len(w) > len(s) && len(w) <= len(s)+8 && s != "tel" && s != "call" &&
				(strings.HasPrefix(w, s) || strings.HasSuffix(w, s) && w != "usdt") {
				return true
			}
		}
		rest = rest[j:]
	}
	return false
}

// window is how far context reaches, in characters.
const window = 40

// contextOf is what the surroundings of s[from:to] add to the confidence that it is of kind.
func contextOf(s string, from, to int, class fieldClass, kind Kind) float64 {
	want, other := classCCCD, classPhone
	long, short := cccdLong, cccdShort
	if kind == Phone {
		want, other = classPhone, classCCCD
		long, short = phoneLong, phoneShort
	}
	bonus := 0.4
	if kind == Phone {
		bonus = 0.6
	}
	whole := from == 0 && to == len(s)
	switch {
	case class == want:
		return bonus + 0.1
	case class == other && whole:
		return -0.4
	}

	// the key right before: "cccd=", `"soCCCD":"`, "so_cccd = '"
	score := 0.0
	key, value := keyBefore(s, from)
	if key != "" {
		k := fold(key)
		sq := squeeze(k)
		switch {
		case anyIn(sq, licence):
			return -0.5
		case anyIn(sq, long) || shortWord(k, short):
			return bonus + 0.1
		case machine[sq] || strings.HasSuffix(k, "_id") || strings.HasSuffix(key, "Id") || strings.HasSuffix(key, "ID"):
			score -= 0.3
		case value:
			if kind == CCCD {
				score += 0.1
			}
		}
	}

	before, behind := from, to
	for n := 0; before > 0 && n < window; n++ {
		_, size := utf8.DecodeLastRuneInString(s[:before])
		before -= size
	}
	for n := 0; behind < len(s) && n < window; n++ {
		_, size := utf8.DecodeRuneInString(s[behind:])
		behind += size
	}
	// words right before count more than those behind, and a licence's only where no better word is nearer
	left, right := fold(s[before:from]), fold(s[to:behind])
	sl, sr := squeeze(left), squeeze(right)
	if kind == CCCD {
		if li := lastOf(sl, licence); li >= 0 && li > lastOf(sl, long) {
			return -0.5
		}
	}
	switch {
	case anyIn(sl, long) || shortWord(left, short):
		if score < 0 && key != "" { // "…cccd… request_id=…": the nearer key decides
			return score + 0.1
		}
		score += bonus
	case anyIn(sr, long) || shortWord(right, short):
		if score < 0 {
			return score
		}
		score += bonus - 0.1
		if kind == CCCD { // likely at least: shape and word together
			score += 0.05
		}
	}
	return score
}

func lastOf(s string, words []string) int {
	at := -1
	for _, w := range words {
		at = max(at, strings.LastIndex(s, w))
	}
	return at
}

// keyBefore finds the name a number is the value of; value says that the number begins the value.
func keyBefore(s string, i int) (key string, value bool) {
	j := i
	for j > 0 && (s[j-1] == '"' || s[j-1] == '\'' || s[j-1] == ' ' || s[j-1] == '\\' || s[j-1] == '(' || s[j-1] == '[') {
		j--
	}
	if j == 0 || s[j-1] != '=' && s[j-1] != ':' {
		return "", false
	}
	j--
	for j > 0 && (s[j-1] == '"' || s[j-1] == '\'' || s[j-1] == ' ' || s[j-1] == '\\' || s[j-1] == ']' || s[j-1] == '`') {
		j--
	}
	return word(s[:j]), true
}

// word is the name s ends with.
func word(s string) string {
	i := len(s)
	for i > 0 {
		c := s[i-1]
		if !(letter(c) || digit(c) || c == '-' || c == '.') || len(s)-i >= 64 {
			break
		}
		i--
	}
	return s[i:]
}

// fold lower-cases and takes diacritics off ("Căn cước" → "can cuoc"), composed or not; camelCase becomes camel_case.
func fold(s string) string {
	plain := true
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			plain = false
			break
		}
	}
	if plain {
		return lower(s)
	}
	b := make([]byte, 0, len(s))
	for _, r := range norm.NFD.String(s) {
		switch {
		case r == 'đ':
			b = append(b, 'd')
		case r == 'Đ':
			b = append(b, 'D')
		case r < utf8.RuneSelf:
			b = append(b, byte(r))
		case unicode.Is(unicode.Mn, r):
		default:
			b = append(b, ' ')
		}
	}
	return lower(string(b))
}

func lower(s string) string {
	b := make([]byte, 0, len(s)+8)
	for i := range len(s) {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			if i > 0 && s[i-1] >= 'a' && s[i-1] <= 'z' {
				b = append(b, '_')
			}
			c += 'a' - 'A'
		}
		b = append(b, c)
	}
	return string(b)
}

// squeeze leaves the letters a to z.
func squeeze(s string) string {
	b := make([]byte, 0, len(s))
	for i := range len(s) {
		if c := s[i]; c >= 'a' && c <= 'z' {
			b = append(b, c)
		}
	}
	return string(b)
}
