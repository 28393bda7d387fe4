package event

import "slices"

// Family groups event types that share the shape of their body and the rule for filters.
type Family string

// The families of event types.
const (
	Issue         Family = "issue"
	Comment       Family = "comment"
	IssueProperty Family = "issue property"
	Worklog       Family = "worklog"
	Attachment    Family = "attachment"
	IssueLink     Family = "issue link"
	IssueType     Family = "issue type"
	Project       Family = "project"
	Version       Family = "version"
	SavedFilter   Family = "filter"
	User          Family = "user"
	Configuration Family = "configuration"
	Sprint        Family = "sprint"
	Board         Family = "board"
	Expression    Family = "expression"
	Platform      Family = "platform"
)

// Type is what the engine knows of one event type.
type Type struct {
	// Name is the name webhooks register for, and webhookEvent in the body unless SentAs says otherwise.
	Name   string
	Family Family

	// Filtered is set when a webhook's JQL is consulted for events of this type.
	Filtered bool

	// Dynamic is set when a dynamic webhook may register for the type; Seed when the first published
	// version of that interface, with its six types, had it already.
	Dynamic bool
	Seed    bool

	// SentAs lists the names that bodies carry instead of Name, for a name that is only ever
	// registered for. A registration for jira:version_merged is met by a jira:version_deleted whose
	// body has mergedTo (see [MergedField]); the old name jira:worklog_updated stands for the whole
	// worklog family.
	SentAs []string
}

// types is the catalogue, family by family.
var types = slices.Concat(
	family(Issue, filtered|dynamic|seed, "jira:issue_created", "jira:issue_updated", "jira:issue_deleted"),
	family(Comment, filtered|dynamic|seed, "comment_created", "comment_updated", "comment_deleted"),
	family(IssueProperty, filtered|dynamic, "issue_property_set", "issue_property_deleted"),
	family(Worklog, filtered, "worklog_created", "worklog_updated", "worklog_deleted"),
	[]Type{{Name: "jira:worklog_updated", Family: Worklog, Filtered: true,
		SentAs: []string{"worklog_created", "worklog_updated", "worklog_deleted"}}},
	family(Attachment, filtered, "attachment_created", "attachment_deleted"),
	family(IssueLink, 0, "issuelink_created", "issuelink_deleted"),
	family(IssueType, 0, "issuetype_created", "issuetype_updated", "issuetype_deleted"),
	family(Project, 0, "project_created", "project_updated", "project_deleted", "project_soft_deleted",
		"project_restored_deleted", "project_archived", "project_restored_archived"),
	family(Version, dynamic, "jira:version_released", "jira:version_unreleased", "jira:version_created",
		"jira:version_moved", "jira:version_updated", "jira:version_deleted"),
	[]Type{{Name: "jira:version_merged", Family: Version, Dynamic: true,
		SentAs: []string{"jira:version_deleted"}}},
	family(SavedFilter, 0, "filter_created", "filter_updated", "filter_deleted"),
	family(User, 0, "user_created", "user_updated", "user_deleted"),
	family(Configuration, 0, "option_voting_changed", "option_watching_changed",
		"option_unassigned_issues_changed", "option_subtasks_changed", "option_attachments_changed",
		"option_issuelinks_changed", "option_timetracking_changed", "option_timetracking_provider_changed"),
	family(Sprint, dynamic, "sprint_created", "sprint_deleted", "sprint_updated", "sprint_started", "sprint_closed"),
	family(Board, 0, "board_created", "board_updated", "board_deleted", "board_configuration_changed"),
	family(Expression, 0, "jira_expression_evaluation_failed"),
	family(Platform, 0, "app_access_to_objects_blocked", "app_access_to_objects_in_container_blocked"),
)

// rules are the properties that the types of a family have in common.
type rules uint8

const (
	filtered rules = 1 << iota
	dynamic
	seed
)

func family(f Family, r rules, names ...string) []Type {
	out := make([]Type, len(names))
	for i, name := range names {
		out[i] = Type{
			Name: name, Family: f,
			Filtered: r&filtered != 0, Dynamic: r&dynamic != 0, Seed: r&seed != 0,
		}
	}
	return out
}

// byName finds a type by its name. The scanner looks names up as bytes, which costs no allocation.
var byName = func() map[string]*Type {
	m := make(map[string]*Type, len(types))
	for i := range types {
		m[types[i].Name] = &types[i]
	}
	return m
}()

// Lookup returns the event type of that exact name.
func Lookup(name string) (Type, bool) {
	t, ok := byName[name]
	if !ok {
		return Type{}, false
	}
	out := *t
	out.SentAs = slices.Clone(t.SentAs)
	return out, true
}

// Names returns the names of all known event types, family by family.
func Names() []string {
	names := make([]string, len(types))
	for i := range types {
		names[i] = types[i].Name
	}
	return names
}
