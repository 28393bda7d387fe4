package queue

import (
	"bytes"

	"github.com/cockroachdb/pebble/v2"
)

// accepting is one call of Accept or AcceptAll.
type accepting struct {
	q        *Queue
	messages []Message
	receipts []Receipt
	repeats  map[int]int // message -> earlier message of the same call with the same key
	sides    []sideFile  // of the messages, the zero one where the payload has none; nil if all have none
	fresh    int         // messages to be written
	size     int         // about how many bytes that is, without what is in side files
	room     int         // about how many of these a batch needs
	parts    []part      // of large fan-outs, as they are written
	now      micros      // the time of the accept, once it is numbered
	segments []segment   // that the deliveries go to, of all messages in a row; nil if each is segment 0
}

// writes reports whether anything of it has to be written: a message that is owed to nobody leaves nothing but its key.
func (a *accepting) writes() bool {
	for i := range a.messages {
		if m := &a.messages[i]; !a.receipts[i].Repeated && (len(m.Deliveries) > 0 || m.Key != "") {
			return true
		}
	}
	return false
}

// endpoint is that of the first delivery, 0 if there is none.
func (a *accepting) endpoint() EndpointID {
	for i := range a.messages {
		if d := a.messages[i].Deliveries; len(d) > 0 {
			return d[0].Endpoint
		}
	}
	return 0
}

// number fills in the receipts of what is not repeated, with ids from the given one on. It returns the one behind its last.
func (a *accepting) number(id EventID, now micros) EventID {
	a.now = now
	at := a.q.clock.stamp(now)
	for i := range a.messages {
		r := &a.receipts[i]
		if first, ok := a.repeats[i]; ok {
			*r = a.receipts[first]
			r.Repeated = true
		} else if !r.Repeated {
			*r = Receipt{Event: id, Accepted: at, Deliveries: len(a.messages[i].Deliveries)}
			id++
		}
	}
	return id
}

// choose chooses the segments, and stays with them: a park may come before the hand-over.
func (a *accepting) choose() {
	if !a.q.segments.any() {
		return
	}
	for i := range a.messages {
		large := a.q.later(&a.messages[i]) > 0
		for j := range a.messages[i].Deliveries {
			t := &a.messages[i].Deliveries[j]
			s := segment(0)
			if !large || t.ordered() { // of the others the expander chooses it
				s = a.q.segments.present(t.Endpoint)
			}
			a.segments = append(a.segments, s)
		}
	}
}

// segment returns that of a delivery, counted over all messages.
func (a *accepting) segment(n int) segment {
	if a.segments == nil {
		return 0
	}
	return a.segments[n]
}

func (a *accepting) addPayloads(b *pebble.Batch) error {
	for i := range a.messages {
		m, r := &a.messages[i], &a.receipts[i]
		if r.Repeated || len(m.Deliveries) == 0 {
			continue
		}
		if f := a.side(i); f.number != 0 {
			if err := addSide(b, r.Event, f); err != nil {
				return err
			}
			continue
		}
		op := b.SetDeferred(payloadKeyLen, 1+len(m.Payload))
		appendPayloadKey(op.Key[:0], r.Event)
		op.Value[0] = payloadInline
		copy(op.Value[1:], m.Payload)
		if err := op.Finish(); err != nil {
			return err
		}
	}
	return nil
}

