package clients

import (
	"encoding/json"
	"strings"
	"testing"
)

const (
	appKey       = "com.example.hooks" // as in atlassian-connect.json
	clientKey    = "client-key-of-the-site"
	sharedSecret = "the shared secret of the installation"

	issueUpdated = `{"webhookEvent":"jira:issue_updated","timestamp":1761000000001,"issue":{"id":"10001","key":"EX-1","fields":{"project":{"key":"EX"}}}}`
	uploaded     = `{"eventType":"app-data-uploaded","cloudAppKey":"com.example.hooks","transferId":"16a84eaa-3f88-4758-94d4-ea245a3b202f",` +
		`"s3Key":"636abf0f-38a2-45c1-8c68-9c7edde97f3f","migrationDetails":{"migrationId":"a0b8ed5a-a335-4e0d-b20f-17d821b40c2d"}}`
)

// connectApp is an app on atlassian-connect-express, installed in a site.
type connectApp struct {
	*script
	site *site
	base string // its base URL
}

// newConnectApp starts an app below a path. The site signs with a secret, which is the app's or another; the app's own
// is good for its calls in any case.
func newConnectApp(t *testing.T, basePath, signing string) *connectApp {
	s := newSite(t)
	a := &connectApp{site: s, script: start(t, "connect-app.cjs", map[string]any{
		"clientKey": clientKey, "sharedSecret": sharedSecret, "site": s.url, "basePath": basePath,
	})}
	var said struct{ Listening string }
	a.event(&said)
	a.base = said.Listening
	secrets := []string{signing}
	if signing != sharedSecret {
		secrets = append(secrets, sharedSecret)
	}
	s.putApp(appKey, app{Issuer: clientKey, BaseURL: a.base, Secrets: secrets})
	return a
}

// call sends a request to the site's API through the framework, which signs it.
func (a *connectApp) call(method, path string, body, into any) {
	a.t.Helper()
	var answer struct {
		Status int
		Body   json.RawMessage
	}
	a.ask(map[string]any{"method": method, "url": path, "json": body}, &answer)
	if answer.Status != 200 {
		a.t.Fatalf("%s %s was answered with %d: %s", method, path, answer.Status, answer.Body)
	}
	if err := json.Unmarshal(answer.Body, into); err != nil {
		a.t.Fatal(err)
	}
}

// register registers a dynamic webhook for all issues of a project.
func (a *connectApp) register(path string, event string) {
	a.t.Helper()
	var answer struct {
		Results []registered `json:"webhookRegistrationResult"`
	}
	body := map[string]any{"url": a.base + path, "webhooks": []webhook{{"project = EX", []string{event}}}}
	a.call("post", "/rest/api/3/webhook", body, &answer)
	if len(answer.Results) != 1 || answer.Results[0].ID == 0 {
		a.t.Fatalf("registering was answered with %+v", answer)
	}
}

// verdict is what the app tells of a request: the body that it accepted and from whom, or how it refused.
type verdict struct {
	Accepted  json.RawMessage
	ClientKey string
	Refused   int
}

func (a *connectApp) accepts(t *testing.T, body string) {
	t.Helper()
	var v verdict
	a.event(&v)
	if v.Refused != 0 || v.ClientKey != clientKey || !sameStart(v.Accepted, body) {
		t.Errorf("the app tells %+v (%s); want %s", v, v.Accepted, body)
	}
}

// sameStart says whether a body is the one that was published, with members added at its end at most.
func sameStart(got json.RawMessage, published string) bool {
	return strings.HasPrefix(string(got), strings.TrimSuffix(published, "}"))
}

