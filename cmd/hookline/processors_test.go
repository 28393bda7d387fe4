package main

import (
	"os"
	"runtime"
	"testing"
)

func TestSpareProcessors(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	t.Setenv("GOMAXPROCS", "3")
	spareProcessors()
	if n := runtime.GOMAXPROCS(0); n != before {
		t.Errorf("%d processors where the user chose; there were %d", n, before)
	}
	if err := os.Unsetenv("GOMAXPROCS"); err != nil {
		t.Fatal(err)
	}
	spareProcessors()
	if n := runtime.GOMAXPROCS(0); n != before+2 {
		t.Errorf("%d processors; want 2 more than %d", n, before)
	}
}
