package queue

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"pgregory.net/rapid"
)

// model is the queue as a list: what TestModel compares the real one with.
type model struct {
	t     *rapid.T
	wall  *wall
	real  *house
	owed  []*modelDelivery
	dead  []*modelDelivery
	over  []*modelDelivery // settled as Done
	log   []modelAttempt
	ids   map[string]EventID
	freed map[string]bool
	hours time.Duration        // Options.KeepDelivered
	kept  map[string]time.Time // payload -> when it was accepted or, if that is later, delivered the last time
	keys  map[string]Receipt
	count int
}

type modelAttempt struct {
	event    EventID
	endpoint EndpointID
	lane     Lane
	number   int
	record   string
}

type modelDelivery struct {
	payload  string
	count    int // as they were accepted
	endpoint EndpointID
	lane     Lane
	due      time.Time
	key      uint64    // order key
	place    time.Time // of one with an order key: when it was accepted
	accepted time.Time
	attempts int
	status   int
	held     *Delivery
	reason   Reason // of a dead one
	parked   bool   // of a dead one: an unpark brings it back
	ahead    bool   // was in hand when others of its line came back
}

const modelEndpoints = 3

func (m *model) accept() {
	var ms []Message
	for range rapid.IntRange(1, 3).Draw(m.t, "messages") {
		msg := Message{Payload: fmt.Append(nil, m.count)}
		m.count++
		if rapid.Bool().Draw(m.t, "keyed") {
			msg.Key = string(msg.Payload)
		}
		for ep := range EndpointID(modelEndpoints) {
			for l := range Lane(lanes) {
				switch rapid.IntRange(0, 5).Draw(m.t, "delivery") {
				case 0, 1:
					msg.Deliveries = append(msg.Deliveries, Target{Endpoint: ep, Lane: l, Order: m.key()})
				case 2:
					msg.Deliveries = append(msg.Deliveries, Target{Endpoint: ep, Lane: l, Order: m.key(), NotBefore: m.later()})
				}
			}
		}
		ms = append(ms, msg)
	}
	rs, err := m.real.AcceptAll(context.Background(), ms)
	if err != nil {
		m.t.Fatal(err)
	}
	for i, r := range rs {
		if r.Repeated || r.Deliveries != len(ms[i].Deliveries) {
			m.t.Fatalf("receipt %+v for %+v", r, ms[i])
		}
		if ms[i].Key != "" {
			m.keys[ms[i].Key] = r
		}
		if len(ms[i].Deliveries) > 0 {
			m.ids[string(ms[i].Payload)] = r.Event
			m.kept[string(ms[i].Payload)] = m.wall.now()
		}
		for _, t := range ms[i].Deliveries {
			d := &modelDelivery{
				payload: string(ms[i].Payload), count: m.count, endpoint: t.Endpoint, lane: t.Lane, due: t.NotBefore,
				accepted: m.wall.now(),
			}
			if t.Lane == Fresh {
				d.key, d.place = t.Order, m.wall.now()
			}
			m.wait(d)
			m.count++
		}
	}
	m.flush() // large fan-outs are with their endpoints after that
	m.wall.add(time.Second)
}

// key is an order key, or none.
func (m *model) key() uint64 { return uint64(rapid.IntRange(0, 2).Draw(m.t, "order key")) }

// later is half way between two seconds, the steps of the clock: due times run ahead of a clock that
// stands still by microseconds, which must not decide what is due.
func (m *model) later() time.Time {
	n := rapid.IntRange(1, 20).Draw(m.t, "seconds")
	return m.wall.now().Add(time.Duration(n)*time.Second - 500*time.Millisecond)
}

func (m *model) wait(d *modelDelivery) {
	if now := m.wall.now(); d.due.Before(now) {
		d.due = now
	}
	d.held = nil
	m.owed = append(m.owed, d)
}

// blocked says that a delivery with an order key must wait for another one; may, that it may have to. What was in hand when
// others came back from being parked keeps its turn, or loses it when it is given back.
func (m *model) blocked(d *modelDelivery) (must, may bool) {
	if d.key == 0 {
		return false, false
	}
	for _, o := range m.owed {
		if o == d || o.endpoint != d.endpoint || o.key != d.key {
			continue
		}
		must = must || o.held != nil || o.count < d.count && !d.ahead
		may = may || o.held != nil || o.count < d.count
	}
	return must, may
}

