// Package jql is the Jira Query Language as a filter over one event: it parses a query, checks it
// against a dialect, compiles it into a canonical filter, and evaluates it.
//
//	q, err := jql.Parse(`project = EX AND status IN ("In Progress", Done)`) // *SyntaxError
//	err = jql.Dynamic.Check(q)                                             // *CheckError
//	f, err := jql.Compile(q, jql.Env{})                                    // *Filter
//
// A [Query] is the tree as it was written, with positions; [Query.String] prints text that parses
// back to the same tree. A [Filter] is the meaning: NOT pushed to the leaves, AND and OR flattened
// and sorted, values normalised, with a 128-bit identity that equal filters share. An index is built
// from filters (package matcher).
//
// # Two evaluators
//
// [Evaluate] is the plain one. It walks the tree as written over a decoded JSON document with
// three-valued logic, and defines what a query means. A [Filter] says the same in a form that can be
// indexed; the tests hold the two against each other.
//
// # Empty fields
//
// A comparison on an empty field never holds, whichever way round it is written: neither
// assignee = x nor assignee != x holds for an unassigned issue, and NOT does not change that. Only
// EMPTY (or NULL) asks for emptiness. This is what Jira's operators reference states.
//
// # Terms and events
//
// A filter compares sets of terms. [Env.Catalogue] says for every field where the body of a Jira webhook
// keeps its value and of what [Kind] it is; Kind says which members of the value count and how their
// text becomes a term. Entity properties keep their JSON type: see [AppendStringTerm],
// [AppendNumberTerm] and [AppendBoolTerm]. They are read from issue.properties.<key>, and for the event
// issue_property_set also from the property at the root of the body.
//
// Where a body has no issue, only the empty query matches. Evaluate knows that; a filter does not, and
// whoever indexes filters adds the test.
//
// # Concurrency and bounds
//
// Queries, filters and dialects are immutable once made and may be shared by any number of
// goroutines. [Parse] refuses text longer than [MaxLength] bytes or nested deeper than [MaxDepth]
// before any recursion starts, so no input can exhaust the stack.
package jql
