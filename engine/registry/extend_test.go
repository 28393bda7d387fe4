package registry_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"hookline/engine/registry"
	"hookline/engine/webhook"
)

// lasting are rules under which webhooks live for 30 days and are extended by themselves.
func lasting() *registry.Rules {
	r := *rules
	r.Life, r.AutoExtend = 30*day, true
	return &r
}

const day = 24 * time.Hour

// TestExtend goes through the life of one webhook, a line a day.
func TestExtend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, m := opened(t)
		of := lasting()
		results, err := r.Register(ctx, of, owner, "https://r/1", []registry.Item{item("project = EX", updated)})
		if err != nil {
			t.Fatal(err)
		}
		id, start := results[0].ID, time.Now()
		var last time.Time
		sweep := func() int {
			t.Helper()
			n, err := r.Extend(ctx, time.Now(), func(string) *registry.Rules { return of }, func(uint64) time.Time { return last })
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		at := func(days float64) { time.Sleep(time.Until(start.Add(time.Duration(days * float64(day))))) }
		expires := func() float64 {
			w, _ := r.Webhook(owner.Tenant, id)
			return w.Expires.Sub(start).Hours() / 24
		}
		at(20)
		if n := sweep(); n != 0 || expires() != 30 {
			t.Errorf("extended %d without a success, until day %v", n, expires())
		}
		at(21)
		last = time.Now()
		if n := sweep(); n != 1 || expires() != 51 {
			t.Errorf("extended %d late in a life, until day %v", n, expires())
		}
		at(22)
		if n := sweep(); n != 0 || expires() != 51 {
			t.Errorf("extended %d early in a life, until day %v", n, expires())
		}
		at(40) // the success of day 21 began this life, and is known after a restart too
		last = time.Time{}
		r = open(t, m)
		if n := sweep(); n != 1 || expires() != 70 {
			t.Errorf("extended %d after a restart, until day %v", n, expires())
		}
		at(60)
		last = start.Add(39 * day)
		if n := sweep(); n != 0 || expires() != 70 {
			t.Errorf("extended %d by a success of the last life, until day %v", n, expires())
		}
		at(70)
		last = time.Now()
		if n := sweep(); n != 0 || expires() != 70 {
			t.Errorf("extended %d that had expired, until day %v", n, expires())
		}
	})
}

// TestExtendWrites: however many deliveries succeed, a life costs one write for them and one for the next life.
func TestExtendWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, m := opened(t)
		of := lasting()
		if _, err := r.Register(ctx, of, owner, "https://r/1", []registry.Item{item("project = EX", updated), item("project = B", updated)}); err != nil {
			t.Fatal(err)
		}
		before := m.applied
		for range 300 * 24 {
			time.Sleep(time.Hour)
			_, err := r.Extend(ctx, time.Now(), func(string) *registry.Rules { return of }, func(uint64) time.Time { return time.Now() })
			if err != nil {
				t.Fatal(err)
			}
		}
		if writes := m.applied - before; writes > 2*300/15+1 {
			t.Errorf("%d writes in 300 days", writes)
		}
		if n := r.Expiring(time.Now(), func(string) time.Duration { return 14 * day }); n != 0 {
			t.Errorf("%d webhooks are going to expire", n)
		}
	})
}

// TestExtends: what a webhook says for itself comes before what the rules say.
func TestExtends(t *testing.T) {
	yes, no := true, false
	for _, c := range []struct {
		life time.Duration
		rule bool
		own  *bool
		want bool
	}{
		{0, true, &yes, false}, {time.Hour, false, nil, false}, {time.Hour, true, nil, true},
		{time.Hour, false, &yes, true}, {time.Hour, true, &no, false}, {time.Hour, true, &yes, true},
	} {
		of := &registry.Rules{Life: c.life, AutoExtend: c.rule}
		if got := of.Extends(&webhook.Webhook{Settings: &webhook.Settings{AutoExtend: c.own}}); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
		if got := of.Extends(&webhook.Webhook{}); got != (c.rule && c.life > 0) {
			t.Errorf("%+v without settings: %v", c, got)
		}
	}
}

// TestExtendProperty: with a sweep and successes at random times, the expiry is moved exactly as the rule says, whether or
// not the process restarts in between.
func TestExtendProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r, m := opened(t)
		of := lasting()
		results, err := r.Register(ctx, of, owner, "https://r/1", []registry.Item{item("project = EX", updated)})
		if err != nil {
			rt.Fatal(err)
		}
		w, _ := r.Webhook(owner.Tenant, results[0].ID)
		expires, now := w.Expires, w.Expires.Add(-of.Life)
		var last, known time.Time // of all successes; of those that the process has seen
		for range rapid.IntRange(1, 30).Draw(rt, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 10*24).Draw(rt, "hours")) * time.Hour)
			if rapid.Bool().Draw(rt, "success") {
				last, known = now.Add(-time.Second), now.Add(-time.Second) // a sweep comes after what it is told
			}
			n, err := r.Extend(ctx, now, func(string) *registry.Rules { return of }, func(uint64) time.Time { return known })
			if err != nil {
				rt.Fatal(err)
			}
			began := expires.Add(-of.Life)
			want := now.Before(expires) && expires.Sub(now) < of.Life/2 && !last.IsZero() && !last.Before(began)
			if want {
				expires = now.Add(of.Life).Truncate(time.Millisecond)
			}
			if w, _ := r.Webhook(owner.Tenant, w.ID); (n == 1) != want || !w.Expires.Equal(expires) {
				rt.Fatalf("extended %d until %v, want %v until %v", n, w.Expires, want, expires)
			}
			if rapid.Bool().Draw(rt, "restart") {
				r, known = open(t, m), time.Time{}
			}
		}
	})
}

// TestExpiring: who is warned of, and the first of those that a delivery is for.
func TestExpiring(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := opened(t)
		a := register(t, r, "https://r/1", item("project = EX", updated))
		time.Sleep(10 * time.Minute)
		b := register(t, r, "https://r/1", item("project = EX", updated))
		lead := func(string) time.Duration { return 10 * time.Minute }
		start := time.Now()
		for _, c := range []struct {
			minutes int
			want    string
		}{{0, "[]"}, {39, "[]"}, {40, fmt.Sprint(a)}, {49, fmt.Sprint(a)}, {50, fmt.Sprint(b)}, {60, "[]"}} {
			time.Sleep(time.Until(start.Add(time.Duration(c.minutes) * time.Minute)))
			ids := []int64{}
			list, more, err := r.NewlyExpiring(time.Time{}, time.Now(), lead, 10)
			for _, w := range list {
				ids = append(ids, w.ID)
			}
			if got := fmt.Sprint(ids); got != c.want || more != 0 || err != nil || r.Expiring(time.Now(), lead) != len(ids) {
				t.Errorf("after %d minutes: %s and %d more, %v, want %s", c.minutes, got, more, err, c.want)
			}
		}
		if first := must(r.FirstExpiry(owner.Tenant, []int64{1, b[0], a[0]})); !first.Equal(start.Add(50 * time.Minute)) {
			t.Errorf("the first expires at %v", first)
		}
		if first := must(r.FirstExpiry(owner.Tenant, []int64{1})); !first.IsZero() {
			t.Errorf("an unknown one expires at %v", first)
		}
		if first := must(r.FirstExpiry("nobody", a)); !first.IsZero() {
			t.Errorf("one of an unknown tenant expires at %v", first)
		}
	})
}
