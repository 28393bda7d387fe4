package queue

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// lived is a queue that has something of most kinds.
func lived(t *testing.T) *house {
	w := newWall()
	h := newHouse(t, withSides(Options{now: w.now, KeepDelivered: 48 * time.Hour}))
	h.accept("waits", to(1, 2)...)
	w.add(3 * time.Hour)
	h.accept("dies", to(3)...)
	h.settle(h.take(3), Outcome{Verdict: Dead, Reason: Rejected, Attempted: true, Status: 404, Record: []byte("record")})
	h.flush()
	h.accept("replayed", Target{Endpoint: 4, Lane: Replay})
	if _, err := h.Accept(t.Context(), Message{Key: "key", Payload: []byte("keyed"), Deliveries: to(5)}); err != nil {
		t.Fatal(err)
	}
	h.accept(large(1), to(6)...)
	w.add(time.Hour)
	h.settle(h.take(5), done)
	h.flush()
	return h
}

func inspect(t *testing.T, h *house) (surveys map[string]Survey, problems []string) {
	t.Helper()
	list, err := Inspect(h.db, nil, func(p string) { problems = append(problems, p) })
	if err != nil {
		t.Fatal(err)
	}
	surveys = map[string]Survey{}
	for _, s := range list {
		surveys[s.Kind.Name] = s
	}
	if len(surveys) != len(Kinds()) || len(list) != len(surveys) {
		t.Errorf("%d kinds are surveyed, there are %d", len(list), len(Kinds()))
	}
	return surveys, problems
}

