package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"hoalu/detections"
	"hoalu/detections/sigma"
	"hoalu/internal/app"
	"hoalu/internal/control"
)

// RulesCmd drives the Sigma engine without an appliance.
type RulesCmd struct {
	Check     RulesCheckCmd     `cmd:"" help:"Load rules; one line for each refused rule with its reason."`
	Match     RulesMatchCmd     `cmd:"" help:"Run rules over a file of events; one line a record with the ids of the rules that hold."`
	Correlate RulesCorrelateCmd `cmd:"" help:"Run correlations over a file of events; one line for each correlation and group that fires."`
	Bench     RulesBenchCmd     `cmd:"" help:"Measure matching on events decoded before."`
	Reload    RulesReloadCmd    `cmd:"" help:"Have the running appliance read its rules again, without a stop."`
}

// RulesReloadCmd has the running appliance read its rules again.
type RulesReloadCmd struct {
	Data string `help:"Data directory of the running appliance." default:"${data}" type:"path"`
}

// Run says how many rules run now and names each that was not loaded; exit code 1 when there are any.
func (c RulesReloadCmd) Run(e *env) error {
	var got app.RulesLoaded
	if err := control.NewClient(c.Data).Call(e.ctx, "POST", "/rules/reload", nil, nil, &got); err != nil {
		return err
	}
	for _, r := range got.Refused {
		fmt.Fprintln(plain{e.err}, say("refused:"), r.Say(say))
	}
	fmt.Fprintf(e.out, say("%d rules loaded, %d refused\n"), got.Rules, len(got.Refused))
	if len(got.Refused) > 0 {
		return errFound
	}
	return nil
}

// RulesCheckCmd loads rules.
type RulesCheckCmd struct {
	Path string `arg:"" help:"File (one or more YAML documents), folder or .zip."`
	JSON bool   `name:"json" help:"Print the result as JSON."`
}

// Run prints refused rules; exit code 1 when there are any.
func (c *RulesCheckCmd) Run() error { return c.run(os.Stdout, os.Stderr) }

func (c *RulesCheckCmd) run(stdout, stderr io.Writer) error {
	set, refused, err := detections.LoadSet(c.Path)
	if err != nil {
		return err
	}
	n := len(set.Rules) + len(set.Correlations)
	if c.JSON {
		type line struct {
			File   string `json:"file"`
			Rule   string `json:"rule"`
			Reason string `json:"reason"`
		}
		lines := []line{}
		for _, r := range refused {
			lines = append(lines, line{r.File, r.Rule, r.Why.Say(say)})
		}
		if err := json.NewEncoder(stdout).Encode(map[string]any{"loaded": n, "refused": lines}); err != nil {
			return err
		}
	} else {
		for _, r := range refused {
			if _, err := fmt.Fprintln(plain{stdout}, strings.ReplaceAll(r.Say(say), "\n", " ")); err != nil {
				return err
			}
		}
		if _, err := fmt.Fprintf(stderr, say("%d rules loaded, %d refused\n"), n, len(refused)); err != nil {
			return err
		}
	}
	if len(refused) > 0 {
		return errFound
	}
	return nil
}

// loadRules compiles a path and names what is refused on stderr; strict makes a refusal an error.
func loadRules(path string, strict bool, stderr io.Writer) (*sigma.Set, error) {
	set, refused, err := detections.LoadSet(path)
	if err != nil {
		return nil, err
	}
	for _, r := range refused {
		fmt.Fprintln(plain{stderr}, say("refused:"), r.Say(say))
	}
	if strict && len(refused) > 0 {
		return nil, errFound
	}
	return set, nil
}

func openEvents(name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(os.Stdin), nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf(say("open events: %w"), err)
	}
	return f, nil
}

// overEvents runs do over a file of events with the rules of a path, as loadRules reads them.
func overEvents(rules, events string, strict bool, stderr io.Writer, do func(*sigma.Set, io.Reader) error) error {
	set, err := loadRules(rules, strict, stderr)
	if err != nil {
		return err
	}
	in, err := openEvents(events)
	if err != nil {
		return err
	}
	defer in.Close()
	return do(set, in)
}

