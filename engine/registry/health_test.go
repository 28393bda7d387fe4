package registry_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hookline/engine/registry"
	"hookline/engine/webhook"
	"hookline/jql"
)

// noted matches an event as one that came in.
func noted(t *testing.T, r *registry.Registry, body string) {
	t.Helper()
	var s registry.Scratch
	if _, _, err := r.Match("acme", []byte(body), time.Now(), &s); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	s.Note(time.Now())
}

func health(t *testing.T, r *registry.Registry, before time.Time) *registry.Health {
	t.Helper()
	h, err := r.Health("acme", before, 100)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// idle writes the webhooks that have not matched since before, with the minutes since the start.
func idle(h *registry.Health, start time.Time) string {
	var all []string
	for _, w := range h.Idle {
		all = append(all, fmt.Sprintf("%d matched %v %v", w.Webhook, w.Matched, w.Since.Sub(start).Minutes()))
	}
	return strings.Join(all, ", ")
}

func unseen(h *registry.Health) []string {
	all := []string{}
	for _, u := range h.Unseen {
		all = append(all, strings.TrimSpace(fmt.Sprintf("%s=%s in %v %s", u.Field, u.Value, u.Webhooks.First, u.Aspect)))
	}
	slices.Sort(all)
	return all
}

func inStatus(status string) string {
	return issueEvent(updated, fmt.Sprintf(`"project":{"id":"1","key":"EX","name":"Example"},"status":{"id":"3","name":%q}`, status))
}

// TestHealthOverTime: a status is renamed, and what names the old one shows, by its value and by what it does not match
// any more.
func TestHealthOverTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := opened(t)
		start := time.Now()
		ids := register(t, r, "https://r/1",
			item("status = Done", updated), item("status = Open", updated), item("project = EX", updated))
		wantIdle := func(before time.Duration, want string) {
			t.Helper()
			if got := idle(health(t, r, start.Add(before)), start); got != want {
				t.Errorf("before %v: idle are %s; want %s", before, got, want)
			}
		}
		done, open, project := ids[0], ids[1], ids[2]
		noted(t, r, inStatus("Done"))
		time.Sleep(time.Minute)
		match(t, r, inStatus("Open")) // a trial
		wantIdle(time.Minute, fmt.Sprintf("%d matched true 0, %d matched false 0, %d matched true 0", done, open, project))
		time.Sleep(9 * time.Minute)
		noted(t, r, inStatus("Closed"))
		time.Sleep(time.Minute)
		wantIdle(0, "")
		wantIdle(10*time.Minute, fmt.Sprintf("%d matched true 0, %d matched false 0", done, open))
		if got, want := unseen(health(t, r, start.Add(time.Minute))), []string{
			fmt.Sprintf("status=Done in [%d]", done), fmt.Sprintf("status=Open in [%d]", open),
		}; !slices.Equal(got, want) {
			t.Errorf("unseen are %q; want %q", got, want)
		}
		if got := unseen(health(t, r, start)); len(got) > 0 {
			t.Errorf("unseen before the start are %q", got)
		}

		// One that is registered later is watched from then on; one that is gone is not.
		later := register(t, r, "https://r/1", item("status = Later", updated))
		if err := r.Delete(ctx, owner, rules.Flavor, []int64{done}); err != nil {
			t.Fatal(err)
		}
		if n := r.Remembered("acme"); n != 1 {
			t.Errorf("the last matches of %d webhooks are kept, of which one is there", n)
		}
		time.Sleep(time.Minute)
		wantIdle(12*time.Minute, fmt.Sprintf("%d matched false 0, %d matched true 10, %d matched false 11", open, project, later[0]))

		// An extended one is the same as before.
		if _, err := r.Refresh(ctx, rules, owner, []int64{project}); err != nil {
			t.Fatal(err)
		}
		wantIdle(11*time.Minute, fmt.Sprintf("%d matched false 0, %d matched true 10", open, project))
		time.Sleep(rules.Life - 30*time.Second) // all expire but the one that was extended
		wantIdle(11*time.Minute, fmt.Sprintf("%d matched true 10", project))
		r.DropIndex("acme")
		if h := health(t, r, start); !h.Since.Equal(time.Now()) || h.Events != 0 {
			t.Errorf("built anew: since %v, %d events", h.Since, h.Events)
		}
	})
}

