package jql

// Names of fields that have a meaning beyond their row.
const (
	propertyField = "issue.property"
	priorityField = "priority"
	epicLinkName  = "Epic Link"

	// The fields that Hookline adds to those of Jira.
	eventField = "event"
	actorField = "actor"
)

// FieldInfo is one row of the catalogue: a field that filters may name, and where the body of a Jira
// webhook keeps it.
type FieldInfo struct {
	// Name is the canonical name, the one in [Field].
	Name string
	// Aliases are other names for the same field. All names compare without regard to case. Custom fields go
	// by their numbers as well.
	Aliases []string
	// Kind tells how the JSON value becomes terms.
	Kind Kind
	// Paths lead from the root of the body to the places of the value, member by member; an array on the way
	// stands for each of its elements. For entity properties the one path leads to the object whose members are
	// the property keys.
	Paths [][]string
	// History lists the names under which changelog items speak of the field: first what their fieldId says, then
	// what field says where they have no fieldId. Without names the changelog does not have the field.
	History []string
}

// The catalogue. The row without a name is where the Epic Link, a custom field, has its place. Aliases are the
// ones every JQL client knows; "space" is the newer word for project.
var catalogue = []FieldInfo{
	{Name: "issuekey", Aliases: []string{"key", "issue", "id"}, Kind: KindIssue, Paths: [][]string{{"issue"}}},
	named("project", KindProject, "project").alias("space"),
	named("issuetype", KindNamed, "issuetype").alias("type"),
	named("status", KindNamed, "status"),
	named(priorityField, KindNamed, "priority"),
	named("resolution", KindNamed, "resolution"),
	named("assignee", KindUser, "assignee"),
	named("reporter", KindUser, "reporter"),
	named("creator", KindUser, "creator").fixed(),
	named("labels", KindExact, "labels").alias("label"),
	named("component", KindNamed, "components", "Component").alias("components"),
	named("fixVersion", KindNamed, "fixVersions", "Fix Version").alias("fixVersions"),
	named("affectedVersion", KindNamed, "versions", "Version").alias("affectsVersion"),
	named("created", KindDate, "created").alias("createdDate").fixed(),
	named("updated", KindDate, "updated").alias("updatedDate").fixed(),
	named("due", KindDate, "duedate").alias("dueDate"),
	named("resolved", KindDate, "resolutiondate").alias("resolutionDate"),
	named("summary", KindText, "summary"),
	named("description", KindText, "description"),
	named("environment", KindText, "environment"),
	{Name: "comment", Kind: KindText, Paths: commentPaths, History: []string{"comment"}},
	{Name: "text", Kind: KindText, Paths: append([][]string{
		{"issue", "fields", "summary"}, {"issue", "fields", "description"}, {"issue", "fields", "environment"},
	}, commentPaths...)},
	{},
	{Name: propertyField, Kind: KindProperty, Paths: [][]string{{"issue", "properties"}}},
	{Name: eventField, Kind: KindExact, Paths: [][]string{{"webhookEvent"}}},
	{Name: actorField, Kind: KindUser, Paths: [][]string{{"user"}}},
}

var commentPaths = [][]string{{"issue", "fields", "comment", "comments", "body"}, {"comment", "body"}}

// named is the row of a field that stands under a member of issue.fields, which is also its name in changelogs.
func named(name string, kind Kind, member string, history ...string) FieldInfo {
	return FieldInfo{
		Name: name, Kind: kind, Paths: [][]string{{"issue", "fields", member}}, History: append([]string{member}, history...),
	}
}

// alias is the row with other names for its field.
func (info FieldInfo) alias(names ...string) FieldInfo {
	info.Aliases = names
	return info
}

// fixed is the row of a field that never changes, or whose changes no changelog tells.
func (info FieldInfo) fixed() FieldInfo {
	info.History = nil
	return info
}

// Catalogue returns every field that has a row of its own: those of Jira and Hookline, and the declared
// custom fields. Custom fields beyond it have the kind [KindAny]. The order is fixed; the result is the
// caller's, but for what it refers to.
func (env Env) Catalogue() []FieldInfo {
	var rows []FieldInfo
	epicLink := env.epicLinkID()
	for _, row := range catalogue {
		if row.Name == "" {
			row = env.customInfo(epicLink, findID(env.Custom, epicLink))
		}
		rows = append(rows, row)
	}
	for i := range env.Custom {
		c := &env.Custom[i]
		if c.ID != epicLink && findID(env.Custom, c.ID) == c {
			rows = append(rows, env.customInfo(c.ID, c))
		}
	}
	return rows
}

// customInfo is the row of a custom field; declared is nil where the site says nothing about it.
func (env *Env) customInfo(id int64, declared *CustomField) FieldInfo {
	name := customName(id)
	var aliases []string
	if id == env.epicLinkID() {
		aliases = append(aliases, epicLinkName)
	}
	if declared != nil && declared.Name != "" {
		aliases = append(aliases, declared.Name)
	}
	return named(name, env.customKind(id, declared), name, aliases...).alias(aliases...)
}

func (env *Env) customKind(id int64, declared *CustomField) Kind {
	switch {
	case declared != nil && declared.Kind != 0:
		return declared.Kind
	case declared == nil && id == env.epicLinkID():
		return KindLink
	}
	return KindAny
}