// crowded says that so much of an endpoint waits in line that nothing more may be read.
func (m *model) crowded(ep EndpointID) bool {
	n := 0
	for _, d := range m.owed {
		if d.endpoint == ep && d.key != 0 && d.held == nil {
			n++
		}
	}
	return n >= lineWindows*m.real.opts.Window
}

// next is what Take has to return. Deliveries within a few milliseconds of each other may change
// places: a clock that stands still does not order them. Of those with an order key, which stand at
// the place of their accept, any may come early, and none late. must says that Take has to find one of them.
func (m *model) next(ep EndpointID) (all []*modelDelivery, must bool) {
	ahead := slices.ContainsFunc(m.owed, func(d *modelDelivery) bool { return d.endpoint == ep && d.ahead })
	for l := range Lane(lanes) {
		var first, early []*modelDelivery
		for _, d := range m.owed {
			if d.endpoint != ep || d.lane != l || d.held != nil || d.due.After(m.wall.now()) {
				continue
			}
			blocked, maybe := m.blocked(d)
			if blocked {
				continue
			}
			must = must || !maybe
			if d.key != 0 {
				early = append(early, d)
				continue
			}
			if len(first) > 0 && d.due.Sub(first[0].due) < -time.Millisecond {
				first = nil
			}
			if len(first) == 0 || near(d.due, first[0].due) {
				first = append(first, d)
			}
		}
		for _, d := range early {
			if len(first) > 0 && first[0].due.Sub(d.place) > time.Millisecond && !ahead {
				first = nil
			}
		}
		if all = append(all, append(first, early...)...); must {
			return all, true
		}
	}
	return all, false
}

func (m *model) take() {
	ep := EndpointID(rapid.IntRange(0, modelEndpoints-1).Draw(m.t, "endpoint"))
	want, must := m.next(ep)
	due, some := m.real.NextDue(ep)
	fresh, someFresh := m.real.NextDueFresh(ep)
	d, ok := m.real.Take(ep)
	if ok && len(want) == 0 || !ok && must && !m.crowded(ep) {
		m.t.Fatalf("endpoint %d: took %q %v, want one of %d", ep, d.Payload, ok, len(want))
	}
	if !ok {
		return
	}
	if !some || due.After(m.wall.now().Add(time.Millisecond)) {
		m.t.Fatalf("endpoint %d: next due %v %v, but %q was", ep, due, some, d.Payload)
	}
	if d.Lane == Fresh && (!someFresh || fresh.After(m.wall.now().Add(time.Millisecond))) {
		m.t.Fatalf("endpoint %d: next due in lane Fresh %v %v, but %q was", ep, fresh, someFresh, d.Payload)
	}
	i := slices.IndexFunc(want, func(w *modelDelivery) bool { return w.payload == string(d.Payload) && w.lane == d.Lane })
	if i < 0 {
		m.t.Fatalf("endpoint %d: took %q of %v, want %q of %v", ep, d.Payload, d.Lane, want[0].payload, want[0].lane)
	}
	if w := want[i]; d.Attempts != w.attempts || d.LastStatus != w.status {
		m.t.Fatalf("took %+v, want %+v", d, w)
	}
	want[i].held = &d
}

// pick returns a delivery in hand, nil if there is none.
func (m *model) pick() *modelDelivery {
	var held []*modelDelivery
	for _, d := range m.owed {
		if d.held != nil {
			held = append(held, d)
		}
	}
	if len(held) == 0 {
		return nil
	}
	return rapid.SampledFrom(held).Draw(m.t, "held")
}

func (m *model) release() {
	if d := m.pick(); d != nil {
		m.real.Release(d.held)
		d.held = nil
	}
}

func (m *model) settle() {
	d := m.pick()
	if d == nil {
		return
	}
	o := Outcome{
		Verdict:   rapid.SampledFrom([]Verdict{Done, Done, Again, Dead}).Draw(m.t, "verdict"),
		Reason:    Rejected,
		Status:    rapid.IntRange(100, 599).Draw(m.t, "status"),
		Attempted: rapid.Bool().Draw(m.t, "attempted"),
	}
	if rapid.Bool().Draw(m.t, "recorded") {
		o.Record = fmt.Append(nil, len(m.log))
	}
	if rapid.Bool().Draw(m.t, "later") {
		o.At = m.later()
	}
	m.real.settle(d.held, o)
	m.flush()
	if o.Attempted {
		d.attempts++
		d.status = o.Status
	}
	if o.Record != nil {
		m.log = append(m.log, modelAttempt{m.ids[d.payload], d.endpoint, d.lane, d.attempts, string(o.Record)})
	}
	m.owed = slices.DeleteFunc(m.owed, func(x *modelDelivery) bool { return x == d })
	switch o.Verdict {
	case Done:
		m.over = append(m.over, d)
		m.kept[d.payload] = m.wall.now()
	case Again:
		d.due = o.At
		m.wait(d)
		m.wall.add(time.Second)
	case Dead:
		d.reason, d.parked, d.held = Rejected, false, nil
		m.dead = append(m.dead, d)
	}
}

