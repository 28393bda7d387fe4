package store

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"hookline/queue"
)

// events counts and logs what Pebble reports while it runs.
type events struct {
	log                            *slog.Logger
	misuse, corruption, background atomic.Int64

	stall   sync.Mutex // held for what follows
	stalls  int64
	stalled time.Duration // in those that are over
	since   time.Time     // when the present one began; zero for none

	mu      sync.Mutex
	corrupt map[string]struct{} // paths
	rows    map[string]struct{} // keys of webhooks that are unreadable
	said    time.Time           // when a background error was logged last
}

func (e *events) listener() *pebble.EventListener {
	return &pebble.EventListener{
		WriteStallBegin:   func(pebble.WriteStallBeginInfo) { e.stallBegins(time.Now()) },
		WriteStallEnd:     func() { e.stallEnds(time.Now()) },
		PossibleAPIMisuse: e.misused,
		DataCorruption:    e.corrupted,
		BackgroundError:   e.failed,
	}
}

// A stall holds the lock of Pebble's commits, so there is one at a time.
func (e *events) stallBegins(now time.Time) {
	e.stall.Lock()
	defer e.stall.Unlock()
	e.stalls++
	e.since = now
}

func (e *events) stallEnds(now time.Time) {
	e.stall.Lock()
	defer e.stall.Unlock()
	if !e.since.IsZero() {
		e.stalled += now.Sub(e.since)
		e.since = time.Time{}
	}
}

// heldUp is how many times writes were held up and for how long, the present stall included.
func (e *events) heldUp(now time.Time) (times int64, total time.Duration) {
	e.stall.Lock()
	defer e.stall.Unlock()
	if e.since.IsZero() {
		return e.stalls, e.stalled
	}
	return e.stalls, e.stalled + max(now.Sub(e.since), 0)
}

func (e *events) misused(info pebble.PossibleAPIMisuseInfo) {
	if !queue.Misuse(info) {
		return
	}
	e.misuse.Add(1)
	e.log.Error("a key of the store was written or deleted twice", "event", info.String())
}

// corrupted notes a file that is not what was written. Pebble would end the process; but who reads gets the error too, and can
// do without what is in that block alone. It is logged once for each file: an endpoint that waits may come back each second.
func (e *events) corrupted(i pebble.DataCorruptionInfo) {
	e.corruption.Add(1)
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, known := e.corrupt[i.Path]; known {
		return
	}
	if e.corrupt == nil {
		e.corrupt = map[string]struct{}{}
	}
	e.corrupt[i.Path] = struct{}{}
	e.log.Error("a file of the store is corrupt: what cannot be read of it is given up or passed over, and the rest goes on",
		"path", i.Path, "first key", fmt.Sprintf("%x", i.Bounds.Start), "last key", fmt.Sprintf("%x", i.Bounds.End.Key), "err", i.Details)
}

// unreadable notes a row of a webhook that is not what was written, once.
func (e *events) unreadable(key []byte, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, known := e.rows[string(key)]; known {
		return
	}
	if e.rows == nil {
		e.rows = map[string]struct{}{}
	}
	e.rows[string(key)] = struct{}{}
	e.log.Error("a row of a webhook is unreadable in the store; the other webhooks go on", "row", fmt.Sprintf("%q", key), "err", err)
}

func (e *events) unreadableRows() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.rows)
}

func (e *events) corruptFiles() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.corrupt)
}

// withoutTrace returns the error of the disk in one of Pebble, which in a log of the form of text would be a page of stack.
func withoutTrace(err error) error {
	if of := (*fs.PathError)(nil); errors.As(err, &of) {
		return of
	}
	return err
}

// failed notes a flush or a compaction that failed. Pebble tries it again, at once or in minutes, so not each is logged.
func (e *events) failed(err error) {
	e.background.Add(1)
	e.mu.Lock()
	defer e.mu.Unlock()
	if now := time.Now(); now.Sub(e.said) > 10*time.Second {
		e.said = now
		e.log.Error("a flush or compaction of the store failed; it will be tried again", "err", withoutTrace(err))
	}
}
