// Package compliance works out, from live telemetry, how each system meets the level-3 requirements, the four organisational layers of
// protection and the four technical layers, and keeps that as a history of intervals (decision 24).
//
// Words: a control is one requirement (yêu cầu) of the catalogue, or one layer; a policy is its Rego file under policies/<framework>/, found by
// the METADATA that names framework and control; a Finding is the state of one control on one system since when, with reasons and
// evidence; an interval is a Finding's life in the history.
//
// Contract: silence turns green to unknown. A policy concludes met or not met with evidence, each piece with the instant it was true and how
// long that may be believed; the host makes the conclusion unknown when any of it is older, whatever the policy says, and keeps what was
// last known. A control without a policy is unknown (no_check), never anything else. Round computes every system; between rounds nothing
// changes. Methods are safe for concurrent use.
//
// History: an interval ends when its state, its reasons, its score or its revision changes. The revision is a hash of the policy, of what
// the policy imports and of the control's entry in the catalogue, so a finding can be judged by the text it was made under. Time in which
// nothing was computed (the appliance off, rounds failing, the clock set ahead) is unknown, not what stood before or after it. Intervals of
// a control never overlap and never go back: a clock that was set back makes the next one begin just after the last.
//
// To add a control's check: policies/<framework>/<control>.rego with METADATA and a _test.rego with its four states; nothing else.
package compliance

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"path"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"go.yaml.in/yaml/v3"

	"hoalu/compliance/facts"
	"hoalu/compliance/internal/db"
	"hoalu/soc"
	"hoalu/state"
)

//go:embed policies
var policies embed.FS

// Frameworks of controls.
const (
	Level3       = "level3"
	Organisation = "organisation" // LAYER-1 … LAYER-4 of the four-layer model
	Technical    = "technical"    // TECH-NETWORK, TECH-APPLICATION, TECH-DATABASE, TECH-ENDPOINT
)

// Control is one requirement of the catalogue; texts in both languages, certainty marks as in the law notes.
type Control struct {
	ID        string `json:"id" yaml:"id"`
	Framework string `json:"framework" yaml:"-"`
	Group     string `json:"group" yaml:"group"`
	VI        string `json:"vi" yaml:"vi"`
	EN        string `json:"en" yaml:"en"`
	Req       string `json:"req" yaml:"req"`
	Param     string `json:"param" yaml:"param"`
	Ref       struct {
		TCVN11930 string `json:"tcvn11930" yaml:"tcvn11930"`
		TT12      string `json:"tt12" yaml:"tt12"`
		TCVN14423 string `json:"tcvn14423" yaml:"tcvn14423"`
	} `json:"ref" yaml:"ref"`
	Evidence struct {
		Mode string `json:"mode" yaml:"mode"`
		How  string `json:"how" yaml:"how"`
	} `json:"evidence" yaml:"evidence"`
	Cert struct {
		Clause string `json:"clause" yaml:"clause"`
		Text   string `json:"text" yaml:"text"`
		Param  string `json:"param" yaml:"param"`
	} `json:"cert" yaml:"cert"`
	In      Vietnamese `json:"in_vi" yaml:"-"`
	Checked bool       `json:"checked" yaml:"-"` // a policy decides it
	About   string     `json:"about" yaml:"-"`   // AboutAppliance where the policy looks at the SOC's own appliance, else ""
}

// AboutAppliance marks a control whose policy looks at the SOC's own appliance and people, the same for every system (METADATA about:
// appliance). It is shown with the system and not counted against its owner, who cannot mend it.
const AboutAppliance = "appliance"

// Vietnamese are our texts of a control (controls.vi.yaml).
type Vietnamese struct {
	Req   string `json:"req" yaml:"req"`
	How   string `json:"how" yaml:"how"`
	Param string `json:"param" yaml:"param"`
	Law   string `json:"law" yaml:"law"` // document and article of a figure with mark V
}

