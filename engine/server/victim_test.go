package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"hookline/engine/config"
	"hookline/engine/flavor/flavortest"
	"hookline/engine/server"
	"hookline/engine/sign"
	"hookline/engine/webhook"
)

// marker is in everything that acme's webhooks, apps and events say: where it comes up in an answer, something of acme
// has been read.
const marker = "s3ntinel"

// Credentials of apps and users in acme and rival, for the tests about who may do what.
const (
	secretCI, secretRival = "the secret of app ci in acme", "the secret of app ci in rival"
	tokenAnna             = "token of anna, who uses mobile in acme"
	tokenCarl             = "token of carl, who uses mobile in rival"
	tokenOther            = "token of app other in acme"
)

// victim is an installation as a process has it, with all flavours, whose tenant acme has webhooks of every kind and
// deliveries that failed.
type victim struct {
	*house
	ids []string // what paths can name: webhooks of every flavour, and a delivery
	got <-chan flavortest.Received
}

func newVictim(t testing.TB) *victim {
	t.Helper()
	c := config.Default()
	c.AllowHTTP, c.Jira.Patch, c.Jira.Waits = true, true, []time.Duration{time.Millisecond}
	v := &victim{house: &house{House: flavortest.Open(t, flavortest.Options{
		Flavors: c.Engine().Flavors,
		Server:  func(o *server.Options) { o.BackupDir = filepath.Join(t.TempDir(), "backups") },
	})}}
	v.apps()
	url, got := flavortest.Receiver(t, flavortest.InTurn(503, 503))
	url, v.got = url+"/"+marker, got
	own := func(token, method, path, body string) answer {
		a := v.Send(request{Method: method, Path: path, Token: token, Body: body})
		if a.Status > 299 || strings.Contains(a.Body, `"errors":["`) {
			t.Fatalf("%s %s is answered %d %s", method, path, a.Status, a.Body)
		}
		return a
	}
	dynamic := fmt.Sprintf(`{"url":%q,"webhooks":[{"jqlFilter":"project = %s","events":["jira:issue_updated"]}]}`, url, marker)
	own(tokenCI, "POST", "/t/acme/rest/api/3/webhook", dynamic)
	own(tokenAnna, "POST", "/t/acme/rest/api/3/webhook", strings.Replace(dynamic, "project = ", "project != ", 1))
	own(tokenAcme, "POST", "/t/acme/rest/webhooks/1.0/webhook", fmt.Sprintf(`{"name":%q,"url":%q,"secret":%[1]q,"jqlFilter":"project = other"}`, marker, url))
	own(tokenAcme, "POST", "/t/acme/migrations/v3/webhook", fmt.Sprintf(`{"endpoint":%q,"authToken":%q,"subscriber":%[2]q}`, url, marker))
	own(tokenCI, "PUT", "/t/acme/rest/atlassian-connect/1/migration/webhook", fmt.Sprintf(`{"endpoints":[%q]}`, url))
	own(tokenAdmin, "PUT", "/v1/tenants/acme/apps/ci/descriptor", descriptor)
	own(tokenAcme, "PUT", webhooksPath+"/1000/signing/standard", "")
	for _, w := range v.webhooks() {
		v.ids = append(v.ids, fmt.Sprint(w.ID))
	}
	own(tokenAcme, "POST", eventsPath, strings.Replace(event, `{"key":"A"}`, fmt.Sprintf(`{"key":%q}`, marker), 1))
	v.ids = append(v.ids, (<-got).Header.Get("X-Atlassian-Webhook-Identifier"))
	<-got
	v.Eventually("the delivery is given up", func() bool { return v.Engine.Queue().Stats().Dead == 1 })
	v.Eventually("the failure is listed", func() bool {
		return strings.Contains(own(tokenCI, "GET", "/t/acme/rest/api/3/webhook/failed", "").Body, marker)
	})
	v.replay(own(tokenAcme, "POST", "/t/acme/v1/replays", nothingAgain))
	return v
}

// replay adds one that has been started, once it has ended.
func (v *victim) replay(started answer) {
	v.T.Helper()
	var r struct{ ID string }
	if err := json.Unmarshal([]byte(started.Body), &r); err != nil {
		v.T.Fatal(err)
	}
	v.ids = append(v.ids, r.ID)
	v.Eventually("the replay is over", func() bool {
		r, err := v.Engine.Replay("acme", r.ID)
		return err == nil && r.State == webhook.ReplayDone
	})
}

func (v *victim) webhooks() []*webhook.Webhook {
	v.T.Helper()
	all, err := v.Engine.Registry().All("acme")
	if err != nil {
		v.T.Fatal(err)
	}
	return all
}

func (v *victim) apps() {
	one := func(token, user string) []webhook.AppToken { return []webhook.AppToken{flavortest.Token(token, user)} }
	v.PutApp(webhook.App{Tenant: "acme", Key: "ci", Issuer: marker, Tokens: one(tokenCI, "")}, secretCI)
	v.PutApp(webhook.App{Tenant: "acme", Key: "mobile", Kind: webhook.OAuth, Tokens: one(tokenAnna, "anna")})
	v.PutApp(webhook.App{Tenant: "acme", Key: "other", Tokens: one(tokenOther, "")})
	v.PutApp(webhook.App{Tenant: "rival", Key: "ci", Tokens: one(tokenBot, "")}, secretRival)
	v.PutApp(webhook.App{Tenant: "rival", Key: "mobile", Kind: webhook.OAuth, Tokens: one(tokenCarl, "carl")})
}

