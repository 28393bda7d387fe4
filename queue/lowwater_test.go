package queue

import (
	"bytes"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"
)

func (h *house) mark(ep EndpointID, l Lane) position {
	h.t.Helper()
	p, err := readWater(h.db, ep, l.in(h.segments.present(ep)))
	if err != nil {
		h.t.Fatal(err)
	}
	return p
}

// passedBy settles so much for endpoint 1 that its marks move as far as they can.
func (h *house) passedBy(w *wall) {
	h.t.Helper()
	w.add(2 * time.Second) // and with it the mark of the clock
	h.accept("passed by", Target{Endpoint: 1}, Target{Endpoint: 1, Lane: Replay})
	for {
		d, ok := h.Take(1)
		if !ok {
			break
		}
		h.settle(&d, done)
	}
	h.flush()
}

// Each place a delivery can be in holds the mark back, and only that of its lane.
func TestLowWaterStopsAtWhatIsNotSettled(t *testing.T) {
	for name, wait := range map[string]func(h *house, w *wall) []string{
		"in hand": func(h *house, w *wall) []string {
			h.accept("x", to(1)...)
			h.take(1)
			return []string{"x"}
		},
		"not taken": func(h *house, w *wall) []string {
			h.accept("x", to(1)...)
			h.endpoints.find(1).lanes[Fresh].resting = micros(w.now().Add(time.Hour).UnixMicro())
			return []string{"x", "passed by", "passed by", "passed by"}
		},
		"on disk only": func(h *house, w *wall) []string {
			h.accept("x", to(1)...)
			ln := &h.endpoints.find(1).lanes[Fresh]
			ln.rewind()
			ln.resting = micros(w.now().Add(time.Hour).UnixMicro())
			return []string{"x", "passed by", "passed by", "passed by"}
		},
		"in line": func(h *house, w *wall) []string {
			h.accept("first", Target{Endpoint: 1, Order: 1, NotBefore: w.now().Add(time.Hour)})
			h.accept("second", Target{Endpoint: 1, Order: 1})
			return []string{"first", "second"}
		},
		"retry in line": func(h *house, w *wall) []string {
			h.accept("first", Target{Endpoint: 1, Order: 1})
			h.accept("second", Target{Endpoint: 1, Order: 1})
			h.settle(h.take(1), Outcome{Verdict: Again, At: w.now().Add(time.Hour)})
			return []string{"first", "second"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWall()
			h := newHouse(t, Options{now: w.now, lowWaterStep: 1})
			h.passedBy(w)
			before := h.mark(1, Fresh)
			want := wait(h, w)
			for range 3 {
				h.passedBy(w)
			}
			if err := checkMarks(h.db); err != nil {
				t.Error(err)
			}
			if fresh, replay := h.mark(1, Fresh), h.mark(1, Replay); !before.less(replay) || before == start || replay.less(fresh) {
				t.Errorf("marks %v and %v, before %v", fresh, replay, before)
			}
			h.reopen()
			w.add(2 * time.Hour)
			var got []string
			for range want {
				d := h.take(1)
				got = append(got, string(d.Payload))
				h.settle(d, done)
			}
			if h.takes(1); !slices.Equal(got, want) {
				t.Errorf("took %q, want %q", got, want)
			}
			h.passedBy(w)
			h.passedBy(w)
			if fresh := h.mark(1, Fresh); !before.less(fresh) {
				t.Errorf("the mark stays at %v", fresh)
			}
		})
	}
}

// The mark does not pass a write in progress, however long that takes.
func TestLowWaterStopsAtAWriteInProgress(t *testing.T) {
	for _, committed := range []bool{false, true} {
		w, p := newWall(), newPausing("early")
		hs := hooks{beforeCommit: p.hook}
		if committed {
			hs = hooks{afterCommit: p.hook}
		}
		h := newHouse(t, Options{now: w.now, lowWaterStep: 1, maxShared: alone, hooks: hs})
		finish := p.start(t, h, "early", to(1)...)
		for range 3 {
			h.passedBy(w)
		}
		finish()
		if err := checkMarks(h.db); err != nil {
			t.Error(err)
		}
		h.reopen()
		early := 0
		for d, ok := h.Take(1); ok; d, ok = h.Take(1) {
			if string(d.Payload) == "early" {
				early++
			}
			h.settle(&d, done)
		}
		if early != 1 {
			t.Errorf("what was accepted early was taken %d times", early)
		}
		h.passedBy(w)
		h.passedBy(w)
		if h.mark(1, Fresh) == start {
			t.Error("there is no mark")
		}
	}
}

