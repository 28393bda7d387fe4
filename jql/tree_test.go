package jql

import (
	"slices"
	"testing"
)

func TestInspect(t *testing.T) {
	q, err := Parse("a = 1 AND NOT (b = 2 OR c = 3) AND d = 4")
	if err != nil {
		t.Fatal(err)
	}
	visit := func(into func(Expr) bool) (names []string) {
		Inspect(q.Where, func(e Expr) bool {
			if c, ok := e.(*Clause); ok {
				names = append(names, c.Field.Name)
			}
			return into(e)
		})
		return names
	}
	if got := visit(func(Expr) bool { return true }); !slices.Equal(got, []string{"a", "b", "c", "d"}) {
		t.Errorf("visited %v", got)
	}
	got := visit(func(e Expr) bool { _, or := e.(*Or); return !or })
	if !slices.Equal(got, []string{"a", "d"}) {
		t.Errorf("visited %v without the disjunction", got)
	}
	Inspect(nil, func(Expr) bool { t.Error("visited nothing"); return true })
}

// TestStringOfBuiltTrees prints trees that no text was parsed into.
func TestStringOfBuiltTrees(t *testing.T) {
	clause := &Clause{Field: FieldRef{Name: "a"}, Op: Eq, Operand: Value{Text: "b"}}
	tests := []struct {
		tree interface{ String() string }
		want string
	}{
		{&Query{}, ""},
		{&Not{Operand: &And{Operands: []Expr{clause, clause}}}, "NOT (a = b AND a = b)"},
		{&And{Operands: []Expr{&Or{Operands: []Expr{clause, clause}}, &Not{Operand: clause}}}, "(a = b OR a = b) AND NOT a = b"},
		{&Or{Operands: []Expr{&And{Operands: []Expr{clause, clause}}, clause}}, "a = b AND a = b OR a = b"},
		{Value{Text: "x", Number: true}, "x"},
		{Value{Text: "99999999999999999999", Number: true}, `"99999999999999999999"`},
		{Value{Text: "if"}, `"if"`},
		{Value{Text: "\x00\x7f\"\\\n\t\r\uFFFE"}, `"\u0000\u007F\"\\\n\t\r\uFFFE"`},
		{Function{Name: "f g", Args: []string{"1", "x y", ""}}, `"f g"(1, "x y", "")`},
		{List{Items: []Operand{Empty{}, Value{Text: "5"}, Value{Text: "5", Number: true}}}, `(EMPTY, "5", 5)`},
		{FieldRef{Name: "issue.property", Properties: []Property{{Key: "a b", Path: "c d.e"}}}, `issue.property["a b"]".c d.e"`},
		{Op(0), ""}, {Op(200), ""}, {PredicateOp(0), ""}, {PredicateOp(200), ""},
	}
	for _, test := range tests {
		if got := test.tree.String(); got != test.want {
			t.Errorf("%#v prints %s, want %s", test.tree, got, test.want)
		}
	}
}
