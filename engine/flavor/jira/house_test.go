package jira_test

import (
	"encoding/json"
	"testing"

	"hookline/engine/flavor"
	"hookline/engine/flavor/flavortest"
	"hookline/engine/flavor/jira"
	"hookline/engine/webhook"
)

// Credentials of the tenants that a house has: acme with Connect apps and an OAuth app, and rival.
const (
	tokenCI      = "token of app ci in acme"
	tokenChat    = "token of app chat in acme"
	tokenBased   = "token of app based in acme"
	tokenAnna    = "token of user anna of app mobile"
	tokenBert    = "token of user bert of app mobile"
	tokenAcme    = flavortest.TokenAcme
	tokenRival   = flavortest.TokenRival
	tokenRivalCI = "token of app ci in rival"
	tokenAdmin   = flavortest.TokenAdmin
)

type house struct{ *flavortest.House }

type (
	answer   = flavortest.Answer
	received = flavortest.Received
)

func newHouse(t testing.TB, o jira.DynamicOptions) *house {
	t.Helper()
	return openHouse(t, jira.NewDynamic(o))
}

// openHouse opens a house with the flavours that are given.
func openHouse(t testing.TB, flavors ...flavor.Flavor) *house {
	t.Helper()
	h := &house{flavortest.Open(t, flavortest.Options{Flavors: flavors})}
	token := func(token, user string) []webhook.AppToken { return []webhook.AppToken{flavortest.Token(token, user)} }
	h.PutApp(webhook.App{Tenant: "acme", Key: "ci", Tokens: token(tokenCI, "")})
	h.PutApp(webhook.App{Tenant: "acme", Key: "chat", Tokens: token(tokenChat, "")})
	h.PutApp(webhook.App{Tenant: "acme", Key: "based", BaseURL: "https://app.example/base/", Tokens: token(tokenBased, "")})
	h.PutApp(webhook.App{Tenant: "acme", Key: "mobile", Kind: webhook.OAuth, Tokens: append(token(tokenAnna, "anna"), token(tokenBert, "bert")...)})
	h.PutApp(webhook.App{Tenant: "rival", Key: "ci", Tokens: token(tokenRivalCI, "")})
	return h
}

// in returns the house for use in another test, as that of a fuzz target.
func (h *house) in(t testing.TB) *house { return &house{h.In(t)} }

// Paths of the API.
const (
	v2      = "/t/acme/rest/api/2/webhook"
	v3      = "/t/acme/rest/api/3/webhook"
	refresh = "/t/acme/rest/api/3/webhook/refresh"
)

// do sends one request with a token, "" for none.
func (h *house) do(method, path, token, body string) answer {
	h.T.Helper()
	return h.send(method, path, token, body, "")
}

func (h *house) send(method, path, token, body, host string) answer {
	h.T.Helper()
	return h.Send(flavortest.Request{Method: method, Path: path, Token: token, Body: body, Host: host})
}

// call sends one request with any Authorization.
func (h *house) call(method, path, authorization, body, host string) answer {
	h.T.Helper()
	return h.Send(flavortest.Request{Method: method, Path: path, Authorization: authorization, Body: body, Host: host})
}

// receiver answers with the statuses in turn, and with 200 after that.
func receiver(t testing.TB, statuses ...int) (url string, got <-chan received) {
	t.Helper()
	return flavortest.Receiver(t, flavortest.InTurn(statuses...))
}

// registration writes the body of a request to register webhooks for one event.
func registration(url string, filters ...string) string {
	type item struct {
		Filter string   `json:"jqlFilter"`
		Events []string `json:"events"`
	}
	items := []item{}
	for _, f := range filters {
		items = append(items, item{f, []string{"jira:issue_updated"}})
	}
	text, _ := json.Marshal(map[string]any{"url": url, "webhooks": items})
	return string(text)
}

// register registers and returns the result of each item: its number, or its errors.
func (h *house) register(token, url string, filters ...string) (ids []int64, errs []string) {
	h.T.Helper()
	var got struct {
		Results []struct {
			ID     int64    `json:"createdWebhookId"`
			Errors []string `json:"errors"`
		} `json:"webhookRegistrationResult"`
	}
	h.Decode(h.do("POST", v3, token, registration(url, filters...)), 200, &got)
	if len(got.Results) != len(filters) {
		h.T.Fatalf("%d results for %d items", len(got.Results), len(filters))
	}
	for _, r := range got.Results {
		if (r.ID == 0) != (len(r.Errors) > 0) {
			h.T.Errorf("a result is %+v; want either a number or errors", r)
		}
		if r.ID != 0 {
			ids = append(ids, r.ID)
		}
		errs = append(errs, r.Errors...)
	}
	return ids, errs
}

// listed is the list of webhooks as a client reads it.
type listed struct {
	Self       string `json:"self"`
	NextPage   string `json:"nextPage"`
	MaxResults int    `json:"maxResults"`
	StartAt    int    `json:"startAt"`
	Total      int    `json:"total"`
	IsLast     bool   `json:"isLast"`
	Values     []struct {
		ID           int64    `json:"id"`
		JQLFilter    string   `json:"jqlFilter"`
		FieldIDs     []string `json:"fieldIdsFilter"`
		PropertyKeys []string `json:"issuePropertyKeysFilter"`
		Events       []string `json:"events"`
		Expiration   string   `json:"expirationDate"`
		URL          string   `json:"url"`
	} `json:"values"`
}

func (l *listed) ids() []int64 {
	ids := []int64{}
	for _, v := range l.Values {
		ids = append(ids, v.ID)
	}
	return ids
}

func (h *house) list(token, query string) *listed {
	h.T.Helper()
	var l listed
	h.Decode(h.do("GET", v3+query, token, ""), 200, &l)
	return &l
}
