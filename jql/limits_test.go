package jql

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// TestLimits takes queries that have as much as is allowed, and one more.
func TestLimits(t *testing.T) {
	limits := Limits{Clauses: 4, List: 3, Nesting: 2, Conditions: 2, Size: 12}
	clause, list := "at most 4 are allowed. Use IN for many values of one field.", "at most 3 are allowed. Use a shorter list."
	for _, tt := range []struct {
		query string
		want  string // problems with their columns
		given Excess
	}{
		{"id = 1", "ok", Excess{}},
		{"", "ok", Excess{}},
		{"id = 1 AND id = 2 AND NOT id = 3 AND id = 4", "ok", Excess{}},
		{"id = 1 AND id = 2 AND NOT id = 3 AND id = 4 AND id = 5", "49: The query has 5 clauses; " + clause, Excess{LimitClauses, 4, 5}},
		{"id IN (1, (2), 3)", "ok", Excess{}},
		{"id != 7 AND id IN (1, (2, 3), 4)", "13: The query has a list of 4 values; " + list, Excess{LimitList, 3, 4}},
		{"status CHANGED TO (a, b, c, d)", "16: The query has a list of 4 values; " + list, Excess{LimitList, 3, 4}},
		{"(id = 1 OR ((id = 2)) OR (id = 3 OR id = 4))", "ok", Excess{}},
		{"id = 1 OR id = 2 AND (NOT (id = 3 OR id = 4))", "ok", Excess{}},
		{"id = 1 OR id = 2 AND (id = 3 OR id = 4)", "23: The query nests AND and OR 3 levels deep; at most 2 are allowed. Use fewer parentheses.", Excess{LimitNesting, 2, 3}},
		{"id = 1 OR id = 2 AND NOT (id = 3 AND id = 4)", "27: The query nests AND and OR 3 levels deep; at most 2 are allowed. Use fewer parentheses.", Excess{LimitNesting, 2, 3}},
		{"summary ~ 'plain words \"a phrase\" and*'", "ok", Excess{}},
		{"summary ~ '\"a phrase\" and*' AND due < 1d", "1: The query has 3 orders and patterns; at most 2 are allowed. Use fewer of <, >, <=, >=, ~ and relative dates.", Excess{LimitConditions, 2, 3}},
		{"id IN (1, 2, 3) AND status IN (1, 2) AND id != 1", "ok", Excess{}},
		{"id IN (1, 2, 3) AND status IN (1, 2) AND id NOT IN (1, 2)", "ok", Excess{}},
		{"id IN (1, 2, 3) AND status IN (1, 2, 3) AND id NOT IN (1, 2, 3)", "1: The query comes to 13 comparisons and values in all; at most 12 are allowed. Use shorter lists.", Excess{LimitSize, 12, 13}},
	} {
		q, err := Parse(tt.query)
		if err != nil {
			t.Fatal(err)
		}
		d := Extended(Env{})
		if got := listProblems(d.Check(q)); got != "ok" {
			t.Errorf("without limits: %s: %s", tt.query, got)
		}
		d.Limits = limits
		err = d.Check(q)
		if got := listProblems(err); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.query, got, tt.want)
			continue
		}
		if check, ok := errors.AsType[*CheckError](err); ok && *check.Problems[0].Excess != tt.given {
			t.Errorf("%s: %+v", tt.query, check.Problems[0].Excess)
		}
	}
}

// TestLimitsTogether: every limit that a query is over is named, after what else is wrong with it.
func TestLimitsTogether(t *testing.T) {
	d := Full(Env{})
	d.Limits = Limits{Clauses: 1, List: 1, Nesting: 1, Conditions: 1, Size: 1}
	q, err := Parse("nothing = 1 OR id IN (1, 2) AND created > 1d AND created < 2d")
	if err != nil {
		t.Fatal(err)
	}
	check, ok := errors.AsType[*CheckError](d.Check(q))
	if !ok || len(check.Problems) != 6 || check.Problems[0].Excess != nil {
		t.Fatalf("%+v", check)
	}
	for i, want := range []Limit{LimitClauses, LimitList, LimitNesting, LimitConditions, LimitSize} {
		if e := check.Problems[i+1].Excess; e == nil || e.Limit != want || e.Given <= e.Allowed {
			t.Errorf("%+v; want %s", e, want)
		}
	}
}

// TestLimitsBoundFilters: what a filter is within limits follows from what its query was found to be, as canonical filters
// are no larger than what they are made of.
func TestLimitsBoundFilters(t *testing.T) {
	checked := 0
	for name, query := range worstQueries() {
		q, err := Parse(query)
		if err != nil {
			continue
		}
		f, err := Compile(q, largeSite)
		if err != nil {
			continue
		}
		var canonical measured
		canonical.node(f.Root())
		if canonical.size == 1 {
			continue
		}
		checked++
		d := Extended(largeSite)
		d.Limits = Limits{Size: canonical.size - 1, Conditions: canonical.conditions - 1}
		check, ok := errors.AsType[*CheckError](d.Check(q))
		if !ok || check.Problems[len(check.Problems)-1].Excess == nil || check.Problems[len(check.Problems)-1].Excess.Limit != LimitSize {
			t.Errorf("%s: a filter of size %d is allowed where one less is the limit: %v", name, canonical.size, check)
		}
	}
	if checked < 10 {
		t.Errorf("only %d of the queries compile", checked)
	}
}

// TestTooLong: the text is measured before anything is read.
func TestTooLong(t *testing.T) {
	_, err := Parse(strings.Repeat(" ", MaxLength+5))
	if want := fmt.Sprintf("The query has %d bytes; at most %d are allowed.", MaxLength+5, MaxLength); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v; want %s", err, want)
	}
}
