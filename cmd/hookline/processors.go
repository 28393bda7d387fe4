package main

import (
	"os"
	"runtime"
)

// spareProcessors gives the scheduler two processors more than there are cores. A goroutine that syncs the log or
// writes to a socket keeps its processor until the runtime notices that it is blocked, so that with one for each
// core the cores stand idle while the disk works. On two cores `hookline bench dispatch` went from 0.18 to 0.21 of the
// bare client with it. Whoever sets GOMAXPROCS has chosen.
func spareProcessors() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 2)
	}
}
