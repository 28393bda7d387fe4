package registry

import (
	"container/heap"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"hookline/engine/store"
)

// budget lets go of the stock that was not used for longest, when all together take too much.
type budget struct {
	limit    int64         // bytes; 0 is none
	resident atomic.Int64  // bytes of what is always in memory, about
	clock    atomic.Uint64 // ticks with every stock that is read

	mu        sync.Mutex
	stocks    stocks
	bytes     int64 // of the stocks
	loads     uint64
	loading   time.Duration
	evictions uint64
}

// About what a tenant with an app takes, and an endpoint, in the maps too; and each of its groups, of which there are as many as
// webhooks where these were registered one by one and expire.
const (
	perTenant   = 3 << 10
	perEndpoint = 1 << 10
	perGroup    = int64(unsafe.Sizeof(store.Group{}))
)

// perField is about what a plan to extract the fields that filters ask for takes for each, measured.
const perField = 650

// perStock is what a stock without webhooks takes: the maps and the index begin with some room.
const perStock = int64(unsafe.Sizeof(stock{})) + 1<<10

// Memory is what the registry has in memory.
type Memory struct {
	Tenants   int           // whose webhooks are
	Bytes     int64         // of these with their indexes, about
	Loads     uint64        // times since Open that those of a tenant were read
	LoadTime  time.Duration // that this took, with the building of indexes
	Evictions uint64        // times since Open that those of a tenant were let go, as all took too much
}

// Budget sets how many bytes registrations may take in memory, with their indexes; 0 is without bound. What is always in memory (see
// the package documentation) is in that, by an estimate, and stays whatever it takes; so does the tenant that was used last. Budget is called before the registry is shared.
func (r *Registry) Budget(bytes int64) { r.budget.limit = bytes }

// Memory returns what is in memory.
func (r *Registry) Memory() Memory {
	b := &r.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	return Memory{Tenants: len(b.stocks), Bytes: b.bytes, Loads: b.loads, LoadTime: b.loading, Evictions: b.evictions}
}

// touch notes that a stock is needed. It writes where that is news, and so next to never to memory that readers share.
func (b *budget) touch(s *stock) {
	if now := b.clock.Load(); s.used.Load() != now {
		s.used.Store(now)
	}
}

// admit makes a stock that was read that of its tenant.
func (b *budget) admit(s *stock, took time.Duration) {
	s.bytes = s.weight()
	b.mu.Lock()
	defer b.mu.Unlock()
	s.since = b.clock.Add(1)
	s.used.Store(s.since)
	b.bytes += s.bytes
	b.loads++
	b.loading += took
	heap.Push(&b.stocks, s)
	s.tenant.stock.Store(s)
	b.shrink()
}

// add takes note of bytes that a stock takes more than before.
func (b *budget) add(s *stock, bytes int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s.at == noPlace {
		return // it was let go meanwhile
	}
	b.bytes += bytes
	s.bytes += bytes
	b.shrink()
}

// charge takes note of what a stock takes by now.
func (b *budget) charge(s *stock) {
	weight := s.weight()
	b.mu.Lock()
	defer b.mu.Unlock()
	if s.at == noPlace {
		return // it was let go meanwhile
	}
	b.bytes += weight - s.bytes
	s.bytes = weight
	b.shrink()
}

// forget removes the stock of a tenant that is gone. An empty one takes its place, so that nothing is read for whoever still
// has the tenant in hand. The caller holds the tenant's lock of reading.
func (b *budget) forget(t *tenant) {
	empty := emptyStock(t)
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := t.stock.Load(); s != nil && s.at != noPlace {
		heap.Remove(&b.stocks, s.at)
		b.bytes -= s.bytes
	}
	t.stock.Store(empty)
}

// chances is how many stocks get another place before one goes although it was used since. Between two loads all of tens of thousands may
// be used, and the next event of a tenant that is to be read does not wait until all have their places.
const chances = 64

// shrink lets stocks go until what is left is within the limit. One that was used since its place was found gets another.
func (b *budget) shrink() {
	for left := chances; b.limit > 0 && b.bytes+b.resident.Load() > b.limit && len(b.stocks) > 1; {
		s := b.stocks[0]
		if used := s.used.Load(); used != s.since && left > 0 {
			left--
			s.since = used
			heap.Fix(&b.stocks, 0)
			continue
		}
		b.evict(s)
	}
}

func (b *budget) evict(s *stock) {
	heap.Remove(&b.stocks, s.at)
	s.tenant.stock.Store(nil)
	b.bytes -= s.bytes
	b.evictions++
}

// weight is about how many bytes a stock takes.
func (s *stock) weight() int64 {
	s.tenant.mu.RLock()
	n := perStock + s.size
	s.tenant.mu.RUnlock()
	if x := s.index.Load(); x != nil {
		n += int64(x.set.Stats().Bytes+x.observed.bytes()) + perField*int64(len(x.set.View().Fields()))
	}
	return n
}

// stocks is a heap with the one first that was not used for longest.
type stocks []*stock

const noPlace = -1

func (h stocks) Len() int           { return len(h) }
func (h stocks) Less(i, j int) bool { return h[i].since < h[j].since }
func (h stocks) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].at, h[j].at = i, j
}

// Push implements heap.Interface.
func (h *stocks) Push(x any) {
	s := x.(*stock)
	s.at = len(*h)
	*h = append(*h, s)
}

// Pop implements heap.Interface.
func (h *stocks) Pop() any {
	last := len(*h) - 1
	s := (*h)[last]
	(*h)[last], s.at = nil, noPlace
	*h = (*h)[:last]
	return s
}
