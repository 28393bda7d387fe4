package jql

import (
	"slices"
	"strings"
)

// userFunction stands for who asks. An event has nobody who does, so it equals no user.
const userFunction = "currentUser"

// dateFunctions are the functions that [dateFunction] knows.
var dateFunctions = []string{
	"now", "startOfDay", "startOfWeek", "startOfMonth", "startOfYear", "endOfDay", "endOfWeek", "endOfMonth", "endOfYear",
}

// knows tells whether the function exists, for the dialect and at all.
func (c *compiler) knows(f Function) bool {
	if !c.dialect.hasFunction(f.Name) {
		return false
	}
	return strings.EqualFold(f.Name, userFunction) ||
		slices.ContainsFunc(dateFunctions, func(name string) bool { return strings.EqualFold(name, f.Name) })
}

// function is the value of a function: a moment, or nil for nobody. It reports false for one that gives the
// field no value, which is a problem then.
func (x *comparison) function(f Function) (*Moment, bool) {
	if !x.knows(f) {
		x.problem(f.Pos, msgNoFunction(f))
		return nil, false
	}
	m, dated, wrong := dateFunction(f, x.env)
	if !dated && len(f.Args) > 0 {
		wrong = msgNoArguments(f)
	}
	if wrong != "" {
		x.problem(f.Pos, wrong)
		return nil, false
	}
	var fits bool
	switch x.kind {
	case KindUser:
		fits = !dated
	case KindDate, KindProperty, KindAny:
		fits = dated
	}
	if !fits {
		x.problem(f.Pos, msgWrongFunction(f, x.Field.Name))
	}
	return m, fits
}
