package jql

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

const corpusFile = "testdata/corpus/corpus.jsonl"

// corpusLine is a filter with what Atlassian's parser makes of it. The trees are in the compact form that
// testdata/corpus/README.md explains.
type corpusLine struct {
	JQL   string `json:"jql"`
	OK    bool   `json:"ok"`
	Where any    `json:"where"`
	Order []any  `json:"order"`
}

func readCorpus(t testing.TB) []corpusLine {
	t.Helper()
	text, err := os.ReadFile(corpusFile)
	if err != nil {
		t.Fatal(err)
	}
	var all []corpusLine
	for row := range bytes.Lines(text) {
		var line corpusLine
		if err := json.Unmarshal(row, &line); err != nil {
			t.Fatalf("%s: %v", row, err)
		}
		all = append(all, line)
	}
	return all
}

// TestCorpus holds Parse against Atlassian's parser. Where the two differ, a rule has to say so, and no
// rule may be idle.
func TestCorpus(t *testing.T) {
	if *refreshFlag {
		refreshCorpus(t)
	}
	accepted, total := 0, 0
	used := make(map[string]int)
	for _, line := range readCorpus(t) {
		total++
		if line.OK {
			accepted++
		}
		name, ok := judge(line)
		if !ok {
			q, err := Parse(line.JQL)
			t.Errorf("%q: %v\nParse reads %v\nAtlassian's %v", line.JQL, err, compactLine(line.JQL, q, err), line)
		}
		used[name]++
	}
	for _, r := range corpusRules {
		if used[r.name] == 0 {
			t.Errorf("no line of the corpus needs the rule %q", r.name)
		}
	}
	if total < 2500 || accepted < 1000 || total-accepted < 1000 {
		t.Errorf("%d of %d filters are accepted: the corpus is too thin", accepted, total)
	}
	t.Logf("%d filters, %d accepted, differences by rule: %v", total, accepted, used)
}

// TestCorpusIsCurrent tells when the filters were changed and the corpus was not made anew.
func TestCorpusIsCurrent(t *testing.T) {
	var got []string
	for _, line := range readCorpus(t) {
		got = append(got, line.JQL)
	}
	if want := corpusFilters(); !slices.Equal(got, want) {
		t.Errorf("%s holds %d filters, the code makes %d or others; run go test ./jql -run Corpus -refresh", corpusFile, len(got), len(want))
	}
}

// judge tells whether Parse agrees with a line, perhaps by the rule of that name.
func judge(line corpusLine) (rule string, ok bool) {
	q, err := Parse(line.JQL)
	ours := compactLine(line.JQL, q, err)
	if reflect.DeepEqual(ours, line) {
		return "", true
	}
	for _, r := range corpusRules {
		if r.covers(line.JQL) && r.excuses(line, ours, err) {
			return r.name, true
		}
	}
	return "", false
}

// compactLine is the line that Parse would write.
func compactLine(jql string, q *Query, err error) corpusLine {
	line := corpusLine{JQL: jql, OK: err == nil}
	if err != nil {
		return line
	}
	line.Where = compactExpr(q.Where)
	for _, s := range q.OrderBy {
		key := [...]string{Unspecified: "by", Ascending: "asc", Descending: "desc"}[s.Direction]
		line.Order = append(line.Order, map[string]any{key: compactField(s.Field)})
	}
	return line
}

func compactExpr(e Expr) any {
	switch e := e.(type) {
	case *And:
		return map[string]any{"and": compactAll(e.Operands, compactExpr)}
	case *Or:
		return map[string]any{"or": compactAll(e.Operands, compactExpr)}
	case *Not:
		return map[string]any{"not": compactExpr(e.Operand)}
	case *Clause:
		parts := []any{compactField(e.Field)}
		if e.Operand != nil {
			parts = append(parts, compactOperand(e.Operand))
		}
		for _, p := range e.Predicates {
			parts = append(parts, map[string]any{strings.ToLower(p.Op.String()): compactOperand(p.Operand)})
		}
		return map[string]any{strings.ToLower(e.Op.String()): parts}
	}
	return nil
}

func compactAll[T any](nodes []T, compact func(T) any) []any {
	all := make([]any, len(nodes))
	for i, node := range nodes {
		all[i] = compact(node)
	}
	return all
}

func compactField(f FieldRef) any {
	if len(f.Properties) == 0 {
		return f.Name
	}
	parts := []any{f.Name}
	for _, p := range f.Properties {
		parts = append(parts, p.Key, p.Path)
	}
	return parts
}

func compactOperand(o Operand) any {
	switch o := o.(type) {
	case Value:
		return o.Text
	case List:
		return compactAll(o.Items, compactOperand)
	case Function:
		parts := []any{o.Name}
		for _, arg := range o.Args {
			parts = append(parts, arg)
		}
		return map[string]any{"fn": parts}
	}
	return nil
}