// TestHealthOfValues: which values of events filters are asked about, and what of an event is a sighting of them.
func TestHealthOfValues(t *testing.T) {
	all := *rules
	all.Dialect = func(_ *webhook.Tenant, env jql.Env) *jql.Dialect { return jql.Full(env) }
	body := func(fields string) string {
		return `{"webhookEvent":"jira:issue_updated","changelog":{"items":[{"field":"status","fieldId":"status","fromString":"Open","toString":"Done"}]},` +
			`"issue":{"key":"EX-1","fields":{` + fields + `},"properties":{"app":{"tier":5,"on":true,"name":"n1"}}}}`
	}
	for name, test := range map[string]struct {
		item registry.Item
		want string
	}{
		"seen":               {item("status = Done", updated), ""},
		"renamed":            {item("status = Finished", updated), "status=Finished"},
		"one of a list":      {item("status IN (Done, Finished)", updated), "status=Finished"},
		"excluded":           {item("status != Finished", updated), "status=Finished"},
		"by key":             {item("project = EX", updated), ""},
		"by name":            {item("project = Example", updated), ""},
		"no name any more":   {item("project = OLD", updated), "project=OLD"},
		"number of property": {item("issue.property[app].tier = 5", updated), ""},
		"other number":       {item("issue.property[app].tier = 6", updated), "issue.property[app].tier=6"},
		"boolean":            {item(`issue.property[app].on = "true"`, updated), ""},
		"string":             {item("issue.property[app].name = n1", updated), ""},
		"other string":       {item("issue.property[app].name = N1", updated), "issue.property[app].name=N1"},
		"user":               {item("assignee = u1", updated), ""},
		"other user":         {item("assignee = U1", updated), "assignee=U1"},
		"date":               {item("created = 2020-01-01", updated), ""},
		"words":              {item("summary ~ nothing", updated), ""},
		"event type":         {item("status = Done", updated, "jira:issue_deleted"), ""},
		"changed field":      {registry.Item{Filter: "status = Done", Events: []string{updated}, FieldIDs: []string{"status", "summary"}}, "fieldIds=summary"},
	} {
		t.Run(name, func(t *testing.T) {
			r, _ := opened(t)
			results, err := r.Register(ctx, &all, owner, "https://r/1", []registry.Item{test.item})
			if err != nil || len(results[0].Errors) > 0 {
				t.Fatal(err, results)
			}
			noted(t, r, body(`"project":{"id":"1","key":"EX","name":"Example"},"status":{"id":"3","name":"Done"},"assignee":{"accountId":"u1"},"created":"2026-01-01T00:00:00.000+0000"`))
			want := []string{}
			if test.want != "" {
				want = append(want, fmt.Sprintf("%s in [%d]", test.want, results[0].ID))
			}
			h, err := r.Health("acme", time.Now().Add(-time.Minute), 100)
			if err != nil || h.UnseenCount != 0 {
				t.Fatalf("%+v, %v: nothing was watched for a minute", h, err)
			}
			// What was seen this minute, and what was named in it, is from before the next hour; what was seen is known.
			h = health(t, r, time.Now().Add(time.Hour))
			h.Unseen = slices.DeleteFunc(h.Unseen, func(u registry.Unseen) bool { return u.Seen })
			if got := unseen(h); !slices.Equal(got, want) {
				t.Errorf("never seen are %q, want %q", got, want)
			}
		})
	}
}

// TestHealthOfUsersByName: a user who is known by the display name was seen.
func TestHealthOfUsersByName(t *testing.T) {
	r, _ := opened(t)
	if _, err := r.ChangeTenant(ctx, "acme", func(info *webhook.Tenant) { info.DisplayNames = true }); err != nil {
		t.Fatal(err)
	}
	register(t, r, "https://r/1", item(`assignee = "Anna Smith"`, updated), item(`assignee = "Bert Smith"`, updated))
	noted(t, r, issueEvent(updated, `"assignee":{"accountId":"u1","displayName":"Anna Smith"}`))
	h := health(t, r, time.Now().Add(time.Hour))
	if len(h.Unseen) != 2 || h.Unseen[0].Seen == h.Unseen[1].Seen {
		t.Fatalf("%+v", h.Unseen)
	}
	for _, u := range h.Unseen {
		if u.Field != "assignee" || u.Seen != (u.Value == "Anna Smith") {
			t.Errorf("%+v", u)
		}
	}
}

