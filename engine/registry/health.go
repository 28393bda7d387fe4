package registry

import (
	"cmp"
	"slices"
	"time"

	"hookline/engine/event"
	"hookline/engine/webhook"
	"hookline/matcher"
)

// Health is how the filters of a tenant do, as far as its index knows: since it was built, that is when the first
// event of the tenant came in after the start, after its webhooks were let go as all took too much memory, or after its site
// changed.
type Health struct {
	Since  time.Time
	Sizes  IndexSizes // with Filed of the filters that Filters counts
	Broken int        // webhooks whose filter does not compile any more

	// Webhooks counts those in the index, Filters the distinct filters that they have, and Residual those of them that no
	// value in the JQL narrows: events look at them whatever their values are, for their type at best.
	Webhooks, Filters, Residual int

	// Events counts the events of the tenant, Candidates the filters that were looked at for them, Tests the tests that
	// it took to tell which of them hold, Matched the webhooks that matched.
	Events, Candidates, Tests, Matched int64

	Expensive []Expensive // filters, those that are looked at most first
	Idle      []Idle      // webhooks, those that have not matched for longest first
	Unseen    []Unseen    // values, those that no event has had for longest first

	IdleCount, UnseenCount int // of which the lists are the first
}

// Expensive is a distinct filter whose access keys do not decide, so that it has to be verified whenever an event has
// one of them.
type Expensive struct {
	Webhooks   Users
	Filter     string   // JQL of the first of the webhooks
	Filed      string   // by what the filter stands under, as in [IndexSizes]
	Fields     []string // that its access keys are of, as JQL names them
	Keys       int
	Visits     float64 // expected for each event; see [matcher.FilterInfo]
	Conditions int     // orders and patterns
}

// Users are the webhooks that something is found in.
type Users struct {
	First []int64 // ten at most
	Count int
}

const mostUsers = 10

func (u *Users) add(ids []matcher.ID) {
	for _, id := range ids[:min(len(ids), mostUsers-len(u.First))] {
		u.First = append(u.First, int64(id))
	}
	u.Count += len(ids)
}

// Idle is a webhook that has not matched for long.
type Idle struct {
	Webhook int64
	Filter  string    // its JQL
	Matched bool      // since [Health.Since]
	Since   time.Time // its last match, or if there was none, since when it is watched; to the minute
}

// Unseen is a value that filters name and that events have not had for long: it may have been renamed, or never been
// spelt like that.
type Unseen struct {
	Field    string // as JQL names it, "fieldIds" or "propertyKeys" where a webhook is narrowed to these
	Aspect   string // "from" or "to" for a value before or after a change, else empty
	Value    string // as the first of the webhooks has it
	Seen     bool   // since [Health.Since]
	Since    time.Time
	Webhooks Users
}

// Health tells how the filters of a tenant do. Webhooks are idle and values unseen that were so before a time; of each list
// there are the first few, up to limit. It takes some microseconds for each webhook, and builds the index if need be. Errors:
// webhook.ErrUnknownTenant, or why the tenant's webhooks cannot be read.
func (r *Registry) Health(tenantID string, before time.Time, limit int) (*Health, error) {
	t := r.tenant(tenantID)
	if t == nil {
		return nil, webhook.ErrUnknownTenant
	}
	s, err := r.stock(t, forBoth)
	if err != nil {
		return nil, err
	}
	x := s.index.Load()
	for x == nil { // it was dropped meanwhile
		if s, err = r.stock(t, forBoth); err != nil {
			return nil, err
		}
		x = s.index.Load()
	}
	o := &x.observed
	e := examination{
		stock: s, view: x.set.View(), observed: o, before: before, now: r.Believed(time.Now()), limit: limit,
		values: newValues(x.set.View(), x.env), quiet: map[matcher.TermID]*Unseen{},
		health: &Health{
			Since: o.since, Sizes: newIndexSizes(), Broken: x.broken,
			Events: o.events.Load(), Candidates: o.candidates.Load(), Tests: o.tests.Load(), Matched: o.matched.Load(),
		},
	}
	e.health.Sizes.add(x)
	e.health.Sizes.Filed = newIndexSizes().Filed
	e.run()
	return e.health, nil
}

// examination is the making of a Health.
type examination struct {
	stock    *stock
	view     *matcher.View
	observed *observed
	before   time.Time
	now      time.Time
	limit    int
	values   *values
	quiet    map[matcher.TermID]*Unseen // nil for terms that events have, or that are no values
	health   *Health
}

