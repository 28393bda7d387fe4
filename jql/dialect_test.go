package jql

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// TestDynamicScript runs testdata/dynamic.txt: a query, a line of dashes, and "ok" or every problem on
// a line of its own after its place.
func TestDynamicScript(t *testing.T) {
	runScript(t, "testdata/dynamic.txt", func(query string) string {
		q, err := Parse(query)
		if err != nil {
			return err.Error()
		}
		return listProblems(Dynamic.Check(q))
	})
}

func listProblems(err error) string {
	if err == nil {
		return "ok"
	}
	check, ok := errors.AsType[*CheckError](err)
	if !ok || len(check.Problems) == 0 {
		return fmt.Sprintf("%#v", err)
	}
	lines := make([]string, len(check.Problems))
	for i, p := range check.Problems {
		lines[i] = fmt.Sprintf("%d: %s", p.Pos.Column, p.Message)
	}
	return strings.Join(lines, "\n")
}

func TestDynamicRefusesEmptyQuery(t *testing.T) {
	for _, query := range []string{"", " \t\r\n", "ORDER BY created"} {
		q, err := Parse(query)
		if err != nil {
			t.Fatal(err)
		}
		if err := Dynamic.Check(q); err == nil || !strings.HasPrefix(err.Error(), "The JQL query is empty") {
			t.Errorf("Check(%q): %v", query, err)
		}
	}
}

func TestDynamicDialectEpicLink(t *testing.T) {
	d := DynamicDialect(20)
	for query, want := range map[string]string{
		"cf[20] = EX-1":        "ok",
		`"Epic Link" != EX-1`:  "ok",
		"cf[10014] = EX-1":     "1: The clause cf[10014] is unsupported",
		"20 = 1 AND 10014 = 1": "12: The clause 10014 is unsupported",
	} {
		q, err := Parse(query)
		if err != nil {
			t.Fatal(err)
		}
		if got := listProblems(d.Check(q)); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
}

func TestDialectIsData(t *testing.T) {
	d := &Dialect{
		Fields: []string{"project"}, Operators: []Op{Is, In}, Functions: []string{"projectsLedByUser"},
		OrderBy: true, Blank: true,
	}
	for query, want := range map[string]string{
		"":                                "ok",
		"ORDER BY created":                "ok",
		"project IS EMPTY":                "ok",
		"project IN PROJECTSLEDBYUSER(a)": "ok",
		"project = EX":                    "1: The operator = is unsupported",
		"project IN (f())":                "1: Unable to find JQL function 'f()'.",
		"status IS EMPTY":                 "1: The clause status is unsupported",
	} {
		q, err := Parse(query)
		if err != nil {
			t.Fatal(err)
		}
		if got := listProblems(d.Check(q)); got != want {
			t.Errorf("%q: %s, want %s", query, got, want)
		}
	}
	var zero Dialect
	q, _ := Parse("project = EX")
	if got := zero.Check(q); got == nil || got.Error() != "The clause project is unsupported; The operator = is unsupported" {
		t.Errorf("the zero dialect says %v", got)
	}
}
