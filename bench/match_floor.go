package bench

import (
	"hash/maphash"
	"math/bits"
	"slices"

	"hookline/jql"
	"hookline/matcher"
)

// floor is what no index can do without: it looks every value of an event up in a dictionary of the values that filters
// name, looks the number that it finds there up in one table, and writes down as many subscribers as the event has.
// Dictionary and table are made like those of package matcher.
type floor struct {
	cells []uint64 // hash<<32 | number; a power of two long
	terms []floorTerm
	text  []byte
	table []floorKey // a power of two long
}

type floorTerm struct {
	start, size uint32
	attribute   uint32
}

// floorKey is as large as a key of an index with what is filed there.
type floorKey struct {
	key    uint64
	lo, hi uint32
}

var floorSeed = maphash.MakeSeed()

// newFloor returns a floor that knows no term.
func newFloor() *floor { return &floor{cells: make([]uint64, 64), terms: make([]floorTerm, 1)} }

func mixed64(key uint64) uint64 {
	hi, lo := bits.Mul64(key^0x9e3779b97f4a7c15, 0xd6e8feb86659fd93)
	return hi ^ lo
}

func floorHash(attribute uint32, text string) uint32 {
	return uint32(mixed64(maphash.String(floorSeed, text)+uint64(attribute)) >> 32)
}

// find returns the number of a term, or 0.
func (f *floor) find(hash, attribute uint32, text string) uint32 {
	mask := uint32(len(f.cells) - 1)
	for i := hash; ; i++ {
		cell := f.cells[i&mask]
		if cell == 0 {
			return 0
		}
		if uint32(cell>>32) == hash {
			t := &f.terms[uint32(cell)]
			if t.attribute == attribute && string(f.text[t.start:t.start+t.size]) == text {
				return uint32(cell)
			}
		}
	}
}

// learn adds the terms that a filter names.
func (f *floor) learn(n jql.Node) {
	switch n := n.(type) {
	case *jql.AllOf:
		for _, child := range n.Nodes {
			f.learn(child)
		}
	case *jql.AnyOf:
		for _, child := range n.Nodes {
			f.learn(child)
		}
	case *jql.Test:
		for _, text := range n.Terms {
			f.add(uint32(attributeOf[n.Field]), text)
		}
	}
}

func (f *floor) add(attribute uint32, text string) {
	hash := floorHash(attribute, text)
	if f.find(hash, attribute, text) != 0 {
		return
	}
	if len(f.terms) > len(f.cells)/4*3 {
		old := f.cells
		f.cells = make([]uint64, 2*len(old))
		for _, cell := range old {
			if cell != 0 {
				f.put(cell)
			}
		}
	}
	f.put(uint64(hash)<<32 | uint64(len(f.terms)))
	f.terms = append(f.terms, floorTerm{uint32(len(f.text)), uint32(len(text)), attribute})
	f.text = append(f.text, text...)
}

func (f *floor) put(cell uint64) {
	mask := uint32(len(f.cells) - 1)
	i := uint32(cell >> 32)
	for f.cells[i&mask] != 0 {
		i++
	}
	f.cells[i&mask] = cell
}

// file puts every term into the table. No term may be added after that.
func (f *floor) file() {
	size := 4
	for len(f.terms) > size/4*3 {
		size *= 2
	}
	f.table = make([]floorKey, size)
	for number := 1; number < len(f.terms); number++ {
		i := mixed64(uint64(number))
		for f.table[i&uint64(size-1)].hi != 0 {
			i++
		}
		f.table[i&uint64(size-1)] = floorKey{uint64(number), uint32(number), uint32(number + 1)}
	}
}

func (f *floor) probe(number uint32) uint32 {
	mask := uint64(len(f.table) - 1)
	for i := mixed64(uint64(number)); ; i++ {
		k := &f.table[i&mask]
		if k.hi == 0 || k.key == uint64(number) {
			return k.lo
		}
	}
}

// match does for an event with so many matches what has to be done, and returns as many numbers, in dst where there is room. They are
// not the matches.
func (f *floor) match(dst []matcher.ID, terms *issueSays, matches int) []matcher.ID {
	sum := uint32(0)
	for a := range terms {
		for _, text := range terms[a] {
			if number := f.find(floorHash(uint32(a), text), uint32(a), text); number != 0 {
				sum += f.probe(number)
			}
		}
	}
	dst = slices.Grow(dst[:0], matches)[:matches]
	for i := range dst {
		dst[i] = matcher.ID(sum + uint32(i))
	}
	return dst
}
