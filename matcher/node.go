package matcher

// A bucket of the base holds the filters filed under one access key. What is left of them once the key is known
// to be there is a conjunction of tests, brought into one order for all, so that filters share their first
// tests: a bucket is a forest of tests, laid out in preorder. To go through it is to walk over an array; where a
// test fails, the walk skips what stands below it. Filters hang at the nodes as leaves, which are numbered in the
// same order, so that all the leaves between two failures are one run.
//
// An event is a set of bits, one for each symbol, and a node looks at one word of it. Symbols of a field lie
// next to each other, so that most lists of values are one word and a mask as well.

// node is a test and where to go on if it fails.
type node struct {
	test uint32 // kind, what is shared, and from testShift on the word of the event's bits; or a slot
	arg  uint32 // a mask of that word; or a place in one of the base's arrays
	skip uint32 // the next node that is not below this one
	leaf uint32 // the first leaf here or later; those of the next node are behind the ones here
}

// Kinds of nodes.
const (
	nodeAny     = iota // the event has a symbol of arg, a mask
	nodeNone           // it has none of them
	nodeOnly           // it has the first of them, which stands for the presence of the field, and no other
	nodeAnyOf          // of a slot it has a symbol of the set at arg in base.sets: their number, then the symbols
	nodeNoneOf         // it has none of them
	nodeProgram        // the program at arg in base.code holds
	nodePass           // for leaves whose filters ask for nothing but the key
	nodeSwitch         // children that ask for values of one field: base.lists at arg leads from symbols to the children
	nodeExcept         // leaves of filters that rule out values of one field, and ask for others: base.lists at arg leads from symbols to the leaves
)

// An event may come to a filter in several ways. Whether it may is said of each leaf, and for a node whether it is
// true of some leaf at it.
const (
	sharedIfMany = 1 << iota // where the event has several symbols of a field that the key is of
	sharedAlways
)

const (
	kindBits   = 4
	kindMask   = 1<<kindBits - 1
	sharedMask = sharedIfMany | sharedAlways
	testShift  = kindBits + 2
)

func (n *node) kind() uint32   { return n.test & kindMask }
func (n *node) shared() uint32 { return n.test >> kindBits & sharedMask }
func (n *node) at() uint32     { return n.test >> testShift }

// leaf is a filter at a node, with the subscribers that it has since the base was built.
type leaf struct {
	ids  uint32 // the first of its subscribers in base.ids; they end where those of the next leaf begin
	mark uint32 // the number of the filter, and from leafShift on how it is shared
}

const (
	leafShift  = 30
	leafFilter = 1<<leafShift - 1
)

func (l leaf) filter() uint32 { return l.mark & leafFilter }
func (l leaf) shared() uint32 { return l.mark >> leafShift }

// listed leads from a symbol to a child of a nodeSwitch or a leaf of a nodeExcept. The first of a list has its
// length in place of a symbol; the others follow by symbol and place.
type listed struct{ symbol, at uint32 }

// set returns the symbols of the set at a place of arrays.sets.
func (a *arrays) set(at uint32) []uint32 { return a.sets[at+1 : at+1+a.sets[at]] }

// list returns the list at a place of arrays.lists.
func (a *arrays) list(at uint32) []listed {
	return a.lists[at+1 : at+1+a.lists[at].symbol]
}

// under returns the part of a list that is under a symbol.
func under(list []listed, symbol uint32) []listed {
	lo, hi := 0, len(list)
	for lo < hi {
		if mid := int(uint(lo+hi) >> 1); list[mid].symbol < symbol {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	for hi = lo; hi < len(list) && list[hi].symbol == symbol; hi++ {
	}
	return list[lo:hi]
}