func TestInspect(t *testing.T) {
	h := lived(t)
	begin := newWall().now()
	surveys, problems := inspect(t, h)
	if len(problems) > 0 {
		t.Errorf("problems: %q", problems)
	}
	for name, want := range map[string]struct {
		keys           int64
		oldest, newest time.Time
	}{
		"payloads":         {5, begin, begin.Add(3 * time.Hour)},
		"deliveries":       {4, begin, begin.Add(3 * time.Hour)},
		"side_files":       {1, begin.Add(3 * time.Hour), begin.Add(3 * time.Hour)},
		"dead_letters":     {1, begin.Add(3 * time.Hour), begin.Add(3 * time.Hour)},
		"attempts":         {1, begin.Add(3 * time.Hour), begin.Add(3 * time.Hour)},
		"idempotency_keys": {1, begin.Add(3 * time.Hour), begin.Add(3 * time.Hour)},
		"replayed":         {1, time.Time{}, time.Time{}},
		"kept_payloads":    {1, time.Time{}, time.Time{}},
		"hours":            {2, begin, begin.Add(3 * time.Hour)},
		"fan_outs":         {},
	} {
		got := surveys[name]
		if got.Keys != want.keys || !near(got.Oldest, want.oldest) || !near(got.Newest, want.newest) || (got.Bytes > 0) != (want.keys > 0) {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}

// Parts of a large fan-out and low-water marks are as they should be.
func TestInspectPartsAndMarks(t *testing.T) {
	w, x := newWall(), newHeldExpander()
	h := newHouse(t, small(Options{now: w.now, lowWaterStep: 1, hooks: hooks{beforeExpand: x.hook}}))
	h.passedBy(w)
	h.passedBy(w)
	h.accept("waits", to(1)...)
	h.accept("large", to(1, 2, 3, 4, 5)...)
	<-x.at
	surveys, problems := inspect(t, h)
	if len(problems) > 0 {
		t.Errorf("problems: %q", problems)
	}
	if parts, marks := surveys["fan_outs"], surveys["low_water"]; parts.Keys != 3 || !near(parts.Oldest, w.now()) || marks.Keys != 2 {
		t.Errorf("parts %+v, marks %+v", parts, marks)
	}
	x.free.Store(true)
	x.step <- struct{}{}
}

// What is parked counts as dead letters, and what waits again, or came later, as deliveries.
func TestInspectParked(t *testing.T) {
	h := lived(t)
	for _, ep := range []EndpointID{1, 2, 4} {
		if err := h.Park(ep, Disabled); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Unpark(2); err != nil {
		t.Fatal(err)
	}
	h.accept("new", to(1, 2, 4)...)
	h.accept("new replay", Target{Endpoint: 4, Lane: Replay})
	surveys, problems := inspect(t, h)
	if len(problems) > 0 {
		t.Errorf("problems: %q", problems)
	}
	for name, keys := range map[string]int64{"deliveries": 6, "dead_letters": 3, "parked_ranges": 3, "replayed": 2} {
		if got := surveys[name]; got.Keys != keys || got.Bytes == 0 {
			t.Errorf("%s: %+v, want %d", name, got, keys)
		}
	}
	if newest := surveys["dead_letters"].Newest; !near(newest, newWall().now().Add(4*time.Hour)) {
		t.Errorf("the newest letter is of %v", newest)
	}
}

// Each kind of damage is found, and named.
func TestInspectFindsDamage(t *testing.T) {
	for name, test := range map[string]struct {
		harm func(db *pebble.DB) error
		want []string
	}{
		"all payloads are gone": {
			func(db *pebble.DB) error { return db.DeleteRange([]byte{'p'}, []byte{'q'}, pebble.Sync) },
			[]string{"deliveries: ", "event 1: its payload is missing", "dead_letters: "},
		},
		"a payload of another form": {
			func(db *pebble.DB) error { return db.Set(appendPayloadKey(nil, 1), []byte{99}, pebble.Sync) },
			[]string{"payloads: row 700000000000000001: queue: malformed value"},
		},
		"a key of the wrong length": {
			func(db *pebble.DB) error { return db.Set([]byte("qqq"), nil, pebble.Sync) },
			[]string{"deliveries: row 717171"},
		},
		"a delivery without a state": {
			func(db *pebble.DB) error {
				return db.Set(appendDeliveryKey(nil, 9, Fresh.in(0), position{1, 1}), nil, pebble.Sync)
			},
			[]string{"deliveries: row 71"},
		},
		"a dead letter without a reason": {
			func(db *pebble.DB) error { return db.Set(appendDeadKey(nil, 9, 1, 1, Fresh), nil, pebble.Sync) },
			[]string{"dead_letters: row 64"},
		},
		"an attempt": {
			func(db *pebble.DB) error { return db.Set([]byte("a"), nil, pebble.Sync) }, []string{"attempts: row 61"},
		},
		"an hour": {
			func(db *pebble.DB) error { return db.Set(appendHourKey(nil, 7), nil, pebble.Sync) }, []string{"hours: row 68"},
		},
		"a remembered key": {
			func(db *pebble.DB) error { return db.Set(appendIdemKey(nil, 1, idemKey{}), nil, pebble.Sync) },
			[]string{"idempotency_keys: row 69"},
		},
		"what waits as a replay": {
			func(db *pebble.DB) error { return db.Set([]byte("x"), nil, pebble.Sync) }, []string{"replayed: row 78"},
		},
		"what is kept": {
			func(db *pebble.DB) error { return db.Set([]byte("v"), nil, pebble.Sync) }, []string{"kept_payloads: row 76"},
		},
		"a side file without a row": {
			func(db *pebble.DB) error { return db.Delete(appendSideKey(nil, 1), pebble.Sync) },
			[]string{"payloads: that of event 5 is in side file 0000000000000001, which has no row"},
		},
		"a side file of another payload": {
			func(db *pebble.DB) error {
				return db.Set(appendSideKey(nil, 1), appendSideRow(nil, 1), pebble.Sync)
			},
			[]string{"side_files: row 6c", "does not refer to file"},
		},
		"a part of a fan-out": {
			func(db *pebble.DB) error { return db.Set([]byte("f12345678xx"), nil, pebble.Sync) },
			[]string{"fan_outs: row 66", "its payload is missing"},
		},
		"destinations of a fan-out": {
			func(db *pebble.DB) error { return db.Set(appendPartKey(nil, 1, 0), []byte{1, 1, 0}, pebble.Sync) },
			[]string{"fan_outs: row 66"},
		},
		"a low-water mark": {
			func(db *pebble.DB) error {
				return db.Set(appendWaterKey(nil, 1, Fresh.in(0)), []byte("high"), pebble.Sync)
			},
			[]string{"low_water: row 77"},
		},
		"a delivery before the low-water mark": {
			func(db *pebble.DB) error {
				return db.Set(appendWaterKey(nil, 2, Fresh.in(0)), appendWater(nil, end), pebble.Sync)
			},
			[]string{"deliveries: row 710000000000000002", "before the low-water mark"},
		},
		"a parked range": {
			func(db *pebble.DB) error { return db.Set(appendParkedKey(nil, 1), []byte{1}, pebble.Sync) },
			[]string{"parked_ranges: row 6b"},
		},
		"a delivery in no segment": {
			func(db *pebble.DB) error {
				state := appendState(nil, state{accepted: 5}, 5)
				return db.Set(appendDeliveryKey(nil, 2, Fresh.in(3), position{5, 1}), state, pebble.Sync)
			},
			[]string{"deliveries: row 7100000000000000020600", "no such segment"},
		},
		"a replay in no segment": {
			func(db *pebble.DB) error { return db.Set(appendReplayKey(nil, 4, 9, 1), nil, pebble.Sync) },
			[]string{"replayed: row 78", "no such segment"},
		},
		"numbers of side files that are given out again": {
			func(db *pebble.DB) error { return writeMeta(db, keySide, 1, pebble.Sync) },
			[]string{"payload file 0000000000000001 is in use and only numbers below 1 are reserved"},
		},
		"ids that are given out again": {
			func(db *pebble.DB) error { return writeMeta(db, keyEvents, 3, pebble.Sync) },
			[]string{"is in use and only ids below 3 are reserved"},
		},
		"the clock": {
			func(db *pebble.DB) error { return db.Set(keyClock, []byte("now"), pebble.Sync) },
			[]string{"the time of the queue"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := lived(t)
			if err := test.harm(h.db); err != nil {
				t.Fatal(err)
			}
			_, problems := inspect(t, h)
			for _, want := range test.want {
				if !slices.ContainsFunc(problems, func(p string) bool { return strings.Contains(p, want) }) {
					t.Errorf("nothing says %q: %q", want, problems)
				}
			}
		})
	}
}

// toFirst are one target each for the first endpoints.
func toFirst(n int) (ts []Target) {
	for ep := range n {
		ts = append(ts, to(EndpointID(ep+1))...)
	}
	return ts
}

// What is corrupt is passed over: the rest is counted, and of what it leaves without a payload a hundred are named.
func TestInspectPassesOver(t *testing.T) {
	h := newHouse(t, Options{Logger: quietLogger()})
	h.accept(blockText(1), toFirst(300)...)
	h.accept("passed over with it, maybe", to(2)...)
	h.accept("waits", to(2)...)
	h.stored()
	h.damage(blockText(1))
	h.open()
	surveys, problems := inspect(t, h)
	if n := surveys["payloads"].Keys; n != 1 && n != 2 {
		t.Errorf("%d payloads can be read", n)
	}
	if n := surveys["deliveries"].Keys; n != 302 {
		t.Errorf("%d deliveries", n)
	}
	missing := 300 + 2 - int(surveys["payloads"].Keys)
	if len(problems) != 1+maxNamed+1 || !strings.Contains(problems[0], "payloads: what is between") ||
		!strings.Contains(problems[1], "event 1: its payload is missing") || !strings.Contains(problems[len(problems)-1], fmt.Sprintf("deliveries: and %d more rows", missing-maxNamed)) {
		t.Errorf("%d problems: %q", len(problems), problems)
	}
}

// What is corrupt may be the very first, and there may be much behind it.
func TestInspectPassesOverTheFirst(t *testing.T) {
	h := newHouse(t, Options{Logger: quietLogger()})
	h.accept("first", notes(1, 1)...)
	const messages, each = 120, 100
	for range messages {
		h.accept("waits", toFirst(each)...)
	}
	h.stored()
	h.damage(blockText(1))
	h.open()
	if s := h.settledStats(); s.Waiting < messages*each-1 || s.Unreadable == 0 {
		t.Errorf("stats %+v", s)
	}
	if surveys, problems := inspect(t, h); surveys["deliveries"].Keys < messages*each-1 || len(problems) != 1 {
		t.Errorf("%+v: %q", surveys["deliveries"], problems)
	}
}

// A database of layout 1 is inspected as it is.
func TestInspectLayout1(t *testing.T) {
	h := openFixture(t)
	db, err := openTestDB(h.fs, h.misuse, h.opts, func(o *pebble.Options) { o.ReadOnly = true })
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	h.db = db
	surveys, problems := inspect(t, h)
	if len(problems) > 0 || surveys["deliveries"].Keys != 5 || surveys["dead_letters"].Keys != 1 {
		t.Errorf("%+v: %q", surveys, problems)
	}
}

func TestInspectStops(t *testing.T) {
	h := lived(t)
	for range 2000 {
		h.accept("x", to(7)...)
	}
	stop := make(chan struct{})
	close(stop)
	if _, err := Inspect(h.db, stop, func(string) {}); err == nil {
		t.Error("it went on")
	}
}
