package main

import (
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// keepOff moves every thread of this process away from a processor; the answer puts them back.
func keepOff(cpu int) (back func()) {
	var all, rest unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil || all.Count() < 2 {
		return func() {}
	}
	rest = all
	rest.Clear(cpu)
	set := func(s unix.CPUSet) {
		tasks, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return
		}
		for _, t := range tasks {
			if id, err := strconv.Atoi(t.Name()); err == nil {
				unix.SchedSetaffinity(id, &s) //nolint:errcheck // a thread may have ended
			}
		}
	}
	before := runtime.GOMAXPROCS(rest.Count())
	set(rest)
	return func() { runtime.GOMAXPROCS(before); set(all) }
}
