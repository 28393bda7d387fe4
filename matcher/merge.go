package matcher

import "time"

// mergeDue reports whether the changes since the base weigh enough to build a new one. An index that grows one by one grows by half between
// merges until they come every thousand changes. A large one merges after a hundredth, and where that would be often, after a twentieth: matching takes
// a tenth longer by the first, and three tenths by the second. What comes in the time of rest waits for the next update.
func (w *writer) mergeDue() bool {
	n := w.based()
	return w.merging == nil && w.changes > max(min(1024, n/2), n/100) && (w.changes > n/20 || w.rested())
}

// rested reports whether the last merge of this index is so long ago that another one now takes a small part of the time.
func (w *writer) rested() bool {
	const restPerMerge = 30
	return time.Since(w.merged) > restPerMerge*w.mergeTook
}

// mergeNow reports whether an update with so many changes of its own ends in a merge.
func (w *writer) mergeNow(own int) bool {
	switch {
	case w.merging != nil:
		return false
	case w.subscribers < w.tuning.smallIndex:
		return true
	}
	return w.mergeDue() && (w.subscribers < w.tuning.backgroundFrom || own >= max(w.tuning.largeUpdate, w.based()/20))
}

// based returns the number of subscribers in the base.
func (w *writer) based() int { return len(w.base.holdings.ids) }

func (w *writer) newMerger() *merger {
	m := &merger{
		began: time.Now(), old: w.snapshot, identities: w.conditionIdentities.all,
		held: newHoldings(w.subscribers), came: make([]holding, 0, len(w.came)),
	}
	for at, id := range w.base.holdings.ids {
		if !w.left.has(at) {
			m.held.add(id, w.base.holdings.filters[at])
		}
	}
	for id, at := range w.came {
		m.came = append(m.came, holding{id, uint32(w.base.filters.len()) + w.delta.number(at.filter)})
	}
	return m
}

// adopt goes on from the outcome of a merge. The fields are those of now, which may be more than the
// merger knew.
func (w *writer) adopt(m *merger) {
	m.result.seen = w.seen.covering(len(w.symbols.terms), time.Now()).renumbered(m.renamed.symbolAs, len(m.renamed.symbols.terms))
	fields := w.fields
	w.snapshot = m.result
	for len(w.presence) < len(fields) {
		w.presence = append(w.presence, w.symbols.reserve())
	}
	w.fields = fields
	w.conditionIdentities = m.renamed.identities
	w.came, w.left, w.recent, w.changes = make(map[ID]place), nil, nil, 0
	w.chooser = newChooser(w.base, w.tuning)
	w.merged, w.mergeTook = time.Now(), time.Since(m.began)
}

// catchUp repeats the updates that a merge missed.
func (w *writer) catchUp() {
	for _, c := range w.missed {
		w.apply(c.add, c.remove)
	}
	w.fileFrom(0)
	w.missed = nil
}

// mergeBeside starts a merge that runs beside the updates to come. Called with x.mu held.
func (x *Index) mergeBeside() {
	w := x.writer
	over := make(chan struct{})
	w.merging = over
	m := w.newMerger()
	go func() {
		defer close(over)
		m.run(1) // others have work as well
		x.mu.Lock()
		defer x.mu.Unlock()
		w.adopt(m)
		w.catchUp()
		w.merging = nil
		x.publish()
		if w.mergeDue() { // by what came meanwhile: there may be no other update
			x.mergeBeside()
		}
	}()
}
