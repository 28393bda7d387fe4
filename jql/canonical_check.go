package jql

import "slices"

// asCanonical writes a tree that is in canonical form already, which costs less than to bring it there. It reports false for any other.
func asCanonical(root Node) (written, bool) {
	if nodes, anyOf, isCompound := operands(root); isCompound && len(nodes) == 0 {
		return written{node: root, text: constantText(anyOf)}, true
	}
	var s sorter
	return s.as(root)
}

func (s *sorter) as(n Node) (w written, ok bool) {
	nodes, anyOf, isCompound := operands(n)
	if !isCompound {
		return s.asLeaf(n)
	}
	if len(nodes) < 2 || mergeable(nodes, anyOf) {
		return written{}, false
	}
	children := make([]written, len(nodes))
	for i, child := range nodes {
		if w, ok = s.as(child); !ok || w.inner != nil && w.inner.anyOf == anyOf {
			return written{}, false
		}
		if i > 0 && compareWritten(children[i-1], w) >= 0 {
			return written{}, false
		}
		children[i] = w
	}
	return written{node: n, inner: &inner{children, anyOf}}, true
}

func (s *sorter) asLeaf(n Node) (written, bool) {
	t, ok := n.(*Test)
	if !ok {
		s.buf = n.(Condition).append(s.buf[:0])
		return written{node: n, text: string(s.buf)}, true
	}
	if t.Negate && t.Empty || !t.Negate && !t.Empty && len(t.Terms) == 0 {
		return written{}, false
	}
	for i := 1; i < len(t.Terms); i++ {
		if t.Terms[i-1] >= t.Terms[i] {
			return written{}, false
		}
	}
	s.buf = appendTest(s.buf[:0], t)
	return written{node: n, text: string(s.buf)}, true
}

// mergeable says whether mergeTests would join some of the children of a compound.
func mergeable(nodes []Node, anyOf bool) bool {
	fields := make([]Field, 0, len(nodes))
	for _, n := range nodes {
		if t, ok := n.(*Test); ok && t.Negate != anyOf {
			fields = append(fields, t.Field)
		}
	}
	slices.SortFunc(fields, compareFields)
	return len(slices.Compact(fields)) < len(fields)
}
