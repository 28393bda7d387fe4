package queue

import (
	"context"
	"time"
)

// WaitingDelivery is a delivery that is not settled: due, due later or in hand.
type WaitingDelivery struct {
	Event    EventID
	Endpoint EndpointID
	Lane     Lane

	Due          time.Time
	Order        uint64 // the order key, 0: none. It may have to wait for others although it is due.
	Attempts     int
	LastStatus   int // 0: none
	Accepted     time.Time
	FirstFailure time.Time // zero: none
	Note         []byte    // the caller's own
	InHand       bool      // taken, and neither released nor settled on disk, when it was looked at
	Mark         Mark
}

var waitingShelf = shelf{
	prefix: prefixDelivery,
	tracks: true,
	bucket: func(micros) uint32 { return 0 },
	parse: func(k []byte) (Mark, stream, bool) {
		ep, t, pos, ok := parseDeliveryKey(k)
		return Mark{at: pos.due, endpoint: ep, event: pos.event, lane: t.lane()}, stream{ep, t}, ok
	},
}

// Waiting calls yield for the selected deliveries that are not settled, until it returns false: by due time over
// all selected endpoints and both lanes, the soonest first. One with an order key has its place in the list by its
// accept, or a few microseconds before that, although it may be due later. s.From and s.Until are about the due time or
// that place; s.Oldest makes no difference. Deliveries that come, go or get another due time during the walk may or may not be seen;
// one whose Accept has not returned yet may be. The queue may be called from yield.
//
// The list begins when the large fan-outs are expanded that were accepted before the call.
//
// Error: ErrClosed, or one of the database.
func (q *Queue) Waiting(s Select, yield func(WaitingDelivery) bool) error {
	if err := q.settleFanOuts(); err != nil {
		return err
	}
	s.Oldest = true
	return q.list(&waitingShelf, s, func(e entry) bool {
		m := e.mark
		st, err := decodeState(e.value, m.at)
		if err != nil {
			st = state{accepted: m.at} // as Take will find it
		}
		it := item{state: st, pos: m.position()}
		var order uint64
		if st.turn != nil {
			order = st.turn.key
		}
		return yield(WaitingDelivery{
			Event: m.event, Endpoint: m.endpoint, Lane: m.lane,
			Due:          q.clock.stamp(it.due()),
			Order:        order,
			Attempts:     int(st.attempts),
			LastStatus:   int(st.status),
			Accepted:     q.clock.stamp(st.accepted),
			FirstFailure: q.clock.stamp(st.firstFailure),
			Note:         st.note,
			InHand:       q.inHand(m),
			Mark:         m,
		})
	})
}

// settleFanOuts returns when what was accepted before has its places on disk.
func (q *Queue) settleFanOuts() error {
	if !q.gate.enter() {
		return ErrClosed
	}
	defer q.gate.leave()
	return q.fanOuts.wait(context.Background())
}

func (q *Queue) inHand(m Mark) bool {
	e := q.endpoints.find(m.endpoint)
	if e == nil {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	_, held := e.held[handle{m.lane, m.position()}]
	return held
}