func (m *model) repeat() {
	for key, r := range m.keys {
		got, err := m.real.Accept(context.Background(), Message{Key: key, Deliveries: to(0)})
		if err != nil || !got.Repeated || got.Event != r.Event || got.Deliveries != r.Deliveries {
			m.t.Fatalf("key %s: %+v, %v; want %+v", key, got, err, r)
		}
		return
	}
}

func (m *model) purge() {
	ep := EndpointID(rapid.IntRange(0, modelEndpoints-1).Draw(m.t, "endpoint"))
	if err := m.real.Purge(ep); err != nil {
		m.t.Fatal(err)
	}
	m.owed = slices.DeleteFunc(m.owed, func(d *modelDelivery) bool { return d.endpoint == ep })
}

// park and unpark may follow each other without anything in between.
func (m *model) park() {
	ep := EndpointID(rapid.IntRange(0, modelEndpoints-1).Draw(m.t, "endpoint"))
	why := rapid.SampledFrom([]Reason{Disabled, Gone}).Draw(m.t, "why")
	if err := m.real.settleFanOuts(); err != nil {
		m.t.Fatal(err)
	}
	if err := m.real.Park(ep, why); err != nil {
		m.t.Fatal(err)
	}
	m.owed = slices.DeleteFunc(m.owed, func(d *modelDelivery) bool {
		if d.endpoint != ep {
			return false
		}
		if d.ahead = false; d.held != nil {
			return false
		}
		d.reason, d.parked = why, true
		m.dead = append(m.dead, d)
		return true
	})
	m.wall.add(time.Second)
}

func (m *model) unpark() {
	ep := EndpointID(rapid.IntRange(0, modelEndpoints-1).Draw(m.t, "endpoint"))
	if err := m.real.Unpark(ep); err != nil {
		m.t.Fatal(err)
	}
	m.dead = slices.DeleteFunc(m.dead, func(d *modelDelivery) bool {
		back := d.endpoint == ep && d.parked
		if back {
			d.parked = false
			m.owed = append(m.owed, d)
		}
		return back
	})
	for _, d := range m.owed {
		d.ahead = d.ahead || d.endpoint == ep && d.held != nil
	}
	m.wall.add(time.Second)
}

// resend sends again some of what was given up and some of what was delivered, maybe twice in one call, and what is
// still waiting or does not exist.
func (m *model) resend() {
	var rs []Resend
	var of []*modelDelivery
	letters := m.letters()
	for range rapid.IntRange(1, 3).Draw(m.t, "resends") {
		all := slices.Concat(m.dead, m.dead, m.over, m.owed)
		if len(all) == 0 {
			return
		}
		d := rapid.SampledFrom(all).Draw(m.t, "resent")
		r := Resend{Event: m.ids[d.payload], Endpoint: d.endpoint}
		if i := m.letterOf(letters, d); i >= 0 {
			r.Letter = &letters[i]
		}
		rs, of = append(rs, r), append(of, d)
	}
	made, err := m.real.Resend(context.Background(), rs)
	if err != nil {
		m.t.Fatal(err)
	}
	for i, d := range of {
		busy := slices.ContainsFunc(m.owed, func(x *modelDelivery) bool {
			return x.payload == d.payload && x.endpoint == d.endpoint && x.lane == Replay
		}) || slices.ContainsFunc(m.dead, func(x *modelDelivery) bool {
			return x != d && x.parked && x.payload == d.payload && x.endpoint == d.endpoint && x.lane == Replay
		})
		if must, may := !busy && m.stays(d.payload), !busy && m.mayStay(d.payload); must && !made[i] || !may && made[i] {
			m.t.Fatalf("resent %q to %d: %v, must be %v, may be %v", d.payload, d.endpoint, made[i], must, may)
		}
		if !made[i] {
			continue
		}
		m.dead = slices.DeleteFunc(m.dead, func(x *modelDelivery) bool { return x == d })
		m.wait(&modelDelivery{payload: d.payload, endpoint: d.endpoint, lane: Replay, due: m.wall.now(), accepted: m.wall.now()})
	}
	m.wall.add(time.Second)
}

