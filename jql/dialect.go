package jql

import (
	"slices"
	"strings"
)

// Dialect is the part of JQL that one API accepts. The zero Dialect accepts the empty set of fields and
// so nothing. A Dialect must not be changed once it is in use.
type Dialect struct {
	// Name is "dynamic", "full" or "extended" for the dialects of this package.
	Name string

	// Env is the site whose names the queries use.
	Env Env

	// Fields are the canonical names of the fields that a clause may ask for.
	Fields []string

	// Custom allows every custom field.
	Custom bool

	// Operators are the operators that a clause may use, as far as its field has them.
	Operators []Op

	// Functions are the names of the functions that may be called, as far as [Compile] knows them; case does not
	// matter.
	Functions []string

	// OrderBy allows a sort order. Its fields may be any.
	OrderBy bool

	// Blank allows the query that selects everything.
	Blank bool

	// Limits bound how much a query may ask for.
	//
	// Defaults to no limits but those of [Parse] and [Compile].
	Limits Limits

	// NoField words the refusal of a field; %s stands for the name as it was written.
	//
	// Defaults to "The clause %s is unsupported", which is what Jira's dynamic webhooks say.
	NoField string
}

// What the dialects say of a field that they do not have: Jira's words, those of its webhooks and those of its
// search.
const (
	noClause = "The clause %s is unsupported"
	noField  = "Field '%s' does not exist or you do not have permission to view it."
)

// Dynamic is the subset that Jira's dynamic webhooks accept on a site: eight fields and entity properties of
// issues; =, !=, IN and NOT IN; AND, OR, NOT and EMPTY; no functions, no sort order, and not the empty query.
func Dynamic(env Env) *Dialect {
	return &Dialect{
		Name: "dynamic",
		Env:  env,
		Fields: []string{
			"issuekey", "project", "issuetype", "status", priorityField, "assignee", "reporter",
			propertyField, customName(env.epicLinkID()),
		},
		Operators: []Op{Eq, Ne, In, NotIn},
		NoField:   noClause,
	}
}

// Full is the whole language on a site, as Jira's administration and app descriptors accept it, as far as one
// event can answer it. That leaves out WAS and its kin, which ask what a field once was, and functions that
// look beyond the event.
func Full(env Env) *Dialect {
	d := Extended(env)
	d.Name = "full"
	d.Fields = slices.DeleteFunc(d.Fields, func(name string) bool { return name == eventField || name == actorField })
	return d
}

// Extended is Full with the fields that Hookline adds: event, the type of the event, and actor, who caused
// it.
func Extended(env Env) *Dialect {
	d := &Dialect{
		Name:   "extended",
		Env:    env,
		Custom: true,
		Operators: []Op{
			Eq, Ne, Like, NotLike, Less, Greater, LessEq, GreaterEq, In, NotIn, Is, IsNot, Changed,
		},
		Functions: append([]string{userFunction}, dateFunctions...),
		OrderBy:   true,
		Blank:     true,
		NoField:   noField,
	}
	for _, row := range catalogue {
		if row.Name != "" {
			d.Fields = append(d.Fields, row.Name)
		}
	}
	return d
}

// Check tells whether d accepts q and [Compile] understands it. The error is a *[CheckError] that names every
// problem in the order of the text, in Jira's words where Jira has any, and then every limit that q is over. What is refused for one reason is not
// looked at for another: where a field is unknown, so is what it may be compared with.
func (d *Dialect) Check(q *Query) error {
	c := newCompiler(&d.Env, d)
	if q.Where == nil && !d.Blank {
		c.found.add(Pos{Line: 1, Column: 1}, "The JQL query is empty; a query is required.")
	}
	var root Node
	if q.Where != nil {
		root = c.expr(q.Where, false)
	}
	if len(q.OrderBy) > 0 && !d.OrderBy {
		c.found.add(q.OrderBy[0].Field.Pos, "The ORDER BY clause is unsupported")
	}
	if root != nil {
		d.Limits.check(q.Where, root, &c.found)
	}
	return c.found.err()
}

// A nil dialect has all that Compile knows.

func (d *Dialect) hasField(f *resolved) bool {
	return d == nil || f.row == nil && d.Custom || slices.Contains(d.Fields, f.field.Name)
}

func (d *Dialect) hasOperator(op Op) bool { return d == nil || slices.Contains(d.Operators, op) }

func (d *Dialect) hasFunction(name string) bool {
	return d == nil || slices.ContainsFunc(d.Functions, func(f string) bool { return strings.EqualFold(f, name) })
}

// noField words the refusal of a field.
func (d *Dialect) noField(name string) string {
	text := noField
	if d != nil {
		text = noClause
		if d.NoField != "" {
			text = d.NoField
		}
	}
	return strings.ReplaceAll(text, "%s", short(name))
}
