package compliance

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"go.yaml.in/yaml/v3"
)

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
	{ID: "LAYER-2", Framework: Organisation, VI: "Tổ chức hoặc thuê doanh nghiệp giám sát, bảo vệ chuyên nghiệp",
		EN: "Own or hired professional monitoring and protection"},
	{ID: "LAYER-3", Framework: Organisation, VI: "Tổ chức hoặc thuê doanh nghiệp độc lập kiểm tra, đánh giá định kỳ",
		EN: "Own or hired independent periodic assessment"},
	{ID: "LAYER-4", Framework: Organisation, VI: "Kết nối, chia sẻ thông tin với hệ thống giám sát quốc gia",
		EN: "Link and share information with the national monitoring system"},
	{ID: "TECH-NETWORK", Framework: Technical, VI: "Mạng", EN: "Network"},
	{ID: "TECH-APPLICATION", Framework: Technical, VI: "Ứng dụng", EN: "Application"},
	{ID: "TECH-DATABASE", Framework: Technical, VI: "Cơ sở dữ liệu", EN: "Database"},
	{ID: "TECH-ENDPOINT", Framework: Technical, VI: "Thiết bị đầu cuối", EN: "Endpoint"},
}

// Checks evaluates policies. Immutable, safe for concurrent use.
type Checks struct {
	query    rego.PreparedEvalQuery            // all policies at once
	single   map[string]rego.PreparedEvalQuery // by control: where one fails, the others still conclude
	controls []Control
	policy   map[string]policyRef // by control
}

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
