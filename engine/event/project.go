package event

import (
	"strconv"

	"hookline/jql"
)

// Known is how much the body of an event that is not about an issue says of its project. The project of an event is that
// of a root object project where there is one, or else what the family has of it:
//
//	version   version.projectId
//	board     board.location (projectId, projectKey, projectName), or configuration.location (id, key, name) where that
//	          is of the type project
//	sprint    sprint.originBoardId, which leads to a project by way of [jql.Env.Projects] only
//
// An id that [jql.Env.Projects] lists leads to the key and name. A root project and a listed one are taken to say all
// that there is to say by name; a location only if it has key and name.
type Known byte

// The states of knowledge. They are the first bytes of terms of [KnownField].
const (
	KnownNothing Known = 'n'
	KnownID      Known = 'i' // the id alone
	KnownNames   Known = 'k' // key and name, and no id
	KnownWhole   Known = 'w'
)

// Knowledge lists every state.
var Knowledge = []Known{KnownNothing, KnownID, KnownNames, KnownWhole}

// Term is the term of [KnownField] that an event has which says so much and whose webhookEvent is typ.
func (k Known) Term(typ string) string { return string(k) + " " + typ }

// Fields of events that are not about an issue but about a project, a version, a board or a sprint. For other events they
// are empty.
var (
	// KnownField has one term, by which it is asked for the event's type and its state of knowledge at once; see
	// [Known.Term].
	KnownField = jql.Field{Name: "event.known"}

	// ProjectField has the terms of the id, the key and the name of the project, as far as they are known.
	ProjectField = jql.Field{Name: "event.project"}
)

// OfProject says whether the types of a family have a project although they have no issue.
func (f Family) OfProject() bool {
	return f == Project || f == Version || f == Board || f == Sprint
}

// project is what is known of a project: digits, and folded names.
type project struct {
	id    string
	names []string
}

func (p *project) known() Known {
	switch {
	case p.id != "" && len(p.names) > 0:
		return KnownWhole
	case p.id != "":
		return KnownID
	case len(p.names) > 0:
		return KnownNames
	}
	return KnownNothing
}

// listed are the projects of a site by their ids and the boards whose sprints are theirs.
type listed struct{ byID, byBoard map[int64]*project }

func list(env *jql.Env) listed {
	l := listed{map[int64]*project{}, map[int64]*project{}}
	for i := range env.Projects {
		p := &env.Projects[i]
		known := named(strconv.FormatInt(p.ID, 10), p.Key, p.Name)
		l.byID[p.ID] = &known
		for _, board := range p.Boards {
			l.byBoard[board] = &known
		}
	}
	return l
}

// named is a project with an id, if that is one, and with such names as are not empty.
func named(id string, names ...string) project {
	var p project
	if IsID(id) {
		p.id = id
	}
	for _, name := range names {
		if name != "" {
			p.names = append(p.names, string(jql.FoldTerm(nil, []byte(name))))
		}
	}
	return p
}

// IsID says whether a term consists of digits, as ids do.
func IsID(text string) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return text != ""
}

// projectPaths lead to all that a body may say of its project.
var projectPaths = []Path{
	{"project", "id"}, {"project", "key"}, {"project", "name"},
	{"version", "projectId"},
	{"sprint", "originBoardId"},
	{"board", "location", "projectId"}, {"board", "location", "projectKey"}, {"board", "location", "projectName"},
	{"configuration", "location", "type"},
	{"configuration", "location", "id"}, {"configuration", "location", "key"}, {"configuration", "location", "name"},
}

// projectOf finds the project of an event of a family.
func (l *listed) projectOf(body []byte, f Family) project {
	t := Texts(body, projectPaths...)
	p := named(t[0], t[1], t[2])
	if p.known() != KnownNothing {
		return l.completed(p)
	}
	switch f {
	case Version:
		p = named(t[3])
	case Sprint:
		if id, err := strconv.ParseInt(t[4], 10, 64); err == nil && l.byBoard[id] != nil {
			return *l.byBoard[id]
		}
	case Board:
		if p = located(t[5], t[6], t[7]); p.known() == KnownNothing && t[8] == "project" {
			p = located(t[9], t[10], t[11])
		}
	}
	return l.completed(p)
}

// located is the project of a location, whose names count only if all are there.
func located(id, key, name string) project {
	if key == "" || name == "" {
		return named(id)
	}
	return named(id, key, name)
}

// completed adds the listed names to a project that has an id alone.
func (l *listed) completed(p project) project {
	if p.known() != KnownID {
		return p
	}
	if id, err := strconv.ParseInt(p.id, 10, 64); err == nil && l.byID[id] != nil {
		return *l.byID[id]
	}
	return p
}

// readProject gives the terms of the project of an event that is not about an issue. These events are few and small, so
// their bodies are read once more rather than have every body watched for what only they have.
func (s *Scanner) readProject() {
	if len(s.plan.known)+len(s.plan.project) == 0 {
		return
	}
	t, ok := byName[s.h.Type]
	if !ok || !t.Family.OfProject() {
		return
	}
	p := s.plan.listed.projectOf(s.text, t.Family)
	s.add(s.plan.known, []byte(p.known().Term(s.h.Type)))
	if p.id != "" {
		s.add(s.plan.project, []byte(p.id))
	}
	for _, name := range p.names {
		s.add(s.plan.project, []byte(name))
	}
}
