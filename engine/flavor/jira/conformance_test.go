package jira_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"hookline/engine/flavor"
	"hookline/engine/flavor/flavortest"
	"hookline/engine/flavor/jira"
)

func message(a answer) string {
	var f struct {
		Messages []string       `json:"errorMessages"`
		Errors   map[string]any `json:"errors"`
	}
	if json.Unmarshal([]byte(a.Body), &f) != nil || f.Errors == nil {
		return ""
	}
	return strings.Join(f.Messages, "\n")
}

func as(token string) func(string, string) string {
	return func(string, string) string { return "Bearer " + token }
}

func TestDynamicConformance(t *testing.T) {
	t.Parallel()
	dynamic := jira.NewDynamic(jira.DynamicOptions{Patch: true, ConnectLimit: 1 << 20})
	flavortest.Run(t, func(t testing.TB) *flavortest.Subject {
		h := openHouse(t, dynamic)
		h.signers()
		body := registration("https://app.example/hook", "project = A", "myClause = 1")
		signer := jwt("signer", secretSigner, "POST", v3, "", time.Now())
		h.Want(h.call("POST", v3, signer, body, ""), 200, "")
		s := &flavortest.Subject{
			House: h.House, Flavor: dynamic, Own: signed, Message: message,
			Refused: map[string]func(string, string) string{
				"rival's app of that key": func(method, target string) string { return jwt("signer", secretRival, method, target, "", time.Now()) },
				"too late": func(method, target string) string {
					return jwt("signer", secretSigner, method, target, "", time.Now().Add(-time.Hour))
				},
				"the tenant": as(tokenAcme), "the administrator": as(tokenAdmin), "rival's app": as(tokenRivalCI),
			},
		}
		for _, path := range []string{"/rest/api/2/webhook", "/rest/api/3/webhook"} {
			const ids = `{"webhookIds":[1000]}`
			s.Requests = append(s.Requests, []flavortest.Request{
				{Method: "POST", Path: path, Body: body}, {Method: "GET", Path: path + "?maxResults=10"}, {Method: "PUT", Path: path, Body: ids},
				{Method: "PUT", Path: path + "/refresh", Body: ids}, {Method: "GET", Path: path + "/failed"},
				{Method: "PATCH", Path: path + "/1000", Body: `{"jqlFilter":"project = B","events":["comment_created"],"fieldIdsFilter":["a"],"issuePropertyKeysFilter":["k"]}`},
				{Method: "DELETE", Path: path, Body: ids},
			}...)
		}
		return s
	})
}

func TestAdminConformance(t *testing.T) {
	t.Parallel()
	admin := jira.NewAdmin(jira.AdminOptions{})
	flavortest.Run(t, func(t testing.TB) *flavortest.Subject {
		h := openHouse(t, []flavor.Flavor{admin}...)
		const body = `{"name":"n","description":"d","url":"https://a.example/","events":["comment_created"],"jqlFilter":"project = A",` +
			`"filters":{"issue-related-events-section":"project = B"},"excludeBody":false,"excludeIssueDetails":true,"secret":"s","enabled":true}`
		h.admin("POST", adminPath, body, 201)
		const path = "/rest/webhooks/1.0/webhook"
		return &flavortest.Subject{
			House: h.House, Flavor: admin, Own: as(tokenAcme), Message: message,
			Refused: map[string]func(string, string) string{"an app": as(tokenCI), "a user": as(tokenAnna), "rival's app": as(tokenRivalCI)},
			Requests: []flavortest.Request{
				{Method: "POST", Path: path, Body: body}, {Method: "GET", Path: path}, {Method: "GET", Path: path + "/1000"},
				{Method: "PUT", Path: path + "/1000", Body: body}, {Method: "DELETE", Path: path + "/1000"},
			},
		}
	})
}
