package jira_test

import (
	"slices"
	"testing"

	"hookline/engine"
	"hookline/engine/flavor"
	"hookline/engine/flavor/flavortest"
	"hookline/engine/flavor/jira"
	"hookline/engine/webhook"
	"hookline/jql"
)

// The limits of the installation are worded like those of the app, one message each.
func TestLimitsOfTheInstallation(t *testing.T) {
	t.Parallel()
	h := &house{flavortest.Open(t, flavortest.Options{
		Flavors: []flavor.Flavor{jira.NewDynamic(jira.DynamicOptions{}), jira.NewAdmin(jira.AdminOptions{})},
		Engine: func(o *engine.Options) {
			o.Limits = engine.Limits{Webhooks: 2, Filter: jql.Limits{Clauses: 2, List: 3}}
		},
	})}
	h.PutApp(webhook.App{Tenant: "acme", Key: "ci", Tokens: []webhook.AppToken{flavortest.Token(tokenCI, "")}})
	const three = "status = a OR status = b OR status IN (c, d, e, f)"
	ids, errs := h.register(tokenCI, callback, three, "project = A", "project = B", "project = C")
	want := []string{
		"The query has 3 clauses; at most 2 are allowed. Use IN for many values of one field.",
		"The query has a list of 4 values; at most 3 are allowed. Use a shorter list.",
		"Maximum of 2 webhooks is allowed per site, and there would be 3",
	}
	if len(ids) != 2 || !slices.Equal(errs, want) {
		t.Errorf("%d webhooks, errors %q", len(ids), errs)
	}
	h.Want(h.do("POST", "/t/acme/v1/jql/check", tokenAcme, `{"jql":"`+three+`"}`), 200,
		`{"jql":"`+three+`","ok":false,"errors":[`+
			`{"message":`+quote(want[0])+`,"line":1,"column":29,"offset":28},{"message":`+quote(want[1])+`,"line":1,"column":29,"offset":28}]}`)
	h.Want(h.do("POST", "/t/acme/rest/webhooks/1.0/webhook", tokenAcme,
		`{"name":"n","url":"https://r.example/","events":["jira:issue_updated"],"filters":{"issue-related-events-section":"project = A"}}`), 400,
		`{"errorMessages":["Maximum of 2 webhooks is allowed per site, and there would be 3"],"errors":{},`+
			`"messages":[{"key":"Maximum of 2 webhooks is allowed per site, and there would be 3","arguments":[]}]}`)
}