// letters returns the dead letters, after comparing them with what they should be.
func (m *model) letters() []DeadLetter {
	letters := m.real.letters()
	m.checkOrder(letters)
	if len(letters) != len(m.dead) {
		m.t.Fatalf("%d dead letters, want %d", len(letters), len(m.dead))
	}
	for _, d := range m.dead {
		if m.letterOf(letters, d) < 0 {
			m.t.Fatalf("no dead letter for %+v", d)
		}
	}
	return letters
}

// letterOf returns -1 for a delivery that is not a dead letter. Two letters may be of one message and endpoint: those
// are told apart by their attempts, or equal.
func (m *model) letterOf(letters []DeadLetter, d *modelDelivery) int {
	if !slices.Contains(m.dead, d) {
		return -1
	}
	return slices.IndexFunc(letters, func(l DeadLetter) bool {
		return l.Event == m.ids[d.payload] && l.Endpoint == d.endpoint && l.Lane == d.lane &&
			l.Attempts == d.attempts && l.LastStatus == d.status && l.Reason == d.reason && near(l.Accepted, d.accepted)
	})
}

// checkOrder reads the letters the other way around, in pages, and of the endpoints one by one.
func (m *model) checkOrder(want []DeadLetter) {
	s := Select{Oldest: rapid.Bool().Draw(m.t, "oldest")}
	if rapid.Bool().Draw(m.t, "one") {
		s.Endpoints = []EndpointID{EndpointID(rapid.IntRange(0, modelEndpoints-1).Draw(m.t, "endpoint"))}
	}
	page := rapid.IntRange(1, 5).Draw(m.t, "page")
	var got []Mark
	for n := page; n == page; {
		n = 0
		err := m.real.DeadLetters(s, func(l DeadLetter) bool {
			got, s.After = append(got, l.Mark), l.Mark
			n++
			return n < page
		})
		if err != nil {
			m.t.Fatal(err)
		}
	}
	var all []Mark
	for i, l := range want {
		if i > 0 && (l.Died.Before(want[i-1].Died) || l.Mark.compare(want[i-1].Mark) <= 0) {
			m.t.Fatalf("%+v comes behind %+v", l, want[i-1])
		}
		if s.Endpoints == nil || l.Endpoint == s.Endpoints[0] {
			all = append(all, l.Mark)
		}
	}
	if !s.Oldest {
		slices.Reverse(all)
	}
	if !slices.Equal(got, all) {
		m.t.Fatalf("marks %v, want %v", got, all)
	}
}

func (m *model) discard() {
	letters := m.letters()
	if len(letters) == 0 {
		return
	}
	d := rapid.SampledFrom(m.dead).Draw(m.t, "discarded")
	l := letters[m.letterOf(letters, d)]
	if n, err := m.real.Discard([]DeadLetter{l, l}); n != 1 || err != nil {
		m.t.Fatalf("discarded %d, %v", n, err)
	}
	if n, err := m.real.Discard([]DeadLetter{l}); n != 0 || err != nil {
		m.t.Fatalf("discarded %d again, %v", n, err)
	}
	m.dead = slices.DeleteFunc(m.dead, func(x *modelDelivery) bool { return x == d })
}

// attempts compares the attempt log of one endpoint, or all, with what was written.
func (m *model) attempts() {
	s := Select{Oldest: rapid.Bool().Draw(m.t, "oldest")}
	want := slices.Clone(m.log)
	if rapid.Bool().Draw(m.t, "one") {
		ep := EndpointID(rapid.IntRange(0, modelEndpoints-1).Draw(m.t, "endpoint"))
		s.Endpoints = []EndpointID{ep}
		want = slices.DeleteFunc(want, func(a modelAttempt) bool { return a.endpoint != ep })
	}
	if !s.Oldest {
		slices.Reverse(want)
	}
	var got []modelAttempt
	err := m.real.Attempts(s, func(a LoggedAttempt) bool {
		got = append(got, modelAttempt{a.Event, a.Endpoint, a.Lane, a.Number, string(a.Record)})
		return true
	})
	if err != nil || !slices.Equal(got, want) {
		m.t.Fatalf("attempts %v, %v, want %v", got, err, want)
	}
}

