package local

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// forgetEnviron overwrites the value of a variable in the memory that /proc/<pid>/environ shows: Unsetenv changes only the process's own
// copy of it. It must come before the process is made undumpable, which closes /proc/self/mem to it.
func forgetEnviron(name string) error {
	stat, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return err
	}
	// proc_pid_stat(5): behind the command in brackets field 3 follows; env_start and env_end are fields 50 and 51.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 49 {
		return fmt.Errorf("/proc/self/stat has %d fields", len(fields)+2)
	}
	start, err1 := strconv.ParseInt(fields[47], 10, 64)
	end, err2 := strconv.ParseInt(fields[48], 10, 64)
	if err1 != nil || err2 != nil || start <= 0 || end <= start || end-start > 1<<22 {
		return fmt.Errorf("/proc/self/stat says that the environment is at %s to %s", fields[47], fields[48])
	}
	mem, err := os.OpenFile("/proc/self/mem", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer mem.Close()
	block := make([]byte, end-start)
	defer clear(block)
	if _, err := mem.ReadAt(block, start); err != nil {
		return err
	}
	at := 0
	for _, entry := range bytes.SplitAfter(block, []byte{0}) {
		if value, ok := bytes.CutPrefix(entry, []byte(name+"=")); ok {
			value = bytes.TrimSuffix(value, []byte{0})
			if _, err := mem.WriteAt(make([]byte, len(value)), start+int64(at)+int64(len(name))+1); err != nil {
				return err
			}
		}
		at += len(entry)
	}
	return nil
}