// TestHealthOfFilters: what stands where, what is expensive, and what events cost.
func TestHealthOfFilters(t *testing.T) {
	r, _ := opened(t)
	ids := register(t, r, "https://r/1",
		item("project = EX", updated), item("project = EX", updated), // one filter
		item("status != Done", updated),                   // looked at for each update
		item("status = Open AND assignee != u9", updated)) // for those in a status
	for range 3 {
		noted(t, r, inStatus("Open"))
	}
	h := health(t, r, time.Now())
	if h.Filters != 3 || h.Webhooks != 4 || h.Residual != 1 {
		t.Errorf("%d filters of %d webhooks, %d residual", h.Filters, h.Webhooks, h.Residual)
	}
	if h.Events != 3 || h.Matched != 9 || h.Candidates < 9 {
		t.Errorf("%d events, %d candidates, %d matches", h.Events, h.Candidates, h.Matched)
	}
	first := h.Expensive[0]
	if !slices.Equal(first.Webhooks.First, ids[2:3]) || first.Webhooks.Count != 1 || !slices.Equal(first.Fields, []string{"event"}) {
		t.Errorf("the most expensive is %+v", first)
	}
	for i, f := range h.Expensive[1:] {
		if f.Visits > h.Expensive[i].Visits {
			t.Errorf("%v visits after %v", f.Visits, h.Expensive[i].Visits)
		}
	}
	whole := len(h.Expensive)
	h, err := r.Health("acme", time.Now().Add(time.Hour), 1)
	if err != nil || len(h.Expensive) != min(1, whole) || h.Expensive[0].Visits != first.Visits || len(h.Idle) != 1 || h.IdleCount != 4 || len(h.Unseen) != 1 || h.UnseenCount < 2 {
		t.Errorf("with a limit: %+v, %v", h, err)
	}
	if _, err := r.Health("nobody", time.Now(), 1); !errors.Is(err, webhook.ErrUnknownTenant) {
		t.Error(err)
	}
}

// TestHealthDuringEvents: events are noted, webhooks come and go, and people ask, all at the same time; in the end all is known.
func TestHealthDuringEvents(t *testing.T) {
	r, _ := opened(t)
	register(t, r, "https://r/1", item("status = Open", updated))
	const events, publishers = 200, 3
	var work sync.WaitGroup
	for p := range publishers {
		work.Go(func() {
			var s registry.Scratch
			for i := range events {
				at := time.Now().Add(time.Duration(p*events+i) * time.Minute)
				if _, _, err := r.Match("acme", []byte(inStatus("Open")), time.Now(), &s); err != nil {
					t.Error(err)
				}
				s.Note(at)
			}
		})
	}
	for i := range 50 {
		ids := register(t, r, "https://r/1", item(fmt.Sprintf("status IN (Open, s%d)", i), updated))
		if err := r.Delete(ctx, owner, rules.Flavor, ids); err != nil {
			t.Fatal(err)
		}
		health(t, r, time.Now())
	}
	work.Wait()
	h := health(t, r, time.Now().Add(1000*time.Hour))
	if h.Events != events*publishers || h.Matched < h.Events || len(h.Idle) != 1 || !h.Idle[0].Matched {
		t.Errorf("%+v", h)
	}
}

// TestNoteDoesNotAllocate: publishing goes on at no cost for the collector.
func TestNoteDoesNotAllocate(t *testing.T) {
	r, _ := opened(t)
	for i := range 20 {
		register(t, r, "https://r/1", item(fmt.Sprintf("status IN (Open, s%d)", i), updated))
	}
	var s registry.Scratch
	body, now := []byte(inStatus("Open")), time.Now()
	note := func() {
		if _, _, err := r.Match("acme", body, now, &s); err != nil {
			t.Fatal(err)
		}
		s.Note(now)
		now = now.Add(20 * time.Second)
	}
	note()
	if n := testing.AllocsPerRun(50, note); n != 0 {
		t.Errorf("%v allocations for an event", n)
	}
	if s.Candidates() != 20 {
		t.Errorf("%d candidates", s.Candidates())
	}
}
