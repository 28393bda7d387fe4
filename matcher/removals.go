package matcher

import (
	"cmp"
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

// leaving is a subscriber who leaves a filter of the base, under one of the keys of the filter.
type leaving struct {
	key uint64
	holding
}

func (l leaving) compare(other leaving) int {
	return cmp.Or(cmp.Compare(l.key, other.key), cmp.Compare(l.filter, other.filter))
}

// stampGone ends the subscriptions that an update takes from the base. A filter with one leaf knows where that is; the
// others are looked for in the buckets of their keys, and one pass over a bucket finds all of them, for an update may
// remove most of what a large bucket has. Writer only.
func (w *writer) stampGone() {
	if len(w.gone) == 0 {
		return
	}
	if w.removals.gone == nil {
		w.removals = newRemovals(len(w.base.ids))
	}
	var elsewhere []leaving
	for _, h := range w.gone {
		w.unpacked = packer{w.presence}.unpack(w.unpacked[:0], w.base.filters.of(h.filter))
		keys, _ := w.chooser.choose(w.unpacked)
		if w.chooser.shared() == 0 {
			w.stampAt(w.base.filters.leaves[h.filter], h.id)
			continue
		}
		for _, key := range keys {
			elsewhere = append(elsewhere, leaving{key, h})
		}
	}
	w.gone = w.gone[:0]
	slices.SortFunc(elsewhere, leaving.compare)
	for len(elsewhere) > 0 {
		n := 1
		for n < len(elsewhere) && elsewhere[n].key == elsewhere[0].key {
			n++
		}
		w.stampUnder(elsewhere[:n])
		elsewhere = elsewhere[n:]
	}
}

// stampUnder ends subscriptions in the bucket of their key. They ascend by filter.
func (w *writer) stampUnder(gone []leaving) {
	r := w.base.find(gone[0].key)
	least, most := gone[0].filter, gone[len(gone)-1].filter
	for at := w.base.nodes[r.lo].leaf; at < w.base.nodes[r.hi].leaf; at++ {
		n := w.base.leaves[at].filter()
		if n < least || n > most {
			continue
		}
		i, _ := slices.BinarySearchFunc(gone, n, func(l leaving, n uint32) int { return cmp.Compare(l.filter, n) })
		for ; i < len(gone) && gone[i].filter == n; i++ {
			w.stampAt(at, gone[i].id)
		}
	}
}

// stampAt ends the subscription of a subscriber at a leaf.
func (w *writer) stampAt(leaf uint32, id ID) {
	lo, hi := w.base.leaves[leaf].ids, w.base.leaves[leaf+1].ids
	if at, found := slices.BinarySearch(w.base.ids[lo:hi], id); found {
		w.removals.stamp(lo+uint32(at), w.version)
	}
}
