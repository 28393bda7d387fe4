package matcher

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// merger builds a new base out of an old one and a delta, of what lasts. Symbols and conditions that no filter names any
// longer go. Slots stay, also those that no filter asks for any more.
//
// The old snapshot is only read, in the way of a View, so a merger may run beside the writer.
type merger struct {
	old        snapshot
	identities [][16]byte // of its conditions
	held       []holding  // who has which filter, by subscriber: one of the old snapshot, and later one of live
	came       []holding  // those of the delta, in any order, who are not in held

	live    []survivor
	renamed *renumbering
	code    []uint32 // programs with new numbers
	census  *census
	schemas []schema
	ids     []ID // of all survivors
	crew    crew

	result snapshot // without its fields
}

// holding is a subscriber with its filter. Filters of the delta are counted behind those of the base.
type holding struct {
	id     ID
	filter uint32
}

// survivor is a filter that still has subscribers.
type survivor struct {
	number uint32 // in the old snapshot
	code   uint32 // in merger.code
	ids    run    // in merger.ids
}

// run merges, by so many goroutines.
func (m *merger) run(c crew) {
	m.crew = c
	m.survivors()
	m.translate()
	m.takeCensus()
	m.admitSchemas()
	m.result = m.write()
}

// survivors groups the subscribers by filter.
func (m *merger) survivors() {
	m.gather()
	starts := make([]uint32, m.filters()+1)
	for i := range m.held {
		h := &m.held[i]
		h.filter = m.original(h.filter)
		starts[h.filter+1]++
	}
	m.live = make([]survivor, 0, m.filters())
	renumbered := make([]uint32, m.filters())
	for n := range m.filters() {
		starts[n+1] += starts[n]
		if ids := (run{starts[n], starts[n+1]}); !ids.empty() {
			renumbered[n] = uint32(len(m.live))
			m.live = append(m.live, survivor{number: uint32(n), ids: ids})
		}
	}
	m.ids = make([]ID, len(m.held))
	for i := range m.held {
		h := &m.held[i]
		m.ids[starts[h.filter]] = h.id
		starts[h.filter]++
		h.filter = renumbered[h.filter]
	}
}

// gather puts those who came into their places, from the end on: there is room for them.
func (m *merger) gather() {
	came, at := m.came, len(m.held)
	slices.SortFunc(came, func(x, y holding) int { return cmp.Compare(x.id, y.id) })
	m.held = m.held[:at+len(came)]
	for i := len(m.held) - 1; len(came) > 0; i-- {
		if last := len(came) - 1; at == 0 || m.held[at-1].id < came[last].id {
			m.held[i], came = came[last], came[:last]
		} else {
			at--
			m.held[i] = m.held[at]
		}
	}
}

// filters returns how many filters the old snapshot has.
func (m *merger) filters() int {
	n := len(m.old.delta.filters)
	if m.old.base != nil {
		n += m.old.base.filters.len()
	}
	return n
}

// original returns the filter of the base that a filter of the delta is the same as.
func (m *merger) original(n uint32) uint32 {
	if m.old.base == nil {
		return n
	}
	if first := uint32(m.old.base.filters.len()); n >= first {
		if twin := m.old.delta.filters[n-first].twin; twin != 0 {
			return twin - 1
		}
	}
	return n
}

// program appends the program of a filter.
func (m *merger) program(code []uint32, n uint32) []uint32 {
	if m.old.base != nil {
		first := uint32(m.old.base.filters.len())
		if n < first {
			return packer{m.old.presence}.unpack(code, m.old.base.filters.of(n))
		}
		n -= first
	}
	return append(code, nodeOf(m.old.delta.code[m.old.delta.filters[n].code:])...)
}

// words returns the length of the program of a filter.
func (m *merger) words(n uint32) int {
	if m.old.base != nil {
		first := uint32(m.old.base.filters.len())
		if n < first {
			opening, _ := binary.Uvarint(m.old.base.filters.of(n))
			return int(opening >> opBits)
		}
		n -= first
	}
	return int(m.old.delta.code[m.old.delta.filters[n].code] >> opBits)
}

