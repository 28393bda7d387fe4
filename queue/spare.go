package queue

import (
	"runtime"

	"github.com/cockroachdb/pebble/v2"
)

// spared is a block cache during a walk that reads each block once. The database puts all it reads into the cache, and cannot be
// told not to. As long as there is room, nothing would leave it again, so that the memory of the process would follow the
// backlog. So whenever the cache has grown by a little, it is made to evict as much, and begins with what was not used again.
type spared struct {
	cache *pebble.Cache
	size  int64 // that it is to have
	keys  int
}

const (
	spareKeys  = 64  // keys between two looks at the size
	spareLeast = 64  // the part of a cache that is left in any case: what is read at the same time needs some
	spareMost  = 256 // the part that it may grow by. What was evicted may stay with the C library, of each thread.
	spareStep  = 64  // the part by which shrink feels its way
)

// spare begins a walk. The cache may be nil.
func spare(c *pebble.Cache) spared {
	s := spared{cache: c}
	if c != nil {
		s.size = max(c.Size(), c.MaxSize()/spareLeast)
	}
	return s
}

// passed is called at each key. A walk in the background gives way to what else there is to do: a goroutine that has become ready
// would wait for its time slice to end, of 10 ms, where walks keep all processors busy.
func (s *spared) passed() {
	if s.keys++; s.keys%spareKeys == 0 {
		s.look()
		runtime.Gosched()
	}
}

// look is called after many blocks may have been read.
func (s *spared) look() {
	if s.cache != nil && s.cache.Size() > s.size+s.cache.MaxSize()/spareMost {
		shrink(s.cache, s.size)
	}
}

// end is called when the iterator is closed.
func (s *spared) end() {
	if s.cache != nil {
		shrink(s.cache, s.size)
	}
}

// shrink makes a cache evict blocks until it has no more than size bytes. How much room there is depends on what is reserved for
// memtables, so it is taken away little by little until that begins, and then given back.
func shrink(c *pebble.Cache, size int64) {
	step := max(c.MaxSize()/spareStep, 1)
	for taken := int64(0); c.Size() > size && taken < c.MaxSize(); taken += step {
		defer c.Reserve(int(step))()
	}
}

// each is the function of that name, and spares the cache.
func (q *Queue) each(r pebble.Reader, o *pebble.IterOptions, f func(*pebble.Iterator)) error {
	reading := spare(q.opts.Cache)
	defer reading.end()
	return each(r, o, q.stop, func(iter *pebble.Iterator) {
		f(iter)
		reading.passed()
	})
}
