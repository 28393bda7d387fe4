package bench

import (
	"syscall"
	"time"
)

// nap blocks the thread for a time, to within some 50 microseconds.
func nap(d time.Duration) {
	if d <= 0 {
		return
	}
	left := syscall.NsecToTimespec(int64(d))
	for syscall.Nanosleep(&left, &left) == syscall.EINTR {
	}
}