// Basis is one thing a requirement rests on, with its certainty mark: never one mark for all.
type Basis struct {
	Part     string // clause, text, figure
	Document string // name of the document; "" for our own wording or proposal
	Clause   string
	Mark     string // V, V2, M+, M, M-, own
	Mapped   bool   // that this clause is the one is our mapping
}

// Documents of the catalogue.
const (
	docTCVN11930 = "TCVN 11930:2017"
	docTT12      = "TT 12/2022/TT-BTTTT"
	docTCVN14423 = "TCVN 14423:2026"
)

// Basis lists documents and clauses, the wording and the figure, each with the mark of its source.
func (c *Control) Basis() []Basis {
	var out []Basis
	add := func(part, document, clause, mark string, mapped bool) {
		if clause != "" && clause != "-" && mark != "" && mark != "-" {
			out = append(out, Basis{part, document, clause, mark, mapped})
		}
	}
	mark := c.Cert.Clause
	if c.Ref.TCVN11930 == "7.2.1.1" {
		mark = "M+" // TT 12 puts its own list in this clause's place: the number is a recollection
	}
	add("clause", docTCVN11930, c.Ref.TCVN11930, mark, false)
	add("clause", docTT12, c.Ref.TT12, c.Cert.Clause, false)
	add("clause", docTCVN14423, c.Ref.TCVN14423, "V2", true) // the priced standard was seen in a paraphrase only
	if c.Cert.Text != "" && c.Cert.Text != "-" {
		out = append(out, Basis{Part: "text", Mark: c.Cert.Text})
	}
	switch {
	case c.Param == "" || c.Cert.Param == "-":
	case c.In.Law != "":
		out = append(out, Basis{Part: "figure", Document: c.In.Law, Mark: c.Cert.Param})
	case c.Cert.Param == "V2" && c.Ref.TCVN14423 != "-":
		out = append(out, Basis{Part: "figure", Document: docTCVN14423, Clause: c.Ref.TCVN14423, Mark: "V2"})
	default:
		out = append(out, Basis{Part: "figure", Mark: c.Cert.Param})
	}
	return out
}

var layers = []Control{
	{ID: "LAYER-1", Framework: Organisation, VI: "Lực lượng tại chỗ", EN: "On-site force"},
	{ID: "LAYER-2", Framework: Organisation, VI: "Tổ chức hoặc thuê doanh nghiệp giám sát, bảo vệ chuyên nghiệp", EN: "Own or hired professional monitoring and protection"},
	{ID: "LAYER-3", Framework: Organisation, VI: "Tổ chức hoặc thuê doanh nghiệp độc lập kiểm tra, đánh giá định kỳ", EN: "Own or hired independent periodic assessment"},
	{ID: "LAYER-4", Framework: Organisation, VI: "Kết nối, chia sẻ thông tin với hệ thống giám sát quốc gia", EN: "Link and share information with the national monitoring system"},
	{ID: "TECH-NETWORK", Framework: Technical, VI: "Mạng", EN: "Network"},
	{ID: "TECH-APPLICATION", Framework: Technical, VI: "Ứng dụng", EN: "Application"},
	{ID: "TECH-DATABASE", Framework: Technical, VI: "Cơ sở dữ liệu", EN: "Database"},
	{ID: "TECH-ENDPOINT", Framework: Technical, VI: "Thiết bị đầu cuối", EN: "Endpoint"},
}

// Result is a Finding with the score of an organisational layer (0 none, 1 on paper, 2 proven by fresh evidence, 3 proven
// automatically in the last 24 hours; -1 elsewhere).
//
// From is when its interval begins: the state (Since) may be older than these reasons, this score or this revision.
type Result struct {
	soc.Finding
	Score int   `json:"score"`
	From  int64 `json:"from,omitempty"`
}

