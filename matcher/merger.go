package matcher

import (
	"cmp"
	"slices"
	"time"
)

// merger builds a base out of filters and their subscribers: those of an old base and a delta that last, or the first of an
// index. Symbols and conditions that no filter names any longer go. Slots stay, also those that no filter asks for any more.
//
// The old snapshot is only read, in the way of a View, so a merger may run beside the writer.
type merger struct {
	began      time.Time
	old        snapshot
	identities [][16]byte // of its conditions
	came       []holding  // subscribers of the delta, in any order, who are to join held

	held holdings // filters are those of the old snapshot until its survivors are found
	live []survivor
	code []uint32 // programs, with the numbers of the old snapshot until they are translated

	renamed *renumbering
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

// survivor is a filter that has subscribers.
type survivor struct {
	code uint32 // in merger.code
	ids  run    // in merger.ids
}

// run merges, by so many goroutines.
func (m *merger) run(c crew) {
	m.survive()
	m.build(c)
}

// build makes the base of the survivors.
func (m *merger) build(c crew) {
	m.crew = c
	m.group()
	m.translate()
	m.takeCensus()
	m.admitSchemas()
	m.result = m.write()
}

// group puts the subscribers of each filter beside each other, in their order.
func (m *merger) group() {
	for _, filter := range m.held.filters {
		m.live[filter].ids.hi++
	}
	next := uint32(0)
	for n := range m.live {
		ids := &m.live[n].ids
		next, *ids = next+ids.hi, run{next, next}
	}
	m.ids = make([]ID, next)
	for i, filter := range m.held.filters {
		ids := &m.live[filter].ids
		m.ids[ids.hi] = m.held.ids[i]
		ids.hi++
	}
}

// translate brings the programs into the new numbers.
func (m *merger) translate() {
	m.renamed = newRenumbering(&m.old, m.identities)
	for i := range m.live {
		m.renamed.mark(m.codeOf(&m.live[i]))
	}
	m.renamed.number()
	for i := range m.live {
		m.renamed.node(m.codeOf(&m.live[i]))
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

// sampleSize is about how many filters say which pairs they would like.
const sampleSize = 4096

// admitSchemas lets filters name the pair they would like best. Of many some are asked, whatever the order in which they
// came, and speak for the others: a pair that many filters like is named among those as well. One that few like may be
// missed, or thought more of than it is worth; either costs an event little.
func (m *merger) admitSchemas() {
	every := max(1, len(m.live)/sampleSize)
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
	filers := m.fileAll(b)
	var nowhere []uint32
	var filings [][]filing
	for _, f := range filers {
		for i, n := range f.filed {
			r.filings[i] += n
		}
		nowhere, filings = append(nowhere, f.nowhere...), append(filings, f.filings)
	}
	b.filters.collect(filers)
	b.filters.file()
	b.filters.words, b.holdings = len(m.code), m.held
	b.grow(m.plan(filers), m.crew, nowhere, filings)
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

// newChooser returns what chooses the keys of a base and of the delta on top of it.
func newChooser(b *base, t *tuning) chooser {
	return chooser{census: b.census, pairs: b.admits, maxKeys: t.maxKeys}
}

// room returns the capacity for n things that leaves space for additions before the next merge, so that
// the first of them does not copy everything.
func room(n int) int { return n + n/12 }
