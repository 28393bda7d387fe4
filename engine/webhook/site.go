package webhook

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"hookline/jql"
)

// Site is what the queries of a tenant speak of beyond their text: the settings of the Jira site whose events the
// tenant gets. The zero Site is ready to use. Its JSON is that of the API, its YAML that of the configuration.
type Site struct {
	// EpicLink is the number of the custom field that holds the epic of an issue. 0 means 10014.
	EpicLink int64 `json:"epicLink,omitempty" yaml:"epic_link"`

	// CustomFields are the custom fields that queries can name, and whose values are of a known type.
	CustomFields []CustomField `json:"customFields,omitempty" yaml:"custom_fields"`

	// Priorities are the names of the priorities, lowest first. Without them priorities have no order.
	Priorities []string `json:"priorities,omitempty" yaml:"priorities"`

	// TimeZone is the IANA name of the zone in which days begin, such as Europe/Lisbon. Empty means UTC.
	TimeZone string `json:"timeZone,omitempty" yaml:"time_zone"`

	// WeekStart is the day on which weeks begin: monday or sunday. Empty means monday.
	WeekStart string `json:"weekStart,omitempty" yaml:"week_start"`

	// DisplayNames lets queries name users by their display names, beside their account ids.
	DisplayNames bool `json:"displayNames,omitempty" yaml:"display_names"`

	// FilterProjects applies the project conditions of filters to the events of projects, versions, boards and sprints, which
	// otherwise go to every webhook that names them. Such an event is for a webhook unless its filter cannot hold in
	// the event's project, all else that the filter asks for being unknown.
	FilterProjects bool `json:"filterProjects,omitempty" yaml:"filter_projects"`

	// Projects tell FilterProjects what it cannot learn from an event that has the id of its project alone, as those of
	// versions, or that of a board, as those of sprints.
	Projects []Project `json:"projects,omitempty" yaml:"projects"`

	// Dialect is the JQL that dynamic webhooks may use: dynamic, full or extended. Empty means dynamic.
	Dialect string `json:"dialect,omitempty" yaml:"dialect"`
}

// Project is a project of a site.
type Project struct {
	ID   int64  `json:"id" yaml:"id"`
	Key  string `json:"key" yaml:"key"`
	Name string `json:"name,omitempty" yaml:"name"` // where filters name the project so

	// Boards are the ids of the boards whose sprints are this project's and no other's.
	Boards []int64 `json:"boards,omitempty" yaml:"boards"`
}

func (p Project) equal(o Project) bool {
	return p.ID == o.ID && p.Key == o.Key && p.Name == o.Name && slices.Equal(p.Boards, o.Boards)
}

// CustomField declares a custom field of a site.
type CustomField struct {
	ID   int64  `json:"id" yaml:"id"`
	Name string `json:"name" yaml:"name"`

	// Type is a name that [jql.ParseKind] knows.
	Type string `json:"type" yaml:"type"`
}

// Equal says whether two sites have the same settings.
func (s *Site) Equal(o *Site) bool {
	return s.EpicLink == o.EpicLink && slices.Equal(s.CustomFields, o.CustomFields) &&
		slices.Equal(s.Priorities, o.Priorities) && s.TimeZone == o.TimeZone && s.WeekStart == o.WeekStart &&
		s.DisplayNames == o.DisplayNames && s.Dialect == o.Dialect &&
		s.FilterProjects == o.FilterProjects && slices.EqualFunc(s.Projects, o.Projects, Project.equal)
}

// Env returns the settings as queries take them. What is wrong with them is an [*InvalidError]. It looks up the time
// zone, which reads a file.
func (s *Site) Env() (jql.Env, error) {
	env := jql.Env{EpicLink: s.EpicLink, Priorities: slices.Clone(s.Priorities), DisplayNames: s.DisplayNames}
	if s.EpicLink < 0 {
		return jql.Env{}, invalid("epicLink %d: use the positive number of the custom field", s.EpicLink)
	}
	var err error
	if env.Custom, err = s.custom(); err != nil {
		return jql.Env{}, err
	}
	if err := s.checkPriorities(); err != nil {
		return jql.Env{}, err
	}
	if env.Projects, err = s.projects(); err != nil {
		return jql.Env{}, err
	}
	if env.Zone, err = zone(s.TimeZone); err != nil {
		return jql.Env{}, err
	}
	switch s.WeekStart {
	case "", "monday":
	case "sunday":
		env.SundayFirst = true
	default:
		return jql.Env{}, invalid("weekStart %q: use monday or sunday", s.WeekStart)
	}
	if s.Dialect != "" {
		if _, err := Dialect(s.Dialect, env); err != nil {
			return jql.Env{}, err
		}
	}
	return env, nil
}

