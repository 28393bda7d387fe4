package bench

import (
	"context"
	"crypto/sha256"
	"sync"
	"sync/atomic"
	"time"
)

// Ledger is the account of what was published and what arrived. It is entered by sequence number, for
// what is lost and how long it took, and by the identifier of the delivery, for what came twice. Its
// methods are safe for any number of goroutines.
//
// Its tables hold no pointers: a run keeps hundreds of thousands of entries in the process that is
// measured, and the garbage collector must not have to visit them.
type Ledger struct {
	epoch   time.Time
	first   int64
	arrival func(int64)

	grow   sync.Mutex
	chunks [maxChunks]atomic.Pointer[chunk]
	shards [ledgerShards]ledgerShard

	sent, delivered, repeated, refused, strangers atomic.Int64
}

const (
	ledgerShards = 64
	chunkSize    = 1 << 14
	maxChunks    = 1 << 12
)

// entry is what is known of one sequence number. Times are nanoseconds since the ledger's epoch, plus
// one, so that zero means never.
type entry struct{ sent, answered atomic.Int64 }

type chunk [chunkSize]entry

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
	Arrived  time.Time
	Answered time.Time // when the answer was handed to the connection
	Status   int
}

// Account is what a Ledger says at one moment.
type Account struct {
	Sent       int64 // sequence numbers that were published
	Delivered  int64 // of these, those that a receiver has answered well
	Lost       int64 // the others
	Duplicates int64 // well answered requests beyond the first for a sequence number
	Refused    int64 // requests that a receiver failed on purpose
	Strangers  int64 // requests that nobody is known to have published
}

// LedgerOptions configure a Ledger. The zero value is ready.
type LedgerOptions struct {
	// First is the lowest sequence number of the account. What arrives with a lower one belongs to an
	// earlier ledger that was closed with everything accounted for, and so counts as a duplicate.
	First int64

	// Arrival is called with each sequence number that is answered for the first time.
	Arrival func(sequence int64)

	// KeepVisits keeps every request, for [Ledger.Visits]. It costs memory for each.
	KeepVisits bool
}

// NewLedger returns an empty ledger.
func NewLedger(o LedgerOptions) *Ledger {
	l := &Ledger{epoch: time.Now(), first: o.First, arrival: o.Arrival}
	for i := range l.shards {
		l.shards[i].seen = map[identity]sighting{}
		if o.KeepVisits {
			l.shards[i].past = map[identity][]Visit{}
		}
	}
	return l
}

// Sent enters that a sequence number is about to be published. It is called before the publishing, as
// the delivery may arrive before that returns.
func (l *Ledger) Sent(sequence int64, at time.Time) {
	if e := l.entry(sequence); e != nil {
		e.sent.Store(l.stamp(at))
		l.sent.Add(1)
	}
}

// Withdrawn takes back what Sent entered: the publishing failed.
func (l *Ledger) Withdrawn(sequence int64) {
	if e := l.entry(sequence); e != nil && e.sent.Swap(0) != 0 {
		l.sent.Add(-1)
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
	e := l.entry(v.Sequence)
	switch {
	case e == nil && v.Sequence < l.first:
		l.repeated.Add(1)
	case e == nil || e.sent.Load() == 0:
		l.strangers.Add(1)
	case before > 0 || !e.answered.CompareAndSwap(0, l.stamp(v.Answered)):
		l.repeated.Add(1)
	default:
		l.delivered.Add(1)
		if l.arrival != nil {
			l.arrival(v.Sequence)
		}
	}
}

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

// Delivered returns how many sequence numbers have been answered.
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

// Latencies returns the times from Sent to the answer, one for each sequence number that was answered,
// in the order of the numbers.
func (l *Ledger) Latencies() []time.Duration {
	times := make([]time.Duration, 0, l.delivered.Load())
	l.each(func(_ int64, e *entry) {
		if sent, answered := e.sent.Load(), e.answered.Load(); sent != 0 && answered != 0 {
			times = append(times, time.Duration(answered-sent))
		}
	})
	return times
}

// Missing returns up to n of the sequence numbers that were sent and not answered.
func (l *Ledger) Missing(n int) []int64 {
	var missing []int64
	l.each(func(sequence int64, e *entry) {
		if len(missing) < n && e.sent.Load() != 0 && e.answered.Load() == 0 {
			missing = append(missing, sequence)
		}
	})
	return missing
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

func (l *Ledger) each(f func(int64, *entry)) {
	for i := range l.chunks {
		c := l.chunks[i].Load()
		for j := 0; c != nil && j < chunkSize; j++ {
			f(l.first+int64(i*chunkSize+j), &c[j])
		}
	}
}

// entry returns the place of a sequence number, or nil if it is outside the account.
func (l *Ledger) entry(sequence int64) *entry {
	n := sequence - l.first
	if n < 0 || n >= maxChunks*chunkSize {
		return nil
	}
	at := &l.chunks[n/chunkSize]
	c := at.Load()
	if c == nil {
		c = l.extend(at)
	}
	return &c[n%chunkSize]
}

func (l *Ledger) extend(at *atomic.Pointer[chunk]) *chunk {
	l.grow.Lock()
	defer l.grow.Unlock()
	if c := at.Load(); c != nil {
		return c
	}
	c := new(chunk)
	at.Store(c)
	return c
}

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
