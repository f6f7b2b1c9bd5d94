package main

import (
	"syscall"
	"testing"
)

func TestNoCores(t *testing.T) {
	if err := noCores(); err != nil {
		t.Fatal(err)
	}
	var got syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_CORE, &got); err != nil || got.Cur != 0 || got.Max != 0 {
		t.Errorf("core limit %+v, %v; want 0 and 0", got, err)
	}
}
