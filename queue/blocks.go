package queue

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
)

// A block of a table is read whole or not at all, and an iterator that meets one which is corrupt gets no further: neither to
// what is behind it nor to what other tables have between its first key and its last, be that as new as it may. So each block
// has a name in the index of its table, and iterators leave out the blocks that were found to be corrupt. Then the keys in
// these are missing, and nothing else.

// blockNames is the property of blocks that has their names.
const blockNames = "hookline.block"

// blockNamer names the blocks of one table: they are counted from a number that no other table is likely to have near.
type blockNamer struct{ last uint64 }

func newBlockNamer() pebble.BlockPropertyCollector { return &blockNamer{rand.Uint64()} }

func (n *blockNamer) Name() string                                 { return blockNames }
func (n *blockNamer) AddPointKey(pebble.InternalKey, []byte) error { return nil }
func (n *blockNamer) AddRangeKeys(sstable.Span) error              { return nil }

func (n *blockNamer) FinishDataBlock(buf []byte) ([]byte, error) {
	n.last++
	return binary.BigEndian.AppendUint64(buf, n.last), nil
}

func (n *blockNamer) AddPrevDataBlockToIndexBlock()               {}
func (n *blockNamer) FinishIndexBlock(buf []byte) ([]byte, error) { return buf, nil }
func (n *blockNamer) FinishTable(buf []byte) ([]byte, error)      { return buf, nil }
func (n *blockNamer) SupportsSuffixReplacement() bool             { return false }
func (n *blockNamer) AddCollectedWithSuffixReplacement(_, _, _ []byte) error {
	return errors.New("queue: keys have no suffixes")
}

// blocks are those that are corrupt, as far as it is known.
type blocks struct {
	mu      sync.Mutex
	corrupt atomic.Pointer[map[uint64]struct{}] // by name; nil: none
}

func (b *blocks) set(name uint64, corrupt bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	next := map[uint64]struct{}{}
	if now := b.corrupt.Load(); now != nil {
		for n := range *now {
			next[n] = struct{}{}
		}
	}
	if corrupt {
		next[name] = struct{}{}
	} else {
		delete(next, name)
	}
	b.corrupt.Store(&next)
}

func (b *blocks) has(name uint64) bool {
	corrupt := b.corrupt.Load()
	if corrupt == nil {
		return false
	}
	_, ok := (*corrupt)[name]
	return ok
}

// options are those of an iterator that leaves out the blocks which are known to be corrupt when it is made.
func (b *blocks) options(lo, hi []byte) *pebble.IterOptions {
	if b.corrupt.Load() == nil {
		return &pebble.IterOptions{LowerBound: lo, UpperBound: hi}
	}
	return b.probe().options(lo, hi)
}

func (b *blocks) probe() *probe {
	return &probe{wanted: func(name uint64) bool { return !b.has(name) }}
}

// probe is the filter of an iterator. It leaves out blocks, and knows which it let through last.
type probe struct {
	wanted func(name uint64) bool
	last   uint64 // 0: none
}

func (p *probe) options(lo, hi []byte) *pebble.IterOptions {
	filters := make([]pebble.BlockPropertyFilter, 1, 2) // Pebble adds one
	filters[0] = p
	return &pebble.IterOptions{LowerBound: lo, UpperBound: hi, PointKeyFilters: filters}
}

// Name implements pebble.BlockPropertyFilter.
func (p *probe) Name() string { return blockNames }

// Intersects implements pebble.BlockPropertyFilter. A table has no name, nor has a block of its index.
func (p *probe) Intersects(name []byte) (bool, error) {
	if len(name) != 8 {
		return true, nil
	}
	n := binary.BigEndian.Uint64(name)
	if !p.wanted(n) {
		return false, nil
	}
	p.last = n
	return true, nil
}

// SyntheticSuffixIntersects implements pebble.BlockPropertyFilter.
func (p *probe) SyntheticSuffixIntersects(name, _ []byte) (bool, error) { return p.Intersects(name) }

// leaveOut calls read until it meets no block that is corrupt and has a name. It gets the options of iterators with given bounds,
// and must end with the first error. What it returned last is returned: it is corrupt still where what cannot be
// read has no name, as in a table that an older program wrote.
func (q *Queue) leaveOut(r pebble.Reader, read func(options func(lo, hi []byte) *pebble.IterOptions) error) error {
	err := read(q.blocks.options)
	for isCorrupt(err) {
		p := q.blocks.probe()
		if err = read(p.options); !isCorrupt(err) {
			return err // it may have been the memory, or the bus, or somebody else found the block
		}
		if p.last == 0 {
			return err
		}
		why := err
		q.hide(r, p.last, why) // before anybody gets past it
		q.blocks.set(p.last, true)
		if err = read(q.blocks.options); isCorrupt(err) && err.Error() == why.Error() {
			q.blocks.set(p.last, false) // it was in a table without names
			return err
		}
		q.counts.unreadable.Add(1)
	}
	return err
}

// hide notes and logs what is missing with a block.
func (q *Queue) hide(r pebble.Reader, name uint64, why error) {
	from, to := []byte{0}, []byte{0xff}
	if info := pebble.ExtractDataCorruptionInfo(why); info != nil && len(info.Bounds.Start) > 0 {
		from, to = info.Bounds.Start, append(append([]byte(nil), info.Bounds.End.Key...), 0)
	}
	// The neighbours tell more exactly where it is. They belong to the same table, and their names follow each other.
	if before, ok := edge(r, name-1, from, to, (*pebble.Iterator).Last); ok {
		from = append(before, 0)
	}
	if behind, ok := edge(r, name+1, from, to, (*pebble.Iterator).First); ok {
		to = behind
	}
	q.miss(from, to)
	q.log.Error("queue: a block of the store is corrupt and is left out", "from", from, "to", to, "err", why)
}

// edge returns the first or last key of a block. It is not told where something that is in memory alone is beyond that.
func edge(r pebble.Reader, name uint64, lo, hi []byte, to func(*pebble.Iterator) bool) (key []byte, ok bool) {
	find := func(p *probe, lo, hi []byte, to func(*pebble.Iterator) bool) []byte {
		iter, err := r.NewIter(p.options(lo, hi))
		if err != nil {
			return nil
		}
		var key []byte
		if to(iter) {
			key = append(key, iter.Key()...)
		}
		if iter.Close() != nil {
			return nil
		}
		return key
	}
	key = find(&probe{wanted: func(n uint64) bool { return n == name }}, lo, hi, to)
	if key == nil {
		return nil, false
	}
	elsewhere := find(&probe{wanted: func(uint64) bool { return false }}, key, append(key[:len(key):len(key)], 0), (*pebble.Iterator).First)
	return key, elsewhere == nil
}
