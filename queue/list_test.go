package queue

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"pgregory.net/rapid"
)

func TestMarkText(t *testing.T) {
	for _, m := range []Mark{
		{}, {at: 1}, {1_900_000_000_000_000, 7, 8, 9, Replay, 0}, {end.due - 1, math.MaxUint64, math.MaxUint64, math.MaxUint16, Replay, end.due - 1},
	} {
		if got, err := ParseMark(m.String()); err != nil || got != m {
			t.Errorf("%v became %v, %v", m, got, err)
		}
	}
	good := Mark{at: 5, endpoint: 6}.String()
	for _, s := range []string{"x", "=", good + "A", good[1:], good[:len(good)-1] + "z", good + "\n", Mark{event: 1}.String()} {
		if m, err := ParseMark(s); !errors.Is(err, ErrMark) {
			t.Errorf("%q became %v, %v", s, m, err)
		}
	}
}

func FuzzParseMark(f *testing.F) {
	f.Add(Mark{1_900_000_000_000_000, 7, 8, 9, Replay, 0}.String())
	f.Add(Mark{1_900_000_000_000_000, 7, 8, 0, Fresh, 5}.String())
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		if m, err := ParseMark(s); err == nil && m.String() != s {
			t.Errorf("%q became %v, which is %q", s, m, m.String())
		}
	})
}

// shelved is what a list has to show of one entry.
type shelved struct {
	mark Mark
	text string
}

// listCase is one of the lists, over the same kind of contents.
type listCase struct {
	write func(b *pebble.Batch, m Mark, text string) error
	read  func(q *Queue, s Select, yield func(shelved) bool) error
	only  bool // oldest first only
}

var listCases = map[string]listCase{
	"Attempts": {
		write: func(b *pebble.Batch, m Mark, text string) error {
			return b.Set(appendAttemptKey(nil, m.endpoint, m.at, m.event, m.number, m.lane), []byte(text), nil)
		},
		read: func(q *Queue, s Select, yield func(shelved) bool) error {
			return q.Attempts(s, func(a LoggedAttempt) bool {
				m := Mark{q.clock.ceil(a.At), a.Endpoint, a.Event, uint16(a.Number), a.Lane, 0}
				return a.Mark == m && yield(shelved{m, string(a.Record)})
			})
		},
	},
	"DeadLetters": {
		write: func(b *pebble.Batch, m Mark, text string) error {
			return b.Set(appendLetterKey(nil, m), appendLetter(nil, Gone, state{accepted: m.at, note: []byte(text)}, m.at), nil)
		},
		read: func(q *Queue, s Select, yield func(shelved) bool) error {
			return q.DeadLetters(s, func(l DeadLetter) bool {
				m := Mark{q.clock.ceil(l.Died), l.Endpoint, l.Event, 0, l.Lane, 0}
				return l.Mark == m && l.Reason == Gone && yield(shelved{m, string(l.Note)})
			})
		},
	},
	"Waiting": {
		write: func(b *pebble.Batch, m Mark, text string) error {
			st := state{attempts: 3, status: 500, accepted: m.at, note: []byte(text)}
			return b.Set(appendDeliveryKey(nil, m.endpoint, m.lane.in(0), m.position()), appendState(nil, st, m.at), nil)
		},
		read: func(q *Queue, s Select, yield func(shelved) bool) error {
			return q.Waiting(s, func(w WaitingDelivery) bool {
				m := Mark{q.clock.ceil(w.Due), w.Endpoint, w.Event, 0, w.Lane, 0}
				return w.Mark == m && w.Attempts == 3 && w.LastStatus == 500 && yield(shelved{m, string(w.Note)})
			})
		},
		only: true,
	},
}

// endpoints of all sizes, few enough that each has several entries.
var listEndpoints = []EndpointID{0, 1, 2, 77, 256, math.MaxUint64 - 1, math.MaxUint64}

