package server_test

import (
	"strings"
	"testing"

	"hookline/engine"
	"hookline/engine/flavor"
	"hookline/engine/flavor/flavortest"
	"hookline/engine/flavor/jira"
	"hookline/engine/registry"
	"hookline/engine/server"
	"hookline/engine/webhook"
)

// Credentials in a house.
const (
	tokenAdmin = flavortest.TokenAdmin
	tokenAcme  = flavortest.TokenAcme
	tokenCI    = "token of app ci in acme"
	tokenRival = flavortest.TokenRival
	tokenBot   = "token of app bot in rival"
)

// maxBody is the largest event in a house.
const maxBody = 2000

// probe is a flavour for what no real one does: /boom panics, /wait waits until it is let go.
type probe struct {
	flavor.Flavor
	entered, release chan struct{}
}

func newProbe() *probe {
	return &probe{jira.NewDynamic(jira.DynamicOptions{}), make(chan struct{}, 1), make(chan struct{})}
}

func (p *probe) Rules() *registry.Rules {
	rules := *p.Flavor.Rules()
	rules.Flavor = "probe"
	return &rules
}

func (p *probe) Routes() []flavor.Route {
	return []flavor.Route{
		{Method: "GET", Path: "/boom", Handle: func(c *flavor.Call) {
			c.HTTP.SetBodyString("half an answer")
			panic("boom")
		}},
		{Method: "GET", Path: "/wait", Handle: func(c *flavor.Call) {
			p.entered <- struct{}{}
			<-p.release
			c.HTTP.SetBodyString("done")
		}},
	}
}

// house has an app in each tenant, ci in acme and bot in rival.
type house struct {
	*flavortest.House
	probe *probe
}

type (
	request = flavortest.Request
	answer  = flavortest.Answer
)

func newHouse(t testing.TB, change ...func(*server.Options)) *house {
	t.Helper()
	probe := newProbe()
	h := &house{probe: probe, House: flavortest.Open(t, flavortest.Options{
		Flavors: []flavor.Flavor{jira.NewDynamic(jira.DynamicOptions{PlainHTTP: true, ManyURLs: true}), probe},
		MaxBody: maxBody,
		Engine:  func(o *engine.Options) { o.Policies = map[string]*webhook.Policy{"steady": jira.Seed()} },
		Server: func(o *server.Options) {
			o.Version = "v1.2.3"
			for _, f := range change {
				f(o)
			}
		},
	})}
	h.Check = h.keeps
	h.PutApp(webhook.App{Tenant: "acme", Key: "ci", Tokens: []webhook.AppToken{flavortest.Token(tokenCI, "")}})
	h.PutApp(webhook.App{Tenant: "rival", Key: "bot", Tokens: []webhook.AppToken{flavortest.Token(tokenBot, "")}})
	return h
}

// in returns the house for use in another test, as that of a fuzz target.
func (h *house) in(t testing.TB) *house {
	other := &house{h.In(t), h.probe}
	other.Check = other.keeps
	return other
}

// admin sends a request of the administrator's.
func (h *house) admin(method, path, body string) answer {
	h.T.Helper()
	return h.Send(request{Method: method, Path: path, Token: tokenAdmin, Body: body})
}

// problem is the native API's error form.
type problem struct {
	Error struct {
		Code    string `json:"code"`
		Message string `json:"message"`
		Offset  *int64 `json:"offset"`
		Pointer string `json:"pointer"`

		Problems []string `json:"problems"`
	} `json:"error"`
}

// wantProblem fails the test unless the answer is an error with the status and code whose message has a part.
func (h *house) wantProblem(a answer, status int, code, part string) problem {
	h.T.Helper()
	var p problem
	h.decode(a, &p)
	if a.Status != status || p.Error.Code != code || !strings.Contains(p.Error.Message, part) || p.Error.Message == "" {
		h.T.Errorf("the answer is %d %s\nwant %d, %s, %q", a.Status, a.Body, status, code, part)
	}
	return p
}

func (h *house) decode(a answer, into any) {
	h.T.Helper()
	h.Decode(a, a.Status, into)
}
