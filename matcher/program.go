package matcher

import (
	"slices"

	"hookline/jql"
)

// A program is a filter over symbols: its canonical tree in preorder, as words. Every node begins with
// op | length<<opBits, the length counting all its words.
//
//	opAll, opAny   children one after another, conditions last: they cost more than comparing integers
//	opCondition    slot, then the number of the condition
//	others         slot, then the symbols of the terms in ascending order
//
// The tree survives in full, so that a merge can choose keys and move to a new dictionary without the
// filters the programs came from.
const (
	opAll       = iota
	opAny       //
	opIs        // one term, the most common test
	opIn        // any number of terms
	opInOrEmpty // opIn, or the field is empty
	opNotIn     // the field is not empty and has none of the terms
	opCondition // the field is not empty and its terms are as the condition says
)

const (
	opBits = 3
	opMask = 1<<opBits - 1
)

func opOf(code []uint32) uint32        { return code[0] & opMask }
func nodeOf(code []uint32) []uint32    { return code[:code[0]>>opBits] }
func termsOf(code []uint32) []uint32   { return code[2 : code[0]>>opBits] }
func conditionOf(code []uint32) uint32 { return code[2] }
func inside(code []uint32) []uint32    { return code[1 : code[0]>>opBits] }
func nextAfter(code []uint32) []uint32 { return code[code[0]>>opBits:] }

// interner gives slots, symbols and numbers to what filters name.
type interner interface {
	slot(jql.Field) uint32
	symbol(slot uint32, term string) uint32
	condition(slot uint32, c jql.Condition) uint32
}

// encode appends the program of n to code.
func encode(code []uint32, n jql.Node, in interner) []uint32 {
	switch n := n.(type) {
	case *jql.AllOf:
		return encodeGroup(code, opAll, n.Nodes, in)
	case *jql.AnyOf:
		return encodeGroup(code, opAny, n.Nodes, in)
	case *jql.Test:
		return encodeTest(code, n, in)
	case jql.Condition:
		return encodeCondition(code, n, in)
	}
	panic("matcher: a filter with an unknown kind of node")
}

func encodeGroup(code []uint32, op uint32, nodes []jql.Node, in interner) []uint32 {
	if len(nodes) == 1 {
		return encode(code, nodes[0], in)
	}
	start := len(code)
	code = append(code, 0)
	for _, conditions := range []bool{false, true} {
		for _, n := range nodes {
			if _, is := n.(jql.Condition); is == conditions {
				code = encode(code, n, in)
			}
		}
	}
	return closeNode(code, start, op)
}

func encodeTest(code []uint32, t *jql.Test, in interner) []uint32 {
	start := len(code)
	slot := in.slot(t.Field)
	code = append(code, 0, slot)
	for _, text := range t.Terms {
		code = append(code, in.symbol(slot, text))
	}
	slices.Sort(code[start+2:])
	code = code[:start+2+len(slices.Compact(code[start+2:]))]
	return closeNode(code, start, testOp(t, len(code)-start-2))
}

func testOp(t *jql.Test, terms int) uint32 {
	switch {
	case t.Negate:
		return opNotIn
	case t.Empty:
		return opInOrEmpty
	case terms == 1:
		return opIs
	}
	return opIn
}

func encodeCondition(code []uint32, c jql.Condition, in interner) []uint32 {
	start := len(code)
	slot := in.slot(c.On())
	code = append(code, 0, slot, in.condition(slot, c))
	return closeNode(code, start, opCondition)
}

func closeNode(code []uint32, start int, op uint32) []uint32 {
	code[start] = op | uint32(len(code)-start)<<opBits
	return code
}
