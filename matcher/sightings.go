package matcher

import (
	"sync/atomic"
	"time"
)

// sightings tells of each symbol when an event had it last, or where none had, since when filters name it. It grows
// like the dictionary, in arrays that snapshots share, and all access to places that a published snapshot has is atomic.
//
// What events note in an array while the writer replaces it by a larger one, or by that of a merge, is
// lost: the next event with the term notes the same.
type sightings []sighting

// sighting is a time in minutes since 1970, with sighted set where an event had the term. So the later of two
// sightings is the larger number, and any is larger than none.
type sighting = uint32

const sighted sighting = 1 << 31

func minuteOf(at time.Time) sighting { return sighting(max(0, at.Unix()/60)) &^ sighted }

func timeOf(s sighting) time.Time { return time.Unix(int64(s&^sighted)*60, 0) }

// Note records that the terms added since the last Reset are values that events have, at a time that is kept to the
// minute; see [View.Term]. It is for events that came in from outside, and not for trials. To note an event costs a
// few nanoseconds for each of its terms that filters name.
func (e *Event) Note(at time.Time) {
	now := minuteOf(at) | sighted
	for _, o := range e.syms {
		e.view.seen.note(o.symbol, now)
	}
}

// note looks before it stores, so that the readers on other processors keep their cache lines for most of a minute.
func (s sightings) note(sym uint32, now sighting) {
	if atomic.LoadUint32(&s[sym]) < now {
		atomic.StoreUint32(&s[sym], now)
	}
}

// covering returns s with a place for each of so many symbols; the new ones are named since now. Writer only.
func (s sightings) covering(symbols int, now time.Time) sightings {
	if symbols > cap(s) {
		larger := make(sightings, len(s), room(symbols))
		for i := range s {
			larger[i] = atomic.LoadUint32(&s[i])
		}
		s = larger
	}
	for len(s) < symbols {
		s = append(s, minuteOf(now))
	}
	return s
}

// renumbered returns the sightings of symbols that have new numbers, 0 for those that went, of which there are so
// many.
func (s sightings) renumbered(as []uint32, symbols int) sightings {
	r := make(sightings, symbols, room(symbols))
	for old, sym := range as {
		if sym != 0 {
			r[sym] = atomic.LoadUint32(&s[old])
		}
	}
	return r
}

func (s sightings) at(sym uint32) sighting { return atomic.LoadUint32(&s[sym]) }
