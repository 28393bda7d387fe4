package registry_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hookline/engine/registry"
	"hookline/engine/webhook"
)

// manyTenants is a store with tenants t0, t1, ..., each with webhooks of its app.
func manyTenants(t *testing.T, tenants, webhooks int) *memory {
	t.Helper()
	m := newMemory()
	r := open(t, m)
	for n := range tenants {
		o := webhook.Owner{Tenant: fmt.Sprint("t", n), App: "ci"}
		if err := r.PutTenant(ctx, webhook.Tenant{ID: o.Tenant}); err != nil {
			t.Fatal(err)
		}
		if err := r.PutApp(ctx, webhook.App{Tenant: o.Tenant, Key: o.App}); err != nil {
			t.Fatal(err)
		}
		var items []registry.Item
		for range webhooks {
			items = append(items, item("project = EX", updated))
		}
		if results, err := r.Register(ctx, rules, o, "https://r/1", items); err != nil || len(results[0].Errors) > 0 {
			t.Fatal(results, err)
		}
	}
	return m
}

var inEX = []byte(issueEvent(updated, `"project":{"key":"EX"}`))

// publish has an event matched, which is for a number of webhooks.
func publish(t *testing.T, r *registry.Registry, tenant string, want int) {
	t.Helper()
	var s registry.Scratch
	if _, matched, err := r.Match(tenant, inEX, time.Now(), &s); err != nil || len(matched) != want {
		t.Fatalf("%s: %d webhooks match, %v", tenant, len(matched), err)
	}
}

// TestOpenReadsNoWebhooks: what opening, counting, sweeping and extending need is known without them.
func TestOpenReadsNoWebhooks(t *testing.T) {
	m := manyTenants(t, 3, 4)
	r, before := open(t, m), m.reads
	now := time.Now()
	if c := r.Counts(now); c.Webhooks != 12 || c.Expired != 0 || c.Endpoints != 3 || c.Indexed != 0 {
		t.Errorf("%+v", c)
	}
	if c := r.Counts(now.Add(2 * time.Hour)); c.Webhooks != 12 || c.Expired != 12 {
		t.Errorf("later: %+v", c)
	}
	lead := func(string) time.Duration { return 2 * time.Hour }
	if n := r.Expiring(now, lead); n != 12 {
		t.Errorf("%d are going to expire", n)
	}
	keep := func(string) time.Duration { return rules.Keep }
	if err := r.Sweep(ctx, now.Add(2*time.Hour), keep, func(uint64) {}, func(uint64) bool { return true }); err != nil {
		t.Error(err)
	}
	long := *rules
	long.AutoExtend = true
	n, err := r.Extend(ctx, now, func(string) *registry.Rules { return &long }, func(uint64) time.Time { return time.Time{} })
	if n != 0 || err != nil {
		t.Errorf("%d extended, %v", n, err)
	}
	if err := r.Secrets("t0", func(*webhook.Webhook) error { return errors.New("a secret") }); err != nil {
		t.Error(err)
	}
	if w, err := r.Webhook("t1", 1002); err != nil || w.ID != 1002 {
		t.Errorf("%+v, %v", w, err)
	}
	if _, err := r.Webhook("t1", 999); !errors.Is(err, registry.ErrUnknownWebhook) {
		t.Errorf("an unknown one: %v", err)
	}
	if m.reads != before || r.Memory().Tenants != 0 {
		t.Errorf("webhooks of tenants were read %d times; %+v", m.reads-before, r.Memory())
	}

	list, more, err := r.NewlyExpiring(now.Add(-2*time.Hour), now, lead, 5)
	if len(list) != 5 || more != 7 || err != nil || r.Memory().Loads != 2 {
		t.Errorf("%d newly expiring and %d more, %v; %+v", len(list), more, err, r.Memory())
	}
	if list, more, err := r.NewlyExpiring(now, now.Add(time.Second), lead, 5); len(list) != 0 || more != 0 || err != nil {
		t.Errorf("newly a second later: %v and %d more, %v", list, more, err)
	}
	if err := r.Sweep(ctx, now.Add(26*time.Hour), keep, func(uint64) {}, func(uint64) bool { return true }); err != nil {
		t.Error(err)
	}
	if c := r.Counts(now); c.Webhooks != 0 {
		t.Errorf("swept: %+v", c)
	}
}