// TestConnectDelivery: the framework's own check of the JWT accepts deliveries, whatever is in their URLs.
func TestConnectDelivery(t *testing.T) {
	for _, c := range []struct{ name, basePath, path, event, body string }{
		{"plain", "", "/issue-created", "jira:issue_created", issueCreated},
		{"query", "", "/issue-created?who=J%C3%BCrgen+K&b=2&b=1&B=%26&empty&tail=~!'()*", "jira:issue_created", issueCreated},
		{"ampersand", "", "/issues&more/updated", "jira:issue_updated", issueUpdated},
		{"ampersand and query", "", "/issues&more/updated?a=b&c=d,e", "jira:issue_updated", issueUpdated},
		{"slash at the end", "", "/issue-created/?x", "jira:issue_created", issueCreated},
		{"base path", "/deep/app", "/issue-created?x=1", "jira:issue_created", issueCreated},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := newConnectApp(t, c.basePath, sharedSecret)
			a.register(c.path, c.event)
			a.site.publish("", c.body)
			a.accepts(t, c.body)
		})
	}
}

// TestMigrationDelivery is the same for events of the App Migration Platform.
func TestMigrationDelivery(t *testing.T) {
	for _, c := range []struct{ name, basePath, path string }{
		{"plain", "", "/migration"},
		{"query", "", "/migration?region=EU&a=%26&a"},
		{"ampersand", "", "/migration&more/events"},
		{"ampersand and query", "", "/migration&more/events?a=b&c=d,e"},
		{"base path", "/deep/app", "/migration?x=1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := newConnectApp(t, c.basePath, sharedSecret)
			a.migrate(t, c.path)
			a.site.publish("/migration", uploaded)
			a.accepts(t, uploaded)
		})
	}
}

func (a *connectApp) migrate(t *testing.T, path string) {
	t.Helper()
	var set struct{ Endpoints []string }
	a.call("put", "/rest/atlassian-connect/1/migration/webhook", map[string]any{"endpoints": []string{a.base + path}}, &set)
	if len(set.Endpoints) != 1 || set.Endpoints[0] != a.base+path {
		t.Fatalf("the set is %+v", set)
	}
}

// TestWrongSecret: what another secret has signed is refused.
func TestWrongSecret(t *testing.T) {
	const other = "a secret that is not the app's"
	for name, send := range map[string]func(*connectApp){
		"dynamic webhook": func(a *connectApp) {
			a.register("/issue-created", "jira:issue_created")
			a.site.publish("", issueCreated)
		},
		"migration": func(a *connectApp) {
			a.migrate(t, "/migration")
			a.site.publish("/migration", uploaded)
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := newConnectApp(t, "", other)
			send(a)
			var v verdict
			if a.event(&v); v.Refused != 400 || v.Accepted != nil {
				t.Errorf("the app tells %+v", v)
			}
		})
	}
}

// TestConnectToken: a Connect app that calls by jira.js gets deliveries whose tokens atlassian-jwt takes for the site's,
// for three minutes, and for the URL that they came to.
func TestConnectToken(t *testing.T) {
	const hook = "/app/in%20box/?b=2&b=10&a=x+y"
	s, r := newSite(t), newReceiver(t, 200)
	s.putApp(appKey, app{Issuer: clientKey, BaseURL: r.url + "/app", Secrets: []string{sharedSecret}})
	newJiraJS(t, 3, s.url, map[string]any{
		"jwt": map[string]any{"issuer": appKey, "secret": sharedSecret, "expiryTimeSeconds": 180},
	}).register(r.url+hook, webhook{"project = EX", []string{"jira:issue_created"}})
	s.publish("", issueCreated)
	got := r.next()

	token, _ := strings.CutPrefix(got.header.Get("Authorization"), "JWT ")
	verify := start(t, "verify.mjs", nil)
	for target, bound := range map[string]bool{hook: true, strings.Replace(hook, "b=2", "b=3", 1): false} {
		var answer struct {
			Claims struct {
				Iss      string
				Iat, Exp int64
			}
			Bound bool
		}
		verify.ask(map[string]any{
			"verifier": "atlassian", "token": token, "secret": sharedSecret, "method": "POST", "url": target, "baseUrl": r.url + "/app",
		}, &answer)
		if answer.Bound != bound || answer.Claims.Iss != clientKey || answer.Claims.Exp-answer.Claims.Iat != 180 {
			t.Errorf("for %s the token has %+v", target, answer)
		}
	}
	if got.target != hook {
		t.Errorf("the request came to %s", got.target)
	}
}