func (a *accepting) addDeliveries(b *pebble.Batch) error {
	var buf [deliveryKeyLen + 64]byte
	n := 0
	for i := range a.messages {
		m, r := &a.messages[i], &a.receipts[i]
		first := n
		if n += len(m.Deliveries); r.Repeated {
			continue
		}
		large := a.q.later(m) > 0
		for j := range m.Deliveries {
			t, s := &m.Deliveries[j], a.segment(first+j)
			if large && !t.ordered() {
				continue
			}
			it := a.item(t, r.Event)
			if err := setDelivery(b, buf[:0], t.Endpoint, t.Lane.in(s), &it); err != nil {
				return err
			}
			if t.Lane == Replay {
				if err := b.Set(appendReplayKey(buf[:0], t.Endpoint, s, r.Event), nil, nil); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// setDelivery writes a delivery to its place. buf is room for that.
func setDelivery(b *pebble.Batch, buf []byte, ep EndpointID, t track, it *item) error {
	key := appendDeliveryKey(buf, ep, t, it.pos)
	split := len(key)
	key = appendState(key, it.state, it.pos.due)
	return b.Set(key[:split], key[split:], nil)
}

// addKeys adds the idempotency keys.
func (a *accepting) addKeys(b *pebble.Batch) error {
	for i := range a.messages {
		m, r := &a.messages[i], &a.receipts[i]
		if r.Repeated || m.Key == "" {
			continue
		}
		value := appendRemembered(nil, remembered{m.Fingerprint, r.Event, a.now, uint32(r.Deliveries)})
		if err := b.Set(appendIdemKey(nil, keyBucket(a.now), keyOf(m)), value, nil); err != nil {
			return err
		}
	}
	return nil
}

// item returns a delivery as it is accepted. The note is the caller's.
func (a *accepting) item(t *Target, id EventID) item {
	due := max(a.now, a.q.clock.at(t.NotBefore))
	it := item{pos: position{due, id}, state: state{accepted: a.now, note: t.Note}}
	if t.ordered() {
		it.pos.due = max(a.now, a.q.clock.floor)
		it.turn = &turn{t.Order, due}
	}
	return it
}

// handOver tells the endpoints of their deliveries, and the expander of the others. It keeps the payloads for those that are
// taken soon. One in a side file is not kept: the system has it in its cache, copying it would hold up the scans of all endpoints,
// and it would drive out thousands of small ones. stamp is the number of removals before the write began.
func (a *accepting) handOver(stamp uint64) {
	q, now, n := a.q, a.now, 0
	for i := range a.messages {
		m, r := &a.messages[i], &a.receipts[i]
		first := n
		if n += len(m.Deliveries); r.Repeated || len(m.Deliveries) == 0 {
			continue
		}
		a.owe(m, now)
		if f := a.side(i); f.number != 0 {
			q.sides.open.add(r.Event, f.number, len(m.Deliveries))
		} else {
			q.recent.add(r.Event, m.Payload, len(m.Deliveries))
		}
		large := q.later(m) > 0
		for j := range m.Deliveries {
			d := &m.Deliveries[j]
			if large && !d.ordered() {
				continue
			}
			it := a.item(d, r.Event)
			it.note = nil
			if len(d.Note) > 0 {
				it.note = bytes.Clone(d.Note)
			}
			it.segment = a.segment(first + j)
			q.handOver(d.Endpoint, d.Lane, it, stamp, now)
		}
	}
	q.fanOuts.add(a.parts)
}

// handOver tells an endpoint of a delivery whose write is committed, by a ticket that has not ended, unless it has been
// parked since. stamp is the number of removals before the write began.
func (q *Queue) handOver(id EndpointID, l Lane, it item, stamp uint64, now micros) {
	e := q.lockEndpoint(id)
	defer e.mu.Unlock()
	it.diskOnly = e.purged > stamp
	if q.counted(e, l, &it, stamp) {
		e.handOver(l, it, q.opts.Window, now)
	}
}

// owe counts the deliveries of a message.
func (a *accepting) owe(m *Message, now micros) {
	var n [lanes]int64
	for i := range m.Deliveries {
		n[m.Deliveries[i].Lane]++
	}
	for l := range n {
		if n[l] > 0 {
			a.q.owe(Lane(l), now, now, n[l])
		}
	}
}

// bytes returns the size of the fresh payloads.
func (a *accepting) bytes() (n uint64) {
	for i := range a.messages {
		if !a.receipts[i].Repeated {
			n += uint64(len(a.messages[i].Payload))
		}
	}
	return n
}

// announce calls Ready for the endpoints of the fresh messages.
func (a *accepting) announce() {
	if a.q.opts.Ready == nil {
		return
	}
	for i := range a.messages {
		if a.receipts[i].Repeated {
			continue
		}
		large := a.q.later(&a.messages[i]) > 0
		for j := range a.messages[i].Deliveries {
			t := &a.messages[i].Deliveries[j]
			if large && !t.ordered() {
				continue
			}
			it := a.item(t, a.receipts[i].Event)
			a.q.ready(t.Endpoint, it.due())
		}
	}
}
