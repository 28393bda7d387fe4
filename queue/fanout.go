package queue

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
)

// A large fan-out is a message with more deliveries than an accept should have to write. The accept writes their
// destinations in parts, in the batch with the payload, and the expander makes deliveries of one part after the other.
//
// What of them waits in line for others, by an order key, the accept writes itself: its place is that of the accept.

const (
	maxDirect    = 512       // deliveries without an order key that an accept writes itself
	maxPart      = 1000      // destinations in a part
	maxPartBytes = 256 << 10 // of its value, about: notes may be large
)

// fanOuts are the parts that are not expanded yet. They are in order of events, and that is the order they are expanded in,
// as far as their accepts came one after the other.
type fanOuts struct {
	owed atomic.Int64 // destinations, with those of accepts in progress

	mu      sync.Mutex
	parts   []part
	failing error           // of the last try to expand the first
	waits   []expansionWait // in the order they came
	come    chan struct{}   // a part came
}

// part is where destinations are on disk.
type part struct {
	event  EventID
	number uint16
	head   partHead
}

func (p *part) compare(o part) int {
	return cmp.Or(cmp.Compare(p.event, o.event), cmp.Compare(p.number, o.number))
}

// expansionWait is for the expansion of all parts up to one.
type expansionWait struct {
	last part
	over chan error // has room for one
}

func (f *fanOuts) init() { f.come = make(chan struct{}, 1) }

// enter counts destinations in that are being accepted. It returns false if too many are there already: one message is let
// in however large it is.
func (f *fanOuts) enter(n, limit int) bool {
	if n == 0 {
		return true
	}
	if f.owed.Add(int64(n))-int64(n) >= int64(limit) {
		f.leave(n)
		return false
	}
	return true
}

func (f *fanOuts) leave(n int) {
	if n != 0 {
		f.owed.Add(-int64(n))
	}
}

// add takes in parts that are durable, those of one message after the other.
func (f *fanOuts) add(parts []part) {
	if len(parts) == 0 {
		return
	}
	f.mu.Lock()
	for len(parts) > 0 {
		n := 1
		for n < len(parts) && parts[n].event == parts[0].event {
			n++
		}
		at, _ := slices.BinarySearchFunc(f.parts, parts[0], func(p, o part) int { return p.compare(o) })
		f.parts = slices.Insert(f.parts, at, parts[:n]...)
		parts = parts[n:]
	}
	f.mu.Unlock()
	select {
	case f.come <- struct{}{}:
	default:
	}
}

func (f *fanOuts) first() (part, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.parts) == 0 {
		return part{}, false
	}
	return f.parts[0], true
}

// expanded takes out a part and tells those who have waited for it.
func (f *fanOuts) expanded(p part) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failing = nil
	f.leave(p.head.total()) // before those who wait go on and look
	if at, ok := slices.BinarySearchFunc(f.parts, p, func(p, o part) int { return p.compare(o) }); ok {
		f.parts = slices.Delete(f.parts, at, at+1)
	}
	f.waits = slices.DeleteFunc(f.waits, func(w expansionWait) bool {
		over := len(f.parts) == 0 || f.parts[0].compare(w.last) > 0
		if over {
			w.over <- nil
		}
		return over
	})
}

// failed tells those who wait that the first part could not be expanded.
func (f *fanOuts) failed(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failing = err
	for _, w := range f.waits {
		w.over <- err
	}
	f.waits = nil
}

// wait waits until the parts that are there are expanded, or until that fails: it will be tried again, but nobody can say
// when it succeeds.
func (f *fanOuts) wait(ctx context.Context) error {
	f.mu.Lock()
	if len(f.parts) == 0 || f.failing != nil {
		defer f.mu.Unlock()
		return f.failing
	}
	w := expansionWait{f.parts[len(f.parts)-1], make(chan error, 1)}
	f.waits = append(f.waits, w)
	f.mu.Unlock()
	select {
	case err := <-w.over:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ordered reports whether a delivery waits in line for others.
func (t *Target) ordered() bool { return t.Order != 0 && t.Lane == Fresh }

// later returns how many deliveries of a message are left to the expander: all or none of those without an order key.
func (q *Queue) later(m *Message) int {
	if len(m.Deliveries) <= q.opts.maxDirect {
		return 0
	}
	n := 0
	for i := range m.Deliveries {
		if !m.Deliveries[i].ordered() {
			n++
		}
	}
	if n <= q.opts.maxDirect {
		return 0
	}
	return n
}

// addParts writes what is left to the expander.
func (a *accepting) addParts(b *pebble.Batch) error {
	var w partWriter
	for i := range a.messages {
		m, r := &a.messages[i], &a.receipts[i]
		if r.Repeated || a.q.later(m) == 0 {
			continue
		}
		number := 0
		w.begin(a.now)
		for j := range m.Deliveries {
			t := &m.Deliveries[j]
			if t.ordered() {
				continue
			}
			if w.head.total() == a.q.opts.maxPart || len(w.body) >= maxPartBytes {
				if err := a.addPart(b, r.Event, number, &w); err != nil {
					return err
				}
				number++
				w.begin(a.now)
			}
			w.add(destination{endpoint: t.Endpoint, lane: t.Lane, notBefore: a.q.clock.at(t.NotBefore), note: t.Note})
		}
		if err := a.addPart(b, r.Event, number, &w); err != nil {
			return err
		}
	}
	return nil
}

func (a *accepting) addPart(b *pebble.Batch, id EventID, number int, w *partWriter) error {
	if number > math.MaxUint16 {
		return ErrTooLarge
	}
	p := part{id, uint16(number), w.head}
	a.parts = append(a.parts, p)
	var key [partKeyLen]byte
	return b.Set(appendPartKey(key[:0], p.event, p.number), w.appendValue(nil), nil)
}

// find takes in the parts from before Open. There are no more of them than Options.MaxExpanding and one message let in.
func (f *fanOuts) find(q *Queue, heads *pebble.Snapshot) error {
	var parts []part
	err := q.eachPart(heads, func(p part, err error) {
		if err != nil {
			q.log.Error("queue: a part of a fan-out is malformed, its deliveries are lost", "event", uint64(p.event), "part", p.number)
			return
		}
		parts = append(parts, p)
		f.owed.Add(int64(p.head.total()))
	})
	f.add(parts)
	return err
}

// eachPart calls f for the parts on disk, with errCorrupt for one that does not even begin as it should.
func (q *Queue) eachPart(r pebble.Reader, f func(part, error)) error {
	return q.eachReadable(r, []byte{prefixFanOut}, []byte{prefixFanOut + 1}, func(iter *pebble.Iterator) {
		id, number, ok := parsePartKey(iter.Key())
		head, err := decodePartHead(iter.Value())
		if !ok {
			err = errors.Join(err, errCorrupt)
		}
		f(part{id, number, head}, err)
	})
}