func drawEndpoints(rt *rapid.T) []EndpointID {
	switch rapid.IntRange(0, 3).Draw(rt, "endpoints") {
	case 0:
		return nil
	case 1:
		return rapid.SliceOfN(rapid.SampledFrom(listEndpoints), 1, 1).Draw(rt, "one")
	}
	return append(rapid.SliceOf(rapid.SampledFrom(listEndpoints)).Draw(rt, "some"), 3, 1000)
}

// TestListsAreSortedSlices writes random entries and compares every list, for random selections and read in pages
// of random sizes, with the slice of what was written.
func TestListsAreSortedSlices(t *testing.T) {
	for name, c := range listCases {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				w := newWall()
				h := newModelHouse(t, Options{now: w.now, Logger: quietLogger()}, true, nil)
				defer h.finish()
				base := h.clock.at(w.now())
				// Times close together and far apart: many of the same time, some hours and some days.
				step := rapid.SampledFrom([]micros{0, 1, 2, startOfHour(1) / 7, startOfHour(5)}).Draw(rt, "step")
				rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
				all := map[Mark]string{}
				b := h.db.NewBatch()
				for range rapid.SampledFrom([]int{0, 1, 20, 200, 1500}).Draw(rt, "entries") {
					m := Mark{
						at:       base + step*micros(rng.IntN(40)),
						endpoint: listEndpoints[rng.IntN(len(listEndpoints))],
						event:    EventID(rng.IntN(20)),
						lane:     Lane(rng.IntN(lanes)),
					}
					if name == "Attempts" {
						m.number = uint16(rng.IntN(3))
					}
					all[m] = string(rune('a' + rng.IntN(26)))
					if err := c.write(b, m, all[m]); err != nil {
						rt.Fatal(err)
					}
				}
				if err := b.Commit(pebble.NoSync); err != nil {
					rt.Fatal(err)
				}
				for range 5 {
					s := Select{Endpoints: drawEndpoints(rt), Oldest: rapid.Bool().Draw(rt, "oldest")}
					bound := func(label string) time.Time {
						if rapid.Bool().Draw(rt, label) {
							return time.Time{}
						}
						at := base + step*micros(rapid.IntRange(-1, 41).Draw(rt, label+" step"))
						return h.clock.stamp(at).Add(rapid.SampledFrom([]time.Duration{0, 1, -1}).Draw(rt, label+" nanoseconds"))
					}
					s.From, s.Until = bound("from"), bound("until")
					compareList(rt, h, c, s, all)
				}
			})
		})
	}
}

func compareList(rt *rapid.T, h *house, c listCase, s Select, all map[Mark]string) {
	var want []shelved
	for m, text := range all {
		at := h.clock.stamp(m.at)
		if (s.Endpoints == nil || slices.Contains(s.Endpoints, m.endpoint)) &&
			(s.From.IsZero() || !at.Before(s.From)) && (s.Until.IsZero() || at.Before(s.Until)) {
			want = append(want, shelved{m, text})
		}
	}
	slices.SortFunc(want, func(a, b shelved) int {
		if s.Oldest || c.only {
			return a.mark.compare(b.mark)
		}
		return b.mark.compare(a.mark)
	})
	var got []shelved
	for full := true; full; {
		page := rapid.SampledFrom([]int{1, 7, 100, 1 << 20}).Draw(rt, "page")
		if page < len(want)/50 {
			page = len(want) / 50
		}
		n := 0
		err := c.read(h.Queue, s, func(e shelved) bool {
			got = append(got, e)
			s.After = e.mark
			n++
			return n < page
		})
		if err != nil {
			rt.Fatal(err)
		}
		full = n == page
	}
	if !slices.Equal(got, want) {
		rt.Fatalf("%+v:\ngot  %v\nwant %v", s, got, want)
	}
}

