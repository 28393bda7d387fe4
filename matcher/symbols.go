package matcher

import (
	"hash/maphash"
	"slices"
	"unsafe"
)

// A symbol stands for one term of one slot. Only filters make symbols; an event looks its terms up and
// forgets those that no filter names, so events never grow a dictionary.
//
// Symbol 0 means none. One symbol of each slot stands for no term but for the presence of the field: see
// snapshot.presence. Access keys say that a field is not empty, or that it is, by numbers that are no symbols.
const reserved = 1 << 31

func presentSymbol(slot uint32) uint32 { return reserved | slot<<1 }
func emptySymbol(slot uint32) uint32   { return reserved | slot<<1 | 1 }

// term is the text of one symbol: a range of symbols.text, and the slot it belongs to.
type term struct {
	start, size uint32
	slot        uint32
}

// symbols is the dictionary of one index between two merges. A copy of the struct is a snapshot: it goes
// on answering for the symbols it had, while the writer appends behind them.
type symbols struct {
	table cells
	terms []term // by symbol; terms[0] is unused
	text  []byte
	count int // of the terms
}

// hashTerm may be called for any text; the slot is part of the hash because equal texts in many fields
// ("1", "true", "none") are common.
func hashTerm(slot uint32, text []byte) uint32 {
	return uint32(mix(maphash.Bytes(seed, text)+uint64(slot)) >> 32)
}

// hashText is hashTerm.
func hashText(slot uint32, text string) uint32 {
	return uint32(mix(maphash.String(seed, text)+uint64(slot)) >> 32)
}

// find returns the symbol of text in slot, or 0.
func (s *symbols) find(slot uint32, text []byte) uint32 {
	return s.findHashed(hashTerm(slot, text), slot, text)
}

func (s *symbols) findHashed(hash, slot uint32, text []byte) uint32 {
	at := hash
	for {
		sym := s.table.next(hash, &at)
		if sym == 0 {
			return 0
		}
		if int(sym) < len(s.terms) && s.terms[sym].slot == slot && string(s.of(sym)) == string(text) {
			return sym
		}
	}
}

// intern returns the symbol of text in slot and makes one when there is none. Writer only.
func (s *symbols) intern(slot uint32, text string) uint32 {
	hash := hashText(slot, text)
	if sym := s.findHashed(hash, slot, unsafe.Slice(unsafe.StringData(text), len(text))); sym != 0 {
		return sym
	}
	sym := s.reserve()
	s.terms[sym] = term{uint32(len(s.text)), uint32(len(text)), slot}
	s.text = append(s.text, text...)
	s.table = s.table.add(hash, sym, s.count)
	s.count++
	return sym
}

// grow makes room for n more terms of a size. Writer only.
func (s *symbols) grow(n, size int) {
	s.terms, s.text = slices.Grow(s.terms, n+1), slices.Grow(s.text, n*size)
	s.table = s.table.grown(s.count + n)
}

// reserve returns a new symbol, which stands for no text. Writer only.
func (s *symbols) reserve() uint32 {
	if len(s.terms) == 0 {
		s.terms = append(s.terms, term{})
	}
	s.terms = append(s.terms, term{})
	return uint32(len(s.terms) - 1)
}

// put makes a symbol that was reserved stand for a text that no other does. The table has room.
func (s *symbols) put(sym, slot uint32, text []byte) {
	s.terms[sym] = term{uint32(len(s.text)), uint32(len(text)), slot}
	s.text = append(s.text, text...)
	s.table.put(uint64(hashTerm(slot, text))<<32 | uint64(sym))
	s.count++
}

// of returns the text of a symbol.
func (s *symbols) of(sym uint32) []byte {
	t := s.terms[sym]
	return s.text[t.start : t.start+t.size]
}
