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

// encode appends the program of a node to code.
func (w *writer) encode(code []uint32, n jql.Node) []uint32 {
	switch n := n.(type) {
	case *jql.Test:
		return w.encodeTest(code, n)
	case *jql.AllOf:
		return w.encodeGroup(code, opAll, n.Nodes)
	case *jql.AnyOf:
		return w.encodeGroup(code, opAny, n.Nodes)
	case jql.Condition:
		return w.encodeCondition(code, n)
	}
	panic("matcher: a filter with an unknown kind of node")
}

func (w *writer) encodeGroup(code []uint32, op uint32, nodes []jql.Node) []uint32 {
	if len(nodes) == 1 {
		return w.encode(code, nodes[0])
	}
	start := len(code)
	code = append(code, 0)
	conditions := 0
	for _, n := range nodes {
		if isCondition(n) {
			conditions++
		} else {
			code = w.encode(code, n)
		}
	}
	for i := 0; conditions > 0; i++ {
		if isCondition(nodes[i]) {
			code = w.encode(code, nodes[i])
			conditions--
		}
	}
	return closeNode(code, start, op)
}

func isCondition(n jql.Node) bool {
	switch n.(type) {
	case *jql.Test, *jql.AllOf, *jql.AnyOf:
		return false
	}
	return true
}

func (w *writer) encodeTest(code []uint32, t *jql.Test) []uint32 {
	start := len(code)
	slot := w.slot(&t.Field)
	code = append(code, 0, slot)
	for _, text := range t.Terms {
		code = append(code, w.symbols.intern(slot, text))
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

func (w *writer) encodeCondition(code []uint32, c jql.Condition) []uint32 {
	start := len(code)
	field := c.On()
	slot := w.slot(&field)
	code = append(code, 0, slot, w.condition(slot, c))
	return closeNode(code, start, opCondition)
}

func closeNode(code []uint32, start int, op uint32) []uint32 {
	code[start] = op | uint32(len(code)-start)<<opBits
	return code
}
