package event

import (
	"slices"
	"testing"
)

func count(has func(Type) bool) (n int) {
	for _, name := range Names() {
		if t, _ := Lookup(name); has(t) {
			n++
		}
	}
	return n
}

func TestCatalogue(t *testing.T) {
	names := Names()
	if sorted := slices.Sorted(slices.Values(names)); len(slices.Compact(sorted)) != len(names) {
		t.Error("a name occurs twice")
	}
	for what, c := range map[string]struct{ got, want int }{
		"names":                {len(names), 59},
		"dynamic":              {count(func(t Type) bool { return t.Dynamic }), 20},
		"seed":                 {count(func(t Type) bool { return t.Seed }), 6},
		"seed and not dynamic": {count(func(t Type) bool { return t.Seed && !t.Dynamic }), 0},
		"filtered":             {count(func(t Type) bool { return t.Filtered }), 14},
		"without a family":     {count(func(t Type) bool { return t.Family == "" }), 0},
		"registered for only":  {count(func(t Type) bool { return t.SentAs != nil }), 2},
	} {
		if c.got != c.want {
			t.Errorf("%s: %d, want %d", what, c.got, c.want)
		}
	}
	for _, name := range names {
		got, ok := Lookup(name)
		if !ok || got.Name != name {
			t.Errorf("Lookup(%q) = %+v, %v", name, got, ok)
		}
		for _, sent := range got.SentAs {
			if other, ok := Lookup(sent); !ok || other.SentAs != nil || other.Family != got.Family {
				t.Errorf("%s is sent as %s, which is %+v", name, sent, other)
			}
		}
	}
}

func TestLookup(t *testing.T) {
	for name, want := range map[string]Type{
		"jira:issue_updated":          {Family: Issue, Filtered: true, Dynamic: true, Seed: true},
		"comment_deleted":             {Family: Comment, Filtered: true, Dynamic: true, Seed: true},
		"issue_property_set":          {Family: IssueProperty, Filtered: true, Dynamic: true},
		"worklog_created":             {Family: Worklog, Filtered: true},
		"issuelink_created":           {Family: IssueLink},
		"jira:version_merged":         {Family: Version, Dynamic: true},
		"sprint_closed":               {Family: Sprint, Dynamic: true},
		"option_attachments_changed":  {Family: Configuration},
		"board_configuration_changed": {Family: Board},
	} {
		got, ok := Lookup(name)
		want.Name = name
		got.SentAs = nil
		if !ok || got.Family != want.Family || got.Filtered != want.Filtered ||
			got.Dynamic != want.Dynamic || got.Seed != want.Seed {
			t.Errorf("Lookup(%q) = %+v, %v; want %+v", name, got, ok, want)
		}
	}
	for _, name := range []string{"", "Jira:issue_updated", "issue_updated", "jira:issue_updated "} {
		if got, ok := Lookup(name); ok {
			t.Errorf("Lookup(%q) = %+v", name, got)
		}
	}
}
