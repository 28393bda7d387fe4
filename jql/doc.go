// Package jql is the Jira Query Language as a filter over one event: it parses a query, checks it
// against a dialect, compiles it into a canonical filter, and evaluates it.
//
//	q, err := jql.Parse(`project = EX AND status IN ("In Progress", Done)`) // *SyntaxError
//	err = jql.Dynamic(env).Check(q)                                        // *CheckError
//	f, err := jql.Compile(q, env)                                          // *Filter
//
// A [Query] is the tree as it was written, with positions; [Query.String] prints text that parses
// back to the same tree. A [Filter] is the meaning: NOT pushed to the leaves, AND and OR flattened
// and sorted, values normalised, with a 128-bit identity that equal filters share. An index is built
// from filters (package matcher).
//
// An [Env] is the site that a query speaks of: its custom fields, its zone, the order of its priorities. A
// [Dialect] is the part of the language that one API accepts there: [Dynamic], [Full], [Extended].
//
// # Two evaluators
//
// [Evaluate] is the plain one. It walks the tree as written over a decoded JSON document, and defines what a
// query means; [Explain] tells how it came to its verdict. A [Filter] says the same in a form that can be indexed;
// the tests hold the two against each other.
//
// # The language
//
// Which operators a field has depends on its kind ([Kind.Operators]). What is read otherwise than by Jira, which
// has an index and a history where there is one event here:
//
//   - CHANGED is asked of the changelog of the event: it holds when one item of it meets FROM and TO, and the
//     actor of the event meets BY. Without a changelog it does not hold. NOT CHANGED is its plain complement.
//   - WAS, and BEFORE, AFTER, ON and DURING, are refused.
//   - ~ finds whole words without regard to case, in any order, and side by side where they stand in quotes of their
//     own. A "?" is one letter, a "*" at the end any number. There is no stemming, and no word is too common.
//   - currentUser() is nobody. Functions other than that and those of dates are refused.
//   - Issue keys have an order within their project, and priorities where [Env.Priorities] gives it.
//
// # Empty fields
//
// A comparison on an empty field never holds, whichever way round it is written: neither
// assignee = x nor assignee != x holds for an unassigned issue, and NOT does not change that. Only
// EMPTY (or NULL) asks for emptiness. This is what Jira's operators reference states.
//
// # Terms and events
//
// A filter asks for sets of terms, and of single ones whether they come before a bound or fit a pattern
// ([Condition]). [Env.Catalogue] says for every field where the body of a Jira webhook keeps its value and of what
// [Kind] it is; [Terms] makes the terms of a value, by the kind of the field and the [Aspect] that is asked for.
// Entity properties keep their JSON type. They are read from issue.properties.<key>, and for the event
// issue_property_set also from the property at the root of the body.
//
// Where a body has no issue, only the empty query matches. Evaluate knows that; a filter does not, and
// whoever indexes filters adds the test.
//
// # Concurrency and bounds
//
// Queries, filters and dialects are immutable once made and may be shared by any number of
// goroutines. [Parse] refuses text longer than [MaxLength] bytes, nested deeper than [MaxDepth], or of
// more than [MaxConditions] and [MaxTokens] before any recursion starts, so no input can exhaust the stack. What is done with a query takes time in proportion
// to its length, give or take the logarithm that sorting takes; [Compile] refuses the few that would make
// of it a much larger filter.
package jql
