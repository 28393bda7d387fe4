package registry_test

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"hookline/engine/event"
	"hookline/engine/registry"
	"hookline/engine/store"
	"hookline/engine/webhook"
)

// twins are two registries to which the same is done. One of them lets go of tenants all the time.
type twins struct {
	rt          *rapid.T
	stays, goes *registry.Registry
	m, n        *memory // their stores
}

// letGo is done to one of them alone.
func (tw *twins) letGo() {
	for _, id := range twinTenants {
		if rapid.IntRange(0, 2).Draw(tw.rt, "let go of "+id) == 0 {
			tw.goes.Evict(id)
		}
	}
}

// during is called in the midst of a change.
func (tw *twins) during(c *store.Changes) {
	for _, w := range slices.Concat(c.PutWebhooks, c.DeleteWebhooks) {
		if tw.goes.Reads(w.Owner.Tenant) {
			tw.rt.Fatalf("the webhooks of %s could be read while they change", w.Owner.Tenant)
		}
		tw.goes.Evict(w.Owner.Tenant)
	}
}

// same asks both, and checks that they say the same.
func (tw *twins) same(what string, ask func(*registry.Registry) []any) {
	tw.letGo()
	a, b := told(ask(tw.stays)), told(ask(tw.goes))
	if a != b {
		tw.rt.Fatalf("%s\nof the one that keeps all: %s\nof the one that lets go:  %s", what, a, b)
	}
}

func told(answers []any) string {
	for i, a := range answers {
		switch a := a.(type) {
		case []registry.Result:
			answers[i] = fmt.Sprintf("%v", a)
		case error:
			answers[i] = a.Error()
		}
	}
	return string(must(json.Marshal(answers)))
}

var (
	twinTenants = []string{"acme", "b", "c"}
	twinURLs    = []string{"https://r/1", "https://r/2", "https://app.example/base/x"}
	twinFilters = []string{"project = A", "project = B", "project in (A, B)", "project != A", `"Epic Link" = EX-5`, "status = Open and project = A", "", "nonsense"}
	twinEvents  = [][]string{{updated}, {"jira:issue_created", updated}, {"sprint_started"}, {"issue_property_set"}, nil}

	// Lives are short, as what is drawn is bounded in time, and that is the one in which they pass.
	twinDynamic = registry.Rules{
		Flavor: rules.Flavor, Dialect: rules.Dialect, Event: rules.Event, Limit: rules.Limit, Life: time.Minute, AutoExtend: true,
	}
	twinAdmin = registry.Rules{
		Flavor: "admin", Dialect: declaredRules.Dialect, Event: rules.Event, Limit: rules.Limit, Separate: true, UniqueNames: true,
		PostFunctions: true, NoEvents: true, HubSecret: true,
	}
	twinRules = map[string]*registry.Rules{
		twinDynamic.Flavor: &twinDynamic, twinAdmin.Flavor: &twinAdmin, plain.Flavor: plain, declaredRules.Flavor: declaredRules, declaredPlain.Flavor: declaredPlain,
	}
)

func twinRulesOf(flavor string) *registry.Rules { return twinRules[flavor] }

func (tw *twins) tenant() string { return rapid.SampledFrom(twinTenants).Draw(tw.rt, "tenant") }

func (tw *twins) item() registry.Item {
	i := registry.Item{Filter: rapid.SampledFrom(twinFilters).Draw(tw.rt, "filter"), Events: rapid.SampledFrom(twinEvents).Draw(tw.rt, "events")}
	if rapid.Bool().Draw(tw.rt, "with settings") {
		s := &webhook.Settings{Name: rapid.SampledFrom([]string{"m", "n", "o"}).Draw(tw.rt, "name"), Disabled: rapid.IntRange(0, 4).Draw(tw.rt, "disabled") == 0}
		if on := rapid.Bool().Draw(tw.rt, "extended"); rapid.Bool().Draw(tw.rt, "says so") {
			s.AutoExtend = &on
		}
		s.Secret = rapid.SampledFrom([]string{"", "sealed"}).Draw(tw.rt, "secret")
		i.Settings = s
	}
	return i
}

// owned draws rules with an owner who may register under them.
func (tw *twins) owned() (*registry.Rules, webhook.Owner) {
	o := webhook.Owner{Tenant: tw.tenant()}
	switch rapid.IntRange(0, 2).Draw(tw.rt, "flavor") {
	case 0:
		return &twinAdmin, o
	case 1:
		o.App = "ci"
		return plain, o
	}
	o.App = "ci"
	return &twinDynamic, o
}

func (tw *twins) id() int64 { return rapid.Int64Range(1000, 1012).Draw(tw.rt, "number") }

