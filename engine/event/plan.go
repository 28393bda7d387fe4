package event

import (
	"strings"
	"time"

	"hookline/jql"
)

// Plan says which terms of a body go to which slot. It is made once from the fields that filters ask
// for, is immutable, and may be shared by any number of scanners.
type Plan struct {
	zone       *time.Location
	root       node
	event      []int // slots of TypeField
	issue      []int // slots of IssueField
	merged     []int // slots of MergedField
	property   []int // slots of PropertyField
	known      []int // slots of KnownField
	project    []int // slots of ProjectField
	listed     listed
	properties *node // has the keys of entity properties as its members; nil if none is asked for
	changes    changes
}

// node is a place in the body: what to make of a value there, and what to look for inside it. A place is
// that of a field's value, that of a name of such a value, or on the way to one of these.
type node struct {
	values  []want // the fields whose value stands here
	names   []want // the fields whose value is the object above and has one of its names here
	members branches

	single bool // an array here is nothing; elsewhere it stands for its elements
	user   bool // the names of an object here depend on each other: see [Scanner.user]
	items  bool // an array here is the list of a changelog's items
}

// want is a way to turn a value into terms, and the slots that these are for.
type want struct {
	kind   jql.Kind
	aspect jql.Aspect
	slots  []int
}

// changes is what is wanted of the items of a changelog.
type changes struct {
	fields []int             // slots of ChangedField
	byID   map[string][]want // by the fieldId of an item
	byName map[string][]want // by the folded field of an item without fieldId
}

// NewPlan makes the plan that gives the terms of fields[i] to slot i, for events of a site. A field of an
// unknown name is empty in every event.
func NewPlan(fields []jql.Field, env jql.Env) *Plan {
	p := &Plan{
		zone:    env.Zone,
		changes: changes{byID: map[string][]want{}, byName: map[string][]want{}},
	}
	for slot, f := range fields {
		p.add(f, env, slot)
	}
	if len(p.known)+len(p.project) > 0 {
		p.listed = list(&env)
	}
	return p
}

func (p *Plan) add(f jql.Field, env jql.Env, slot int) {
	switch f {
	case TypeField:
		p.event = append(p.event, slot)
	case IssueField:
		p.issue = append(p.issue, slot)
	case MergedField:
		p.merged = append(p.merged, slot)
	case PropertyField:
		p.property = append(p.property, slot)
	case KnownField:
		p.known = append(p.known, slot)
	case ProjectField:
		p.project = append(p.project, slot)
	case ChangedField:
		p.addChangelog()
		p.changes.fields = append(p.changes.fields, slot)
	default:
		p.addField(f, env, slot)
	}
}

// addField wants a field of the catalogue.
func (p *Plan) addField(f jql.Field, env jql.Env, slot int) {
	info, ok := env.Lookup(f)
	switch {
	case !ok:
	case f.Aspect.History():
		p.addChangelog()
		p.changes.want(info, f.Aspect, slot)
	case info.Kind == jql.KindProperty:
		p.addProperty(f, info.Paths[0], slot)
	default:
		for _, path := range info.Paths {
			p.root.at(path...).wantField(info.Kind, f.Aspect, slot)
		}
	}
}

// addProperty wants what a property holds at a path. A path that is a prefix of another one shares
// its nodes.
func (p *Plan) addProperty(f jql.Field, place []string, slot int) {
	all := p.root.at(place...)
	all.single = true
	p.properties = all
	n := all.at(f.Key).at(f.Steps()...)
	n.values = add(n.values, jql.KindProperty, f.Aspect, slot)
}

// addChangelog makes the way to the items of the changelog. It is no way to values, on which arrays would stand
// for their elements.
func (p *Plan) addChangelog() {
	log := p.root.at("changelog")
	log.single = true
	log.at("items").items = true
}

// at returns the node at the end of a path below n, making the nodes on the way.
func (n *node) at(path ...string) *node {
	for _, name := range path {
		next := n.members.named(name)
		if next == nil {
			next = &node{}
			n.members.add(name, next)
		}
		n = next
	}
	return n
}

// wantField wants a value that stands here, and the names that it has where it is an object.
func (n *node) wantField(k jql.Kind, a jql.Aspect, slot int) {
	n.values = add(n.values, k, a, slot)
	if _, fallback := k.Members(); len(fallback) > 0 {
		n.user = true
		return
	}
	members, _ := k.MembersFor(a)
	for _, name := range members {
		m := n
		for _, step := range strings.Split(name, ".") {
			m = m.at(step)
			m.single = true
		}
		m.names = add(m.names, k, a, slot)
	}
}

func (c *changes) want(info jql.FieldInfo, a jql.Aspect, slot int) {
	for _, name := range info.History {
		c.byID[name] = add(c.byID[name], info.Kind, a, slot)
		name = string(jql.FoldTerm(nil, []byte(name)))
		c.byName[name] = add(c.byName[name], info.Kind, a, slot)
	}
}

// add wants terms for one more slot. Fields that want the same of one place share the work.
func add(wants []want, k jql.Kind, a jql.Aspect, slot int) []want {
	for i := range wants {
		if w := &wants[i]; w.kind == k && w.aspect == a {
			w.slots = append(w.slots, slot)
			return wants
		}
	}
	return append(wants, want{kind: k, aspect: a, slots: []int{slot}})
}
