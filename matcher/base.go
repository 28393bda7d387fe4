package matcher

import (
	"hash/maphash"
	"math/bits"
	"slices"
)

// base is the immutable bulk of an index: for each access key a bucket of nodes, the filters themselves, and their
// subscribers. It is made by a merger.
type base struct {
	table []bucket // and a free place behind them
	arrays

	schemas []schema // the pairs in use
	census  *census  // what the keys were chosen by; the delta goes on using it
	keys    int
	slots   int // of the table, less what did not fit in there

	filters  filters
	holdings holdings
}

// arrays are what keys lead to.
type arrays struct {
	nodes  []node // of all buckets, and one behind them
	leaves []leaf // of all nodes, then those of filters that never hold, and one behind them
	ids    []ID   // of all leaves
	sets   []uint32
	lists  []listed
	code   []uint32 // programs of nodes
}

// bucket is the nodes of one access key; free when hi is zero. The table has them in the order of their hashes, each at the place of its
// hash or as little behind it as can be. So a search for what is not there ends soon, although few places are free.
type bucket struct {
	key    uint64
	lo, hi uint32
}

type run struct{ lo, hi uint32 }

func runOf(lo, hi int) run { return run{uint32(lo), uint32(hi)} }

func (r run) empty() bool { return r.lo == r.hi }

// slotOf returns the place of a hash in a table of any length. It ascends with the hash.
func slotOf(hash uint64, length int) int {
	hi, _ := bits.Mul64(hash, uint64(length))
	return int(hi)
}

// places returns the length of a table for n things: an eighth of it is free.
func places(n int) int { return n + n/7 + 1 }

// tabulate makes the table. Who comes to a place where one with a larger hash is takes it, and the other moves on.
func (b *base) tabulate(buckets []bucket) {
	b.keys, b.slots = len(buckets), places(len(buckets))
	b.table = make([]bucket, b.slots, b.slots+len(buckets)/64+8)
	for _, k := range buckets {
		for i := slotOf(mix(k.key), b.slots); k.hi != 0; i++ {
			if i == len(b.table) {
				b.table = append(b.table, bucket{})
			}
			if at := &b.table[i]; at.hi == 0 || mix(at.key) > mix(k.key) {
				*at, k = k, *at
			}
		}
	}
	b.table = append(b.table, bucket{})
}

// find returns the nodes of a key, none when nothing is filed under it.
func (b *base) find(key uint64) run { return b.findHashed(key, mix(key)) }

func (b *base) findHashed(key, hash uint64) run {
	for i := slotOf(hash, b.slots); ; i++ {
		at := &b.table[i]
		if at.key == key {
			return run{at.lo, at.hi}
		}
		if at.hi == 0 || mix(at.key) > hash {
			return run{}
		}
	}
}

func (b *base) admits(s schema) bool { return slices.Contains(b.schemas, s) }

// filters are the distinct filters of a base by number, as packed programs, and the way from a program to its number. They are
// for the writer: matching runs nodes in their place.
type filters struct {
	packed []byte
	starts []uint32 // by number, and one behind them
	leaves []uint32 // by number: one of the leaves of the filter
	table  []uint32 // number + 1; open addressing
	words  int      // of all programs
}

func (f *filters) len() int { return len(f.leaves) }

// of returns the packed program of a filter.
func (f *filters) of(n uint32) []byte { return f.packed[f.starts[n]:f.starts[n+1]] }

// collect makes the filters out of what filers have, without their leaves and the table.
func (f *filters) collect(filers []*filer) {
	size, n := 0, 0
	for _, part := range filers {
		size += len(part.packed)
		n += len(part.starts)
	}
	f.packed, f.starts, f.leaves = make([]byte, 0, size), make([]uint32, 0, n+1), make([]uint32, n)
	for _, part := range filers {
		for _, start := range part.starts {
			f.starts = append(f.starts, uint32(len(f.packed))+start)
		}
		f.packed = append(f.packed, part.packed...)
	}
	f.starts = append(f.starts, uint32(size))
}

// file makes the table, when all are added.
func (f *filters) file() {
	f.table = make([]uint32, places(f.len()))
	for n := range uint32(f.len()) {
		i := slotOf(maphash.Bytes(seed, f.of(n)), len(f.table))
		for f.table[i] != 0 {
			if i++; i == len(f.table) {
				i = 0
			}
		}
		f.table[i] = n + 1
	}
}

// find returns the number of a program.
func (f *filters) find(packed []byte) (n uint32, ok bool) {
	for i := slotOf(maphash.Bytes(seed, packed), len(f.table)); ; {
		n := f.table[i]
		if n == 0 || string(f.of(n-1)) == string(packed) {
			return n - 1, n != 0
		}
		if i++; i == len(f.table) {
			i = 0
		}
	}
}

// holdings say which filter each subscriber of a base has. They are for the writer.
type holdings struct {
	ids     []ID // ascending
	filters []uint32
}

// newHoldings has room for n holdings.
func newHoldings(n int) holdings { return holdings{make([]ID, 0, n), make([]uint32, 0, n)} }

func (h *holdings) add(id ID, filter uint32) {
	h.ids, h.filters = append(h.ids, id), append(h.filters, filter)
}

func (h *holdings) find(id ID) (at int, ok bool) { return slices.BinarySearch(h.ids, id) }
