package webhook_test

import (
	"reflect"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // also where the machine has no time zones

	"hookline/engine/webhook"
	"hookline/jql"
)

func TestSiteEnv(t *testing.T) {
	t.Parallel()
	s := webhook.Site{
		EpicLink: 10008, Priorities: []string{"Low", "High"}, TimeZone: "Europe/Lisbon", WeekStart: "sunday", DisplayNames: true,
		Dialect: "dynamic", FilterProjects: true, Projects: []webhook.Project{{ID: 10000, Key: "EX", Boards: []int64{5}}},
		CustomFields: []webhook.CustomField{
			{ID: 10008, Name: "Epic Link", Type: "issue"}, {ID: 10020, Name: "Sprint", Type: "sprint"}, {ID: 10016, Name: "Story points", Type: "number"},
		},
	}
	lisbon, err := time.LoadLocation("Europe/Lisbon")
	if err != nil {
		t.Fatal(err)
	}
	want := jql.Env{
		EpicLink: 10008, Priorities: []string{"Low", "High"}, Zone: lisbon, SundayFirst: true, DisplayNames: true,
		Projects: []jql.Project{{ID: 10000, Key: "EX", Boards: []int64{5}}},
		Custom: []jql.CustomField{
			{ID: 10008, Name: "Epic Link", Kind: jql.KindLink}, {ID: 10020, Name: "Sprint", Kind: jql.KindSprint},
			{ID: 10016, Name: "Story points", Kind: jql.KindNumber},
		},
	}
	if got, err := s.Env(); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
	if got, err := new(webhook.Site).Env(); err != nil || got.SundayFirst || got.Zone != time.UTC {
		t.Errorf("the zero site is %+v, %v", got, err)
	}
}

func TestSiteRefused(t *testing.T) {
	t.Parallel()
	custom := func(fields ...webhook.CustomField) webhook.Site { return webhook.Site{CustomFields: fields} }
	projects := func(list ...webhook.Project) webhook.Site { return webhook.Site{Projects: list} }
	points := webhook.CustomField{ID: 10016, Name: "Story points", Type: "number"}
	tests := []struct {
		site webhook.Site
		want string
	}{
		{custom(points), ""},
		{custom(points, webhook.CustomField{ID: 10016, Name: "Points", Type: "number"}), "the id 10016 is there twice"},
		{custom(points, webhook.CustomField{ID: 10017, Name: "story POINTS", Type: "number"}), `the name "story POINTS" is there twice`},
		{custom(webhook.CustomField{ID: 0, Name: "x", Type: "text"}), "id 0: use the positive number"},
		{custom(webhook.CustomField{ID: 1, Type: "text"}), "1 has no name"},
		{custom(webhook.CustomField{ID: 1, Name: "x"}), `1: type "": use user, named`},
		{custom(webhook.CustomField{ID: 1, Name: "x", Type: "Number"}), `type "Number"`},
		{custom(webhook.CustomField{ID: 1, Name: "Status", Type: "named"}), `1: the name "Status" is that of another field`},
		{custom(webhook.CustomField{ID: 1, Name: "epic link", Type: "issue"}), "that of another field"},
		{custom(webhook.CustomField{ID: 10014, Name: "epic link", Type: "issue"}), ""},
		{webhook.Site{EpicLink: -1}, "epicLink -1: use the positive number"},
		{webhook.Site{Priorities: []string{"Low", "low"}}, `priorities: "low" is there twice`},
		{webhook.Site{Priorities: []string{""}}, "a name is empty"},
		{webhook.Site{TimeZone: "Mars/Olympus"}, `timeZone "Mars/Olympus"`},
		{webhook.Site{TimeZone: "Local"}, `timeZone "Local"`},
		{webhook.Site{TimeZone: "../etc/passwd"}, "timeZone"},
		{webhook.Site{WeekStart: "saturday"}, `weekStart "saturday": use monday or sunday`},
		{projects(webhook.Project{ID: 1, Key: "A", Boards: []int64{1}}, webhook.Project{ID: 2, Key: "A", Boards: []int64{2}}), ""},
		{projects(webhook.Project{Key: "A"}), "projects: id 0: use the positive number"},
		{projects(webhook.Project{ID: 1, Name: "A"}), "projects: 1 has no key"},
		{projects(webhook.Project{ID: 1, Key: "A"}, webhook.Project{ID: 1, Key: "B"}), "projects: the id 1 is there twice"},
		{projects(webhook.Project{ID: 1, Key: "A", Boards: []int64{5}}, webhook.Project{ID: 2, Key: "B", Boards: []int64{5}}), "projects: the board 5 is there twice"},
		{webhook.Site{Dialect: "klingon"}, `dialect "klingon": use dynamic, full or extended`},
	}
	for _, tt := range tests {
		_, err := tt.site.Env()
		check(t, tt.want, err, tt.want)
		tenant := webhook.Tenant{ID: "acme", Site: tt.site}
		if err := tenant.Validate(); tt.want != "" && (err == nil || !strings.HasPrefix(err.Error(), "tenant acme: ")) {
			t.Errorf("%s: the tenant's error is %v", tt.want, err)
		}
	}
}

func TestSiteEqual(t *testing.T) {
	t.Parallel()
	a := webhook.Site{
		EpicLink: 1, CustomFields: []webhook.CustomField{{ID: 2, Name: "x", Type: "text"}}, Priorities: []string{"Low"},
		TimeZone: "UTC", WeekStart: "sunday", DisplayNames: true, Dialect: "full",
		FilterProjects: true, Projects: []webhook.Project{{ID: 10000, Key: "EX", Boards: []int64{5}}},
	}
	if b := a; !a.Equal(&b) {
		t.Error("a site differs from itself")
	}
	// Every setting counts: a site with all but one of them is another one.
	fields := reflect.TypeFor[webhook.Site]()
	for i := range fields.NumField() {
		b := a
		reflect.ValueOf(&b).Elem().Field(i).SetZero()
		if a.Equal(&b) {
			t.Errorf("%s makes no difference", fields.Field(i).Name)
		}
	}
}
