package queue

import "slices"

// eventSet is a set of event ids, small where they are dense and where they are few.
type eventSet map[EventID]*eventPage

// eventPage is which of pageEvents ids in a row are in a set: a list as long as they are fewIDs at most, which takes less room than
// a bit for each that could be, and longer to look through.
type eventPage struct {
	few []uint16 // nil once there is all
	all *[pageEvents / 64]uint64
}

const (
	pageEvents = 4096
	fewIDs     = 64
)

func (s eventSet) add(id EventID) {
	p := s[id/pageEvents]
	if p == nil {
		p = new(eventPage)
		s[id/pageEvents] = p
	}
	p.add(uint16(id % pageEvents))
}

func (s eventSet) has(id EventID) bool {
	p := s[id/pageEvents]
	return p != nil && p.has(uint16(id%pageEvents))
}

func (p *eventPage) add(n uint16) {
	switch {
	case p.has(n):
	case p.all != nil:
		p.set(n)
	case len(p.few) < fewIDs:
		p.few = append(p.few, n)
	default:
		p.all = new([pageEvents / 64]uint64)
		for _, few := range p.few {
			p.set(few)
		}
		p.set(n)
		p.few = nil
	}
}

func (p *eventPage) set(n uint16) { p.all[n/64] |= 1 << (n % 64) }

func (p *eventPage) has(n uint16) bool {
	if p.all == nil {
		return slices.Contains(p.few, n)
	}
	return p.all[n/64]&(1<<(n%64)) != 0
}
