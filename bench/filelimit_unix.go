//go:build unix

package bench

import "syscall"

// fileLimit is the number of files that this process may have open, or 0 where the system does not tell.
func fileLimit() int64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0
	}
	return int64(min(uint64(limit.Cur), 1<<62))
}
