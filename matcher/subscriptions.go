package matcher

import "sync/atomic"

// subscriptions lists who asked for each filter of a delta. A subscription has a position for as long as it lasts;
// filters own runs of positions, and later subscriptions of a known filter hang in a chain.
//
// A removal stamps the position with the version that brought it. A View compares stamps with its own
// version, so it keeps the subscribers it had.
type subscriptions struct {
	ids   []ID
	gone  []uint32 // by position: the version that removed it, 0 while it lasts; nil before the first removal; atomic
	later chains   // by filter, positions
}

// add appends a subscription and returns its position. Writer only.
func (s *subscriptions) add(id ID) uint32 {
	s.ids = append(s.ids, id)
	if s.gone != nil && len(s.gone) < len(s.ids) {
		s.growGone()
	}
	return uint32(len(s.ids) - 1)
}

// remove ends the subscription at a position with the given version. Writer only.
func (s *subscriptions) remove(position, version uint32) {
	if s.gone == nil {
		s.growGone()
	}
	atomic.StoreUint32(&s.gone[position], version)
}

// growGone makes room for all positions and some to come. Views that hold the old array never need the
// stamps that are written from now on: those are newer than they are.
func (s *subscriptions) growGone() {
	gone := make([]uint32, len(s.ids)+len(s.ids)/8+8)
	copy(gone, s.gone)
	s.gone = gone
}

// lasts reports whether the subscription at a position exists in a version.
func (s *subscriptions) lasts(position, version uint32) bool {
	if s.gone == nil {
		return true
	}
	v := atomic.LoadUint32(&s.gone[position])
	return v == 0 || v > version
}

// any reports whether a filter has subscribers in a version.
func (s *subscriptions) any(filter uint32, f *filter, version uint32) bool {
	for p := f.lo; p < f.hi; p++ {
		if s.lasts(p, version) {
			return true
		}
	}
	for n := s.later.first(filter); n != 0; n = s.later.nodes[n].next {
		if s.lasts(s.later.nodes[n].value, version) {
			return true
		}
	}
	return false
}

// collect appends the subscribers of a filter in a version.
func (s *subscriptions) collect(dst []ID, filter uint32, f *filter, version uint32) []ID {
	if s.gone == nil {
		dst = append(dst, s.ids[f.lo:f.hi]...)
	} else {
		for p := f.lo; p < f.hi; p++ {
			if s.lasts(p, version) {
				dst = append(dst, s.ids[p])
			}
		}
	}
	for n := s.later.first(filter); n != 0; n = s.later.nodes[n].next {
		if p := s.later.nodes[n].value; s.lasts(p, version) {
			dst = append(dst, s.ids[p])
		}
	}
	return dst
}
