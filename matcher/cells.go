package matcher

import (
	"hash/maphash"
	"math/bits"
	"sync/atomic"
)

// seed makes hash positions unpredictable from outside, so that no choice of terms can pile them up.
var (
	seed   = maphash.MakeSeed()
	secret = maphash.Bytes(seed, nil) // where hashes of numbers begin
)

// cells is an append-only hash table from a 32-bit hash to numbers other than 0: hash<<32 | number, zero when
// free. What a number stands for, and whether two things with one hash are equal, is the owner's
// business.
//
// One writer may add while readers look up, because a cell goes from free to its final value in one
// atomic store. A reader therefore meets numbers newer than its snapshot; it skips them. A grown table
// is a new one, and the old one stays as it is for the readers that hold it.
type cells []uint64

// next returns the next number stored under hash at or after *at and moves *at behind it. It returns 0
// when there is none; a search starts with *at = hash.
func (c cells) next(hash uint32, at *uint32) uint32 {
	if len(c) == 0 {
		return 0
	}
	mask := uint32(len(c) - 1)
	for i := *at; ; i++ {
		cell := atomic.LoadUint64(&c[i&mask])
		if cell == 0 {
			return 0
		}
		if uint32(cell>>32) == hash {
			*at = i + 1
			return uint32(cell)
		}
	}
}

// at returns the number in a cell, 0 when it is free.
func (c cells) at(i int) uint32 { return uint32(atomic.LoadUint64(&c[i])) }

// add stores number under hash and returns the table to use from now on. used is how many numbers the
// table holds already.
func (c cells) add(hash, number uint32, used int) cells {
	if used >= len(c)/4*3 {
		c = c.grown(used + 1)
	}
	c.put(uint64(hash)<<32 | uint64(number))
	return c
}

// grown returns a copy of c with room for n numbers.
func (c cells) grown(n int) cells {
	bigger := newCells(n)
	for _, cell := range c {
		if cell != 0 {
			bigger.put(cell)
		}
	}
	return bigger
}

func (c cells) put(cell uint64) {
	mask := uint32(len(c) - 1)
	for i := uint32(cell >> 32); ; i++ {
		if c[i&mask] == 0 {
			atomic.StoreUint64(&c[i&mask], cell)
			return
		}
	}
}

// newCells returns a table that takes n numbers without growing.
func newCells(n int) cells { return make(cells, tableSize(n)) }

// tableSize returns the power of two that holds n things with a quarter of it free.
func tableSize(n int) int {
	size := 4
	for n > size/4*3 {
		size *= 2
	}
	return size
}

// mix spreads a key over 64 bits.
func mix(key uint64) uint64 {
	hi, lo := bits.Mul64(key^0x9e3779b97f4a7c15, 0xd6e8feb86659fd93)
	return hi ^ lo
}
