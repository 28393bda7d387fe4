package bench

import (
	"errors"
	"strings"
	"testing"
	"time"

	"hookline/jql"
)

func TestParse(t *testing.T) {
	result, err := Parse(t.Context(), ParseConfig{Filters: 50, For: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	for name, figure := range map[string]float64{
		"ns": result.NS, "textbook ns": result.TextbookNS, "ratio": result.Ratio, "rate": result.Rate,
		"allocs": result.Allocs, "textbook allocs": result.TextbookAllocs,
	} {
		if figure <= 0 {
			t.Errorf("%s is %v", name, figure)
		}
	}
	if _, err := Parse(t.Context(), ParseConfig{Filters: -1}); err == nil {
		t.Error("a negative number of filters passes")
	} else if _, ok := errors.AsType[*ConfigError](err); !ok {
		t.Errorf("got a %T", err)
	}
}

// The two sides of the comparison do the same work: they read the same out of every filter.
func TestParseReadsWhatTheTextbookReads(t *testing.T) {
	if testing.Short() {
		t.Skip("has one goroutine, and takes long under the race detector")
	}
	filters := parseFilters(0, 4000)
	if mean := meanLength(filters); mean < 118 || mean > 122 {
		t.Errorf("filters have %.1f bytes on average, want 120", mean)
	}
	var all strings.Builder
	for _, filter := range filters {
		q, err := jql.Parse(filter)
		if err != nil {
			t.Fatalf("%s: %v", filter, err)
		}
		theirs, err := textbook.ParseString("", filter)
		if err != nil {
			t.Fatalf("%s: the textbook says %v", filter, err)
		}
		form := formOf(q.Where)
		if form != theirs.form() {
			t.Fatalf("%s\nis read as     %s\nby the textbook %s", filter, form, theirs.form())
		}
		all.WriteString(form)
	}
	for _, part := range []string{"<and ", "<or ", "<not ", "<= ", "<!= ", "<IN ", "<NOT IN ", " empty>", " <list <items "} {
		if !strings.Contains(all.String(), part) {
			t.Errorf("no filter has %s", part)
		}
	}
}

// join is the common form of what both parsers read: <and a b>, where a chain of one is that one.
func join[T any](word string, operands []T, form func(T) string) string {
	if len(operands) == 1 {
		return form(operands[0])
	}
	parts := []string{word}
	for _, operand := range operands {
		parts = append(parts, form(operand))
	}
	return "<" + strings.Join(parts, " ") + ">"
}

func formOf(e jql.Expr) string {
	switch e := e.(type) {
	case *jql.And:
		return join("and", e.Operands, formOf)
	case *jql.Or:
		return join("or", e.Operands, formOf)
	case *jql.Not:
		return "<not " + formOf(e.Operand) + ">"
	case *jql.Clause:
		return "<" + e.Op.String() + " " + quoted(e.Field.Name) + " " + formOfOperand(e.Operand) + ">"
	}
	return "<?>"
}

func formOfOperand(o jql.Operand) string {
	switch o := o.(type) {
	case jql.Value:
		return quoted(o.Text)
	case jql.List:
		return "<list " + join("items", o.Items, formOfOperand) + ">"
	case jql.Empty:
		return "empty"
	}
	return "<?>"
}

func (n *textbookOr) form() string { return join("or", n.And, (*textbookAnd).form) }

func (n *textbookAnd) form() string { return join("and", n.Not, (*textbookNot).form) }

func (n *textbookNot) form() string {
	switch {
	case n.Clause != nil:
		return n.Clause.form()
	case n.Not != nil:
		return "<not " + n.Not.form() + ">"
	}
	return n.Group.form()
}

func (n *textbookClause) form() string {
	op := strings.ToUpper(strings.Join(n.Op, " "))
	return "<" + op + " " + quoted(n.Field) + " " + n.Operand.form() + ">"
}

func (n *textbookOperand) form() string {
	switch {
	case n.Value != nil:
		return quoted(*n.Value)
	case n.List != nil:
		return "<list " + join("items", n.List, (*textbookOperand).form) + ">"
	}
	return "empty"
}

func BenchmarkParse(b *testing.B) {
	filters := parseFilters(0, 4000)
	run := func(name string, parse func(string) error) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if err := parse(filters[i%len(filters)]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	run("ours", func(src string) error { _, err := jql.Parse(src); return err })
	run("textbook", func(src string) error { _, err := textbook.ParseString("", src); return err })
}
