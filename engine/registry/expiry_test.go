package registry_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"hookline/engine/registry"
	"hookline/engine/webhook"
)

func TestExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, m := opened(t)
		body := issueEvent(updated, `"project":{"key":"EX"}`)
		ids := register(t, r, "https://r/1", item("project = EX", updated), item("project != B", updated))
		keep := func(string) time.Duration { return rules.Keep }
		giveUp := func(endpoint uint64) { t.Errorf("endpoint %d is given up", endpoint) }
		idle := func(uint64) bool { return true }
		sweep := func() {
			t.Helper()
			if err := r.Sweep(ctx, time.Now(), keep, giveUp, idle); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Hour - time.Nanosecond)
		if got := match(t, r, body); !slices.Equal(got, ids) {
			t.Errorf("just before its end: %v", got)
		}
		time.Sleep(time.Nanosecond)
		if got := match(t, r, body); len(got) != 0 {
			t.Errorf("at its end: %v", got)
		}
		sweep()
		if n := len(must(r.List(owner, rules.Flavor))); n != 2 {
			t.Errorf("%d expired webhooks are listed", n)
		}
		until, err := r.Refresh(ctx, rules, owner, []int64{ids[1], 99999})
		if err != nil || !until.Equal(time.Now().Add(time.Hour).Truncate(time.Millisecond)) {
			t.Errorf("refreshed until %v, %v", until, err)
		}
		if got := match(t, r, body); !slices.Equal(got, ids[1:]) {
			t.Errorf("refreshed: %v", got)
		}
		time.Sleep(26 * time.Hour)
		sweep()
		sweep()
		if len(m.webhooks) != 0 {
			t.Errorf("%d webhooks are kept after they were listed long enough", len(m.webhooks))
		}
		if len(m.endpoints) != 1 {
			t.Errorf("the endpoint went at once; an event may have been matched just before")
		}
		time.Sleep(2 * time.Hour)
		sweep()
		if len(m.endpoints) != 0 {
			t.Error("the endpoint stays though nothing leads to it")
		}
	})
}

// What has expired does not count towards the limit, and so cannot come back past it.
func TestRefreshKeepsToTheRules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := opened(t)
		strict := *rules
		strict.OneURL, strict.Limit = true, func(*webhook.Tenant, *webhook.App) int { return 2 }
		add := func(url string) int64 {
			t.Helper()
			results, err := r.Register(ctx, &strict, owner, url, []registry.Item{item("project = EX", updated)})
			if err != nil || len(results[0].Errors) > 0 {
				t.Fatal(err, results)
			}
			return results[0].ID
		}
		a1, a2 := add("https://r/a"), add("https://r/a")
		time.Sleep(time.Hour)
		b := add("https://r/b")
		refresh := func(ids ...int64) []int64 {
			t.Helper()
			if _, err := r.Refresh(ctx, &strict, owner, ids); err != nil {
				t.Fatal(err)
			}
			return match(t, r, issueEvent(updated, `"project":{"key":"EX"}`))
		}
		if got := refresh(a1, a2, b); !slices.Equal(got, []int64{b}) {
			t.Errorf("beside another URL in use: %v", got)
		}
		time.Sleep(time.Hour)
		if got := refresh(a2, a1, b); !slices.Equal(got, []int64{a1, a2}) {
			t.Errorf("up to the limit: %v", got)
		}
	})
}

// As long as the machine's clock is doubted, webhooks that would have expired by it match; when it is believed they do not.
func TestDoubtKeepsWebhooksMatching(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := opened(t)
		ahead := time.Duration(0)
		r.Doubt(func() time.Duration { return ahead })
		ids := register(t, r, "https://r/1", item("project = EX", updated))
		const years = 5 * 365 * 24 * time.Hour
		time.Sleep(years)
		for _, c := range []struct {
			doubt time.Duration
			want  []int64
		}{{years, ids}, {years - time.Hour, []int64{}}, {0, []int64{}}} {
			ahead = c.doubt
			if got := match(t, r, issueEvent(updated, `"project":{"key":"EX"}`)); !slices.Equal(got, c.want) {
				t.Errorf("with a doubt of %v: %v, want %v", c.doubt, got, c.want)
			}
		}
	})
}