func (s *Site) custom() ([]jql.CustomField, error) {
	ids, names := map[int64]bool{}, map[string]bool{}
	var fields []jql.CustomField
	for _, f := range s.CustomFields {
		kind, known := jql.ParseKind(f.Type)
		folded := string(jql.FoldTerm(nil, []byte(f.Name)))
		switch {
		case f.ID <= 0:
			return nil, invalid("customFields: id %d: use the positive number of the custom field", f.ID)
		case f.Name == "":
			return nil, invalid("customFields: %d has no name", f.ID)
		case !known:
			return nil, invalid("customFields: %d: type %q: use user, named, project, issue, labels, option, sprint, number, date or text", f.ID, f.Type)
		case ids[f.ID]:
			return nil, invalid("customFields: the id %d is there twice", f.ID)
		case names[folded]:
			return nil, invalid("customFields: the name %q is there twice; queries can name all but one of the fields by number, as cf[%d], so leave these out or give them other names", f.Name, f.ID)
		case s.taken(f):
			return nil, invalid("customFields: %d: the name %q is that of another field; queries can name this one by number, as cf[%d], so give it another name here", f.ID, f.Name, f.ID)
		}
		ids[f.ID], names[folded] = true, true
		fields = append(fields, jql.CustomField{ID: f.ID, Name: f.Name, Kind: kind})
	}
	return fields, nil
}

// taken says whether the name of a custom field means another field on every site.
func (s *Site) taken(f CustomField) bool {
	other, _, ok := jql.Env{EpicLink: s.EpicLink}.Resolve(jql.FieldRef{Name: f.Name})
	return ok && other.Name != fmt.Sprintf("customfield_%d", f.ID)
}

func (s *Site) projects() ([]jql.Project, error) {
	ids, boards := map[int64]bool{}, map[int64]bool{}
	var projects []jql.Project
	for _, p := range s.Projects {
		switch {
		case p.ID <= 0:
			return nil, invalid("projects: id %d: use the positive number of the project", p.ID)
		case p.Key == "":
			return nil, invalid("projects: %d has no key", p.ID)
		case ids[p.ID]:
			return nil, invalid("projects: the id %d is there twice", p.ID)
		}
		ids[p.ID] = true
		for _, board := range p.Boards {
			if boards[board] {
				return nil, invalid("projects: the board %d is there twice; leave out the boards of several projects, whose sprints then pass every filter", board)
			}
			boards[board] = true
		}
		projects = append(projects, jql.Project{ID: p.ID, Key: p.Key, Name: p.Name, Boards: slices.Clone(p.Boards)})
	}
	return projects, nil
}

func (s *Site) checkPriorities() error {
	for i, name := range s.Priorities {
		if name == "" {
			return invalid("priorities: a name is empty")
		}
		if slices.ContainsFunc(s.Priorities[:i], func(other string) bool { return strings.EqualFold(other, name) }) {
			return invalid("priorities: %q is there twice", name)
		}
	}
	return nil
}

// zone finds a time zone by its IANA name. Local is none: it would be another one on every machine.
func zone(name string) (*time.Location, error) {
	z, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, invalid("timeZone %q: it is not known here; use an IANA name, such as Europe/Lisbon", name)
	}
	return z, nil
}

// Dialect returns the dialect of that name on a site: dynamic, full or extended. Any other name is an
// [*InvalidError].
func Dialect(name string, env jql.Env) (*jql.Dialect, error) {
	switch name {
	case "dynamic":
		return jql.Dynamic(env), nil
	case "full":
		return jql.Full(env), nil
	case "extended":
		return jql.Extended(env), nil
	}
	return nil, invalid("dialect %q: use dynamic, full or extended", name)
}
