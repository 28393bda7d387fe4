package matcher

import (
	"math/bits"
	"slices"
	"sync/atomic"
)

// removals say which subscribers of a base are gone. A place, of base.ids, is stamped with the version that the removal
// brought, so that a View keeps the subscribers it had.
type removals struct {
	gone  []uint32 // by place, 0 while the subscriber lasts; nil before the first removal; atomic
	marks []uint64 // a bit for each place that has a stamp, so that most runs of places are seen at once to have none; atomic
}

func newRemovals(places int) removals {
	return removals{make([]uint32, places), make([]uint64, (places+63)/64)}
}

// stamp ends the subscription at a place. Writer only.
func (r *removals) stamp(place, version uint32) {
	atomic.StoreUint32(&r.gone[place], version)
	atomic.OrUint64(&r.marks[place/64], 1<<(place%64))
}

// lasts reports whether the subscriber at a place is there in a version.
func (r *removals) lasts(place, version uint32) bool {
	v := atomic.LoadUint32(&r.gone[place])
	return v == 0 || v > version
}

// next returns the first place with a stamp from lo to hi, and hi when there is none.
func (r *removals) next(lo, hi uint32) uint32 {
	for lo < hi {
		if word := atomic.LoadUint64(&r.marks[lo/64]) >> (lo % 64); word != 0 {
			return min(hi, lo+uint32(bits.TrailingZeros64(word)))
		}
		lo = (lo/64 + 1) * 64
	}
	return hi
}

// leavesOf calls f with the leaves of a filter of the base. Writer only.
func (w *writer) leavesOf(n uint32, f func(leaf uint32)) {
	w.unpacked = packer{w.presence}.unpack(w.unpacked[:0], w.base.filters.of(n))
	keys, _ := w.chooser.choose(w.unpacked)
	if len(keys) == 0 {
		f(w.base.filters.leaves[n])
	}
	for _, key := range keys {
		r := w.base.find(key)
		for at := w.base.nodes[r.lo].leaf; at < w.base.nodes[r.hi].leaf; at++ {
			if w.base.leaves[at].filter() == n {
				f(at)
			}
		}
	}
}

// leave ends the subscription of a subscriber of the base. Writer only.
func (w *writer) leave(id ID, filter uint32) {
	if w.removals.gone == nil {
		w.removals = newRemovals(len(w.base.ids))
	}
	w.leavesOf(filter, func(leaf uint32) {
		lo, hi := w.base.leaves[leaf].ids, w.base.leaves[leaf+1].ids
		if at, found := slices.BinarySearch(w.base.ids[lo:hi], id); found {
			w.removals.stamp(lo+uint32(at), w.version)
		}
	})
}
