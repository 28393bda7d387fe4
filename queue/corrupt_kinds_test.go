package queue

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"
)

// damageKind closes the queue and flips a bit in the first block of each table with some kinds of keys.
func (h *house) damageKind(prefixes ...byte) {
	h.t.Helper()
	if err := h.Queue.Close(); err != nil {
		h.t.Fatal(err)
	}
	if err := h.db.Compact(context.Background(), []byte{0}, []byte{0xff}, false); err != nil {
		h.t.Fatal(err)
	}
	levels, err := h.db.SSTables()
	if err != nil {
		h.t.Fatal(err)
	}
	h.close()
	done := map[byte]bool{}
	for _, tables := range levels {
		for _, table := range tables {
			prefix := table.Smallest.UserKey[0]
			if !slices.Contains(prefixes, prefix) {
				continue
			}
			data, err := h.fs.UnsafeGetFileDataBuffer(fmt.Sprintf("db/%06d.sst", table.FileNum))
			if err != nil {
				h.t.Fatal(err)
			}
			data[8] ^= 1
			done[prefix] = true
		}
	}
	if len(done) != len(prefixes) {
		h.t.Fatalf("no tables have keys of all kinds %q", prefixes)
	}
}

// Where the parts of large fan-outs are corrupt, only what they owe is not made: the queue opens, and makes everything else.
func TestCorruptParts(t *testing.T) {
	x := newHeldExpander()
	h := newHouse(t, small(Options{Logger: quietLogger(), hooks: hooks{beforeExpand: x.hook}}))
	h.accept("lost", to(1, 2, 3, 4, 5)...) // in parts of two
	h.accept("small", to(5)...)
	<-x.at
	stop := h.stop
	go func() {
		<-stop
		x.step <- struct{}{} // the first part is expanded before the queue is closed
	}()
	h.damageKind(prefixFanOut)
	h.opts.hooks = hooks{}
	h.open()
	h.takes(5, "small")
	h.takes(1, "lost")
	h.takes(3)
	if s := h.settledStats(); s.Unreadable == 0 || s.Expanding != 0 {
		t.Errorf("stats %+v", s)
	}
	h.accept("large", to(1, 2, 3, 4, 5)...)
	if err := h.Waiting(Select{}, func(WaitingDelivery) bool { return true }); err != nil {
		t.Error(err)
	}
	h.takes(3, "large")
	h.takes(5, "large")
}

// Where the rows of payload files are corrupt the files stay, and their payloads are delivered.
func TestCorruptSideRows(t *testing.T) {
	h := newHouse(t, withSides(Options{Logger: quietLogger()}))
	h.accept(large(1), to(1)...)
	h.accept(large(2), to(2)...)
	h.damageKind(prefixSide)
	h.open()
	if n := len(h.files()); n != 2 {
		t.Errorf("%d files are left", n)
	}
	h.settle(h.takes(1, large(1))[0], done)
	h.accept(large(3), to(1)...)
	h.settle(h.takes(1, large(3))[0], done)
	h.flush()
	if err := h.sweep(); err != nil {
		t.Errorf("a sweep fails: %v", err)
	}
	if n := len(h.files()); n != 2 {
		t.Errorf("%d files are left, want those whose rows are not known", n)
	}
	h.takes(2, large(2))
	h.opts.Dir = ""
	h.close()
	db, err := openTestDB(h.fs, h.misuse, h.opts, h.tune)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if q, err := Open(db, h.opts); err == nil {
		t.Error("opens without the directory of payload files")
		q.Close()
	}
}

// A low-water mark that is corrupt is none, and another one takes its place.
func TestCorruptMark(t *testing.T) {
	w := newWall()
	h := newHouse(t, Options{now: w.now, lowWaterStep: 1, Logger: quietLogger()})
	for range 3 {
		h.passedBy(w)
	}
	h.accept("old", to(1, 2)...)
	old := h.mark(1, Fresh)
	h.damageKind(prefixWater)
	h.open()
	h.settle(h.takes(1, "old")[0], done)
	h.settle(h.takes(2, "old")[0], done)
	w.add(2 * time.Second)
	h.passedBy(w)
	h.passedBy(w)
	if mark := h.mark(1, Fresh); !old.less(mark) {
		t.Errorf("the mark is at %v, was at %v", mark, old)
	}
	h.takes(1)
}

// What is found to be corrupt before it is known which ids were given out keeps the payloads of messages from before Open, and no
// others.
func TestCorruptBeforeIDs(t *testing.T) {
	h := newHouse(t, Options{HandOffBytes: 1, Logger: quietLogger()})
	h.accept("parked", to(1)...)
	if err := h.Park(1, Disabled); err != nil {
		t.Fatal(err)
	}
	h.accept("old", to(1)...)
	h.damageKind(prefixParked, prefixDelivery)
	h.open()
	h.accept("new", to(2)...)
	h.settle(h.takes(2, "new")[0], done)
	h.flush()
	if err := h.sweep(); err != nil {
		t.Fatal(err)
	}
	if n := len(h.payloads()); n != 2 {
		t.Errorf("%d payloads are left, want those from before", n)
	}
}
