package registry_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hookline/engine/registry"
	"hookline/engine/webhook"
	"hookline/jql"
)

// byProject is what the tenant of these tests knows of its site.
var byProject = webhook.Site{FilterProjects: true, Projects: []webhook.Project{
	{ID: 10000, Key: "EX", Name: "Example", Boards: []int64{5, 6}}, {ID: 10001, Key: "SHOP"},
}}

// projectEvents are the types that have a project, with the bodies that they come in.
var projectEvents = map[string][]string{
	"project_updated": {
		`"project":{"id":10000,"key":"EX","name":"Example"}`, `"project":{"id":10002,"key":"OPS","name":"The \u004fther"}`,
		`"project":{"key":"OPS","name":"Example"}`, `"project":{"id":"10001"}`, `"project":{}`, `"project":7`, `"other":{}`,
	},
	"jira:version_released": {
		`"version":{"id":"1","projectId":10000}`, `"version":{"id":"1","projectId":10001}`, `"version":{"projectId":"10002"}`,
		`"version":{"projectId":1e4}`, `"version":{"id":"1"}`, `"version":{"projectId":10000},"project":{"id":10002,"key":"OPS","name":"O"}`,
		`"sprint":{"originBoardId":5}`,
	},
	"jira:version_deleted": {`"version":{"projectId":10002},"mergedTo":{"projectId":10002}`, `"version":{"projectId":10000}`},
	"sprint_closed": {
		`"sprint":{"originBoardId":5}`, `"sprint":{"originBoardId":7}`, `"sprint":{}`, `"sprint":{"originBoardId":7},"project":{"key":"EX"}`,
		`"version":{"projectId":10000}`,
	},
	"board_updated": {
		`"board":{"id":5,"location":{"projectId":10002,"projectKey":"OPS","projectName":"Other","name":"Other (OPS)"}}`,
		`"board":{"id":5,"location":{"projectId":10002,"projectKey":"OPS"}}`, `"board":{"id":5,"location":{"projectKey":"EX","projectName":"Example"}}`,
		`"board":{"id":5,"location":{"projectId":10001}}`, `"board":{"id":5,"location":{"userId":10000}}`, `"board":{"id":5}`,
		`"configuration":{"location":{"type":"project","id":"10002","key":"OPS","name":"Other"}}`,
		`"configuration":{"location":{"type":"user","id":"10002","key":"OPS","name":"Other"}}`,
	},
}

// world is a project as it may be; none is that there is no project.
type world struct {
	none          bool
	id, key, name string
}

// worlds are all that the project of an event may be, for what the body and the site say of it. The names are all that
// the filters of the test know, and one of which they know nothing.
func worlds(typ string, body map[string]any) []world {
	at := func(path ...string) string {
		var v any = body
		for _, name := range path {
			m, _ := v.(map[string]any)
			v = m[name]
		}
		switch v := v.(type) {
		case string:
			return v
		case json.Number:
			return v.String()
		}
		return ""
	}
	id, key, name := at("project", "id"), at("project", "key"), at("project", "name")
	whole := key != "" || name != ""
	if id == "" && !whole {
		switch strings.TrimPrefix(strings.Split(typ, "_")[0], "jira:") {
		case "version":
			id = at("version", "projectId")
		case "sprint":
			for _, p := range byProject.Projects {
				if board, err := strconv.ParseInt(at("sprint", "originBoardId"), 10, 64); err == nil && slices.Contains(p.Boards, board) {
					id = strconv.FormatInt(p.ID, 10)
				}
			}
		case "board":
			id, key, name = at("board", "location", "projectId"), at("board", "location", "projectKey"), at("board", "location", "projectName")
			if at("configuration", "location", "type") == "project" {
				id, key, name = at("configuration", "location", "id"), at("configuration", "location", "key"), at("configuration", "location", "name")
			}
			whole = key != "" && name != ""
		}
	}
	if _, err := strconv.ParseUint(id, 10, 64); err != nil {
		id = ""
	}
	for _, p := range byProject.Projects {
		if !whole && id == strconv.FormatInt(p.ID, 10) {
			key, name, whole = p.Key, p.Name, true
		}
	}
	if id == "" && !whole {
		key, name = "", ""
	}
	var all []world
	for _, i := range someOr(id != "", id, "10000", "10001", "10002", "999") {
		for _, k := range someOr(whole, key, "EX", "SHOP", "OPS", "UNHEARDOF") {
			for _, n := range someOr(whole, name, "Example", "Other", "The Other", "O", "Unheard of") {
				all = append(all, world{id: i, key: k, name: n})
			}
		}
	}
	if id == "" && !whole {
		all = append(all, world{none: true})
	}
	return all
}

