package matcher

import "time"

// Event is what one event says about the fields of a View, and the scratch memory that matching it
// needs. Reuse one Event per goroutine, or keep them in a pool: in the steady state nothing is
// allocated. It serves Views of any number of indexes in turn.
//
// The zero Event is ready for Reset. An Event belongs to one goroutine at a time, and keeps the View of
// its last Reset alive.
type Event struct {
	view  *View
	now   time.Time
	bits  []uint32 // by symbol, wordBits to a word: the event has it
	spans []span   // by slot
	slots []uint32 // those of the fields that are not empty
	syms  []own    // the symbols that filters name
	texts texts    // of the slots that conditions look at

	keys    []uint64
	runs    []probe
	lists   []uint32 // of the delta
	reached []run    // of leaves of the base whose filters hold
	later   []uint32 // filters of the delta that hold
	places  []uint32 // see placesUnder
	work    work

	epoch    uint32   // even
	seen     []uint32 // by filter: the epoch that last came across it
	verdicts []uint32 // by condition: the epoch that last decided it, plus one if it holds
}

// span is what an event has of one slot.
type span struct {
	first   uint32 // where its symbols begin in Event.syms, plus 1
	size    uint32 // how many symbols there are
	present bool
}

// own is a symbol that an event has, and the next one of the slot, plus 1.
type own struct{ symbol, next uint32 }

func (s *span) empty() bool { return !s.present }

// Reset forgets the last event and prepares for one that is going to be matched against v. The time of
// the event becomes the zero time: see [Event.SetTime]. A nil v lets go of the last View.
func (e *Event) Reset(v *View) {
	e.forget()
	e.trim()
	e.view, e.now, e.work = v, time.Time{}, work{}
	if v == nil {
		return
	}
	if slots := len(v.fields); cap(e.spans) < slots {
		e.spans = make([]span, slots, slots+slots/4)
	} else {
		e.spans = e.spans[:slots]
	}
	if words := len(v.symbols.terms)/wordBits + 1; len(e.bits) < words {
		e.bits = make([]uint32, words+words/4)
	}
	if len(v.conditions) > 0 {
		e.texts.reset(len(v.fields))
	}
}

// forget clears what the last event had.
func (e *Event) forget() {
	for _, o := range e.syms {
		e.bits[o.symbol/wordBits] = 0
	}
	for _, slot := range e.slots {
		e.bits[e.view.presence[slot]/wordBits] = 0
		e.spans[slot] = span{}
	}
	e.syms, e.slots = e.syms[:0], e.slots[:0]
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
	if !s.present {
		e.SetPresent(slot)
	}
	if e.view.interests.of(uint32(slot))&wantTerms != 0 {
		e.texts.add(slot, term)
	}
	sym := e.view.symbols.find(uint32(slot), term)
	if sym == 0 || e.has(sym) {
		return
	}
	e.set(sym)
	e.syms = append(e.syms, own{sym, s.first})
	s.first = uint32(len(e.syms))
	s.size++
}

// SetPresent says that the field at slot is not empty although no term says so: its value is an object,
// for example.
func (e *Event) SetPresent(slot int) {
	s := &e.spans[slot]
	if s.present {
		return
	}
	s.present = true
	e.set(e.view.presence[slot])
	e.slots = append(e.slots, uint32(slot))
	if e.view.interests.of(uint32(slot))&wantTerms != 0 {
		e.texts.open(slot)
	}
}

func (e *Event) has(sym uint32) bool { return e.bits[sym/wordBits]&(1<<(sym%wordBits)) != 0 }

func (e *Event) set(sym uint32) { e.bits[sym/wordBits] |= 1 << (sym % wordBits) }

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
