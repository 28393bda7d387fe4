package crashtest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"hookline/queue"
)

// sight is what was found of a debt.
type sight struct {
	state
	times int // as a delivery or dead letter
	event queue.EventID
}

// sights is what a queue shows of everything, without changing it.
type sights struct {
	q     *queue.Queue
	m     *model
	debts map[*debt]*sight

	waiting map[queue.EndpointID]int // deliveries
	dead    int64                    // letters
}

// look lists what is in a queue, and checks that each delivery and dead letter has its payload.
func look(q *queue.Queue, m *model) (sights, error) {
	s := sights{q: q, m: m, debts: map[*debt]*sight{}, waiting: map[queue.EndpointID]int{}}
	err := errors.Join(s.attempts(), s.deliveries(), s.letters())
	return s, err
}

func (s *sights) waits() (n int64) {
	for _, of := range s.waiting {
		n += int64(of)
	}
	return n
}

func (s *sights) at(d *debt) *sight {
	if s.debts[d] == nil {
		s.debts[d] = new(sight)
	}
	return s.debts[d]
}

func (s *sights) attempts() error {
	return s.q.Attempts(queue.Select{}, func(a queue.LoggedAttempt) bool {
		if d := s.m.find(a.Record); d != nil {
			s.at(d).records++
		} else {
			s.m.report.breach(Other, "the log has an attempt %x of event %d, which is not there", a.Record, a.Event)
		}
		return true
	})
}

func (s *sights) deliveries() error {
	var all []queue.WaitingDelivery
	err := s.q.Waiting(queue.Select{}, func(w queue.WaitingDelivery) bool { all = append(all, w); return true })
	for _, w := range all {
		s.waiting[w.Endpoint]++
		err = errors.Join(err, s.meet(w.Note, w.Event, w.Endpoint, state{place: waiting, lane: w.Lane, attempts: w.Attempts}))
	}
	return err
}

func (s *sights) letters() error {
	var all []queue.DeadLetter
	err := s.q.DeadLetters(queue.Select{}, func(l queue.DeadLetter) bool { all = append(all, l); return true })
	s.dead = int64(len(all))
	for _, l := range all {
		seen := state{place: letter, attempts: l.Attempts}
		switch l.Reason {
		case queue.Rejected:
		case queue.Disabled:
			seen.parked, seen.lane = true, l.Lane
		default:
			s.m.report.breach(MissingPayload, "event %d for endpoint %d was given up: %v", l.Event, l.Endpoint, l.Reason)
			continue
		}
		err = errors.Join(err, s.meet(l.Note, l.Event, l.Endpoint, seen))
	}
	return err
}

func (s *sights) meet(note []byte, id queue.EventID, ep queue.EndpointID, seen state) error {
	d := s.m.find(note)
	if d == nil || d.endpoint != ep {
		s.m.report.breach(Other, "event %d for endpoint %d, with the note %x, was never accepted", id, ep, note)
		return nil
	}
	payload, ok, err := s.q.Payload(id)
	if err != nil {
		return fmt.Errorf("payload of %v: %w", d, err)
	}
	if !ok {
		s.m.report.breach(MissingPayload, "%v, event %d, %v, has no payload", d, id, seen)
	} else {
		s.m.checkPayload(d, id, payload)
	}
	at := s.at(d)
	at.event = id
	seen.records = at.records
	at.state = seen
	at.times++
	return nil
}

// compare checks that everything is in one of the states that it may be in, and makes what was seen the only one.
func (m *model) compare(s sights) {
	m.settled, m.keyed, m.lines = nil, nil, map[line][]*message{}
	clear(m.retries)
	for _, p := range m.purges {
		p.running = 0
	}
	clear(m.parking)
	clear(m.calls)
	m.copying = false
	for _, msg := range m.inOrder() {
		m.compareMessage(msg, s)
	}
	clear(m.mixed)
}

func (m *model) inOrder() (all []*message) {
	for _, msg := range m.messages {
		all = append(all, msg)
	}
	slices.SortFunc(all, func(a, b *message) int { return cmp.Compare(a.order, b.order) })
	return all
}

func (m *model) compareMessage(msg *message, s sights) {
	msg.over = true
	never, there := 0, 0 // debts of an accept that did not come about, or that did
	for _, d := range msg.debts {
		seen := *s.at(d)
		m.report.Verified++
		if seen.times > 1 {
			m.report.breach(Other, "%v is there %d times", d, seen.times)
		}
		if seen.times > 0 {
			m.seen(msg, seen.event)
		}
		first, last := d.match(seen.state)
		switch {
		case first < 0:
			m.report.breach(d.differs(seen.state), "%v is %v; it may be %v", d, seen.state, d.possible())
		case d.states[last].never:
			never++
		case !d.states[first].never:
			there++
		}
		if last >= 0 {
			seen.done = d.states[last].done
		}
		if _, now := d.last(); now.done && seen.place == waiting {
			m.report.Duplicates++
		}
		d.settleOn(seen.state)
	}
	switch {
	case never > 0 && there > 0:
		m.report.breach(Other, "of %v, %d deliveries are there and %d are not", msg.name, there, never)
	case never > 0:
		m.absent(msg)
	default:
		m.present(msg)
	}
}

// absent notes that a message is not there, and was not acknowledged.
func (m *model) absent(msg *message) {
	delete(m.messages, msg.name)
	if msg.content.Key != "" {
		m.retries[msg.name.hand] = append(m.retries[msg.name.hand], msg)
	}
}

// present puts a message into the indices again.
func (m *model) present(msg *message) {
	if msg.known && msg.content.Key != "" {
		m.keyed = append(m.keyed, msg)
	}
	for _, d := range msg.debts {
		d.mixed = d.mixed || m.mixed[d.endpoint]
		if s := d.states[0]; d.line != 0 && !d.mixed && s.place == waiting && s.lane == queue.Fresh {
			l := line{d.endpoint, d.line}
			m.lines[l] = append(m.lines[l], msg)
		}
	}
}

// match returns the first and the last of the possible states that look like what was seen, -1 if none does.
func (d *debt) match(seen state) (first, last int) {
	first, last = -1, -1
	for i := d.sure; i < len(d.states); i++ {
		if s := d.states[i]; !s.void && s.looksLike(seen) {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	return first, last
}

// differs says what is wrong with a state that is not possible.
func (d *debt) differs(seen state) Kind {
	places := map[place]bool{}
	for _, s := range d.states[d.sure:] {
		places[s.place] = places[s.place] || !s.void
	}
	earlier := slices.ContainsFunc(d.states[:d.sure], func(s state) bool { return !s.void && s.looksLike(seen) })
	switch {
	case seen.place == gone && !places[gone]:
		return Lost
	case seen.place != gone && earlier, seen.place != gone && !places[waiting] && !places[letter]:
		return Resurrected
	}
	return Other
}

// possible returns the possible states.
func (d *debt) possible() (list []state) {
	for _, s := range d.states[d.sure:] {
		if !s.void {
			list = append(list, s)
		}
	}
	return list
}

// settleOn makes what was seen the only state.
func (d *debt) settleOn(seen state) {
	seen.durable = true
	d.states, d.sure = []state{seen}, 0
	d.held, d.busy, d.purged, d.moved = false, false, false, false
}
