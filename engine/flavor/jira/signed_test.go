package jira_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"hookline/engine/flavor/jira"
	"hookline/engine/sign"
	"hookline/engine/webhook"
)

const eventA = `{"timestamp":%d,"webhookEvent":"jira:issue_updated","issue":{"fields":{"project":{"key":"A"}}}}`

// verify checks the JWT of a delivery as a Connect app does: with its own base path, and the request as it came.
func verify(t *testing.T, r received, basePath string, secrets ...string) sign.Claims {
	t.Helper()
	scheme, text, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	token, err := sign.Parse(text)
	if scheme != "JWT" || err != nil {
		t.Fatalf("Authorization is %q (%v)", r.Header.Get("Authorization"), err)
	}
	var open []sign.Secret
	for _, s := range secrets {
		open = append(open, sign.NewSecret(s))
	}
	claims, err := token.Verify(sign.Request{Method: r.Method, URL: r.Target, BasePath: basePath}, time.Now(), open...)
	if err != nil {
		t.Fatalf("%s %s: %v", r.Method, r.Target, err)
	}
	return claims
}

// Every attempt has a JWT of its own that a Connect app verifies, whatever the URL looks like.
func TestConnectDelivery(t *testing.T) {
	t.Parallel()
	for _, x := range []struct{ base, basePath, target, issuer, want string }{
		{"", "", "/in?x=1&a=%20b&a=B&jwt=ours", "", "acme"},
		{"/app", "/app", "/app/in&out/%26?user=a%26b&user=c", "client-key", "client-key"},
		{"/app/", "/app", "/app", "client-key", "client-key"},
		{"/", "", "/in/?", "", "acme"},
		{"/a%2Fb", "/a%2Fb", "/a%2Fb/c%20d/", "", "acme"},
	} {
		t.Run(x.target, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, jira.DynamicOptions{PlainHTTP: true, Policy: quick(2)})
			url, got := receiver(t, 503, 500)
			a := webhook.App{Tenant: "acme", Key: "ci", Issuer: x.issuer, Tokens: []webhook.AppToken{{Hash: webhook.HashToken(tokenCI)}}}
			if x.base != "" {
				a.BaseURL = url + x.base
			}
			h.PutApp(a, secretSigner, secretOld)
			if _, errs := h.register(tokenCI, url+x.target, "project = A"); len(errs) > 0 {
				t.Fatal(errs)
			}
			h.publish(fmt.Sprintf(eventA, 1), nil)
			for range 3 {
				r := <-got
				if r.Target != x.target {
					t.Errorf("the target is %s", r.Target)
				}
				if c := verify(t, r, x.basePath, "another secret of the app", secretSigner); c.Issuer != x.want || c.Subject != "" || len(c.Audience) > 0 {
					t.Errorf("claims %+v; want issuer %q and no more", c, x.want)
				}
				if r.Header.Get("X-Hub-Signature") != "" {
					t.Error("a dynamic webhook has no hub signature")
				}
			}
		})
	}
}

// The token is for the request that it came with.
func TestConnectDeliveryBound(t *testing.T) {
	t.Parallel()
	h := newHouse(t, jira.DynamicOptions{PlainHTTP: true})
	h.PutApp(webhook.App{Tenant: "acme", Key: "ci", Tokens: []webhook.AppToken{{Hash: webhook.HashToken(tokenCI)}}}, secretSigner)
	url, got := receiver(t)
	h.register(tokenCI, url+"/in?a=1", "project = A")
	h.publish(fmt.Sprintf(eventA, 1), nil)
	r := <-got
	token, err := sign.Parse(strings.TrimPrefix(r.Header.Get("Authorization"), "JWT "))
	if err != nil {
		t.Fatal(err)
	}
	for _, other := range []sign.Request{{Method: "GET", URL: "/in?a=1"}, {Method: "POST", URL: "/in"}, {Method: "POST", URL: "/in?a=2"}} {
		if _, err := token.Verify(other, time.Now(), sign.NewSecret(secretSigner)); err == nil {
			t.Errorf("the token is good for %+v as well", other)
		}
	}
	if _, err := token.Verify(sign.Request{Method: "POST", URL: "/in?a=1"}, time.Now().Add(sign.Lifetime+sign.Skew+2*time.Second), sign.NewSecret(secretSigner)); err == nil {
		t.Error("the token does not expire")
	}
}