// Checks evaluates policies. Immutable, safe for concurrent use.
type Checks struct {
	query    rego.PreparedEvalQuery            // all policies at once
	single   map[string]rego.PreparedEvalQuery // by control: where one fails, the others still conclude
	controls []Control
	policy   map[string]policyRef // by control
}

type policyRef struct{ framework, name, version, about string } // version: the path while loading

// Load compiles the embedded policies and catalogue.
func Load(ctx context.Context) (*Checks, error) {
	c := &Checks{policy: map[string]policyRef{}}
	raw, err := policies.ReadFile("policies/level3/controls.yaml")
	if err != nil {
		return nil, err
	}
	var doc struct{ Controls []Control }
	if err := yaml.Unmarshal(raw, &doc); err != nil {
		return nil, fmt.Errorf("read level-3 catalogue: %w", err)
	}
	if raw, err = policies.ReadFile("policies/level3/controls.vi.yaml"); err != nil {
		return nil, err
	}
	vi := map[string]Vietnamese{}
	if err := yaml.Unmarshal(raw, &vi); err != nil {
		return nil, fmt.Errorf("read Vietnamese texts of the catalogue: %w", err)
	}
	for _, x := range doc.Controls {
		x.Framework = Level3
		x.In = vi[x.ID]
		c.controls = append(c.controls, x)
	}
	c.controls = append(c.controls, layers...)
	return c, c.load(ctx, policies)
}

