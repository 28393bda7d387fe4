package inspect

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"hookline/jql"
)

// Field is a field that filters may name.
type Field struct {
	Name      string   `json:"name"`
	Aliases   []string `json:"aliases"`
	Type      string   `json:"type"`
	Operators []string `json:"operators"`

	// Paths are where a body has the values, as JSONPath (RFC 9535) writes it; arrays on the way stand for their
	// elements.
	Paths []string `json:"paths"`

	// Dynamic, Full and Extended tell which dialects have the field.
	Dynamic  bool `json:"dynamic"`
	Full     bool `json:"full"`
	Extended bool `json:"extended"`
}

// Fields lists the fields of a site, in the order of the catalogue.
func Fields(env jql.Env) []Field {
	dynamic, full, extended := jql.Dynamic(env), jql.Full(env), jql.Extended(env)
	var fields []Field
	for _, info := range env.Catalogue() {
		f := Field{
			Name: info.Name, Aliases: aliases(&info), Type: typeName(&info), Operators: operators(&env, &info),
			Dynamic: has(dynamic, &info), Full: has(full, &info), Extended: has(extended, &info),
		}
		for _, path := range info.Paths {
			f.Paths = append(f.Paths, jsonPath(path))
		}
		fields = append(fields, f)
	}
	return fields
}

// aliases are the other names of a field, each once, as a site may declare one that the field has anyway.
func aliases(info *jql.FieldInfo) []string {
	names := []string{}
	for _, name := range info.Aliases {
		if !slices.ContainsFunc(names, func(other string) bool { return strings.EqualFold(other, name) }) {
			names = append(names, name)
		}
	}
	return names
}

// operators are those that a field has on a site.
func operators(env *jql.Env, info *jql.FieldInfo) []string {
	ops := info.Kind.Operators()
	if info.Name == "priority" && len(env.Priorities) > 0 {
		ops = jql.KindNumber.Operators() // it has an order then
	}
	names := []string{}
	for _, op := range ops {
		if op != jql.Changed || len(info.History) > 0 {
			names = append(names, op.String())
		}
	}
	return names
}

// typeName names the kind of a field: as custom fields are declared, where some can be.
func typeName(info *jql.FieldInfo) string {
	switch {
	case info.Kind == jql.KindIssue:
		return "issue"
	case info.Kind == jql.KindProperty:
		return "property"
	case info.Kind == jql.KindExact && info.Name == "event":
		return "event type"
	}
	return info.Kind.String()
}

var customField = regexp.MustCompile(`^customfield_[0-9]+$`)

func has(d *jql.Dialect, info *jql.FieldInfo) bool {
	return slices.Contains(d.Fields, info.Name) || d.Custom && customField.MatchString(info.Name)
}

var plainMember = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// jsonPath writes a path of member names.
func jsonPath(path []string) string {
	text := "$"
	for _, name := range path {
		if plainMember.MatchString(name) {
			text += "." + name
		} else {
			text += "[" + strconv.Quote(name) + "]"
		}
	}
	return text
}
