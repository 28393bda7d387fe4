package registry_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hookline/engine/event"
	"hookline/engine/registry"
	"hookline/engine/store"
	"hookline/engine/webhook"
	"hookline/jql"
)

// Rules of webhooks that are declared: with filters, and of a system without.
var (
	declaredRules = &registry.Rules{
		Flavor: "declared", Separate: true,
		Dialect: func(_ *webhook.Tenant, env jql.Env) *jql.Dialect { return jql.Full(env) },
		Event:   func(name string) bool { _, ok := event.Lookup(name); return ok },
		Limit:   func(*webhook.Tenant, *webhook.App) int { return 6 },
	}
	declaredPlain = &registry.Rules{
		Flavor: "declared plain", System: webhook.Migration, Separate: true, AnyBase: true,
		Limit: func(*webhook.Tenant, *webhook.App) int { return 2 },
	}
)

var base = &webhook.Descriptor{BaseURL: "https://app.example/base", Text: "{}"}

// declared is a webhook by one letter for each of its URL, its event and its filter.
func declared(i int, letters string) registry.Declared {
	events := map[byte]string{'u': updated, 'c': "comment_created"}
	return registry.Declared{
		Place: fmt.Sprintf("place %d", i), URL: "https://app.example/base/" + letters[:1],
		Item: registry.Item{Filter: "project = " + letters[2:3], Events: []string{events[letters[1]]}},
	}
}

func sets(plainURL string, letters ...string) []registry.Set {
	first, second := registry.Set{Rules: declaredRules}, registry.Set{Rules: declaredPlain}
	for i, l := range letters {
		first.List = append(first.List, declared(i, l))
	}
	if plainURL != "" {
		second.List = []registry.Declared{{Place: "plain", URL: plainURL}}
	}
	return []registry.Set{first, second}
}

// shown tells what is there under both rules, by number.
func shown(r *registry.Registry) map[int64]string {
	out := map[int64]string{}
	for _, w := range must(r.List(owner, declaredRules.Flavor)) {
		out[w.ID] = fmt.Sprintf("%d %s %s %s", w.Endpoint, w.URL, w.Events[0], w.Filter)
	}
	for _, w := range must(r.List(owner, declaredPlain.Flavor)) {
		out[w.ID] = fmt.Sprintf("%d %s", w.Endpoint, w.URL)
	}
	return out
}

// Whatever sets follow each other: there is what was declared last and no more, what did not change stays, what changed
// its filter alone keeps number and endpoint, numbers are not used again, what is gone has no endpoint, the index says what
// the list says, and a registry opened anew says the same.
func TestInstall(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		r, m := opened(t)
		last := int64(0)
		if rapid.Bool().Draw(rt, "indexed") {
			match(t, r, issueEvent(updated, ""))
		}
		for range rapid.IntRange(1, 8).Draw(rt, "changes") {
			letters := rapid.SliceOfN(rapid.SampledFrom([]string{"auA", "auB", "buA", "acA", "bcB", "cuC"}), 0, 6).Draw(rt, "webhooks")
			plainURL := rapid.SampledFrom([]string{"", "https://eu.example/1", "https://eu.example/2"}).Draw(rt, "plain")
			before := must(r.List(owner, declaredRules.Flavor))
			gone, err := r.Install(ctx, "acme", "ci", base, sets(plainURL, letters...))
			if err != nil {
				rt.Fatal(err)
			}
			after := must(r.List(owner, declaredRules.Flavor))
			checkContinued(rt, before, after, letters, last)
			for _, w := range append(after, must(r.List(owner, declaredPlain.Flavor))...) {
				last = max(last, w.ID)
				if e, ok := r.Endpoint(w.Endpoint); !ok || e.Webhook != w.ID || e.URL != w.URL || slices.Contains(gone, e.ID) {
					rt.Fatalf("webhook %d has the endpoint %+v; gone are %v", w.ID, e, gone)
				}
			}
			if len(r.EndpointsOf(owner, declaredRules.Flavor)) != len(letters) {
				rt.Fatalf("endpoints %v for %v", r.EndpointsOf(owner, declaredRules.Flavor), letters)
			}
			for _, project := range []string{"A", "B", "C"} {
				var want []int64
				for _, w := range after {
					if w.Events[0] == updated && w.Filter == "project = "+project {
						want = append(want, w.ID)
					}
				}
				slices.Sort(want)
				if got := match(t, r, issueEvent(updated, `"project":{"key":"`+project+`"}`)); !slices.Equal(got, want) {
					rt.Fatalf("project %s matches %v, want %v", project, got, want)
				}
			}
			if again := open(t, m); fmt.Sprint(shown(again)) != fmt.Sprint(shown(r)) {
				rt.Fatalf("opened anew: %v, was %v", shown(again), shown(r))
			}
			if gone, err := r.Install(ctx, "acme", "ci", base, sets(plainURL, letters...)); err != nil || len(gone) > 0 || !slices.Equal(after, must(r.List(owner, declaredRules.Flavor))) {
				rt.Fatalf("installed again: gone %v, %v", gone, err)
			}
		}
	})
}