// load compiles the policies in files; the catalogue is there.
func (c *Checks) load(ctx context.Context, files fs.FS) error {
	modules := map[string]*ast.Module{}
	texts := map[string][]byte{} // by path and by package
	err := fs.WalkDir(files, "policies", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(p) != ".rego" || strings.HasSuffix(p, "_test.rego") {
			return err
		}
		text, err := fs.ReadFile(files, p)
		if err != nil {
			return err
		}
		module, err := ast.ParseModuleWithOpts(p, string(text), ast.ParserOptions{ProcessAnnotation: true})
		if err != nil {
			return fmt.Errorf("policy %s: %w", p, err)
		}
		modules[p] = module
		texts[module.Package.Path.String()], texts[p] = text, text
		for _, a := range module.Annotations {
			if a.Scope != "package" {
				continue
			}
			control, _ := a.Custom["control"].(string)
			framework, _ := a.Custom["framework"].(string)
			if control == "" {
				continue
			}
			if framework != path.Base(path.Dir(p)) {
				return fmt.Errorf("policy %s: METADATA names framework %q", p, framework)
			}
			parts := strings.Split(module.Package.Path.String(), ".")
			about, _ := a.Custom["about"].(string)
			if about != "" && about != AboutAppliance {
				return fmt.Errorf("policy %s: METADATA says it is about %q; only %s is known", p, about, AboutAppliance)
			}
			c.policy[control] = policyRef{framework, parts[len(parts)-1], p, about}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i := range c.controls {
		var ref policyRef
		ref, c.controls[i].Checked = c.policy[c.controls[i].ID]
		c.controls[i].About = ref.about
	}
	for id, ref := range c.policy {
		control, ok := c.Control(id)
		if !ok {
			return fmt.Errorf("policy of %s: no such control in the catalogue", id)
		}
		h := sha256.New()
		h.Write(texts[ref.version])
		for _, name := range imported(modules, ref.version) {
			h.Write(texts[name])
		}
		entry, err := json.Marshal(control)
		if err != nil {
			return err
		}
		h.Write(entry)
		ref.version = hex.EncodeToString(h.Sum(nil)[:6])
		c.policy[id] = ref
	}
	return c.prepare(ctx, modules)
}

// imported are the packages a module rests on, directly or not, in order.
func imported(modules map[string]*ast.Module, path string) []string {
	byPackage := map[string]*ast.Module{}
	for _, m := range modules {
		byPackage[m.Package.Path.String()] = m
	}
	seen := map[string]bool{}
	var walk func(*ast.Module)
	walk = func(m *ast.Module) {
		if m == nil {
			return
		}
		for _, i := range m.Imports {
			if name := i.Path.String(); !seen[name] && byPackage[name] != nil {
				seen[name] = true
				walk(byPackage[name])
			}
		}
	}
	walk(modules[path])
	return slices.Sorted(maps.Keys(seen))
}

// prepare compiles the modules once for all queries.
func (c *Checks) prepare(ctx context.Context, modules map[string]*ast.Module) (err error) {
	compiler := ast.NewCompiler()
	if compiler.Compile(modules); compiler.Failed() {
		return fmt.Errorf("compile policies: %w", compiler.Errors)
	}
	query := func(q string) (rego.PreparedEvalQuery, error) {
		return rego.New(rego.Compiler(compiler), rego.Query(q), rego.StrictBuiltinErrors(true)).PrepareForEval(ctx)
	}
	if c.query, err = query("data.hoalu.policies"); err != nil {
		return fmt.Errorf("compile policies: %w", err)
	}
	c.single = map[string]rego.PreparedEvalQuery{}
	for id, ref := range c.policy {
		if c.single[id], err = query(fmt.Sprintf("data.hoalu.policies.%s.%s", ref.framework, ref.name)); err != nil {
			return fmt.Errorf("compile policy of %s: %w", id, err)
		}
	}
	return nil
}

// Controls lists the catalogue in its order, the layers last.
func (c *Checks) Controls() []Control { return c.controls }

// Control returns one control.
func (c *Checks) Control(id string) (Control, bool) {
	i := slices.IndexFunc(c.controls, func(x Control) bool { return x.ID == id })
	if i < 0 {
		return Control{}, false
	}
	return c.controls[i], true
}

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
func evaluate(ctx context.Context, q rego.PreparedEvalQuery, f facts.Facts, v any) error {
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
		r := Result{Finding: soc.Finding{System: f.System.ID, Control: id, Computed: f.Now, Policy: ref.version, Because: []soc.Because{}, Evidence: []soc.Evidence{}}, Score: -1}
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

// judgeRead makes a result unknown, with the cause, when evidence it rests on could not be read, and says whether all could. What the policy
// concluded from the missing value is not what was last known.
func judgeRead(r *Result, failed map[string]string) bool {
	for _, e := range r.Evidence {
		if cause, ok := failed[e.ID]; ok {
			r.State, r.Because, r.Score = soc.Unknown, []soc.Because{{Code: "fact_unknown", Values: map[string]string{"evidence": e.ID, "cause": cause}}}, min(r.Score, 1)
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

// Provider gathers the facts of every system; it is the appliance.
type Provider func(ctx context.Context) ([]facts.Facts, error)

// Hooks are what the surrounding appliance lends.
type Hooks struct {
	Record func(ctx context.Context, tx *sql.Tx, d soc.Deed) error // posture changes go into the audit and evidence log
	Notify func(soc.Notice)
}

// Service computes and keeps posture.
type Service struct {
	checks *Checks
	state  *state.DB
	facts  Provider
	hooks  Hooks
	log    *slog.Logger
	every  time.Duration

	round sync.Mutex // held by a round, and by what must not fall into one

	mu        sync.RWMutex
	now       map[string]map[string]Result // system → control
	confirmed map[string]int64             // system → when its findings were last computed and kept
	written   map[string]int64             // system → when all its evidence was last refreshed in the history
	computed  int64
	failure   string
}

// New returns the service; every is how often it computes (30 s is what ten minutes to unknown needs with room).
func New(checks *Checks, st *state.DB, p Provider, hooks Hooks, every time.Duration, log *slog.Logger) *Service {
	return &Service{checks: checks, state: st, facts: p, hooks: hooks, every: every, log: log.With("component", "posture"), now: map[string]map[string]Result{},
		confirmed: map[string]int64{}, written: map[string]int64{}}
}

// Checks returns the policies in force.
func (s *Service) Checks() *Checks { return s.checks }

// Load reads the intervals that held when the appliance stopped. They are shown with their old age until the first round.
func (s *Service) Load(ctx context.Context) error {
	rows, err := db.New(s.state.Read()).Current(ctx)
	if err != nil {
		return fmt.Errorf("read posture: %w", err)
	}
	rounds, err := db.New(s.state.Read()).Rounds(ctx)
	if err != nil {
		return fmt.Errorf("read posture: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, row := range rows {
		r, err := fromRow(row)
		if err != nil {
			return err
		}
		if s.now[r.System] == nil {
			s.now[r.System] = map[string]Result{}
		}
		s.now[r.System][r.Control] = r
		s.computed = max(s.computed, r.Computed)
		s.confirmed[r.System] = max(s.confirmed[r.System], r.Computed)
	}
	for id := range s.confirmed {
		for _, at := range rounds { // one, or none before the first
			s.confirmed[id] = at
			s.computed = at
		}
	}
	return nil
}

// Run computes until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	tick := time.NewTicker(s.every)
	defer tick.Stop()
	for {
		err := s.Round(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		s.mu.Lock()
		s.failure = ""
		if err != nil {
			s.failure = err.Error()
		}
		s.mu.Unlock()
		if err != nil {
			s.log.Error("posture round", "error", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// refreshEvery bounds how old the evidence kept in the history may be while a state does not change.
const refreshEvery = 10 * 60_000

// Round computes every system once and writes what changed, with one audit entry a system.
func (s *Service) Round(ctx context.Context) error {
	s.round.Lock()
	defer s.round.Unlock()
	all, err := s.facts(ctx)
	if err != nil {
		return fmt.Errorf("gather facts: %w", err)
	}
	seen := map[string]bool{}
	var failed []error
	for _, f := range all {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		seen[f.System.ID] = true
		results, err := s.checks.Evaluate(ctx, f)
		failed = append(failed, err)
		if results == nil {
			continue // what was known grows old by itself
		}
		failed = append(failed, s.keep(ctx, f, results))
	}
	failed = append(failed, s.end(ctx, seen))
	s.mu.Lock()
	s.computed = time.Now().UnixMilli()
	s.mu.Unlock()
	if err := errors.Join(failed...); err != nil {
		return err // what was not kept is not confirmed
	}
	if len(all) == 0 {
		return nil
	}
	if err := s.state.Tx(ctx, func(tx *sql.Tx) error { return db.New(tx).SetRound(ctx, all[0].Now) }); err != nil {
		return fmt.Errorf("write posture: %w", err)
	}
	return nil
}

// end closes the intervals of the systems that are judged no more (retired or deleted): what they met is history, not what they meet. One
// whose end cannot be written is tried again in the next round.
func (s *Service) end(ctx context.Context, judged map[string]bool) error {
	s.mu.RLock()
	var ids []string
	for id := range s.now {
		if !judged[id] {
			ids = append(ids, id)
		}
	}
	s.mu.RUnlock()
	slices.Sort(ids)
	var failed []error
	for _, id := range ids {
		if err := s.keep(ctx, facts.Facts{Now: time.Now().UnixMilli(), System: facts.System{ID: id}}, nil); err != nil {
			failed = append(failed, err)
			continue
		}
		s.mu.Lock()
		delete(s.now, id)
		delete(s.confirmed, id)
		s.mu.Unlock()
	}
	return errors.Join(failed...)
}

func (s *Service) keep(ctx context.Context, f facts.Facts, results map[string]Result) error {
	s.mu.RLock()
	old, confirmed, written := s.now[f.System.ID], s.confirmed[f.System.ID], s.written[f.System.ID]
	s.mu.RUnlock()
	due := f.Now-written >= refreshEvery || f.Now < written // set back
	gap := confirmed > 0 && f.Now-confirmed > tooLong
	next := make(map[string]Result, len(results))
	var unseen, changed, refreshed []Result // unseen: intervals of the time nobody computed, which end now
	var gone []string
	for id, r := range results {
		was, had := old[id]
		if gap && had && concluded(was.State) {
			u := Result{Finding: soc.Finding{System: f.System.ID, Control: id, State: soc.Unknown, Since: max(confirmed, was.From+1), Computed: confirmed, LastKnown: was.State,
				Policy: was.Policy, Because: []soc.Because{{Code: "computation_stale"}}, Evidence: was.Evidence}, Score: min(was.Score, 1)}
			u.From = u.Since
			unseen = append(unseen, u)
			was = u
		}
		if r.State == soc.Unknown && r.LastKnown == "" && had {
			if r.LastKnown = was.State; was.State == soc.Unknown {
				r.LastKnown = was.LastKnown
			}
		}
		r.Since, r.From = min(was.Since, f.Now), was.From
		switch {
		case !had || was.State != r.State:
			r.Since, r.From = f.Now, max(f.Now, was.From+1)
			changed = append(changed, r)
		case was.Score != r.Score || was.Policy != r.Policy || !slices.Equal(reasons(was), reasons(r)):
			r.From = max(f.Now, was.From+1)
			changed = append(changed, r)
		case due:
			refreshed = append(refreshed, r)
		}
		next[id] = r
	}
	for id := range old {
		if _, ok := results[id]; !ok {
			gone = append(gone, id) // its policy is not there any more
		}
	}
	if len(changed) > 0 || len(refreshed) > 0 || len(gone) > 0 || len(unseen) > 0 {
		sort.Slice(changed, func(i, j int) bool { return changed[i].Control < changed[j].Control })
		err := s.state.Tx(ctx, func(tx *sql.Tx) error {
			q := db.New(tx)
			details := map[string]string{}
			for _, u := range unseen {
				var until int64                            // 0: it is unknown now for the same reason
				if r := next[u.Control]; r.From > u.From { // what follows begins where this ends
					until = r.From
				}
				if err := start(ctx, q, u, until); err != nil {
					return err
				}
			}
			for _, r := range changed {
				if err := start(ctx, q, r, 0); err != nil {
					return err
				}
				before := "-"
				if was, ok := old[r.Control]; ok {
					before = string(was.State)
				}
				if before != string(r.State) {
					details[r.Control] = before + " → " + string(r.State)
				}
			}
			for _, r := range refreshed {
				because, evidence := texts(r)
				if err := q.RefreshInterval(ctx, db.RefreshIntervalParams{SystemID: r.System, Control: r.Control, Because: because, Evidence: evidence, Computed: r.Computed}); err != nil {
					return err
				}
			}
			for _, id := range gone {
				if err := q.EndInterval(ctx, db.EndIntervalParams{SystemID: f.System.ID, Control: id, Until: max(f.Now, old[id].From+1)}); err != nil {
					return err
				}
				details[id] = string(old[id].State) + " → -"
			}
			if len(unseen) > 0 {
				details["not_computed"] = time.UnixMilli(confirmed).UTC().Format(time.RFC3339) + "/" + time.UnixMilli(f.Now).UTC().Format(time.RFC3339)
			}
			if len(details) > 0 && s.hooks.Record != nil {
				return s.hooks.Record(ctx, tx, soc.Deed{Time: f.Now, Actor: soc.Actor{ID: "system", Name: "system"}, Action: "posture.change", Object: f.System.ID, Result: "done", Details: details})
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("write posture of %s: %w", f.System.ID, err)
		}
	}
	s.mu.Lock()
	s.now[f.System.ID], s.confirmed[f.System.ID] = next, f.Now
	if due {
		s.written[f.System.ID] = f.Now
	}
	s.mu.Unlock()
	if len(changed)+len(gone) > 0 && s.hooks.Notify != nil {
		s.hooks.Notify(soc.Notice{Topic: "posture", ID: f.System.ID, Version: f.Now, System: f.System.ID})
	}
	return nil
}

// start ends the open interval of r's control where r begins, and writes r.
func start(ctx context.Context, q *db.Queries, r Result, until int64) error {
	because, evidence := texts(r)
	if err := q.EndInterval(ctx, db.EndIntervalParams{SystemID: r.System, Control: r.Control, Until: r.From}); err != nil {
		return err
	}
	return q.StartInterval(ctx, db.StartIntervalParams{SystemID: r.System, Control: r.Control, Since: r.From, Until: until, State: string(r.State), LastKnown: string(r.LastKnown),
		Score: int64(r.Score), Because: because, Evidence: evidence, Policy: r.Policy, Computed: r.Computed, StateSince: r.Since})
}

// reasons is what must differ for a new interval: codes and names. A measure (days, hours, milliseconds) may drift within one.
func reasons(r Result) []string {
	var out []string
	for _, b := range r.Because {
		out = append(out, b.Code)
		for _, k := range slices.Sorted(maps.Keys(b.Values)) {
			if _, err := strconv.ParseFloat(b.Values[k], 64); err != nil {
				out = append(out, k, b.Values[k])
			}
		}
	}
	return out
}

func texts(r Result) (because, evidence string) {
	b, _ := json.Marshal(r.Because)
	e, _ := json.Marshal(r.Evidence)
	return string(b), string(e)
}

func fromRow(row db.PostureInterval) (Result, error) {
	r := Result{Finding: soc.Finding{System: row.SystemID, Control: row.Control, State: soc.PostureState(row.State), Since: row.StateSince, Until: row.Until,
		Computed: row.Computed, LastKnown: soc.PostureState(row.LastKnown), Policy: row.Policy}, Score: int(row.Score), From: row.Since}
	if r.Since == 0 {
		r.Since = r.From
	}
	if err := errors.Join(json.Unmarshal([]byte(row.Because), &r.Because), json.Unmarshal([]byte(row.Evidence), &r.Evidence)); err != nil {
		return r, fmt.Errorf("read posture of %s %s: %w", row.SystemID, row.Control, err)
	}
	return r, nil
}

// Posture returns every control and layer of a system, in the catalogue's order, now (at = 0) or as it stood at an instant.
// Controls without a check are unknown with reason no_check. A conclusion whose round is too old is unknown: a stopped
// computation never stays green.
func (s *Service) Posture(ctx context.Context, system string, at int64) ([]Result, error) {
	s.mu.RLock()
	by, confirmed := s.now[system], s.confirmed[system]
	s.mu.RUnlock()
	now := at
	if at == 0 {
		now = time.Now().UnixMilli()
	} else {
		rows, err := db.New(s.state.Read()).At(ctx, db.AtParams{SystemID: system, At: at})
		if err != nil {
			return nil, fmt.Errorf("read posture of %s: %w", system, err)
		}
		by = map[string]Result{}
		for _, row := range rows {
			r, err := fromRow(row)
			if err != nil {
				return nil, err
			}
			by[r.Control] = r
		}
	}
	out := make([]Result, 0, len(s.checks.controls))
	for _, c := range s.checks.controls {
		r, ok := by[c.ID]
		switch {
		case !ok && c.Checked && len(by) == 0:
			r = Result{Finding: soc.Finding{System: system, Control: c.ID, State: soc.Unknown, Because: []soc.Because{{Code: "not_computed_yet"}}, Evidence: []soc.Evidence{}}, Score: -1}
		case !ok: // also at an instant before its policy came
			r = Result{Finding: soc.Finding{System: system, Control: c.ID, State: soc.Unknown, Because: []soc.Because{{Code: "no_check"}}, Evidence: []soc.Evidence{}}, Score: -1}
		case r.Until == 0 && r.State != soc.Unknown && now-confirmed > tooLong:
			doubt(&r, "computation_stale", nil, confirmed)
		case at == 0 && concluded(r.State):
			judgeAge(&r, now)
		}
		out = append(out, r)
	}
	return out, nil
}

// Tally counts a system's level-3 controls by state and gives its layers.
type Tally struct {
	Controls  map[soc.PostureState]int // the system's own
	Appliance map[soc.PostureState]int // those about the appliance
	Layers    []Result                 // LAYER-1 … LAYER-4
	Technical []Result
	Tile      soc.PostureState
	Computed  int64
}

// Tile is the state of a system by its four organisational layers (own rule): not met when a layer is known to stand at 0 or 1 of 3,
// else unknown when one is not known, else met. Layers 1 and 3 rest on documents: without one nothing is known of them, so they
// never make a system not met, and never met.
func Tile(layers []Result) soc.PostureState {
	tile := soc.Met
	for _, r := range layers {
		switch {
		case r.State == soc.Unknown && tile == soc.Met:
			tile = soc.Unknown
		case r.State != soc.Unknown && r.Score <= 1:
			return soc.NotMet
		}
	}
	return tile
}

// Tally summarises a system now.
func (s *Service) Tally(ctx context.Context, system string) (Tally, error) {
	all, err := s.Posture(ctx, system, 0)
	if err != nil {
		return Tally{}, err
	}
	t := Tally{Controls: map[soc.PostureState]int{soc.Met: 0, soc.NotMet: 0, soc.Unknown: 0, soc.NotApplicable: 0}, Appliance: map[soc.PostureState]int{}}
	var own []Result // organisational layers of the system itself
	for i, r := range all {
		switch s.checks.controls[i].Framework {
		case Level3:
			if s.checks.controls[i].About == AboutAppliance {
				t.Appliance[r.State]++
			} else {
				t.Controls[r.State]++
			}
		case Organisation:
			t.Layers = append(t.Layers, r)
			if s.checks.controls[i].About != AboutAppliance {
				own = append(own, r)
			}
		case Technical:
			t.Technical = append(t.Technical, r)
		}
	}
	t.Tile = Tile(own)
	s.mu.RLock()
	t.Computed = s.computed
	s.mu.RUnlock()
	return t, nil
}

// History returns the intervals of one control of a system, newest first.
func (s *Service) History(ctx context.Context, system, control string, most int) ([]Result, error) {
	rows, err := db.New(s.state.Read()).History(ctx, db.HistoryParams{SystemID: system, Control: control, Limit: int32(most)})
	if err != nil {
		return nil, fmt.Errorf("read posture of %s: %w", system, err)
	}
	return fromRows(rows)
}

// Between returns the intervals of a system that overlap [from, to), for an evidence pack.
func (s *Service) Between(ctx context.Context, system string, from, to int64) ([]Result, error) {
	rows, err := db.New(s.state.Read()).Between(ctx, db.BetweenParams{SystemID: system, Since: from, Until: to})
	if err != nil {
		return nil, fmt.Errorf("read posture of %s: %w", system, err)
	}
	return fromRows(rows)
}

func fromRows(rows []db.PostureInterval) ([]Result, error) {
	out := make([]Result, 0, len(rows))
	for _, row := range rows {
		r, err := fromRow(row)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// ForgetAll removes systems with their history (sample systems when the demo set goes).
func (s *Service) ForgetAll(ctx context.Context, systems []string) error {
	s.round.Lock() // a round that has their facts already would write them anew
	defer s.round.Unlock()
	err := s.state.Tx(ctx, func(tx *sql.Tx) error {
		for _, id := range systems {
			if err := db.New(tx).RemoveSystem(ctx, id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("remove posture: %w", err)
	}
	s.mu.Lock()
	for _, id := range systems {
		delete(s.now, id)
	}
	s.mu.Unlock()
	return nil
}

// Ready says why posture is not being computed, nil when it is.
func (s *Service) Ready() error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.failure == "" {
		return nil
	}
	return errors.New(s.failure)
}
