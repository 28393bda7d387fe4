package queue

// eventSet is a set of event ids, small where they are dense and where they are few.
type eventSet map[EventID]*[eventPage / 64]uint64

const eventPage = 4096

func (s eventSet) add(id EventID) {
	p := s[id/eventPage]
	if p == nil {
		p = new([eventPage / 64]uint64)
		s[id/eventPage] = p
	}
	p[id%eventPage/64] |= 1 << (id % 64)
}

func (s eventSet) has(id EventID) bool {
	p := s[id/eventPage]
	return p != nil && p[id%eventPage/64]&(1<<(id%64)) != 0
}
