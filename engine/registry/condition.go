package registry

import (
	"hookline/engine/event"
	"hookline/engine/webhook"
	"hookline/jql"
)

// Condition is what an event has to meet for a webhook that is registered for events of certain types under a
// filter. Without types it is of any type, and the filter decides alone.
func Condition(events []string, f *jql.Filter) *jql.Filter {
	if len(events) == 0 {
		return jql.NewFilter(overIssue(f))
	}
	return condition(&webhook.Webhook{Events: events}, f, false)
}

// condition is what an event has to meet for a webhook, as one filter: it is of one of the webhook's types, and
// where the type is one that JQL applies to, the JQL holds and the narrowing by changed fields or property
// keys is met. With byProject, a type that JQL does not apply to and that has a project is subject to the JQL as far as
// that speaks of projects.
func condition(w *webhook.Webhook, f *jql.Filter, byProject bool) *jql.Filter {
	root, filtered := &jql.AnyOf{}, &jql.AnyOf{}
	var ofProject []string
	for _, name := range w.Events {
		t, known := event.Lookup(name)
		switch {
		case known && byProject && t.Family.OfProject():
			ofProject = append(ofProject, name)
		case known && !t.Filtered:
			root.Nodes = append(root.Nodes, ofType(name, t, w))
		default:
			filtered.Nodes = append(filtered.Nodes, ofType(name, t, w))
		}
	}
	root.Nodes = append(root.Nodes, inProject(ofProject, f)...)
	if len(filtered.Nodes) > 0 {
		root.Nodes = append(root.Nodes, both(filtered, overIssue(f)))
	}
	return jql.NewFilter(root)
}

// ofType holds for events of one type that pass the webhook's narrowing.
func ofType(name string, t event.Type, w *webhook.Webhook) jql.Node {
	about := in(event.TypeField, sentAs(name, t))
	switch {
	case name == "jira:version_merged":
		return both(about, present(event.MergedField))
	case name == "jira:issue_updated" && len(w.FieldIDs) > 0:
		return both(about, in(event.ChangedField, w.FieldIDs))
	case t.Family == event.IssueProperty && len(w.PropertyKeys) > 0:
		return both(about, in(event.PropertyField, w.PropertyKeys))
	}
	return about
}

// sentAs lists the names that bodies carry for a type that a webhook names.
func sentAs(name string, t event.Type) []string {
	if len(t.SentAs) == 0 {
		return []string{name}
	}
	return t.SentAs
}

// overIssue is the filter, with the demand that there is an issue for it to hold on: only the filter that
// asks nothing holds for an event without one.
func overIssue(f *jql.Filter) jql.Node {
	if all, ok := f.Root().(*jql.AllOf); ok && len(all.Nodes) == 0 {
		return f.Root()
	}
	return both(present(event.IssueField), f.Root())
}

func in(f jql.Field, terms []string) jql.Node { return &jql.Test{Field: f, Terms: terms} }

// present holds when the field is not empty, whatever is in it.
func present(f jql.Field) jql.Node { return &jql.Test{Field: f, Negate: true} }

func both(a, b jql.Node) jql.Node { return &jql.AllOf{Nodes: []jql.Node{a, b}} }
