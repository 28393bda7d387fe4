package dispatch

// order is one in which endpoints are kept.
type order int

const (
	byTurn order = iota // fewest requests in flight first, then least use, then the turn that is the longest ago
	byUse               // least use first

	orders
)

func (o order) before(a, b *member) bool {
	switch {
	case o == byUse:
		return a.used < b.used
	case a.inFlight != b.inFlight:
		return a.inFlight < b.inFlight
	case a.used != b.used:
		return a.used < b.used
	}
	return a.last < b.last
}

// heap holds endpoints in an order, the first of them at the front. Members know their position, so that any of them can
// be moved or removed.
type heap struct {
	order   order
	members []*member
}

func (h *heap) len() int { return len(h.members) }

func (h *heap) first() *member { return h.members[0] }

func (h *heap) add(m *member) {
	h.members = append(h.members, m)
	h.up(m, len(h.members)-1)
}

func (h *heap) remove(m *member) {
	at, last := m.at[h.order], len(h.members)-1
	moved := h.members[last]
	h.members[last] = nil
	h.members = h.members[:last]
	if moved != m {
		h.put(moved, at)
		h.fix(moved)
	}
}

// fix moves a member to its place, after it has changed.
func (h *heap) fix(m *member) {
	h.up(m, m.at[h.order])
	h.down(m, m.at[h.order])
}

func (h *heap) put(m *member, at int) {
	h.members[at] = m
	m.at[h.order] = at
}

func (h *heap) up(m *member, at int) {
	for at > 0 {
		parent := h.members[(at-1)/2]
		if !h.order.before(m, parent) {
			break
		}
		h.put(parent, at)
		at = (at - 1) / 2
	}
	h.put(m, at)
}

func (h *heap) down(m *member, at int) {
	for {
		child := 2*at + 1
		if child >= len(h.members) {
			break
		}
		if right := child + 1; right < len(h.members) && h.order.before(h.members[right], h.members[child]) {
			child = right
		}
		if !h.order.before(h.members[child], m) {
			break
		}
		h.put(h.members[child], at)
		at = child
	}
	h.put(m, at)
}
