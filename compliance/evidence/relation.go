package evidence

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"sort"
)

// Relation is what two packs say of each other's log.
type Relation string

// Relations of two packs.
const (
	OneLog   Relation = "one_log"   // the later head is proved to continue the earlier one
	TwoLogs  Relation = "two_logs"  // it is not: one of them was made from another log
	CannotBe Relation = "not_known" // the later pack holds no proof for the head of the earlier one
)

// Compare tells whether two verified packs come from one log. Packs signed by different keys are of two logs.
func Compare(a, b Verdict) Relation {
	if a.KeyID != b.KeyID {
		return TwoLogs
	}
	if a.Head.Size > b.Head.Size {
		a, b = b, a
	}
	if a.Head.Size == b.Head.Size {
		if a.Head.Root == b.Head.Root {
			return OneLog
		}
		return TwoLogs
	}
	for _, h := range b.Heads {
		if h.Size != a.Head.Size {
			continue
		}
		if h.Root == a.Head.Root && continued(h, b.Head) {
			return OneLog
		}
		return TwoLogs
	}
	return CannotBe
}

// eachLine calls fn with the lines of r from its beginning, without their line feed, until fn says no; whole tells that the last one
// had it. A line is fn's until it returns.
func eachLine(r io.ReadSeeker, fn func(i int, line []byte) bool) (whole bool, err error) {
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return false, err
	}
	sc := bufio.NewScanner(r)
	sc.Buffer(make([]byte, 64<<10), maxLine+2)
	sc.Split(func(data []byte, end bool) (int, []byte, error) {
		if i := bytes.IndexByte(data, '\n'); i >= 0 {
			whole = true
			return i + 1, data[:i], nil
		}
		if end && len(data) > 0 {
			whole = false
			return len(data), data, nil
		}
		return 0, nil, nil
	})
	for i := 0; sc.Scan(); i++ {
		if !fn(i, sc.Bytes()) {
			return whole, nil
		}
	}
	return whole, sc.Err()
}

// compare tells which lines differ from the manifest: altered, dropped, added or moved.
func (c *check) compare(body []packLine, records []manifestItem) {
	same := len(body) == len(records)
	for i := 0; same && i < len(body); i++ {
		same = hex.EncodeToString(body[i].sum[:]) == records[i].SHA256
	}
	if same {
		return
	}
	bySum := map[string][]int{}
	byName := map[[2]string][]int{}
	for i, b := range body {
		s := hex.EncodeToString(b.sum[:])
		bySum[s] = append(bySum[s], i)
	}
	taken := make([]bool, len(body))
	var order []int // places of the records found unchanged
	var lost []int  // records without their line
	for i, r := range records {
		at := bySum[r.SHA256]
		if len(at) == 0 {
			lost = append(lost, i)
			continue
		}
		taken[at[0]] = true
		order = append(order, at[0])
		bySum[r.SHA256] = at[1:]
	}
	for i, b := range body {
		if !taken[i] {
			n := [2]string{b.kind, b.id}
			byName[n] = append(byName[n], i)
		}
	}
	for _, i := range lost {
		r := records[i]
		match, n := -1, [2]string{r.Kind, r.ID}
		if at := byName[n]; len(at) > 0 {
			match, byName[n] = at[0], at[1:]
		} else if len(body) == len(records) && !taken[i] && body[i].kind == "" {
			match = i // same place, too damaged to name itself
		}
		name := packLine{kind: r.Kind, id: r.ID}
		if match >= 0 {
			taken[match] = true
			c.found("%s was altered (line %d)", "%s đã bị sửa (dòng %d)", name, match+1)
		} else {
			c.found("%s was dropped", "%s đã bị bỏ", name)
		}
	}
	for j := range body {
		if !taken[j] {
			c.found("line %d does not belong to the pack: it was added", "dòng %d không thuộc gói: đã bị thêm vào", j+1)
		}
	}
	if sort.IntsAreSorted(order) {
		return
	}
	for k := 1; k < len(order); k++ {
		if order[k] < order[k-1] {
			c.found("the order was changed: %s stands at line %d", "thứ tự đã bị đổi: %s nằm ở dòng %d", body[order[k]], order[k]+1)
		}
	}
}

// exact decodes a line and refuses any other spelling of the same object.
func exact(b []byte, v any) error {
	if err := json.Unmarshal(b, v); err != nil {
		return err
	}
	again, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if !bytes.Equal(again, b) {
		return errors.New("not as it was written")
	}
	return nil
}
