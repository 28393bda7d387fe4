package flavor

import (
	"errors"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"hookline/engine/registry"
	"hookline/engine/sign"
	"hookline/engine/webhook"
)

// Why a request is nobody's that an API is for; see [Call.Caller]. Beside them there is [*RefusedError].
var (
	ErrNoCredentials = errors.New("no credentials")
	ErrNotApp        = errors.New("the token is no app's") // but the tenant's own, or the installation's
)

// RefusedError says that credentials are not accepted. Problem is a sentence for the client, and repeats nothing of
// them.
type RefusedError struct{ Scheme, Problem string }

func (e *RefusedError) Error() string { return e.Problem }

// Caller returns the app that a request comes from: the one whose bearer token it has, or the Connect app that signed
// its JWT (Authorization: JWT). Errors: [ErrNoCredentials], [ErrNotApp], [*RefusedError], or that the app's
// secrets cannot be opened.
//
// A JWT's issuer is the key of the app, and its qsh is for the method, path and query as they were sent. The path may
// be hashed whole or without the part that addresses the tenant, since either may be what the client takes for its base
// URL. A JWT can be used again for the same request until it expires.
func (c *Call) Caller() (registry.Caller, error) {
	scheme, token, _ := strings.Cut(string(c.HTTP.Request.Header.Peek("Authorization")), " ")
	token = strings.TrimSpace(token)
	switch {
	case strings.EqualFold(scheme, "JWT"):
		return c.connect(token)
	case !strings.EqualFold(scheme, "Bearer") || token == "":
		return registry.Caller{}, ErrNoCredentials
	}
	caller, ok := c.Registry.Authenticate(c.Tenant.ID, token)
	switch {
	case ok:
		return caller, nil
	case c.Admin || c.Tenant.Admits(token):
		return registry.Caller{}, ErrNotApp
	}
	return registry.Caller{}, &RefusedError{Scheme: "Bearer", Problem: "The token is not known in this tenant."}
}

func (c *Call) connect(text string) (registry.Caller, error) {
	token, err := sign.Parse(text)
	if err != nil {
		return registry.Caller{}, refusedJWT("The JWT cannot be read: three parts of base64url are expected, signed by HS256 and with an issuer.")
	}
	app, ok := c.Registry.App(c.Tenant.ID, token.Issuer())
	if !ok || app.Kind != webhook.Connect {
		return registry.Caller{}, refusedJWT(notSigned)
	}
	secrets, err := Secrets(app, c.Keys)
	if err != nil {
		return registry.Caller{}, err
	}
	if err := c.verify(token, secrets); err != nil {
		return registry.Caller{}, err
	}
	return registry.Caller{App: app, Owner: webhook.Owner{Tenant: app.Tenant, App: app.Key}}, nil
}

// notSigned is the same whether the app is unknown, is no Connect app, or has another secret: who does not know a
// secret is to learn nothing of the apps.
const notSigned = "The JWT is not signed by a Connect app of this tenant."

func refusedJWT(problem string) error { return &RefusedError{Scheme: "JWT", Problem: problem} }

func (c *Call) verify(token *sign.Token, secrets []sign.Secret) error {
	header := &c.HTTP.Request.Header
	prefix, _ := c.HTTP.UserValue(PrefixKey).(string)
	r := sign.Request{Method: string(header.Method()), URL: string(header.RequestURI())}
	now := time.Now()
	_, err := token.Verify(r, now, secrets...)
	if errors.Is(err, sign.ErrRequest) && prefix != "" {
		r.BasePath = prefix
		_, err = token.Verify(r, now, secrets...)
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sign.ErrExpired):
		return refusedJWT("The JWT has expired.")
	case errors.Is(err, sign.ErrNotYet):
		return refusedJWT("The JWT is of the future.")
	case errors.Is(err, sign.ErrContext):
		return refusedJWT("The JWT is for a browser context, and for no request.")
	case errors.Is(err, sign.ErrRequest):
		return refusedJWT("The JWT is for another request: its qsh is not the hash of " + r.Canonical())
	case errors.Is(err, sign.ErrMalformed):
		return refusedJWT("The JWT never expires, or its claims cannot be read.")
	}
	return refusedJWT(notSigned)
}

// Challenge answers a refusal in the header that goes with 401.
func Challenge(ctx *fasthttp.RequestCtx, err error) {
	challenge := "Bearer"
	var refused *RefusedError
	if errors.As(err, &refused) {
		challenge = refused.Scheme + ` error="invalid_token"`
	}
	ctx.Response.Header.Set("WWW-Authenticate", challenge)
}
