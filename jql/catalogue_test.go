package jql

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// site declares custom fields of every kind, and some that are in each other's way.
var site = Env{
	EpicLink: 10014,
	Custom: []CustomField{
		{10001, "Approver", KindUser}, {10002, "Team", KindNamed}, {10003, "Home", KindProject},
		{10004, "Parent Link", KindLink}, {10005, "Tags", KindExact}, {10006, "Colour", KindOption},
		{10007, "Sprint", KindSprint}, {10008, "Story Points", KindNumber}, {10009, "Start", KindDate},
		{10010, "Notes", KindText}, {10011, "Any", 0}, {10012, "", KindNumber},
		{10020, "team", KindNumber}, {10002, "Crew", KindNumber}, {10021, "Status", KindNumber}, {10022, "10008", KindText},
	},
	Priorities: []string{"Lowest", "Low", "Medium", "High", "Highest"},
}

// TestCatalogue keeps the rows apart and findable under every name.
func TestCatalogue(t *testing.T) {
	rows := site.Catalogue()
	if want := len(catalogue) + 15; len(rows) != want {
		t.Errorf("%d rows, want %d", len(rows), want)
	}
	seen := map[string]string{}
	for _, row := range rows {
		if seen[row.Name] != "" {
			t.Errorf("%s is there twice", row.Name)
		}
		for _, name := range append([]string{row.Name}, row.Aliases...) {
			if seen[folded(name)] != "" {
				continue // the first one counts
			}
			seen[folded(name)] = row.Name
			ref := FieldRef{Name: name}
			if row.Kind == KindProperty {
				ref.Properties = []Property{{Key: "k"}}
			}
			field, info, ok := site.Resolve(ref)
			if !ok || field.Name != row.Name || !cmp.Equal(info, row) {
				t.Errorf("%s resolves to %v, %v, want %v", name, field, info, row)
			}
		}
		if found, ok := site.Lookup(Field{Name: row.Name, Aspect: Words}); !ok || !cmp.Equal(found, row) {
			t.Errorf("the row of %s is %v", row.Name, found)
		}
		if len(row.Kind.Operators()) == 0 || len(row.Paths) == 0 {
			t.Errorf("the row of %s is incomplete", row.Name)
		}
	}
	for _, name := range []string{"", "event.type", "Status", "STATUS", "epic link", "customfield_0", "customfield_", "customfield_007", "cf[7]"} {
		if row, ok := site.Lookup(Field{Name: name}); ok {
			t.Errorf("%q has the row %v", name, row)
		}
	}
}

