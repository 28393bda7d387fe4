package jql

import (
	"reflect"
	"testing"
)

func TestStringRoundTrip(t *testing.T) {
	for _, query := range append(seeds(t), corpusFilters()...) {
		if q, err := Parse(query); err == nil {
			checkRoundTrip(t, q)
		}
	}
}

// checkRoundTrip parses what String prints and expects the same tree, and the same text from it.
func checkRoundTrip(t *testing.T, q *Query) {
	t.Helper()
	text := q.String()
	again, err := Parse(text)
	if err != nil {
		t.Fatalf("%q does not parse: %v", text, err)
	}
	unplace(q)
	unplace(again)
	if !reflect.DeepEqual(q, again) {
		t.Fatalf("%q is another tree:\n%s\n%s", text, dump(q), dump(again))
	}
	if twice := again.String(); twice != text {
		t.Fatalf("%q prints as %q", text, twice)
	}
}

// unplace clears the positions in q. To leave them out in cmp instead takes time exponential in the depth.
func unplace(q *Query) {
	for i := range q.OrderBy {
		q.OrderBy[i].Field.Pos = Pos{}
	}
	Inspect(q.Where, func(e Expr) bool {
		if c, ok := e.(*Clause); ok {
			c.Pos, c.Field.Pos = Pos{}, Pos{}
			c.Operand = unplaced(c.Operand)
			for i := range c.Predicates {
				p := &c.Predicates[i]
				p.Pos, p.Operand = Pos{}, unplaced(p.Operand)
			}
		}
		return true
	})
}

// unplaced is the operand without positions.
func unplaced(operand Operand) Operand {
	switch o := operand.(type) {
	case Value:
		o.Pos = Pos{}
		return o
	case Function:
		o.Pos = Pos{}
		return o
	case List:
		for i, item := range o.Items {
			o.Items[i] = unplaced(item)
		}
	}
	return operand
}

func FuzzPrintParse(f *testing.F) {
	const sample = 20 // with more, a run would spend its time on the seeds
	for i, query := range append(seeds(f), corpusFilters()...) {
		if i%sample == 0 {
			f.Add(query)
		}
	}
	f.Fuzz(func(t *testing.T, query string) {
		// A text may be longer in print, where nothing is abbreviated.
		if q, err := Parse(query); err == nil && len(q.String()) <= MaxLength {
			checkRoundTrip(t, q)
		}
	})
}
