package main

import (
	"fmt"

	"hoalu/internal/app"
)

// DemoCmd loads and removes the sample province.
type DemoCmd struct {
	Load   DemoLoadCmd   `cmd:"" help:"Load the sample systems and replay their recorded events."`
	Remove DemoRemoveCmd `cmd:"" help:"Remove the sample systems, their alerts and posture."`
}

// DemoLoadCmd loads.
type DemoLoadCmd struct {
	atData
	JSON bool `help:"Answer as JSON."`
}

// Run loads the sample province.
func (c DemoLoadCmd) Run(e *env) error {
	var d app.Demo
	if err := c.control().Call(e.ctx, "POST", "/demo/load", nil, nil, &d); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(e.out, d)
	}
	if d.Inventory.Systems == 0 {
		fmt.Fprintln(e.out, say("The sample province is loaded already; it goes on sending ordinary work."))
	} else {
		fmt.Fprintf(e.out,
			say("Loaded: %d units, %d systems, %d hosts and %d sources, marked as sample everywhere; %d recorded events are being taken in.")+"\n",
			d.Inventory.Units, d.Inventory.Systems, d.Inventory.Assets, d.Inventory.Sources, d.Events)
	}
	_, err := fmt.Fprintf(e.out,
		say("Look at next, in the console:\n  Alerts          some twenty sample alerts within a minute; open one with Enter, read why it fired and what to do\n  Systems         46 systems; open one for its posture, requirement by requirement\n  Sources         they go on sending ordinary work; two systems have fallen silent, to show that too\nTake it all away again: %s")+"\n", command("demo remove", c.Data))
	return err
}

// DemoRemoveCmd removes.
type DemoRemoveCmd struct {
	atData
	JSON bool `help:"Answer as JSON."`
}

// Run removes the sample province.
func (c DemoRemoveCmd) Run(e *env) error {
	var d app.Demo
	if err := c.control().Call(e.ctx, "POST", "/demo/remove", nil, nil, &d); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(e.out, d)
	}
	if d.Inventory.Systems == 0 {
		_, err := fmt.Fprintln(e.out, say("No sample province is loaded."))
		return err
	}
	_, err := fmt.Fprintf(e.out,
		say("Removed: %d units, %d systems, %d hosts, %d sources and %d alerts. Their stored events stay, marked as sample, until their retention ends.")+"\n",
		d.Inventory.Units, d.Inventory.Systems, d.Inventory.Assets, d.Inventory.Sources, d.Alerts)
	return err
}
