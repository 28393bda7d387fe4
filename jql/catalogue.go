package jql

import (
	"slices"
	"strconv"
	"strings"
)

// DefaultEpicLink is the custom field that holds the Epic Link of an issue where nothing else is
// configured; new Jira sites have it under this number.
const DefaultEpicLink = 10014

// propertyField is the canonical name of entity properties.
const propertyField = "issue.property"

// Env is what a query means beyond its text. The zero Env is ready to use.
type Env struct {
	// EpicLink is the id of the custom field called "Epic Link" on the site in question. The query may
	// name the field by that number or by name.
	//
	// Defaults to 10014.
	EpicLink int64
}

// epicLink is the canonical name of the Epic Link's field.
func (env Env) epicLink() string {
	id := env.EpicLink
	if id == 0 {
		id = DefaultEpicLink
	}
	return customName(id)
}

func customName(id int64) string { return "customfield_" + strconv.FormatInt(id, 10) }

// FieldInfo is one row of the catalogue: a field that filters may name, and where the body of a Jira
// webhook keeps it.
type FieldInfo struct {
	// Name is the canonical name, the one in [Field].
	Name string
	// Aliases are other names for the same field. All names compare without regard to case.
	Aliases []string
	// Kind tells how the JSON value becomes terms.
	Kind Kind
	// Path leads from the root of the body to the value, member by member. For entity properties it
	// leads to the object whose members are the property keys.
	Path []string
}

// The catalogue. The name and place of the Epic Link depend on the site and are filled in by
// [Env.Catalogue]. Aliases are the ones every JQL client knows; "space" is the newer word for project.
var catalogue = []FieldInfo{
	{Name: "issuekey", Aliases: []string{"key", "issue", "id"}, Kind: KindIssue, Path: []string{"issue"}},
	{Name: "project", Aliases: []string{"space"}, Kind: KindProject, Path: []string{"issue", "fields", "project"}},
	{Name: "issuetype", Aliases: []string{"type"}, Kind: KindNamed, Path: []string{"issue", "fields", "issuetype"}},
	{Name: "status", Kind: KindNamed, Path: []string{"issue", "fields", "status"}},
	{Name: "priority", Kind: KindNamed, Path: []string{"issue", "fields", "priority"}},
	{Name: "assignee", Kind: KindUser, Path: []string{"issue", "fields", "assignee"}},
	{Name: "reporter", Kind: KindUser, Path: []string{"issue", "fields", "reporter"}},
	{Aliases: []string{"Epic Link"}, Kind: KindLink, Path: []string{"issue", "fields", ""}},
	{Name: propertyField, Kind: KindProperty, Path: []string{"issue", "properties"}},
}

// Catalogue returns every field that [Compile] knows, in a fixed order. The result is the caller's.
func (env Env) Catalogue() []FieldInfo {
	rows := make([]FieldInfo, len(catalogue))
	for i := range catalogue {
		rows[i] = env.row(i)
	}
	return rows
}

// row is row i of the catalogue as it reads on this site.
func (env Env) row(i int) FieldInfo {
	info := catalogue[i]
	if info.Kind == KindLink {
		info.Name = env.epicLink()
		info.Path = slices.Clone(info.Path)
		info.Path[len(info.Path)-1] = info.Name
	}
	return info
}

// Resolve finds the field that ref stands for. It reports false for a name outside the catalogue, for
// an entity property without a key or with a second pair of brackets (an array index), and for
// brackets after any other field.
func (env Env) Resolve(ref FieldRef) (Field, FieldInfo, bool) {
	name := ref.Name
	if id, ok := ref.customID(); ok {
		name = customName(id)
	} else if ref.Form != Named {
		return Field{}, FieldInfo{}, false
	}
	for i := range catalogue {
		info := env.row(i)
		if !info.answersTo(name) {
			continue
		}
		if info.Kind != KindProperty {
			return Field{Name: info.Name}, info, len(ref.Properties) == 0
		}
		if len(ref.Properties) != 1 {
			return Field{}, info, false
		}
		p := ref.Properties[0]
		return Field{Name: info.Name, Key: p.Key, Path: p.Path}, info, true
	}
	return Field{}, FieldInfo{}, false
}

// Lookup finds the row of the catalogue for a field of a filter.
func (env Env) Lookup(f Field) (FieldInfo, bool) {
	for i := range catalogue {
		if info := env.row(i); info.Name == f.Name {
			return info, true
		}
	}
	return FieldInfo{}, false
}

func (info *FieldInfo) answersTo(name string) bool {
	return strings.EqualFold(info.Name, name) ||
		slices.ContainsFunc(info.Aliases, func(alias string) bool { return strings.EqualFold(alias, name) })
}

// customID is the number of the custom field that f names: 10014, cf[10014] or the same in quotes.
func (f FieldRef) customID() (int64, bool) {
	digits := f.Name
	if f.Form != Numbered {
		if len(digits) < 4 || !strings.EqualFold(digits[:3], "cf[") || digits[len(digits)-1] != ']' {
			return 0, false
		}
		digits = digits[3 : len(digits)-1]
	}
	if !isInteger(digits) {
		return 0, false
	}
	id, err := strconv.ParseInt(digits, 10, 64)
	return id, err == nil && id > 0
}