// memory is how much an index takes. It depends on how the index came to hold what it holds.
var memory = regexp.MustCompile(`"bytes":\d+,`)

// dump is everything there is of acme: what is stored, and what its own programs are answered. What app other has made
// is taken away before.
func (v *victim) dump() string {
	v.T.Helper()
	if err := v.Engine.DeleteApp(v.T.Context(), "acme", "other"); err != nil {
		v.T.Fatal(err)
	}
	v.PutApp(webhook.App{Tenant: "acme", Key: "other", Tokens: []webhook.AppToken{flavortest.Token(tokenOther, "")}})
	registry := v.Engine.Registry()
	tenant, _ := registry.Tenant("acme")
	all := []any{tenant, registry.Apps("acme")}
	for _, w := range v.webhooks() {
		endpoint, _ := registry.Endpoint(w.Endpoint)
		all = append(all, w, endpoint)
	}
	tenants, _ := v.Server.Routes()
	for _, r := range tenants {
		if r.Method != http.MethodGet {
			continue
		}
		for _, path := range v.paths(r) {
			for _, token := range []string{tokenCI, tokenAcme} {
				body := v.Send(request{Method: r.Method, Path: "/t/acme" + path, Token: token}).Body
				all = append(all, memory.ReplaceAllString(body, ""))
			}
		}
	}
	text, err := json.MarshalIndent(append(all, len(v.got)), "", " ")
	if err != nil {
		v.T.Fatal(err)
	}
	return string(text)
}

// bodies are what one route or another takes. A route that is new and takes none of them gets one here.
var bodies = []string{
	``, `{}`, event,
	`{"url":"http://127.0.0.1:1/","webhooks":[{"jqlFilter":"project = A","events":["jira:issue_updated"]}]}`,
	`{"webhookIds":[1000,1001,1002,1003,1004]}`,
	`{"jqlFilter":"project = TAKEN"}`,
	`{"name":"taken","url":"http://127.0.0.1:1/"}`,
	`{"endpoints":["http://127.0.0.1:1/"]}`,
	`{"endpoint":"http://127.0.0.1:1/","authToken":"t","subscriber":"taken"}`,
	`{"isEnabled":false}`,
	`{"jql":"project = A"}`,
	`{"jql":"project = A","event":` + event + `}`,
	`{"eventType":"x","cloudAppKey":"ci","transferId":"t","migrationDetails":{}}`,
	`{"tags":{"webhookSubscriber":"none"},"record":{"status":"Success"}}`,
	`{"tokens":[]}`,
	descriptor,
	`{"status":"dead","reason":"gone"}`,
	`{"items":[{"workflow":"w","transition":"t","webhook":1002}]}`,
	`{"tenant":"acme","host":"https://hooks.example:443"}`,
	`{"rate":7}`,
}

// nothingAgain is a replay of nothing, and names acme so that it can be told from those of others.
const nothingAgain = `{"status":"dead","reason":"gone","events":["s3ntinel"]}`

const descriptor = `{"key":"ci","name":"s3ntinel","baseUrl":"http://127.0.0.1:1","authentication":{"type":"jwt"},` +
	`"modules":{"webhooks":[{"event":"jira:issue_deleted","url":"/in"}]}}`

// parameters are what stands for the parameters of a path, by name.
func (v *victim) parameters() map[string][]string {
	return map[string][]string{
		"tenant": {"acme"}, "app": {"ci"}, "system": {"jira", "migration", "arcxp"}, "id": v.ids, "kind": {"standard"},
	}
}

// paths returns the paths of a route, with each of acme's own in the place of its parameters.
func (v *victim) paths(r server.Route) []string {
	v.T.Helper()
	paths := []string{r.Path}
	for strings.Contains(paths[0], "{") {
		_, rest, _ := strings.Cut(paths[0], "{")
		name, _, _ := strings.Cut(rest, "}")
		values := v.parameters()[name]
		if len(values) == 0 {
			v.T.Fatalf("%s %s has a parameter that this test knows no values for; add some of acme's", r.Method, r.Path)
		}
		var filled []string
		for _, path := range paths {
			for _, value := range values {
				filled = append(filled, strings.Replace(path, "{"+name+"}", value, 1))
			}
		}
		paths = filled
	}
	return paths
}

// attempts are bodies to send by a method.
func attempts(method string) []string {
	if method == http.MethodGet {
		return bodies[:1]
	}
	return bodies
}

// jwt is the Authorization of a Connect app for a request.
func jwt(issuer, secret, method, target string) string {
	token, err := sign.Connect(sign.Claims{Issuer: issuer}, sign.Request{Method: method, URL: target}, sign.NewSecret(secret), time.Now())
	if err != nil {
		panic(err)
	}
	return "JWT " + token
}
