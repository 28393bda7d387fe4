package matcher

import (
	"cmp"
	"slices"
)

// post is one filter filed under one key: its number, and two facts that spare work.
type post uint32

const (
	postExact  post = 1 << 31 // having the key is all the filter asks for
	postShared post = 1 << 30 // filed under several keys, so an event may come by twice
	postFilter      = postShared - 1
)

func makePost(filter uint32, keys int, exact bool) post {
	p := post(filter)
	if exact {
		p |= postExact
	}
	if keys > 1 {
		p |= postShared
	}
	return p
}

// base is the immutable bulk of an index: access keys to runs of posts. Filters are numbered in the
// order of their first key, so a run is mostly consecutive filters, with their programs and subscribers
// consecutive in memory.
type base struct {
	table   []bucket // open addressing, a power of two long
	posts   []post
	keys    int
	schemas []schema // the pairs in use
	census  *census  // what the keys were chosen by; the delta goes on using it
}

// bucket is one access key; free when hi is zero.
type bucket struct {
	key    uint64
	lo, hi uint32
}

type run struct{ lo, hi uint32 }

// filing is one post on its way into a base.
type filing struct {
	key  uint64
	post post
}

// newBase files everything.
func newBase(filings []filing) *base {
	slices.SortFunc(filings, func(x, y filing) int {
		if c := cmp.Compare(x.key, y.key); c != 0 {
			return c
		}
		return cmp.Compare(x.post&postFilter, y.post&postFilter)
	})
	b := &base{posts: make([]post, len(filings))}
	for i, f := range filings {
		b.posts[i] = f.post
		if i == 0 || f.key != filings[i-1].key {
			b.keys++
		}
	}
	b.table = make([]bucket, tableSize(b.keys))
	for lo := 0; lo < len(filings); {
		hi := lo + 1
		for hi < len(filings) && filings[hi].key == filings[lo].key {
			hi++
		}
		b.put(bucket{filings[lo].key, uint32(lo), uint32(hi)})
		lo = hi
	}
	return b
}

func (b *base) put(k bucket) {
	mask := uint64(len(b.table) - 1)
	for i := mix(k.key); ; i++ {
		if at := &b.table[i&mask]; at.hi == 0 {
			*at = k
			return
		}
	}
}

// find returns the run of a key, empty when nothing is filed under it.
func (b *base) find(key uint64) run {
	mask := uint64(len(b.table) - 1)
	for i := mix(key); ; i++ {
		at := &b.table[i&mask]
		if at.hi == 0 || at.key == key {
			return run{at.lo, at.hi}
		}
	}
}

func (b *base) admits(s schema) bool { return slices.Contains(b.schemas, s) }