// waiting compares the list of what is not settled.
func (m *model) waiting() {
	n := 0
	err := m.real.Waiting(Select{}, func(w WaitingDelivery) bool {
		n++
		if !slices.ContainsFunc(m.owed, func(d *modelDelivery) bool {
			return m.ids[d.payload] == w.Event && d.endpoint == w.Endpoint && d.lane == w.Lane && near(d.due, w.Due) &&
				d.attempts == w.Attempts && d.status == w.LastStatus && (d.held != nil) == w.InHand
		}) {
			m.t.Fatalf("nothing is owed like %+v", w)
		}
		return true
	})
	if err != nil || n != len(m.owed) {
		m.t.Fatalf("%d deliveries wait, want %d, %v", n, len(m.owed), err)
	}
}

func (m *model) flush() {
	if err := m.real.Flush(context.Background()); err != nil {
		m.t.Fatal(err)
	}
}

func (m *model) sweep() {
	m.flush()
	m.real.dropIdle()
	if err := m.real.sweep(); err != nil {
		m.t.Fatal(err)
	}
	m.real.files()
	m.real.consistent()
	stored := m.real.payloads()
	for payload, id := range m.ids {
		switch {
		case m.stays(payload) && !stored[id]:
			m.t.Fatalf("the payload of %s is gone", payload)
		case !m.stays(payload) && (m.hours == 0 || m.wall.now().Sub(m.kept[payload]) > m.hours+time.Hour) && stored[id]:
			m.t.Fatalf("the payload of %s is left over", payload)
		}
		if !stored[id] {
			m.freed[payload] = true
		}
	}
}

// stays says that the payload of a message must be there; mayStay, that it can be.
func (m *model) stays(payload string) bool {
	for _, d := range slices.Concat(m.owed, m.dead) {
		if d.payload == payload {
			return true
		}
	}
	return m.delivered(payload) && m.wall.now().Sub(m.kept[payload]) < m.hours
}

func (m *model) mayStay(payload string) bool { return m.stays(payload) || !m.freed[payload] }

func (m *model) delivered(payload string) bool {
	return slices.ContainsFunc(m.over, func(d *modelDelivery) bool { return d.payload == payload })
}

func (m *model) restart(how func()) {
	m.flush()
	how()
	for _, d := range m.owed {
		d.held, d.ahead = nil, false
	}
}

// check compares what can be seen from outside.
func (m *model) check() {
	held := 0
	for _, d := range m.owed {
		if d.held != nil {
			held++
		}
	}
	if err := checkMarks(m.real.db); err != nil {
		m.t.Fatal(err)
	}
	s := m.real.Stats()
	if !s.Counted {
		return
	}
	if s.Waiting != int64(len(m.owed)-held) || s.InHand != int64(held) || s.Dead != int64(len(m.dead)) {
		m.t.Fatalf("stats %+v, want %d owed, %d of them held, %d dead", s, len(m.owed), held, len(m.dead))
	}
	m.checkAges()
	m.checkBacklogs()
}

// checkAges compares how old what is owed is, to the width of the span of its age.
func (m *model) checkAges() {
	now := m.wall.now()
	for l := range Lane(lanes) {
		var oldest, width time.Duration
		least, most := 0, 0 // are owed for longer than the limit
		limit := time.Duration(rapid.IntRange(0, 10_000).Draw(m.t, "limit")) * time.Second
		for _, d := range m.owed {
			if d.lane != l {
				continue
			}
			age := now.Sub(d.accepted)
			oldest, width = max(oldest, age), max(width, 2*time.Second)
			if age > time.Hour-time.Minute {
				width = max(width, 2*time.Minute)
			}
			if age > 47*time.Hour {
				width = 2 * time.Hour
			}
			if age > limit {
				most++
			}
			if age > limit+width {
				least++
			}
		}
		if got := m.real.OldestAge(l); got < oldest-time.Second || got > oldest+width {
			m.t.Fatalf("the oldest in lane %v is %v old, want %v within %v", l, got, oldest, width)
		}
		if got := int(m.real.OlderThan(l, limit)); got < least || got > most {
			m.t.Fatalf("%d in lane %v are older than %v, want %d to %d", got, l, limit, least, most)
		}
	}
}

func (m *model) checkBacklogs() {
	want, got := map[EndpointID]int{}, map[EndpointID]int{}
	for _, d := range m.owed {
		if d.held == nil {
			want[d.endpoint]++
		}
	}
	m.real.Backlogs(func(b Backlog) bool { got[b.Endpoint] = b.Waiting; return true })
	if !maps.Equal(got, want) {
		m.t.Fatalf("backlogs %v, want %v", got, want)
	}
}

