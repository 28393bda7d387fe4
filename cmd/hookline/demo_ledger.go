package main

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"time"
)

// demoLedger is the account of the stream: what was published, what the server owes for it, and what arrived. It
// checks every delivery against the event it belongs to. An event makes at most one delivery for an app,
// as an app has one URL.
type demoLedger struct {
	mu     sync.Mutex
	apps   demoApps
	events map[int64]*demoEvent
	owners map[string]demoPlace // of the identifiers of deliveries
	last   int64                // the highest number of an event
	done   []int64              // events that are settled, and still known; the oldest first
	open   int                  // events that are not settled
	closed bool                 // nothing will be published any more
	empty  chan struct{}        // closed when closed and open is 0
	flaky  int64                // deliveries to flaky receivers

	totals                    demoTotals
	answers, arrivals, lately demoLatency
	problems                  []string
}

// demoTotals are counts since the start.
type demoTotals struct {
	published, matched, delivered, duplicates, retried, failures int64
}

// demoEvent is one event of the stream.
type demoEvent struct {
	body       []byte
	expected   [][]int64 // the webhooks that match, by app
	sent       time.Time
	accepted   bool
	owed, done int // deliveries
	deliveries []demoDelivery
}

// demoDelivery is the delivery of an event to one app.
type demoDelivery struct {
	identifier string
	refusals   int // attempts that will be refused
	refused    int // attempts that were refused
	answered   bool
}

type demoPlace struct {
	sequence int64
	app      int
}

// demoVisit is one request as a receiver read it.
type demoVisit struct {
	identifier string
	retry      int
	body       []byte
	ids        []int64 // matchedWebhookIds
	err        error   // why the request cannot be read, if so
}

const (
	// demoKeptEvents is how many settled events are remembered, so that a demo can run for days. What comes for one
	// that is forgotten is a duplicate.
	demoKeptEvents   = 20_000
	demoKeptProblems = 10
)

func newDemoLedger(apps demoApps) *demoLedger {
	return &demoLedger{apps: apps, events: map[int64]*demoEvent{}, owners: map[string]demoPlace{}, empty: make(chan struct{})}
}

// sent enters an event that is about to be published: its deliveries may arrive before the answer does.
func (l *demoLedger) sent(sequence int64, body []byte, expected [][]int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events[sequence] = &demoEvent{
		body: body, expected: expected, sent: time.Now(), deliveries: make([]demoDelivery, len(l.apps)),
	}
	l.last = max(l.last, sequence)
	l.open++
}

// accepted enters the server's promise. It may be larger than what is expected, by webhooks that somebody
// registered meanwhile; that the demo's own webhooks are not in it by mistake is checked on arrival.
func (l *demoLedger) accepted(sequence int64, r demoReceipt) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.events[sequence]
	if webhooks, deliveries := owedBy(e.expected); r.Matched < webhooks || r.Deliveries < deliveries {
		l.fail("event %d: the server answers %d webhooks and %d deliveries where %d and %d are expected",
			sequence, r.Matched, r.Deliveries, webhooks, deliveries)
	}
	e.accepted, e.owed = true, r.Deliveries
	l.totals.published++
	l.totals.matched += int64(e.owed)
	l.totals.delivered += int64(e.done)
	if e.done >= e.owed {
		l.settle(sequence, e)
	}
}

// refused enters that an event was not accepted.
func (l *demoLedger) refused(sequence int64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fail("event %d was not accepted: %v", sequence, err)
	l.settle(sequence, l.events[sequence])
}

// arrived enters an attempt at a delivery and returns the status to answer with.
func (l *demoLedger) arrived(sequence int64, app int, v *demoVisit) int {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if v.retry > 0 {
		l.totals.retried++
	}
	e := l.events[sequence]
	if e == nil {
		l.stray(sequence, app)
		return 200
	}
	d := &e.deliveries[app]
	l.check(demoPlace{sequence, app}, e, d, v)
	if d.answered {
		l.totals.duplicates++
		return 200
	}
	if d.refused == 0 {
		l.answers.observe(now.Sub(e.sent))
		l.lately.observe(now.Sub(e.sent))
	}
	if d.refused < d.refusals {
		d.refused++
		return 503
	}
	l.deliver(sequence, e, d, now)
	return 200
}

