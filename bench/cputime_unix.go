//go:build unix

package bench

import (
	"syscall"
	"time"
)

// processTime is the CPU time that this process has used, in user and system mode.
func processTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