func (e *examination) run() {
	h := e.health
	for f := range e.view.Filters {
		h.Webhooks += len(f.Subscribers)
		h.Filters++
		h.Sizes.Filed[f.Filing.String()]++
		if e.residual(f) {
			h.Residual++
		}
		if !f.Exact {
			e.rank(f)
		}
		for _, id := range f.Subscribers {
			e.watch(int64(id))
		}
		e.look(f)
	}
	slices.SortFunc(h.Idle, func(a, b Idle) int { return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Webhook, b.Webhook)) })
	for _, u := range e.quiet {
		if u != nil {
			h.Unseen = append(h.Unseen, *u)
		}
	}
	slices.SortFunc(h.Unseen, func(a, b Unseen) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Field, b.Field), cmp.Compare(a.Aspect, b.Aspect), cmp.Compare(a.Value, b.Value))
	})
	h.IdleCount, h.UnseenCount = len(h.Idle), len(h.Unseen)
	h.Idle, h.Unseen = h.Idle[:min(len(h.Idle), e.limit)], h.Unseen[:min(len(h.Unseen), e.limit)]
	e.quote()
}

// quote adds what the owners of webhooks wrote to what is listed.
func (e *examination) quote() {
	for i := range e.health.Expensive {
		x := &e.health.Expensive[i]
		x.Filter = e.filter(x.Webhooks.First[0])
	}
	for i := range e.health.Idle {
		w := &e.health.Idle[i]
		w.Filter = e.filter(w.Webhook)
	}
	for i := range e.health.Unseen {
		u := &e.health.Unseen[i]
		u.Value = spelled(e.filter(u.Webhooks.First[0]), u.Value)
	}
}

// filter returns the JQL of a webhook, "" if it has gone meanwhile.
func (e *examination) filter(id int64) string {
	if w := e.webhook(id); w != nil {
		return w.Filter
	}
	return ""
}

// webhook returns a webhook, nil if it has gone meanwhile.
func (e *examination) webhook(id int64) *webhook.Webhook {
	e.stock.tenant.mu.RLock()
	defer e.stock.tenant.mu.RUnlock()
	return e.stock.webhooks[id]
}

// residual says whether no key of the filter is of a value in the JQL.
func (e *examination) residual(f *matcher.FilterInfo) bool {
	switch f.Filing {
	case matcher.FiledAlways, matcher.FiledByPresence:
		return true
	case matcher.FiledByTerm:
		return len(f.Slots) == 1 && e.view.Fields()[f.Slots[0]] == event.TypeField
	}
	return false
}

// rank gives a filter its place among the expensive ones, if it has one.
func (e *examination) rank(f *matcher.FilterInfo) {
	list := e.health.Expensive
	at, _ := slices.BinarySearchFunc(list, f.Visits, func(x Expensive, visits float64) int {
		if x.Visits >= visits {
			return -1
		}
		return 1
	})
	if at == e.limit {
		return
	}
	x := Expensive{Filed: f.Filing.String(), Keys: f.Keys, Visits: f.Visits, Conditions: f.Conditions, Fields: []string{}}
	x.Webhooks.add(f.Subscribers)
	for _, slot := range f.Slots {
		name, _ := fieldName(e.view.Fields()[slot])
		x.Fields = append(x.Fields, name)
	}
	list = slices.Insert(list, at, x)
	e.health.Expensive = list[:min(len(list), e.limit)]
}

// watch lists a webhook that has not matched for long, unless it is over.
func (e *examination) watch(id int64) {
	w := e.webhook(id)
	if w == nil || w.Expired(e.now) {
		return
	}
	at, matched := e.observed.lastMatch(id)
	if !matched {
		at = watchedSince(w, e.observed.since)
	}
	if at.Before(e.before) {
		e.health.Idle = append(e.health.Idle, Idle{Webhook: id, Matched: matched, Since: at})
	}
}

// watchedSince is since when it would be known that a webhook as it is has matched.
func watchedSince(w *webhook.Webhook, since time.Time) time.Time {
	at := w.Created
	if w.Settings != nil && w.Settings.Updated.After(at) {
		at = w.Settings.Updated
	}
	if since.After(at) {
		at = since
	}
	return at.Truncate(time.Minute)
}

// look lists the values in a filter that events have not had for long.
func (e *examination) look(f *matcher.FilterInfo) {
	for _, id := range f.Terms {
		u, known := e.quiet[id]
		if !known {
			if u = e.values.read(id); u != nil && !u.Since.Before(e.before) {
				u = nil
			}
			e.quiet[id] = u
		}
		if u != nil {
			u.Webhooks.add(f.Subscribers)
		}
	}
}
