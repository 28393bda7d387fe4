package matcher

import "slices"

// Event is what one event says about the fields of a View, and the scratch memory that matching it
// needs. Reuse one Event per goroutine, or keep them in a pool: in the steady state nothing is
// allocated. It serves Views of any number of indexes in turn.
//
// The zero Event is ready for Reset. An Event belongs to one goroutine at a time, and keeps the View of
// its last Reset alive.
type Event struct {
	view  *View
	spans []span   // by slot
	pairs []uint64 // slot<<32 | symbol, as they came
	ready bool     // pairs are sorted, spans and syms say the same
	syms  []uint32 // all symbols of the event, slot by slot, ascending

	keys  []uint64
	runs  []run
	epoch uint32
	seen  []uint32 // by filter: the epoch that last came across it
}

// span is the part of Event.syms that belongs to one slot.
type span struct {
	first       uint32 // the symbol itself when there is only one; the smallest of several
	start, size uint32
	present     bool
}

func (s *span) empty() bool { return !s.present }

// Reset forgets the last event and prepares for one that is going to be matched against v. A nil v
// lets go of the last View.
func (e *Event) Reset(v *View) {
	e.view, e.ready = v, false
	e.pairs = e.pairs[:0]
	slots := 0
	if v != nil {
		slots = len(v.fields)
	}
	if cap(e.spans) < slots {
		e.spans = make([]span, slots)
		return
	}
	e.spans = e.spans[:slots]
	clear(e.spans)
}

// Add says that the field at slot (see [View.Fields]) has a term. A field may have many, in any order,
// with repeats. The term is looked up at once and not retained; one that no filter names costs nothing
// further. Terms must be normalised the way those of the filters are.
func (e *Event) Add(slot int, term []byte) {
	e.spans[slot].present = true
	sym := e.view.symbols.find(uint32(slot), term)
	if sym != 0 {
		e.pairs = append(e.pairs, uint64(slot)<<32|uint64(sym))
		e.ready = false
	}
}

// SetPresent says that the field at slot is not empty although no term says so: its value is an object,
// for example.
func (e *Event) SetPresent(slot int) { e.spans[slot].present = true }

// of returns the symbols of a span.
func (e *Event) of(s *span) []uint32 { return e.syms[s.start : s.start+s.size] }

// has reports whether the event has the symbol in slot.
func (e *Event) has(slot, sym uint32) bool { return contains(e.of(&e.spans[slot]), sym) }

// seal brings what was added into the order that verification relies on.
func (e *Event) seal() {
	if e.ready {
		return
	}
	e.ready = true
	if !slices.IsSorted(e.pairs) {
		slices.Sort(e.pairs)
	}
	e.pairs = slices.Compact(e.pairs)
	e.syms = e.syms[:0]
	for i := range e.spans {
		s := &e.spans[i]
		s.first, s.start, s.size = 0, 0, 0
	}
	for i, p := range e.pairs {
		s := &e.spans[p>>32]
		if s.size == 0 {
			s.first, s.start = uint32(p), uint32(i)
		}
		s.size++
		e.syms = append(e.syms, uint32(p))
	}
}

// begin starts a new epoch for marking filters.
func (e *Event) begin(filters int) {
	if len(e.seen) < filters {
		e.seen = make([]uint32, filters+filters/4)
		e.epoch = 0
	}
	e.epoch++
	if e.epoch == 0 {
		clear(e.seen)
		e.epoch = 1
	}
}

// once reports whether the filter has not come by in this epoch, and marks it.
func (e *Event) once(filter uint32) bool {
	if e.seen[filter] == e.epoch {
		return false
	}
	e.seen[filter] = e.epoch
	return true
}
