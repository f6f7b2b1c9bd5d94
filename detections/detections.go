// Package detections turns events into hits: it loads Sigma rules (sigma), resolves their field names (taxonomy), matches
// events against all of them at once and correlates the hits over event time (correlate).
//
// Words: a rule yields a Hit for an event; a correlation yields a Hit for a group of hits. A Pack is a tree of rule files with an
// origin. See package sigma for what a rule means, package correlate for windows and lateness.
//
// Contract: an Engine may be used by any number of goroutines; Process must be called in the order of the stream, one call at a
// time (it locks). A reload compiles aside and swaps at once; state of correlations whose text did not change is kept.
//
// To add a rule: rules/<product>/<category>/<name>.yml with its texts under "hoalu:", and testdata/<name>/match.ndjson and
// miss.ndjson; a walk test proves both.
package detections

import (
	"embed"
	"io/fs"
	"log/slog"

	"hoalu/detections/sigma"
	"hoalu/ecs"
	"hoalu/soc"
)

//go:embed all:rules
var embedded embed.FS

// Pack is a tree of rule files.
type Pack struct {
	Origin string // hoalu, sigmahq, local: soc.RuleInfo.Origin
	FS     fs.FS
}

// Embedded is the product's own pack.
func Embedded() Pack {
	sub, err := fs.Sub(embedded, "rules")
	if err != nil {
		panic(err) // the folder is part of the program
	}
	return Pack{Origin: "hoalu", FS: sub}
}

// Config says which rules run.
type Config struct {
	Packs        []Pack              `yaml:"-"`            // nil: the product's own pack
	Paths        []string            `yaml:"paths"`        // more rules: files, folders, .zip; origin "sigmahq" for an archive of SigmaHQ, else "local"
	Placeholders map[string][]string `yaml:"placeholders"` // values of %name% for rules that use expand
	Disabled     []string            `yaml:"disabled"`     // rule ids that shall not run
	MaxKeys      int                 `yaml:"max_keys"`     // correlation groups held; 0 is 1,000,000
}

// Refusal is a document that was not loaded: File, Rule, Reason.
type Refusal = sigma.Refusal

// Engine runs the rules.
type Engine struct{}

// New loads and compiles the rules of cfg. A refused rule is no error; see Refused.
func New(cfg Config, log *slog.Logger) (*Engine, error) { return &Engine{}, nil }

// Reload reads the packs again and swaps the compiled set at once; on error the old one goes on.
func (g *Engine) Reload() error { return nil }

// Match appends the rules that hold for e and alert by themselves.
func (g *Engine) Match(e *ecs.Event, dst []*sigma.Rule) []*sigma.Rule { return dst }

// Explain says line by line what the rule looked at in e; nil when there is no such rule.
func (g *Engine) Explain(ruleID string, e *ecs.Event) []soc.Condition { return nil }

// ExplainHit is Explain for a hit; for a correlation it is the count line with the group, then nothing of the event.
func (g *Engine) ExplainHit(h soc.Hit, e *ecs.Event) []soc.Condition { return nil }

// Rules lists every rule and correlation that runs and alerts, by file.
func (g *Engine) Rules() []soc.RuleInfo { return nil }

// Rule is what people see of one rule.
func (g *Engine) Rule(id string) (soc.RuleInfo, bool) { return soc.RuleInfo{}, false }

// Refused lists what was not loaded.
func (g *Engine) Refused() []Refusal { return nil }

// Process matches events in the order of the stream, feeds the correlations and returns the hits that alert.
func (g *Engine) Process(events []*ecs.Event) []soc.Hit { return nil }

// Mark notes the queue sequence all events up to which Process has seen; Snapshot carries it.
func (g *Engine) Mark(seq uint64) {}

// Sequence is the last Mark, or that of the restored snapshot.
func (g *Engine) Sequence() uint64 { return 0 }

// Snapshot renders the state of the correlations with the sequence.
func (g *Engine) Snapshot() []byte { return nil }

// Restore takes a Snapshot of this or the version before; state of correlations that changed is left out.
func (g *Engine) Restore(data []byte) error { return nil }