// stray enters a delivery of an event that is not known any more, or never was.
func (l *demoLedger) stray(sequence int64, app int) {
	if sequence > l.last {
		l.fail("%s was sent event %d, which was not published", l.apps[app].key, sequence)
		return
	}
	l.totals.duplicates++
}

func (l *demoLedger) deliver(sequence int64, e *demoEvent, d *demoDelivery, now time.Time) {
	d.answered = true
	e.done++
	l.arrivals.observe(now.Sub(e.sent))
	if !e.accepted {
		return
	}
	l.totals.delivered++
	if e.done == e.owed {
		l.settle(sequence, e)
	}
}

// check holds an attempt against its event and the attempts before it.
func (l *demoLedger) check(at demoPlace, e *demoEvent, d *demoDelivery, v *demoVisit) {
	fail := func(format string, args ...any) {
		l.fail("event %d to %s: %s", at.sequence, l.apps[at.app].key, fmt.Sprintf(format, args...))
	}
	first := d.identifier == ""
	if first {
		d.identifier, d.refusals = v.identifier, l.refusals(at.app)
	}
	owner, known := l.owners[v.identifier]
	switch {
	case v.identifier == "":
		fail("it has no identifier")
	case v.identifier != d.identifier:
		fail("its identifier was %s and is now %s", d.identifier, v.identifier)
	case known && owner != at:
		fail("its identifier is that of event %d to %s", owner.sequence, l.apps[owner.app].key)
	default:
		l.owners[v.identifier] = at
	}
	if !d.answered && v.retry != d.refused {
		fail("it says retry %d after %d attempts that were refused", v.retry, d.refused)
	}
	if v.err != nil {
		fail("%v", v.err)
		return
	}
	if ids := l.apps.own(v.ids); !slices.Equal(ids, e.expected[at.app]) {
		fail("it names the webhooks %v where %v are expected", ids, e.expected[at.app])
	}
	// The ids are added at the end; before them nothing may have changed.
	if e.body != nil && !bytes.HasPrefix(v.body, e.body[:len(e.body)-1]) {
		fail("its body is not the one that was published")
	}
}

// refusals is how often a receiver will refuse the delivery at hand: a flaky one refuses one delivery in four,
// some of them again, and none as often as to make the server give up.
func (l *demoLedger) refusals(app int) int {
	if !l.apps[app].flaky {
		return 0
	}
	l.flaky++
	switch n := l.flaky; {
	case n%64 == 41:
		return 3
	case n%16 == 9:
		return 2
	case n%4 == 1:
		return 1
	}
	return 0
}

// settle enters that nothing is expected for an event any more.
func (l *demoLedger) settle(sequence int64, e *demoEvent) {
	e.body = nil
	l.open--
	l.signal()
	l.done = append(l.done, sequence)
	if len(l.done) <= demoKeptEvents {
		return
	}
	for _, d := range l.events[l.done[0]].deliveries {
		delete(l.owners, d.identifier)
	}
	delete(l.events, l.done[0])
	l.done = l.done[1:]
}

// drained says that nothing will be published any more, and returns a channel that is closed when all that is
// owed has arrived.
func (l *demoLedger) drained() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.signal()
	return l.empty
}

func (l *demoLedger) signal() {
	if l.closed && l.open == 0 {
		close(l.empty)
		l.closed = false
	}
}

func (l *demoLedger) fail(format string, args ...any) {
	l.totals.failures++
	if len(l.problems) < demoKeptProblems {
		l.problems = append(l.problems, fmt.Sprintf(format, args...))
	}
}

// reject enters a delivery outside the stream that failed a check.
func (l *demoLedger) reject(app int, format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fail("a delivery to %s: %s", l.apps[app].key, fmt.Sprintf(format, args...))
}
