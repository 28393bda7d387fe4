package queue

import (
	"bytes"
	"context"
	"encoding/binary"
	"runtime"
	"testing"

	"github.com/cockroachdb/pebble/v2"
)

// What waits is gone over after Open, and in each sweep. Nothing of that stays in the cache, so that its size does not tell
// how much waits; without Options.Cache it does. With many endpoints, to look for their first deliveries is to read most there is.
func TestWalksDoNotFillTheCache(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long under the race detector, where it is run with -short")
	}
	const most = 16 << 20
	for _, c := range []struct {
		messages  int
		endpoints EndpointID
	}{{12_000, 10}, {600, 200}} {
		opened, swept := afterWalks(t, c.messages, c.endpoints, most, true)
		filled, filledMore := afterWalks(t, c.messages, c.endpoints, most, false)
		if 4*opened > filled {
			t.Errorf("%d endpoints: after Open the cache has %d bytes, and %d if it is not spared", c.endpoints, opened, filled)
		}
		if 4*swept > filledMore || swept > most/32 {
			t.Errorf("%d endpoints: after a sweep the cache has %d bytes, and %d if it is not spared", c.endpoints, swept, filledMore)
		}
	}
}

// afterWalks returns the size of the cache of a queue with a backlog after it was opened and had counted, and after a sweep.
func afterWalks(t *testing.T, messages int, endpoints EndpointID, most int64, spared bool) (opened, swept int64) {
	var cache *pebble.Cache
	h := &house{t: t, opts: Options{HandOffBytes: 1}}
	h.tune = func(o *pebble.Options) { // of each Open a cache that is empty
		if cache != nil {
			cache.Unref()
		}
		cache = pebble.NewCache(most)
		o.Cache, o.MemTableSize = cache, 1<<20
		if spared {
			h.opts.Cache = cache
		}
	}
	h.build()
	defer func() {
		h.finish()
		cache.Unref()
	}()
	backlog(h, messages, endpoints)
	if err := h.db.Flush(); err != nil {
		t.Fatal(err)
	}
	h.reopen()
	h.settledStats()
	for !h.Stats().FilesCounted { // the last thing that is done after Open
		runtime.Gosched()
	}
	opened = cache.Size()
	if err := h.sweep(); err != nil {
		t.Fatal(err)
	}
	return opened, cache.Size()
}

// backlog accepts messages that are each owed to as many endpoints.
func backlog(h *house, messages int, endpoints EndpointID) {
	h.t.Helper()
	var eps []EndpointID
	for id := range endpoints {
		eps = append(eps, id+1)
	}
	batch := make([]Message, 100)
	for n := 0; n < messages; n += len(batch) {
		for i := range batch {
			batch[i] = Message{Payload: binary.BigEndian.AppendUint64(bytes.Repeat([]byte("x"), 500), uint64(n+i)), Deliveries: to(eps...)}
		}
		if _, err := h.AcceptAll(context.Background(), batch); err != nil {
			h.t.Fatal(err)
		}
	}
}

// A cache is shrunk whatever is reserved of it, and has its room again afterwards.
func TestShrink(t *testing.T) {
	for _, reserved := range []int{0, 1 << 20, 3 << 20} {
		cache := pebble.NewCache(4 << 20)
		h := &house{t: t, opts: Options{HandOffBytes: 1}, tune: func(o *pebble.Options) { o.Cache, o.MemTableSize = cache, 16<<10 }}
		h.build()
		backlog(h, 4000, 1)
		if err := h.db.Flush(); err != nil {
			t.Fatal(err)
		}
		read := func() int64 {
			if _, err := countKeys(h.db, []byte{0}, []byte{0xff}, nil); err != nil {
				t.Fatal(err)
			}
			return cache.Size()
		}
		release := cache.Reserve(reserved)
		full := read()
		shrink(cache, full/2)
		if n := cache.Size(); n > full/2 || n < full/4 {
			t.Errorf("with %d bytes reserved: %d of %d bytes are left, want a half", reserved, n, full)
		}
		if n := read(); n < full*9/10 {
			t.Errorf("with %d bytes reserved: %d bytes fit in after it was shrunk, and %d did before", reserved, n, full)
		}
		release()
		shrink(cache, 0)
		if n := cache.Size(); n != 0 {
			t.Errorf("with %d bytes reserved: %d bytes are left of a cache that was emptied", reserved, n)
		}
		h.finish()
		cache.Unref()
	}
}
