package event

import "hookline/jql"

// Subject is what an event is about. Each member has the id, where the body has one, or else "/" and the
// folded key, and is "" where the body tells neither. What has the id in one body and the key alone in another is not
// recognised as the same.
type Subject struct{ Issue, Project string }

// subjectPaths lead to the issue of an event and to the project of that issue.
var subjectPaths = []Path{
	{"issue", "id"}, {"issue", "key"},
	{"worklog", "issueId"},
	{"issue", "fields", "project", "id"}, {"issue", "fields", "project", "key"},
}

// SubjectOf finds what an event of a type is about. The project of an event with an issue is that of the issue;
// for other events see [Known].
func SubjectOf(body []byte, typ string) Subject {
	t := Texts(body, subjectPaths...)
	s := Subject{Issue: identity(t[0], t[1]), Project: identity(t[3], t[4])}
	if s.Issue == "" {
		s.Issue = identity(t[2], "")
	}
	if s.Project == "" {
		known, _ := Lookup(typ)
		if p := new(listed).projectOf(body, known.Family); p.id != "" {
			s.Project = p.id
		} else if len(p.names) > 0 {
			s.Project = "/" + p.names[0]
		}
	}
	return s
}

func identity(id, key string) string {
	switch {
	case IsID(id):
		return id
	case key != "":
		return "/" + string(jql.FoldTerm(nil, []byte(key)))
	}
	return ""
}
