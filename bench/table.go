package bench

import (
	"sync"
	"sync/atomic"
)

// table is an array that grows while it is used, by chunks that stay where they are. Its elements are safe for
// concurrent use if T is.
type table[T any] struct {
	grow   sync.Mutex
	chunks [maxChunks]atomic.Pointer[[chunkSize]T]
}

const (
	chunkSize = 1 << 14
	maxChunks = 1 << 12

	// tableSize is the number of elements that a table has room for.
	tableSize = chunkSize * maxChunks
)

// at returns element n, which is from 0 to tableSize-1.
func (t *table[T]) at(n int64) *T {
	place := &t.chunks[n/chunkSize]
	c := place.Load()
	if c == nil {
		c = t.extend(place)
	}
	return &c[n%chunkSize]
}

func (t *table[T]) extend(place *atomic.Pointer[[chunkSize]T]) *[chunkSize]T {
	t.grow.Lock()
	defer t.grow.Unlock()
	if c := place.Load(); c != nil {
		return c
	}
	c := new([chunkSize]T)
	place.Store(c)
	return c
}

// each calls f for the elements of all chunks that are there, in order.
func (t *table[T]) each(f func(int64, *T)) {
	for i := range t.chunks {
		c := t.chunks[i].Load()
		for j := 0; c != nil && j < chunkSize; j++ {
			f(int64(i*chunkSize+j), &c[j])
		}
	}
}
