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
	maxProduct  = 9
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

// cost returns the expected share of events that have the term. Events carry values that no filter
// names, so a slot with few filters says little: unseen stands for those.
func (c *census) cost(slot, sym uint32) float64 {
	const unseen = 8
	named, total := uint32(1), uint32(0)
	if int(sym) < len(c.named) {
		named = max(1, c.named[sym])
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
	keys   []uint64
	coarse bool // presence of the field in place of its terms

	maxKeys int // see tuning
}

// choose returns the keys of a program, ascending and without repeats, and whether having one of them
// is all that the filter asks for. The slice is valid until the next call.
func (c *chooser) choose(code []uint32) (keys []uint64, exact bool) {
	c.coarse, c.keys = false, c.keys[:0]
	exact = c.emit(code)
	if len(c.keys) > c.maxKeys {
		c.coarse, c.keys = true, c.keys[:0]
		exact = c.emit(code)
	}
	slices.Sort(c.keys)
	c.keys = slices.Compact(c.keys)
	if len(c.keys) > 1 && c.keys[0] == always {
		c.keys = c.keys[:1]
	}
	return c.keys, exact
}

// cost returns how many visits per event the keys of a node are expected to bring.
func (c *chooser) cost(code []uint32) float64 {
	switch opOf(code) {
	case opAll:
		_, cost := c.cheapest(code)
		if p := c.bestPair(code); p.first != nil {
			cost = min(cost, p.cost)
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
	sum := 0.0
	for _, sym := range terms {
		sum += c.census.cost(code[1], sym)
	}
	return sum
}

// presenceOnly reports whether a test is filed under the presence of its field and not under its terms.
func (c *chooser) presenceOnly(terms []uint32) bool {
	return len(terms) > c.maxKeys || c.coarse && len(terms) > 0
}

// emit appends the keys of a node and reports whether having one of them makes the node hold.
func (c *chooser) emit(code []uint32) (exact bool) {
	switch opOf(code) {
	case opAll:
		return c.emitAll(code)
	case opAny:
		exact = true
		for rest := inside(code); len(rest) > 0; rest = nextAfter(rest) {
			exact = c.emit(rest) && exact
		}
		return exact
	case opNotIn:
		c.keys = append(c.keys, uint64(presentSymbol(code[1])))
		return len(termsOf(code)) == 0
	case opCondition:
		c.keys = append(c.keys, uint64(presentSymbol(code[1])))
		return false
	case opInOrEmpty:
		c.keys = append(c.keys, uint64(emptySymbol(code[1])))
	}
	return c.emitTerms(code)
}

func (c *chooser) emitTerms(code []uint32) (exact bool) {
	terms := termsOf(code)
	if c.presenceOnly(terms) {
		c.keys = append(c.keys, uint64(presentSymbol(code[1])))
		return false
	}
	for _, sym := range terms {
		c.keys = append(c.keys, uint64(sym))
	}
	return true
}

func (c *chooser) emitAll(code []uint32) (exact bool) {
	children := childCount(code)
	if children == 0 {
		c.keys = append(c.keys, always)
		return true
	}
	child, cost := c.cheapest(code)
	if p := c.bestPair(code); p.first != nil && p.cost < cost {
		if c.saved != nil {
			c.saved(p.schema(), cost-p.cost)
		}
		c.emitPair(p)
		return children == 2
	}
	return c.emit(child) && children == 1
}

func childCount(code []uint32) (n int) {
	for rest := inside(code); len(rest) > 0; rest = nextAfter(rest) {
		n++
	}
	return n
}

// cheapest returns the child of a conjunction with the least cost.
func (c *chooser) cheapest(code []uint32) (child []uint32, cost float64) {
	cost = costAlways
	for rest := inside(code); len(rest) > 0; rest = nextAfter(rest) {
		if at := c.cost(rest); child == nil || at < cost {
			child, cost = rest, at
		}
	}
	return child, cost
}
