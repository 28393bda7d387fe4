package registry

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

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
	env    jql.Env // of the tenant
	latest atomic.Pointer[viewPlan]
	broken int // webhooks whose filter does not compile any more; they match nothing

	observed observed
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
	t.mu.RLock()
	x, byProject := &index{set: matcher.New(), env: t.env}, t.info.FilterProjects
	list := make([]*webhook.Webhook, 0, len(t.webhooks))
	for _, w := range t.webhooks {
		if indexed(w) {
			list = append(list, w)
		}
	}
	t.mu.RUnlock()
	filed := entries(list, x.env, byProject)
	x.broken = len(list) - len(filed)
	x.set.Update(filed, nil)
	x.observed.begin(time.Now())
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
		x.observed.forget(remove)
	}
}

// exchange is update for where one set of webhooks takes the place of another: attach makes known what is added, and detach
// forgets what is removed. An index that is built meanwhile has one set and not both.
func (l *lazyIndex) exchange(attach func(), add []matcher.Entry, remove []matcher.ID, detach func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	attach()
	if x := l.index.Load(); x != nil {
		x.set.Update(add, remove)
		x.observed.forget(remove)
	}
	detach()
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
		next.plan = event.NewPlan(v.Fields(), x.env)
	}
	x.latest.Store(next)
	return v, next.plan
}

// indexed says whether a webhook is found by its events and its filter, and wants to be.
func indexed(w *webhook.Webhook) bool { return len(w.Events) > 0 && !w.Disabled() }

// entries compiles the filters of webhooks. One that does not compile, as the tenant's site has changed or the store
// was written by another version, is left out: it must not keep the others from matching.
func entries(list []*webhook.Webhook, env jql.Env, byProject bool) []matcher.Entry {
	filed := make([]matcher.Entry, 0, len(list))
	for _, w := range list {
		q, err := jql.Parse(w.Filter)
		if err != nil {
			continue
		}
		f, err := jql.Compile(q, env)
		if err != nil {
			continue
		}
		filed = append(filed, matcher.Entry{ID: matcher.ID(w.ID), Filter: condition(w, f, byProject)})
	}
	return filed
}