func TestResolve(t *testing.T) {
	bracket := []Property{{Key: "a"}}
	for _, test := range []struct {
		ref  FieldRef
		want string // name, kind and names in changelogs, or nothing
	}{
		{FieldRef{Name: "STATUS"}, "status 3 [status]"},
		{FieldRef{Name: "\u017Ftatus"}, "status 3 [status]"},
		{FieldRef{Name: "components"}, "component 3 [components Component]"},
		{FieldRef{Name: "creator"}, "creator 4 []"},
		{FieldRef{Name: "event"}, "event 7 []"},
		{FieldRef{Name: "Epic Link"}, "customfield_10014 5 [customfield_10014 Epic Link]"},
		{FieldRef{Name: "10014", Form: Numbered}, "customfield_10014 5 [customfield_10014 Epic Link]"},
		{FieldRef{Name: "CF[10014]"}, "customfield_10014 5 [customfield_10014 Epic Link]"},
		{FieldRef{Name: "cf[10008]", Form: Custom}, "customfield_10008 10 [customfield_10008 Story Points]"},
		{FieldRef{Name: "cf[010008]", Form: Custom}, "customfield_10008 10 [customfield_10008 Story Points]"},
		{FieldRef{Name: "CustomField_10008"}, "customfield_10008 10 [customfield_10008 Story Points]"},
		{FieldRef{Name: "story points"}, "customfield_10008 10 [customfield_10008 Story Points]"},
		{FieldRef{Name: "TEAM"}, "customfield_10002 3 [customfield_10002 Team]"},
		{FieldRef{Name: "crew"}, "customfield_10002 3 [customfield_10002 Team]"},
		{FieldRef{Name: "10012", Form: Numbered}, "customfield_10012 10 [customfield_10012]"},
		{FieldRef{Name: "10008"}, "customfield_10022 12 [customfield_10022 10008]"},
		{FieldRef{Name: "any"}, "customfield_10011 13 [customfield_10011 Any]"},
		{FieldRef{Name: "99", Form: Numbered}, "customfield_99 13 [customfield_99]"},
		{FieldRef{Name: "9223372036854775807", Form: Numbered}, "customfield_9223372036854775807 13 [customfield_9223372036854775807]"},
		{FieldRef{Name: "issue.property", Properties: bracket}, "issue.property 6 []"},

		{FieldRef{Name: ""}, ""},
		{FieldRef{Name: "universe"}, ""},
		{FieldRef{Name: "99"}, ""},
		{FieldRef{Name: "0", Form: Numbered}, ""},
		{FieldRef{Name: "-5", Form: Numbered}, ""},
		{FieldRef{Name: "cf[0]"}, ""},
		{FieldRef{Name: "cf[]"}, ""},
		{FieldRef{Name: "cf[x]"}, ""},
		{FieldRef{Name: "cf[9223372036854775808]"}, ""},
		{FieldRef{Name: "customfield_x"}, ""},
		{FieldRef{Name: "cf[1]", Properties: bracket}, ""},
		{FieldRef{Name: "Epic Link", Properties: bracket}, ""},
		{FieldRef{Name: "Team", Properties: bracket}, ""},
		{FieldRef{Name: "status", Properties: bracket}, ""},
		{FieldRef{Name: "issue.property"}, ""},
		{FieldRef{Name: "issue.property", Properties: []Property{{Key: "a"}, {Key: "0"}}}, ""},
		{FieldRef{Name: "comment.property", Properties: bracket}, ""},
	} {
		once := resolver{env: &site}
		often := resolver{env: &site, asked: tabulateAfter}
		for _, r := range []*resolver{&once, &often} {
			got := ""
			if found, ok := r.resolve(&test.ref); ok {
				info := found.info(&site)
				got = fmt.Sprint(found.field.Name, " ", uint8(info.Kind), " ", info.History)
				if found.kind != info.Kind || found.history != (len(info.History) > 0) {
					t.Errorf("%v: %+v", test.ref, found)
				}
			}
			if got != test.want {
				t.Errorf("%v: %q, want %q", test.ref, got, test.want)
			}
		}
	}
}

// TestEpicLinkDeclared: a declaration says what the field is, which is the Epic Link all the same.
func TestEpicLinkDeclared(t *testing.T) {
	env := Env{Custom: []CustomField{{DefaultEpicLink, "Budget", KindNumber}}}
	for _, name := range []string{"Epic Link", "Budget", "cf[10014]"} {
		_, info, ok := env.Resolve(FieldRef{Name: name})
		if !ok || info.Name != "customfield_10014" || info.Kind != KindNumber {
			t.Errorf("%s resolves to %v", name, info)
		}
	}
	if got := len(env.Catalogue()); got != len(catalogue) {
		t.Errorf("%d rows", got)
	}
}

func TestKindNames(t *testing.T) {
	for k := range KindAny + 2 {
		again, ok := ParseKind(k.String())
		if ok != (k.String() != "") || ok && again != k {
			t.Errorf("kind %d is called %q, which is %d", k, k, again)
		}
	}
	if Kind(0).Operators() != nil || Kind(200).Operators() != nil {
		t.Error("no kind has operators")
	}
}

func TestResolveDoesNotAllocate(t *testing.T) {
	refs := []FieldRef{{Name: "Status"}, {Name: "issue.property", Properties: []Property{{Key: "k"}}}}
	allocs := testing.AllocsPerRun(100, func() {
		for i := range refs {
			r := resolver{env: &site}
			r.resolve(&refs[i])
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}