func someOr(known bool, one string, any ...string) []string {
	if known {
		return []string{one}
	}
	return any
}

// verdict is one of three: certainly false, unknown, certainly true.
type verdict int

const (
	wrong verdict = iota - 1
	unknown
	right
)

// judge evaluates a query over all that a project may be.
func judge(x jql.Expr, negate bool, all []world) verdict {
	of := func(list []jql.Expr, least bool) verdict {
		v := map[bool]verdict{true: right, false: wrong}[least]
		for _, x := range list {
			if next := judge(x, negate, all); least == (next < v) {
				v = next
			}
		}
		return v
	}
	switch x := x.(type) {
	case *jql.And:
		return of(x.Operands, !negate)
	case *jql.Or:
		return of(x.Operands, negate)
	case *jql.Not:
		return judge(x.Operand, !negate, all)
	}
	c := x.(*jql.Clause)
	if !strings.EqualFold(c.Field.Name, "project") || c.Op == jql.Changed {
		return unknown
	}
	holds := 0
	for _, w := range all {
		if inWorld(c, negate, w) {
			holds++
		}
	}
	switch holds {
	case 0:
		return wrong
	case len(all):
		return right
	}
	return unknown
}

// inWorld decides a clause about the project where the project is known.
func inWorld(c *jql.Clause, negate bool, w world) bool {
	if c.Op == jql.Ne || c.Op == jql.NotIn || c.Op == jql.IsNot {
		negate = !negate
	}
	asked, empty := false, false
	var visit func(jql.Operand)
	visit = func(o jql.Operand) {
		switch o := o.(type) {
		case jql.Value:
			asked = asked || slices.ContainsFunc([]string{w.id, w.key, w.name}, func(s string) bool { return strings.EqualFold(s, o.Text) })
		case jql.Empty:
			empty = true
		case jql.List:
			for _, item := range o.Items {
				visit(item)
			}
		}
	}
	visit(c.Operand)
	if w.none {
		return empty && !negate
	}
	return asked != negate
}

// randomQuery is a query of the extended dialect about projects and other things.
func randomQuery(t *rapid.T, depth int) string {
	project := func() string {
		return rapid.SampledFrom([]string{"EX", "ex", "SHOP", "OPS", "10000", "10001", "10002", "Example", `"The Other"`, "EMPTY"}).Draw(t, "project")
	}
	switch kind := rapid.IntRange(0, 9).Draw(t, "kind"); {
	case kind < 4 && depth > 0:
		word := rapid.SampledFrom([]string{" AND ", " OR "}).Draw(t, "word")
		return "(" + randomQuery(t, depth-1) + word + randomQuery(t, depth-1) + ")"
	case kind == 4 && depth > 0:
		return "NOT (" + randomQuery(t, depth-1) + ")"
	case kind == 5:
		return rapid.SampledFrom([]string{"status = Done", "assignee IS EMPTY", "summary ~ disk", "key != EX-1", "created > -7d", "project CHANGED"}).Draw(t, "other")
	case kind == 6:
		return "project " + rapid.SampledFrom([]string{"IN (", "NOT IN ("}).Draw(t, "in") + project() + ", " + project() + ")"
	case kind == 7:
		return "project " + rapid.SampledFrom([]string{"IS EMPTY", "IS NOT EMPTY"}).Draw(t, "is")
	}
	return "project " + rapid.SampledFrom([]string{"=", "!="}).Draw(t, "operator") + " " + project()
}

// projectRules are those of the tests that filter by project.
func projectRules() *registry.Rules {
	r := *rules
	r.Dialect = func(_ *webhook.Tenant, env jql.Env) *jql.Dialect { return jql.Extended(env) }
	return &r
}