// A retry of an ordered delivery goes before its place, and so may go before the mark: also after that was read again.
func TestLowWaterIsLoweredForARetry(t *testing.T) {
	for _, reopen := range []bool{false, true} {
		w := newWall()
		h := newHouse(t, Options{now: w.now, lowWaterStep: 1})
		h.accept("first", Target{Endpoint: 1, Order: 1})
		d := h.take(1)
		h.passedBy(w)
		if h.mark(1, Fresh) != d.item.pos {
			t.Fatalf("mark %v, want %v", h.mark(1, Fresh), d.item.pos)
		}
		if reopen {
			h.reopen()
			d = h.take(1)
		}
		for range 3 {
			h.settle(d, Outcome{Verdict: Again})
			h.flush()
			if err := checkMarks(h.db); err != nil {
				t.Error(err)
			}
			w.add(time.Second)
			d = h.take(1)
		}
		h.reopen()
		h.settle(h.takes(1, "first")[0], done)
		h.passedBy(w)
		h.reopen()
		h.takes(1)
	}
}

// A crash and a clock that goes back come together: what is accepted then may be due before what was settled.
func TestLowWaterAndAClockThatGoesBack(t *testing.T) {
	w := newWall()
	h := newHouse(t, Options{now: w.now, lowWaterStep: 1})
	h.accept("a", to(1)...)
	h.settle(h.take(1), done)
	h.flush()
	w.add(900 * time.Millisecond)
	h.accept("b", to(1)...)
	h.settle(h.take(1), done)
	h.flush()
	w.add(-time.Hour)
	h.crash()
	h.accept("c", to(1)...)
	if err := checkMarks(h.db); err != nil {
		t.Error(err)
	}
	h.reopen()
	h.takes(1, "c")
}

// A settlement that a purge has overtaken belongs to an endpoint that may have been dropped and made anew.
func TestLowWaterOfADroppedEndpoint(t *testing.T) {
	w := newWall()
	h := newHouse(t, Options{now: w.now, lowWaterStep: 1})
	h.settledStats()
	h.accept("old", to(1)...)
	d := h.take(1)
	if ok, _ := d.home.claim(d.Lane, &d.item); !ok {
		t.Fatal("what was taken is not in hand")
	}
	if err := h.Purge(1); err != nil {
		t.Fatal(err)
	}
	h.dropIdle()
	h.accept("new", to(1)...)
	if h.endpoints.find(1) == d.home {
		t.Fatal("the endpoint was not dropped")
	}
	w.add(2 * time.Second)
	h.settles.ops <- settlement{home: d.home, lane: d.Lane, item: d.item, outcome: done}
	h.flush()
	h.reopen()
	h.takes(1, "new")
}

// A purge takes the marks with it, and the next ones begin anew.
func TestPurgeTakesLowWater(t *testing.T) {
	w := newWall()
	h := newHouse(t, Options{now: w.now, lowWaterStep: 1})
	h.passedBy(w)
	h.passedBy(w)
	if h.mark(1, Fresh) == start || h.mark(1, Replay) == start {
		t.Fatal("there are no marks")
	}
	if err := h.Purge(1); err != nil {
		t.Fatal(err)
	}
	if h.mark(1, Fresh) != start || h.mark(1, Replay) != start {
		t.Error("there are marks after a purge")
	}
	h.accept("x", to(1)...)
	d := h.take(1)
	h.passedBy(w)
	if h.mark(1, Fresh) != d.item.pos {
		t.Errorf("mark %v, want %v", h.mark(1, Fresh), d.item.pos)
	}
}

// A mark that cannot be read is as good as none.
func TestMalformedLowWater(t *testing.T) {
	w := newWall()
	h := newHouse(t, Options{now: w.now, lowWaterStep: 1})
	h.accept("first", Target{Endpoint: 1, Order: 1})
	h.take(1)
	h.passedBy(w)
	if err := h.db.Set(appendWaterKey(nil, 1, Fresh.in(0)), []byte("x"), nil); err != nil {
		t.Fatal(err)
	}
	h.reopen()
	h.settle(h.takes(1, "first")[0], Outcome{Verdict: Again})
	h.flush()
	w.add(time.Second)
	h.settle(h.takes(1, "first")[0], done)
	h.passedBy(w)
	h.passedBy(w)
	if h.mark(1, Fresh) == start {
		t.Error("no mark was written again")
	}
}

