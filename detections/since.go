package detections

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"hoalu/soc"
	"hoalu/state"
)

// Since is since when (Unix ms) the rules are what they are: what doc says of the same rules and versions, else now, which it then keeps.
// A restart changes no rules. With an error it is now.
func Since(ctx context.Context, doc *state.Document, rules []soc.RuleInfo, now int64) (int64, error) {
	list := make([]string, len(rules))
	for i, r := range rules {
		list[i] = r.ID + " " + r.Version
	}
	slices.Sort(list)
	sum := sha256.Sum256([]byte(strings.Join(list, "\n")))
	revision := hex.EncodeToString(sum[:])
	var kept struct {
		Revision string `json:"revision"`
		Since    int64  `json:"since"`
	}
	raw, err := doc.Load(ctx)
	if err != nil {
		return now, fmt.Errorf("read since when the rules stand: %w", err)
	}
	if json.Unmarshal(raw, &kept) == nil && kept.Revision == revision {
		return kept.Since, nil
	}
	kept.Revision, kept.Since = revision, now
	if raw, err = json.Marshal(kept); err == nil {
		err = doc.Keep(ctx, raw)
	}
	if err != nil {
		return now, fmt.Errorf("keep since when the rules stand: %w", err)
	}
	return now, nil
}
