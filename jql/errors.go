package jql

import (
	"fmt"
	"strings"
)

// SyntaxError tells why a text is not JQL. Pos is where reading stopped and Msg the reason in Jira's
// own words, without prefix and position.
type SyntaxError struct {
	Pos
	Msg string

	// atEnd marks an error about something missing at the end of the query, which Jira words without a
	// position.
	atEnd bool
}

// Error gives the whole text as Jira's REST API reports it: the prefix, the reason and the position.
// Jira leaves the position out where something is missing at the end of the query.
func (e *SyntaxError) Error() string {
	if e.atEnd {
		return "Error in the JQL Query: " + e.Msg
	}
	return fmt.Sprintf("Error in the JQL Query: %s (line %d, character %d)", e.Msg, e.Line, e.Column)
}

// Problem is one thing that a well-formed query may not contain. Message is complete as it is.
type Problem struct {
	Message string
	Pos     Pos
}

// CheckError lists everything in a query that a dialect refuses or that cannot be evaluated, in the
// order of the text. Problems is never empty.
type CheckError struct {
	Problems []Problem
}

// Error joins the messages with "; ".
func (e *CheckError) Error() string {
	texts := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		texts[i] = p.Message
	}
	return strings.Join(texts, "; ")
}

// problems collects what is wrong with one query.
type problems []Problem

func (p *problems) add(pos Pos, format string, args ...any) {
	*p = append(*p, Problem{Message: fmt.Sprintf(format, args...), Pos: pos})
}

func (p problems) err() error {
	if len(p) == 0 {
		return nil
	}
	return &CheckError{Problems: p}
}
