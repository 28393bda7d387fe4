package jql

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// TestDialectScripts runs scripts of testdata: a query, a line of dashes, and "ok" or every problem on a line of
// its own after its place.
func TestDialectScripts(t *testing.T) {
	for name, d := range map[string]*Dialect{"dynamic": Dynamic(Env{}), "full": Full(site), "extended": Extended(site)} {
		runScript(t, "testdata/"+name+".txt", func(query string) string {
			q, err := Parse(query)
			if err != nil {
				return err.Error()
			}
			return listProblems(d.Check(q))
		})
	}
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
		if err := Dynamic(Env{}).Check(q); err == nil || !strings.HasPrefix(err.Error(), "The JQL query is empty") {
			t.Errorf("Check(%q): %v", query, err)
		}
	}
}

func TestDynamicDialectEpicLink(t *testing.T) {
	d := Dynamic(Env{EpicLink: 20})
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
		Fields: []string{"project", "assignee"}, Operators: []Op{Is, In}, Functions: []string{"CurrentUser", "projectsLedByUser"},
		OrderBy: true, Blank: true,
	}
	for query, want := range map[string]string{
		"":                                "ok",
		"ORDER BY created":                "ok",
		"project IS EMPTY":                "ok",
		"assignee IN currentUSER()":       "ok",
		"project IN currentUser()":        "12: A value provided by the function 'currentUser' is invalid for the field 'project'.",
		"project IN projectsLedByUser(a)": "12: Unable to find JQL function 'projectsLedByUser(a)'.",
		"project = EX":                    "1: The operator = is unsupported",
		"project IN (f())":                "13: Unable to find JQL function 'f()'.",
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
	if got := zero.Check(q); got == nil || got.Error() != "The clause project is unsupported" {
		t.Errorf("the zero dialect says %v", got)
	}
}

// TestCheckAndCompile: what the widest dialect accepts is what Compile does, and problems come in the order of the text.
func TestCheckAndCompile(t *testing.T) {
	for _, query := range seeds(t) {
		q, err := Parse(query)
		if err != nil {
			continue
		}
		_, compiles := Compile(q, site)
		for _, d := range []*Dialect{Extended(site), Full(site), Dynamic(site), {}} {
			err := d.Check(q)
			if d.Name == "extended" && (err == nil) != (compiles == nil) {
				t.Errorf("%s: Check says %v, Compile %v", query, err, compiles)
			}
			if err == nil {
				continue
			}
			before := Pos{}
			for _, p := range err.(*CheckError).Problems {
				if p.Pos.Offset < before.Offset || p.Pos.Line == 0 {
					t.Errorf("%s: %s: %v after %v", query, d.Name, p, before)
				}
				before = p.Pos
			}
		}
	}
}

// TestMaxProblems: what is said about a query has its bounds, too.
func TestMaxProblems(t *testing.T) {
	for _, query := range []string{
		"due IN (a" + strings.Repeat(",a", 1000) + ")", "due CHANGED TO (a" + strings.Repeat(",a", 1000) + ")",
		"x = 1" + strings.Repeat(" OR x = 1", 500), "x IN (f()" + strings.Repeat(", f()", 500) + ") OR NOT y = 2",
	} {
		q, err := Parse(query)
		if err != nil {
			t.Fatal(err)
		}
		check, ok := errors.AsType[*CheckError](Full(Env{}).Check(q))
		if !ok || len(check.Problems) != maxProblems {
			t.Errorf("%.40s: %.300v", query, check)
		}
	}
}

// TestCompileBounds: a query that would become a much larger filter is refused, once.
func TestCompileBounds(t *testing.T) {
	list := func(n int) string { return "(a" + strings.Repeat(",a", n-1) + ")" }
	words := func(n int) string { return "'" + strings.Repeat("a ", n) + "'" }
	most := "status CHANGED FROM " + list(100) + " TO " + list(maxChanges/100)
	for _, test := range []struct{ query, want string }{
		{most, "ok"},
		{"NOT " + most, "ok"},
		{most + " AND labels CHANGED FROM (EMPTY)", "ok"},
		{most + " AND labels CHANGED FROM a TO (EMPTY, NULL) AND status CHANGED FROM a TO b", fmt.Sprint(len(most)+6, ": ", msgTooManyChanges)},
		{"status CHANGED FROM " + list(maxChanges/2+1) + " TO (a, b)", "1: " + msgTooManyChanges},
		{"due IN (" + strings.Repeat("1d,", maxMoments-1) + "1d)", "ok"},
		{"due IN (" + strings.Repeat("1d,", maxMoments) + "1d)", fmt.Sprint(9+3*maxMoments, ": ", msgTooManyMoments)},
		{"summary ~ " + words(maxWords), "ok"},
		{"summary ~ " + words(maxWords+1), "11: " + msgTooManyWords},
		{"summary !~ " + words(maxWords) + " OR text ~ a OR text ~ b", fmt.Sprint(2*maxWords+25, ": ", msgTooManyWords)},
	} {
		q, err := Parse(test.query)
		if err != nil {
			t.Fatal(err)
		}
		if got := listProblems(Full(Env{}).Check(q)); got != test.want {
			t.Errorf("%.80s: %s, want %s", test.query, got, test.want)
		}
	}
}