// RulesMatchCmd matches a file of events.
type RulesMatchCmd struct {
	Rules   string `required:"" placeholder:"PATH" help:"File, folder or .zip of rules, filters included."`
	Events  string `required:"" placeholder:"FILE|-" help:"One JSON object a line: {\"logsource\":{…},\"event\":{…}}."`
	Workers int    `placeholder:"NUMBER" help:"Goroutines; 0 is one for each processor."`
	Strict  bool   `help:"Exit with 1 if a rule is refused, instead of running the others."`
}

// Run writes {"record":0,"rules":[…]} for each record.
func (c *RulesMatchCmd) Run() error { return c.run(os.Stdout, os.Stderr) }

func (c *RulesMatchCmd) run(stdout, stderr io.Writer) error {
	return overEvents(c.Rules, c.Events, c.Strict, stderr, func(set *sigma.Set, in io.Reader) error {
		return detections.MatchFile(set, in, stdout, c.Workers)
	})
}

// RulesCorrelateCmd runs correlations over a file.
type RulesCorrelateCmd struct {
	Rules  string `required:"" placeholder:"PATH" help:"File, folder or .zip of rules, correlations and filters."`
	Events string `required:"" placeholder:"FILE|-" help:"One JSON object a line, in the order of arrival: {\"t\":seconds,\"logsource\":{…},\"event\":{…}}."`
	Strict bool   `help:"Exit with 1 if a rule is refused, instead of running the others."`
}

// Run writes {"rule":…,"group":{…},"first":t} for each correlation and group that fires.
func (c *RulesCorrelateCmd) Run() error { return c.run(os.Stdout, os.Stderr) }

func (c *RulesCorrelateCmd) run(stdout, stderr io.Writer) error {
	return overEvents(c.Rules, c.Events, c.Strict, stderr, func(set *sigma.Set, in io.Reader) error {
		return detections.CorrelateFile(set, in, stdout)
	})
}

// RulesBenchCmd measures matching.
type RulesBenchCmd struct {
	Rules  string `required:"" placeholder:"PATH" help:"File, folder or .zip of rules."`
	Events string `required:"" placeholder:"FILE" help:"One JSON object a line: {\"logsource\":{…},\"event\":{…}}."`
	Naive  bool   `help:"Measure the plain loop over all rules too, compare the results and print the ratio."`
	JSON   bool   `name:"json" help:"Print the result as JSON."`
	Time   span   `default:"3s" help:"How long to measure each."`
}

// Run prints a table, or JSON.
func (c *RulesBenchCmd) Run() error { return c.run(os.Stdout, os.Stderr) }

func (c *RulesBenchCmd) run(stdout, stderr io.Writer) error {
	in, err := openEvents(c.Events)
	if err != nil {
		return err
	}
	defer in.Close()
	res, refused, err := detections.Bench(c.Rules, in, c.Naive, time.Duration(c.Time))
	for _, r := range refused {
		fmt.Fprintln(plain{stderr}, say("refused:"), r.Say(say))
	}
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(stdout).Encode(res)
	}
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, say("rules\t%d\n"), res.Rules)
	fmt.Fprintf(w, say("events\t%d, %d matches\n"), res.Events, res.Matches)
	fmt.Fprintf(w, say("compile\t%.2f s\n"), res.CompileSeconds)
	fmt.Fprintf(w, say("heap\t%.1f MB\n"), float64(res.HeapBytes)/1e6)
	fmt.Fprintf(w, say("matching\t%.0f events/s on one core, %.2f allocations an event\n"), res.EventsPerSecond, res.AllocsPerEvent)
	if c.Naive {
		fmt.Fprintf(w, say("plain loop\t%.0f events/s\n"), res.NaiveEventsPerSecond)
		fmt.Fprintf(w, say("ratio\t%.1f\n"), res.Ratio)
	}
	return w.Flush()
}