// TestHeads compares what is found with the help of marks with what is there.
func TestHeads(t *testing.T) {
	var misuse atomic.Int64
	rapid.Check(t, func(t *rapid.T) {
		db, err := openTestDB(vfs.NewMem(), &misuse, Options{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		type found struct {
			id      EndpointID
			cursors [lanes]position
		}
		var want []found
		ids := rapid.SliceOfNDistinct(rapid.SampledFrom([]EndpointID{0, 1, 2, 3, 255, 256, 1 << 40, 1<<64 - 2, 1<<64 - 1}), 0, 6, rapid.ID[EndpointID]).Draw(t, "endpoints")
		slices.Sort(ids)
		read := rapid.SliceOfNDistinct(rapid.SampledFrom([]segment{0, 1, 2, 3, 4}), 1, 3, rapid.ID[segment]).Draw(t, "segments")
		set := func(k, v []byte) {
			if err := db.Set(k, v, nil); err != nil {
				t.Fatal(err)
			}
		}
		for _, id := range ids {
			f := found{id, [lanes]position{end, end}}
			for track := range Replay.in(3) + 1 {
				l, mark := track.lane(), start
				if rapid.Bool().Draw(t, "marked") {
					mark = position{due: 100, event: 5}
					set(appendWaterKey(nil, id, track), appendWater(nil, mark))
				}
				places := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) position {
					return position{micros(rapid.IntRange(99, 102).Draw(t, "due")), EventID(rapid.IntRange(4, 6).Draw(t, "event"))}
				}), 0, 4).Draw(t, "places")
				for _, p := range places {
					if p.less(mark) {
						continue
					}
					set(appendDeliveryKey(nil, id, track, p), appendState(nil, state{accepted: p.due}, p.due))
					if slices.Contains(read, track.segment()) {
						f.cursors[l] = earlier(f.cursors[l], p)
					}
				}
			}
			if f.cursors != [lanes]position{end, end} {
				want = append(want, f)
			}
		}
		if rapid.Bool().Draw(t, "malformed") {
			set([]byte{prefixWater, 1}, nil)
			set([]byte{prefixDelivery, 0, 0, 0, 0, 0, 0, 0, 1, 9}, nil)
		}
		h, err := newHeads(new(Queue), db)
		if err != nil {
			t.Fatal(err)
		}
		var got []found
		for next := EndpointID(0); ; next++ {
			id, ok, err := h.next(next)
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				break
			}
			cursors, err := h.cursors(id, read)
			if err != nil {
				t.Fatal(err)
			}
			f := found{id, cursors}
			if f.cursors != [lanes]position{end, end} {
				got = append(got, f)
			}
			if next = id; next == 1<<64-1 {
				break
			}
		}
		if err := h.close(); err != nil || !slices.Equal(got, want) {
			t.Fatalf("found %+v, want %+v, %v", got, want, err)
		}
	})
}

// A settled delivery stays settled whatever the database has made of its tombstones, and space is given back.
func TestLowWaterAndCompactions(t *testing.T) {
	w := newWall()
	h := newHouse(t, Options{now: w.now, lowWaterStep: 16, HandOffBytes: 1})
	want := map[string]bool{}
	const n = 400
	for i := range n {
		h.accept(string(bytes.Repeat([]byte{byte(i), byte(i >> 8)}, 100)), to(1)...)
		w.add(10 * time.Millisecond)
	}
	if err := h.db.Flush(); err != nil {
		t.Fatal(err)
	}
	w.add(2 * time.Second)
	for i := range n {
		d := h.take(1)
		if i%97 == 50 {
			want[string(d.Payload)] = true
			h.settle(d, Outcome{Verdict: Again, At: w.now().Add(time.Hour)})
		} else {
			h.settle(d, done)
		}
		if i%50 == 0 {
			h.flush()
			if err := h.db.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	h.flush()
	if err := h.db.Compact(t.Context(), []byte{0}, []byte{0xff}, false); err != nil {
		t.Fatal(err)
	}
	h.reopen()
	w.add(2 * time.Hour)
	for range len(want) {
		d := h.take(1)
		if !want[string(d.Payload)] {
			t.Fatalf("%x came back", d.Payload[:2])
		}
		delete(want, string(d.Payload))
	}
	h.takes(1)
}

func TestMisuse(t *testing.T) {
	delivery, part := appendDeliveryKey(nil, 1, Fresh.in(0), start), appendPartKey(nil, 1, 0)
	for _, tt := range []struct {
		kind pebble.APIMisuseKind
		key  []byte
		want bool
	}{
		{pebble.IneffectualSingleDelete, delivery, false},
		{pebble.IneffectualSingleDelete, appendPayloadKey(nil, 1), false},
		{pebble.IneffectualSingleDelete, part, true},
		{pebble.NondeterministicSingleDelete, delivery, true},
		{pebble.MissizedDelete, delivery, true},
		{pebble.IneffectualSingleDelete, nil, true},
	} {
		if got := Misuse(pebble.PossibleAPIMisuseInfo{Kind: tt.kind, UserKey: tt.key}); got != tt.want {
			t.Errorf("%v of %q: %v", tt.kind, tt.key, got)
		}
	}
}
