package matcher

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"hookline/jql"
)

var (
	fieldP = jql.Field{Name: "p"}
	fieldS = jql.Field{Name: "s"}
	fieldL = jql.Field{Name: "l"}
)

func is(f jql.Field, terms ...string) jql.Node { return &jql.Test{Field: f, Terms: terms} }
func not(f jql.Field, terms ...string) jql.Node {
	return &jql.Test{Field: f, Terms: terms, Negate: true}
}
func orEmpty(f jql.Field, terms ...string) jql.Node {
	return &jql.Test{Field: f, Terms: terms, Empty: true}
}
func after(f jql.Field, bound string) jql.Node {
	return &jql.Range{Field: f, Op: jql.Greater, Bound: bound}
}
func all(nodes ...jql.Node) jql.Node  { return &jql.AllOf{Nodes: nodes} }
func some(nodes ...jql.Node) jql.Node { return &jql.AnyOf{Nodes: nodes} }

// keyWriter names what a writer numbered: "p=x", "p=x s=y" for a pair, "p present", "p empty", "always".
type keyWriter struct{ *writer }

func (w keyWriter) name(key uint64) string {
	if first := uint32(key >> 32); first != 0 {
		return w.name(uint64(first)) + " " + w.name(uint64(uint32(key)))
	}
	sym := uint32(key)
	switch {
	case key == always:
		return "always"
	case sym&reserved != 0:
		name := w.fields[sym&^reserved>>1].Name
		if sym&1 != 0 {
			return name + " empty"
		}
		return name + " present"
	}
	return fmt.Sprintf("%s=%s", w.fields[w.symbols.terms[sym].slot].Name, w.symbols.of(sym))
}

func TestKeys(t *testing.T) {
	// Filters name p=often twenty times, p=x and s=y once, l=... never: rare terms come first.
	often := slices.Repeat([]jql.Node{is(fieldP, "often")}, 20)
	tests := []struct {
		name  string
		node  jql.Node
		pairs bool
		keys  string
		exact bool
	}{
		{"one term", is(fieldP, "x"), false, "p=x", true},
		{"some terms", is(fieldP, "x", "z"), false, "p=x, p=z", true},
		{"no term", is(fieldP), false, "", true},
		{"empty", orEmpty(fieldP), false, "p empty", true},
		{"term or empty", orEmpty(fieldP, "x"), false, "p=x, p empty", true},
		{"not empty", not(fieldP), false, "p present", true},
		{"negated", not(fieldP, "x"), false, "p present", false},
		{"everything", all(), false, "always", true},
		{"nothing", some(), false, "", true},
		{"rarer child", all(is(fieldP, "often"), is(fieldS, "y")), false, "s=y", false},
		{"positive before negated", all(is(fieldP, "often"), not(fieldS, "y")), false, "p=often", false},
		{"empty before not empty", all(not(fieldP), orEmpty(fieldS)), false, "s empty", false},
		{"either", some(is(fieldP, "x"), is(fieldS, "y")), false, "p=x, s=y", true},
		{"either, one verified", some(is(fieldP, "x"), not(fieldS, "y")), false, "p=x, s present", false},
		{"either of two conjunctions", some(all(is(fieldP, "x"), not(fieldS, "y")), all(is(fieldS, "y"), not(fieldL))),
			false, "p=x, s=y", false},
		{"a child that is everything", all(all(), is(fieldP, "x")), false, "p=x", false},
		{"a choice of everything", some(all(), is(fieldP, "x")), false, "always", true},
		{"a child that is nothing", all(some(), is(fieldP, "x")), false, "", true},
		{"disjunction inside", all(is(fieldP, "often"), some(is(fieldS, "y"), is(fieldL, "a"))), false, "s=y, l=a", false},

		{"pair", all(is(fieldP, "often"), is(fieldS, "y")), true, "p=often s=y", true},
		{"pair, written the other way", all(is(fieldS, "y"), is(fieldP, "often")), true, "p=often s=y", true},
		{"pair of three", all(is(fieldP, "often"), is(fieldS, "y"), is(fieldP, "x")), true, "p=x s=y", false},
		{"products", all(is(fieldP, "x", "z"), is(fieldS, "y", "w")), true,
			"p=x s=y, p=x s=w, p=z s=y, p=z s=w", true},
		{"too many products", all(is(fieldP, "a", "b", "c", "d"), is(fieldS, "w", "y", "z")), true,
			"p=a, p=b, p=c, p=d", false},
		{"one slot is no pair", all(is(fieldP, "x"), is(fieldP, "z")), true, "p=x", false},
		{"condition", after(fieldP, "x"), false, "p present", false},
		{"positive before a condition", all(is(fieldP, "often"), after(fieldS, "y")), false, "p=often", false},
		{"empty before a condition", all(after(fieldP, "x"), orEmpty(fieldS)), false, "s empty", false},
		{"either, one a condition", some(is(fieldP, "x"), after(fieldS, "y")), false, "p=x, s present", false},
		{"two conditions", all(after(fieldP, "x"), after(fieldP, "y")), false, "p present", false},

		{"a condition and a pair", all(after(fieldL, "a"), is(fieldP, "often"), is(fieldS, "y")), true, "p=often s=y", false},
		{"no pair with a condition", all(is(fieldP, "x"), after(fieldS, "y")), true, "p=x", false},
		{"no pair with a negation", all(is(fieldP, "x"), not(fieldS, "y")), true, "p=x", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := keyWriter{newWriter(&standard)}
			w.slot(&fieldP)
			w.slot(&fieldS)
			w.slot(&fieldL)
			code := w.encode(nil, all(append(often, is(fieldP, "x"), is(fieldS, "y"))...))
			c := chooser{census: w.takeCensus(code), maxKeys: 20}
			if test.pairs {
				c.pairs = func(schema) bool { return true }
			}
			keys, exact := c.choose(w.encode(nil, test.node))
			checkKeys(t, w, keys, test.keys)
			if exact != test.exact {
				t.Errorf("exact is %v", exact)
			}
		})
	}
}

func (w keyWriter) takeCensus(code []uint32) *census {
	c := &census{named: make([]uint32, len(w.symbols.terms)), total: make([]uint32, len(w.fields))}
	c.count(code)
	return c
}

func checkKeys(t *testing.T, w keyWriter, keys []uint64, want string) {
	t.Helper()
	var names, wanted []string
	for _, k := range keys {
		names = append(names, w.name(k))
	}
	if want != "" {
		wanted = strings.Split(want, ", ")
	}
	slices.Sort(names)
	slices.Sort(wanted)
	if !slices.Equal(names, wanted) {
		t.Errorf("keys %q, want %q", names, wanted)
	}
}

func TestManyKeysBecomePresence(t *testing.T) {
	var terms []string
	var tests []jql.Node
	for i := range 30 {
		terms = append(terms, fmt.Sprintf("%03d", i))
		tests = append(tests, is(fieldP, terms[i]), is(fieldS, terms[i]))
	}
	for _, test := range []struct {
		name string
		node jql.Node
		keys string
	}{
		{"one long list", is(fieldP, terms...), "p present"},
		{"a long list or empty", orEmpty(fieldP, terms...), "p present, p empty"},
		{"a short one beside it", all(is(fieldP, terms...), is(fieldS, "y")), "s=y"},
		{"a long disjunction", some(tests...), "p present, s present"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := keyWriter{newWriter(&standard)}
			c := chooser{census: &census{}, maxKeys: 20}
			keys, exact := c.choose(w.encode(nil, test.node))
			checkKeys(t, w, keys, test.keys)
			if exact {
				t.Error("exact")
			}
		})
	}
}
