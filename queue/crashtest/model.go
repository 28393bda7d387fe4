package crashtest

import (
	"slices"
	"sync"

	"hookline/queue"
)

// model is what the world outside knows of a queue: what it asked for and what it was promised. A call is noted before it
// begins and again when it has returned. So at any moment, with mu held, the model says what the disk may hold and what it
// must.
type model struct {
	mu       sync.Mutex
	messages map[name]*message
	accepts  int                 // noted so far
	keyed    []*message          // there, and with an idempotency key
	retries  map[int][]*message  // hand -> not there after a crash, and with an idempotency key
	lines    map[line][]*message // not settled for good, in the order of their accepts
	purges   map[queue.EndpointID]*purging
	parking  map[queue.EndpointID]*moving // parks and unparks in progress
	calls    map[queue.EndpointID]int     // of Take, Settle and Release in progress
	mixed    map[queue.EndpointID]bool    // had one in this life: what is there may be handed out in another order
	settled  []settled                    // since the last flush
	backups  int                          // made or in progress
	copying  bool                         // one is in progress
	report   *Report
}

// line names the deliveries of an endpoint that stand in line for each other. They come from one hand.
type line struct {
	endpoint queue.EndpointID
	key      uint64
}

// purging is what purges mean for the calls that are made at the same time.
type purging struct {
	running int
	epoch   int // counts their beginnings and ends
}

// settled is a settlement that has returned.
type settled struct {
	debt  *debt
	state int
}

func newModel(r *Report) *model {
	return &model{
		messages: map[name]*message{}, retries: map[int][]*message{}, lines: map[line][]*message{},
		purges: map[queue.EndpointID]*purging{}, parking: map[queue.EndpointID]*moving{}, calls: map[queue.EndpointID]int{},
		mixed: map[queue.EndpointID]bool{}, report: r,
	}
}

func (m *model) purge(ep queue.EndpointID) *purging {
	p := m.purges[ep]
	if p == nil {
		p = new(purging)
		m.purges[ep] = p
	}
	return p
}

// accepting notes that a message is about to be accepted.
func (m *model) accepting(msg *message) {
	m.accepts++
	msg.order = m.accepts
	m.messages[msg.name] = msg
	msg.debts, msg.over = nil, false
	for i := range msg.content.Deliveries {
		t := &msg.content.Deliveries[i]
		d := &debt{of: msg, endpoint: t.Endpoint, states: []state{{place: gone, never: true}}}
		d.add(state{place: waiting, lane: t.Lane, durable: true})
		if m.purge(t.Endpoint).running > 0 {
			d.mayBePurged()
		}
		m.mayMove(d, d.sure)
		if t.Lane == queue.Fresh && t.Order != 0 {
			d.line = t.Order
			l := line{d.endpoint, d.line}
			m.lines[l] = append(m.lines[l], msg)
		}
		msg.debts = append(msg.debts, d)
	}
}

// accepted notes that a message was acknowledged.
func (m *model) accepted(msg *message, r queue.Receipt) {
	if r.Repeated {
		m.report.breach(Lost, "%v is not there, but its key is remembered", msg.name)
		return
	}
	m.report.Acknowledged++
	m.seen(msg, r.Event)
	msg.over = true
	for _, d := range msg.debts {
		d.reached(1)
	}
}

// seen notes that a message is there.
func (m *model) seen(msg *message, id queue.EventID) {
	if !msg.known && msg.content.Key != "" {
		m.keyed = append(m.keyed, msg)
	}
	if msg.event != 0 && msg.event != id {
		m.report.breach(Other, "%v is event %d and event %d", msg.name, msg.event, id)
	}
	msg.event, msg.known = id, true
}

// repeated notes what came of accepting a message again that was there.
func (m *model) repeated(msg *message, r queue.Receipt) {
	if !r.Repeated || r.Event != msg.event || r.Deliveries != len(msg.debts) {
		m.report.breach(Other, "%v is event %d, and accepting it again gave %+v", msg.name, msg.event, r)
	}
}

// refused notes that an accept failed: what came of it is open, and nothing has to wait for it.
func (m *model) refused(msg *message) {
	msg.over = true
	for _, d := range msg.debts {
		m.leave(d)
	}
}

// leave takes a delivery out of its line.
func (m *model) leave(d *debt) {
	if d.line != 0 {
		l := line{d.endpoint, d.line}
		m.lines[l] = slices.DeleteFunc(m.lines[l], func(msg *message) bool { return msg == d.of })
	}
}

