package event

import (
	"strings"

	"hookline/jql"
)

// Plan says which terms of a body go to which slot. It is made once from the fields that filters ask
// for, is immutable, and may be shared by any number of scanners.
type Plan struct {
	root       node
	event      []int            // slots of TypeField
	issue      []int            // slots of IssueField
	merged     []int            // slots of MergedField
	property   []int            // slots of PropertyField
	properties map[string]*node // entity property key: what is wanted of its value
}

// node is a place in the body: what to make of a value there, and what to look for inside it.
type node struct {
	take    take
	kind    jql.Kind // with takeField and takeMember
	slots   []int
	members map[string]*node
}

// take is a way to turn a value into terms.
type take uint8

const (
	takeNothing  take = iota // only members matter
	takeField                // the value of a field, by its kind
	takeMember               // one of the members that make up the value of a field
	takeProperty             // an entity property or a part of it
	takeChanges              // the items of a changelog
)

// NewPlan makes the plan that gives the terms of fields[i] to slot i. A field of an unknown name is
// empty in every event.
func NewPlan(fields []jql.Field) *Plan {
	p := &Plan{properties: map[string]*node{}}
	for slot, f := range fields {
		p.add(f, slot)
	}
	return p
}

func (p *Plan) add(f jql.Field, slot int) {
	switch f.Name {
	case TypeField.Name:
		p.event = append(p.event, slot)
	case IssueField.Name:
		p.issue = append(p.issue, slot)
	case MergedField.Name:
		p.merged = append(p.merged, slot)
	case PropertyField.Name:
		p.property = append(p.property, slot)
	case ChangedField.Name:
		p.root.at("changelog", "items").want(takeChanges, slot)
	default:
		p.addField(f, slot)
	}
}

// addField wants a field of the catalogue. The catalogue knows one custom field, the Epic Link of one
// site; here any custom field may be that of some tenant.
func (p *Plan) addField(f jql.Field, slot int) {
	info, ok := jql.Env{}.Lookup(f)
	if strings.HasPrefix(f.Name, "customfield_") {
		info, ok = jql.FieldInfo{Kind: jql.KindLink, Path: []string{"issue", "fields", f.Name}}, true
	}
	switch {
	case !ok:
	case info.Kind == jql.KindProperty:
		p.addProperty(f, info.Path, slot)
	default:
		p.root.at(info.Path...).wantField(info.Kind, slot)
	}
}

// addProperty wants what a property holds at a path. A path that is a prefix of another one shares
// its nodes.
func (p *Plan) addProperty(f jql.Field, place []string, slot int) {
	p.root.at(place...).members = p.properties
	n := p.properties[f.Key]
	if n == nil {
		n = &node{take: takeProperty}
		p.properties[f.Key] = n
	}
	for _, step := range f.Steps() {
		n = n.at(step)
		n.take = takeProperty // arrays on the way stand for their elements, too
	}
	n.want(takeProperty, slot)
}

// at returns the node at the end of a path below n, making the nodes on the way.
func (n *node) at(path ...string) *node {
	for _, name := range path {
		if n.members == nil {
			n.members = map[string]*node{}
		}
		next := n.members[name]
		if next == nil {
			next = &node{}
			n.members[name] = next
		}
		n = next
	}
	return n
}

func (n *node) want(t take, slot int) {
	n.take = t
	n.slots = append(n.slots, slot)
}

// wantField wants a value as a whole and by its members. A kind whose members do not all count at once
// is read as a whole: see [Scanner.user].
func (n *node) wantField(k jql.Kind, slot int) {
	n.want(takeField, slot)
	n.kind = k
	members, fallback := k.Members()
	if len(fallback) > 0 {
		return
	}
	for _, name := range members {
		m := n.at(name)
		m.want(takeMember, slot)
		m.kind = k
	}
}
