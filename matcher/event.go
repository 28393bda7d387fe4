package matcher

import (
	"slices"
	"time"
)

// Event is what one event says about the fields of a View, and the scratch memory that matching it
// needs. Reuse one Event per goroutine, or keep them in a pool: in the steady state nothing is
// allocated. It serves Views of any number of indexes in turn.
//
// The zero Event is ready for Reset. An Event belongs to one goroutine at a time, and keeps the View of
// its last Reset alive.
type Event struct {
	view  *View
	now   time.Time
	spans []span   // by slot
	pairs []uint64 // slot<<32 | symbol, as they came
	ready bool     // pairs are sorted, spans and syms say the same
	syms  []uint32 // all symbols of the event, slot by slot, ascending
	texts texts    // of the slots that conditions look at

	keys     []uint64
	runs     []run
	epoch    uint32   // even
	seen     []uint32 // by filter: the epoch that last came across it
	verdicts []uint32 // by condition: the epoch that last decided it, plus one if it holds
}

// span is the part of Event.syms that belongs to one slot.
type span struct {
	first       uint32 // the symbol itself when there is only one; the smallest of several
	start, size uint32
	present     bool
	watched     bool // by some condition
}

func (s *span) empty() bool { return !s.present }

// Reset forgets the last event and prepares for one that is going to be matched against v. The time of
// the event becomes the zero time: see [Event.SetTime]. A nil v lets go of the last View.
func (e *Event) Reset(v *View) {
	e.view, e.ready, e.now = v, false, time.Time{}
	e.trim()
	e.pairs = e.pairs[:0]
	slots := 0
	if v != nil {
		slots = len(v.fields)
	}
	if cap(e.spans) < slots {
		e.spans = make([]span, slots)
	}
	e.spans = e.spans[:slots]
	clear(e.spans)
	if v != nil && len(v.conditions) > 0 {
		e.watch(v.interests)
	}
}

// watch prepares for the terms that conditions look at.
func (e *Event) watch(wanted interests) {
	e.texts.reset(len(wanted))
	for slot, want := range wanted {
		if want&wantTerms != 0 {
			e.spans[slot].watched = true
			e.texts.open(slot)
		}
	}
}

// SetTime sets the time that counts as now for conditions such as created > -7d. Call it between Reset
// and Match; without it now is the zero time, the beginning of the year 1 in UTC. Filters without such
// conditions do not look at it.
func (e *Event) SetTime(now time.Time) { e.now = now }

// Add says that the field at slot (see [View.Fields]) has a term. A field may have many, in any order,
// with repeats. The caller may reuse term at once: it is looked up, and copied only where some condition
// looks at the field. Elsewhere a term that no filter names costs nothing further. Terms must be
// normalised the way those of the filters are.
func (e *Event) Add(slot int, term []byte) {
	s := &e.spans[slot]
	s.present = true
	if s.watched {
		e.texts.add(slot, term)
	}
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

// begin starts a new epoch for marking filters and deciding conditions.
func (e *Event) begin(filters, conditions int) {
	e.seen = stamps(e.seen, filters)
	e.verdicts = stamps(e.verdicts, conditions)
	e.epoch += 2
	if e.epoch == 0 {
		clear(e.seen)
		clear(e.verdicts)
		e.epoch = 2
	}
}

// stamps returns s, or when it is shorter than n, room for more that bears no epoch's stamp.
func stamps(s []uint32, n int) []uint32 {
	if len(s) < n {
		return make([]uint32, n+n/4)
	}
	return s
}

// once reports whether the filter has not come by in this epoch, and marks it.
func (e *Event) once(filter uint32) bool {
	if e.seen[filter] == e.epoch {
		return false
	}
	e.seen[filter] = e.epoch
	return true
}