// checkContinued checks that as many webhooks went on as could.
func checkContinued(t *rapid.T, before, after []*webhook.Webhook, letters []string, last int64) {
	count := func(list []*webhook.Webhook, of func(*webhook.Webhook) string) map[string]int {
		n := map[string]int{}
		for _, w := range list {
			n[of(w)]++
		}
		return n
	}
	whole := func(w *webhook.Webhook) string { return w.URL + w.Events[0] + w.Filter }
	part := func(w *webhook.Webhook) string { return w.URL + w.Events[0] }
	want := map[string]int{}
	for i, l := range letters {
		d := declared(i, l)
		want[d.URL+d.Events[0]+d.Filter]++
	}
	if got := count(after, whole); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("there are %v, declared was %v", got, want)
	}
	var same, kept, fresh int
	for _, w := range after {
		at := slices.IndexFunc(before, func(b *webhook.Webhook) bool { return b.ID == w.ID })
		switch {
		case at < 0:
			if fresh++; w.ID <= last {
				t.Fatalf("the number %d is used again", w.ID)
			}
		case before[at] == w:
			same++
		default:
			if kept++; before[at].Endpoint != w.Endpoint || part(before[at]) != part(w) {
				t.Fatalf("webhook %d was %+v and is %+v", w.ID, before[at], w)
			}
		}
	}
	common := func(of func(*webhook.Webhook) string) (n int) {
		a, b := count(before, of), count(after, of)
		for name := range a {
			n += min(a[name], b[name])
		}
		return n
	}
	if same != common(whole) || same+kept != common(part) {
		t.Fatalf("%d stayed and %d changed, want %d and %d", same, kept, common(whole), common(part)-common(whole))
	}
}

// What is wrong is told whole, and changes nothing.
func TestInstallRefused(t *testing.T) {
	t.Parallel()
	r, m := opened(t)
	if _, err := r.Install(ctx, "acme", "ci", base, sets("https://eu.example/1", "auA", "buB")); err != nil {
		t.Fatal(err)
	}
	before := fmt.Sprint(shown(r))
	wrong := sets("http://eu.example/1", "auA", "cuC")
	wrong[0].List = append(wrong[0].List,
		registry.Declared{Place: "p2", URL: "https://app.example/other", Item: registry.Item{Filter: "(", Events: []string{"nonsense"}}},
		registry.Declared{Place: "p3", URL: "https://app.example/base/../x", Item: registry.Item{Events: []string{updated}}},
	)
	for range 2 {
		_, err := r.Install(ctx, "acme", "ci", base, wrong)
		if tried := r.TryInstall("acme", "ci", base, wrong); fmt.Sprint(tried) != fmt.Sprint(err) {
			t.Errorf("tried: %v, installed: %v", tried, err)
		}
		var problems *registry.ProblemsError
		if !errors.As(err, &problems) {
			t.Fatalf("%v", err)
		}
		var places []string
		for _, p := range problems.Problems {
			place, _, _ := strings.Cut(p, ":")
			places = append(places, place)
		}
		if want := []string{"p2", "p2", "p2", "p3", "plain"}; !slices.Equal(places, want) {
			t.Errorf("problems %q", problems.Problems)
		}
	}
	if _, err := r.Install(ctx, "acme", "ci", base, sets("", "auA", "auA", "auA", "auA", "auA", "auA", "auA")); err == nil || !strings.Contains(err.Error(), "place 6: the limit of 6") {
		t.Errorf("over the limit: %v", err)
	}
	broken := errors.New("disk")
	m.fail = broken
	if _, err := r.Install(ctx, "acme", "ci", base, sets("", "cuC")); !errors.Is(err, broken) {
		t.Errorf("a store that fails: %v", err)
	}
	m.fail = nil
	if got := fmt.Sprint(shown(r)); got != before || fmt.Sprint(shown(open(t, m))) != before {
		t.Errorf("now %s, before %s", got, before)
	}
	for _, x := range []struct {
		tenant, app string
		want        error
	}{{"nobody", "ci", webhook.ErrUnknownTenant}, {"acme", "nobody", webhook.ErrUnknownApp}} {
		if _, err := r.Install(ctx, x.tenant, x.app, base, nil); !errors.Is(err, x.want) {
			t.Errorf("%s of %s: %v", x.app, x.tenant, err)
		}
	}
}

