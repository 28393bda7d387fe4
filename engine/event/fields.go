package event

import "hookline/jql"

// Fields that the engine adds tests on to the filters it compiles, so that the matcher settles a webhook's
// whole condition at once. But for TypeField they are no part of JQL.
var (
	// TypeField has one term: webhookEvent exactly as sent. Queries of the extended dialect may ask for it, too.
	TypeField = jql.Field{Name: "event"}

	// ChangedField has the fields that the changelog names, one term for each item: fieldId, or field
	// where an item has no fieldId, exactly as sent.
	ChangedField = jql.Field{Name: "event.changed"}

	// PropertyField has one term: the key of the root property object exactly as sent.
	PropertyField = jql.Field{Name: "event.property"}

	// IssueField is present, without terms, when the root has an issue object.
	IssueField = jql.Field{Name: "event.issue"}

	// MergedField is present, without terms, when the root has a mergedTo object: the version that was
	// deleted was merged into another one.
	MergedField = jql.Field{Name: "event.merged"}
)
