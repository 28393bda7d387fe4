package matcher

import (
	"hash/maphash"
	"slices"
	"time"

	"hookline/jql"
)

// writer is the side of an index that changes. Its snapshot is ahead of the published one during an
// update and equal to it between updates.
type writer struct {
	snapshot
	slots   cells        // from the hash of a field to its slot, plus 1
	came    map[ID]place // the subscribers of the delta
	left    bitmap       // by place in base.holdings: the subscriber is gone, or has another filter
	changes int          // subscriptions that came or went since the base was built

	ownInterests bool // no View has the slices of snapshot.interests

	recent              cells // from the hash of a program to the filter of the delta
	conditionIdentities identities
	chooser             chooser // as the base's keys were chosen

	code     []uint32  // the program of the entry that is being added
	packed   []byte    // the same, packed
	unpacked []uint32  // scratch
	gone     []holding // who leaves a filter of the base with the update that is being applied

	merged    time.Time // when the last merge was over
	mergeTook time.Duration
	merging   chan struct{} // closed when the merge that runs beside the updates is over; nil without one
	missed    []change      // the updates since it started
}

// change is the arguments of one update.
type change struct {
	add    []Entry
	remove []ID
}

// place is where a subscriber of the delta stands.
type place struct{ filter, subscription uint32 }

func newWriter(t *tuning) *writer {
	return &writer{snapshot: snapshot{tuning: t}}
}

// update applies one call of Index.Update and reports whether there is anything new to publish.
func (w *writer) update(add []Entry, remove []ID) (changed bool) {
	if w.base == nil {
		return w.fill(add)
	}
	before, known := w.changes, len(w.delta.filters)
	w.apply(add, remove)
	own := w.changes - before
	if own == 0 {
		return false
	}
	if w.mergeNow(own) {
		m := w.newMerger()
		m.run(crewFor(w.subscribers, w.tuning))
		w.adopt(m)
		return true
	}
	w.fileFrom(known)
	if w.merging != nil {
		w.missed = append(w.missed, change{slices.Clone(add), slices.Clone(remove)})
	}
	return true
}

// apply records the changes of one update under a version of its own. Filters that it adds to the delta are still to be filed.
func (w *writer) apply(add []Entry, remove []ID) {
	w.version++
	for _, id := range remove {
		w.remove(id)
	}
	for _, e := range add {
		w.add(e)
	}
	w.stampGone()
}

func (w *writer) remove(id ID) {
	if at, ok := w.came[id]; ok {
		w.delta.unsubscribe(at.subscription, w.version)
		delete(w.came, id)
	} else if at, ok := w.holds(id); ok {
		w.gone = append(w.gone, holding{id, w.base.holdings.filters[at]})
		w.left.set(at)
	} else {
		return
	}
	w.subscribers--
	w.changes++
}

// holds returns the place in base.holdings of a subscriber that still has the filter it has there.
func (w *writer) holds(id ID) (at int, ok bool) {
	at, ok = w.base.holdings.find(id)
	return at, ok && !w.left.has(at)
}

func (w *writer) add(e Entry) {
	w.code = w.encode(w.code[:0], e.Filter.Root())
	w.packed = packer{w.presence}.pack(w.packed[:0], w.code)
	if w.has(e.ID) {
		return
	}
	w.remove(e.ID)
	w.came[e.ID] = w.subscribe(e.ID)
	w.subscribers++
	w.changes++
}

// has reports whether a subscriber has the filter that w.packed is the program of.
func (w *writer) has(id ID) bool {
	if at, ok := w.came[id]; ok {
		filter, known := w.find()
		return known && filter == at.filter
	}
	at, ok := w.holds(id)
	return ok && string(w.base.filters.of(w.base.holdings.filters[at])) == string(w.packed)
}

// find returns the filter of the delta that w.code is the program of.
func (w *writer) find() (filter uint32, ok bool) {
	hash := hashProgram(w.packed)
	at := hash
	for {
		filter := w.recent.next(hash, &at)
		if filter == 0 {
			return 0, false
		}
		if slices.Equal(w.delta.program(filter), w.code) {
			return filter, true
		}
	}
}

func hashProgram(packed []byte) uint32 { return uint32(maphash.Bytes(seed, packed) >> 32) }

// subscribe gives a subscriber the filter that w.code is the program of.
func (w *writer) subscribe(id ID) place {
	d := &w.delta
	if filter, known := w.find(); known {
		return place{filter, d.subscribe(filter, id)}
	}
	twin := uint32(0)
	if n, ok := w.base.filters.find(w.packed); ok {
		twin = n + 1
	}
	filter := d.add(w.code, twin, id)
	w.recent = w.recent.add(hashProgram(w.packed), filter, len(d.filters)-1)
	return place{filter, filter + filterFirst}
}

// fileFrom files the filters of the delta from a number on: not before it is known that they stay in the delta.
func (w *writer) fileFrom(first int) {
	for n := first; n < len(w.delta.filters); n++ {
		filter := w.delta.filters[n]
		keys, exact := w.chooser.choose(w.delta.program(filter))
		w.filings[filingOf(keys)]++
		w.delta.file(filter, keys, exact)
		for _, key := range keys {
			if slot, want, asks := questionOf(key); asks {
				w.want(slot, want)
			}
		}
	}
}

// want notes what filters want to know of a slot. The first new question of an update copies the interests, and the others
// add to the copy: an update may bring thousands of fields.
func (w *writer) want(slot uint32, want interest) {
	if w.interests.of(slot)&want != 0 {
		return
	}
	if !w.ownInterests {
		w.interests, w.ownInterests = w.interests.cloned(), true
	}
	w.interests.add(slot, want)
}

// slot returns the number of a field.
func (w *writer) slot(f *jql.Field) uint32 {
	hash := hashField(f)
	at := hash
	for {
		n := w.slots.next(hash, &at)
		if n == 0 {
			break
		}
		if w.fields[n-1] == *f {
			return n - 1
		}
	}
	n := len(w.fields)
	w.fields = append(w.fields, *f)
	w.presence = append(w.presence, w.symbols.reserve())
	w.slots = w.slots.add(hash, uint32(n+1), n)
	return uint32(n)
}

func hashField(f *jql.Field) uint32 {
	h := mix(maphash.String(seed, f.Name) + uint64(f.Aspect))
	if f.Key != "" || f.Path != "" {
		h = mix(mix(h^maphash.String(seed, f.Key)) ^ maphash.String(seed, f.Path))
	}
	return uint32(h >> 32)
}

// condition returns the number of a condition.
func (w *writer) condition(slot uint32, c jql.Condition) uint32 {
	identity := conditionIdentity(c)
	n, known := w.conditionIdentities.find(identity)
	if !known {
		n = uint32(len(w.conditions))
		w.conditions = append(w.conditions, c)
		w.conditionIdentities.add(identity)
		w.want(slot, wantTerms)
	}
	return n
}

// bitmap is a set of small numbers.
type bitmap []uint64

func (b bitmap) has(n int) bool { return n/64 < len(b) && b[n/64]&(1<<(n%64)) != 0 }

func (b *bitmap) set(n int) {
	if need := n/64 + 1; need > len(*b) {
		*b = append(*b, make([]uint64, need-len(*b))...)
	}
	(*b)[n/64] |= 1 << (n % 64)
}
