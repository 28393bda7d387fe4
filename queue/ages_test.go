package queue

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Whatever comes in and goes out, in whatever order, what remains is there at its age, in few entries.
func TestAges(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		a := new(ages)
		now := micros(time.Date(2030, 5, 17, 12, 0, 0, 0, time.UTC).UnixMicro())
		var owed []micros
		rt.Repeat(map[string]func(*rapid.T){
			"in": func(rt *rapid.T) {
				at := now - micros(rapid.Int64Range(0, int64(80*hour)).Draw(rt, "age"))
				owed = append(owed, at)
				a.add(now, Fresh, at, 1)
			},
			"out": func(rt *rapid.T) {
				if len(owed) == 0 {
					return
				}
				i := rapid.IntRange(0, len(owed)-1).Draw(rt, "which")
				a.add(now, Fresh, owed[i], -1)
				owed = append(owed[:i], owed[i+1:]...)
			},
			"out before in": func(rt *rapid.T) {
				at := now - micros(rapid.Int64Range(0, int64(80*hour)).Draw(rt, "age"))
				a.add(now, Fresh, at, -1)
				census := newCensus(now)
				census.count(Fresh, at, 1)
				now += micros(rapid.Int64Range(0, int64(3*hour)).Draw(rt, "later"))
				a.merge(now, census)
			},
			"time": func(rt *rapid.T) {
				now += micros(rapid.Int64Range(0, int64(30*hour)).Draw(rt, "passes"))
				a.add(now, Replay, now, 0)
			},
			"": func(rt *rapid.T) {
				oldest := end.due
				for _, at := range owed {
					oldest = min(oldest, at)
				}
				width := second
				if age := now - oldest; age > 47*hour {
					width = hour
				} else if age > hour-minute {
					width = minute
				}
				got, ok := a.oldest(Fresh)
				if ok != (len(owed) > 0) || ok && (got > oldest || got <= oldest-width) {
					rt.Fatalf("the oldest is from %v, %v, want %v within %v", got, ok, oldest, width)
				}
				if n := a.before(Fresh, now+hour); n != int64(len(owed)) {
					rt.Fatalf("%d are owed, want %d", n, len(owed))
				}
				if _, some := a.oldest(Replay); some {
					rt.Fatal("something is owed in the other lane")
				}
				if len(a.lanes[Fresh][0]) > 3660 || len(a.lanes[Fresh][1]) > 48*60 {
					rt.Fatal("old counts are kept in narrow spans")
				}
			},
		})
	})
}

// A retried delivery is as old as its event; one that was given up is owed no more, and sent again it is new. A restart
// forgets nothing.
func TestOldestAge(t *testing.T) {
	w := newWall()
	h := newHouse(t, Options{now: w.now})
	want := func(when string, fresh, replay time.Duration) {
		t.Helper()
		h.flush()
		for l, age := range []time.Duration{fresh, replay} {
			if got := h.OldestAge(Lane(l)); got < age || got > age+2*time.Second {
				t.Errorf("%s: %v in lane %v, want %v", when, got, Lane(l), age)
			}
		}
	}
	want("at first", 0, 0)
	h.accept("a", to(1)...)
	w.add(10 * time.Second)
	h.accept("b", to(1, 2)...)
	w.add(10 * time.Second)
	want("waiting", 20*time.Second, 0)
	a := h.take(1)
	want("in hand", 20*time.Second, 0)
	h.settle(a, Outcome{Verdict: Again, At: w.now().Add(time.Hour), Attempted: true})
	w.add(10 * time.Second)
	want("due later", 30*time.Second, 0)
	if n := h.OlderThan(Fresh, 25*time.Second); n != 1 {
		t.Errorf("%d are older than 25 s, want 1", n)
	}
	h.crash()
	h.settledStats()
	want("after a crash", 30*time.Second, 0)
	h.Release(h.take(2))
	w.add(time.Hour)
	b := h.take(1)
	h.settle(b, Outcome{Verdict: Dead, Reason: Rejected})
	h.settle(h.take(1), done)
	want("with one left", time.Hour+20*time.Second, 0)
	h.settle(h.take(2), done)
	want("with a dead letter", 0, 0)
	letter := h.letters()[0]
	if made, err := h.Queue.Resend(t.Context(), []Resend{{Event: letter.Event, Endpoint: 1, Letter: &letter}}); err != nil || !made[0] {
		t.Fatal(made, err)
	}
	w.add(5 * time.Second)
	want("sent again", 0, 5*time.Second)
	if err := h.Purge(1); err != nil {
		t.Fatal(err)
	}
	want("purged", 0, 0)
}

// BenchmarkAges is what it costs to count a delivery in and out.
func BenchmarkAges(b *testing.B) {
	a := new(ages)
	start := micros(time.Date(2030, 5, 17, 12, 0, 0, 0, time.UTC).UnixMicro())
	b.RunParallel(func(pb *testing.PB) {
		for n := micros(0); pb.Next(); n++ {
			a.add(start+n*50, Fresh, start+n*50, 1)
			a.add(start+n*50, Fresh, start+n*50, -1)
		}
	})
}
