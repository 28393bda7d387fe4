package matcher

import (
	"cmp"
	"slices"
)

// survive finds the filters of the old snapshot that still have subscribers, and gives those their new numbers.
func (m *merger) survive() {
	m.gather()
	base, delta := &m.old.base.filters, &m.old.delta
	numbers := make([]uint32, base.len()+len(delta.filters))
	for i := range m.held.filters {
		filter := &m.held.filters[i]
		*filter = m.original(*filter)
		numbers[*filter] = 1
	}
	m.live = make([]survivor, 0, len(numbers))
	m.code = make([]uint32, 0, base.words+int(delta.end))
	for n, lasts := range numbers {
		if lasts == 0 {
			continue
		}
		numbers[n] = uint32(len(m.live))
		m.live = append(m.live, survivor{code: uint32(len(m.code))})
		if n < base.len() {
			m.code = packer{m.old.presence}.unpack(m.code, base.of(uint32(n)))
		} else {
			m.code = append(m.code, delta.program(delta.filters[n-base.len()])...)
		}
	}
	for i, filter := range m.held.filters {
		m.held.filters[i] = numbers[filter]
	}
}

// gather puts those who came into their places, from the end on: there is room for them.
func (m *merger) gather() {
	at, held, came := len(m.held.ids), len(m.held.ids)+len(m.came), m.came
	slices.SortFunc(came, func(x, y holding) int { return cmp.Compare(x.id, y.id) })
	h := &m.held
	h.ids, h.filters = h.ids[:held], h.filters[:held]
	for i := held - 1; len(came) > 0; i-- {
		if last := came[len(came)-1]; at == 0 || h.ids[at-1] < last.id {
			h.ids[i], h.filters[i] = last.id, last.filter
			came = came[:len(came)-1]
		} else {
			at--
			h.ids[i], h.filters[i] = h.ids[at], h.filters[at]
		}
	}
}

// original returns the filter of the base that a filter of the delta is the same as.
func (m *merger) original(n uint32) uint32 {
	if first := uint32(m.old.base.filters.len()); n >= first {
		if twin := m.old.delta.words[m.old.delta.filters[n-first]+filterTwin]; twin != 0 {
			return twin - 1
		}
	}
	return n
}
