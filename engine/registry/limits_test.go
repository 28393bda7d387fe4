package registry_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"hookline/engine/registry"
	"hookline/engine/webhook"
	"hookline/jql"
)

// excesses are the limits of filters that a result says are exceeded, with what it gives as allowed and as given.
func excesses(res registry.Result) (list []jql.Excess) {
	for _, err := range res.Errors {
		if check, ok := errors.AsType[*jql.CheckError](err); ok {
			for _, p := range check.Problems {
				if p.Excess != nil {
					list = append(list, *p.Excess)
				}
			}
		}
	}
	return list
}

// A filter over a limit is refused, in a registration, a trial of one and a change; one that is registered already stays
// whatever the limits become, and may be changed in other ways.
func TestFilterLimits(t *testing.T) {
	r, m := opened(t)
	two, three := "id = 1 OR id = 2", "id = 1 OR id = 2 OR id = 3"
	ids := register(t, r, "https://r/1", item(three, updated))
	r = open(t, m)
	r.Limit(registry.Limits{Filter: jql.Limits{Clauses: 2}})
	want := []jql.Excess{{Limit: jql.LimitClauses, Allowed: 2, Given: 3}}

	items := []registry.Item{item(two, updated), item(three, updated)}
	for name, register := range map[string]func() ([]registry.Result, error){
		"try":      func() ([]registry.Result, error) { return r.Try(rules, owner, "https://r/1", items) },
		"register": func() ([]registry.Result, error) { return r.Register(ctx, rules, owner, "https://r/1", items) },
	} {
		results, err := register()
		if err != nil || len(results[0].Errors) > 0 || !slices.Equal(excesses(results[1]), want) || results[1].ID != 0 {
			t.Errorf("%s: %+v, %v", name, results, err)
		}
	}
	change := func(filter, event string) registry.Result {
		t.Helper()
		_, res, err := r.Change(ctx, rules, owner, ids[0], func(_ *string, i *registry.Item) error {
			i.Filter, i.Events = filter, []string{event}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	if res := change(three, "jira:issue_created"); len(res.Errors) > 0 {
		t.Errorf("the filter stays, and is refused: %v", res.Errors)
	}
	if res := change(three+" OR id = 4", updated); !slices.Equal(excesses(res), []jql.Excess{{Limit: jql.LimitClauses, Allowed: 2, Given: 4}}) {
		t.Errorf("a larger filter: %+v", res)
	}
	if got := match(t, r, `{"webhookEvent":"jira:issue_created","issue":{"id":"3"}}`); !slices.Equal(got, ids) {
		t.Errorf("%v match, want %v", got, ids)
	}
}

// Limits that are not set are the defaults, and negative ones are none.
func TestDefaultLimits(t *testing.T) {
	r, _ := opened(t)
	values := func(n int) string {
		list := make([]string, n)
		for i := range list {
			list[i] = fmt.Sprint(i + 1)
		}
		return "id IN (" + strings.Join(list, ",") + ")"
	}
	most := jql.DefaultLimits.List
	try := func() registry.Result {
		t.Helper()
		results, err := r.Try(rules, owner, "https://r/1", []registry.Item{item(values(most+1), updated)})
		if err != nil {
			t.Fatal(err)
		}
		return results[0]
	}
	if got := excesses(try()); !slices.Equal(got, []jql.Excess{{Limit: jql.LimitList, Allowed: most, Given: most + 1}}) {
		t.Errorf("%+v", got)
	}
	register(t, r, "https://r/1", item(values(most), updated))
	r.Limit(registry.Limits{Filter: jql.Limits{List: -1}})
	if res := try(); len(res.Errors) > 0 {
		t.Errorf("without a limit: %v", res.Errors)
	}
}

// The limit of a tenant counts whoever's webhooks, under whatever rules; what makes room counts as well.
func TestTenantLimit(t *testing.T) {
	r, m := opened(t)
	r.Limit(registry.Limits{Webhooks: 3})
	other := *rules
	other.Flavor = "other"
	wanted := &registry.TenantLimitError{Limit: 3, Given: 4}
	add := func(rules *registry.Rules, owner webhook.Owner, n int) (refused int) {
		t.Helper()
		results, err := r.Register(ctx, rules, owner, "https://r/1", slices.Repeat([]registry.Item{item("project = EX", updated)}, n))
		if err != nil {
			t.Fatal(err)
		}
		for _, res := range results {
			for _, err := range res.Errors {
				if full, ok := errors.AsType[*registry.TenantLimitError](err); !ok || *full != *wanted {
					t.Errorf("%v; want %v", err, wanted)
				}
				refused++
			}
		}
		return refused
	}
	if n := add(rules, owner, 2); n != 0 {
		t.Fatalf("%d refused", n)
	}
	if n := add(&other, webhook.Owner{Tenant: "acme"}, 3); n != 2 {
		t.Errorf("%d refused, want 2", n)
	}
	r = open(t, m)
	r.Limit(registry.Limits{Webhooks: 3})
	if n := add(rules, owner, 1); n != 1 {
		t.Errorf("after a restart %d refused, want 1", n)
	}

	replacing := *rules
	replacing.OneURL, replacing.Replace = true, true
	results, err := r.Register(ctx, &replacing, owner, "https://r/2", slices.Repeat([]registry.Item{item("project = EX", updated)}, 3))
	if err != nil || len(results[1].Errors) > 0 || len(results[2].Errors) != 1 {
		t.Errorf("two in the place of two, and one more: %+v, %v", results, err)
	}
}

// A list of URLs and a descriptor may replace what is there where a tenant is full, and have no more than that.
func TestTenantLimitOfReplacements(t *testing.T) {
	r, _ := opened(t)
	r.Limit(registry.Limits{Webhooks: 2})
	plain := &registry.Rules{Flavor: "plain", System: webhook.Migration, AnyBase: true, Limit: func(*webhook.Tenant, *webhook.App) int { return 9 }}
	replace := func(urls ...string) error {
		_, err := r.Replace(ctx, plain, owner, urls)
		return err
	}
	if err := replace("https://a/", "https://b/"); err != nil {
		t.Fatal(err)
	}
	if err := replace("https://c/", "https://d/"); err != nil {
		t.Errorf("as many others: %v", err)
	}
	full := &registry.TenantLimitError{}
	if err := replace("https://c/", "https://d/", "https://e/"); !errors.As(err, &full) || *full != (registry.TenantLimitError{Limit: 2, Given: 3}) {
		t.Errorf("one more: %v", err)
	}
}