// TestModel runs random histories on the queue and on a list, and compares every answer. -rapid.checks sets their number.
func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWall()
		o := Options{
			now:          w.now,
			maxDirect:    rapid.SampledFrom([]int{1, 3, 512}).Draw(rt, "direct"),
			maxPart:      rapid.IntRange(1, 3).Draw(rt, "part"),
			lowWaterStep: rapid.SampledFrom([]int{0, 1, 3}).Draw(rt, "low water"),
			Window:       rapid.IntRange(1, 5).Draw(rt, "window"),
			HandOffBytes: rapid.SampledFrom([]int{1, 600, 1 << 20}).Draw(rt, "hand-off bytes"),
			Dir:          "payloads",
			SideBytes:    rapid.IntRange(1, 3).Draw(rt, "side bytes"),
			// Nothing else may expire in the hours that pass.
			KeepAttempts:  10_000 * time.Hour,
			KeepDead:      10_000 * time.Hour,
			KeepKeys:      10_000 * time.Hour,
			KeepDelivered: rapid.SampledFrom([]time.Duration{0, time.Hour, 3 * time.Hour}).Draw(rt, "keep delivered"),
		}
		h := newModelHouse(t, o, rapid.Bool().Draw(rt, "eager"), drawPebble(rt))
		m := &model{
			t: rt, wall: w, real: h, keys: map[string]Receipt{}, ids: map[string]EventID{},
			freed: map[string]bool{}, hours: o.KeepDelivered, kept: map[string]time.Time{},
		}
		defer h.finish()
		actions := map[string]func(*rapid.T){"": func(*rapid.T) { m.check() }}
		for name, f := range map[string]func(){
			"accept": m.accept, "accept 2": m.accept, "take": m.take, "take 2": m.take, "take 3": m.take,
			"settle": m.settle, "settle 2": m.settle, "release": m.release, "repeat": m.repeat, "purge": m.purge,

			"resend": m.resend, "resend 2": m.resend, "discard": m.discard, "attempts": m.attempts, "waiting": m.waiting,
			"park": m.park, "unpark": m.unpark, "unpark 2": m.unpark,
			"hours": func() { w.add(40 * time.Minute) },
			"sweep": m.sweep, "wait": func() { w.add(5 * time.Second) },
			"reopen": func() { m.restart(h.reopen) },
			"crash": func() { // after which time goes on: queue time may go back by what passed since its mark
				m.restart(h.crash)
				w.add(time.Second)
			},
		} {
			actions[name] = func(*rapid.T) { f() }
		}
		rt.Repeat(actions)
	})
}

// newModelHouse is newHouse without a clean-up at the end of the whole test: rapid makes many.
func newModelHouse(t *testing.T, o Options, eager bool, tune func(*pebble.Options)) *house {
	h := &house{t: t, opts: o, eager: eager, tune: tune}
	h.build()
	return h
}

// drawPebble draws options of the database, which must make no difference.
func drawPebble(rt *rapid.T) func(*pebble.Options) {
	memtable := rapid.SampledFrom([]uint64{16 << 10, 64 << 10, memTableSize}).Draw(rt, "memtable")
	block := rapid.SampledFrom([]int{200, 4 << 10, 16 << 10}).Draw(rt, "block")
	l0 := rapid.IntRange(1, 8).Draw(rt, "tables in L0 before a compaction")
	compactions := rapid.IntRange(1, 3).Draw(rt, "compactions")
	base := rapid.SampledFrom([]int64{8 << 10, 64 << 10, 64 << 20}).Draw(rt, "bytes of the first level")
	table := rapid.SampledFrom([]int64{1 << 10, 16 << 10, 2 << 20}).Draw(rt, "bytes of a table")
	filters := rapid.Bool().Draw(rt, "filters")
	delay := rapid.SampledFrom([]time.Duration{0, time.Millisecond, 10 * time.Second}).Draw(rt, "delay of range deletions")
	return func(o *pebble.Options) {
		o.MemTableSize, o.FlushDelayDeleteRange = memtable, delay
		o.L0CompactionThreshold, o.LBaseMaxBytes = l0, base
		o.CompactionConcurrencyRange = func() (int, int) { return 1, compactions }
		for i := range o.Levels {
			o.TargetFileSizes[i] = table
			o.Levels[i].BlockSize = block
			if !filters {
				o.Levels[i].FilterPolicy = pebble.NoFilterPolicy
			}
		}
	}
}
