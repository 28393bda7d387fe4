package registry

import (
	"slices"

	"hookline/engine/event"
	"hookline/jql"
)

// inProject are the alternatives under which an event of one of the types is for a webhook with a filter: it is not
// certain that the filter is false. What a body says of its project decides the filter's conditions on that; all others
// are unknown, as is one on the project which the body leaves open. A condition is false, too, that nothing can meet.
//
// For every state of knowledge there is a filter of its own, over [event.ProjectField] in place of the project. Type and
// state of an event are one term, so that an index goes by the project where that is known, and where it is not it
// visits no more than the webhooks that the event is for.
func inProject(names []string, f *jql.Filter) []jql.Node {
	if len(names) == 0 {
		return nil
	}
	type alternative struct {
		states []event.Known
		filter *jql.Filter
	}
	var all []alternative
	for _, k := range event.Knowledge {
		reduced := jql.NewFilter(possible(f.Root(), k))
		at := slices.IndexFunc(all, func(a alternative) bool { return a.filter.Identity() == reduced.Identity() })
		if at < 0 {
			at = len(all)
			all = append(all, alternative{filter: reduced})
		}
		all[at].states = append(all[at].states, k)
	}
	nodes := make([]jql.Node, len(all))
	for i, a := range all {
		types := &jql.AnyOf{}
		for _, name := range names {
			types.Nodes = append(types.Nodes, ofTypeKnowing(name, a.states))
		}
		nodes[i] = both(types, a.filter.Root())
	}
	return nodes
}

// ofTypeKnowing holds for events of one type whose state of knowledge is one of some.
func ofTypeKnowing(name string, states []event.Known) jql.Node {
	t, _ := event.Lookup(name)
	var terms []string
	for _, k := range states {
		for _, sent := range sentAs(name, t) {
			terms = append(terms, k.Term(sent))
		}
	}
	about := in(event.KnownField, terms)
	if name == "jira:version_merged" {
		return both(about, present(event.MergedField))
	}
	return about
}

// jiraProject is the field that filters call project.
var jiraProject = jql.Field{Name: "project"}

// possible holds unless a filter is certainly false. Filters have no NOT but in their leaves, so that what is unknown can
// be taken to hold.
func possible(n jql.Node, k event.Known) jql.Node {
	switch n := n.(type) {
	case *jql.AllOf:
		return &jql.AllOf{Nodes: eachPossible(n.Nodes, k)}
	case *jql.AnyOf:
		return &jql.AnyOf{Nodes: eachPossible(n.Nodes, k)}
	case *jql.Test:
		if n.Field == jiraProject {
			return possibleProject(n, k)
		}
	}
	return &jql.AllOf{}
}

func eachPossible(nodes []jql.Node, k event.Known) []jql.Node {
	list := make([]jql.Node, len(nodes))
	for i, n := range nodes {
		list[i] = possible(n, k)
	}
	return list
}

// possibleProject is possible for a test of the project. Where the project is known at all, [event.ProjectField] is not
// empty, and nor is the project. A term of digits is an id wherever the names are not known.
func possibleProject(t *jql.Test, k event.Known) jql.Node {
	var ids, names []string
	for _, term := range t.Terms {
		if event.IsID(term) {
			ids = append(ids, term)
		} else {
			names = append(names, term)
		}
	}
	terms, open := t.Terms, false
	switch k {
	case event.KnownNothing:
		open = true
	case event.KnownID:
		terms, open = ids, len(names) > 0
	case event.KnownNames:
		open = len(ids) > 0
	}
	// A term that is left open may be what the project is called: then a test that asks for it may hold, and one that
	// excludes it may as well.
	if open && (!t.Negate || len(terms) == 0 || k == event.KnownNothing) {
		return &jql.AllOf{}
	}
	return &jql.Test{Field: event.ProjectField, Negate: t.Negate, Terms: terms}
}
