package main

import (
	"fmt"

	"go.yaml.in/yaml/v3"

	"hoalu/internal/config"
)

// ConfigCmd checks and shows configuration.
type ConfigCmd struct {
	Check ConfigCheckCmd `cmd:"" help:"Name every bad key of a file."`
	Show  ConfigShowCmd  `cmd:"" help:"Print what is in force with a file, defaults included."`
}

// ConfigCheckCmd checks a file.
type ConfigCheckCmd struct {
	File string `arg:"" help:"Configuration file (YAML)." type:"existingfile"`
}

// Run checks.
func (c ConfigCheckCmd) Run(e *env) error {
	if _, err := config.Load(c.File); err != nil {
		return badConfig(errFound, err)
	}
	_, err := fmt.Fprintln(e.out, say("good"))
	return err
}

// ConfigShowCmd shows.
type ConfigShowCmd struct {
	File string `arg:"" optional:"" help:"Configuration file (YAML); the defaults without one." type:"existingfile"`
}

// Run shows.
func (c ConfigShowCmd) Run(e *env) error {
	cfg, err := config.Load(c.File)
	if err != nil {
		return badConfig(errFound, err)
	}
	return yaml.NewEncoder(e.out).Encode(cfg)
}
