package store

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// What Pebble reports is counted, logged where somebody has to look at it, and a stall that goes on counts so far.
func TestEvents(t *testing.T) {
	var log bytes.Buffer
	e := &events{log: slog.New(slog.NewTextHandler(&log, nil))}
	listener := e.listener()
	for range 3 {
		listener.BackgroundError(errors.New("the disk is on fire"))
		listener.DataCorruption(pebble.DataCorruptionInfo{Path: "000007.sst", Details: errors.New("checksum mismatch")})
	}
	listener.DataCorruption(pebble.DataCorruptionInfo{Path: "000008.sst", Details: errors.New("checksum mismatch")})
	listener.PossibleAPIMisuse(pebble.PossibleAPIMisuseInfo{})
	if e.background.Load() != 3 || e.corruption.Load() != 4 || e.corruptFiles() != 2 || e.misuse.Load() != 1 {
		t.Errorf("%d failures, %d corrupt reads of %d files, %d misuses", e.background.Load(), e.corruption.Load(), e.corruptFiles(), e.misuse.Load())
	}
	for text, want := range map[string]int{"on fire": 1, "000007.sst": 1, "000008.sst": 1, "twice": 1} {
		if n := strings.Count(log.String(), text); n != want {
			t.Errorf("%q is in the log %d times, want %d:\n%s", text, n, want, log.String())
		}
	}
	begin := time.Unix(1000, 0)
	e.stallBegins(begin)
	if n, got := e.heldUp(begin.Add(3 * time.Second)); n != 1 || got != 3*time.Second {
		t.Errorf("%d stalls of 3 s so far count %v", n, got)
	}
	e.stallEnds(begin.Add(5 * time.Second))
	e.stallBegins(begin.Add(10 * time.Second))
	e.stallEnds(begin.Add(11 * time.Second))
	if n, got := e.heldUp(begin.Add(time.Hour)); n != 2 || got != 6*time.Second {
		t.Errorf("%d stalls of 6 s count %v", n, got)
	}
}
