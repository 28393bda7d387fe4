package queue

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// EventID names one accepted message for ever. Ids grow with time and leave gaps.
type EventID uint64

// EndpointID names a place deliveries are owed to: the unit of order and backlog. The caller chooses
// it, and never gives an id of the past to another endpoint.
type EndpointID uint64

// Lane orders the deliveries of one endpoint: as long as something of Fresh is due, nothing of Replay
// is taken.
type Lane uint8

const (
	Fresh  Lane = 0 // new deliveries and their retries
	Replay Lane = 1 // bulk: deliveries sent again by hand

	lanes = 2
)

// String returns "fresh" or "replay".
func (l Lane) String() string {
	switch l {
	case Fresh:
		return "fresh"
	case Replay:
		return "replay"
	}
	return fmt.Sprintf("Lane(%d)", uint8(l))
}

// The errors of this package. Compare with errors.Is.
var (
	// ErrClosed is returned by every method once Close has begun.
	ErrClosed = errors.New("queue: closed")
	// ErrKeyReused is returned by Accept for an idempotency key that is known with another fingerprint.
	ErrKeyReused = errors.New("queue: idempotency key was used for another message")
	// ErrTooLarge is returned by Accept for a message no amount of waiting would let in.
	ErrTooLarge = errors.New("queue: message too large")
	// ErrDuplicate is returned by Accept for a message that owes one endpoint two deliveries in one lane.
	ErrDuplicate = errors.New("queue: two deliveries of one message for the same endpoint and lane")
	// ErrNotHeld is returned by Settle for a delivery that is not, or no longer, in the caller's hands.
	ErrNotHeld = errors.New("queue: delivery is not in hand")
	// ErrOverloaded is what an OverloadedError is, for errors.Is.
	ErrOverloaded = errors.New("queue: overloaded")
	// ErrReadOnly is the cause of an OverloadedError when Options.ReadOnly says that nothing is taken in, or a payload that
	// needs a file of its own finds no room on the disk.
	ErrReadOnly = errors.New("queue: nothing is taken in at present, as the disk has no room for it")
)

// OverloadedError is returned by Accept when too much is being written at the moment, when the disk takes nothing, or when it has
// no room for more. Nothing of the message was kept.
type OverloadedError struct {
	// RetryAfter is how long the producer should wait before it tries again.
	RetryAfter time.Duration
	// Cause is ErrReadOnly, or nil where too much is being written, or nothing.
	Cause error
}

func (e *OverloadedError) Error() string {
	return fmt.Sprintf("%v, retry after %v", cmp.Or(e.Cause, ErrOverloaded), e.RetryAfter)
}

// Unwrap returns the cause.
func (e *OverloadedError) Unwrap() error { return e.Cause }

// Is makes errors.Is(err, ErrOverloaded) hold.
func (e *OverloadedError) Is(target error) bool { return target == ErrOverloaded }

// Delivery is one message owed to one endpoint, in the hands of whoever took it.
type Delivery struct {
	Event    EventID
	Endpoint EndpointID
	Lane     Lane

	// Due is the time from which the delivery could be taken.
	Due time.Time
	// Attempts counts the attempts settled so far; 0 means this will be the first.
	Attempts int
	// Accepted is when Accept took the message in.
	Accepted time.Time
	// FirstFailure is when the first failed attempt was settled, zero if there is none.
	FirstFailure time.Time
	// LastStatus is the status of the last attempt, 0 if there is none.
	LastStatus int

	// Payload and Note are what Accept was given. Both may be shared with other deliveries of the
	// message: read only.
	Payload []byte
	Note    []byte

	queue *Queue
	home  *endpoint
	item  item
	read  *sharedRead // keeps Payload shared; nil if it is not from a side file
}

// Queue keeps deliveries in a Pebble database until they are settled.
type Queue struct {
	db    *pebble.DB
	opts  Options
	log   *slog.Logger
	hooks hooks

	gate      gate
	clock     *clock
	writers   *writers
	endpoints endpoints
	segments  segmentMap
	recent    recent
	sides     sideFiles
	blocks    blocks
	hidden    hidden
	unknown   atomic.Uint64 // what refers to messages below it may be on a part of the disk that is corrupt
	keyLocks  keyLocks
	groups    groups
	fanOuts   fanOuts
	settles   committer
	byHand    byHand
	sweeps    sync.Mutex    // held during a sweep
	garbage   chan struct{} // calls for one
	reclaims  chan struct{} // calls for one that gives up the oldest attempts
	syncs     syncer
	counts    counts
	ages      ages

	admitted    admission
	complaints  complaints
	recovered   atomic.Bool   // every endpoint with work at Open is in endpoints
	stop        chan struct{} // closed by Close
	background  sync.WaitGroup
	closeOnce   sync.Once
	closeResult error
}

