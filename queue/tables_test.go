package queue

import (
	"context"
	"testing"
)

// No table has keys of two kinds, whether a flush made it or a compaction.
func TestTablesHaveOneKind(t *testing.T) {
	h := newHouse(t, Options{HandOffBytes: 1})
	fillFor(h, 1, 300)
	for range 200 {
		h.settle(h.take(1), Outcome{Verdict: Done, Attempted: true, Record: make([]byte, 100)})
	}
	if err := h.Queue.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	for step, f := range map[string]func() error{
		"flush":      h.db.Flush,
		"compaction": func() error { return h.db.Compact(t.Context(), []byte{0}, []byte{0xff}, false) },
	} {
		if err := f(); err != nil {
			t.Fatal(err)
		}
		levels, err := h.db.SSTables()
		if err != nil {
			t.Fatal(err)
		}
		kinds := map[byte]bool{}
		for _, tables := range levels {
			for _, table := range tables {
				first, last := table.Smallest.UserKey, table.Largest.UserKey
				if kinds[first[0]] = true; first[0] != last[0] && !table.Largest.IsExclusiveSentinel() {
					t.Errorf("after a %s a table has all from %q to %q", step, first, last)
				}
			}
		}
		for _, kind := range []byte{prefixAttempt, prefixPayload, prefixDelivery} {
			if !kinds[kind] {
				t.Errorf("after a %s no table begins with kind %q", step, kind)
			}
		}
	}
}