// TestBudget: those that were not used for longest go first, the one used last stays, and all that went comes back.
func TestBudget(t *testing.T) {
	m := manyTenants(t, 6, 20)
	r := open(t, m)
	publish(t, r, "t0", 20)
	one := r.Memory().Bytes
	if one < 20*150 || one > 20*3000 {
		t.Errorf("20 webhooks and their index take %d bytes", one)
	}

	empty := open(t, m)
	r = open(t, m)
	r.Budget(registry.Resident(empty) + 3*one + one/2)
	for _, step := range []struct {
		tenant string
		loads  uint64
		gone   uint64
	}{
		{"t0", 1, 0}, {"t1", 2, 0}, {"t2", 3, 0}, // all within
		{"t0", 3, 0}, {"t3", 4, 1}, // t1 went
		{"t0", 4, 1}, {"t2", 4, 1}, {"t3", 4, 1},
		{"t1", 5, 2}, // all others were used since; one of them went
	} {
		publish(t, r, step.tenant, 20)
		if is := r.Memory(); is.Loads != step.loads || is.Evictions != step.gone || is.Tenants != int(step.loads-step.gone) {
			t.Fatalf("after %s: %+v, want %+v", step.tenant, is, step)
		}
	}
	if is := r.Memory(); is.Bytes > 3*one+one/2 || is.Bytes < 3*one-one/2 {
		t.Errorf("%+v, one takes %d", is, one)
	}

	r = open(t, m)
	r.Budget(1)
	for range 3 {
		publish(t, r, "t5", 20)
		publish(t, r, "t5", 20)
	}
	if is := r.Memory(); is.Loads != 1 || is.Tenants != 1 {
		t.Errorf("the only one that is used: %+v", is)
	}
	if _, err := r.DeleteTenant(ctx, "t5"); err != nil {
		t.Fatal(err)
	}
	if is := r.Memory(); is.Tenants != 0 || is.Bytes != 0 {
		t.Errorf("a tenant that is gone takes %+v", is)
	}
}

// TestBudgetFollowsChanges: what is registered is charged, and what is deleted is not any more.
func TestBudgetFollowsChanges(t *testing.T) {
	r, _ := opened(t)
	register(t, r, "https://r/1", item("project = EX", updated))
	match(t, r, string(inEX))
	before := r.Memory().Bytes
	var items []registry.Item
	for i := range 50 {
		items = append(items, item(fmt.Sprintf("project = EX AND status = S%d", i), updated))
	}
	ids := register(t, r, "https://r/1", items...)
	if grown := r.Memory().Bytes - before; grown < 50*300 {
		t.Errorf("50 webhooks more take %d bytes", grown)
	}
	full := r.Memory().Bytes
	for range 10 {
		must(r.Refresh(ctx, rules, owner, ids))
	}
	if after := r.Memory().Bytes; after > full+full/5 {
		t.Errorf("webhooks took %d bytes, and %d after they were refreshed", full, after)
	}
	if err := r.Delete(ctx, owner, rules.Flavor, ids); err != nil {
		t.Fatal(err)
	}
	r.Evict("acme")
	match(t, r, string(inEX))
	if after := r.Memory().Bytes; after > before+before/10 {
		t.Errorf("%d bytes before, %d after", before, after)
	}
}

// TestURLsAreCharged: those of webhooks with endpoints of their own are nobody else's.
func TestURLsAreCharged(t *testing.T) {
	take := func(path string) int64 {
		r, _ := opened(t)
		for i := range 20 {
			must(r.Register(ctx, &twinAdmin, webhook.Owner{Tenant: "acme"}, fmt.Sprint("https://r/", i, path), []registry.Item{item("", updated)}))
		}
		return r.Memory().Bytes
	}
	if more := take("/"+strings.Repeat("x", 1000)) - take("/"); more < 20*1000 {
		t.Errorf("20 URLs of 1000 bytes take %d", more)
	}
}

