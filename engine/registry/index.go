package registry

import (
	"slices"
	"sync"
	"sync/atomic"

	"hookline/engine/event"
	"hookline/engine/webhook"
	"hookline/jql"
	"hookline/matcher"
)

// lazyIndex is the index of a tenant, built from its webhooks when it is first needed.
type lazyIndex struct {
	mu    sync.Mutex // held while building and updating, so that no update falls between reading the webhooks and having the index
	index atomic.Pointer[index]
}

// index finds the webhooks of one tenant that an event matches.
type index struct {
	set    *matcher.Index
	latest atomic.Pointer[viewPlan]
	broken int // webhooks whose filter does not compile any more; they match nothing
}

// viewPlan is a view of the index with the plan to extract what its filters ask for.
type viewPlan struct {
	view *matcher.View
	plan *event.Plan
}

// get returns the index, building it first if need be.
func (l *lazyIndex) get(t *tenant) *index {
	if x := l.index.Load(); x != nil {
		return x
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if x := l.index.Load(); x != nil {
		return x
	}
	x := &index{set: matcher.New()}
	t.mu.RLock()
	info := t.info
	list := make([]*webhook.Webhook, 0, len(t.webhooks))
	for _, w := range t.webhooks {
		list = append(list, w)
	}
	t.mu.RUnlock()
	filed := entries(list, info)
	x.broken = len(list) - len(filed)
	x.set.Update(filed, nil)
	l.index.Store(x)
	return x
}

// update brings an index that was built in step with the tenant's webhooks, which must have been changed before.
// An index that was not built yet will read them.
func (l *lazyIndex) update(add []matcher.Entry, remove []matcher.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if x := l.index.Load(); x != nil {
		x.set.Update(add, remove)
	}
}

// drop forgets the index; it is built anew when it is next needed.
func (l *lazyIndex) drop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.index.Store(nil)
}

// view returns the latest view, and the plan for the fields it asks for. Plans are shared between views as
// long as these ask for the same fields.
func (x *index) view() (*matcher.View, *event.Plan) {
	v := x.set.View()
	last := x.latest.Load()
	if last != nil && last.view == v {
		return v, last.plan
	}
	next := &viewPlan{view: v}
	if last != nil && slices.Equal(last.view.Fields(), v.Fields()) {
		next.plan = last.plan
	} else {
		next.plan = event.NewPlan(v.Fields())
	}
	x.latest.Store(next)
	return v, next.plan
}

// entries compiles the filters of webhooks. One that does not compile, which only a store written by another
// version can hold, is left out: it must not keep the others from matching.
func entries(list []*webhook.Webhook, info *webhook.Tenant) []matcher.Entry {
	filed := make([]matcher.Entry, 0, len(list))
	for _, w := range list {
		q, err := jql.Parse(w.Filter)
		if err != nil {
			continue
		}
		f, err := jql.Compile(q, environment(info))
		if err != nil {
			continue
		}
		filed = append(filed, matcher.Entry{ID: matcher.ID(w.ID), Filter: condition(w, f)})
	}
	return filed
}

// condition is what an event has to meet for a webhook, as one filter: it is of one of the webhook's types, and
// where the type is one that JQL applies to, the JQL holds and the narrowing by changed fields or property
// keys is met.
func condition(w *webhook.Webhook, f *jql.Filter) *jql.Filter {
	root, filtered := &jql.AnyOf{}, &jql.AnyOf{}
	for _, name := range w.Events {
		t, known := event.Lookup(name)
		if known && !t.Filtered {
			root.Nodes = append(root.Nodes, ofType(name, t, w))
		} else {
			filtered.Nodes = append(filtered.Nodes, ofType(name, t, w))
		}
	}
	if len(filtered.Nodes) > 0 {
		root.Nodes = append(root.Nodes, both(filtered, overIssue(f)))
	}
	return jql.NewFilter(root)
}

// ofType holds for events of one type that pass the webhook's narrowing.
func ofType(name string, t event.Type, w *webhook.Webhook) jql.Node {
	names := t.SentAs
	if len(names) == 0 {
		names = []string{name}
	}
	about := in(event.TypeField, names)
	switch {
	case name == "jira:version_merged":
		return both(about, present(event.MergedField))
	case name == "jira:issue_updated" && len(w.FieldIDs) > 0:
		return both(about, in(event.ChangedField, w.FieldIDs))
	case t.Family == event.IssueProperty && len(w.PropertyKeys) > 0:
		return both(about, in(event.PropertyField, w.PropertyKeys))
	}
	return about
}

// overIssue is the filter, with the demand that there is an issue for it to hold on: only the filter that
// asks nothing holds for an event without one.
func overIssue(f *jql.Filter) jql.Node {
	if all, ok := f.Root().(*jql.AllOf); ok && len(all.Nodes) == 0 {
		return f.Root()
	}
	return both(present(event.IssueField), f.Root())
}

func in(f jql.Field, terms []string) jql.Node { return &jql.Test{Field: f, Terms: terms} }

// present holds when the field is not empty, whatever is in it.
func present(f jql.Field) jql.Node { return &jql.Test{Field: f, Negate: true} }

func both(a, b jql.Node) jql.Node { return &jql.AllOf{Nodes: []jql.Node{a, b}} }
