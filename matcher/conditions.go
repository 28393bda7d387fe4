package matcher

import (
	"crypto/sha256"

	"hookline/jql"
)

// A condition has a number in its index, as a term has a symbol: filters share it, programs name it by
// that number, and an event decides it once however many filters ask. Numbers count from 0; the table
// of a snapshot holds the conditions by number and is appended to like its code.

// conditionIdentity stands for the canonical text of a condition, so that the texts of thousands need
// not be kept.
func conditionIdentity(c jql.Condition) (id [16]byte) {
	sum := sha256.Sum256([]byte(c.String()))
	copy(id[:], sum[:])
	return id
}

// texts collects the terms that an event has in the slots that conditions look at. One buffer holds
// their bytes: when it grows, the terms taken before stay in the old one and remain as they were.
type texts struct {
	bytes  []byte
	bySlot [][][]byte
	room   int // for so many terms, over all slots
}

// keptText is the size, and keptTerms the number of terms, up to which texts keeps its buffers from event to event. What
// counts is the room for terms, which events with many in one slot each, and never in the same, make in all slots.
const (
	keptText  = 1 << 20
	keptTerms = 1 << 15
)

// reset forgets all terms and makes room for so many slots. An unusually large event leaves nothing
// behind.
func (t *texts) reset(slots int) {
	if cap(t.bytes) > keptText || t.room > keptTerms {
		*t = texts{}
	}
	t.bytes = t.bytes[:0]
	if len(t.bySlot) < slots {
		t.bySlot = append(t.bySlot, make([][][]byte, slots-len(t.bySlot))...)
	}
}

func (t *texts) open(slot int) { t.bySlot[slot] = t.bySlot[slot][:0] }

func (t *texts) add(slot int, term []byte) {
	start := len(t.bytes)
	t.bytes = append(t.bytes, term...)
	had := t.bySlot[slot]
	terms := append(had, t.bytes[start:len(t.bytes):len(t.bytes)])
	t.room += cap(terms) - cap(had)
	t.bySlot[slot] = terms
}

// decide tells whether a condition on the field at slot holds for the event.
func (e *Event) decide(slot, condition uint32) bool {
	if e.spans[slot].empty() {
		return false
	}
	verdict := &e.verdicts[condition]
	if *verdict&^1 != e.epoch {
		*verdict = e.epoch
		if e.view.conditions[condition].Holds(e.texts.bySlot[slot], true, e.now) {
			*verdict |= 1
		}
	}
	return *verdict&1 != 0
}
