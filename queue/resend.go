package queue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// Resend is a delivery to be made again.
type Resend struct {
	Event    EventID
	Endpoint EndpointID
	// Note is kept with the delivery and handed out with it, at most MaxNote bytes. It is copied.
	Note []byte
	// Letter is the dead letter that becomes the delivery, as DeadLetters gave it. Nil sends again what was
	// delivered, see Options.KeepDelivered.
	Letter *DeadLetter
}

// byHand lets what is done by hand and what deletes by bulk meet one at a time: Resend and Discard, the expiry of
// dead letters, the deletions of a sweep, a purge. It is taken before endpoint.mu. Who holds it does not wait for
// the committer, which takes it for a purge and for the snapshot of a sweep.
type byHand struct {
	mu sync.Mutex
	// sweeping says that a sweep has taken its snapshot and not ended. resent are the events that got a delivery
	// since then, out of nothing: the sweep does not see it and must leave their payloads.
	sweeping bool
	resent   map[EventID]struct{}
}

// Resend makes deliveries again, in lane Replay: due now, with no attempts counted and accepted now. It returns
// which of them it made. When it returns they are durable, and a dead letter that became one of them was removed
// in the same batch. Before that none of them is handed out.
//
// A delivery is not made if its letter is gone, if the payload is not there any more, or if the same event still
// waits for the same endpoint in lane Replay, or is in hand, or is another letter that was parked in that lane. So two calls for
// one delivery send it once.
//
// The calls take turns; one should be of no more than some hundreds. The commit cannot be called off by ctx.
//
// Errors: ErrClosed, ErrTooLarge for a note, ctx.Err(); after one of the database it is open whether the
// deliveries were made.
func (q *Queue) Resend(ctx context.Context, rs []Resend) ([]bool, error) {
	if !q.gate.enter() {
		return nil, ErrClosed
	}
	defer q.gate.leave()
	for i := range rs {
		if err := rs[i].validate(); err != nil {
			return nil, err
		}
	}
	r := resending{q: q, resends: rs, made: make([]bool, len(rs)), letters: make([]letterPlace, len(rs)), segments: make([]segment, len(rs))}
	if err := r.pin(ctx); err != nil {
		return nil, err
	}
	if q.hooks.beforeResend != nil {
		q.hooks.beforeResend()
	}
	t, stamp, err := r.write()
	if err != nil {
		return nil, err
	}
	if t == nil {
		return r.made, nil
	}
	defer q.writers.end(t)
	if q.hooks.afterResend != nil {
		q.hooks.afterResend()
	}
	before := q.syncs.committed.Load()
	if err := q.db.LogData(nil, q.opts.acceptOptions); err != nil {
		return nil, fmt.Errorf("queue: resend: %w", err)
	}
	q.syncs.covered(before)
	r.handOver(t, stamp)
	return r.made, nil
}

func (r *Resend) validate() error {
	if len(r.Note) > MaxNote {
		return fmt.Errorf("%w: note of %d bytes, at most %d", ErrTooLarge, len(r.Note), MaxNote)
	}
	if l := r.Letter; l != nil && (l.Mark.event != r.Event || l.Mark.endpoint != r.Endpoint) {
		return errors.New("queue: resend: the dead letter is of another delivery")
	}
	return nil
}

// resending is one call of Resend.
type resending struct {
	q       *Queue
	resends []Resend
	made    []bool
	letters []letterPlace // where they are

	segments []segment // that the deliveries are in
}

// pin sees to it that no payload goes with its last delivery from now on, and returns when the settlements are
// committed that had decided on that before. It leaves in made what may be possible. What waits in lane Replay is known when
// the large fan-outs from before the call are expanded.
//
// A message that is still being accepted is passed over. Nobody can know of it yet, and recent would take it in
// afterwards as one that nothing else refers to.
func (r *resending) pin(ctx context.Context) error {
	for i := range r.resends {
		id := r.resends[i].Event
		if r.made[i] = !r.q.writers.ahead(id); r.made[i] {
			r.q.recent.keep(id)
			r.q.sides.open.keep(id)
		}
	}
	if err := r.q.committed(ctx); err != nil {
		return err
	}
	return r.q.fanOuts.wait(ctx)
}

