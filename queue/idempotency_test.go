package queue

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"
)

func keyed(key string, fingerprint uint64, ts ...Target) Message {
	return Message{Payload: []byte(key), Deliveries: ts, Scope: 5, Key: key, Fingerprint: fingerprint}
}

func TestIdempotency(t *testing.T) {
	w := newWall()
	h := newHouse(t, Options{now: w.now, KeepKeys: 30 * time.Hour})
	ctx := context.Background()
	first, err := h.Accept(ctx, keyed("k", 1, to(1, 2)...))
	if err != nil || first.Repeated {
		t.Fatal(first, err)
	}
	first.Repeated = true
	repeat := func(when string) {
		t.Helper()
		r, err := h.Accept(ctx, keyed("k", 1, to(3)...))
		r.Accepted = r.Accepted.Round(time.Millisecond)
		want := first
		want.Accepted = want.Accepted.Round(time.Millisecond)
		if err != nil || r != want {
			t.Errorf("%s: %+v, %v; want %+v", when, r, err, want)
		}
		if _, err := h.Accept(ctx, keyed("k", 2)); !errors.Is(err, ErrKeyReused) {
			t.Errorf("%s: another fingerprint: %v", when, err)
		}
	}
	repeat("at once")
	w.add(time.Second)
	h.crash()
	repeat("after a crash")
	w.add(29 * time.Hour)
	if err := h.sweep(); err != nil {
		t.Error(err)
	}
	repeat("an hour before the end")
	h.takes(3)
	other := keyed("k", 9)
	other.Scope = 6
	if r, err := h.Accept(ctx, other); err != nil || r.Repeated {
		t.Errorf("another scope: %+v, %v", r, err)
	}
	w.add(2 * time.Hour)
	if r, err := h.Accept(ctx, keyed("k", 2)); err != nil || r.Repeated {
		t.Errorf("after the end: %+v, %v", r, err)
	}
	w.add(100 * time.Hour)
	if err := h.sweep(); err != nil {
		t.Error(err)
	}
	n, err := countKeys(h.db, []byte{prefixKey}, []byte{prefixKey + 1}, nil)
	if n != 0 || err != nil {
		t.Errorf("%d keys left after their time, %v", n, err)
	}
}

func TestIdempotencyInOneCall(t *testing.T) {
	h := newHouse(t, Options{})
	ctx := context.Background()
	old := h.accept("x", to(1)...)
	if _, err := h.Accept(ctx, keyed("a", 1, to(1)...)); err != nil {
		t.Fatal(err)
	}
	rs, err := h.AcceptAll(ctx, []Message{
		keyed("b", 2, to(1, 2)...), keyed("a", 1, to(1)...), keyed("b", 2, to(1)...), {Payload: []byte("plain"), Deliveries: to(1)},
	})
	if err != nil {
		t.Fatal(err)
	}
	if rs[0].Repeated || !rs[1].Repeated || rs[1].Event != old.Event+1 || !rs[2].Repeated || rs[2].Event != rs[0].Event ||
		rs[2].Deliveries != 2 || rs[3].Repeated || rs[3].Event != rs[0].Event+1 {
		t.Errorf("receipts %+v", rs)
	}
	h.takes(1, "x", "a", "b", "plain")
	for _, ms := range [][]Message{
		{keyed("c", 1, to(5)...), keyed("c", 2, to(5)...)},
		{keyed("d", 1, to(5)...), keyed("a", 7, to(5)...)},
	} {
		if _, err := h.AcceptAll(ctx, ms); !errors.Is(err, ErrKeyReused) {
			t.Errorf("%v", err)
		}
	}
	h.takes(5)
	if rs, err := h.AcceptAll(ctx, nil); err != nil || len(rs) != 0 {
		t.Errorf("nothing: %v, %v", rs, err)
	}
}

// The second of two accepts with one key waits for the commit of the first, or for its own context.
func TestIdempotencyWaits(t *testing.T) {
	p := newPausing("k")
	waiting := make(chan struct{})
	h := newHouse(t, Options{maxShared: alone, hooks: hooks{beforeCommit: p.hook, keyBusy: func() { waiting <- struct{}{} }}})
	first := make(chan Receipt, 1)
	go func() {
		r, err := h.Accept(context.Background(), keyed("k", 1, to(1)...))
		if err != nil {
			t.Error(err)
		}
		first <- r
	}()
	<-p.reached
	ctx, cancel := context.WithCancel(context.Background())
	given := make(chan error)
	go func() {
		_, err := h.Accept(ctx, keyed("k", 1, to(1)...))
		given <- err
	}()
	<-waiting
	cancel()
	if err := <-given; !errors.Is(err, context.Canceled) {
		t.Errorf("the impatient one got %v", err)
	}
	second := make(chan Receipt)
	go func() {
		r, err := h.Accept(context.Background(), keyed("k", 1, to(1)...))
		if err != nil {
			t.Error(err)
		}
		second <- r
	}()
	<-waiting
	close(p.resume["k"])
	a, b := <-first, <-second
	if a.Repeated || !b.Repeated || a.Event != b.Event {
		t.Errorf("receipts %+v and %+v", a, b)
	}
	h.takes(1, "k")
}

func TestIdempotencyConcurrent(t *testing.T) {
	h := newHouse(t, Options{})
	const callers, keys = 16, 20
	var wg sync.WaitGroup
	var mu sync.Mutex
	events, firsts := map[string]map[EventID]bool{}, 0
	for c := range callers {
		wg.Go(func() {
			for k := range keys {
				// Neighbouring keys in one call, in both orders.
				a, b := string(rune('a'+k)), string(rune('a'+(k+1)%keys))
				ms := []Message{keyed(a, 1, to(1)...), keyed(b, 1, to(1)...)}
				if c%2 == 0 {
					ms[0], ms[1] = ms[1], ms[0]
				}
				rs, err := h.AcceptAll(context.Background(), ms)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				for i, r := range rs {
					if events[ms[i].Key] == nil {
						events[ms[i].Key] = map[EventID]bool{}
					}
					events[ms[i].Key][r.Event] = true
					if !r.Repeated {
						firsts++
					}
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if firsts != keys {
		t.Errorf("%d accepted, want one for each of %d keys", firsts, keys)
	}
	for k, ids := range events {
		if len(ids) != 1 {
			t.Errorf("key %s got events %v", k, ids)
		}
	}
	if s := h.Stats(); s.Waiting != keys {
		t.Errorf("%d deliveries wait", s.Waiting)
	}
}
