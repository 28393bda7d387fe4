package bench

import (
	"context"
	"crypto/sha256"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Ledger is the account of what was published and what arrived. An event is published under a sequence number and owed to
// some endpoints, numbered from 0: what is lost and how long it took is counted by sequence number and endpoint, what came
// twice by the identifier of the delivery as well. Its methods are safe for any number of goroutines.
//
// Its tables hold no pointers: a run keeps hundreds of thousands of entries in the process that is
// measured, and the garbage collector must not have to visit them.
type Ledger struct {
	epoch   time.Time
	first   int64
	fanout  int64
	arrival func()

	events   table[publication]
	arrivals table[atomic.Int64] // a time for each event and endpoint
	shards   [ledgerShards]ledgerShard

	sent, delivered, repeated, refused, strangers atomic.Int64
}

const ledgerShards = 64

// publication is when an event was due and when Publish returned. Times in the tables are nanoseconds since the ledger's
// epoch, plus one, so that zero means never.
type publication struct{ due, accepted atomic.Int64 }

type ledgerShard struct {
	mu   sync.Mutex
	seen map[identity]sighting
	past map[identity][]Visit // only where visits are kept
}

// identity is the identifier of a delivery in 16 bytes.
type identity [16]byte

// sighting is what is known of one identifier.
type sighting struct {
	sequence int64
	answered int32 // requests that were answered well
}

// Visit is one request as a receiver saw it.
type Visit struct {
	Sequence int64
	Endpoint int64     // of those that the event is owed to
	Arrived  time.Time // when the whole request had come in
	Answered time.Time // when the answer was handed to the connection
	Status   int
}

// Account is what a Ledger says at one moment, in deliveries.
type Account struct {
	Sent       int64 // owed by what was published
	Delivered  int64 // of these, those that a receiver has answered well
	Lost       int64 // the others
	Duplicates int64 // well answered requests beyond the first for a sequence number and endpoint
	Refused    int64 // requests that a receiver failed on purpose
	Strangers  int64 // requests that nobody is known to have published
}

func (a *Account) add(b Account) {
	a.Sent += b.Sent
	a.Delivered += b.Delivered
	a.Lost += b.Lost
	a.Duplicates += b.Duplicates
	a.Refused += b.Refused
	a.Strangers += b.Strangers
}

// LedgerOptions configure a Ledger. The zero value is ready.
type LedgerOptions struct {
	// First is the lowest sequence number of the account. What arrives with a lower one belongs to an
	// earlier ledger that was closed with everything accounted for, and so counts as a duplicate.
	First int64

	// Fanout is the number of endpoints that every event is owed to.
	//
	// Defaults to 1.
	Fanout int

	// Arrival is called whenever an event has reached one of its endpoints for the first time.
	Arrival func()

	// KeepVisits keeps every request, for [Ledger.Visits]. It costs memory for each.
	KeepVisits bool
}

// NewLedger returns an empty ledger.
func NewLedger(o LedgerOptions) *Ledger {
	l := &Ledger{epoch: time.Now(), first: o.First, fanout: int64(max(o.Fanout, 1)), arrival: o.Arrival}
	for i := range l.shards {
		l.shards[i].seen = map[identity]sighting{}
		if o.KeepVisits {
			l.shards[i].past = map[identity][]Visit{}
		}
	}
	return l
}

// Sent enters that an event is about to be published, and when it was due to be. It is called before the publishing, as
// the first delivery may arrive before that returns.
func (l *Ledger) Sent(sequence int64, due time.Time) {
	if p := l.publication(sequence); p != nil {
		p.due.Store(l.stamp(due))
		l.sent.Add(l.fanout)
	}
}

// Accepted enters when Publish returned.
func (l *Ledger) Accepted(sequence int64, at time.Time) {
	if p := l.publication(sequence); p != nil {
		p.accepted.Store(l.stamp(at))
	}
}

// Withdrawn takes back what Sent entered: the publishing failed.
func (l *Ledger) Withdrawn(sequence int64) {
	if p := l.publication(sequence); p != nil && p.due.Swap(0) != 0 {
		l.sent.Add(-l.fanout)
	}
}

// enter enters one request.
func (l *Ledger) enter(identifier []byte, v Visit) {
	id := identify(identifier)
	well := v.Status >= 200 && v.Status < 300
	before := l.remember(id, v, well)
	if !well {
		l.refused.Add(1)
		return
	}
	p := l.publication(v.Sequence)
	switch {
	case p == nil && v.Sequence < l.first:
		l.repeated.Add(1)
	case p == nil || p.due.Load() == 0 || v.Endpoint < 0 || v.Endpoint >= l.fanout:
		l.strangers.Add(1)
	case before > 0 || !l.arrivals.at(l.slot(v)).CompareAndSwap(0, l.stamp(v.Arrived)):
		l.repeated.Add(1)
	default:
		l.delivered.Add(1)
		if l.arrival != nil {
			l.arrival()
		}
	}
}

// publication returns the place of a sequence number, or nil if it is outside the account.
func (l *Ledger) publication(sequence int64) *publication {
	n := sequence - l.first
	if n < 0 || n >= tableSize/l.fanout {
		return nil
	}
	return l.events.at(n)
}

// slot is the place of a visit among the arrivals.
func (l *Ledger) slot(v Visit) int64 { return (v.Sequence-l.first)*l.fanout + v.Endpoint }

// remember notes the identifier and returns how often it had been answered well before.
func (l *Ledger) remember(id identity, v Visit, well bool) int32 {
	s := &l.shards[id[15]%ledgerShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.seen[id]
	before := known.answered
	known.sequence = v.Sequence
	if well {
		known.answered++
	}
	s.seen[id] = known
	if s.past != nil {
		s.past[id] = append(s.past[id], v)
	}
	return before
}

// Account returns the totals.
func (l *Ledger) Account() Account {
	a := Account{
		Sent: l.sent.Load(), Delivered: l.delivered.Load(), Duplicates: l.repeated.Load(),
		Refused: l.refused.Load(), Strangers: l.strangers.Load(),
	}
	a.Lost = a.Sent - a.Delivered
	return a
}

// Delivered returns how many deliveries have been answered.
func (l *Ledger) Delivered() int64 { return l.delivered.Load() }

// Await returns when everything that was sent has been answered, or with the error of ctx. Nothing may
// be published any more.
func (l *Ledger) Await(ctx context.Context) error {
	poll := time.NewTicker(time.Millisecond)
	defer poll.Stop()
	for l.delivered.Load() < l.sent.Load() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-poll.C:
		}
	}
	return nil
}