// write decides which deliveries can be made, and commits them. The ticket is nil if there are none. stamp is the
// number of removals before the write.
//
// Nothing can change in between what was decided: a letter is removed, and a payload swept, by those alone who
// hold byHand, and pin has dealt with young payloads.
func (r *resending) write() (t *ticket, stamp uint64, err error) {
	q := r.q
	q.byHand.mu.Lock()
	defer q.byHand.mu.Unlock()
	n, letters, err := r.decide()
	if err != nil || n == 0 {
		return nil, 0, err
	}
	if t, err = q.writers.begin(0); err != nil {
		return nil, 0, err
	}
	stamp = q.endpoints.removals.Load()
	if err := r.commit(t.low); err != nil {
		q.writers.end(t)
		return nil, 0, err
	}
	q.owe(Replay, t.low, t.low, int64(n))
	q.counts.dead.Add(-int64(letters))
	return t, stamp, nil
}

// decide leaves in made what is possible.
func (r *resending) decide() (n, letters int, err error) {
	type place struct {
		event    EventID
		endpoint EndpointID
	}
	seen := make(map[place]struct{}, len(r.resends))
	for i := range r.resends {
		s := &r.resends[i]
		p := place{s.Event, s.Endpoint}
		if _, twice := seen[p]; twice || !r.made[i] {
			r.made[i] = false
			continue
		}
		if r.made[i], err = r.possible(s, &r.letters[i]); err != nil {
			return 0, 0, fmt.Errorf("queue: resend: %w", err)
		}
		if !r.made[i] {
			continue
		}
		seen[p] = struct{}{}
		n++
		if s.Letter != nil {
			letters++
		}
	}
	return n, letters, nil
}

// possible sees to it that there is no second delivery of an event and endpoint in lane Replay, parked or not: after an unpark
// the two could be settled in one batch, and their retries, letters or attempts would have one key.
func (r *resending) possible(s *Resend, letter *letterPlace) (ok bool, err error) {
	q := r.q
	var buf [attemptKeyLen]byte
	if s.Letter != nil {
		if *letter, ok, err = q.findLetter(s.Letter.Mark); !ok || err != nil {
			return false, err
		}
	}
	for _, segment := range q.segments.of(s.Endpoint).all() {
		note := appendReplayKey(buf[:0], s.Endpoint, segment, s.Event)
		if bytes.Equal(note, letter.note) {
			continue
		}
		if there, err := q.has(note); there || err != nil {
			return false, err
		}
	}
	there, err := q.has(appendPayloadKey(buf[:0], s.Event))
	if isCorrupt(err) {
		return false, nil // and no reason to leave the others
	}
	return there, err
}

func (r *resending) commit(now micros) error {
	q := r.q
	b := q.db.NewBatch()
	defer b.Close()
	var buf [deliveryKeyLen + 64]byte
	for i := range r.resends {
		if !r.made[i] {
			continue
		}
		s := &r.resends[i]
		it, present := item{pos: position{now, s.Event}, state: state{accepted: now, note: s.Note}}, q.segments.present(s.Endpoint)
		r.segments[i] = present
		err := setDelivery(b, buf[:0], s.Endpoint, Replay.in(present), &it)
		if err == nil {
			err = b.Set(appendReplayKey(buf[:0], s.Endpoint, present, s.Event), nil, nil)
		}
		if err == nil && s.Letter != nil {
			err = r.letters[i].remove(b)
		}
		if err != nil {
			return err
		}
	}
	if err := q.commitBatch(b, pebble.NoSync); err != nil {
		return fmt.Errorf("queue: resend: %w", err)
	}
	q.byHand.revived(r.resends)
	return nil
}

// revived notes for a sweep in progress which payloads are referred to again.
func (h *byHand) revived(rs []Resend) {
	if !h.sweeping {
		return
	}
	for i := range rs {
		h.resent[rs[i].Event] = struct{}{}
	}
}

// handOver tells the endpoints of their deliveries, as for an accept.
func (r *resending) handOver(t *ticket, stamp uint64) {
	q := r.q
	for i := range r.resends {
		if !r.made[i] {
			continue
		}
		s := &r.resends[i]
		it := item{pos: position{t.low, s.Event}, state: state{accepted: t.low}}
		if len(s.Note) > 0 {
			it.note = bytes.Clone(s.Note)
		}
		it.segment = r.segments[i]
		q.handOver(s.Endpoint, Replay, it, stamp, t.low)
	}
	q.writers.end(t)
	for i := range r.resends {
		if r.made[i] {
			q.ready(r.resends[i].Endpoint, t.low)
		}
	}
}

func (q *Queue) has(key []byte) (bool, error) { return has(q.db, key) }

func has(r pebble.Reader, key []byte) (bool, error) {
	_, closer, err := r.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, closer.Close()
}