// An OAuth app's token is signed with the client secret and bound to no request.
func TestOAuthDelivery(t *testing.T) {
	t.Parallel()
	for issuer, want := range map[string]string{"client-id": "client-id", "": "mobile"} {
		h := newHouse(t, jira.DynamicOptions{PlainHTTP: true, Policy: quick(1)})
		h.PutApp(webhook.App{Tenant: "acme", Key: "mobile", Kind: webhook.OAuth, Issuer: issuer, Tokens: []webhook.AppToken{
			{Hash: webhook.HashToken(tokenAnna), User: "anna"},
		}}, secretMobile)
		url, got := receiver(t, 503)
		h.register(tokenAnna, url+"/in?a=1", "project = A")
		h.publish(fmt.Sprintf(eventA, 1), nil)
		for range 2 {
			r := <-got
			text, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
			token, err := sign.Parse(text)
			if !ok || err != nil || token.Issuer() != want {
				t.Fatalf("Authorization is %q (%v)", r.Header.Get("Authorization"), err)
			}
			// There is no qsh, which is what is checked after the signature and the times.
			if _, err := token.Verify(sign.Request{}, time.Now(), sign.NewSecret(secretMobile)); err == nil || err != sign.ErrRequest {
				t.Errorf("the token is checked with %v; want %v", err, sign.ErrRequest)
			}
			if _, err := token.Verify(sign.Request{}, time.Now(), sign.NewSecret(secretSigner)); err != sign.ErrSignature {
				t.Errorf("with another secret: %v", err)
			}
		}
	}
}

// A secret is changed without a pause: the first of the list signs from the next attempt on.
func TestRotation(t *testing.T) {
	t.Parallel()
	h := newHouse(t, jira.DynamicOptions{PlainHTTP: true})
	url, got := receiver(t)
	a := webhook.App{Tenant: "acme", Key: "ci", Tokens: []webhook.AppToken{{Hash: webhook.HashToken(tokenCI)}}}
	h.register(tokenCI, url, "project = A")
	for i, secrets := range [][]string{{secretOld}, {secretSigner, secretOld}, {secretSigner}, nil} {
		h.PutApp(a, secrets...)
		h.publish(fmt.Sprintf(eventA, i), nil)
		r := <-got
		if secrets == nil {
			if r.Header.Get("Authorization") != "" {
				t.Errorf("an app without a secret gets %q", r.Header.Get("Authorization"))
			}
			continue
		}
		verify(t, r, "", secrets[0])
	}
}

// What cannot be signed is not sent at all, and what comes after it is.
func TestSecretLost(t *testing.T) {
	t.Parallel()
	h := newHouse(t, jira.DynamicOptions{PlainHTTP: true})
	url, got := receiver(t)
	a := webhook.App{Tenant: "acme", Key: "ci", Tokens: []webhook.AppToken{{Hash: webhook.HashToken(tokenCI)}}}
	h.register(tokenCI, url, "project = A")
	lost := a
	lost.Secrets = []string{"not sealed"}
	h.PutApp(lost)
	h.publish(fmt.Sprintf(eventA, 1), nil)
	for h.Engine.Queue().Stats().Dead == 0 {
		if err := h.Engine.Queue().Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	h.PutApp(a, secretSigner)
	h.publish(fmt.Sprintf(eventA, 2), nil)
	if r := <-got; !strings.Contains(r.Body, `"timestamp":2,`) {
		t.Errorf("the body is %s", r.Body)
	}
}
