package migration_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"hookline/engine/flavor"
	"hookline/engine/flavor/flavortest"
	"hookline/engine/flavor/jira"
	"hookline/engine/flavor/migration"
	"hookline/engine/sign"
	"hookline/engine/webhook"
)

// Credentials of the tenants that a house has: acme with the Connect apps mover and other, which have secrets,
// the Connect app bare, which has none, and the OAuth app mobile; and rival with a mover of its own.
const (
	tokenMover  = "token of app mover in acme"
	tokenOther  = "token of app other in acme"
	tokenBare   = "token of app bare in acme"
	tokenMobile = "token of user anna of app mobile"
	tokenAcme   = flavortest.TokenAcme
	tokenRival  = flavortest.TokenRival
	tokenMoverR = "token of app mover in rival"
	tokenAdmin  = flavortest.TokenAdmin

	secretMover, oldMover = "secret of mover in acme", "secret that mover had before"
	secretOther           = "secret of other in acme"
	secretMobile          = "secret of mobile in acme"
	secretMoverR          = "secret of mover in rival"

	clientKey = "client key of acme"
)

// hook is the path of the API below a tenant.
const hook = "/rest/atlassian-connect/1/migration/webhook"

type house struct{ *flavortest.House }

type (
	answer   = flavortest.Answer
	received = flavortest.Received
)

func newHouse(t testing.TB, o migration.Options) *house {
	t.Helper()
	migrations := migration.New(o)
	h := &house{flavortest.Open(t, flavortest.Options{
		Flavors: []flavor.Flavor{jira.NewDynamic(jira.DynamicOptions{}), migrations, migrations.Descriptor()},
	})}
	h.PutApp(webhook.App{Tenant: "acme", Key: "mover", BaseURL: "https://mover.example/base", Issuer: clientKey, Tokens: token(tokenMover, "")}, secretMover, oldMover)
	h.PutApp(webhook.App{Tenant: "acme", Key: "other", Issuer: clientKey, Tokens: token(tokenOther, "")}, secretOther)
	h.PutApp(webhook.App{Tenant: "acme", Key: "bare", Tokens: token(tokenBare, "")})
	h.PutApp(webhook.App{Tenant: "acme", Key: "mobile", Kind: webhook.OAuth, Issuer: "mobile", Tokens: token(tokenMobile, "anna")}, secretMobile)
	h.PutApp(webhook.App{Tenant: "rival", Key: "mover", Issuer: "client key of rival", Tokens: token(tokenMoverR, "")}, secretMoverR)
	return h
}

func token(token, user string) []webhook.AppToken {
	return []webhook.AppToken{flavortest.Token(token, user)}
}

// in returns the house for use in another test, as that of a fuzz target.
func (h *house) in(t testing.TB) *house { return &house{h.In(t)} }

// do sends one request; credentials are the value of Authorization.
func (h *house) do(method, path, credentials, body string) answer {
	h.T.Helper()
	return h.send(method, path, credentials, body, "")
}

func (h *house) send(method, path, credentials, body, host string) answer {
	h.T.Helper()
	return h.Send(flavortest.Request{Method: method, Path: path, Authorization: credentials, Body: body, Host: host})
}

// wantError fails the test unless the answer is an error in the system's form that says a text.
func (h *house) wantError(a answer, status int, text string) {
	h.T.Helper()
	var got struct {
		Message string `json:"message"`
		Status  int    `json:"statusCode"`
	}
	dec := json.NewDecoder(strings.NewReader(a.Body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&got); err != nil || a.Status != status || got.Status != status || got.Message == "" || !strings.Contains(got.Message, text) {
		h.T.Errorf("the answer is %d %s (%v)\nwant %d %q", a.Status, a.Body, err, status, text)
	}
}

// jwt makes the credentials of a Connect app for one request.
func jwt(issuer, secret, method, target string) string {
	return jwtAt(time.Now(), issuer, secret, sign.Request{Method: method, URL: target})
}

func jwtAt(now time.Time, issuer, secret string, r sign.Request) string {
	token, err := sign.Connect(sign.Claims{Issuer: issuer}, r, sign.NewSecret(secret), now)
	if err != nil {
		panic(err)
	}
	return "JWT " + token
}

func set(urls ...string) string {
	var text strings.Builder
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(map[string]any{"endpoints": append([]string{}, urls...)}) // strings can be encoded
	return strings.TrimSuffix(text.String(), "\n")
}

// register replaces the URLs of app mover in acme.
func (h *house) register(urls ...string) {
	h.T.Helper()
	h.Want(h.do("PUT", "/t/acme"+hook, jwt("mover", secretMover, "PUT", hook), set(urls...)), 200, set(urls...))
}

// publish sends an event of acme and returns how many webhooks it matched.
func (h *house) publish(body string) int {
	h.T.Helper()
	a := h.do("POST", "/t/acme/v1/events/migration", "Bearer "+tokenAcme, body)
	var got struct {
		Matched    int `json:"matched"`
		Deliveries int `json:"deliveries"`
	}
	if err := json.Unmarshal([]byte(a.Body), &got); err != nil || a.Status != 202 || got.Matched != got.Deliveries {
		h.T.Fatalf("the event is answered %d %s", a.Status, a.Body)
	}
	return got.Matched
}
