// Package matcher finds, for one event, all filters of a set that hold, at a cost that grows with the
// matches and not with the filters.
//
//	x := matcher.New()
//	x.Update([]matcher.Entry{{ID: 7, Filter: f}}, nil)
//
//	v := x.View()          // one consistent state; never blocks
//	var ev matcher.Event   // reused from event to event
//	ev.Reset(v)
//	ev.SetTime(time.Now()) // for conditions such as created > -7d
//	for slot, field := range v.Fields() { ... ev.Add(slot, term) ... }
//	ids = v.Match(ids[:0], &ev)
//
// The package knows nothing of webhooks, tenants or JSON: a filter is a [jql.Filter], its subscriber
// a number, and an event is a set of terms per field.
//
// # Exactness
//
// Match answers exactly what evaluating every filter one by one would answer; the tests check that
// on random filters and events, with updates going on.
//
// # Concurrency
//
// View and Match may be called from any number of goroutines and never block or take a lock. Update
// calls are serialised among themselves; the effect of one call becomes visible to new views as one
// step. An [Event] belongs to one goroutine at a time.
//
// # How it works
//
// Terms of a field are numbered: a symbol stands for one. Filters are compiled to small programs over symbols; equal filters
// share one. Every filter is filed under access keys: symbols, or pairs of them, of which an event must have one for the
// filter to hold. The rarest possible keys are chosen, by how often the filters themselves name a term. See keys.go.
//
// An event looks up the keys it has. What is found there is a bucket: the tests that are left of the filters of one
// key, sorted so that filters share their first tests, and laid out as an array through which matching runs once, from the
// front to the back, skipping what stands below a test that fails. The event is a set of bits, and most tests are a mask
// over one word of it. Many tests of one field beside each other are not tried one by one: the event's own values lead to
// those that hold, or, among filters that rule out a value, to those that do not. See node.go.
//
// A [jql.Condition] - an order, a pattern - has no symbols: it is a numbered leaf of the programs, decided
// over the terms themselves, and at most once per event however many filters share it. The terms are
// kept for the fields that conditions look at only. As an access key a condition says no more than that its
// field is not empty, so a filter with nothing else to go by is looked at for every event with the field.
//
// An index consists of an immutable base and of a delta with what came since. The delta, and all else
// that changes, only grows, in arrays that its snapshots share; a snapshot remembers how far it may
// look. A removal stamps the place with the version that made it. So an update costs what it changes,
// and a View costs nothing to keep but memory. When enough has changed, or something and
// the last merge is long ago, a merge makes a new base, and the old one goes when the last View of it does.
//
// # Caveats
//
// The fields of an index only ever grow in number, until the index itself is dropped. The terms of one
// index may take 4 GiB together, and so may its filters; those that come while a merge runs, 16 GiB with their access keys.
package matcher