// Marks lead to the same place after the machine's clock went back.
func TestMarksOutliveRestarts(t *testing.T) {
	w := newWall()
	h := newHouse(t, Options{now: w.now})
	for range 4 {
		h.accept("a", to(1)...)
		d := h.take(1)
		h.settle(d, Outcome{Verdict: Dead, Reason: Rejected, Attempted: true, Record: []byte("r")})
		h.flush()
		w.add(time.Minute)
	}
	before := h.letters()
	w.add(-24 * time.Hour)
	h.reopen()
	after, err := ParseMark(before[1].Mark.String())
	if err != nil {
		t.Fatal(err)
	}
	var got []DeadLetter
	if err := h.DeadLetters(Select{After: after, Oldest: true}, func(l DeadLetter) bool {
		got = append(got, l)
		return true
	}); err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].Event != before[2].Event || got[1].Event != before[3].Event {
		t.Errorf("letters %+v", got)
	}
	if n, err := h.Discard(before); n != 4 || err != nil {
		t.Errorf("discarded %d, %v", n, err)
	}
}

// The queue may be called, and closed, from within a walk.
func TestWalkHoldsNothing(t *testing.T) {
	h := newHouse(t, Options{})
	for range 2 * listChunk {
		h.accept("a", to(1, 2)...)
	}
	n := 0
	err := h.Waiting(Select{}, func(w WaitingDelivery) bool {
		if n++; n == 10 {
			if err := h.Purge(2); err != nil {
				t.Error(err)
			}
		}
		if n == 20 {
			q := h.Queue
			if err := q.Close(); err != nil {
				t.Error(err)
			}
		}
		return true
	})
	if !errors.Is(err, ErrClosed) || n < 20 {
		t.Errorf("%d entries, %v", n, err)
	}
}

func TestMalformedEntriesArePassedOver(t *testing.T) {
	var log bytes.Buffer
	h := newHouse(t, Options{Logger: textLogger(&log)})
	at := h.clock.present()
	good := Mark{at: at, endpoint: 1, event: 5}
	for _, key := range [][]byte{
		appendAttemptHour(nil, hourOf(at)), append(appendAttemptKey(nil, 1, at, 5, 1, Fresh), 0),
		appendDayKey(nil, deadDay(at)), appendLetterKey(nil, Mark{at: at, endpoint: 1, event: 4}),
	} {
		if err := h.db.Set(key, nil, pebble.NoSync); err != nil {
			t.Fatal(err)
		}
	}
	b := h.db.NewBatch()
	for _, name := range []string{"Attempts", "DeadLetters"} {
		if err := listCases[name].write(b, good, "x"); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Commit(pebble.NoSync); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Attempts", "DeadLetters"} {
		for _, oldest := range []bool{false, true} {
			var got []shelved
			err := listCases[name].read(h.Queue, Select{Oldest: oldest}, func(s shelved) bool {
				got = append(got, s)
				return true
			})
			if err != nil || !slices.Equal(got, []shelved{{good, "x"}}) {
				t.Errorf("%s: %v, %v", name, got, err)
			}
		}
	}
	if !bytes.Contains(log.Bytes(), []byte("malformed")) {
		t.Errorf("log: %s", log.String())
	}
}

func TestWaitingShowsWhatIsInHand(t *testing.T) {
	w := newWall()
	h := newHouse(t, Options{now: w.now})
	h.accept("a", Target{Endpoint: 1, Note: []byte("n")})
	h.accept("b", Target{Endpoint: 2, Lane: Replay})
	later := w.now().Add(time.Hour)
	h.settle(h.take(1), Outcome{Verdict: Again, At: later, Attempted: true, Status: 500})
	h.flush()
	h.take(2)
	var got []WaitingDelivery
	if err := h.Waiting(Select{Endpoints: []EndpointID{2, 1}}, func(d WaitingDelivery) bool {
		got = append(got, d)
		return true
	}); err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || !got[0].InHand || got[0].Lane != Replay || got[0].Endpoint != 2 || got[1].InHand ||
		!near(got[1].Due, later) || got[1].Attempts != 1 || got[1].LastStatus != 500 || string(got[1].Note) != "n" ||
		!near(got[1].FirstFailure, w.now()) || !near(got[1].Accepted, w.now()) {
		t.Errorf("waiting %+v", got)
	}
}
