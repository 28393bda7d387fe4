package matcher

import (
	"slices"

	"hookline/jql"
)

// writer is the side of an index that changes. Its snapshot is ahead of the published one during an
// update and equal to it between updates.
type writer struct {
	snapshot
	slots   map[jql.Field]uint32
	places  map[ID]place
	filed   int // filters that have keys in base or delta; later ones have only been recorded
	based   int // subscribers in the base
	changes int // subscriptions that came or went since

	identities          identities // of the filters
	conditionIdentities identities

	merging chan struct{} // closed when the merge that runs beside the updates is over; nil without one
	missed  []change      // the updates since it started
}

// change is the arguments of one update.
type change struct {
	add    []Entry
	remove []ID
}

// place is where a subscriber stands.
type place struct{ filter, position uint32 }

func newWriter(t *tuning) *writer {
	return &writer{
		snapshot: snapshot{tuning: t},
		slots:    make(map[jql.Field]uint32),
		places:   make(map[ID]place),
	}
}

// update applies one call of Index.Update and reports whether there is anything new to publish.
func (w *writer) update(add []Entry, remove []ID) (changed bool) {
	before := w.changes
	w.apply(add, remove)
	own := w.changes - before
	if own == 0 {
		return false
	}
	if w.mergeNow(own) {
		m := w.newMerger()
		m.run()
		w.adopt(m)
		return true
	}
	if w.merging != nil {
		w.missed = append(w.missed, change{slices.Clone(add), slices.Clone(remove)})
	}
	w.fileNew()
	return true
}

// apply records the changes of one update under a version of its own.
func (w *writer) apply(add []Entry, remove []ID) {
	w.version++
	for _, id := range remove {
		w.remove(id)
	}
	for _, e := range add {
		w.add(e)
	}
}

func (w *writer) remove(id ID) {
	at, ok := w.places[id]
	if !ok {
		return
	}
	w.subs.remove(at.position, w.version)
	delete(w.places, id)
	w.changes++
}

func (w *writer) add(e Entry) {
	n, known := w.record(e.Filter)
	if at, ok := w.places[e.ID]; ok {
		if at.filter == n {
			return
		}
		w.remove(e.ID)
	}
	w.changes++
	position := w.subs.add(e.ID)
	w.places[e.ID] = place{n, position}
	if known {
		w.subs.later.push(n, position)
		return
	}
	w.filters[n].lo, w.filters[n].hi = position, position+1
}

// record returns the number of a filter and whether it had one before.
func (w *writer) record(f *jql.Filter) (n uint32, known bool) {
	identity := f.Identity()
	if n, ok := w.identities.find(identity); ok {
		return n, true
	}
	n = uint32(len(w.filters))
	w.filters = append(w.filters, filter{code: uint32(len(w.code))})
	w.code = encode(w.code, f.Root(), w)
	w.identities.add(identity)
	return n, false
}

// slot implements interner.
func (w *writer) slot(f jql.Field) uint32 {
	n, ok := w.slots[f]
	if !ok {
		n = uint32(len(w.fields))
		w.fields = append(w.fields, f)
		w.slots[f] = n
	}
	return n
}

// symbol implements interner.
func (w *writer) symbol(slot uint32, text string) uint32 {
	return w.symbols.intern(slot, []byte(text))
}

// condition implements interner.
func (w *writer) condition(slot uint32, c jql.Condition) uint32 {
	identity := conditionIdentity(c)
	n, known := w.conditionIdentities.find(identity)
	if !known {
		n = uint32(len(w.conditions))
		w.conditions = append(w.conditions, c)
		w.conditionIdentities.add(identity)
		w.interests = w.interests.with(slot, wantTerms)
	}
	return n
}

// fileNew files the filters that this update recorded.
func (w *writer) fileNew() {
	c := chooser{census: w.base.census, pairs: w.base.admits, maxKeys: w.tuning.maxKeys}
	for ; w.filed < len(w.filters); w.filed++ {
		keys, exact := c.choose(w.code[w.filters[w.filed].code:])
		for _, key := range keys {
			w.delta.file(key, makePost(uint32(w.filed), len(keys), exact))
			w.interests = w.interests.withKey(key)
		}
	}
}
