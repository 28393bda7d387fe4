package matcher

import "slices"

// An access key is what an event must have for a filter to be looked at: one symbol, or two symbols of
// different slots as first<<32 | second with the slots ascending. Every filter is filed under keys of
// which an event has at least one whenever the filter holds; what is found under a key is verified.
//
// The keys of a node:
//
//	opIs, opIn         its symbols
//	opInOrEmpty        its symbols, and "the field is empty"
//	opNotIn            "the field is not empty"
//	opCondition        "the field is not empty"
//	opAll              those of the child that is expected to be looked at least often, or the pairs
//	                   of two children
//	opAll, no child    always
//	opAny              those of all children; without children none, for it never holds
const always uint64 = 0

// Expected visits per event. A term's own is estimated from the filters; see census.
const (
	costPresent = 0.8
	costEmpty   = 0.4
	costAlways  = 1e6 // nothing is worse, however many keys it takes to avoid it
)

// Two children make a pair only while their product stays within maxProduct keys, and only the
// maxPartners cheapest children of a conjunction are considered.
const (
	maxProduct  = 6
	maxPartners = 6
)

// schema is two slots, a < b, whose symbols are filed as pairs.
type schema struct{ a, b uint32 }

// census estimates how often an event has a term by how often filters name it: what people filter on
// follows what there is.
type census struct {
	named []uint32 // by symbol: filters naming it
	total []uint32 // by slot: the sum over its symbols
}

// count adds the terms of a program.
func (c *census) count(code []uint32) {
	switch op := opOf(code); op {
	case opAll, opAny:
		for rest := inside(code); len(rest) > 0; rest = nextAfter(rest) {
			c.count(rest)
		}
	case opIs, opIn, opInOrEmpty:
		for _, sym := range termsOf(code) {
			c.named[sym]++
		}
		c.total[code[1]] += uint32(len(termsOf(code)))
	}
}

// cost returns how many of some terms of a slot an event is expected to have. Events carry values that no filter
// names, so a slot with few filters says little: unseen stands for those.
func (c *census) cost(slot uint32, terms []uint32) float64 {
	const unseen = 8
	named, total := uint32(0), uint32(0)
	for _, sym := range terms {
		if int(sym) < len(c.named) {
			named += max(1, c.named[sym])
		} else {
			named++
		}
	}
	if int(slot) < len(c.total) {
		total = c.total[slot]
	}
	return float64(named) / float64(total+unseen)
}

// chooser finds the keys of filters. It is used for one filter after another.
type chooser struct {
	census *census
	pairs  func(schema) bool     // which schemas may be used; nil: none
	saved  func(schema, float64) // told what each pair saves over a single key; may be nil
	coarse bool                  // presence of the field in place of its terms

	maxKeys int // see tuning

	// Of the present filter.
	keys   []uint64
	chosen []uint64 // all keys in order
	rests  [][]uint32
	spots  []spot
	open   [][]uint32 // what has to hold besides what is being looked at
}

// spot is a part of a filter that its keys come from: one test, or a pair of them. A filter holds if for some spot the
// event has one of the keys, and the rest of the conjunction round the spot holds.
type spot struct {
	keys run // of chooser.keys; that of an empty field comes first
	rest run // of chooser.rests
}

// find works out the spots of a program. What it finds is valid until the next call.
func (c *chooser) find(code []uint32) {
	c.begin(false)
	c.emit(code)
	if len(c.keys) > c.maxKeys {
		c.begin(true)
		c.emit(code)
	}
	for _, s := range c.spots {
		if c.keys[s.keys.lo] == always && s.rest.empty() {
			c.spots = append(c.spots[:0], s)
			return
		}
	}
}

func (c *chooser) begin(coarse bool) {
	c.coarse = coarse
	c.keys, c.rests, c.spots, c.open = c.keys[:0], c.rests[:0], c.spots[:0], c.open[:0]
}

// shared says how an event may come to the filter in several ways.
func (c *chooser) shared() uint32 {
	switch {
	case len(c.spots) > 1:
		return sharedAlways
	case len(c.spots) == 1 && c.spots[0].keys.hi-c.spots[0].keys.lo > 1:
		return sharedIfMany
	}
	return 0
}

// choose returns the keys of a program, ascending and without repeats, and whether having one of them
// is all that the filter asks for. The slice is valid until the next call.
func (c *chooser) choose(code []uint32) (keys []uint64, exact bool) {
	c.find(code)
	c.chosen, exact = c.chosen[:0], true
	for _, s := range c.spots {
		c.chosen = append(c.chosen, c.keys[s.keys.lo:s.keys.hi]...)
		exact = exact && s.rest.empty()
	}
	slices.Sort(c.chosen)
	return slices.Compact(c.chosen), exact
}

