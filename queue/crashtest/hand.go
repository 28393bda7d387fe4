package crashtest

import (
	"fmt"
	"math/rand/v2"
	"time"

	"hookline/queue"
)

// operation is one thing that a hand can do to a queue.
type operation struct {
	name   string
	weight int
	do     func(*hand)
}

// operations are all that the workload is made of.
var operations = []operation{
	{"accept", 30, func(h *hand) { h.accept(1) }},
	{"accept several", 4, func(h *hand) { h.accept(2 + h.rng.IntN(3)) }},
	{"accept again", 4, (*hand).acceptAgain},
	{"take", 40, (*hand).take},
	{"settle", 45, (*hand).settle},
	{"release", 4, (*hand).release},
	{"flush", 4, (*hand).flush},
	{"resend", 5, (*hand).resendLetters},
	{"replay", 2, (*hand).resendDelivered},
	{"discard", 2, (*hand).discard},
	{"purge", 1, (*hand).purge},
	{"park", 1, (*hand).park},
	{"unpark", 2, (*hand).unpark},
	{"backup", 1, (*hand).backup},
}

var weights = func() (sum int) {
	for _, o := range operations {
		sum += o.weight
	}
	return sum
}()

// hand does one operation after the other.
type hand struct {
	*life
	id   int
	rng  *rand.Rand
	plan *plan
	next *int // number of its next message
	held []held
}

// held is a delivery that it has taken.
type held struct {
	delivery queue.Delivery
	debt     *debt
}

func (h *hand) work() {
	h.acceptLost()
	for h.ctx.Err() == nil {
		if h.plan.often != nil && h.rng.IntN(12) == 0 {
			h.plan.often(h)
		}
		n := h.rng.IntN(weights)
		for _, o := range operations {
			if n -= o.weight; n < 0 {
				o.do(h)
				break
			}
		}
		h.moment()
	}
	for len(h.held) > 0 {
		h.release()
	}
}

// filler is what payloads are made of.
var filler = func() []byte {
	b := make([]byte, 128<<10)
	rng := rand.NewChaCha8([32]byte{})
	_, _ = rng.Read(b) // never fails
	return b
}()

// message makes up a message.
func (h *hand) message() *message {
	msg := &message{name: name{h.id, *h.next}}
	*h.next++
	c := &msg.content
	size := h.rng.IntN(1500)
	if h.rng.IntN(40) == 0 {
		size = h.rng.IntN(40 << 10) // a batch of its own kind in a small memtable
	}
	from := h.rng.IntN(len(filler) - size)
	c.Payload = append(fmt.Appendf(nil, "%v ", msg.name), filler[from:from+size]...)
	if h.rng.IntN(3) == 0 {
		c.Key, c.Scope, c.Fingerprint = msg.name.String(), uint64(h.id), uint64(size)
	}
	for _, ep := range h.rng.Perm(h.plan.endpoints)[:1+h.rng.IntN(h.plan.fanout)] {
		t := queue.Target{Endpoint: queue.EndpointID(ep), Lane: queue.Lane(h.rng.IntN(4) / 3)}
		t.Note = noteOf(msg.name, t.Endpoint)
		if k := h.rng.IntN(3); k > 0 && h.plan.ordered {
			t.Order = uint64(2*h.id + k)
		}
		if h.rng.IntN(10) == 0 {
			t.NotBefore = h.in(3 * time.Millisecond)
		}
		c.Deliveries = append(c.Deliveries, t)
	}
	direct := h.plan.setup.MaxDirect
	msg.large = direct > 0 && len(c.Deliveries) > direct
	return msg
}

// in is some time from now, at most a real time by the queue's clock.
func (h *hand) in(most time.Duration) time.Time {
	return h.plan.setup.Now().Add(time.Duration(h.rng.Int64N(int64(most * h.plan.speed))))
}

func (h *hand) accept(n int) {
	var all []*message
	for range n {
		all = append(all, h.message())
	}
	h.write(all)
}

