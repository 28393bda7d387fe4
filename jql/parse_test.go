package jql

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var rewriteFlag = flag.Bool("rewrite", false, "write the answers of this build into testdata")

// TestParseScripts runs testdata/parse*.txt: a query, a line of dashes, and the tree or the error.
func TestParseScripts(t *testing.T) {
	for _, name := range []string{"testdata/parse.txt", "testdata/errors.txt"} {
		runScript(t, name, func(query string) string {
			q, err := Parse(query)
			if err != nil {
				return err.Error()
			}
			return dump(q)
		})
	}
}

// runScript calls answer with every query of a script and compares.
func runScript(t *testing.T, name string, answer func(query string) string) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, entry := range strings.Split(strings.TrimSpace(string(text)), "\n\n") {
		query, want, _ := strings.Cut(entry, "\n----\n")
		got := answer(query)
		if got != want && !*rewriteFlag {
			t.Errorf("%s: %s\ngot  %s\nwant %s", name, query, got, want)
		}
		fmt.Fprintf(&out, "%s\n----\n%s\n\n", query, got)
	}
	if *rewriteFlag {
		if err := os.WriteFile(name, []byte(strings.TrimSpace(out.String())+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// dump writes a tree with every node in parentheses.
func dump(q *Query) string {
	var b strings.Builder
	if q.Where != nil {
		dumpExpr(&b, q.Where)
	}
	for _, s := range q.OrderBy {
		fmt.Fprintf(&b, " by:%s:%d", s.Field, s.Direction)
	}
	return strings.TrimSpace(b.String())
}

func dumpExpr(b *strings.Builder, e Expr) {
	group := func(word string, operands ...Expr) {
		b.WriteString("(" + word)
		for _, x := range operands {
			b.WriteByte(' ')
			dumpExpr(b, x)
		}
		b.WriteByte(')')
	}
	switch e := e.(type) {
	case *And:
		group("and", e.Operands...)
	case *Or:
		group("or", e.Operands...)
	case *Not:
		group("not", e.Operand)
	case *Clause:
		fmt.Fprintf(b, "{%s %s", e.Op, dumpField(e.Field))
		dumpOperand(b, e.Operand)
		for _, p := range e.Predicates {
			fmt.Fprintf(b, " %s", p.Op)
			dumpOperand(b, p.Operand)
		}
		b.WriteByte('}')
	}
}

func dumpField(f FieldRef) string {
	s := fmt.Sprintf("%s<%s>", [...]string{"name", "number", "custom"}[f.Form], f.Name)
	for _, p := range f.Properties {
		s += fmt.Sprintf("[%s|%s]", p.Key, p.Path)
	}
	return s
}

func dumpOperand(b *strings.Builder, o Operand) {
	switch o := o.(type) {
	case Value:
		if o.Number {
			fmt.Fprintf(b, " #%s", o.Text)
		} else {
			fmt.Fprintf(b, " %q", o.Text)
		}
	case Empty:
		b.WriteString(" empty")
	case Function:
		fmt.Fprintf(b, " %s%q", o.Name, o.Args)
	case List:
		b.WriteString(" [")
		for _, item := range o.Items {
			dumpOperand(b, item)
		}
		b.WriteString(" ]")
	}
}

func TestSyntaxErrorPosition(t *testing.T) {
	tests := []struct {
		query string
		want  Pos
	}{
		{"a = 1 b", Pos{6, 1, 7}},
		{"é = ü ö", Pos{8, 1, 7}},
		{"a = 1\n  AND\n\tb ! 2", Pos{15, 3, 4}},
		{"a =", Pos{3, 1, 4}},
		{`a = "x`, Pos{4, 1, 5}},
		{"a = 'b\nc' d", Pos{10, 2, 4}},
		{"a = \\q", Pos{4, 1, 5}},
		{"a = if", Pos{4, 1, 5}},
		{"a = 😀 b", Pos{9, 1, 7}},
		{"a = \xff", Pos{4, 1, 5}},
	}
	for _, test := range tests {
		_, err := Parse(test.query)
		syntax, ok := errors.AsType[*SyntaxError](err)
		if !ok {
			t.Errorf("Parse(%q): %v, want a syntax error", test.query, err)
			continue
		}
		if syntax.Pos != test.want {
			t.Errorf("Parse(%q) stops at %+v, want %+v", test.query, syntax.Pos, test.want)
		}
	}
}

func TestClausePosition(t *testing.T) {
	q, err := Parse("a = 1 AND\n  (b WAS 2 BEFORE c)")
	if err != nil {
		t.Fatal(err)
	}
	b := q.Where.(*And).Operands[1].(*Clause)
	if want := (Pos{13, 2, 4}); b.Pos != want || b.Field.Pos != want {
		t.Errorf("clause at %+v, field at %+v, want %+v", b.Pos, b.Field.Pos, want)
	}
	if want := (Pos{21, 2, 12}); b.Predicates[0].Pos != want {
		t.Errorf("predicate at %+v, want %+v", b.Predicates[0].Pos, want)
	}
}

func TestBounds(t *testing.T) {
	nested := func(open, close string, n int) string {
		return strings.Repeat(open, n) + "a = 1" + strings.Repeat(close, n)
	}
	list := func(n int) string { return "a IN " + strings.Repeat("(", n) + "1" + strings.Repeat(")", n) }
	tests := []struct {
		name, query string
		ok          bool
	}{
		{"longest", "a = " + strings.Repeat("b", MaxLength-4), true},
		{"too long", "a = " + strings.Repeat("b", MaxLength-3), false},
		{"deepest parentheses", nested("(", ")", MaxDepth), true},
		{"too deep parentheses", nested("(", ")", MaxDepth+1), false},
		{"deepest NOT", nested("NOT ", "", MaxDepth), true},
		{"too deep NOT", nested("NOT ", "", MaxDepth+1), false},
		{"too deep bangs", nested("!", "", MaxDepth+1), false},
		{"too deep mixture", nested("NOT (", ")", MaxDepth/2+1), false},
		{"deepest list", list(MaxDepth), true},
		{"too deep list", list(MaxDepth + 1), false},
		{"deep but closed", strings.Repeat("NOT (a = 1) AND ", MaxConditions/3) + "a = 1", true},
		{"a million parentheses", strings.Repeat("(", 1_000_000), false},
		{"only parentheses", strings.Repeat("(", MaxLength), false},
		{"only closing", strings.Repeat(")", MaxLength), false},
		{"longest chain", strings.Repeat("a=1 OR ", MaxConditions) + "a=1", true},
		{"too long chain", strings.Repeat("a=1 OR ", MaxConditions+1) + "a=1", false},
		{"too many groups", strings.Repeat("(a=1) OR ", MaxConditions/2) + "(a=1)", false},
		{"too long order", "ORDER BY " + strings.Repeat("a, ", MaxConditions+1) + "a", false},
		{"longest list", "a IN (" + strings.Repeat("1,", (MaxTokens-5)/2) + "1)", true},
		{"too long list", "a IN (" + strings.Repeat("1,", MaxTokens/2) + "1)", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse(test.query)
			if (err == nil) != test.ok {
				t.Errorf("got %v", err)
			}
			if _, syntax := errors.AsType[*SyntaxError](err); err != nil && !syntax {
				t.Errorf("got a %T", err)
			}
		})
	}
}

func TestReservedWords(t *testing.T) {
	if len(reserved) != 160 {
		t.Errorf("%d reserved words, want 159 of the published parser and all", len(reserved))
	}
	for word := range reserved {
		if len(word) > longestWord {
			t.Errorf("%q is longer than longestWord", word)
		}
		for _, query := range []string{word + " = 1", "a = " + word, "a = " + strings.ToUpper(word) + "()", "a in (" + word + ")"} {
			if _, err := Parse(query); err == nil || !strings.Contains(err.Error(), "is a reserved JQL word") {
				t.Errorf("Parse(%q): %v", query, err)
			}
		}
		if _, err := Parse(`"` + word + `" = '` + word + "'"); err != nil {
			t.Error(err)
		}
	}
	for word := range keywords {
		if len(word) > longestWord {
			t.Errorf("%q is longer than longestWord", word)
		}
		if _, err := Parse(word + " = 1"); err == nil {
			t.Errorf("the keyword %s passes for a field", word)
		}
	}
	for word := range strings.FieldsSeq("a an are at be but it no such that the their there these they this will") {
		if _, err := Parse(word + " = " + word); err != nil {
			t.Error(err)
		}
	}
}

// TestCharacters tries characters in an unquoted value: all of the first 256, and the ends of every
// range that counts.
func TestCharacters(t *testing.T) {
	var chars []rune
	for r := range rune(0x100) {
		chars = append(chars, r)
	}
	chars = append(chars, 'Ł', '√', 0xD7FF, 0xE000, 0xFDCF, 0xFDD0, 0xFDE0, 0xFDEF, 0xFDF0, 0xFFFD, 0xFFFE, 0xFFFF, 0x10000, 0x10FFFF)
	for _, r := range chars {
		want := strings.ContainsRune("_`-.:", r) || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' ||
			r >= 0xA0 && !(0xFDD0 <= r && r <= 0xFDEF) && r != 0xFFFE && r != 0xFFFF
		q, err := Parse("a = x" + string(r) + "x")
		if (err == nil) != want {
			t.Errorf("U+%04X: %v", r, err)
		} else if want && q.Where.(*Clause).Operand.(Value).Text != "x"+string(r)+"x" {
			t.Errorf("U+%04X: read as %v", r, q)
		}
		inQuotes := r != '"' && r != '\\' && (r == '\n' || r == '\r' || want || ' ' <= r && r < 0x7F)
		if _, err := Parse(`a = "x` + string(r) + `x"`); (err == nil) != inQuotes {
			t.Errorf("U+%04X in quotes: %v", r, err)
		}
	}
}

// seeds are the queries of all scripts.
func seeds(t testing.TB) []string {
	t.Helper()
	var all []string
	names, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range strings.Split(strings.TrimSpace(string(text)), "\n\n") {
			query, _, _ := strings.Cut(entry, "\n----\n")
			all = append(all, query)
		}
	}
	return all
}

func FuzzParse(f *testing.F) {
	for _, query := range seeds(f) {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		q, err := Parse(query)
		if err != nil {
			syntax, ok := errors.AsType[*SyntaxError](err)
			if !ok || syntax.Offset < 0 || syntax.Offset > len(query) || syntax.Line < 1 || syntax.Column < 1 {
				t.Fatalf("Parse(%q): %#v", query, err)
			}
			return
		}
		if filter, err := Compile(q, Env{}); err == nil {
			if again := NewFilter(filter.Root()); again.Identity() != filter.Identity() {
				t.Fatalf("%s becomes %s", filter, again)
			}
		}
		for _, d := range []*Dialect{Dynamic(Env{}), Full(Env{})} {
			_ = d.Check(q)
		}
	})
}
