package queue

import (
	"context"
	"fmt"
	"time"

	"hookline/queue/internal/lab"
)

// Target is an endpoint a message is owed to.
type Target struct {
	Endpoint EndpointID
	Lane     Lane
	// NotBefore delays the delivery. Zero or a time in the past means now.
	NotBefore time.Time
	// Order is an order key. Of the deliveries of one endpoint with the same key, one is handed out only
	// after all accepted before it are settled as Done or Dead, or purged; a delay or a retry of one holds up
	// all behind it. Zero means none: the delivery waits for no other, nor any other for it. It makes no
	// difference in lane Replay. See the package documentation on order.
	Order uint64
	// Note is kept with the delivery and handed out with it: usually a few bytes, at most MaxNote.
	Note []byte
}

// Message is what Accept takes in. Everything in it is copied.
type Message struct {
	Payload    []byte
	Deliveries []Target // at most one for each endpoint and lane

	// Scope and Key make the message idempotent: within Options.KeepKeys of the first accept, another
	// message with the same two is not accepted again. Fingerprint tells an honest repetition from a key
	// used twice. An empty Key means none of this.
	Scope       uint64
	Key         string
	Fingerprint uint64
}

// MaxNote is the largest Target.Note, in bytes.
const MaxNote = 64 << 10

// Receipt is the promise made for a message.
type Receipt struct {
	Event      EventID
	Accepted   time.Time
	Deliveries int  // how many it has
	Repeated   bool // the key was known: this is the first receipt again, and nothing was written
}

// Accept takes a message in. When it returns nil, payload, deliveries and key are on disk and survive
// the loss of power; in case of an error the message may be assumed not to have been taken in, except
// that an error of the database leaves it open. One of the file system, for a large payload, does not.
//
// A message without deliveries gets an id, and nothing but its key, if any, is written.
//
// Of a message with more than 512 deliveries without an order key, all of these are made in the background: when Accept
// returns they are as durable as the others, they count as Stats.Waiting and are in the list of Waiting, but their
// endpoints have them a little later. They are due then, and Ready is called. See Options.MaxExpanding.
//
// A message whose key is being accepted by another call waits for that one to end, or for ctx. The
// commit itself cannot be called off.
//
// What is above Options.MaxAcceptBytes, MaxAccepts or MaxExpanding, comes while the disk has taken nothing for five seconds, or
// finds no room there, is refused with an OverloadedError, and does not wait.
//
// Errors: ErrClosed, ErrKeyReused, ErrTooLarge, ErrDuplicate, an OverloadedError, ctx.Err().
func (q *Queue) Accept(ctx context.Context, m Message) (Receipt, error) {
	var receipt [1]Receipt
	err := q.accept(ctx, []Message{m}, receipt[:])
	return receipt[0], err
}

// AcceptAll takes several messages in as one: all of them or, after an error, none. A key used twice
// among them is accepted once. The receipts are in the order of the messages.
func (q *Queue) AcceptAll(ctx context.Context, ms []Message) ([]Receipt, error) {
	receipts := make([]Receipt, len(ms))
	if err := q.accept(ctx, ms, receipts); err != nil {
		return nil, err
	}
	return receipts, nil
}

// retryReadOnly is when a producer should come back that was refused for want of room: it takes people to make that.
const retryReadOnly = 30 * time.Second

func (q *Queue) accept(ctx context.Context, ms []Message, receipts []Receipt) error {
	if !q.gate.enter() {
		return ErrClosed
	}
	defer q.gate.leave()
	if err := ctx.Err(); err != nil {
		return err
	}
	size, later, err := q.measure(ms)
	if err != nil {
		return err
	}
	if !q.admitted.enter(size, &q.opts) {
		return &OverloadedError{RetryAfter: time.Second}
	}
	defer q.admitted.leave(size)
	if !q.fanOuts.enter(later, q.opts.MaxExpanding) {
		return &OverloadedError{RetryAfter: time.Second}
	}
	defer func() { q.fanOuts.leave(later) }()

	keys, err := q.lockKeys(ctx, ms)
	if err != nil {
		return err
	}
	defer q.keyLocks.release(keys)
	a := accepting{q: q, messages: ms, receipts: receipts, size: size, room: size - later*(deliverySize-4)}
	if err := a.recall(); err != nil || a.fresh == 0 {
		return err
	}
	if a.writes() {
		if q.opts.ReadOnly() {
			return &OverloadedError{RetryAfter: retryReadOnly, Cause: ErrReadOnly}
		}
		if q.admitted.stalled() {
			return &OverloadedError{RetryAfter: stall}
		}
	}
	if err := a.writeSides(); err != nil {
		return err
	}
	if err := q.write(&a); err != nil {
		a.discardSides()
		return err
	}
	if q.opts.defect == lab.RowBeforeFile && a.sides != nil {
		q.betweenBatches()
		if err := q.sides.names.sync(); err != nil {
			return err
		}
	}
	for _, p := range a.parts {
		later -= p.head.total() // the expander counts them out
	}
	a.announce()
	q.counts.acceptedBytes.Add(a.bytes())
	return nil
}

// deliverySize is about what a delivery takes besides its note.
const deliverySize = 64

// measure checks the messages. It returns about how many bytes they take, and how many deliveries are left to the expander.
func (q *Queue) measure(ms []Message) (size, later int, err error) {
	for i := range ms {
		m := &ms[i]
		if len(m.Payload) > q.opts.MaxPayload {
			return 0, 0, fmt.Errorf("%w: payload of %d bytes, at most %d", ErrTooLarge, len(m.Payload), q.opts.MaxPayload)
		}
		size += len(m.Payload) + 128
		for j := range m.Deliveries {
			t := &m.Deliveries[j]
			if len(t.Note) > MaxNote {
				return 0, 0, fmt.Errorf("%w: note of %d bytes, at most %d", ErrTooLarge, len(t.Note), MaxNote)
			}
			if t.Lane >= lanes {
				return 0, 0, fmt.Errorf("queue: there is no %v", t.Lane)
			}
			size += len(t.Note) + deliverySize
		}
		if err := distinct(m.Deliveries); err != nil {
			return 0, 0, err
		}
		later += q.later(m)
	}
	if size > q.opts.MaxAcceptBytes {
		return 0, 0, fmt.Errorf("%w: %d bytes in one call, at most %d", ErrTooLarge, size, q.opts.MaxAcceptBytes)
	}
	return size, later, nil
}

// distinct refuses two deliveries that could get the same key: a key is written once.
func distinct(ts []Target) error {
	if len(ts) <= 8 {
		for i := range ts {
			for j := range i {
				if ts[i].Endpoint == ts[j].Endpoint && ts[i].Lane == ts[j].Lane {
					return ErrDuplicate
				}
			}
		}
		return nil
	}
	up := 1
	for up < len(ts) && ts[up-1].Endpoint < ts[up].Endpoint {
		up++
	}
	if up == len(ts) {
		return nil
	}
	type place struct {
		endpoint EndpointID
		lane     Lane
	}
	seen := make(map[place]struct{}, len(ts))
	for i := range ts {
		seen[place{ts[i].Endpoint, ts[i].Lane}] = struct{}{}
	}
	if len(seen) < len(ts) {
		return ErrDuplicate
	}
	return nil
}