// TestGroupsAreCharged: they are always in memory, and there is one for each webhook where all expire at other times.
func TestGroupsAreCharged(t *testing.T) {
	r, m := opened(t)
	bare := registry.Resident(r)
	register(t, r, "https://r/1", item("project = EX", updated))
	before := registry.Resident(r)
	var ids []int64
	for range 20 {
		ids = append(ids, register(t, r, "https://r/1", item("project = EX", updated))...)
	}
	full := registry.Resident(r)
	if full-before < 20*24 || registry.Resident(open(t, m)) != full {
		t.Errorf("20 groups take %d bytes, all %d, and opened anew %d", full-before, full, registry.Resident(open(t, m)))
	}
	if err := r.Delete(ctx, owner, rules.Flavor, ids); err != nil || registry.Resident(r) != before {
		t.Errorf("%d bytes after they were deleted, want %d; %v", registry.Resident(r), before, err)
	}
	other := open(t, m)
	if _, err := other.DeleteApp(ctx, "acme", "ci"); err != nil || registry.Resident(other) != bare {
		t.Errorf("%d bytes after the app was deleted, want %d; %v", registry.Resident(other), bare, err)
	}
	if _, err := r.DeleteTenant(ctx, "acme"); err != nil || registry.Resident(r) != 0 {
		t.Errorf("%d bytes after the tenant was deleted; %v", registry.Resident(r), err)
	}
}

// TestObservedIsCharged: what events tell of an index takes memory as they come in, which a sweep takes note of.
func TestObservedIsCharged(t *testing.T) {
	r := open(t, manyTenants(t, 2, 100))
	sweep := func() int64 {
		t.Helper()
		keep := func(string) time.Duration { return rules.Keep }
		if err := r.Sweep(ctx, time.Now(), keep, func(uint64) {}, func(uint64) bool { return true }); err != nil {
			t.Fatal(err)
		}
		return r.Memory().Bytes
	}
	publish(t, r, "t0", 100)
	before := sweep()
	var s registry.Scratch
	match := func() {
		t.Helper()
		if _, matched, err := r.Match("t0", inEX, time.Now(), &s); err != nil || len(matched) != 100 {
			t.Fatalf("%d match, %v", len(matched), err)
		}
	}
	match()
	s.Note(time.Now())
	if took := sweep() - before; took < 100*16 || took > 100*100 {
		t.Errorf("the last matches of 100 webhooks take %d bytes", took)
	}

	match()
	r.Evict("t0")
	s.Note(time.Now()) // which nobody asks for any more
	if h, err := r.Health("t0", time.Now(), 10); err != nil || h.Events != 0 || h.Webhooks != 100 {
		t.Errorf("after they were let go: %+v, %v", h, err)
	}
}

// TestTenantInHand: who still has a tenant that was deleted does not get the webhooks of the one that took its id.
func TestTenantInHand(t *testing.T) {
	for _, loaded := range []bool{true, false} {
		m := manyTenants(t, 1, 3)
		r := open(t, m)
		held := r.Held("t0")
		if n := 3; loaded && held() != n {
			t.Fatalf("it has not %d webhooks", n)
		}
		if _, err := r.DeleteTenant(ctx, "t0"); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(r.PutTenant(ctx, webhook.Tenant{ID: "t0"}), r.PutApp(ctx, webhook.App{Tenant: "t0", Key: "ci"})); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Register(ctx, rules, webhook.Owner{Tenant: "t0", App: "ci"}, "https://r/1", []registry.Item{item("project = EX", updated)}); err != nil {
			t.Fatal(err)
		}
		r.Evict("t0")
		publish(t, r, "t0", 1)
		if n := held(); n != 0 {
			t.Errorf("loaded %v: it has %d webhooks", loaded, n)
		}
	}
}