// step changes something in both.
func (tw *twins) step() {
	r, o := tw.owned()
	id, url := tw.id(), rapid.SampledFrom(twinURLs).Draw(tw.rt, "URL")
	switch kind := rapid.IntRange(0, 15).Draw(tw.rt, "change"); kind {
	case 0, 1, 2, 3:
		if r == plain {
			r, o.App = &twinDynamic, "ci"
		}
		items := []registry.Item{tw.item()}
		if rapid.Bool().Draw(tw.rt, "two") {
			items = append(items, tw.item())
		}
		tw.same("Register", func(x *registry.Registry) []any {
			results, err := x.Register(ctx, r, o, url, items)
			return []any{results, err}
		})
	case 4:
		i := tw.item()
		tw.same("Change", func(x *registry.Registry) []any {
			w, result, err := x.Change(ctx, &twinAdmin, webhook.Owner{Tenant: o.Tenant}, id, func(u *string, is *registry.Item) error {
				*u, *is = url, i
				return nil
			})
			return []any{w, []registry.Result{result}, err}
		})
	case 5:
		i := tw.item()
		tw.same("ChangeSettings", func(x *registry.Registry) []any {
			w, err := x.ChangeSettings(ctx, o.Tenant, id, func(s *webhook.Settings, e *webhook.Endpoint) error {
				if i.Settings == nil {
					return errors.New("no")
				}
				s.AutoExtend, s.Secret, e.Paused = i.Settings.AutoExtend, i.Settings.Secret, true
				return nil
			})
			return []any{w, err}
		})
	case 6:
		tw.same("Delete", func(x *registry.Registry) []any { return []any{x.Delete(ctx, o, r.Flavor, []int64{id, id + 1})} })
	case 7:
		tw.same("Refresh", func(x *registry.Registry) []any {
			until, err := x.Refresh(ctx, &twinDynamic, webhook.Owner{Tenant: o.Tenant, App: "ci"}, []int64{id, id + 1, id + 2})
			return []any{until, err}
		})
	case 8:
		urls := rapid.SliceOfN(rapid.SampledFrom(twinURLs), 0, 3).Draw(tw.rt, "URLs")
		tw.same("Replace", func(x *registry.Registry) []any {
			gone, err := x.Replace(ctx, plain, webhook.Owner{Tenant: o.Tenant, App: "ci"}, urls)
			return []any{gone, err}
		})
	case 9:
		letters := rapid.SliceOfN(rapid.SampledFrom([]string{"auA", "buB", "acA"}), 0, 3).Draw(tw.rt, "declared")
		tw.same("Install", func(x *registry.Registry) []any {
			gone, err := x.Install(ctx, o.Tenant, "ci", base, sets("https://eu.example/1", letters...))
			slices.Sort(gone)
			return []any{gone, err}
		})
	case 10:
		site := webhook.Site{EpicLink: rapid.SampledFrom([]int64{0, 10008}).Draw(tw.rt, "epic link"), FilterProjects: rapid.Bool().Draw(tw.rt, "by project")}
		tw.same("PutTenant", func(x *registry.Registry) []any {
			return []any{x.PutTenant(ctx, webhook.Tenant{ID: o.Tenant, Site: site})}
		})
	case 11:
		tw.same("PutApp", func(x *registry.Registry) []any {
			return []any{x.PutApp(ctx, webhook.App{Tenant: o.Tenant, Key: "ci"})}
		})
	case 12:
		whole := rapid.IntRange(0, 3).Draw(tw.rt, "the tenant") == 0
		tw.same("DeleteApp", func(x *registry.Registry) []any {
			gone, err := x.DeleteApp(ctx, o.Tenant, "ci")
			if whole {
				gone, err = x.DeleteTenant(ctx, o.Tenant)
			}
			slices.Sort(gone)
			return []any{gone, err}
		})
	case 13:
		tw.same("SetPostFunctions", func(x *registry.Registry) []any {
			return []any{x.SetPostFunctions(ctx, &twinAdmin, o.Tenant, []webhook.PostFunction{{Workflow: "flow", Transition: "close", Webhook: id}})}
		})
	case 14:
		time.Sleep(time.Duration(rapid.IntRange(1, 40).Draw(tw.rt, "seconds")) * time.Second)
		delivered := time.Now().Add(-time.Duration(rapid.IntRange(0, 90).Draw(tw.rt, "ago")) * time.Second)
		tw.same("Extend and Sweep", func(x *registry.Registry) []any {
			n, err := x.Extend(ctx, time.Now(), twinRulesOf, func(uint64) time.Time { return delivered })
			keep := func(string) time.Duration { return 30 * time.Second }
			swept := x.Sweep(ctx, time.Now(), keep, func(uint64) {}, func(uint64) bool { return true })
			return []any{n, err, swept}
		})
	case 15:
		tw.n.unreadableSubscribers = rapid.IntRange(0, 3).Draw(tw.rt, "corrupt") == 0
		if rapid.Bool().Draw(tw.rt, "conditions are lost") {
			tw.n.loseFilters(func() bool { return rapid.Bool().Draw(tw.rt, "this one") })
		}
		fails := rapid.Bool().Draw(tw.rt, "the disk fails")
		for _, m := range []*memory{tw.m, tw.n} {
			if m.fail = nil; fails {
				m.fail = errors.New("disk")
			}
		}
	}
}