// The descriptor changes with what it declares, and by nothing else.
func TestInstallDescriptor(t *testing.T) {
	t.Parallel()
	r, m := opened(t)
	if _, err := r.Install(ctx, "acme", "ci", nil, sets("")); !errors.Is(err, registry.ErrNoDescriptor) {
		t.Errorf("nothing to uninstall: %v", err)
	}
	if _, err := r.Install(ctx, "acme", "ci", base, sets("https://eu.example/1", "auA")); err != nil {
		t.Fatal(err)
	}
	if err := r.PutApp(ctx, webhook.App{Tenant: "acme", Key: "ci", BaseURL: "https://other.example"}); err != nil {
		t.Fatal(err)
	}
	a, _ := open(t, m).App("acme", "ci")
	if a.Descriptor == nil || a.Base() != base.BaseURL {
		t.Errorf("the app is %+v", a)
	}
	var invalid *webhook.InvalidError
	if err := r.PutApp(ctx, webhook.App{Tenant: "acme", Key: "ci", Kind: webhook.OAuth}); !errors.As(err, &invalid) {
		t.Errorf("made an OAuth app: %v", err)
	}
	gone, err := r.Install(ctx, "acme", "ci", nil, sets(""))
	if a, _ = r.App("acme", "ci"); err != nil || len(gone) != 2 || a.Descriptor != nil || a.Base() != "https://other.example" || len(shown(r)) > 0 || len(shown(open(t, m))) > 0 {
		t.Errorf("gone %v, the app is %+v, there are %v (%v)", gone, a, shown(r), err)
	}
}

// letters are what the URLs of webhooks end with, by their numbers, of those that are gone as well.
type letters struct{ sync.Map }

func noteLetters(m *memory) *letters {
	l := new(letters)
	m.before = func(c *store.Changes) {
		for _, w := range c.PutWebhooks {
			l.Store(w.ID, w.URL[len(w.URL)-1:])
		}
	}
	return l
}

func (l *letters) of(id int64) string {
	letter, _ := l.Load(id)
	return letter.(string)
}

// While one set takes the place of another, an event is for all of one of them.
func TestInstallIsOneStep(t *testing.T) {
	t.Parallel()
	r, m := opened(t)
	letters := noteLetters(m)
	of := [][]string{{"auA", "buA", "cuA"}, {"duA", "euA"}, {"fuA", "auA"}}
	var stop sync.WaitGroup
	done := make(chan struct{})
	install := func(i int) {
		if _, err := r.Install(ctx, "acme", "ci", base, sets("", of[i%3]...)); err != nil {
			t.Error(err)
		}
	}
	install(0)
	for range 3 {
		stop.Go(func() {
			var s registry.Scratch
			for {
				select {
				case <-done:
					return
				default:
				}
				_, matched, err := r.Match("acme", []byte(issueEvent(updated, `"project":{"key":"A"}`)), time.Now(), &s)
				if err != nil {
					t.Error(err)
				}
				paths := ""
				for _, w := range matched {
					paths += letters.of(w.Webhook)
				}
				sorted := []byte(paths)
				slices.Sort(sorted)
				if got := string(sorted); got != "abc" && got != "de" && got != "af" {
					t.Errorf("an event is for %q", got)
					return
				}
			}
		})
	}
	stop.Go(func() { // so that the index is built while sets change
		for {
			select {
			case <-done:
				return
			default:
				r.DropIndex("acme")
			}
		}
	})
	for i := range 300 {
		install(i)
	}
	close(done)
	stop.Wait()
}
