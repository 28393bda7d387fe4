package matcher

// mergeDue reports whether the changes since the base weigh enough to build a new one. An index
// that grows one by one grows by half between merges until they come every thousand changes; a large
// one waits for a twentieth.
func (w *writer) mergeDue() bool {
	return w.merging == nil && w.changes > max(min(1024, w.based/2), w.based/20)
}

// mergeNow reports whether an update with so many changes of its own ends in a merge.
func (w *writer) mergeNow(own int) bool {
	switch {
	case w.base == nil:
		return true
	case w.merging != nil:
		return false
	case len(w.places) < w.tuning.smallIndex:
		return true
	}
	return w.mergeDue() && (len(w.places) < w.tuning.backgroundFrom || own >= w.tuning.largeUpdate)
}

func (w *writer) newMerger() *merger {
	m := &merger{old: w.snapshot, identities: w.identities.all}
	m.renamed = newRenumbering(&m.old, w.conditionIdentities.all)
	return m
}

// adopt goes on from the outcome of a merge. The fields are those of now, which may be more than the
// merger knew.
func (w *writer) adopt(m *merger) {
	fields := w.fields
	w.snapshot = m.result
	w.fields = fields
	w.identities, w.conditionIdentities = m.newIdentities, m.renamed.identities
	w.places = m.places
	w.filed, w.based, w.changes = len(w.filters), len(w.subs.ids), 0
}

// catchUp repeats the updates that a merge missed.
func (w *writer) catchUp() {
	for _, c := range w.missed {
		w.apply(c.add, c.remove)
	}
	w.fileNew()
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
		m.run()
		x.mu.Lock()
		defer x.mu.Unlock()
		w.adopt(m)
		w.catchUp()
		w.merging = nil
		x.publish()
	}()
}