// compare asks both all that can be asked.
func (tw *twins) compare() {
	now := time.Now()
	lead := func(string) time.Duration { return 30 * time.Second }
	tw.same("Counts", func(x *registry.Registry) []any {
		c := x.Counts(now)
		return []any{c.Tenants, c.Apps, c.Webhooks, c.Endpoints, c.Expired, x.Expiring(now, lead), x.Flavors()}
	})
	tw.same("NewlyExpiring", func(x *registry.Registry) []any {
		list, more, err := x.NewlyExpiring(now.Add(-10*time.Second), now, lead, 100)
		slices.SortFunc(list, func(a, b *webhook.Webhook) int {
			return cmp.Or(cmp.Compare(a.Owner.Tenant, b.Owner.Tenant), cmp.Compare(a.ID, b.ID))
		})
		return []any{list, more, err}
	})
	tw.recount(now, lead)
	for _, id := range twinTenants {
		tw.same("All", func(x *registry.Registry) []any { all, err := x.All(id); return []any{all, err} })
		for _, r := range twinRules {
			for _, o := range []webhook.Owner{{Tenant: id}, {Tenant: id, App: "ci"}} {
				tw.same("List", func(x *registry.Registry) []any { all, err := x.List(o, r.Flavor); return []any{all, err} })
			}
		}
		tw.same("one by one", func(x *registry.Registry) (said []any) {
			for _, e := range x.Endpoints(id) {
				only, err := x.Only(e)
				said = append(said, e, only, err)
			}
			w, err := x.Webhook(id, 1001)
			first, failed := x.FirstExpiry(id, []int64{1000, 1001, 1002, 1003})
			return append(said, w, err, first, failed)
		})
		tw.same("Secrets", func(x *registry.Registry) (said []any) {
			err := x.Secrets(id, func(w *webhook.Webhook) error { said = append(said, w.ID); return nil })
			return append(said, err)
		})
		tw.same("Fired", func(x *registry.Registry) []any {
			list, err := x.Fired(nil, id, event.Transition{WorkflowName: "flow", Name: "close"})
			return []any{list, err}
		})
		for _, body := range []string{
			issueEvent(updated, `"project":{"key":"A"},"status":{"name":"Open"}`), issueEvent("jira:issue_created", `"project":{"key":"B"}`),
			issueEvent(updated, `"customfield_10014":"EX-5","project":{"key":"C"}`), issueEvent(updated, `"customfield_10008":"EX-5"`),
			`{"webhookEvent":"sprint_started","sprint":{"id":1}}`, `{"webhookEvent":"issue_property_set","property":{"key":"k"},"issue":{"fields":{}}}`, "junk",
		} {
			tw.same("Match "+body, func(x *registry.Registry) []any {
				var s registry.Scratch
				header, list, err := x.Match(id, []byte(body), now, &s)
				return []any{header.Type, list, err}
			})
		}
	}
}

// recount checks what is known of webhooks without them.
func (tw *twins) recount(now time.Time, lead func(string) time.Duration) {
	var all, expired, expiring int
	for _, id := range twinTenants {
		for _, w := range must(tw.stays.All(id)) {
			all++
			if w.Expired(now) {
				expired++
			} else if !w.Expires.IsZero() && w.Expires.Sub(now) <= lead(w.Flavor) {
				expiring++
			}
		}
	}
	if c := tw.stays.Counts(now); c.Webhooks != all || c.Expired != expired || tw.stays.Expiring(now, lead) != expiring {
		tw.rt.Fatalf("%+v and %d expiring; there are %d, %d expired, %d expiring", c, tw.stays.Expiring(now, lead), all, expired, expiring)
	}
}

// TestLettingGoIsNotSeen: a registry whose tenants are let go at random answers all calls as one whose are not, and so does one that is
// opened anew.
func TestLettingGoIsNotSeen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // so that both see the same times
		rapid.Check(struct{ rapid.TB }{t}, func(rt *rapid.T) { // which asks a testing.T for its deadline, and there is none here
			tw := &twins{rt: rt, m: newMemory(), n: newMemory()}
			tw.stays, tw.goes = must(registry.Open(tw.m)), must(registry.Open(tw.n))
			tw.n.before = tw.during
			tw.goes.Budget(rapid.Int64Range(0, 40<<10).Draw(rt, "budget"))
			for _, id := range twinTenants {
				tw.same("a tenant", func(x *registry.Registry) []any {
					return []any{x.PutTenant(ctx, webhook.Tenant{ID: id}), x.PutApp(ctx, webhook.App{Tenant: id, Key: "ci"})}
				})
			}
			for range rapid.IntRange(1, 25).Draw(rt, "steps") {
				tw.step()
				tw.compare()
			}
			if tw.m.fail, tw.n.fail = nil, nil; rapid.Bool().Draw(rt, "the other one anew") {
				tw.stays = must(registry.Open(tw.m))
			} else {
				tw.goes = must(registry.Open(tw.n))
			}
			tw.compare()
		})
	})
}
