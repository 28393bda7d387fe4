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

	compiled atomic.Bool // some conditions were, as the store did not keep them
	observed observed
}

// viewPlan is a view of the index with the plan to extract what its filters ask for.
type viewPlan struct {
	view *matcher.View
	plan *event.Plan
}

// index returns the index of a stock, building it first if need be.
func (r *Registry) index(s *stock) *index {
	l := &s.index
	if x := l.index.Load(); x != nil {
		return x
	}
	x := l.build(func() *index { return r.build(s) })
	r.budget.charge(s)
	return x
}

// indexed returns the index of a tenant if there is one in memory.
func (t *tenant) indexed() *index {
	if s := t.stock.Load(); s != nil {
		return s.index.index.Load()
	}
	return nil
}

func (l *lazyIndex) build(build func() *index) *index {
	l.mu.Lock()
	defer l.mu.Unlock()
	if x := l.index.Load(); x != nil {
		return x
	}
	x := build()
	l.index.Store(x)
	return x
}

func (r *Registry) build(s *stock) *index {
	t := s.tenant
	t.mu.RLock()
	x, from := &index{set: matcher.New(), env: t.env}, t.compiling()
	list := make([]*webhook.Webhook, 0, len(s.webhooks))
	for _, w := range s.webhooks {
		if indexed(w) {
			list = append(list, w)
		}
	}
	t.mu.RUnlock()
	kept, others := r.conditions(t.id, &from, list)
	compiled := from.entries(others)
	x.compiled.Store(len(compiled) > 0)
	x.broken = len(others) - len(compiled)
	x.set.Update(append(kept, compiled...), nil)
	x.observed.begin(time.Now())
	return x
}

// update brings an index that was built in step with the tenant's webhooks, which must have been changed before.
// An index that was not built yet will read them.
func (l *lazyIndex) update(add []matcher.Entry, remove []matcher.ID) {
	l.exchange(func() {}, func() []matcher.Entry { return add }, remove, func() {})
}

// exchange is update for where one set of webhooks takes the place of another: attach makes known what is added, and detach
// forgets what is removed. An index that is built meanwhile has one set and not both. What is added is asked for where there is an index.
func (l *lazyIndex) exchange(attach func(), add func() []matcher.Entry, remove []matcher.ID, detach func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	attach()
	if x := l.index.Load(); x != nil {
		x.set.Update(add(), remove)
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
