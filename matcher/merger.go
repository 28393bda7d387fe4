package matcher

import (
	"cmp"
	"slices"
)

// merger builds a new snapshot out of an old one: base and delta become a base of what lasts, and
// symbols and conditions that no filter names any longer go. Slots stay, also those that no filter asks
// for any more.
//
// The old snapshot is only read, in the way of a View, so a merger may run beside the writer.
type merger struct {
	old        snapshot
	identities [][16]byte // of its filters

	live    []survivor
	renamed *renumbering
	code    []uint32 // programs with new numbers, in the old order
	census  *census
	schemas []schema
	keys    []uint64 // of all survivors
	ids     []ID     // of all survivors

	result        snapshot // without its fields
	newIdentities identities
	places        map[ID]place
}

func (m *merger) run() {
	m.survivors()
	m.translate()
	m.takeCensus()
	m.admitSchemas()
	m.chooseKeys()
	m.arrange()
	m.result = m.write()
	m.identify()
	m.place()
}

// survivor is a filter that still has subscribers.
type survivor struct {
	number   uint32 // in the old snapshot
	code     uint32 // in merger.code
	ids      run    // in merger.ids
	keys     run    // in merger.keys
	exact    bool
	firstKey uint64
}

func (m *merger) survivors() {
	for n := range m.old.filters {
		lo := len(m.ids)
		m.ids = m.old.subs.collect(m.ids, uint32(n), &m.old.filters[n], m.old.version)
		if len(m.ids) > lo {
			m.live = append(m.live, survivor{number: uint32(n), ids: run{uint32(lo), uint32(len(m.ids))}})
		}
	}
}

// translate brings the programs into the new numbers.
func (m *merger) translate() {
	m.code = make([]uint32, 0, len(m.old.code))
	for i := range m.live {
		s := &m.live[i]
		s.code = uint32(len(m.code))
		m.code = m.renamed.program(m.code, nodeOf(m.old.code[m.old.filters[s.number].code:]))
	}
}

func (m *merger) takeCensus() {
	m.census = &census{
		named: make([]uint32, len(m.renamed.symbols.terms)),
		total: make([]uint32, len(m.old.fields)),
	}
	for i := range m.live {
		m.census.count(m.code[m.live[i].code:])
	}
}

// admitSchemas lets every filter name the pair it would like best.
func (m *merger) admitSchemas() {
	saved := make(map[schema]float64)
	c := chooser{
		census:  m.census,
		pairs:   func(schema) bool { return true },
		saved:   func(s schema, visits float64) { saved[s] += visits },
		maxKeys: m.old.tuning.maxKeys,
	}
	for i := range m.live {
		c.choose(m.code[m.live[i].code:])
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

func (m *merger) chooseKeys() {
	admitted := base{schemas: m.schemas}
	c := chooser{census: m.census, pairs: admitted.admits, maxKeys: m.old.tuning.maxKeys}
	for i := range m.live {
		s := &m.live[i]
		keys, exact := c.choose(m.code[s.code:])
		lo := len(m.keys)
		m.keys = append(m.keys, keys...)
		s.keys, s.exact = run{uint32(lo), uint32(len(m.keys))}, exact
		if len(keys) > 0 {
			s.firstKey = keys[0]
		}
	}
}

// arrange numbers the filters by their first key, so that those visited together lie together.
func (m *merger) arrange() {
	slices.SortStableFunc(m.live, func(x, y survivor) int { return cmp.Compare(x.firstKey, y.firstKey) })
}

// write lays out the new snapshot.
func (m *merger) write() snapshot {
	r := snapshot{
		tuning:     m.old.tuning,
		version:    1,
		symbols:    m.renamed.symbols.compact(),
		code:       make([]uint32, 0, room(len(m.code))),
		conditions: m.renamed.compactConditions(),
		interests:  m.renamed.interests,
		filters:    make([]filter, 0, room(len(m.live))),
		subs:       subscriptions{ids: make([]ID, 0, room(len(m.ids)))},
	}
	filings := make([]filing, 0, len(m.keys))
	for n, s := range m.live {
		for _, key := range m.keys[s.keys.lo:s.keys.hi] {
			p := makePost(uint32(n), int(s.keys.hi-s.keys.lo), s.exact)
			filings = append(filings, filing{key, p})
			r.interests = r.interests.withKey(key)
		}
		f := filter{code: uint32(len(r.code)), lo: uint32(len(r.subs.ids))}
		r.code = append(r.code, nodeOf(m.code[s.code:])...)
		r.subs.ids = append(r.subs.ids, m.ids[s.ids.lo:s.ids.hi]...)
		f.hi = uint32(len(r.subs.ids))
		r.filters = append(r.filters, f)
	}
	r.base = newBase(filings)
	r.base.schemas, r.base.census = m.schemas, m.census
	return r
}

func (m *merger) identify() {
	s := &m.newIdentities
	s.all = make([][16]byte, 0, room(len(m.live)))
	s.table = newCells(len(m.live))
	for _, f := range m.live {
		s.add(m.identities[f.number])
	}
}

func (m *merger) place() {
	m.places = make(map[ID]place, len(m.ids))
	for n, f := range m.result.filters {
		for p := f.lo; p < f.hi; p++ {
			m.places[m.result.subs.ids[p]] = place{uint32(n), p}
		}
	}
}

// room returns the capacity for n things that leaves space for additions before the next merge, so that
// the first of them does not copy everything.
func room(n int) int { return n + n/12 }
