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

// Problem is one thing that a well-formed query may not contain. Message is complete as it is. Pos is where
// the thing stands: the field, where its operator is the problem as well, the operand or the keyword.
type Problem struct {
	Message string
	Pos     Pos

	// Excess is set where the problem is that the query is over one of [Dialect.Limits].
	Excess *Excess
}

// CheckError lists everything in a query that a dialect refuses or that cannot be evaluated, in the
// order of the text, and after that every limit that the query is over. Problems is never empty. Of more than a hundred
// the first hundred are there.
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

// maxProblems bounds what is said about one query. Each problem is worded in a sentence or two, so a long list of wrong
// values would make an answer a hundred times as long as the query.
const maxProblems = 100

// full tells that there is no use in looking for more.
func (p problems) full() bool { return len(p) >= maxProblems }

func (p *problems) add(pos Pos, message string) {
	if !p.full() {
		*p = append(*p, Problem{Message: message, Pos: pos})
	}
}

func (p *problems) exceed(pos Pos, e *Excess) {
	if !p.full() {
		*p = append(*p, Problem{Message: e.message(), Pos: pos, Excess: e})
	}
}

func (p problems) err() error {
	if len(p) == 0 {
		return nil
	}
	return &CheckError{Problems: p}
}