// TestFilterProjects compares the index, with webhooks that come before and after it is built, with the three-valued
// evaluation of every query one by one.
func TestFilterProjects(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r, _ := opened(t)
		if _, err := r.ChangeTenant(ctx, owner.Tenant, func(t *webhook.Tenant) { t.Site = byProject }); err != nil {
			rt.Fatal(err)
		}
		types := []string{"jira:issue_updated", "jira:version_merged"}
		for name := range projectEvents {
			types = append(types, name)
		}
		slices.Sort(types)
		queries := map[int64]asking{}
		for range 2 {
			for range rapid.IntRange(1, 5).Draw(rt, "webhooks") {
				events := rapid.SliceOfNDistinct(rapid.SampledFrom(types), 1, 4, rapid.ID).Draw(rt, "events")
				it := item(randomQuery(rt, 3), events...)
				results, err := r.Register(ctx, projectRules(), owner, "https://r/1", []registry.Item{it})
				if err != nil || len(results[0].Errors) > 0 {
					rt.Fatal(it.Filter, results, err)
				}
				q, err := jql.Parse(it.Filter)
				if err != nil {
					rt.Fatal(err)
				}
				queries[results[0].ID] = asking{it, q.Where}
			}
			for typ, bodies := range projectEvents {
				for _, inner := range bodies {
					text := fmt.Sprintf(`{"webhookEvent":%q,%s}`, typ, inner)
					compareMatch(rt, r, typ, text, queries)
				}
			}
		}
	})
}

// asking is a webhook with its query.
type asking struct {
	registry.Item
	where jql.Expr
}

func compareMatch(t *rapid.T, r *registry.Registry, typ, text string, queries map[int64]asking) {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var body map[string]any
	if err := dec.Decode(&body); err != nil {
		t.Fatal(err)
	}
	possible := worlds(typ, body)
	var want []int64
	for id, it := range queries {
		asked := slices.Contains(it.Events, typ) || slices.Contains(it.Events, "jira:version_merged") && body["mergedTo"] != nil
		if asked && judge(it.where, false, possible) != wrong {
			want = append(want, id)
		}
	}
	slices.Sort(want)
	var s registry.Scratch
	_, matched, err := r.Match(owner.Tenant, []byte(text), time.Now(), &s)
	if err != nil {
		t.Fatal(err)
	}
	var got []int64
	for _, m := range matched {
		got = append(got, m.Webhook)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		for _, id := range append(got, want...) {
			t.Logf("%d: %s for %v", id, queries[id].Filter, queries[id].Events)
		}
		t.Fatalf("%s\nmatches %v, want %v", text, got, want)
	}
}

// TestFilterProjectsOff: without the setting these events go to whoever names them, and a change of the setting holds for
// the webhooks that are there.
func TestFilterProjectsOff(t *testing.T) {
	r, _ := opened(t)
	ids := register(t, r, "https://r/1", item("project = EX", "jira:version_released", "jira:issue_updated"))
	other := `{"webhookEvent":"jira:version_released","version":{"projectId":10001}}`
	set := func(s webhook.Site) {
		t.Helper()
		if _, err := r.ChangeTenant(ctx, owner.Tenant, func(t *webhook.Tenant) { t.Site = s }); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		site webhook.Site
		want []int64
	}{
		{webhook.Site{}, ids}, {webhook.Site{FilterProjects: true}, ids}, {byProject, nil}, {webhook.Site{Projects: byProject.Projects}, ids},
	} {
		set(c.site)
		if got := match(t, r, other); !slices.Equal(got, c.want) {
			t.Errorf("%+v: %v, want %v", c.site, got, c.want)
		}
		if got := match(t, r, issueEvent(updated, `"project":{"key":"SHOP"}`)); len(got) != 0 {
			t.Errorf("%+v: an issue of another project: %v", c.site, got)
		}
		if got := match(t, r, issueEvent(updated, `"project":{"key":"EX"}`)); !slices.Equal(got, ids) {
			t.Errorf("%+v: an issue of the project: %v", c.site, got)
		}
	}
}

// TestFilterProjectsNever: what nothing can meet is not unknown.
func TestFilterProjectsNever(t *testing.T) {
	r, _ := opened(t)
	if _, err := r.ChangeTenant(ctx, owner.Tenant, func(t *webhook.Tenant) { t.FilterProjects = true }); err != nil {
		t.Fatal(err)
	}
	results, err := r.Register(ctx, projectRules(), owner, "https://r/1", []registry.Item{item("assignee = currentUser()", "sprint_closed")})
	if err != nil || len(results[0].Errors) > 0 {
		t.Fatal(results, err)
	}
	if got := match(t, r, `{"webhookEvent":"sprint_closed","sprint":{}}`); len(got) != 0 {
		t.Errorf("%v", got)
	}
}
