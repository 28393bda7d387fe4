package jql

import (
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCompileScripts runs scripts of testdata: a query, a line of dashes, and the canonical filter or
// every problem.
func TestCompileScripts(t *testing.T) {
	for name, env := range map[string]Env{"compile": {}, "operators": site, "values": site, "text": site, "changes": site, "ranges": site, "aliases": site} {
		runScript(t, "testdata/"+name+".txt", func(query string) string {
			q, err := Parse(query)
			if err != nil {
				return err.Error()
			}
			f, err := Compile(q, env)
			if err != nil {
				return listProblems(err)
			}
			return f.String()
		})
	}
}

func compileText(query string) (*Filter, error) {
	q, err := Parse(query)
	if err != nil {
		return nil, err
	}
	return Compile(q, Env{})
}

func mustCompile(t testing.TB, query string) *Filter {
	t.Helper()
	f, err := compileText(query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return f
}

func TestIdentity(t *testing.T) {
	same := [][]string{
		{"project = EX", "PROJECT in (ex)", "(((project = 'Ex')))", "NOT project != ex", "project = ex OR project = EX"},
		{"project = A AND status = B AND type = C", "type = C AND (status = b AND project = a)"},
		{"project = A OR status = B", "NOT (status != B AND project NOT IN (A))"},
		{"status IN (a, b, EMPTY)", "status = EMPTY OR status = b OR status = a", "status IN ((b), null, a, A)"},
		{"status NOT IN (a, b)", "status != b AND NOT status = a", "status NOT IN (a, b, EMPTY)"},
		{"status IS EMPTY", "status = EMPTY", "NOT status != NULL", "status in (EMPTY)"},
		{"cf[10014] = EX-1", `"Epic Link" = ex-1`},
		{"issue.property[k].a = 5", `issue.property["k"]".a" = "5"`},
		{"", "ORDER BY created"},
	}
	seen := make(map[[16]byte]string)
	for _, group := range same {
		want := mustCompile(t, group[0])
		for _, query := range group {
			got := mustCompile(t, query)
			if got.Identity() != want.Identity() || got.String() != want.String() {
				t.Errorf("%s is %s, %s is %s", query, got, group[0], want)
			}
		}
		if other, ok := seen[want.Identity()]; ok {
			t.Errorf("%s and %s share an identity", group[0], other)
		}
		seen[want.Identity()] = group[0]
	}
}

// TestIdentityIsStable pins identities, which other processes may have kept.
func TestIdentityIsStable(t *testing.T) {
	for query, want := range map[string]string{
		"": "5b07e351d08024834b99afd4bedaea16",
		`project = "Ünit 1" AND NOT (status IN (Done, EMPTY) OR issue.property[k].a = 5)`: "58d45bc35dabef98eb2013bb2de9493c",
	} {
		id := mustCompile(t, query).Identity()
		if got := hex.EncodeToString(id[:]); got != want {
			t.Errorf("%s has identity %s, want %s", query, got, want)
		}
	}
}

func TestNewFilter(t *testing.T) {
	x, y := Field{Name: "x"}, Field{Name: "y", Key: "k"}
	terms := []string{"b", "a", "b"}
	always, never := Node(&AllOf{}), Node(&AnyOf{})
	tests := []struct {
		in, want Node
	}{
		{&AllOf{}, always},
		{&AnyOf{}, never},
		{&Test{Field: x}, never},
		{&Test{Field: x, Negate: true}, &Test{Field: x, Negate: true}},
		{&Test{Field: x, Negate: true, Empty: true, Terms: terms}, &Test{Field: x, Negate: true, Terms: []string{"a", "b"}}},
		{&Test{Field: x, Terms: terms}, &Test{Field: x, Terms: []string{"a", "b"}}},
		{&AllOf{[]Node{always, &AllOf{[]Node{always}}}}, always},
		{&AllOf{[]Node{never, &Test{Field: x, Empty: true}}}, never},
		{&AnyOf{[]Node{always, &Test{Field: x, Empty: true}}}, always},
		{&AnyOf{[]Node{never, &Test{Field: x, Empty: true}}}, &Test{Field: x, Empty: true}},
		{&AnyOf{[]Node{&AllOf{[]Node{&AnyOf{[]Node{&Test{Field: y, Empty: true}, &Test{Field: x, Empty: true}}}}}, &Test{Field: x, Terms: terms}}},
			&AnyOf{[]Node{&Test{Field: x, Terms: []string{"a", "b"}, Empty: true}, &Test{Field: y, Empty: true}}}},
	}
	for i, test := range tests {
		f := NewFilter(test.in)
		if diff := cmp.Diff(NewFilter(test.want).Root(), f.Root()); diff != "" {
			t.Errorf("%d: %s", i, diff)
		}
		if diff := cmp.Diff(stripped(test.want), stripped(f.Root())); diff != "" {
			t.Errorf("%d: not in the expected form: %s", i, diff)
		}
	}
	if diff := cmp.Diff([]string{"b", "a", "b"}, terms); diff != "" {
		t.Errorf("the caller's terms were changed: %s", diff)
	}
}

// stripped prints a tree with the order of children kept.
func stripped(n Node) string {
	switch n := n.(type) {
	case *AllOf:
		return fmt.Sprint("all", strippedAll(n.Nodes))
	case *AnyOf:
		return fmt.Sprint("any", strippedAll(n.Nodes))
	case *Test:
		return fmt.Sprint(*n)
	}
	return "nil"
}

func strippedAll(nodes []Node) (texts []string) {
	for _, n := range nodes {
		texts = append(texts, stripped(n))
	}
	return texts
}

func TestFilterFields(t *testing.T) {
	f := mustCompile(t, "status = a AND (project = b OR status != c) AND (issue.property[k].z = 1 OR issue.property[k].a = 1)")
	want := []Field{
		{Name: "issue.property", Key: "k", Path: "a"}, {Name: "issue.property", Key: "k", Path: "z"},
		{Name: "project"}, {Name: "status"},
	}
	if diff := cmp.Diff(want, f.Fields()); diff != "" {
		t.Error(diff)
	}
	if got := mustCompile(t, "").Fields(); len(got) != 0 {
		t.Errorf("the empty query asks for %v", got)
	}
}

func TestNilNodePanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	NewFilter(&AllOf{Nodes: []Node{nil}})
}

// benchQuery has 120 bytes.
const benchQuery = `project = EXAMPLE AND status IN ("In Progress", Done) AND issuetype != Bug AND (assignee = 5b10ac8d82 OR priority = Low)`

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(benchQuery); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	q, err := Parse(benchQuery)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Compile(q, Env{}); err != nil {
			b.Fatal(err)
		}
	}
}
