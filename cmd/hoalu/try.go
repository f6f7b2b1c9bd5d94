package main

import (
	"time"

	"hoalu/internal/exercise"
)

// TryCmd plays the exercise.
type TryCmd struct {
	atData
	Wait span `help:"How long to wait for the alerts." default:"30s"`
}

// Run plays, and says which alerts appeared; a missing one is exit code 1.
func (c TryCmd) Run(e *env) error {
	return exercise.Play(e.ctx, c.control(), e.out, time.Duration(c.Wait))
}