// taken notes a delivery that was handed out, and checks that it was to be had. epoch is that of the purges before the call:
// what was purged during the call may still be handed out.
func (m *model) taken(q *queue.Delivery, epoch int) *debt {
	d := m.find(q.Note)
	if d == nil || d.endpoint != q.Endpoint {
		m.report.breach(Other, "event %d was handed out to endpoint %d with the note %x", q.Event, q.Endpoint, q.Note)
		return nil
	}
	m.seen(d.of, q.Event)
	m.checkPayload(d, q.Event, q.Payload)
	if d.purged || m.purge(d.endpoint).epoch != epoch {
		d.purged = true
		return d
	}
	if d.moved {
		return d
	}
	i, last := d.last()
	switch {
	case d.held:
		m.report.breach(Other, "%v is in two hands", d)
	case last.place != waiting:
		m.report.breach(Resurrected, "%v was handed out when it was %v", d, last)
	case last.lane != q.Lane || last.attempts != q.Attempts:
		m.report.breach(Other, "%v was handed out in lane %v after %d attempts, when it was %v", d, q.Lane, q.Attempts, last)
	}
	if before := m.lines[line{d.endpoint, d.line}]; d.line != 0 && q.Lane == queue.Fresh && !d.mixed && len(before) > 0 && before[0].order < d.of.order {
		m.report.breach(Other, "%v was handed out before %v, of the same line, was settled", d, before[0].name)
	}
	d.held = true
	if last.durable {
		d.reached(i)
	}
	return d
}

// settling notes what a settlement leads to. It returns -1 if there is nothing to settle any more.
func (m *model) settling(d *debt, o queue.Outcome) int {
	d.held = false
	if o.Verdict != queue.Again {
		m.leave(d)
	}
	before, ok := d.lastWaiting()
	if !ok {
		return -1
	}
	s := before
	s.records++
	s.durable = false
	if o.Attempted {
		s.attempts++
	}
	switch o.Verdict {
	case queue.Done:
		s = state{place: gone, records: s.records, done: true}
	case queue.Dead:
		s.place, s.lane = letter, 0
	}
	i := d.add(s)
	if d.purged || m.purge(d.endpoint).running > 0 {
		d.mayBePurged()
		d.add(state{place: gone, records: before.records}) // the settlement found nothing
	}
	m.mayMove(d, i)
	return i
}

// expire notes that all dead letters have expired.
func (m *model) expire() {
	for _, msg := range m.messages {
		for _, d := range msg.debts {
			d.expire()
		}
	}
}

// flushed notes that settlements are durable.
func (m *model) flushed(list []settled) {
	for _, s := range list {
		s.debt.reached(s.state)
	}
}

// unexpanded returns the messages with a large fan-out that is not known to be expanded in this life, and whose accept is over.
func (m *model) unexpanded() (large []*message) {
	for _, msg := range m.messages {
		if msg.large && msg.over && !msg.there {
			large = append(large, msg)
		}
	}
	return large
}

// lifeBegins notes that the queue was opened again.
func (m *model) lifeBegins() {
	for _, msg := range m.messages {
		msg.there = false
	}
}

// purgeBegins returns what a purge has to remove.
func (m *model) purgeBegins(ep queue.EndpointID) (met []met) {
	p := m.purge(ep)
	p.running++
	p.epoch++
	m.forgetLines(ep)
	for _, msg := range m.messages {
		for _, d := range msg.debts {
			if d.endpoint == ep && d.mayWait() {
				sure := !slices.ContainsFunc(d.states[d.sure:], func(s state) bool { return s.place != waiting && !s.void })
				n := len(d.states)
				d.mayBePurged()
				met = append(met, metBy(d, n, sure))
			}
		}
	}
	return met
}

// met is a debt that a purge meets.
type met struct {
	debt  *debt
	first int  // its first state after the purge, or what else meets it
	n     int  // its states when that began
	sure  bool // it could be nothing but waiting
}

func metBy(d *debt, first int, sure bool) met { return met{d, first, len(d.states), sure} }

// purgeEnds notes that a purge has returned. What nothing else was done to meanwhile is gone for certain.
func (m *model) purgeEnds(ep queue.EndpointID, list []met, err error) {
	p := m.purge(ep)
	p.running--
	p.epoch++
	m.forgetLines(ep)
	for _, x := range list {
		if err == nil && x.sure && len(x.debt.states) == x.n {
			x.debt.reached(x.first)
		}
	}
}

// forgetLines leaves the order of an endpoint unchecked for what is there: which of it a purge removes is not known.
func (m *model) forgetLines(ep queue.EndpointID) {
	for l := range m.lines {
		if l.endpoint == ep {
			delete(m.lines, l)
		}
	}
}

// find returns the debt that a note names, nil if there is none.
func (m *model) find(note []byte) *debt {
	n, ep, ok := parseNote(note)
	if !ok || m.messages[n] == nil {
		return nil
	}
	return m.messages[n].owes(ep)
}

func (m *model) checkPayload(d *debt, id queue.EventID, payload []byte) {
	if want := d.of.content.Payload; string(payload) != string(want) {
		m.report.breach(MissingPayload, "%v, event %d, has a payload of %d bytes, want its own of %d", d, id, len(payload), len(want))
	}
}