func (h *hand) write(all []*message) {
	contents := make([]queue.Message, len(all))
	for i, msg := range all {
		contents[i] = msg.content
	}
	h.note(func() {
		for _, msg := range all {
			h.accepting(msg)
		}
	})
	receipts, err := h.q.AcceptAll(h.ctx, contents)
	h.note(func() {
		for i, msg := range all {
			if err != nil {
				h.refused(msg)
			} else {
				h.accepted(msg, receipts[i])
			}
		}
	})
}

// acceptLost accepts what a crash took before it was acknowledged, where there is a key to do so with.
func (h *hand) acceptLost() {
	var list []*message
	h.note(func() { list = h.retries[h.id] })
	for _, msg := range list {
		h.write([]*message{msg})
	}
}

// acceptAgain accepts a message that is there, and must be known. It is mostly one of the last.
func (h *hand) acceptAgain() {
	var there *message
	h.note(func() {
		if n := len(h.keyed); n > 0 {
			there = h.keyed[n-1-h.rng.IntN(1+h.rng.IntN(n))]
		}
	})
	if there == nil {
		return
	}
	if r, err := h.q.Accept(h.ctx, there.content); err == nil {
		h.note(func() { h.repeated(there, r) })
	}
}

const maxHeld = 4

func (h *hand) take() {
	if len(h.held) == maxHeld {
		h.settle()
	}
	ep := queue.EndpointID(h.rng.IntN(h.plan.endpoints))
	if !h.handles(ep) {
		return
	}
	defer h.handled(ep)
	epoch := 0
	h.note(func() { epoch = h.model.purge(ep).epoch })
	take := h.q.Take
	if h.rng.IntN(8) == 0 {
		take = h.q.TakeFresh
	}
	d, ok := take(ep)
	if !ok {
		return
	}
	h.note(func() {
		if debt := h.taken(&d, epoch); debt != nil {
			h.held = append(h.held, held{d, debt})
		}
	})
}

// pick lets go of one of what is held, unless that may not be now. It is to be handled.
func (h *hand) pick() (held, bool) {
	if len(h.held) == 0 {
		return held{}, false
	}
	i, last := h.rng.IntN(len(h.held)), len(h.held)-1
	x := h.held[i]
	if !h.handles(x.debt.endpoint) {
		return held{}, false
	}
	h.held[i] = h.held[last]
	h.held = h.held[:last]
	return x, true
}

func (h *hand) release() {
	if x, ok := h.pick(); ok {
		defer h.handled(x.debt.endpoint)
		h.note(func() { x.debt.held = false })
		h.q.Release(&x.delivery)
	}
}

func (h *hand) settle() {
	x, ok := h.pick()
	if !ok {
		return
	}
	defer h.handled(x.debt.endpoint)
	o := queue.Outcome{Verdict: queue.Done, Attempted: h.rng.IntN(4) > 0, Record: noteOf(x.debt.of.name, x.debt.endpoint)}
	switch h.rng.IntN(10) {
	case 0, 1:
		o.Verdict, o.Reason = queue.Dead, queue.Rejected
	case 2, 3:
		o.Verdict, o.At = queue.Again, h.in(1500*time.Microsecond)
	}
	i := -1
	h.note(func() { i = h.settling(x.debt, o) })
	err := h.q.Settle(&x.delivery, o)
	h.note(func() {
		switch {
		case err != nil:
			h.report.breach(Other, "settling %v: %v", x.debt, err)
		case i >= 0:
			h.settled = append(h.settled, settled{x.debt, i})
		}
	})
}

func (h *hand) flush() {
	var list []settled
	var large []*message
	h.note(func() {
		list, h.settled = h.settled, nil
		large = h.unexpanded()
	})
	err := h.q.Flush(h.ctx)
	h.note(func() {
		if err != nil {
			return // what becomes of them is never known
		}
		h.flushed(list)
		for _, msg := range large {
			msg.there = true
		}
	})
}

func (h *hand) purge() {
	ep := queue.EndpointID(h.rng.IntN(h.plan.endpoints))
	var list []met
	h.note(func() { list = h.purgeBegins(ep) })
	err := h.q.Purge(ep)
	h.note(func() { h.purgeEnds(ep, list, err) })
}