// hooks let a test stand between two steps. Nil means nothing happens.
type hooks struct {
	beforeCommit   func([]Message) // ids and due times are chosen, nothing is written
	afterCommit    func([]Message) // durable and visible, not handed over yet
	keyBusy        func()          // another accept has the key
	beforeScan     func(EndpointID)
	afterScan      func(EndpointID)
	beforeFind     func()     // a look for the endpoints with work, the first or another one
	afterAsked     func()     // whether recovery is through is known, whether the endpoint is there is not
	beforePurge    func()     // a purge has its snapshot and has deleted nothing yet
	beforeCount    func()     // a purge, park or unpark is durable, what it is about is not counted yet
	beforeSettle   func()     // a batch of outcomes is made up and not committed
	afterSettle    func()     // it is committed, or was refused
	beforeResend   func()     // payloads are pinned, nothing is decided
	afterResend    func()     // written and visible, neither durable nor handed over
	beforeExpand   func(part) // nothing of it is read
	duringExpand   func(part) // a batch of deliveries is made up and not committed
	afterExpand    func(part) // written and visible, not handed over
	afterMark      func()     // a sweep knows what is live and has freed nothing yet
	beforeSnapshot func()     // a sweep takes its snapshot
	betweenBatches func()     // of a defect, see lab.go
}

// Open returns the queue kept in db, which should have been opened with options passed through Tune.
// The database is lent: Close leaves it open, and it must stay open until Close has returned. There
// may be one open Queue on a database at a time.
//
// Open does not depend on how much is waiting, apart from large fan-outs that are not expanded. It calls o.Ready for each endpoint with work from a
// goroutine of its own, possibly before it returns.
func Open(db *pebble.DB, o Options) (*Queue, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, err
	}
	q := &Queue{
		db: db, opts: o, log: o.Logger, hooks: o.hooks, stop: make(chan struct{}),
		garbage: make(chan struct{}, 1), reclaims: make(chan struct{}, 1),
	}
	q.gate.init()
	q.admitted.init()
	if err := q.recover(); err != nil {
		return nil, fmt.Errorf("queue: open: %w", err)
	}
	if err := q.openSides(); err != nil {
		return nil, fmt.Errorf("queue: open: %w", err)
	}
	q.endpoints.init()
	q.recent.init(o.HandOffBytes)
	q.keyLocks.init(o.hooks.keyBusy)
	q.settles.init()
	q.syncs.init()
	q.fanOuts.init()
	heads, then := db.NewSnapshot(), q.segments.now()
	if err := q.fanOuts.find(q, heads); err != nil {
		return nil, fmt.Errorf("queue: open: %w", errors.Join(err, heads.Close(), q.sides.close()))
	}
	q.background.Go(q.expandLoop)
	q.background.Go(func() { q.findWork(heads, then) })
	q.background.Go(q.sweepLoop)
	q.background.Go(q.syncLoop)
	q.background.Go(q.removeLoop)
	if d := q.Doubt(); d > 0 {
		q.log.Warn("queue: the machine's clock is far ahead of where it was when the queue was closed, and is not believed for an hour; see Options.TrustClock", "by", d)
		q.background.Go(q.clockLoop)
	}
	q.settles.done.Go(q.commitLoop)
	return q, nil
}

// Close waits for calls in progress, makes every settlement durable and stops the queue's goroutines.
// Deliveries in hand are due again when the queue is opened the next time. It must not be called from
// Options.Ready. Closing twice is harmless.
func (q *Queue) Close() error {
	q.closeOnce.Do(func() {
		q.gate.close()
		close(q.settles.ops)
		q.settles.hurry()
		q.settles.done.Wait()
		close(q.stop)
		q.background.Wait()
		q.closeResult = errors.Join(q.clock.seal(), q.sides.close())
	})
	return q.closeResult
}

// Payload returns the payload of a message that still has a delivery or a dead letter, or was delivered
// within Options.KeepDelivered, and false if the queue does not hold it, or only what is corrupt. It is the caller's own copy.
func (q *Queue) Payload(id EventID) ([]byte, bool, error) {
	if !q.gate.enter() {
		return nil, false, ErrClosed
	}
	defer q.gate.leave()
	b, f, err := q.stored(id)
	if f.number != 0 {
		if b, err = q.sides.load(f); err != nil {
			if there, _ := q.has(appendPayloadKey(nil, id)); !there {
				return nil, false, nil // it was freed just now
			}
		}
	}
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, false, nil
	}
	if isCorrupt(err) {
		q.log.Error("queue: a payload is corrupt", "event", uint64(id), "err", err)
		return nil, false, nil
	}
	return b, err == nil, err
}

// stored returns a copy of a payload, or the side file that it is in.
func (q *Queue) stored(id EventID) ([]byte, sideFile, error) {
	var buf [payloadKeyLen]byte
	v, closer, err := q.db.Get(appendPayloadKey(buf[:0], id))
	if err != nil {
		return nil, sideFile{}, err
	}
	defer closer.Close()
	return decodePayload(v)
}

// fetch gives a delivery its payload.
func (q *Queue) fetch(d *Delivery) error {
	payload, ok := q.recent.payload(d.Event)
	if ok {
		d.Payload = payload
		return nil
	}
	err := q.readPayload(d)
	if isCorrupt(err) { // it may have been the memory, or the bus
		err = q.readPayload(d)
	}
	return err
}

// readPayload is fetch from disk.
func (q *Queue) readPayload(d *Delivery) error {
	payload, f, err := q.stored(d.Event)
	if err == nil && f.number != 0 {
		if d.read, err = q.sides.share(f); err == nil {
			payload = d.read.payload
		}
	}
	d.Payload = payload
	return err
}

// ready tells the owner of the queue that an endpoint has, or will have, something due.
func (q *Queue) ready(id EndpointID, due micros) {
	if q.opts.Ready != nil {
		q.opts.Ready(id, q.clock.time(due))
	}
}