// TestUnreadableWebhooks: what cannot be read fails, and changes nothing; what does not need it goes on.
func TestUnreadableWebhooks(t *testing.T) {
	m := manyTenants(t, 2, 2)
	r := open(t, m)
	publish(t, r, "t1", 2)
	broken := errors.New("corrupt")
	m.unreadable = broken
	o := webhook.Owner{Tenant: "t0", App: "ci"}
	e := r.Endpoints("t0")[0]
	var s registry.Scratch
	fails := map[string]error{}
	_, _, fails["Match"] = r.Match("t0", inEX, time.Now(), &s)
	_, fails["List"] = r.List(o, rules.Flavor)
	_, fails["All"] = r.All("t0")
	_, fails["Webhook"] = r.Webhook("t0", 1000)
	_, fails["FirstExpiry"] = r.FirstExpiry("t0", []int64{1000})
	_, fails["Register"] = r.Register(ctx, rules, o, "https://r/1", []registry.Item{item("", updated)})
	_, fails["Refresh"] = r.Refresh(ctx, rules, o, []int64{1000})
	_, _, fails["Change"] = r.Change(ctx, rules, o, 1000, func(*string, *registry.Item) error { return nil })
	fails["Delete"] = r.Delete(ctx, o, rules.Flavor, []int64{1000})
	_, fails["DeleteApp"] = r.DeleteApp(ctx, "t0", "ci")
	_, fails["DeleteTenant"] = r.DeleteTenant(ctx, "t0")
	_, fails["Health"] = r.Health("t0", time.Now(), 10)
	_, _, fails["NewlyExpiring"] = r.NewlyExpiring(time.Time{}, time.Now(), func(string) time.Duration { return rules.Life }, 10)
	for name, err := range fails {
		if !errors.Is(err, broken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	publish(t, r, "t1", 2)
	if _, err := r.ChangeEndpoint(ctx, "t0", e.ID, func(e *webhook.Endpoint) error { e.Paused = true; return nil }); err != nil {
		t.Error(err)
	}
	if err := r.PutTenant(ctx, webhook.Tenant{ID: "t0", Site: webhook.Site{EpicLink: 10008}}); err != nil {
		t.Error(err)
	}
	m.unreadable = nil
	publish(t, r, "t0", 2)
}

// TestEvictionIsNotSeen: while sets of webhooks take the place of each other and are let go at any moment, an event is for the whole of
// one, and after a change for that.
func TestEvictionIsNotSeen(t *testing.T) {
	t.Parallel()
	r, m := opened(t)
	letters := noteLetters(m)
	of := [][]string{{"auA", "buA", "cuA"}, {"duA", "euA"}, {"fuA", "auA"}}
	whole := []string{"abc", "de", "af"}
	matched := func(s *registry.Scratch) string {
		_, list, err := r.Match("acme", []byte(issueEvent(updated, `"project":{"key":"A"}`)), time.Now(), s)
		if err != nil {
			t.Error(err)
		}
		var all []byte
		for _, m := range list {
			all = append(all, letters.of(m.Webhook)...)
			if only, err := r.Only(&webhook.Endpoint{Owner: owner, Webhook: m.Webhook}); err != nil || only != nil && only.ID != m.Webhook {
				t.Errorf("the webhook of an endpoint is %+v, %v", only, err)
			}
		}
		slices.Sort(all)
		return string(all)
	}
	install := func(i int) {
		if _, err := r.Install(ctx, "acme", "ci", base, sets("", of[i%3]...)); err != nil {
			t.Error(err)
		}
	}
	install(0)
	done := make(chan struct{})
	var running sync.WaitGroup
	meanwhile := func(f func()) {
		running.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					f()
				}
			}
		})
	}
	for range 2 {
		var s registry.Scratch
		meanwhile(func() {
			if got := matched(&s); !slices.Contains(whole, got) {
				t.Errorf("an event is for %q", got)
			}
			s.Note(time.Now())
			if h, err := r.Health("acme", time.Now(), 10); err != nil || h.Webhooks != 2 && h.Webhooks != 3 {
				t.Errorf("%+v, %v", h, err)
			}
			list, err := r.List(owner, declaredRules.Flavor)
			if err != nil || len(list) < 2 || len(list) > 5 { // both sets are listed for a moment
				t.Errorf("%d are listed, %v", len(list), err)
			}
		})
	}
	meanwhile(func() { r.Evict("acme") })
	var s registry.Scratch
	for i := range 300 {
		install(i)
		if got := matched(&s); got != whole[i%3] {
			t.Errorf("after the change an event is for %q, want %q", got, whole[i%3])
		}
	}
	close(done)
	running.Wait()
	if r.Memory().Evictions == 0 {
		t.Error("nothing was let go")
	}
}
