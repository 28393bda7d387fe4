package matcher

import (
	"unsafe"

	"hookline/jql"
)

// Stats describes an Index.
type Stats struct {
	Subscribers int
	Filters     int     // distinct ones, with those that lost their last subscriber since the last merge
	Keys        int     // access keys that filters are filed under
	Always      int     // filters that every event visits, because nothing in them narrows the choice
	Filed       Filings // the filters by what they stand under
	Delta       int     // subscriptions that came or went since the last merge
	Terms       int     // distinct terms that the filters name
	Conditions  int     // distinct conditions: orders and patterns, which no look-up of a term decides
	Bytes       int     // approximate memory of the whole index
}

// Stats returns the present figures. It is meant for metrics and consoles, not for hot paths.
func (x *Index) Stats() Stats {
	x.mu.Lock()
	defer x.mu.Unlock()
	s := Stats{Bytes: int(unsafe.Sizeof(*x))}
	w := x.writer
	if w == nil || w.base == nil {
		return s
	}
	s.Subscribers = w.subscribers
	s.Filters = w.base.filters.len() + len(w.delta.filters)
	s.Keys = w.base.keys + w.delta.keys
	s.Always = w.atAlways()
	s.Filed = w.filings
	s.Delta = w.changes
	s.Terms = w.symbols.count
	s.Conditions = len(w.conditions)
	s.Bytes += w.bytes()
	return s
}

func (w *writer) atAlways() int {
	r := w.base.find(always)
	n := 0
	if r.hi != 0 {
		n = int(w.base.nodes[r.hi].leaf - w.base.nodes[r.lo].leaf)
	}
	if list := w.delta.find(always); list != 0 {
		for post := w.delta.newest(list); post != 0; post = w.delta.words[post] {
			n++
		}
	}
	return n
}

// bytes adds up the arrays, and the maps with the usual share of free places.
func (w *writer) bytes() int {
	return int(unsafe.Sizeof(*w)) + w.snapshot.bytes() + int(unsafe.Sizeof(View{})) +
		w.conditionIdentities.bytes() + size(w.recent) + size(w.left) + size(w.code) + size(w.packed) +
		size(w.slots) + mapBytes(len(w.came), 12)
}

func (s *snapshot) bytes() int {
	return size(s.fields) + size(s.symbols.table) + size(s.symbols.terms) + size(s.symbols.text) +
		size(s.presence) + size(s.interests.bySlot) + size(s.interests.empty) + size(s.seen) + conditionBytes(s.conditions) + size(s.removals.gone) + size(s.removals.marks) +
		s.base.bytes() + s.delta.bytes()
}

func (b *base) bytes() int {
	return int(unsafe.Sizeof(*b)) + size(b.table) + size(b.nodes) + size(b.leaves) + size(b.ids) + size(b.sets) + size(b.lists) + size(b.code) +
		size(b.schemas) + size(b.census.named) + size(b.census.total) +
		size(b.filters.packed) + size(b.filters.starts) + size(b.filters.leaves) + size(b.filters.table) +
		size(b.holdings.ids) + size(b.holdings.filters)
}

func (d *delta) bytes() int {
	return size(d.words) + size(d.filters) + size(d.twins) + size(d.lists) + size(d.marks)
}

// conditionBytes counts the conditions with their texts, which the index keeps alive.
func conditionBytes(conditions []jql.Condition) int {
	n := size(conditions)
	for _, c := range conditions {
		switch c := c.(type) {
		case *jql.Range:
			n += int(unsafe.Sizeof(*c)) + len(c.Prefix) + len(c.Bound)
			if c.Moment != nil {
				n += int(unsafe.Sizeof(*c.Moment)) + size(c.Moment.Shift)
			}
		case *jql.Search:
			n += int(unsafe.Sizeof(*c)) + len(c.Text)
		}
	}
	return n
}

func (s *identities) bytes() int { return size(s.table) + size(s.all) }

func size[T any](s []T) int {
	var t T
	return cap(s) * int(unsafe.Sizeof(t))
}

func mapBytes(n, entry int) int { return 48 + n*(entry+1)*3/2 }
