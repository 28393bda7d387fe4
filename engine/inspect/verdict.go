package inspect

import (
	"encoding/hex"
	"errors"

	"hookline/engine/registry"
	"hookline/jql"
)

// Verdict tells whether a text is a filter.
type Verdict struct {
	JQL string `json:"jql"`
	OK  bool   `json:"ok"`

	// Canonical is the filter's canonical text and Identity its identity in hex, if the text is one.
	Canonical string `json:"canonical,omitempty"`
	Identity  string `json:"identity,omitempty"`

	// Errors are all that is wrong with the text if it is not.
	Errors []Problem `json:"errors,omitempty"`
}

// Problem is one thing that is wrong with a filter, worded as Jira does where Jira has words for it. Line and Column
// (in characters) count from 1, Offset (in bytes) from 0.
type Problem struct {
	Message string `json:"message"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Offset  int    `json:"offset"`
}

// Check tells whether a text is a filter in a dialect.
func Check(d *jql.Dialect, src string) Verdict {
	_, f, err := registry.Compile(src, d)
	if err != nil {
		return Verdict{JQL: src, Errors: Problems(err)}
	}
	id := f.Identity()
	return Verdict{JQL: src, OK: true, Canonical: f.String(), Identity: hex.EncodeToString(id[:])}
}

// Problems lists what an error of Parse, Check or Compile of package jql says; none for other errors.
func Problems(err error) []Problem {
	var syntax *jql.SyntaxError
	var check *jql.CheckError
	var all []Problem
	switch {
	case errors.As(err, &syntax):
		all = append(all, problem(syntax.Error(), syntax.Pos))
	case errors.As(err, &check):
		for _, p := range check.Problems {
			all = append(all, problem(p.Message, p.Pos))
		}
	}
	return all
}

func problem(message string, at jql.Pos) Problem {
	return Problem{Message: message, Line: at.Line, Column: at.Column, Offset: at.Offset}
}