// Latencies returns the times from the moment at which an event was due to be published to the arrival at an endpoint,
// one for each delivery that was answered, in the order of the sequence numbers.
func (l *Ledger) Latencies() []time.Duration {
	return l.latencies(func(p *publication) int64 { return p.due.Load() })
}

// AfterAccept returns the times from the return of Publish to the arrival. They are 0 where the request arrived before the
// publisher knew.
func (l *Ledger) AfterAccept() []time.Duration {
	return l.latencies(func(p *publication) int64 { return p.accepted.Load() })
}

func (l *Ledger) latencies(begin func(*publication) int64) []time.Duration {
	times := make([]time.Duration, 0, l.delivered.Load())
	l.arrivals.each(func(slot int64, arrived *atomic.Int64) {
		if end := arrived.Load(); end != 0 {
			if start := begin(l.events.at(slot / l.fanout)); start != 0 {
				times = append(times, time.Duration(max(0, end-start)))
			}
		}
	})
	return times
}

// Arrivals returns the times at which deliveries arrived, in their order.
func (l *Ledger) Arrivals() []time.Time {
	stamps := make([]int64, 0, l.delivered.Load())
	l.arrivals.each(func(_ int64, arrived *atomic.Int64) {
		if at := arrived.Load(); at != 0 {
			stamps = append(stamps, at)
		}
	})
	slices.Sort(stamps)
	times := make([]time.Time, len(stamps))
	for i, at := range stamps {
		times[i] = l.epoch.Add(time.Duration(at - 1))
	}
	return times
}

// lastLate returns when the last delivery arrived of those that came more than so much after they were due; zero if none did.
func (l *Ledger) lastLate(than time.Duration) time.Time {
	last := int64(0)
	l.arrivals.each(func(slot int64, arrived *atomic.Int64) {
		if at := arrived.Load(); at > last && at-l.events.at(slot/l.fanout).due.Load() > int64(than) {
			last = at
		}
	})
	if last == 0 {
		return time.Time{}
	}
	return l.epoch.Add(time.Duration(last - 1))
}

// Missing returns up to n of the sequence numbers that were sent and not answered by every endpoint.
func (l *Ledger) Missing(n int) []int64 {
	var missing []int64
	l.events.each(func(event int64, p *publication) {
		if len(missing) < n && p.due.Load() != 0 && !l.complete(event) {
			missing = append(missing, l.first+event)
		}
	})
	return missing
}

func (l *Ledger) complete(event int64) bool {
	for slot := event * l.fanout; slot < (event+1)*l.fanout; slot++ {
		if l.arrivals.at(slot).Load() == 0 {
			return false
		}
	}
	return true
}

// Visits calls f with the requests for each identifier, in the order in which they were answered. The
// ledger must have been made to keep visits.
func (l *Ledger) Visits(f func([]Visit)) {
	for i := range l.shards {
		s := &l.shards[i]
		s.mu.Lock()
		for _, visits := range s.past {
			f(visits)
		}
		s.mu.Unlock()
	}
}

func (l *Ledger) stamp(t time.Time) int64 { return int64(t.Sub(l.epoch)) + 1 }

// identify packs an identifier: the 32 hexadecimal digits of a UUID as they are, anything else by its
// hash.
func identify(text []byte) identity {
	var id identity
	n := 0
	for _, c := range text {
		if c == '-' {
			continue
		}
		digit, ok := hexDigit(c)
		if !ok || n == 32 {
			n = 0
			break
		}
		id[n/2] = id[n/2]<<4 | digit
		n++
	}
	if n != 32 {
		sum := sha256.Sum256(text)
		return identity(sum[:16])
	}
	return id
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