// cost returns how many visits per event the keys of a node are expected to bring.
func (c *chooser) cost(code []uint32) float64 {
	switch opOf(code) {
	case opAll:
		_, cost, p := c.weigh(code)
		if p.first != nil {
			return p.cost
		}
		return cost
	case opAny:
		sum := 0.0
		for rest := inside(code); len(rest) > 0; rest = nextAfter(rest) {
			sum += c.cost(rest)
		}
		return sum
	case opNotIn, opCondition:
		return costPresent
	case opInOrEmpty:
		return c.termCost(code) + costEmpty
	}
	return c.termCost(code)
}

func (c *chooser) termCost(code []uint32) float64 {
	terms := termsOf(code)
	if c.presenceOnly(terms) {
		return costPresent
	}
	return c.census.cost(code[1], terms)
}

// presenceOnly reports whether a test is filed under the presence of its field and not under its terms.
func (c *chooser) presenceOnly(terms []uint32) bool {
	return len(terms) > c.maxKeys || c.coarse && len(terms) > 0
}

// emit notes the spots of a node.
func (c *chooser) emit(code []uint32) {
	from := len(c.keys)
	switch opOf(code) {
	case opAll:
		c.emitAll(code)
	case opAny:
		for rest := inside(code); len(rest) > 0; rest = nextAfter(rest) {
			c.emit(nodeOf(rest))
		}
	case opNotIn:
		c.keys = append(c.keys, uint64(presentSymbol(code[1])))
		c.spot(from, code, len(termsOf(code)) > 0)
	case opCondition:
		c.keys = append(c.keys, uint64(presentSymbol(code[1])))
		c.spot(from, code, true)
	case opInOrEmpty:
		c.keys = append(c.keys, uint64(emptySymbol(code[1])))
		c.spot(from, code, c.emitTerms(code))
	default:
		c.spot(from, code, c.emitTerms(code))
	}
}

// emitTerms appends the keys of the terms of a test and reports whether the test is still to be verified.
func (c *chooser) emitTerms(code []uint32) (rest bool) {
	terms := termsOf(code)
	if c.presenceOnly(terms) {
		c.keys = append(c.keys, uint64(presentSymbol(code[1])))
		return true
	}
	for _, sym := range terms {
		c.keys = append(c.keys, uint64(sym))
	}
	return false
}

// spot notes that the keys from a place on are those of a test, which is still to be verified if rest is set, as is all that
// is open.
func (c *chooser) spot(from int, code []uint32, rest bool) {
	if from == len(c.keys) {
		return
	}
	lo := len(c.rests)
	c.rests = append(c.rests, c.open...)
	if rest {
		c.rests = append(c.rests, nodeOf(code))
	}
	c.spots = append(c.spots, spot{runOf(from, len(c.keys)), runOf(lo, len(c.rests))})
}

func (c *chooser) emitAll(code []uint32) {
	if len(inside(code)) == 0 {
		c.keys = append(c.keys, always)
		c.spot(len(c.keys)-1, code, false)
		return
	}
	child, cost, p := c.weigh(code)
	if p.first != nil && c.saved != nil {
		c.saved(p.schema(), cost-p.cost)
	}
	opened := len(c.open)
	for rest := inside(code); len(rest) > 0; rest = nextAfter(rest) {
		if chosen := p.first != nil && (&rest[0] == &p.first[0] || &rest[0] == &p.second[0]) ||
			p.first == nil && &rest[0] == &child[0]; !chosen {
			c.open = append(c.open, nodeOf(rest))
		}
	}
	if p.first != nil {
		from := len(c.keys)
		c.emitPair(p)
		c.spot(from, nil, false)
	} else {
		c.emit(nodeOf(child))
	}
	c.open = c.open[:opened]
}

// weigh returns the child of a conjunction with the least cost, and the two tests of it that an event has together least often
// if those cost less than that.
func (c *chooser) weigh(code []uint32) (child []uint32, cost float64, best pair) {
	var found partners
	pairs := c.pairs != nil && !c.coarse
	cost = costAlways
	for rest := inside(code); len(rest) > 0; rest = nextAfter(rest) {
		at := c.cost(rest)
		if child == nil || at < cost {
			child, cost = rest, at
		}
		if pairs && mayPair(rest) {
			found.offer(partner{rest, at})
		}
	}
	if best = c.bestPair(&found); best.first != nil && best.cost < cost {
		return child, cost, best
	}
	return child, cost, pair{}
}
