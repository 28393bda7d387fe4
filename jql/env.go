package jql

import "time"

// DefaultEpicLink is the custom field that holds the Epic Link of an issue where nothing else is
// configured; new Jira sites have it under this number.
const DefaultEpicLink = 10014

// Env is the site that a query speaks of: what it means beyond its text. The zero Env is ready to use.
// An Env must not be changed once it is in use.
type Env struct {
	// EpicLink is the id of the custom field called "Epic Link" on the site in question. The query may
	// name the field by that number or by name.
	//
	// Defaults to 10014.
	EpicLink int64

	// Custom declares custom fields, so that queries can name them and that their values are read as
	// what they are. Others can be named by number and are of [KindAny]. Names of the catalogue come before
	// those declared here, and of two fields with one name or number the first counts. The Epic Link, where it is
	// declared, is of the kind that the declaration says.
	Custom []CustomField

	// Priorities are the names of the priorities, lowest first. Without them priorities have no order.
	Priorities []string

	// Zone is where days begin, in queries and in the dates of events that name no zone.
	//
	// Defaults to UTC.
	Zone *time.Location

	// SundayFirst makes weeks begin on Sunday, and not on Monday.
	SundayFirst bool

	// Projects lists projects of the site, for events that name one by its number, or by a board, alone. Queries are
	// compiled and evaluated without it.
	Projects []Project

	// DisplayNames lets queries name users by their display names, without regard to case, beside their
	// account ids.
	DisplayNames bool
}

// Project is a project of a site.
type Project struct {
	ID        int64
	Key, Name string // by which queries may name it; Name may be empty

	// Boards are the numbers of boards whose sprints are this project's and no other's.
	Boards []int64
}

// CustomField declares a custom field of a site.
type CustomField struct {
	// ID is the number in customfield_10020; it is positive.
	ID int64

	// Name is how queries may call the field beside its number. The empty name is none.
	Name string

	// Kind is one that has a name (see [Kind.String]).
	//
	// Defaults to KindAny.
	Kind Kind
}

// zone is where days begin.
func (env *Env) zone() *time.Location {
	if env.Zone == nil {
		return time.UTC
	}
	return env.Zone
}

func (env *Env) weekStart() time.Weekday {
	if env.SundayFirst {
		return time.Sunday
	}
	return time.Monday
}
