package jql

import (
	"reflect"
	"regexp"
	"strings"
)

// corpusRule is a difference from Atlassian's parser that is meant. It is of one of two kinds: Parse
// refuses with a certain text what the other accepts, or both accept and only texts differ.
type corpusRule struct {
	name   string
	covers func(jql string) bool
	// refusal is part of the error.
	refusal string
	// alike maps a text to what the texts of both have in common.
	alike func(text string) string
}

var corpusRules = []corpusRule{
	{
		// The published parser drops the backslash in quotes and leaves texts without quotes as they are.
		name:   "escapes are decoded",
		covers: func(jql string) bool { return strings.Contains(jql, `\`) },
		alike:  func(string) string { return "" },
	},
	{
		// There the name is the text as written.
		name:   "cf[1] has one spelling",
		covers: regexp.MustCompile(`(?i)\bcf\s*\[\s*\d+\s*]`).MatchString,
		alike: func(text string) string {
			if !customField.MatchString(text) {
				return text
			}
			return strings.ToLower(strings.Join(strings.Fields(text), ""))
		},
	},
	{
		name:    "all is reserved by the server",
		covers:  regexp.MustCompile(`(?i)\ball\b`).MatchString,
		refusal: "is a reserved JQL word",
	},
	{
		name:    "numbers have 64 bits on the server",
		covers:  regexp.MustCompile(`[0-9]{19}`).MatchString,
		refusal: "is not a valid number",
	},
	{
		name:    "a field name is not blank on the server",
		covers:  blankText.MatchString,
		refusal: msgEmptyField,
	},
	{
		name:    "a function name is not blank on the server",
		covers:  blankText.MatchString,
		refusal: msgEmptyFunction,
	},
	{
		name:    "cf[0] is no custom field",
		covers:  regexp.MustCompile(`(?i)\bcf\s*\[\s*0+\s*]`).MatchString,
		refusal: "Expecting a custom field id (a positive number) but got '0",
	},
	{
		name:    "a custom field has no properties",
		covers:  regexp.MustCompile(`(?i)\bcf\s*\[\s*\d+\s*]\s*\[`).MatchString,
		refusal: "but got '['",
	},
	{
		name:    "the depth is bounded here",
		covers:  func(jql string) bool { return len(regexp.MustCompile(`\(|!|not `).FindAllString(jql, -1)) > MaxDepth },
		refusal: msgTooDeep,
	},
}

var (
	customField = regexp.MustCompile(`(?i)^cf\s*\[\s*\d+\s*]$`)
	blankText   = regexp.MustCompile(`["'](\\[ nrt]|\\u0020|\s)*["']|\\ `)
)

// excuses tells whether the difference between two lines is the one that the rule means.
func (r corpusRule) excuses(theirs, ours corpusLine, err error) bool {
	if r.refusal != "" {
		return theirs.OK && err != nil && strings.Contains(err.Error(), r.refusal)
	}
	return theirs.OK && ours.OK && reflect.DeepEqual(r.texts(theirs.Where), r.texts(ours.Where)) &&
		reflect.DeepEqual(r.texts(any(theirs.Order)), r.texts(any(ours.Order)))
}

// texts applies alike to all texts of a tree.
func (r corpusRule) texts(tree any) any {
	switch tree := tree.(type) {
	case string:
		return r.alike(tree)
	case []any:
		return compactAll(tree, r.texts)
	case map[string]any:
		changed := make(map[string]any)
		for key, node := range tree {
			changed[key] = r.texts(node)
		}
		return changed
	}
	return tree
}
