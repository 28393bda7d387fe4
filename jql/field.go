package jql

import (
	"cmp"
	"strings"
)

// Field identifies one thing that a filter can ask of an event. It is comparable and serves as a map
// key. The zero Field is invalid.
//
// Name is the canonical name: "project", "issuekey", "customfield_10014" for any custom field however
// it was spelled, "issue.property" for entity properties. Key and Path are set for entity properties
// only: the property's key, and the path inside its value with dots between the steps ("" for the
// whole value). Names outside the catalogue are allowed: a program that filters on more than JQL says
// makes up its own.
//
// Aspect says what of the field's value is meant. Every aspect has terms of its own, and all of them
// are present or empty together, but for those of the changelog.
type Field struct {
	Name   string
	Key    string
	Path   string
	Aspect Aspect
}

// Aspect is a way to look at the value of a field, with terms of its own.
type Aspect uint8

const (
	// Values has the terms that =, IN and ranges compare; [Kind] says which they are. Text fields are
	// present without terms.
	Values Aspect = iota

	// Words has the words of a text, folded (see [NextWord]).
	Words

	// Phrases has one term for each text: its words in their order (see [AppendPhraseTerm]).
	Phrases

	// Dates has the moments that the texts of an entity property or of a custom field of unknown kind
	// read as (see [AppendDateTerm]). Fields that are known to be dates have them among their Values.
	Dates

	// Ranks has the terms by which issue keys are in order (see [AppendKeyTerm]).
	Ranks

	// Names has the display names of users, folded.
	Names

	// Changes is present, without terms, when the changelog has an item of the field.
	Changes

	// ChangedFrom and ChangedTo have the old and new values of the changelog's items of the field, and
	// an empty term for an item without one.
	ChangedFrom
	ChangedTo

	// ChangedBoth has every old value of an item with every new one of the same item (see
	// [AppendChangeTerm]).
	ChangedBoth
)

var aspectText = [...]string{
	Values: "", Words: "words", Phrases: "phrases", Dates: "dates", Ranks: "ranks", Names: "names",
	Changes: "changes", ChangedFrom: "from", ChangedTo: "to", ChangedBoth: "from-to",
}

// String names the aspect in canonical texts; the one of [Values] is empty.
func (a Aspect) String() string {
	if int(a) < len(aspectText) {
		return aspectText[a]
	}
	return "?"
}

// History tells that the aspect is read from the changelog and not from the issue.
func (a Aspect) History() bool { return a >= Changes }

// Of is the same field under another aspect.
func (f Field) Of(a Aspect) Field {
	f.Aspect = a
	return f
}

// Steps splits the path of an entity property into the names of members to follow, none for the whole
// value. A step into an array goes into each of its elements.
func (f Field) Steps() []string {
	if f.Path == "" {
		return nil
	}
	return strings.Split(f.Path, ".")
}

func compareFields(a, b Field) int {
	if c := strings.Compare(a.Name, b.Name); c != 0 {
		return c
	}
	return cmp.Or(strings.Compare(a.Key, b.Key), strings.Compare(a.Path, b.Path), cmp.Compare(a.Aspect, b.Aspect))
}