// translate brings the programs into the new numbers.
func (m *merger) translate() {
	m.renamed = newRenumbering(&m.old, m.identities)
	words := 0
	for _, s := range m.live {
		words += m.words(s.number)
	}
	m.code = make([]uint32, 0, words)
	for i := range m.live {
		s := &m.live[i]
		s.code = uint32(len(m.code))
		m.code = m.program(m.code, s.number)
		m.renamed.mark(m.code[s.code:])
	}
	m.renamed.number()
	for _, s := range m.live {
		m.renamed.node(nodeOf(m.code[s.code:]))
	}
}

func (m *merger) codeOf(s *survivor) []uint32 { return nodeOf(m.code[s.code:]) }

func (m *merger) takeCensus() {
	m.census = &census{
		named: make([]uint32, len(m.renamed.symbols.terms)),
		total: make([]uint32, len(m.old.fields)),
	}
	for i := range m.live {
		m.census.count(m.codeOf(&m.live[i]))
	}
}

// admitSchemas lets filters name the pair they would like best. Of many some are asked, chosen without regard to the order in which they
// came, for what is worth a lookup to every event shows in a part as well.
func (m *merger) admitSchemas() {
	const enough = 4096
	every := max(1, len(m.live)/enough)
	saved := make(map[schema]float64)
	c := chooser{
		census:  m.census,
		pairs:   func(schema) bool { return true },
		saved:   func(s schema, visits float64) { saved[s] += visits * float64(every) },
		maxKeys: m.old.tuning.maxKeys,
	}
	for i := range m.live {
		if slotOf(mix(uint64(i)), every) == 0 {
			c.find(m.codeOf(&m.live[i]))
		}
	}
	for s, visits := range saved {
		if visits >= m.old.tuning.minSaved {
			m.schemas = append(m.schemas, s)
		}
	}
	slices.SortFunc(m.schemas, func(x, y schema) int {
		return cmp.Or(cmp.Compare(saved[y], saved[x]), cmp.Compare(x.a, y.a), cmp.Compare(x.b, y.b))
	})
	m.schemas = slices.Clip(m.schemas[:min(len(m.schemas), m.old.tuning.maxSchemas)])
}

// write lays out the new snapshot.
func (m *merger) write() snapshot {
	b := &base{schemas: m.schemas, census: m.census}
	r := snapshot{
		tuning:      m.old.tuning,
		version:     1,
		symbols:     m.renamed.symbols,
		presence:    m.renamed.presence,
		conditions:  m.renamed.compactConditions(),
		interests:   m.renamed.interests,
		base:        b,
		subscribers: len(m.ids),
	}
	l, filers := m.fileAll(b)
	var nowhere []uint32
	var filings [][]filing
	for _, f := range filers {
		for i, n := range f.filed {
			r.filings[i] += n
		}
		nowhere, filings = append(nowhere, f.nowhere...), append(filings, f.filings)
	}
	b.filters.file()
	m.hold(&b.holdings)
	b.grow(l, m.crew, nowhere, filings)
	for _, k := range b.table {
		if k.hi != 0 {
			r.interests.addKey(k.key)
		}
	}
	return r
}

// implies reports whether an event that has a key, the first of a spot, or another key of that spot has a field.
func (m *merger) implies(key uint64, slot uint32) bool {
	first, second := uint32(key>>32), uint32(key)
	switch {
	case key == always:
		return false
	case second&reserved != 0:
		return second == presentSymbol(slot)
	}
	terms := m.renamed.symbols.terms
	return terms[second].slot == slot || first != 0 && terms[first].slot == slot
}

// hold notes which filter each subscriber has.
func (m *merger) hold(h *holdings) {
	h.ids, h.filters = make([]ID, len(m.held)), make([]uint32, len(m.held))
	for i, x := range m.held {
		h.ids[i], h.filters[i] = x.id, x.filter
	}
}

// newChooser returns what chooses the keys of a base and of the delta on top of it.
func newChooser(b *base, t *tuning) chooser {
	return chooser{census: b.census, pairs: b.admits, maxKeys: t.maxKeys}
}

// room returns the capacity for n things that leaves space for additions before the next merge, so that
// the first of them does not copy everything.
func room(n int) int { return n + n/12 }
