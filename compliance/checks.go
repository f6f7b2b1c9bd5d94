package compliance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/open-policy-agent/opa/v1/rego"

	"hoalu/compliance/facts"
	"hoalu/soc"
)

// Result is a Finding with the score of an organisational layer (0 none, 1 on paper, 2 proven by fresh evidence, 3 proven
// automatically in the last 24 hours; -1 elsewhere).
//
// From is when its interval begins: the state (Since) may be older than these reasons, this score or this revision.
type Result struct {
	soc.Finding
	Score int   `json:"score"`
	From  int64 `json:"from,omitempty"`
}

type policyRef struct{ framework, name, version, about string } // version: the path while loading

type verdict struct {
	State    soc.PostureState `json:"state"`
	Because  []soc.Because    `json:"because"`
	Evidence []soc.Evidence   `json:"evidence"`
	Score    *int             `json:"score"`
}

type answer struct {
	Result *verdict `json:"result"`
}

// evaluate decodes what a query gives for facts into v, which stays as it is where nothing is defined.
// A panic of the evaluator on one policy's facts is that policy's error.
func evaluate(ctx context.Context, q rego.PreparedEvalQuery, f facts.Facts, v any) (err error) {
	defer func() {
		if x := recover(); x != nil {
			err = fmt.Errorf("a fault of ours in the evaluation: %v", x)
		}
	}()
	set, err := q.Eval(ctx, rego.EvalInput(f))
	if err != nil || len(set) != 1 {
		return err
	}
	raw, err := json.Marshal(set[0].Expressions[0].Value)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, v)
}

// Evaluate concludes every checked control for one system. A policy that gives no answer, or fails, is unknown with that reason and
// holds no other back; the failures are the error, beside a result for every control.
func (c *Checks) Evaluate(ctx context.Context, f facts.Facts) (map[string]Result, error) {
	all := map[string]map[string]answer{}
	var failed []error
	if err := evaluate(ctx, c.query, f, &all); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		clear(all)
		for id, ref := range c.policy {
			var one answer
			if err := evaluate(ctx, c.single[id], f, &one); err != nil {
				if ctx.Err() != nil {
					return nil, ctx.Err()
				}
				failed = append(failed, fmt.Errorf("policy of %s for %s: %w", id, f.System.ID, err))
				continue
			}
			if all[ref.framework] == nil {
				all[ref.framework] = map[string]answer{}
			}
			all[ref.framework][ref.name] = one
		}
	}
	out := make(map[string]Result, len(c.policy))
	for id, ref := range c.policy {
		r := Result{Finding: soc.Finding{System: f.System.ID, Control: id, Computed: f.Now, Policy: ref.version, Because: []soc.Because{},
			Evidence: []soc.Evidence{}}, Score: -1}
		v := all[ref.framework][ref.name].Result
		switch {
		case v == nil:
			r.State, r.Because = soc.Unknown, []soc.Because{{Code: "policy_gave_no_answer"}}
		default:
			r.State, r.Because = v.State, v.Because
			if v.Evidence != nil {
				r.Evidence = v.Evidence
			}
			if v.Score != nil {
				r.Score = *v.Score
			}
			switch r.State {
			case soc.Met, soc.NotMet:
				if judgeRead(&r, f.Failed) {
					judgeAge(&r, f.Now)
				}
			case soc.Unknown:
				judgeRead(&r, f.Failed)
			case soc.NotApplicable:
			default:
				r.State, r.Because = soc.Unknown, []soc.Because{{Code: "policy_gave_no_answer"}}
			}
		}
		out[id] = r
	}
	return out, errors.Join(failed...)
}

// clockSlack is how far ahead of now evidence may be: more means that the clock was set back, and its age cannot be told.
const clockSlack = 5 * 60_000

// tooLong is the product's promise: what nobody computed or heard of for so long is not known any more.
const tooLong = 10 * 60_000

// judgeRead makes a result unknown, with the cause, when evidence it rests on could not be read, and says whether all could. What the
// policy concluded from the missing value is not what was last known.
func judgeRead(r *Result, failed map[string]string) bool {
	for _, e := range r.Evidence {
		if cause, ok := failed[e.ID]; ok {
			r.State, r.Because, r.Score = soc.Unknown,
				[]soc.Because{{Code: "fact_unknown", Values: map[string]string{"evidence": e.ID, "cause": cause}}}, min(r.Score, 1)
			return false
		}
	}
	return true
}

// judgeAge makes a conclusion unknown when evidence it rests on is missing, older than its limit or from the future.
func judgeAge(r *Result, now int64) {
	if len(r.Evidence) == 0 {
		doubt(r, "no_evidence", nil, 0)
		return
	}
	for _, e := range r.Evidence {
		switch {
		case e.At-now > clockSlack:
			doubt(r, "evidence_ahead", map[string]string{"evidence": e.ID}, now)
		case now-e.At > e.MaxAge:
			doubt(r, "evidence_stale", map[string]string{"evidence": e.ID}, e.At+e.MaxAge)
		default:
			continue
		}
		return
	}
}

// doubt turns a conclusion to unknown since an instant, with the reason before its own.
func doubt(r *Result, code string, values map[string]string, since int64) {
	r.LastKnown, r.State, r.Since = r.State, soc.Unknown, max(r.Since, since)
	if r.Score > 1 {
		r.Score = 1
	}
	r.Because = append([]soc.Because{{Code: code, Values: values}}, r.Because...)
}

func concluded(s soc.PostureState) bool { return s == soc.Met || s == soc.NotMet }
